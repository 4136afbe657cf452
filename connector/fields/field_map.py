"""
One CRM's mapping, compiled: what to ask for, records as facts, values as the texts that the CRM stores.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from connector.agreement.wiring import FieldSpec, Wiring
from connector.fields.columns import Column, Facts, columns, malformed, otherwise, worded, worded_choices
from connector.fields.counting import Counting
from connector.fields.people import People
from connector.fields.values import choices, day, iso, moment, plain, read_as, same_instant
from connector.model import Record, Value
from connector.spelling import same_value


class FieldMap:
    """One CRM's mapping, compiled. `deal_states` tells open, won, lost per (pipeline, deal stage) of the account;
    `date_only` names the contact properties that hold a day instead of an instant, which is a day of `zone`, the
    account's own calendar."""

    def __init__(
        self,
        wiring: Wiring,
        needed: Mapping[str, Iterable[str]],
        deal_states: Mapping[tuple[str, str], str],
        date_only: Iterable[str] = (),
        zone: tzinfo = UTC,
    ) -> None:
        self.wiring = wiring
        self._columns = {kind: columns(wiring, kind, set(fields)) for kind, fields in needed.items()}
        self._otherwise = {kind: otherwise(wiring, kind, read) for kind, read in self._columns.items()}
        self._date_only = frozenset(date_only)
        self._zone = zone
        self._contact = wiring.fields.get("contact", {})
        self._stored = {column.field: column for column in columns(wiring, "contact", set(self._contact))}
        self._verbatim = frozenset(field for field, spec in self._contact.items() if not spec.values)
        self._entered = tuple((stage, spec.property) for stage, spec in wiring.entered.items())
        self.counting = Counting(wiring)
        self.people = People(wiring, deal_states)

    # -- what to ask for -----------------------------------------------------------------------------------

    def properties(self, kind: str) -> tuple[str, ...]:
        """The property names to request of a kind: those the agreement uses, and no other."""
        names = {column.property for column in (*self._columns.get(kind, ()), *self._otherwise.get(kind, ()))}
        if kind == "contact":
            names.update(name for _, name in self._entered)
            names |= self.counting.properties()
        return tuple(sorted(names))

    def readings(self, kind: str) -> tuple[str, ...]:
        """How each value of a kind is read: which property, of which type, in which words. What was read otherwise is
        another fact."""
        specs = self.wiring.fields.get(kind, {})
        read = [specs[column.field] for column in self._columns.get(kind, ())]
        read += self.wiring.entered.values() if kind == "contact" else ()
        told = [repr((one.field, one.property, one.type, list(one.values.items()), *one.otherwise)) for one in read]
        return tuple(sorted(hashlib.sha256(one.encode()).hexdigest()[:16] for one in told))

    def names(self, kind: str) -> frozenset[str]:
        """Our fields of a kind that are read."""
        return frozenset(column.field for column in self._columns.get(kind, ()))

    def sources(self) -> tuple[str, ...]:
        """The occurrence sources to read besides records: lists and forms."""
        return tuple(sorted({one.source for one in self.wiring.signals if one.how in ("list", "form")}))

    # -- their words into facts ------------------------------------------------------------------------------

    def facts(self, record: Record) -> dict[str, Any]:
        """What the agreement uses of one record, as JSON. Raises MalformedRecord naming the property."""
        fields: dict[str, Any] = {}
        unmapped: dict[str, str] = {}
        properties = record.properties
        for field, name, parse, words in self._columns.get(record.kind, ()):
            raw = properties.get(name)
            if not raw:
                continue
            try:
                value = parse(raw) if words is None else worded(field, raw, parse, words, unmapped)
            except ValueError:
                raise malformed(record, name, parse) from None
            if value is not None:
                fields[field] = value
        for column in self._otherwise.get(record.kind, ()):
            _read_otherwise(record, column, fields, unmapped)
        facts: dict[str, Any] = {"f": fields}
        if unmapped:
            facts["u"] = unmapped
        if record.kind == "contact":
            if self.counting:
                facts["c"] = self.counting.marks(record)
            if entered := self._dates_of_entering(properties):
                facts["e"] = entered
        return facts

    def _dates_of_entering(self, properties: Mapping[str, str | None]) -> dict[str, str]:
        """When the CRM says each stage was entered; a date nobody can read is as good as none."""
        told = [(stage, raw) for stage, name in self._entered if (raw := properties.get(name))]
        return {stage: at for stage, raw in told if (at := read_as(moment, raw)) is not None}

    # -- our words into theirs -----------------------------------------------------------------------------------

    def spec(self, field: str) -> FieldSpec | None:
        """The contact property behind a field, if the mapping has one."""
        return self._contact.get(field)

    def encode(self, field: str, value: Value | list[str]) -> str:
        """A wanted value as the text the CRM stores; "" clears. Instants go to the second, which every CRM keeps.
        Raises KeyError for an unmapped field."""
        if type(value) is str and field in self._verbatim:
            return value
        if value is None or value in ("", ()):
            return ""
        if isinstance(value, list):  # choices, as facts keep them
            value = tuple(value)
        spec = self._contact[field]
        if spec.values:
            words = value if isinstance(value, tuple) else (str(value),)
            return ";".join(spec.values[word][0] if word in spec.values else word for word in words)
        if isinstance(value, datetime):
            is_day = spec.property in self._date_only
            return day(value, self._zone).isoformat() if is_day else iso(value.replace(microsecond=0))
        return plain(value)

    def decode(self, field: str, raw: str | None) -> Any:
        """A stored text as the fact it would become, for comparing; None for blank."""
        _, _, parse, words = self._stored[field]
        if not raw:
            return None
        if words is not None and parse is choices:
            return worded_choices(raw, words)
        if words is not None:
            return words.get(raw) or words.get(raw.strip().casefold(), raw)
        try:
            return parse(raw)
        except ValueError:
            return raw

    def in_words(self, field: str, raw: str) -> str:
        """A stored text as a person reads it: the agreement's words, where the CRM keeps bare numbers for choices."""
        column = self._stored.get(field)
        if column is None or column.words is None or not all(part.isdecimal() for part in raw.split(";")):
            return raw
        words = self.decode(field, raw)
        return ";".join(words) if isinstance(words, list) else str(words)

    def alike(self, field: str, one: str, other: str) -> bool:
        """Whether two texts of the CRM mean one value: numbers, dates, flags and choices may come back in another
        spelling than they were written in, and so may line ends and telephone numbers."""
        if one == other:
            return True
        same = same_instant if self._stored[field].parse is moment else same_value
        return same(self.decode(field, one), self.decode(field, other))

    def holds(self, facts: Facts, field: str, value: Value) -> bool:
        """Whether these facts plainly hold this value, so that no text has to be made of either. False says nothing:
        the same value may be there in another spelling."""
        stored = self.live(facts, field)
        return type(stored) is type(value) and stored == value

    def same(self, field: str, name: str, one: str | None, other: str | None) -> bool:
        """Whether two texts stand for the same value of a property, which the mapping may have dropped since."""
        if (one or "") == (other or ""):
            return True
        if not one or not other:
            return False
        spec = self.spec(field)
        if spec is not None and spec.property == name:
            return self.alike(field, one, other)
        at = read_as(moment, one)
        return at is not None and same_instant(at, read_as(moment, other))

    def live(self, facts: Facts, field: str) -> Any:
        """What the CRM holds in a field right now, as a fact; an unmapped value as the CRM's own text."""
        value = facts["f"].get(field)
        return facts["u"].get(field) if value is None and "u" in facts else value

    def with_written(self, facts: Facts, written: Mapping[str, str]) -> dict[str, Any]:
        """The facts as they read after these fields were written: field -> the CRM's text."""
        fields = dict(facts["f"])
        unmapped = dict(facts.get("u", {}))
        for field, raw in written.items():
            value = self.decode(field, raw)
            unmapped.pop(field, None)
            if value is None:
                fields.pop(field, None)
            else:
                fields[field] = value
        ready = {**facts, "f": fields}
        ready.pop("u", None)
        return {**ready, "u": unmapped} if unmapped else ready


def _read_otherwise(record: Record, column: Column, fields: dict[str, Any], unmapped: dict[str, str]) -> None:
    """Another property's value for a field that has none of its own."""
    field, name, parse, words = column
    raw = record.properties.get(name)
    if not raw or field in fields or field in unmapped:
        return
    try:
        value = parse(raw) if words is None else worded(field, raw, parse, words, unmapped)
    except ValueError:
        raise malformed(record, name, parse) from None
    if value is not None:
        fields[field] = value


def email_hash(address: object) -> str | None:
    """A form submission names only an address; both sides keep its hash, never the address twice."""
    if not isinstance(address, str) or "@" not in address:
        return None
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()
