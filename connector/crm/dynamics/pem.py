"""The certificate that proves an app registration: a key in a PEM file, and what `msal` wants to know of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from connector.errors import Denied


@dataclass(frozen=True, slots=True)
class Certificate:
    """A key that proves the app, in a PEM file together with its certificate, or with the `thumbprint` of it. File and
    `passphrase` are read anew for each fetch."""

    path: Path
    thumbprint: str | None = None
    passphrase: Callable[[], str] | None = None


def pem_of(certificate: Certificate, where: str) -> dict[str, str]:
    """What msal wants to know of a certificate. Raises Denied, which names the setting `where` and what to mend."""
    try:
        text = certificate.path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Denied(f"{where}: {certificate.path} cannot be read: {why}. It must be a PEM file.", code="app") from None
    keys, certificates = _blocks(text, r"(?:[A-Z]+ )?PRIVATE KEY"), _blocks(text, "CERTIFICATE")
    if not keys or not (certificates or certificate.thumbprint):
        lacks = "private key" if not keys else "certificate beside the key, and thumbprint is not set"
        raise Denied(f"{where}: {certificate.path} holds no {lacks}. Write both into one PEM file.", code="app")
    passphrase = certificate.passphrase() if certificate.passphrase else None
    _prove_readable(keys[0], passphrase, certificate.path, where)
    proof = {"private_key": keys[0]}
    if certificate.thumbprint:
        proof["thumbprint"] = certificate.thumbprint
    else:
        proof["public_certificate"] = certificates[0]
    return proof | ({"passphrase": passphrase} if passphrase else {})


def _blocks(text: str, kind: str) -> list[str]:
    return [found[0] for found in re.finditer(f"-----BEGIN ({kind})-----.*?-----END \\1-----", text, re.DOTALL)]


def _prove_readable(key: str, passphrase: str | None, path: Path, where: str) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - as msal

    try:
        load_pem_private_key(key.encode(), passphrase.encode() if passphrase else None)
    except (ValueError, TypeError):
        what = "cannot be opened: its passphrase is missing, wrong, or the key has none (certificate.passphrase)."
        raise Denied(f"{where}: the key in {path} {what}", code="app") from None
