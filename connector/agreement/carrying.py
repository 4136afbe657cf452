"""
A new version of the program may count the same rules into another fingerprint. What was signed stays signed then.

Beside every signature stands a digest of the files it was given for. Where the kept copy still has it, and says today
what the agreement says, the signature is good for today's fingerprint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from connector.agreement.approvals import Approval, last_signed, last_wiring, standing
from connector.agreement.approvals_file import digest_of, read_approvals, signed_folder
from connector.agreement.load import load_agreement
from connector.agreement.terms import Agreement
from connector.errors import ConfigError


def approvals_of(folder: Path, agreement: Agreement, crm: str, language: str | None) -> tuple[Approval, ...]:
    """The signatures under this agreement, those that an older program counted otherwise included. Raises
    ConfigError."""
    approvals = read_approvals(folder)
    prints = agreement.fingerprint, agreement.wiring.fingerprint
    # Signed or not by the letter: at which instant does not matter, since a copy is never younger than its signature.
    if not approvals or not standing(approvals, *prints, max(one.at for one in approvals)).missing:
        return approvals
    today = {}
    for signed in {last_signed(approvals), last_wiring(approvals, crm)} - {None, *prints}:
        copy = _copy(folder, approvals, str(signed), crm, language)
        if copy is not None:
            today[signed] = copy
    return tuple(_carried(one, today.get(one.fingerprint), agreement) for one in approvals)


def _copy(folder: Path, approvals: Sequence[Approval], signed: str, crm: str, language: str | None) -> Agreement | None:
    """What was signed, as today's program reads it; None where the copy is gone, was touched, or does not load."""
    kept = signed_folder(folder, signed)
    files = {one.files for one in approvals if one.fingerprint == signed}
    if kept is None or files != {digest_of(kept)}:
        return None
    try:
        return load_agreement(kept, crm, language)
    except ConfigError:
        return None


def _carried(one: Approval, copy: Agreement | None, agreement: Agreement) -> Approval:
    """The signature under today's fingerprint, where what was signed is what is there."""
    if copy is None:
        return one
    if one.side == "admin":
        same, today = copy.wiring.fingerprint == agreement.wiring.fingerprint, agreement.wiring.fingerprint
    else:
        same, today = copy.fingerprint == agreement.fingerprint, agreement.fingerprint
    return replace(one, fingerprint=today) if same else one
