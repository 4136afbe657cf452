"""
The hand behind the curtain of the Dataverse sandbox: people, admins and other integrations at work.

The docstring of each call is what `connector sandbox --crm dynamics --manners` tells of it, and its words in backticks
are the keys of the body. Tables are named as in paths ("contacts") or by their logical names ("contact").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.sandbox.clock import iso
from connector.sandbox.control import machine
from connector.sandbox.curtain import Act, Body, Look
from connector.sandbox.dataverse.control import admin, records
from connector.sandbox.dataverse.control.bodies import id_of, table_of, told
from connector.sandbox.dataverse.limits import WINDOW_MS
from connector.sandbox.dataverse.request import ENTITLED
from connector.sandbox.exchange import Call
from connector.sandbox.limits import WINDOW_MS as TEN_SECONDS_MS
from connector.sandbox.traffic import busy

if TYPE_CHECKING:
    from connector.sandbox.dataverse.server import DataverseSandbox as Sandbox


def reset(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Begin again as at the start."""
    sandbox.reset()
    return {}


def _state(sandbox: Sandbox, rest: str, call: Call) -> dict[str, Any]:
    """What it counted: calls by class, rows, refused calls by limit, writes by table, tasks made, tokens, kills; its
    switches."""
    world, service = sandbox.world, sandbox.service
    return {
        "clock": iso(world.clock.now()),
        "version": world.version,
        "calls": {name: count for name, count in service.counted.items() if name not in ("rows", ENTITLED)},
        "rows": service.counted["rows"],
        "rows_today": service.limits.rows_today,
        "throttled": dict(service.limits.refused),
        "servers": {str(number): calls for number, calls in service.limits.by_server.items()},
        "cookies": service.cookies_seen,
        "writes": dict(world.writes),
        "tasks": tasks(sandbox),
        "tokens": service.login.handed_out,
        "traffic": service.traffic.summary(),
        "kills": sandbox.kills.done,
        "switches": world.switches.as_json(),
    }


def tasks(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Living tasks that the application user made."""
    table, world = sandbox.world.tables["task"], sandbox.world
    mine = [row for row in world.shelf("task").written() if row.created_by == world.app.id]
    return [{"id": row.id, **told(table, row)} for row in mine]


def _traffic(sandbox: Sandbox, rest: str, call: Call) -> dict[str, Any]:
    """Calls second by second, and `busy`, the share of the limit used but for the first and last 10 s (`trim_s`)."""
    limit = sandbox.world.switches.requests * TEN_SECONDS_MS // WINDOW_MS
    seconds = sandbox.service.traffic.per_second("requests")
    return seconds | {"limit_per_10s": limit, "busy": busy(seconds, limit, trim_s=call.number("trim_s", 10, 600))}


def _records(sandbox: Sandbox, name: str, call: Call) -> dict[str, Any]:
    """The filled columns of all rows of a table, or of some (`ids`), by id: `records/contacts?ids=...`."""
    if not name:
        raise ValueError("records wants a table: records/contacts")
    table, shelf = table_of(sandbox.world, name), sandbox.world.shelf(table_of(sandbox.world, name).name)
    if ids := call.several("ids"):
        return {id: told(table, row) for id in ids if (row := shelf.row(id_of(id)))}
    return {row.id: told(table, row) for row in shelf.rows()}


def _faults(sandbox: Sandbox, rest: str, call: Call) -> dict[str, Any]:
    """The script of faults, each with how many calls matched (`seen`) and were hit (`struck`)."""
    return {"faults": [one.as_json() for one in sandbox.faults]}


#: Every call that changes something, by its name.
CALLS: dict[str, Act] = {**records.CALLS, **admin.CALLS, **machine.COMMON, "reset": reset}
#: Every path that only looks.
LOOKS: dict[str, Look] = {"state": _state, "records": _records, "faults": _faults, "traffic": _traffic}
