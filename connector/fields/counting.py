"""
Counters and "last ..." dates: property values that give away that something happened, and when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime
from typing import Any

from connector.agreement.wiring import Wiring
from connector.fields.columns import Facts, malformed
from connector.fields.values import instant, moment, number, read_as
from connector.model import Occurrence, Record


class Counting:
    """The counters and dates that one mapping sees signals in."""

    def __init__(self, wiring: Wiring) -> None:
        self._counters = tuple(source for source in wiring.signals if source.how == "counter")
        self._dates = tuple(source for source in wiring.signals if source.how == "date")

    def __bool__(self) -> bool:
        return bool(self._counters or self._dates)

    def properties(self) -> set[str]:
        """The properties to read for them."""
        companions = (source.date for source in self._counters)
        return {source.key for source in (*self._counters, *self._dates)} | set(filter(None, companions))

    def marks(self, record: Record) -> dict[str, Any]:
        """Counters and "last ..." dates as they stand: the baseline that a rise is measured against."""
        marks: dict[str, Any] = {}
        for source in self._counters:
            raw = record.properties.get(source.key)
            if raw:
                marks[source.key] = self._mark(record, source.key, raw, number)
            if source.date and record.properties.get(source.date):
                marks[source.date] = self._mark(record, source.date, record.properties[source.date] or "", moment)
        for source in self._dates:
            raw = record.properties.get(source.key)
            if raw:
                marks[source.key] = self._mark(record, source.key, raw, moment)
        return marks

    def _mark(self, record: Record, name: str, raw: str, parse: Callable[[str], Any]) -> Any:
        try:
            return parse(raw)
        except ValueError:
            raise malformed(record, name, parse) from None

    def rises(
        self, id: str, before: Facts | None, after: Facts, read_at: datetime, first_asked: Set[str] = frozenset()
    ) -> list[Occurrence]:
        """Signals that property values give away: a counter that rose, a "last ..." date that moved.

        A rise is one signal, identified by the value it reached and dated by its companion date, else by the read.
        At first sight of a person, and of a counter that nobody `first_asked` for before, only a dated one counts; a
        fall sets a new baseline in silence.
        """
        old = (before or {}).get("c", {})
        new = after.get("c", {})
        found = []
        for source in self._counters:
            reached, was = new.get(source.key), old.get(source.key, 0)
            at = instant(new.get(source.date)) if source.date else None
            compared = before is not None and source.key not in first_asked
            if reached and reached > was and (compared or at is not None):
                found.append(Occurrence(f"{id}:{reached}", source.source, at or read_at, id))
        for source in self._dates:
            moved = new.get(source.key)
            if moved and moved != old.get(source.key):
                found.append(Occurrence(f"{id}:{moved}", source.source, instant(moved) or read_at, id))
        return found

    def names(self) -> tuple[str, ...]:
        """The properties whose history tells dated signals: counters and "last ..." dates."""
        return tuple(sorted({source.key for source in (*self._counters, *self._dates)}))

    def steps(self, id: str, history: Mapping[str, Sequence[tuple[str | None, datetime]]]) -> list[Occurrence]:
        """The signals of the past: every rise in a property's history, dated by it. `history` is newest first."""
        found: list[Occurrence] = []
        for source in self._counters:
            highest = 0.0
            for raw, at in reversed(history.get(source.key, ())):
                reached = read_as(number, raw)
                if reached is not None and reached > highest:
                    highest = reached
                    found.append(Occurrence(f"{id}:{reached}", source.source, at, id))
        for source in self._dates:
            told = {read_as(moment, raw) for raw, _ in history.get(source.key, ())}
            found += [
                Occurrence(f"{id}:{one}", source.source, when, id)
                for one in sorted(filter(None, told))
                if (when := instant(one)) is not None
            ]
        return found
