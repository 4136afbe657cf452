"""
One CRM's mapping, compiled: what to ask for, records as facts, and values of a person as the texts that the CRM stores.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, tzinfo
from typing import Any

from connector.agreement.wiring import Wiring
from connector.fields.columns import CLOSED, Column, columns, malformed, otherwise, worded
from connector.fields.counting import Counting
from connector.fields.people import People
from connector.fields.places import LEAD, PERSON, is_on_lead, place_of
from connector.fields.values import moment, read_as
from connector.fields.words import Words
from connector.model import Record


class FieldMap(Words):
    """One CRM's mapping, compiled. `deal_states` tells open, won, lost per (pipeline, deal stage) of the account;
    `date_only` names the contact properties that hold a day instead of an instant, which is a day of `zone`, the
    account's own calendar; `date_only_of_leads` those of leads.

    Its words are those of a person's own record; `leads` has those of the leads beside it."""

    def __init__(
        self,
        wiring: Wiring,
        needed: Mapping[str, Iterable[str]],
        deal_states: Mapping[tuple[str, str], str],
        date_only: Iterable[str] = (),
        zone: tzinfo = UTC,
        date_only_of_leads: Iterable[str] = (),
    ) -> None:
        super().__init__(wiring, PERSON, date_only, zone)
        self.leads = Words(wiring, LEAD, date_only_of_leads, zone)
        self.wiring = wiring
        self._columns = {kind: columns(wiring, kind, set(fields)) for kind, fields in needed.items()}
        self._otherwise = {kind: otherwise(wiring, kind, read) for kind, read in self._columns.items()}
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
        if record.closed:
            facts[CLOSED] = True
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

    # -- what stands at a place ------------------------------------------------------------------------------

    def words_at(self, place: str) -> Words:
        """The words of the record that a place is on."""
        return self.leads if is_on_lead(place) else self

    def same(self, field: str, name: str, one: str | None, other: str | None) -> bool:
        """Whether two texts stand for the same value at a place, whatever record it is on."""
        if is_on_lead(name):
            return self.leads.same(field, place_of(name).property, one, other)
        return super().same(field, name, one, other)


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
