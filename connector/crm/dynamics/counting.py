"""
How many records there are, and how old the oldest is, as far as Dataverse tells without reading them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from connector.crm.dynamics.api import Call, no_answer_of
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.names import ALIASES, CREATED, MERGED, STATE, TABLES, Table, is_id, looked_up
from connector.crm.dynamics.refusals import Refused
from connector.crm.dynamics.schema import LOOKUPS, Column
from connector.crm.dynamics.values import instant
from connector.errors import NotFound

#: Where Dataverse stops counting, whatever there is.
MOST = 5000

_TEXTS = frozenset({"String", "Memo"})
_FLAGS = {"true": "true", "false": "false"}


def count(env: Environment, kind: str, property: str | None, value: str | None) -> int | None:
    """Records in use of a kind, or those of them with this value; None where there are too many of these, the
    property is none that can be counted by, or the environment does not count. Of very many in all, about how many
    there were during the last day."""
    try:
        return _count(env, kind, property, value)
    except (NotFound, Refused):
        return None


def _count(env: Environment, kind: str, property: str | None, value: str | None) -> int | None:
    total = 0
    for table in _tables(env, kind):
        conditions = _in_use(table)
        if property is not None:
            condition = _condition(env, table, property, value)
            if condition is None:
                return None
            conditions.append(condition)
        found = _counted(env, table, conditions)
        if found is None and property is None:
            found = _about(env, table)
        if found is None:
            return None
        total += found
    return total


def oldest(env: Environment, kind: str) -> datetime | None:
    """When the oldest record in use was created."""
    return min((at for table in _tables(env, kind) if (at := _oldest(env, table)) is not None), default=None)


def at_least(env: Environment, table: Table) -> int:
    """How many rows a table has, in use or not, as far as Dataverse counts; 0 where it does not."""
    try:
        counted = _counted(env, table, [])
    except (NotFound, Refused):
        return 0
    return MOST if counted is None else counted


def _tables(env: Environment, kind: str) -> Iterator[Table]:
    return (table for table in TABLES[kind] if env.schema.of(table) is not None)


def _in_use(table: Table) -> list[str]:
    """What rows must fulfil to be records of their own."""
    wanted = (
        (table.deactivates, f"{STATE} eq 0"),
        (table.merges, f"{MERGED} ne true"),
        (table.parent, f"{looked_up(table.parent)} eq null"),
        (table.whose, f"{looked_up(table.whose)} ne null"),
    )
    return [condition for applies, condition in wanted if applies]


def _counted(env: Environment, table: Table, conditions: list[str]) -> int | None:
    if _NOBODY in conditions:
        return 0
    query = (("$filter", " and ".join(one for one in conditions if one)),) if any(conditions) else ()
    call = Call(f"{table.set_name}/$count", "count", query=query)
    text = env.api.send(call).body.decode("utf-8-sig", "replace").strip()
    if not text.isdigit():
        raise no_answer_of(call, "answered without a number")
    return int(text) if int(text) < MOST else None


def _about(env: Environment, table: Table) -> int | None:
    """All rows of a table, those out of use as well, as counted at some time of the last day."""
    call = Call(f"RetrieveTotalRecordCount(EntityNames=['{table.name}'])", "count")
    told = env.api.ask(call)
    told = told.get("EntityRecordCountCollection", told)
    values = told.get("Values") if isinstance(told, dict) else None
    return values[0] if isinstance(values, list) and values and isinstance(values[0], int) else None


#: A condition that no row fulfils, since the table has no such column.
_NOBODY = "nobody"


def _condition(env: Environment, table: Table, property: str, value: str | None) -> str | None:
    """The rows with a value; "" for all of them, None where they cannot be asked for."""
    shape = env.schema.of(table)
    columns = shape.columns if shape else {}
    column = columns.get(ALIASES.get((table.name, property), property))
    if column is None:
        if "." in property:  # made of several columns
            return None
        return _NOBODY if value else ""
    if not value:
        return f"{column.key} eq null"
    literal = _literal(column, value)
    return None if literal is None else f"{column.key} eq {literal}"


def _literal(column: Column, value: str) -> str | None:
    if column.type in _TEXTS:
        doubled = value.replace("'", "''")
        return f"'{doubled}'"
    if column.type == "Boolean":
        return _FLAGS.get(value.lower())
    if column.type == "MultiSelectPicklist":
        return None
    if column.type in LOOKUPS or column.type == "Uniqueidentifier":
        return value if is_id(value) else None
    if column.type == "DateTime":
        return value if instant(value) else None
    try:
        float(value)
    except ValueError:
        return None
    return value


def _oldest(env: Environment, table: Table) -> datetime | None:
    query = [("$select", CREATED), ("$orderby", f"{CREATED} asc"), ("$top", "1")]
    if conditions := _in_use(table):
        query.append(("$filter", " and ".join(conditions)))
    call = Call(table.set_name, "count", query=tuple(query))
    rows = env.api.page(call)[0]
    return instant(rows[0].get(CREATED)) if rows else None
