"""The machine behind the account: its clock, its switches, its script of trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.sandbox.clock import iso
from connector.sandbox.control.bodies import Body, instant

if TYPE_CHECKING:
    from connector.sandbox.server import Sandbox
    from connector.sandbox.shell import Shell


def clock(sandbox: Shell, body: Body) -> dict[str, Any]:
    """Set the clock `at` an instant (`ticking` or not), `advance_seconds`, or follow the `real` one."""
    clock = sandbox.world.clock
    if "at" in body:
        clock.set(instant(body["at"]), ticking=bool(body.get("ticking")))
    elif body.get("real"):
        clock.follow_real_time()
    clock.advance(float(body.get("advance_seconds", 0)))
    sandbox.world.catch_up()
    return {"now": iso(clock.now())}


def switches(sandbox: Shell, body: Body) -> dict[str, Any]:
    """Turn switches, each by its name."""
    sandbox.switch(**body)
    return sandbox.world.switches.as_json()


def faults(sandbox: Shell, body: Body) -> dict[str, Any]:
    """Script `faults` in place of those there are, or beside them (`add`: true)."""
    script = [sandbox.checked_fault(one) for one in body["faults"]]
    if not body.get("add"):
        sandbox.faults.clear()
    for one in script:
        sandbox.faults.add(one)
    return {"faults": len(script)}


def process(sandbox: Shell, body: Body) -> dict[str, Any]:
    """Name the process (`pid`) that kills without a `pid` of their own mean."""
    sandbox.kills.aim_at(int(body["pid"]))
    return {"pid": sandbox.kills.pid}


def spend(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Another app of the account spends `calls` of the daily quota at once."""
    sandbox.hubspot.limits.spend_daily(int(body["calls"]))
    return {"used_today": sandbox.hubspot.limits.used_today}


def reset(sandbox: Shell, body: Body) -> dict[str, Any]:
    """Begin again as at the start."""
    sandbox.reset()
    return {}


#: What every sandboxed CRM has.
COMMON = {
    "clock": clock,
    "switches": switches,
    "faults": faults,
    "process": process,
}
CALLS = {**COMMON, "spend": spend, "reset": reset}
