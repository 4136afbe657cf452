"""What changes in the account itself: workflows, owners, access."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from connector.sandbox.control.bodies import Body, kind_of
from connector.sandbox.schema import Option
from connector.sandbox.stock import ALWAYS_SHOWN
from connector.sandbox.workflows import Workflow

if TYPE_CHECKING:
    from connector.sandbox.server import Sandbox


def workflow(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Put up a workflow (`id`, `name`): when `property` of a contact changes to `value` (left out: to anything), set
    `sets` to `to`; `only_app`: only after a write through the API; `after_s` seconds later; `as_app`, `as_user`: not a
    workflow, but another app or a person does it. With `id` and `enabled` alone: turn one on or off."""
    world, id, enabled = sandbox.world, str(body["id"]), bool(body.get("enabled", True))
    if "property" not in body:
        world.workflow(id).enabled = enabled
        return asdict(world.workflow(id))
    value = body.get("value")
    made = Workflow(
        id,
        str(body.get("name") or f"Workflow {id}"),
        str(body["property"]),
        None if value is None else str(value),
        str(body["sets"]),
        str(body["to"]),
        enabled,
        only_app=bool(body.get("only_app")),
        after_s=float(body.get("after_s", 0)),
        as_app=str(body.get("as_app", "")),
        as_user=int(body.get("as_user", 0)),
    )
    return asdict(world.add_workflow(made))


def property_(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """An admin changes the property `name` of a `kind`: `delete` or `restore` it, make it `read_only` or not,
    `remove_option` or `add_option`."""
    definitions, kind, name = sandbox.world.definitions, kind_of(body["kind"]), str(body["name"])
    if body.get("restore"):
        definitions[kind][name] = sandbox.world.deleted.pop((kind, name))
    current = definitions[kind][name]
    if body.get("delete"):
        if name == "lifecyclestage" or name in ALWAYS_SHOWN[kind]:
            raise ValueError(f"no account can do without {name}")
        sandbox.world.deleted[kind, name] = definitions[kind].pop(name)
        return {"deleted": name}
    options = tuple(one for one in current.options if one.value != body.get("remove_option"))
    if "add_option" in body:
        options += (Option(str(body["add_option"]), str(body["add_option"])),)
    read_only = bool(body.get("read_only", current.read_only))
    definitions[kind][name] = replace(current, options=options, read_only=read_only)
    return definitions[kind][name].as_json()


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
    "property": property_,
    "workflow": workflow,
    "owner": owner,
    "access": access,
}
