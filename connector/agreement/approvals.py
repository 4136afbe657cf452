"""
Who signed which meaning of the agreement, and whether that is enough to follow it.

Marketing and sales sign the definitions, the administrator signs the wiring to one CRM. A signature belongs to a
fingerprint: change a rule and the new meaning is unsigned, change a comment and nothing happens. One side alone may
sign in an emergency; for five days that stands in for the other side, and it is shown everywhere until both signed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from connector.agreement.words import fold

Side = Literal["marketing", "sales", "admin"]

SIDES: tuple[Side, ...] = get_args(Side)

#: The two sides of the definitions; the wiring has only one.
BOTH: tuple[Side, Side] = ("marketing", "sales")

#: How long the word of one side alone is enough.
EMERGENCY = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Approval:
    """One signature: this person, for this side, under this fingerprint."""

    side: Side
    name: str
    at: datetime
    fingerprint: str  # of the definitions; of the wiring where the administrator signs
    version: str = ""
    crm: str = ""  # whose wiring the administrator signed
    emergency: bool = False
    why: str = ""
    files: str = ""  # digest of the files as they were signed


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the signatures stand. `missing` names the sides that have still to sign, also while an emergency holds."""

    signed: bool  # enough to write by, at this instant
    missing: tuple[Side, ...] = ()
    emergency_until: datetime | None = None  # one side's word alone holds until then, or held
    by: tuple[Approval, ...] = ()  # the signatures that count, in the order of SIDES

    @property
    def emergency(self) -> Approval | None:
        """The signature that stands in for the other side now."""
        if not self.signed or self.emergency_until is None:
            return None
        return next((one for one in self.by if one.emergency), None)


def standing(approvals: Sequence[Approval], definitions: str, wiring: str, as_of: datetime) -> Standing:
    """Whether the meaning with these two fingerprints is signed at this instant, and by whom."""
    signed = _of_definitions(approvals, definitions)
    admin = [one for one in approvals if one.side == "admin" and one.fingerprint == wiring]
    missing: list[Side] = [side for side in BOTH if side not in {one.side for one in signed}]
    begun = _emergency_since(approvals, definitions) if missing else None
    until = None if begun is None else begun + EMERGENCY
    held = begun is not None and begun <= as_of < begun + EMERGENCY
    if not admin:
        missing.append("admin")
    enough = bool(admin) and (held or not set(missing) & set(BOTH))
    return Standing(enough, tuple(missing), until, (*signed, *admin[:1]))


def _of_definitions(approvals: Sequence[Approval], definitions: str) -> list[Approval]:
    """The signatures of marketing and sales that count: one a side, and never one person for both."""
    mine = [one for one in approvals if one.side in BOTH and one.fingerprint == definitions]
    sides = [[one for one in mine if one.side == side] for side in BOTH]
    for marketing in sides[0]:
        for sales in sides[1]:
            if not same_person(marketing.name, sales.name):
                return [marketing, sales]
    # Whoever signed both sides has signed one of them only.
    return sorted(mine, key=lambda one: not one.emergency)[:1]


def _emergency_since(approvals: Sequence[Approval], definitions: str) -> datetime | None:
    """The first emergency under these definitions: signing another time does not make it longer."""
    begun = (one.at for one in approvals if one.emergency and one.fingerprint == definitions and one.side in BOTH)
    return min(begun, default=None)


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, however they are typed: case, accents, spaces and dots do not count."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return fold(name).replace(" ", "")


def may_sign(name: str, side: Side, signers: Mapping[str, Sequence[str]]) -> bool:
    """Whether [approvals] of agreement.toml lets this person sign for this side; a side without names: anybody."""
    allowed = [each for each in signers.get(side, ()) if each.strip()]
    return not allowed or any(same_person(name, each) for each in allowed)


def already(approvals: Sequence[Approval], side: Side, fingerprint: str) -> Approval | None:
    """The signature by which this side has signed this fingerprint before."""
    return next((one for one in approvals if one.side == side and one.fingerprint == fingerprint), None)


def other_side(approvals: Sequence[Approval], side: Side, fingerprint: str, name: str) -> Approval | None:
    """The signature that this person has given for the other side of the same definitions."""
    if side not in BOTH:
        return None
    others = [one for one in approvals if one.side in BOTH and one.side != side and one.fingerprint == fingerprint]
    return next((one for one in others if same_person(one.name, name)), None)


def last_signed(approvals: Sequence[Approval], *, but: str = "") -> str | None:
    """The fingerprint of the definitions that both sides signed last, leaving out one; else the one that a side alone
    signed last."""
    found: dict[str, datetime] = {}
    half: dict[str, datetime] = {}
    for fingerprint in dict.fromkeys(one.fingerprint for one in approvals if one.side in BOTH):
        if fingerprint != but:
            signed = _of_definitions(approvals, fingerprint)
            (found if len(signed) == len(BOTH) else half)[fingerprint] = max(one.at for one in signed)
    latest = found or half
    # Of two that bear the same second the one that stands further down was signed later.
    return max(reversed(latest), key=lambda each: latest[each]) if latest else None


def last_wiring(approvals: Sequence[Approval], crm: str, *, but: str = "") -> str | None:
    """The fingerprint of the wiring to this CRM that the administrator signed last, leaving out one."""
    mine = [one for one in approvals if one.side == "admin" and one.crm == crm and one.fingerprint != but]
    return max(reversed(mine), key=lambda one: one.at).fingerprint if mine else None
