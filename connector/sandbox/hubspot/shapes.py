"""How records and batches look in answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from connector.sandbox.clock import iso
from connector.sandbox.exchange import Answer
from connector.sandbox.links import Links
from connector.sandbox.mangling import thinned
from connector.sandbox.records import Row, Until
from connector.sandbox.stock import ALWAYS_SHOWN, SHOWN_BY_DEFAULT
from connector.sandbox.world import World

Shape = Callable[[Row], dict[str, Any]]


def shown_names(world: World, kind: str, asked: Sequence[str]) -> tuple[str, ...]:
    """The properties a read returns; unknown names are dropped without a word."""
    if not asked:
        return SHOWN_BY_DEFAULT[kind]
    known = world.definitions[kind]
    return tuple(dict.fromkeys([*(name for name in asked if name in known), *ALWAYS_SHOWN[kind]]))


def record_shape(
    world: World,
    kind: str,
    asked: Sequence[str] = (),
    *,
    with_history: Sequence[str] = (),
    until: Until | None = None,
) -> Shape:
    """A function that shows a record as HubSpot does."""
    view = world.view(kind, shown_names(world, kind, asked), until)
    followed = [name for name in with_history if name in world.definitions[kind]]

    def shape(row: Row) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": row.id,
            "properties": view(row),
            "createdAt": iso(row.created_at),
            "updatedAt": iso(row.modified_at(until(row) if until else None)),
            "archived": row.archived_at is not None,
        }
        if row.archived_at is not None:
            shown["archivedAt"] = iso(row.archived_at)
        if with_history:
            shown["propertiesWithHistory"] = {
                name: [version.as_json() for version in world.history(kind, row, name)] for name in followed
            }
        return shown

    return shape


def with_links(world: World, kind: str, row: Row, shown: dict[str, Any], targets: Iterable[str]) -> dict[str, Any]:
    """Add `associations` to a record; a record that is linked twice over is listed twice."""
    linked = {}
    for to in targets:
        results = [
            {"id": to_id, "type": one.name}
            for to_id, types in living_links(world, kind, row.id, to).items()
            for one in types
        ]
        if results:
            linked[to] = {"results": results}
    return shown | {"associations": linked} if linked else shown


def living_links(world: World, kind: str, id: str, to: str) -> dict[str, Any]:
    """Links to records that are not archived; none to objects whose associations are omitted."""
    if to in world.switches.associations_omitted:
        return {}
    links: Links = world.links
    return {to_id: types for to_id, types in links.of(kind, id, to).items() if world.living(to, to_id)}


def batch_answer(
    world: World, results: list[Any], errors: list[dict[str, Any]], *, status: int = 200, **more: Any
) -> Answer:
    """A batch's answer: 207 as soon as one input failed."""
    now = iso(world.clock.now())
    told = thinned(results, world.switches.lost_results_every, world.passed, "results")
    body: dict[str, Any] = {"status": "COMPLETE", "results": told, "startedAt": now, "completedAt": now} | more
    if errors:
        return Answer(207, body | {"numErrors": len(errors), "errors": errors})
    return Answer(status, body)


def batch_error(category: str, message: str, **context: Sequence[str]) -> dict[str, Any]:
    """One failed input of a batch; the context holds lists."""
    filled = {name: list(values) for name, values in context.items() if values}
    return {"status": "error", "category": category, "message": message, "context": filled}


def page_answer(results: list[Any], after: str | None, **more: Any) -> Answer:
    """A page; no `paging` means the end."""
    paging = {"paging": {"next": {"after": after, "link": f"?after={after}"}}} if after is not None else {}
    return Answer(200, {"results": results} | more | paging)
