"""
The hand behind the curtain: `/_sandbox/...`, where a test or a person moves the account's world.

Nothing here needs a token or counts as a call. Each path is one function from a JSON body to a JSON answer.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from connector.sandbox.clock import iso
from connector.sandbox.control import account, machine, records
from connector.sandbox.control.bodies import kind_of
from connector.sandbox.curtain import Act, Look
from connector.sandbox.exchange import Call
from connector.sandbox.schema import KINDS
from connector.sandbox.store import FIRST_NEW_ID
from connector.sandbox.traffic import busy

if TYPE_CHECKING:
    from connector.sandbox.server import Sandbox

#: Every call that changes something, by its name; the docstring is what `connector sandbox --manners` tells of it,
#: and its words in backticks are the keys of the body.
CALLS: dict[str, Act] = {**records.CALLS, **account.CALLS, **machine.CALLS}


def state(sandbox: Sandbox) -> dict[str, Any]:
    """What a test wants to know afterwards."""
    world, hubspot = sandbox.world, sandbox.hubspot
    return {
        "clock": iso(world.clock.now()),
        "records": {kind: world.count(kind) for kind in KINDS},
        "tasks": tasks(sandbox),
        "calls": dict(hubspot.calls),
        "throttled": hubspot.throttled,
        "refreshes": hubspot.tokens.refreshes,
        "used_today": hubspot.limits.used_today,
        "writes": world.writes,
        "traffic": hubspot.traffic.summary(),
        "kills": sandbox.kills.done,
        "enrollments": dict(world.enrollments),
        "switches": asdict(world.switches),
    }


def tasks(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Living tasks that were made while the sandbox ran, with the contacts they hang on."""
    world = sandbox.world
    return [
        {
            "id": row.id,
            "createdAt": iso(row.created_at),
            "properties": world.values("tasks", row),
            "contacts": list(world.links.of("tasks", row.id, "contacts")),
        }
        for row in world.rows("tasks", from_id=FIRST_NEW_ID)
    ]


def _records(sandbox: Sandbox, kind: str, call: Call) -> dict[str, Any]:
    """The filled properties of all records of a kind, or of some (`ids`), by id: `records/contacts?ids=1,2`."""
    if not kind:
        raise ValueError("records wants a kind: records/contacts")
    world = sandbox.world
    if ids := call.several("ids"):
        return {id: world.get(kind_of(kind), id) for id in ids if world.row(kind_of(kind), id)}
    return dict(world.snapshot((kind_of(kind),))[kind_of(kind)])


def _workflows(sandbox: Sandbox, rest: str, call: Call) -> dict[str, Any]:
    """Every workflow with how often it ran."""
    world = sandbox.world
    return {"workflows": [asdict(one) | {"enrollments": world.enrollments[one.id]} for one in world.workflows]}


def _state(sandbox: Sandbox, rest: str, call: Call) -> dict[str, Any]:
    """What it counted: calls, throttled ones, the fullest ten seconds, writes, records, tasks, kills; its switches."""
    return state(sandbox)


def _faults(sandbox: Sandbox, rest: str, call: Call) -> dict[str, Any]:
    """The script of faults, each with how many calls matched (`seen`) and were hit (`struck`)."""
    return {"faults": [one.as_json() for one in sandbox.faults]}


def _traffic(sandbox: Sandbox, bucket: str, call: Call) -> dict[str, Any]:
    """Calls against one limit second by second, and `busy`, the share of it used but for the first and last 10 s
    (`trim_s`): `traffic/burst`, `traffic/search`, `traffic/associations`."""
    switches = sandbox.world.switches
    limits = {
        "burst": switches.burst,
        "associations": switches.associations_burst,
        "search": 10 * switches.search_per_second,
    }
    bucket = bucket or "burst"
    if bucket not in limits:
        raise ValueError(f"traffic is counted for {', '.join(limits)}, not {bucket!r}")
    told = sandbox.hubspot.traffic.per_second(bucket)
    return told | {
        "limit_per_10s": limits[bucket],
        "busy": busy(told, limits[bucket], trim_s=call.number("trim_s", 10, 600)),
    }


#: Every path that only looks.
LOOKS: dict[str, Look] = {
    "state": _state,
    "records": _records,
    "workflows": _workflows,
    "faults": _faults,
    "traffic": _traffic,
}
