"""
What values of an app registration, and of the environment that it opens, may look like.

As connector.config.values: each function returns our type or raises `BadValueError` with a sentence for the operator.
"""

from __future__ import annotations

import re

from connector.config.values import BadValueError, split_url, web_address


def environment_address(value: str) -> str:
    """The address of an environment: nothing but its host, since all paths below it are the API's."""
    return _without_path(value, "Remove it: only the host names the environment; /api/data/... is added to it.")


def authority_address(value: str) -> str:
    """The address of the token service, without the tenant, which has a key of its own."""
    return _without_path(value, "Remove it: the tenant stands in tenant_id.")


def _without_path(value: str, fix: str) -> str:
    address = web_address(value)
    if split_url(address).path:
        raise BadValueError("holds a path.", fix)
    return address.lower()


def tenant(value: str) -> str:
    """The id of a tenant, or one of its domains: it becomes part of an address."""
    if value in {"common", "organizations", "consumers"}:
        raise BadValueError("names no tenant but all of them.", "An app signs in to one: copy its id from Entra.")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", value):
        raise BadValueError(
            "is no tenant's id.", 'Write the id from Entra, or a domain such as "contoso.onmicrosoft.com".'
        )
    return value


def thumbprint(value: str) -> str:
    """The SHA-1 thumbprint of a certificate, as Entra and Windows show it, without colons and blanks."""
    digits = re.sub(r"[\s:\u200e]", "", value)
    if not re.fullmatch(r"[0-9A-Fa-f]{40}", digits):
        raise BadValueError("is no thumbprint.", "Copy it from the app registration: forty hexadecimal digits (SHA-1).")
    return digits.upper()
