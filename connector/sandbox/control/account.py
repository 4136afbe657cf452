"""What changes in the account itself: workflows, owners, access."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from connector.sandbox.control.bodies import Body
from connector.sandbox.workflows import Workflow

if TYPE_CHECKING:
    from connector.sandbox.server import Sandbox


def workflow(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Put up a workflow (`id`, `property`, `value`, `sets`, `to`), or turn one on or off (`enabled`)."""
    world, id, enabled = sandbox.world, str(body["id"]), bool(body.get("enabled", True))
    if "property" not in body:
        world.workflow(id).enabled = enabled
        return asdict(world.workflow(id))
    name, value = str(body.get("name") or f"Workflow {id}"), body.get("value")
    trigger = (str(body["property"]), None if value is None else str(value))
    return asdict(world.add_workflow(Workflow(id, name, *trigger, str(body["sets"]), str(body["to"]), enabled)))


def owner(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """The owner `id` leaves the company (`archive`: true)."""
    if not body["archive"]:
        raise ValueError("who has left stays away; archive is true")
    sandbox.world.set_owner_archived(str(body["id"]))
    return {}


def access(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Change the `token` (null: OAuth alone opens), the `scopes` (null: all), end every access token (`expire`), or
    `revoke` one."""
    hubspot = sandbox.hubspot
    if "token" in body:
        hubspot.token = str(body["token"] or "")
    if "scopes" in body:
        hubspot.scopes = None if body["scopes"] is None else frozenset(body["scopes"])
    if body.get("expire"):
        hubspot.tokens.end_all()
    if "revoke" in body:
        hubspot.tokens.revoke(str(body["revoke"]))
    return {}


CALLS = {
    "workflow": workflow,
    "owner": owner,
    "access": access,
}
