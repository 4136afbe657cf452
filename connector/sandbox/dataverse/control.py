"""
The hand behind the curtain of the Dataverse sandbox: people, admins and other integrations at work.

The docstring of each call is what `connector sandbox --crm dynamics --manners` tells of it, and its words in backticks
are the keys of the body. Tables are named as in paths ("contacts") or by their logical names ("contact").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from connector.sandbox.clock import iso, parse_ms
from connector.sandbox.control import machine
from connector.sandbox.curtain import Act, Body, Look
from connector.sandbox.dataverse import states
from connector.sandbox.dataverse.environment import SOMEBODY, Environment
from connector.sandbox.dataverse.payload import stored
from connector.sandbox.dataverse.rows import Row, Value
from connector.sandbox.dataverse.schema import LOOKUPS, Ref, Table
from connector.sandbox.dataverse.telling import value_of, wire
from connector.sandbox.exchange import Call, Refusal

if TYPE_CHECKING:
    from connector.sandbox.dataverse.server import DataverseSandbox as Sandbox


def create(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Put a row into a `table`: `values` by column (a lookup as "contact:<id>"), maybe `id`, `by` whom, `created_at`,
    `modified_at`."""
    world = sandbox.world
    table = table_of(world, body["table"])
    row = world.add(
        table.name,
        values_of(world, table, body.get("values", {})),
        id=body.get("id"),
        by=str(body.get("by", SOMEBODY)),
        created_at=_instant(body.get("created_at")),
        modified_at=_instant(body.get("modified_at")),
    )
    return told(table, row)


def edit(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Somebody (`by`) edits `values` of a row: `table`, `id`. Neither rules nor closed states hold people."""
    world = sandbox.world
    table = table_of(world, body["table"])
    values = values_of(world, table, body["values"])
    if "statecode" in values and isinstance(state := values["statecode"], int):
        values.setdefault("statuscode", states.first_status(table, state))
    row = world.write(table.name, _id(body["id"]), values, by=str(body.get("by", SOMEBODY)))
    return told(table, row)


def touch(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Move version and date of rows (`table`, `ids`) without a change in a column that anybody selects."""
    table = table_of(sandbox.world, body["table"])
    for id in body["ids"]:
        sandbox.world.touch(table.name, _id(id))
    return {}


def delete(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Somebody deletes a row (`table`, `id`) for good."""
    table = table_of(sandbox.world, body["table"])
    row = sandbox.world.delete(table.name, _id(body["id"]))
    sandbox.deleted[table.name, row.id] = row
    return {}


def restore(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """A row (`table`, `id`) that the control call `delete` deleted comes back under its id."""
    table = table_of(sandbox.world, body["table"])
    sandbox.world.restore(table.name, sandbox.deleted.pop((table.name, _id(body["id"]))))
    return {}


def reset(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Begin again as at the start."""
    sandbox.reset()
    return {}


def _state(sandbox: Sandbox, rest: str, call: Call) -> dict[str, Any]:
    """What it counted: calls by class, rows, refused calls by limit, writes by table, tokens, kills; its switches."""
    world, service = sandbox.world, sandbox.service
    return {
        "clock": iso(world.clock.now()),
        "version": world.version,
        "calls": {name: count for name, count in service.counted.items() if name != "rows"},
        "rows": service.counted["rows"],
        "rows_today": service.limits.rows_today,
        "throttled": dict(service.limits.refused),
        "servers": {str(number): calls for number, calls in service.limits.by_server.items()},
        "cookies": service.cookies_seen,
        "writes": dict(world.writes),
        "tokens": service.login.handed_out,
        "traffic": service.traffic.summary(),
        "kills": sandbox.kills.done,
        "switches": world.switches.as_json(),
    }


def _records(sandbox: Sandbox, name: str, call: Call) -> dict[str, Any]:
    """The filled columns of all rows of a table, or of some (`ids`), by id: `records/contacts?ids=...`."""
    if not name:
        raise ValueError("records wants a table: records/contacts")
    table, shelf = table_of(sandbox.world, name), sandbox.world.shelf(table_of(sandbox.world, name).name)
    if ids := call.several("ids"):
        return {id: told(table, row) for id in ids if (row := shelf.row(_id(id)))}
    return {row.id: told(table, row) for row in shelf.rows()}


def _faults(sandbox: Sandbox, rest: str, call: Call) -> dict[str, Any]:
    """The script of faults, each with how many calls matched (`seen`) and were hit (`struck`)."""
    return {"faults": [one.as_json() for one in sandbox.faults]}


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
            made[name] = Ref(table_of(world, other).name, _id(id))
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


def _id(text: Any) -> str:
    return str(text).lower()


def _instant(text: Any) -> int | None:
    return None if text is None else parse_ms(str(text))


#: Every call that changes something, by its name.
CALLS: dict[str, Act] = {
    "create": create,
    "edit": edit,
    "touch": touch,
    "delete": delete,
    "restore": restore,
    **machine.COMMON,
    "reset": reset,
}
#: Every path that only looks.
LOOKS: dict[str, Look] = {"state": _state, "records": _records, "faults": _faults}
