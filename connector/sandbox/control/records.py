"""What happens to records: people, integrations and HubSpot itself at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.sandbox.control.bodies import Body, instant, kind_of, record_of, texts

if TYPE_CHECKING:
    from connector.sandbox.server import Sandbox


def create(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Put a record into the account: `kind`, `properties`, maybe `id`, `created_at`, `associations`."""
    world, kind = sandbox.world, kind_of(body["kind"])
    created_at = instant(body["created_at"]) if body.get("created_at") else None
    id = world.add(kind, texts(body["properties"]), id=body.get("id"), created_at=created_at)
    for partner in body.get("associations", ()):
        world.associate(kind, id, kind_of(partner["kind"]), str(partner["id"]), primary=partner.get("primary"))
    return {"id": id}


def edit(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Somebody (`user_id`) edits `properties` of a record: `kind`, `id`."""
    kind, id = record_of(body)
    sandbox.world.edit(kind, id, texts(body["properties"]), user_id=int(body.get("user_id", 7001)))
    return {"properties": sandbox.world.get(kind, id)}


def touch(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Move the modified date of a record (`kind`, `id`) without a visible change."""
    sandbox.world.touch(*record_of(body))
    return {}


def archive(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """A record (`kind`, `id`) goes into the recycling bin."""
    sandbox.world.archive(*record_of(body))
    return {}


def merge(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """`loser` is merged into `survivor` (`kind`)."""
    kind = kind_of(body["kind"])
    sandbox.world.merge(kind, str(body["survivor"]), str(body["loser"]))
    return {"properties": sandbox.world.get(kind, str(body["survivor"]))}


def associate(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Link a record (`kind`, `id`) with another (`to`, `to_id`), or `remove` the link."""
    pair = (*record_of(body), kind_of(body["to"]), str(body["to_id"]))
    if body.get("remove"):
        sandbox.world.links.remove(*pair)
    else:
        sandbox.world.associate(*pair, primary=body.get("primary"))
    return {}


def list_(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """A contact (`contact_id`) joins or leaves (`leave`) the list `name`, maybe `at` an instant."""
    if body.get("leave"):
        sandbox.world.leave_list(body["name"], str(body["contact_id"]))
    elif "contact_id" in body:
        at = instant(body["at"]) if body.get("at") else None
        sandbox.world.join_list(body["name"], str(body["contact_id"]), at=at)
    return {"id": sandbox.world.audience.add_list(body["name"]).id}


def form(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Somebody fills in the form `form` with `values`, maybe `at` an instant."""
    at = instant(body["at"]) if body.get("at") else None
    return {"id": sandbox.world.submit_form(body["form"], texts(body["values"]), at=at).id}


CALLS = {
    "create": create,
    "edit": edit,
    "touch": touch,
    "archive": archive,
    "merge": merge,
    "associate": associate,
    "list": list_,
    "form": form,
}
