"""
Dataverse's rows as our records: which columns to ask for, and what becomes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from connector.crm.dynamics.derived import DERIVED, Row
from connector.crm.dynamics.names import ALIASES, CHANGED, CREATED, OTHER_EMAILS, STATE, TABLES, Table, looked_up
from connector.crm.dynamics.schema import Shape
from connector.crm.dynamics.values import Spelling, instant, spelling
from connector.errors import CrmError
from connector.model import Record

ETAG = "@odata.etag"


class Teller:
    """How the rows of one table become records of a kind with these properties: compiled once, used for every row.

    A property that the table has no column for is not asked for, and stays blank."""

    def __init__(self, kind: str, table: Table, shape: Shape, properties: Iterable[str]) -> None:
        self.kind, self.table = kind, table
        self._shape, self._form = shape, "" if table == TABLES[kind][0] else table.name
        self._missing: dict[str, str | None] = {}  # what this table has no column for
        self._columns: list[tuple[str, str, Spelling]] = []
        self._made: list[tuple[str, Callable[[Row], str | None]]] = []
        wanted = list(table.own)
        for name in dict.fromkeys(properties):
            derived = DERIVED.get(kind, {}).get(name)
            if derived is not None:
                self._made.append((name, derived.make))
                wanted += derived.needs
            elif (column := shape.columns.get(ALIASES.get((table.name, name), name))) is not None:
                self._columns.append((name, column.key, spelling(column)))
                wanted.append(column.name)
            else:
                self._missing[name] = None
        if kind == "contact":
            wanted += OTHER_EMAILS
        self.select = ",".join(self._keys(wanted))
        self.lacking = tuple(sorted({ALIASES.get((table.name, name), name) for name in self._missing}))

    def _keys(self, columns: Iterable[str]) -> Sequence[str]:
        """The id, and what the table has of these."""
        known = [column.key for name in dict.fromkeys(columns) if (column := self._shape.columns.get(name)) is not None]
        return [self.table.key, *(key for key in known if key != self.table.key)]

    def record(self, row: Row, merged_ids: Collection[str] = ()) -> Record:
        """The record of one row."""
        get = row.get
        properties = {
            name: value if (value := get(key)) is None or spell is None else spell(value)
            for name, key, spell in self._columns
        }
        for name, make in self._made:
            properties[name] = make(row)
        return Record(
            self.kind,
            id_of(self.table, row),
            {**self._missing, **properties} if self._missing else properties,
            created_at=instant(get(CREATED)),
            changed_at=instant(get(CHANGED)),
            archived=not in_use(self.table, row),
            merged_ids=tuple(sorted(merged_ids)) if merged_ids else (),
            other_emails=_addresses(row) if self.kind == "contact" else (),
            closed=self.table.closes and row.get(STATE) not in (0, None),
            form=self._form,
        )


def id_of(table: Table, row: Mapping[str, Any]) -> str:
    """The id of a row. Raises CrmError for one without: nobody could say whose values these are."""
    id = row.get(table.key)
    if not isinstance(id, str) or not id:
        raise CrmError(f"a row of {table.set_name} came without {table.key}", code="search_id")
    return id.lower()


def in_use(table: Table, row: Row) -> bool:
    """Whether a row is one of its kind: not deactivated, and somebody's where it has to be."""
    if table.whose and not row.get(looked_up(table.whose)):
        return False
    return not table.deactivates or row.get(STATE) in (0, None)


def _addresses(row: Row) -> tuple[str, ...]:
    if not any(map(row.get, OTHER_EMAILS)):
        return ()
    return tuple(dict.fromkeys(address for name in OTHER_EMAILS if (address := row.get(name)) and "@" in address))
