"""What happens to rows: people and other integrations at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.sandbox.curtain import Body
from connector.sandbox.dataverse import merging, states
from connector.sandbox.dataverse.control.bodies import id_of, instant, table_of, told, values_of
from connector.sandbox.dataverse.known import SOMEBODY
from connector.sandbox.dataverse.robots import Robot

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
        created_at=instant(body.get("created_at")),
        modified_at=instant(body.get("modified_at")),
    )
    return told(table, row)


def edit(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Somebody (`by`) edits `values` of a row: `table`, `id`; maybe a program does in their name (`through`). Neither
    rules nor closed states hold people."""
    world = sandbox.world
    table = table_of(world, body["table"])
    values = values_of(world, table, body["values"])
    if "statecode" in values and isinstance(state := values["statecode"], int):
        values.setdefault("statuscode", states.first_status(table, state))
    by, through = str(body.get("by", SOMEBODY)), body.get("through")
    row = world.write(table.name, id_of(body["id"]), values, by=by, through=str(through) if through else None)
    return told(table, row)


def touch(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Move version and date of rows (`table`, `ids`) without a change in a column that anybody selects."""
    table = table_of(sandbox.world, body["table"])
    for id in body["ids"]:
        sandbox.world.touch(table.name, id_of(id))
    return {}


def delete(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Somebody deletes a row (`table`, `id`) for good."""
    table = table_of(sandbox.world, body["table"])
    row = sandbox.world.delete(table.name, id_of(body["id"]))
    sandbox.deleted[table.name, row.id] = row
    return {}


def restore(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """A row (`table`, `id`) that the control call `delete` deleted comes back under its id."""
    table = table_of(sandbox.world, body["table"])
    sandbox.world.restore(table.name, sandbox.deleted.pop((table.name, id_of(body["id"]))))
    return {}


def merge(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Somebody (`by`) merges the row `loser` into `survivor` (`table`), maybe with `values` for the survivor."""
    world = sandbox.world
    table = table_of(world, body["table"])
    if not table.mergeable:
        raise ValueError(f"rows of {table.name} cannot be merged")
    content = values_of(world, table, body.get("values", {}))
    survivor, loser, by = id_of(body["survivor"]), id_of(body["loser"]), str(body.get("by", SOMEBODY))
    merging.merge(world, table.name, survivor, loser, content, by)
    return told(table, world.get(table.name, survivor))


def qualify(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Somebody (`by`) qualifies the lead `id` into an `account`, a `contact`, an `opportunity` (each true or false)."""
    wanted = merging.Wanted(*(bool(body.get(name)) for name in ("account", "contact", "opportunity")))
    made = merging.qualify(sandbox.world, id_of(body["id"]), wanted, str(body.get("by", SOMEBODY)))
    return {ref.table: ref.id for ref in made}


def bulk_touch(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """An import moves version and date of the first `count` rows of a `table` at one instant."""
    world = sandbox.world
    table = table_of(world, body["table"])
    ids = [row.id for _, row in zip(range(int(body["count"])), world.shelf(table.name).rows(), strict=False)]
    for id in ids:
        world.touch(table.name, id)
    return {"touched": len(ids)}


def robot(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Somebody (`by`) sets `column` of the rows `ids` (`table`) to one of `values` after the other, every `every_s`
    seconds, `times` times (0: for ever); `stop`: true ends the robot `id`."""
    world, id = sandbox.world, str(body.get("id", "robot"))
    if body.get("stop"):
        world.robots.pop(id, None)
        return {"robots": sorted(world.robots)}
    table, name = table_of(world, body["table"]), str(body["column"])
    values = [values_of(world, table, {name: one})[name] for one in body["values"]]
    ids = [world.get(table.name, id_of(one)).id for one in body["ids"]]
    every_s, times = float(body["every_s"]), int(body.get("times", 0))
    if every_s <= 0 or not values:
        raise ValueError("a robot needs values and a number of seconds above 0")
    Robot(id, table.name, ids, name, values, every_s, str(body.get("by", SOMEBODY)), times).begin(world)
    return {"robots": sorted(world.robots)}


CALLS = {
    "create": create,
    "edit": edit,
    "touch": touch,
    "bulk_touch": bulk_touch,
    "delete": delete,
    "restore": restore,
    "merge": merge,
    "qualify": qualify,
    "robot": robot,
}
