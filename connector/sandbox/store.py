"""What an account keeps: records that were written, and the way to those that the population tells on demand."""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from connector.sandbox.clock import iso
from connector.sandbox.population import Population
from connector.sandbox.records import Row, Version
from connector.sandbox.schema import CREATED, KINDS, MODIFIED

#: Ids of records created while the sandbox runs; far above the generated ones.
FIRST_NEW_ID = 5_000_000_001


class Store:
    """Rows by id. Only what was written or added takes memory."""

    def __init__(self, population: Population) -> None:
        self.population = population
        self.version = 0  # grows whenever a record may have changed
        self._rows: dict[str, dict[str, Row]] = {kind: {} for kind in KINDS}
        self._extra_ids: dict[str, list[int]] = {kind: [] for kind in KINDS}
        self._erased: dict[str, set[str]] = {kind: set() for kind in KINDS}
        self._columns: dict[tuple[str, str], list[str | None]] = {}
        self._new_ids = Counter(dict.fromkeys(KINDS, FIRST_NEW_ID))

    # -- rows --------------------------------------------------------------------------------------------

    def row(self, kind: str, id: str) -> Row | None:
        """The record of this id, archived ones too."""
        return self._rows[kind].get(id) or self._generated(kind, id)

    def own(self, kind: str, id: str) -> Row:
        """The record of this id, to be written to; KeyError when there is none."""
        self.version += 1
        row = self._rows[kind].get(id)
        if row is None:
            row = self._generated(kind, id)
            if row is None:
                raise KeyError(f"{kind} {id}")
            self._rows[kind][id] = row
        return row

    def keep(self, kind: str, row: Row) -> None:
        """Take in a new record."""
        if not row.id.isdigit():
            raise ValueError(f"record ids are digits, not {row.id!r}")
        self.version += 1
        self._rows[kind][row.id] = row
        insort(self._extra_ids[kind], int(row.id))

    def erase(self, kind: str, id: str) -> None:
        """Forget a record for good, as if it had never been."""
        self.version += 1
        self._rows[kind].pop(id, None)
        extra = self._extra_ids[kind]
        place = bisect_left(extra, int(id))
        if place < len(extra) and extra[place] == int(id):
            del extra[place]
        else:
            self._erased[kind].add(id)

    def new_id(self, kind: str) -> str:
        """An id that nobody has had."""
        id = self._new_ids[kind]
        self._new_ids[kind] += 1
        return str(id)

    def ids(self, kind: str, from_id: int) -> Iterator[int]:
        """Every id from one on, in order."""
        extra = self._extra_ids[kind]
        first = self.population.first_from(kind, from_id)
        born = (int(self.population.id_of(kind, n)) for n in range(first, self.population.count(kind)))
        return heapq.merge(born, islice(extra, bisect_left(extra, from_id), None))

    def written(self, kind: str) -> dict[str, Row]:
        """The records that are not as the population would tell them."""
        return self._rows[kind]

    def count(self, kind: str) -> int:
        """How many records live."""
        gone = sum(row.archived_at is not None for row in self._rows[kind].values()) + len(self._erased[kind])
        return self.population.count(kind) + len(self._extra_ids[kind]) - gone

    def _generated(self, kind: str, id: str) -> Row | None:
        number = self.population.number_of(kind, id)
        if number is None or id in self._erased[kind]:
            return None
        created = self.population.created_at(kind, number)
        return Row(id, created, self.population.modified_at(kind, number), number=number)

    # -- as they were born -------------------------------------------------------------------------------

    def born(self, kind: str, row: Row) -> dict[str, str]:
        """The properties a record had at first, a dict of its own."""
        return self.population.properties(kind, row.number) if row.base is None else dict(row.base)

    def born_versions(self, kind: str, row: Row, name: str) -> Sequence[Version]:
        """A property's history before anybody wrote: what the population tells, else one entry at birth."""
        if row.base is None and (told := self.population.history(kind, row.number, name)):
            return told
        born = self.born(kind, row).get(name)
        return () if born is None else (Version(born, row.created_at, row.source),)

    def column(self, kind: str, name: str) -> list[str | None]:
        """One stored property of every generated record as it was born, by number: what makes searching fast."""
        key = (kind, name)
        if key not in self._columns:
            same: dict[str | None, str | None] = {}
            self._columns[key] = [
                same.setdefault(value, value)
                for value in (self._born_value(kind, n, name) for n in range(self.population.count(kind)))
            ]
        return self._columns[key]

    def _born_value(self, kind: str, number: int, name: str) -> str | None:
        if name == MODIFIED[kind] or name == "hs_lastmodifieddate":
            return iso(self.population.modified_at(kind, number))
        if name == CREATED[kind]:
            return iso(self.population.created_at(kind, number))
        if name == "hs_object_id":
            return self.population.id_of(kind, number)
        return self.population.properties(kind, number).get(name)
