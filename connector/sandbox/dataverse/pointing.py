"""Which rows point at a row by a lookup: they follow it when it is merged, and let go of it when it is deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from connector.sandbox.dataverse.schema import LOOKUPS, Column, Ref

if TYPE_CHECKING:
    from connector.sandbox.dataverse.environment import Environment
    from connector.sandbox.dataverse.rows import Row

#: Tables whose rows point at others.
_TABLES = ("contact", "lead", "account", "opportunity", "phonecall", "email", "appointment", "task", "activityparty")
#: Tables whose rows are pointed at by those.
POINTED_AT = (*_TABLES, "msdyn_predictivescore")


def pointing_at(environment: Environment, ref: Ref) -> Iterator[tuple[str, Column, Row]]:
    """Every row that points at this one, with its table and the column that does; `masterid` is not meant."""
    for name in _TABLES:
        for column in environment.tables[name].columns.values():
            if column.kind not in LOOKUPS or ref.table not in column.targets or column.name == "masterid":
                continue
            shelf = environment.shelf(name)
            rows: Iterable[Row] | None = shelf.pointing(column.name, ref.id)
            for row in list(shelf.rows() if rows is None else rows):
                if row.values.get(column.name) == ref:
                    yield name, column, row


def let_go(environment: Environment, ref: Ref, by: str) -> None:
    """Of a row that was deleted nothing points on: lookups become empty, the parties of an activity end with it."""
    for name, column, row in list(pointing_at(environment, ref)):
        if name == "activityparty" and column.name == "activityid":
            environment.delete(name, row.id, by=by)
        else:
            environment.write(name, row.id, {column.name: None}, by=by)
