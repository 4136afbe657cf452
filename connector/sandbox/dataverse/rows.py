"""
Rows of one table: those that were written, and the way to those that the population tells on demand.

A row is never changed in place: a write puts a new one in its place and a line into the log of changes, from which
change tracking reads what happened since a version.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from connector.sandbox.dataverse.schema import Ref

if TYPE_CHECKING:
    from connector.sandbox.dataverse.population import Rows

#: What a column holds: an instant is a number of milliseconds, a date a text, several choices a tuple.
Value = str | int | float | Decimal | bool | Ref | tuple[int, ...] | None
Values = Mapping[str, Value]

#: Versions of generated rows end here; everything written while the sandbox runs has a higher one.
FIRST_VERSION = 50_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row, as it stands since `version`."""

    id: str
    version: int
    created_at: int
    modified_at: int
    created_by: str
    modified_by: str
    values: Values

    @property
    def etag(self) -> str:
        return f'W/"{self.version}"'

    def changed(self, changes: Values, *, version: int, at: int, by: str) -> Row:
        """The row after a write."""
        return replace(self, version=version, modified_at=at, modified_by=by, values={**self.values, **changes})


class Logged(NamedTuple):
    """One line of the log: which columns of which row changed; none where it is new or gone."""

    version: int
    id: str
    columns: frozenset[str] | None


class Kept(NamedTuple):
    """How a row stood before a write, for taking it back."""

    row: Row | None
    gone: int | None


class Shelf:
    """The rows of one table by id."""

    def __init__(self, table: str, people: Rows) -> None:
        self.table = table
        self._people = people
        self._rows: dict[str, Row] = {}
        self._extra: list[str] = []
        self._gone: dict[str, int] = {}  # id -> version at which it was deleted
        self._log: list[Logged] = []
        self._pointers: dict[str, dict[str, set[str]]] = {}  # column -> id -> written rows; of columns once asked for

    def row(self, id: str) -> Row | None:
        """The living row of this id."""
        found = self._rows.get(id)
        if found is not None or id in self._gone:
            return found
        number = self._people.number_of(self.table, id)
        return None if number is None else self._people.row(self.table, number)

    def keep(self, row: Row, columns: frozenset[str] | None = None) -> Kept:
        """Take in a new row, or one that changed in these columns; gives how it stood before."""
        before = self._before(row.id)
        if row.id not in self._rows and self._people.number_of(self.table, row.id) is None:
            insort(self._extra, row.id)
        self._lay(row)
        self._gone.pop(row.id, None)
        self._log.append(Logged(row.version, row.id, columns))
        return before

    def drop(self, id: str, version: int) -> Kept:
        """Delete a row; gives how it stood before."""
        before = self._before(id)
        self._forget(id)
        self._gone[id] = version
        self._log.append(Logged(version, id, None))
        return before

    def put_back(self, id: str, before: Kept) -> None:
        """Undo what was done to a row; the log keeps lines of versions that nothing has."""
        self._forget(id)
        self._gone.pop(id, None)
        if before.row is not None:
            if self._people.number_of(self.table, id) is None:
                insort(self._extra, id)
            self._lay(before.row)
        if before.gone is not None:
            self._gone[id] = before.gone

    def rows(self, after: str = "") -> Iterator[Row]:
        """Living rows in order of id, from the one after this id on."""
        first = self._people.first_after(self.table, after) if after else 0
        born = (self._people.id_of(self.table, n) for n in range(first, self._people.count(self.table)))
        extra = islice(self._extra, bisect_right(self._extra, after), None)
        for id in heapq.merge(born, extra):
            row = self.row(id)
            if row is not None:
                yield row

    def pointing(self, column: str, id: str) -> Iterator[Row] | None:
        """Living rows whose lookup points at an id, in order of id; None where only looking at each would tell."""
        return self.among([(column, id)], "")

    def among(self, wanted: Sequence[tuple[str, str]], id_column: str) -> Iterator[Row] | None:
        """Living rows among which all are whose column is an id, for one of these pairs; `id_column` is that of the
        row itself. In order of id; None where only looking at each would tell."""
        ids = {id for column, id in wanted if column == id_column}
        for column, id in wanted:
            if column != id_column:
                numbers = self._people.numbers(self.table, column, id)
                if numbers is None:
                    return None
                ids.update(self._people.id_of(self.table, number) for number in numbers)
                ids.update(self._written_to(column).get(id, ()))
        return (row for one in sorted(ids) if (row := self.row(one)) is not None)

    def count(self) -> int:
        """How many rows live."""
        born_gone = sum(self._people.number_of(self.table, id) is not None for id in self._gone)
        return self._people.count(self.table) + len(self._extra) - born_gone

    def changed_since(self, version: int, columns: frozenset[str] | None = None) -> list[Row]:
        """Rows written after a version, oldest change first; only those with changes in `columns` where given."""
        lines = self._since(version)
        told = {line.id for line in lines if columns is None or line.columns is None or line.columns & columns}
        found = [row for id in told if (row := self._rows.get(id)) is not None and row.version > version]
        return sorted(found, key=lambda row: row.version)

    def gone_since(self, version: int) -> list[tuple[int, str]]:
        """Version and id of rows deleted after a version, oldest first."""
        ids = {line.id for line in self._since(version)}
        return sorted((self._gone[id], id) for id in ids if self._gone.get(id, 0) > version)

    def written(self) -> list[Row]:
        """The rows that are not as the population tells them."""
        return list(self._rows.values())

    def _since(self, version: int) -> list[Logged]:
        return self._log[bisect_right(self._log, version, key=lambda line: line.version) :]

    def _before(self, id: str) -> Kept:
        return Kept(self._rows.get(id), self._gone.get(id))

    def _lay(self, row: Row) -> None:
        """In the place of the row that it was, where it was one."""
        self._unpoint(row.id)
        self._rows[row.id] = row
        for column in self._pointers:
            self._point(column, row)

    def _point(self, column: str, row: Row) -> None:
        if isinstance(ref := row.values.get(column), Ref):
            self._pointers[column].setdefault(ref.id, set()).add(row.id)

    def _written_to(self, column: str) -> dict[str, set[str]]:
        """Which written rows point at an id by this column."""
        if column not in self._pointers:
            self._pointers[column] = {}
            for row in self._rows.values():
                self._point(column, row)
        return self._pointers[column]

    def _unpoint(self, id: str) -> None:
        before = self._rows.get(id)
        if before is not None:
            for column, told in self._pointers.items():
                if isinstance(ref := before.values.get(column), Ref):
                    told[ref.id].discard(id)

    def _forget(self, id: str) -> None:
        self._unpoint(id)
        self._rows.pop(id, None)
        place = bisect_right(self._extra, id) - 1
        if place >= 0 and self._extra[place] == id:
            del self._extra[place]
