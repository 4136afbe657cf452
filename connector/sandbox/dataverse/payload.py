"""
A body that is to be written, read with all its traps: names in the right case, lookups by navigation property,
values of the right type, within their bounds, among their options.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from connector.sandbox.clock import parse_ms
from connector.sandbox.dataverse.environment import Environment
from connector.sandbox.dataverse.errors import refused
from connector.sandbox.dataverse.rights import require
from connector.sandbox.dataverse.rows import Value
from connector.sandbox.dataverse.schema import DATES, LOOKUPS, OPTION_KINDS, Column, Ref, Table
from connector.sandbox.exchange import Refusal

BIND = "@odata.bind"
#: Annotations that say what a body is; they change nothing.
_HARMLESS = ("@odata.type", "@odata.id", "@odata.etag", "@odata.context")
_KEYED = re.compile(r"/?(?P<set>\w+)\((?P<id>[0-9a-fA-F-]{36})\)$")
_EARLIEST = parse_ms("1753-01-01T00:00:00Z")
_TEXTS = ("string", "memo")


@dataclass(slots=True)
class Payload:
    """What a body wants: columns with their values as they are stored, and the parties of an activity."""

    id: str | None = None
    values: dict[str, Value] = field(default_factory=dict)
    parties: list[dict[str, Value]] = field(default_factory=list)


def parsed(environment: Environment, table: Table, body: Mapping[str, Any], *, creating: bool) -> Payload:
    """A body as it would be stored; Refusal names the first thing that is wrong with it."""
    found = Payload()
    for name, value in body.items():
        if name in _HARMLESS:
            continue
        if name == f"{table.name}_activity_parties" and creating and table.is_activity:
            found.parties = [_party(environment, one) for one in value]
        elif name.endswith(BIND):
            column, ref = _bound(environment, table, name.removesuffix(BIND), value)
            found.values[column.name] = ref
        elif name == table.id_column:
            found.id = _guid(table, name, value)
        else:
            column = _writable(environment, table, name, creating=creating)
            found.values[column.name] = stored(table, column, value)
    _check_rights(environment, table, found.values)
    return found


def stored(table: Table, column: Column, value: Any) -> Value:
    """One value as it is kept; Refusal when it is of another type, out of bounds or no option."""
    if value is None:
        return None
    if column.kind in _TEXTS:
        return _text(table, column, value)
    if column.kind in OPTION_KINDS:
        return _options(table, column, value)
    if column.kind in ("integer", "bigint"):
        return _integer(table, column, value)
    if column.kind in ("money", "decimal", "double"):
        return _decimal(table, column, value)
    if column.kind == "boolean":
        if not isinstance(value, bool):
            raise _unreadable(table, column, value, "Edm.Boolean")
        return value
    if column.kind in DATES or column.kind == "dateonly":
        return _instant(table, column, value)
    return _guid(table, column.name, value)


def _writable(environment: Environment, table: Table, name: str, *, creating: bool) -> Column:
    column = environment.columns_of(table).get(name)
    if column is None or column.kind in LOOKUPS:
        if "@" in name or (column is not None and column.kind in LOOKUPS):
            raise _undeclared(table, name)
        raise _no_property(table, name)
    if column.read_only or (creating and column.kind == "state"):
        raise refused("InvalidArgument", f"The column {name} of {table.name} is not valid for this write.")
    return column


def _bound(environment: Environment, table: Table, name: str, value: Any) -> tuple[Column, Ref | None]:
    """The lookup that a navigation property names, and the row it is to point at."""
    found = table.navigations().get(name)
    if found is None:
        raise _undeclared(table, name)
    column, target = found
    if column.read_only:
        raise refused("InvalidArgument", f"The column {column.name} of {table.name} is not valid for this write.")
    if value is None:
        return column, None
    keyed = _KEYED.search(value) if isinstance(value, str) else None
    other = environment.sets.get(keyed["set"]) if keyed else None
    if keyed is None or other is None:
        raise refused("BadPayload", f"The URI {value!r} of {name} names no row of a known entity set.")
    fits = other.name in column.targets if target == "owner" else other.name == target
    if not fits:
        raise refused("BadPayload", f"A row of {other.set_name} cannot be bound to {name}.")
    id = keyed["id"].lower()
    if environment.row(other.name, id) is None:
        raise refused("NotFound", f"{other.name} With Id = {id} Does Not Exist")
    return column, Ref(other.name, id)


def _party(environment: Environment, body: Any) -> dict[str, Value]:
    """One party of an activity that is created with it."""
    if not isinstance(body, dict):
        raise refused("BadPayload", "The parties of an activity are a list of objects.")
    return parsed(environment, environment.tables["activityparty"], body, creating=True).values


def _check_rights(environment: Environment, table: Table, values: Mapping[str, Value]) -> None:
    """Refusal 403 for a secured column, an owner that may not be set, a lookup that may not be bound."""
    for name, value in values.items():
        if name == "ownerid":
            require(environment, "Assign", table)
        elif isinstance(value, Ref):
            require(environment, "Append", table)
            require(environment, "AppendTo", environment.tables[value.table])
        if (table.name, name) in environment.secured and not environment.app.may("UpdateSecured", table.name):
            raise refused("SecuredUpdate", f"The user may not update the secured column {name} of {table.name}.")


def _text(table: Table, column: Column, value: Any) -> str:
    if not isinstance(value, str):
        raise _unreadable(table, column, value, "Edm.String")
    if len(value) > column.length:
        raise refused(
            "StringTooLong",
            f"A validation error occurred. The length of the '{column.name}' attribute of the '{table.name}' entity "
            f"exceeded the maximum allowed length of '{column.length}'.",
        )
    return value


def _options(table: Table, column: Column, value: Any) -> Value:
    if column.kind == "choices":
        if not isinstance(value, str):
            raise _unreadable(table, column, value, "Edm.String")
        return tuple(_option(table, column, part.strip()) for part in value.split(",")) if value else None
    return _option(table, column, value)


def _option(table: Table, column: Column, value: Any) -> int:
    plain = int(value) if isinstance(value, str) and column.kind == "choices" and value.isdigit() else value
    if not isinstance(plain, int) or isinstance(plain, bool):
        raise _unreadable(table, column, value, "Edm.Int32")
    if column.option(plain) is None:
        accepted = ",".join(str(one.value) for one in column.options)
        raise refused(
            "OptionOutOfRange",
            f"A validation error occurred. The value {plain} of '{column.name}' on record of type '{table.name}' is "
            f"outside the valid range. Accepted Values: {accepted}",
        )
    return plain


def _integer(table: Table, column: Column, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _unreadable(table, column, value, "Edm.Int32")
    _check_bounds(table, column, value, "IntegerOutOfRange")
    return value


def _decimal(table: Table, column: Column, value: Any) -> Value:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _unreadable(table, column, value, "Edm.Decimal")
    _check_bounds(table, column, value, "DecimalOutOfRange")
    return float(value) if column.kind == "double" else Decimal(str(value)).quantize(Decimal("0.0001"))


def _check_bounds(table: Table, column: Column, value: float, reason: str) -> None:
    if (column.least is not None and value < column.least) or (column.most is not None and value > column.most):
        raise refused(
            reason,
            f"A validation error occurred. The value {value} of '{column.name}' on '{table.name}' is outside "
            f"{column.least} to {column.most}.",
        )


def _instant(table: Table, column: Column, value: Any) -> Value:
    """Milliseconds, or for a date without a time the date's text."""
    edm = "Edm.Date" if column.kind == "dateonly" else "Edm.DateTimeOffset"
    try:
        if column.kind == "dateonly":
            return date.fromisoformat(value).isoformat()
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _unreadable(table, column, value, edm) from None
    if at.tzinfo is None:
        raise _unreadable(table, column, value, edm)
    ms = parse_ms(value)
    if ms < _EARLIEST:
        raise refused(
            "InvalidArgument", f"The date-time of {column.name} precedes the earliest one allowed, 1753-01-01."
        )
    return ms - ms % 1000  # whole seconds


def _guid(table: Table, name: str, value: Any) -> str:
    try:
        return str(UUID(value))
    except (AttributeError, TypeError, ValueError):
        raise refused("BadPayload", f"Cannot convert the value {value!r} of {name} to Edm.Guid.") from None


def _unreadable(table: Table, column: Column, value: Any, edm: str) -> Refusal:
    return refused(
        "BadPayload",
        f"Error identified in Payload provided by the user for Entity :'{table.set_name}': cannot convert the value "
        f"{value!r} of '{column.name}' to the expected type '{edm}'.",
    )


def _no_property(table: Table, name: str) -> Refusal:
    return refused(
        "BadPayload",
        f"Invalid property '{name}' was found in entity 'Microsoft.Dynamics.CRM.{table.name}'. The property '{name}' "
        f"does not exist on type 'Microsoft.Dynamics.CRM.{table.name}'.",
    )


def _undeclared(table: Table, name: str) -> Refusal:
    """What a lookup in the wrong case, without its target or by its column name is told."""
    return refused(
        "BadPayload",
        f"An undeclared property '{name}' which only has property annotations in the payload but no property value was "
        f"found in the payload. In OData, only declared navigation properties and declared named streams can be "
        f"represented as properties without values. (Microsoft.Dynamics.CRM.{table.name})",
    )
