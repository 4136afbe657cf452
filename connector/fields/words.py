"""
Our values as the texts of one kind of record, and its texts as values of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from connector.agreement.wiring import FieldSpec, Wiring
from connector.fields.columns import Facts, columns, worded_choices
from connector.fields.values import choices, day, iso, moment, plain, read_as, same_instant
from connector.model import Value
from connector.spelling import same_value


class Words:
    """The mapping of one kind, for writing. `date_only` names its properties that hold a day instead of an instant,
    which is a day of `zone`, the account's own calendar."""

    def __init__(self, wiring: Wiring, kind: str, date_only: Iterable[str], zone: tzinfo) -> None:
        self._specs = wiring.fields.get(kind, {})
        self._stored = {column.field: column for column in columns(wiring, kind, set(self._specs))}
        self._verbatim = frozenset(field for field, spec in self._specs.items() if not spec.values)
        self._date_only = frozenset(date_only)
        self._zone = zone

    @property
    def properties_mapped(self) -> frozenset[str]:
        """The properties that fields of this kind stand in."""
        return frozenset(spec.property for spec in self._specs.values())

    def spec(self, field: str) -> FieldSpec | None:
        """The property behind a field, if the mapping has one."""
        return self._specs.get(field)

    def encode(self, field: str, value: Value | list[str]) -> str:
        """A wanted value as the text the CRM stores; "" clears. Instants go to the second, which every CRM keeps.
        Raises KeyError for an unmapped field."""
        if type(value) is str and field in self._verbatim:
            return value
        if value is None or value in ("", ()):
            return ""
        if isinstance(value, list):  # choices, as facts keep them
            value = tuple(value)
        spec = self._specs[field]
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
