"""
Signatures on disk: approvals.toml beside the rules, and under signed/ a copy of the files as they were signed.

approvals.toml is written by `connector agreement approve`, one [[approval]] per signature, and is reviewed like code.
What stands there already is kept byte for byte. The copies let anybody see later what a signature was given for.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

from pydantic import ValidationError

from connector.agreement.approvals import Approval
from connector.agreement.complaints import did_you_mean, wanted
from connector.agreement.saving import agreement_files, replace_files, unwritable
from connector.agreement.shapes.paper import ApprovalShape, ApprovalsShape
from connector.agreement.source import shown
from connector.errors import ConfigError, Problem
from connector.toml_file import TomlFile, parse_toml

FILE = "approvals.toml"
FOLDER = "signed"

_HEAD = """\
# Who signed which version of this agreement. Written by: connector agreement approve. Reviewed like code.
# A signature is for one meaning of the rules: its fingerprint. What was signed is kept under signed/FINGERPRINT.
"""
_MEND = (
    "Correct it, or take the file back from your version control; signatures are added by: connector agreement approve"
)


def read_approvals(folder: Path) -> tuple[Approval, ...]:
    """Every signature of the agreement in `folder`; none where nobody has signed. Raises ConfigError."""
    raw = _bytes(folder)
    return () if raw is None else _approvals(parse_toml(f"{shown(folder)}/{FILE}", raw))


def signed_folder(folder: Path, fingerprint: str) -> Path | None:
    """The files as they were signed under this fingerprint, where they were kept."""
    kept = folder / FOLDER / fingerprint
    return kept if kept.is_dir() else None


def unaltered(folder: Path, kept: Path, approvals: Sequence[Approval]) -> None:
    """Make sure that a kept copy is what the signatures were given for. Raises ConfigError where it was edited."""
    digests = {one.files for one in approvals if one.fingerprint == kept.name and one.files}
    if digests and digest_of(kept) not in digests:
        fix = "Take the folder back from your version control, or remove it; nobody has signed what it says now."
        place = f"{shown(folder)}/{FOLDER}/{kept.name}"
        raise ConfigError([Problem(place, "was changed after it had been signed.", fix)])


def digest_of(folder: Path) -> str:
    """A digest of the files of an agreement, the same whatever line endings they were checked out with."""
    told = hashlib.sha256()
    for path in agreement_files(folder):
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
        told.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return told.hexdigest()[:32]


def add_approval(folder: Path, approval: Approval) -> None:
    """Write one more signature after those that are there, whole or not at all. Raises ConfigError."""
    before = _bytes(folder)
    after = with_approval(before, approval)
    _approvals(parse_toml(f"{shown(folder)}/{FILE}", after))
    replace_files(folder, {FILE: after})


def with_approval(before: bytes | None, approval: Approval) -> bytes:
    """The file with one signature more, in the line endings it has."""
    text = (_HEAD if before is None else before.decode("utf-8")).rstrip()
    crlf = before is not None and b"\r\n" in before
    entry = _entry(approval)
    return f"{text}\n\n{entry}".replace("\r\n", "\n").replace("\n", "\r\n" if crlf else "\n").encode()


def _entry(one: Approval) -> str:
    meaning = "wiring" if one.side == "admin" else "definitions"
    lines = ["[[approval]]", f"side = {_text(one.side)}", f"name = {_text(one.name)}"]
    lines += [f"at = {one.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", f"{meaning} = {_text(one.fingerprint)}"]
    lines += [f"files = {_text(one.files)}"] if one.files else []
    lines += [f"version = {_text(one.version)}"] if one.version else []
    lines += [f"crm = {_text(one.crm)}"] if one.crm else []
    lines += ["emergency = true           # this side alone, for five days"] if one.emergency else []
    lines += [f"why = {_text(one.why)}"] if one.why else []
    return "\n".join(lines) + "\n"


def _text(said: str) -> str:
    """A basic string of TOML; JSON escapes the same letters but one."""
    return json.dumps(said, ensure_ascii=False).replace("\x7f", "\\u007f")


# -- reading -----------------------------------------------------------------------------------------------------------


def _bytes(folder: Path) -> bytes | None:
    try:
        return (folder / FILE).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        fix = "Check that you may read the file."
        raise ConfigError([Problem(f"{shown(folder)}/{FILE}", f"cannot be read: {error.strerror}.", fix)]) from error


def _approvals(file: TomlFile) -> tuple[Approval, ...]:
    try:
        shape = ApprovalsShape.model_validate(file.table)
    except ValidationError as error:
        raise ConfigError([_problem(file, dict(detail)) for detail in error.errors(include_url=False)]) from None
    problems = [
        Problem(file.place(("approval", number)), what, _MEND)
        for number, row in enumerate(shape.approval)
        if (what := _mistake(row)) is not None
    ]
    if problems:
        raise ConfigError(problems)
    return tuple(_approval(row) for row in shape.approval)


def _problem(file: TomlFile, detail: dict[str, object]) -> Problem:
    loc = detail["loc"]
    path: tuple[str | int, ...] = loc if isinstance(loc, tuple) else ()
    name = str(path[-1]) if path else ""
    if detail["type"] == "extra_forbidden":
        known = ApprovalsShape.model_fields if len(path) == 1 else ApprovalShape.model_fields
        return Problem(file.place(path), f'unknown key "{name}".', did_you_mean(name, known))
    if detail["type"] == "missing":
        return Problem(file.place(path), "is missing.", _MEND)
    return Problem(file.place(path), wanted(str(detail["type"]), str(detail["msg"])), _MEND)


def _mistake(row: ApprovalShape) -> str | None:
    """What a signature may not say."""
    signs, other = ("wiring", "definitions") if row.side == "admin" else ("definitions", "wiring")
    if not getattr(row, signs):
        return f"the signature of {row.side} names no fingerprint of the {signs}."
    if getattr(row, other):
        return f"{row.side} signs the {signs}, not the {other}."
    if row.emergency and row.side == "admin":
        return "an emergency is for marketing or sales; the administrator signs alone anyway."
    if row.emergency and not row.why.strip():
        return "an emergency says no why."
    return None


def _approval(row: ApprovalShape) -> Approval:
    fingerprint = row.wiring if row.side == "admin" else row.definitions
    return Approval(
        row.side, row.name, row.at, fingerprint or "", row.version, row.crm, row.emergency, row.why, row.files
    )


# -- writing -----------------------------------------------------------------------------------------------------------


def keep_signed(folder: Path, fingerprint: str) -> Path:
    """Keep a copy of the agreement's files under signed/FINGERPRINT, unless there is one. Raises ConfigError."""
    kept = folder / FOLDER / fingerprint
    if kept.is_dir():
        return kept
    unfinished = kept.with_name(f".{fingerprint}.{os.getpid()}.part")
    try:
        for path in agreement_files(folder):
            copy = unfinished / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
            copy.chmod(0o644)
        unfinished.replace(kept)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise unwritable(f"{shown(folder)}/{FOLDER}/{fingerprint}", error) from error
    return kept
