"""Associations: of one record, of a thousand, and making them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.sandbox.exchange import Answer, invalid, not_found
from connector.sandbox.hubspot.routes import Request, Route, object_scopes
from connector.sandbox.hubspot.shapes import batch_answer, batch_error, living_links, page_answer
from connector.sandbox.schema import LinkType
from connector.sandbox.stock import LINK_TYPES

MOST_CREATED, MOST_ARCHIVED = 2_000, 1_000
PER_PAGE = 500


def list_links(request: Request) -> Answer:
    """The records of one kind linked to a record, five hundred a page."""
    world, call = request.world, request.call
    id = request.named["id"]
    if not id.isdigit() or world.living(request.kind, id) is None:
        raise not_found()
    page, after = _page(request, id, call.one("after"), call.number("limit", PER_PAGE, PER_PAGE))
    return page_answer(page, after)


def read_links(request: Request) -> Answer:
    """Links of up to a thousand records; one without any is reported missing, one with many is paged by itself."""
    world = request.world
    results, without = [], []
    omitted = request.to in world.switches.associations_omitted
    for one in _inputs(request, world.switches.associations_limit):
        id = str(one.get("id"))
        page, after = _page(request, id, one.get("after"), PER_PAGE)
        if not page and not omitted:
            without.append(id)
            continue
        paging = {"paging": {"next": {"after": after}}} if after else {}
        results.append({"from": {"id": id}, "to": page} | paging)
    errors = [_without(request, id) for id in without]
    return batch_answer(world, results, errors)


def create_links(request: Request) -> Answer:
    """Associate pairs with named types; only the default and the primary type exist here."""
    results = []
    for one in _inputs(request, MOST_CREATED):
        numbers = [wanted.get("associationTypeId") for wanted in one.get("types") or []]
        known = {kind.id: kind for kind in _types(request)}
        if not numbers or any(number not in known for number in numbers):
            raise invalid(f"association types {numbers} do not lead from {request.kind} to {request.to}")
        primary = any(known[number].label for number in numbers)
        results.append(_linked(request, one, primary=primary or None))
    return batch_answer(request.world, results, [], status=201)


def create_default_links(request: Request) -> Answer:
    """Associate pairs without a label."""
    results = [_linked(request, one, primary=None) for one in _inputs(request, MOST_CREATED)]
    return batch_answer(request.world, results, [])


def put_default_link(request: Request) -> Answer:
    pair = {"from": {"id": request.named["id"]}, "to": {"id": request.named["to_id"]}}
    return batch_answer(request.world, [_linked(request, pair, primary=None)], [])


def archive_links(request: Request) -> Answer:
    """End every association of the pairs; `to` may be one record or several."""
    for one in _inputs(request, MOST_ARCHIVED):
        targets = one.get("to") or []
        for target in targets if isinstance(targets, list) else [targets]:
            request.world.links.remove(request.kind, str(one["from"]["id"]), request.to, str(target["id"]))
    return Answer(204)


def list_labels(request: Request) -> Answer:
    return Answer(200, {"results": [one.as_json() for one in _types(request)]})


def _page(request: Request, id: str, after: Any, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """A record's links from the id `after` on, and the id the next page starts with."""
    linked = living_links(request.world, request.kind, id, request.to) if id.isdigit() else {}
    ids = [to_id for to_id in linked if int(to_id) >= int(after or 0)]
    page = [
        {"toObjectId": to_id, "associationTypes": [one.as_json() for one in linked[to_id]]} for to_id in ids[:limit]
    ]
    return page, ids[limit] if len(ids) > limit else None


def _linked(request: Request, pair: Mapping[str, Any], *, primary: bool | None) -> dict[str, Any]:
    id, to_id = str(pair["from"]["id"]), str(pair["to"]["id"])
    world = request.world
    for kind, one in ((request.kind, id), (request.to, to_id)):
        if not one.isdigit() or world.living(kind, one) is None:
            raise invalid(f"{kind} {one} does not exist")
    _types(request)
    world.associate(request.kind, id, request.to, to_id, primary=primary)
    world.writes += 1
    return {"from": {"id": id}, "to": {"id": to_id}}


def _types(request: Request) -> Sequence[LinkType]:
    types = LINK_TYPES.get((request.kind, request.to))
    if types is None:
        raise invalid(f"{request.kind} and {request.to} cannot be associated")
    return types


def _inputs(request: Request, most: int) -> list[Mapping[str, Any]]:
    inputs = request.call.json().get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise invalid("inputs is missing or empty")
    if len(inputs) > most:
        raise invalid(f"at most {most} inputs are allowed, {len(inputs)} were sent")
    _types(request)
    return inputs


def _without(request: Request, id: str) -> dict[str, Any]:
    message = f"No {request.to} is associated with {request.kind} {id}."
    return batch_error("OBJECT_NOT_FOUND", message, fromObjectId=[id]) | {
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"
    }


_PAIR = ("{kind}", "{to}")
_OF_ONE = ("{kind}", "{id}", "associations")
_READ, _WRITE = object_scopes("read"), object_scopes("write")
_HERE = "associations"

ROUTES = (
    Route("GET", "objects", (*_OF_ONE, "{to}"), list_links, "associations", _READ, _HERE),
    Route("PUT", "objects", (*_OF_ONE, "default", "{to}", "{to_id}"), put_default_link, "associate", _WRITE, _HERE),
    Route("POST", _HERE, (*_PAIR, "batch", "read"), read_links, "associations", _READ, _HERE),
    Route("POST", _HERE, (*_PAIR, "batch", "create"), create_links, "associate", _WRITE, _HERE),
    Route("POST", _HERE, (*_PAIR, "batch", "associate", "default"), create_default_links, "associate", _WRITE, _HERE),
    Route("POST", _HERE, (*_PAIR, "batch", "archive"), archive_links, "associate", _WRITE, _HERE),
    Route("GET", _HERE, (*_PAIR, "labels"), list_labels, "associations", _READ, _HERE),
)
