"""One property of the CRM as one field of ours: its type, and the words that the mapping has for its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from connector.agreement.wiring import FieldSpec, Wiring
from connector.errors import MalformedRecord
from connector.fields.values import PARSERS, choices
from connector.model import Record

#: Fields whose value must be one the mapping names; any other live value is reported and never touched.
STRICT = ("stage", "status")

#: Set in the facts of a record that takes no writes, though it is there.
CLOSED = "x"

Facts = Mapping[str, Any]


class Column(NamedTuple):
    """One property to read, a tuple because the hot loop takes it apart for every record."""

    field: str
    property: str
    parse: Callable[[str], Any]
    words: Mapping[str, str] | None


def columns(wiring: Wiring, kind: str, needed: set[str]) -> tuple[Column, ...]:
    """The properties of a kind that are read: those of the fields that are needed."""
    return tuple(
        Column(field, spec.property, PARSERS[spec.type], _words(spec) if spec.values else None)
        for field, spec in wiring.fields.get(kind, {}).items()
        if field in needed
    )


def otherwise(wiring: Wiring, kind: str, read: Sequence[Column]) -> tuple[Column, ...]:
    """The properties that are read where a field's own is blank, in their order."""
    specs = wiring.fields.get(kind, {})
    return tuple(one._replace(property=name) for one in read for name in specs[one.field].otherwise)


def _words(spec: FieldSpec) -> dict[str, str]:
    """Their value -> ours; where two of ours share one of theirs, the one listed first is read."""
    words: dict[str, str] = {}
    for ours, theirs in spec.values.items():
        for value in theirs:
            words.setdefault(value, ours)
            words.setdefault(value.casefold(), ours)
    return words


def worded(
    field: str, raw: str, parse: Callable[[str], Any], words: Mapping[str, str], unmapped: dict[str, str]
) -> Any:
    """A value of a property whose values the mapping names; None where it must be named and is not."""
    if parse is choices:
        return worded_choices(raw, words)
    word = words.get(raw) or words.get(raw.strip().casefold())
    if word is not None:
        return word
    if field in STRICT:
        unmapped[field] = raw
        return None
    return f"unmapped:{raw}" if field == "outcome" else parse(raw)


def worded_choices(raw: str, words: Mapping[str, str]) -> list[str] | None:
    """Each choice by its word, where it has one."""
    return sorted({words.get(one) or words.get(one.casefold(), one) for one in choices(raw) or ()}) or None


def malformed(record: Record, name: str, parse: Callable[[str], Any]) -> MalformedRecord:
    """A property holds what nobody can read as its type; which record and which property, never what."""
    return MalformedRecord(
        "malformed_value", f"{record.kind} {record.id}: property {name} does not hold {parse.__doc__}"
    )
