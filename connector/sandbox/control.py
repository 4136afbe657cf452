"""
The hand behind the curtain: `/_sandbox/...`, where a test or a person moves the account's world.

Nothing here needs a token or counts as a call. Each path is one function from a JSON body to a JSON answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connector.sandbox.clock import iso
from connector.sandbox.exchange import Answer, Call, Refusal, invalid, not_found
from connector.sandbox.faults import fault_from
from connector.sandbox.schema import KIND_OF, KINDS
from connector.sandbox.workflows import Workflow
from connector.sandbox.world import FIRST_NEW_ID

if TYPE_CHECKING:
    from connector.sandbox.server import Sandbox

PREFIX = "/_sandbox/"
Body = Mapping[str, Any]


def control(sandbox: Sandbox, call: Call) -> Answer:
    """Answer one control call; what is wrong with it comes back as a 400 that says so."""
    name, _, rest = call.path.removeprefix(PREFIX).partition("/")
    try:
        if call.method == "GET" and name == "state":
            return Answer(200, state(sandbox))
        if call.method == "GET" and name == "workflows":
            return Answer(200, workflows(sandbox))
        if call.method == "GET" and name == "records":
            return Answer(200, records(sandbox, rest, call.several("ids")))
        if call.method == "POST" and name in _POSTS:
            return Answer(200, _POSTS[name](sandbox, call.json()))
    except Refusal as refused:
        return refused.answer
    except KeyError as missing:
        return invalid(f"{name}: missing or unknown: {missing.args[0]}").answer
    except ValueError as wrong:
        return invalid(f"{name}: {wrong}").answer
    return not_found(f"there are GET state, GET workflows, GET records/KIND and POST {', '.join(_POSTS)}").answer


def state(sandbox: Sandbox) -> dict[str, Any]:
    """What a test wants to know afterwards."""
    world, hubspot = sandbox.world, sandbox.hubspot
    return {
        "clock": iso(world.clock.now()),
        "records": {kind: world.count(kind) for kind in KINDS},
        "tasks": tasks(sandbox),
        "calls": dict(hubspot.calls),
        "throttled": hubspot.throttled,
        "used_today": hubspot.limits.used_today,
        "writes": world.writes,
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


def records(sandbox: Sandbox, kind: str, ids: tuple[str, ...]) -> dict[str, Any]:
    """The filled properties of all records of a kind, or of some, by id."""
    if ids:
        return {id: sandbox.world.get(_kind(kind), id) for id in ids}
    return dict(sandbox.world.snapshot((_kind(kind),))[_kind(kind)])


def workflows(sandbox: Sandbox) -> dict[str, Any]:
    """Every workflow with how often it ran."""
    world = sandbox.world
    return {"workflows": [asdict(one) | {"enrollments": world.enrollments[one.id]} for one in world.workflows]}


def _clock(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    clock = sandbox.world.clock
    if "at" in body:
        clock.set(_instant(body["at"]), ticking=bool(body.get("ticking")))
    elif body.get("real"):
        clock.follow_real_time()
    clock.advance(float(body.get("advance_seconds", 0)))
    return {"now": iso(clock.now())}


def _edit(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    kind, id = _record(body)
    sandbox.world.edit(kind, id, _texts(body["properties"]), user_id=int(body.get("user_id", 7001)))
    return {"properties": sandbox.world.get(kind, id)}


def _touch(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    sandbox.world.touch(*_record(body))
    return {}


def _create(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    world, kind = sandbox.world, _kind(body["kind"])
    created_at = _instant(body["created_at"]) if body.get("created_at") else None
    id = world.add(kind, _texts(body["properties"]), id=body.get("id"), created_at=created_at)
    for partner in body.get("associations", ()):
        world.associate(kind, id, _kind(partner["kind"]), str(partner["id"]), primary=partner.get("primary"))
    return {"id": id}


def _archive(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    sandbox.world.archive(*_record(body))
    return {}


def _merge(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    kind = _kind(body["kind"])
    sandbox.world.merge(kind, str(body["survivor"]), str(body["loser"]))
    return {"properties": sandbox.world.get(kind, str(body["survivor"]))}


def _associate(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    pair = (*_record(body), _kind(body["to"]), str(body["to_id"]))
    if body.get("remove"):
        sandbox.world.links.remove(*pair)
    else:
        sandbox.world.associate(*pair, primary=body.get("primary"))
    return {}


def _list(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    if body.get("leave"):
        sandbox.world.leave_list(body["name"], str(body["contact_id"]))
    elif "contact_id" in body:
        at = _instant(body["at"]) if body.get("at") else None
        sandbox.world.join_list(body["name"], str(body["contact_id"]), at=at)
    return {"id": sandbox.world.audience.add_list(body["name"]).id}


def _form(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    at = _instant(body["at"]) if body.get("at") else None
    return {"id": sandbox.world.submit_form(body["form"], _texts(body["values"]), at=at).id}


def _workflow(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Put up a workflow, or (an id alone) turn one that is there on or off."""
    world, id, enabled = sandbox.world, str(body["id"]), bool(body.get("enabled", True))
    if "property" not in body:
        world.workflow(id).enabled = enabled
        return asdict(world.workflow(id))
    name, value = str(body.get("name") or f"Workflow {id}"), body.get("value")
    trigger = (str(body["property"]), None if value is None else str(value))
    return asdict(world.add_workflow(Workflow(id, name, *trigger, str(body["sets"]), str(body["to"]), enabled)))


def _owner(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Somebody leaves the company."""
    if not body["archive"]:
        raise ValueError("who has left stays away; archive is true")
    sandbox.world.set_owner_archived(str(body["id"]))
    return {}


def _switches(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    sandbox.switch(**body)
    return asdict(sandbox.world.switches)


def _faults(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    script = [fault_from(one) for one in body["faults"]]
    sandbox.faults.clear()
    for one in script:
        sandbox.faults.add(one)
    return {"faults": len(script)}


def _access(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Change the token or what it may do; null scopes grant everything."""
    if "token" in body:
        sandbox.hubspot.token = str(body["token"])
    if "scopes" in body:
        sandbox.hubspot.scopes = None if body["scopes"] is None else frozenset(body["scopes"])
    return {}


def _spend(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    sandbox.hubspot.limits.spend_daily(int(body["calls"]))
    return {"used_today": sandbox.hubspot.limits.used_today}


def _reset(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    sandbox.reset()
    return {}


_POSTS: dict[str, Callable[[Sandbox, Body], dict[str, Any]]] = {
    "clock": _clock,
    "edit": _edit,
    "touch": _touch,
    "create": _create,
    "archive": _archive,
    "merge": _merge,
    "associate": _associate,
    "list": _list,
    "form": _form,
    "workflow": _workflow,
    "owner": _owner,
    "switches": _switches,
    "faults": _faults,
    "access": _access,
    "spend": _spend,
    "reset": _reset,
}


def _kind(name: str) -> str:
    if name not in KIND_OF:
        raise ValueError(f"unknown kind {name!r}; there are {', '.join(KINDS)}")
    return KIND_OF[name]


def _record(body: Body) -> tuple[str, str]:
    return _kind(body["kind"]), str(body["id"])


def _texts(properties: Mapping[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in properties.items()}


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
