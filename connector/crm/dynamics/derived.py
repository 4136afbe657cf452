"""
Properties that no column holds by itself and the agreement needs: a call's outcome, how long it took, the stage of a
deal. Each is made of a few columns of its row, and is named in a mapping like a column of its own.

What a call came to is told by its state, its status and whether somebody spoke to a machine; an opportunity's stage
says nothing about whether it was won. Where the first of several columns that is filled says everything, the mapping
names them itself (`otherwise`), and nothing is derived. Sources: the table pages of phone call and opportunity of
Dynamics 365 Sales.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connector.crm import PropertyDefinition
from connector.crm.dynamics.values import plain

Row = Mapping[str, Any]

#: All opportunities stand in one line of stages.
PIPELINE = "default"

_OPEN, _DONE = 0, 1
_WON, _LOST = 1, 2
_ON_HOLD = 2
_RECEIVED = 4
_DISQUALIFIED = 2


@dataclass(frozen=True, slots=True)
class Derived:
    """One such property: the columns it is made of, how, and how it is described."""

    needs: tuple[str, ...]
    make: Callable[[Row], str | None]
    definition: PropertyDefinition


def _call_outcome(row: Row) -> str | None:
    """A call that left a message on a machine reached nobody; nor did one that lasted no minute at all."""
    state = row.get("statecode")
    if state != _DONE:
        return "open" if state == _OPEN else "canceled"
    if row.get("statuscode") == _RECEIVED:
        return "received"
    if row.get("leftvoicemail"):
        return "voicemail"
    return "unanswered" if row.get("actualdurationminutes") == 0 else "made"


def _duration(row: Row) -> str | None:
    minutes = row.get("actualdurationminutes")
    return None if minutes is None else str(int(minutes) * 60_000)


def _deal_stage(row: Row) -> str | None:
    state, stage = row.get("statecode"), row.get("salesstage")
    if state in (_WON, _LOST):
        return "won" if state == _WON else "lost"
    if row.get("statuscode") == _ON_HOLD:
        return "on_hold"
    return None if stage is None else plain(stage)


def _closed(row: Row) -> str | None:
    """Of a lead that sales closed, the state; a contact that is out of use was closed by nobody."""
    state = row.get("statecode")
    return plain(state) if state and "leadid" in row else None


def _closed_as(row: Row) -> str | None:
    return plain(row.get("statuscode")) if _closed(row) == plain(_DISQUALIFIED) else None


def _is(*states: int) -> Callable[[Row], str | None]:
    return lambda row: plain(row.get("statecode") in states)


_OUTCOMES = {
    "made": "Made",
    "received": "Received",
    "voicemail": "Left a message",
    "unanswered": "Made, lasted no minute",
    "open": "Open",
    "canceled": "Canceled",
}
_REASONS = {"4": "Lost", "5": "Cannot contact", "6": "No longer interested", "7": "Canceled"}
_STAGES = {
    "0": "Qualify",
    "1": "Develop",
    "2": "Propose",
    "3": "Close",
    "on_hold": "On hold",
    "won": "Won",
    "lost": "Lost",
}


def _text(name: str, type_: str, label: str, options: Mapping[str, str] | None = None) -> PropertyDefinition:
    return PropertyDefinition(name, type_, label, options or {}, read_only=True, calculated=True)


_DURATION = Derived(
    ("actualdurationminutes",), _duration, _text("derived.duration_ms", "number", "How long it took, in milliseconds")
)

#: How a lead was closed, which is what sales says to it.
_CLOSING = {
    "derived.closed": Derived(
        ("statecode",),
        _closed,
        _text("derived.closed", "enumeration", "How the lead was closed", {"1": "Qualified", "2": "Disqualified"}),
    ),
    "derived.closed_as": Derived(
        ("statecode", "statuscode"),
        _closed_as,
        _text("derived.closed_as", "enumeration", "Why the lead was disqualified", _REASONS),
    ),
}

#: kind -> name -> how it is made.
DERIVED: Mapping[str, Mapping[str, Derived]] = {
    "contact": _CLOSING,
    "lead": _CLOSING,
    "call": {
        "derived.duration_ms": _DURATION,
        "derived.outcome": Derived(
            ("statecode", "statuscode", "leftvoicemail", "actualdurationminutes"),
            _call_outcome,
            _text("derived.outcome", "enumeration", "What the call came to", _OUTCOMES),
        ),
    },
    "meeting": {"derived.duration_ms": _DURATION},
    "deal": {
        "derived.stage": Derived(
            ("statecode", "statuscode", "salesstage"),
            _deal_stage,
            _text("derived.stage", "enumeration", "Sales stage, or how it ended", _STAGES),
        ),
        "derived.pipeline": Derived(
            (), lambda row: PIPELINE, _text("derived.pipeline", "enumeration", "Pipeline", {PIPELINE: "Opportunities"})
        ),
        "derived.is_won": Derived(("statecode",), _is(_WON), _text("derived.is_won", "bool", "Won")),
        "derived.is_closed": Derived(("statecode",), _is(_WON, _LOST), _text("derived.is_closed", "bool", "Closed")),
    },
}


def definitions(kind: str) -> Mapping[str, PropertyDefinition]:
    """The derived properties of a kind, as `describe` lists them beside its columns."""
    return {name: one.definition for name, one in DERIVED.get(kind, {}).items()}
