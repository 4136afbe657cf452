"""
Rows as the Web API tells them: unset columns as null, lookups as `_name_value`, money with its currency and four
decimals, annotations where they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from connector.sandbox.clock import iso
from connector.sandbox.dataverse.environment import Environment
from connector.sandbox.dataverse.errors import refused
from connector.sandbox.dataverse.known import BUSINESS_UNIT
from connector.sandbox.dataverse.preferences import FORMATTED, LOOKUP_TABLE, NAVIGATION, Preferences
from connector.sandbox.dataverse.rows import Row, Value
from connector.sandbox.dataverse.schema import DATES, LOOKUPS, OPTION_KINDS, Column, Ref, Table

Tell = Callable[[Row], dict[str, Any]]
_MONEY = ("money", "base")


def _owning(row: Row, table: str) -> Value:
    """The owner, where it is a user or a team, as asked for."""
    owner = row.values.get("ownerid")
    return owner if isinstance(owner, Ref) and owner.table == table else None


#: Columns that the row itself knows.
_OF_THE_ROW: dict[str, Callable[[Row], Value]] = {
    "createdon": lambda row: row.created_at,
    "modifiedon": lambda row: row.modified_at,
    "createdby": lambda row: Ref("systemuser", row.created_by),
    "modifiedby": lambda row: Ref("systemuser", row.modified_by),
    "versionnumber": lambda row: row.version,
    "owninguser": lambda row: _owning(row, "systemuser"),
    "owningteam": lambda row: _owning(row, "team"),
    "owningbusinessunit": lambda row: Ref("businessunit", BUSINESS_UNIT),
}


def value_of(table: Table, row: Row, column: str) -> Value:
    """What a column of a row holds."""
    if column == table.id_column:
        return row.id
    known = _OF_THE_ROW.get(column)
    return known(row) if known else row.values.get(column)


def teller(environment: Environment, table: Table, columns: Sequence[Column], wanted: Preferences) -> Tell:
    """A function that tells these columns of a row, with its ETag and its id, which nobody has to select."""
    told = [(column, column.told_as, _plain(column)) for column in _with_currency(environment, table, columns)]
    hidden = _hidden(environment, table, columns)
    annotated = bool(wanted.annotations)

    def tell(row: Row) -> dict[str, Any]:
        made: dict[str, Any] = {"@odata.etag": row.etag} if table.versions else {}
        for column, key, plain in told:
            value = None if column.name in hidden else value_of(table, row, column.name)
            made[key] = None if value is None else plain(value)
            if annotated and value is not None:
                made |= _annotations(environment, table, column, value, wanted)
        made[table.id_column] = row.id
        return made

    return tell


def wire(column: Column, value: Value) -> Any:
    """One value as JSON has it."""
    return None if value is None else _plain(column)(value)


def _plain(column: Column) -> Callable[[Any], Any]:
    """How a value of this column goes out."""
    if column.kind in LOOKUPS:
        return lambda ref: ref.id
    if column.kind in DATES:
        return lambda ms: iso(ms)[:-5] + "Z"  # whole seconds
    if column.kind in _MONEY:
        return _money
    if column.kind == "decimal":
        return lambda number: orjson.Fragment(f"{Decimal(number):.4f}".encode())
    if column.kind == "choices":
        return lambda values: ",".join(map(str, values))
    return lambda value: value


def _money(amount: Any) -> orjson.Fragment:
    """Money goes out with its four decimals, as a number that a float would round."""
    return orjson.Fragment(f"{Decimal(amount):.4f}".encode())


def _with_currency(environment: Environment, table: Table, columns: Sequence[Column]) -> list[Column]:
    """Money drags its currency along, selected or not."""
    told = list(columns)
    if any(column.kind in _MONEY for column in told) and all(c.name != "transactioncurrencyid" for c in told):
        told.append(table.columns["transactioncurrencyid"])
    return told


def _hidden(environment: Environment, table: Table, columns: Sequence[Column]) -> frozenset[str]:
    """Secured columns that the caller may not read; Refusal where that is switched."""
    if not environment.secured or environment.app.may("ReadSecured", table.name):
        return frozenset()
    found = frozenset(column.name for column in columns if (table.name, column.name) in environment.secured)
    if found and environment.switches.secured_read == "refuse":
        raise refused("SecuredRead", f"The user may not read the secured column {min(found)} of {table.name}.")
    return found


def _annotations(
    environment: Environment, table: Table, column: Column, value: Value, wanted: Preferences
) -> dict[str, str]:
    made = {}
    if isinstance(value, Ref):
        if wanted.wants(NAVIGATION) and (
            leads := [name for name, to in table.leads(column) if to in (value.table, "owner")]
        ):
            made[f"{column.told_as}@{NAVIGATION}"] = leads[0]
        if wanted.wants(LOOKUP_TABLE):
            made[f"{column.told_as}@{LOOKUP_TABLE}"] = value.table
    if wanted.wants(FORMATTED) and (text := _formatted(environment, column, value)):
        made[f"{column.told_as}@{FORMATTED}"] = text
    return made


def _formatted(environment: Environment, column: Column, value: Value) -> str:
    """A value as a person of this language reads it: nothing to map on."""
    if isinstance(value, Ref):
        row = environment.row(value.table, value.id)
        name = environment.tables[value.table].name_column
        return str(row.values.get(name) or "") if row else ""
    if column.kind == "boolean":
        return column.labels[bool(value)]
    if column.kind in OPTION_KINDS:
        values = value if isinstance(value, tuple) else (value,)
        return "; ".join(one.label for part in values if isinstance(part, int) and (one := column.option(part)))
    if column.kind in DATES and isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, UTC).strftime("%-m/%-d/%Y %-I:%M %p")
    if column.kind in _MONEY and isinstance(value, Decimal | int | float):
        return f"€{Decimal(str(value)):,.2f}"
    return ""
