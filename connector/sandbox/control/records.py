"""What happens to records: people, integrations and HubSpot itself at work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from itertools import islice
from typing import TYPE_CHECKING, Any

from connector.sandbox import fates
from connector.sandbox.agenda import Robot
from connector.sandbox.clock import iso
from connector.sandbox.control.bodies import Body, instant, kind_of, record_of, texts
from connector.sandbox.poison import Poison

if TYPE_CHECKING:
    from connector.sandbox.server import Sandbox
    from connector.sandbox.world import World


def create(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Put a record into the account: `kind`, `properties`, maybe `id`, `created_at`, `associations` (a list of
    kind, id, primary)."""
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


def bulk_touch(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Move the modified date of many records of a `kind` to one instant: `ids`, or the first `count` (from `from_id`
    on); maybe with the same `properties`."""
    world, kind = sandbox.world, kind_of(body["kind"])
    ids = body.get("ids")
    if ids is None:
        rows = islice(world.rows(kind, from_id=int(body.get("from_id", 0))), int(body["count"]))
        ids = [row.id for row in rows]
    changes = texts(body.get("properties") or {})
    if derived := sorted({"lifecyclestage", "email"} & set(changes)):
        raise ValueError(f"{derived[0]} has consequences; edit it")
    at = world.touch(kind, *map(str, ids), changes=changes)
    return {"touched": len(ids), "at": iso(at)}


def archive(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """A record (`kind`, `id`) goes into the recycling bin."""
    sandbox.world.archive(*record_of(body))
    return {}


def restore(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """A record (`kind`, `id`) comes back from the recycling bin."""
    fates.restore(sandbox.world, *record_of(body))
    return {}


def gdpr_delete(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """A contact (`id` or `email`) is erased for privacy: nowhere any more, the recycling bin included."""
    world = sandbox.world
    id = str(body["id"]) if "id" in body else world.contact_of(str(body["email"]))
    if id is None:
        raise ValueError("nobody has this e-mail address")
    fates.erase(world, "contacts", id)
    return {"id": id}


def merge(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """`loser` is merged into `survivor` (`kind`), or both into a third record (`new_id`: true)."""
    kind, new_id = kind_of(body["kind"]), body.get("new_id")
    row = sandbox.world.merge(kind, str(body["survivor"]), str(body["loser"]), new_id=new_id)
    return {"id": row.id, "properties": sandbox.world.get(kind, row.id)}


def robot(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Somebody (`user_id`) sets `property` of the records `ids` (`kind`) to one of `values` after the other, every
    `every_s` seconds, `times` times (0: for ever); `stop`: true ends the robot `id`."""
    world, id = sandbox.world, str(body.get("id", "robot"))
    if body.get("stop"):
        world.agenda.robots.pop(id, None)
        return {"robots": sorted(world.agenda.robots)}
    ids, values = [str(one) for one in body["ids"]], [str(one) for one in body["values"]]
    every_s, times, user_id = float(body["every_s"]), int(body.get("times", 0)), int(body.get("user_id", 7099))
    kind, name = kind_of(body["kind"]), str(body["property"])
    if every_s <= 0 or not values:
        raise ValueError("a robot needs values and a number of seconds above 0")
    if name not in world.definitions[kind]:
        raise ValueError(f"{kind} have no property {name!r}")
    _must_exist(world, kind, ids)
    Robot(id, kind, ids, name, values, every_s, user_id, times).begin(world)
    return {"robots": sorted(world.agenda.robots)}


def poison(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Writes of the records `ids` (`kind`) are refused, with `code`, `property`, `status` (400, 409), the `whole` batch
    or the row, `times` times (0: always), `creates` linked to them, too; `clear`: true heals all."""
    world = sandbox.world
    if body.get("clear"):
        world.poisons.clear()
    kind, ids = kind_of(body.get("kind", "contacts")), [str(id) for id in body.get("ids", ())]
    how = {one.name: body[one.name] for one in fields(Poison) if one.name in body and one.name != "refused"}
    if how.get("status", 400) not in (400, 409):
        raise ValueError(f"status is 400 or 409, not {how['status']}")
    _must_exist(world, kind, ids)
    for id in ids:
        world.poisons[kind, id] = Poison(**how)
    return {"poisoned": len(world.poisons)}


def _must_exist(world: World, kind: str, ids: Iterable[str]) -> None:
    for id in ids:
        if world.row(kind, id) is None:
            raise ValueError(f"there is no record {id} of {kind}")


def associate(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Link a record (`kind`, `id`) with another (`to`, `to_id`, maybe as the `primary` one), or `remove` the link."""
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
    "bulk_touch": bulk_touch,
    "archive": archive,
    "restore": restore,
    "gdpr_delete": gdpr_delete,
    "merge": merge,
    "robot": robot,
    "poison": poison,
    "associate": associate,
    "list": list_,
    "form": form,
}
