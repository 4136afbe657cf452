"""Reading what a control call was given, and telling rows in plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.sandbox.clock import parse_ms
from connector.sandbox.dataverse.environment import Environment
from connector.sandbox.dataverse.payload import stored
from connector.sandbox.dataverse.rows import Row, Value
from connector.sandbox.dataverse.schema import LOOKUPS, Ref, Table
from connector.sandbox.dataverse.telling import value_of, wire
from connector.sandbox.exchange import Refusal


def table_of(world: Environment, name: str) -> Table:
    """The table of a set's or its own name; ValueError when there is none."""
    found = world.sets.get(name) or world.tables.get(name)
    if found is None:
        raise ValueError(f"unknown table {name!r}; there are {', '.join(world.sets)}")
    return found


def values_of(world: Environment, table: Table, given: Mapping[str, Any]) -> dict[str, Value]:
    """Values of a control call as they are stored; ValueError names a bad one."""
    made: dict[str, Value] = {}
    for name, value in given.items():
        column = table.columns.get(name)
        if column is None:
            raise ValueError(f"{table.name} has no column {name!r}")
        if column.kind in LOOKUPS and value is not None:
            other, _, id = str(value).partition(":")
            made[name] = Ref(table_of(world, other).name, id_of(id))
            continue
        try:
            made[name] = stored(table, column, value)
        except Refusal as wrong:
            raise ValueError(wrong.answer.body["error"]["message"]) from None
    return made


def told(table: Table, row: Row) -> dict[str, Any]:
    """The filled columns of a row in plain JSON, a lookup as "contact:<id>", with its ETag."""
    made: dict[str, Any] = {"etag": row.etag}
    for name, column in table.columns.items():
        value = value_of(table, row, name)
        if value is not None:
            made[name] = f"{value.table}:{value.id}" if isinstance(value, Ref) else _plain(wire(column, value), value)
    return made


def _plain(text: Any, value: Value) -> Any:
    """Decimals as numbers: nobody compares these to the last place."""
    return text if isinstance(text, str | int | float | bool) else float(value)  # type: ignore[arg-type]  # a Decimal


def id_of(text: Any) -> str:
    return str(text).lower()


def instant(text: Any) -> int | None:
    return None if text is None else parse_ms(str(text))
