"""Reading and writing one record, lists of them, search: `/crm/v3/objects/{kind}` and its dated twins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.sandbox.exchange import Answer, Refusal, invalid, not_found, refusal
from connector.sandbox.hubspot.routes import Request, Route, kind_named, object_scopes
from connector.sandbox.hubspot.shapes import page_answer, record_shape, with_links
from connector.sandbox.hubspot.writing import create, update, warned, ways
from connector.sandbox.mangling import thinned
from connector.sandbox.newest import newest
from connector.sandbox.poison import poison_in
from connector.sandbox.records import Row
from connector.sandbox.search import Search
from connector.sandbox.validation import checked, refused

LONGEST_SEARCH = 3_000  # characters of the body
LONGEST_QUERY = 16_000  # characters of the address; seen in the wild, see hubspot-api.md 4.1


def list_records(request: Request) -> Answer:
    """A page in order of id; `after` is the id the page starts with."""
    call, world, kind = request.call, request.world, request.kind
    history = call.several("propertiesWithHistory")
    most = min(world.switches.list_limit, world.switches.history_limit) if history else world.switches.list_limit
    limit = call.number("limit", min(10, most), most)
    after = call.one("after") or "0"
    if not after.isdigit():
        raise invalid("after is not a paging cursor of this list")
    if sum(len(part) for values in call.query.values() for part in values) > LONGEST_QUERY:
        raise refusal(414, "URI Too Long")
    archived = call.one("archived") == "true"
    targets = [kind_named(name) for name in call.several("associations")]
    shape = record_shape(world, kind, call.several("properties"), with_history=history)
    rows, following = world.page(kind, int(after), limit, archived=archived)
    told = thinned(rows, world.switches.lost_rows_every, world.passed, "rows")
    return page_answer([with_links(world, kind, row, shape(row), targets) for row in told], following)


def get_record(request: Request) -> Answer:
    call, world, kind = request.call, request.world, request.kind
    row = found(request, request.named["id"], call.one("idProperty"), archived=call.one("archived") == "true")
    shape = record_shape(world, kind, call.several("properties"), with_history=call.several("propertiesWithHistory"))
    targets = [kind_named(name) for name in call.several("associations")]
    return Answer(200, with_links(world, kind, row, shape(row), targets))


def found(request: Request, id: str, id_property: str | None, *, archived: bool = False) -> Row:
    """The record an address names; Refusal 404 when it is not there, or not on that side of the bin."""
    world, kind = request.world, request.kind
    wanted = lookup(request, id, id_property)
    if wanted is None:
        raise not_found()
    if not wanted.isdigit():
        raise not_found(f"Object not found. objectId: {wanted}", "OBJECT_NOT_FOUND")
    if world.switches.merged_ids_answer:
        wanted = world.survivor(kind, wanted)
    row = world.row(kind, wanted)
    if row is None or (row.archived_at is not None) != archived or world.is_merged_away(kind, row.id):
        raise not_found()
    return row


def lookup(request: Request, id: str, id_property: str | None) -> str | None:
    """The record id behind another unique property; only a contact's email is one."""
    if id_property in (None, "hs_object_id"):
        return id
    if request.kind != "contacts" or id_property != "email":
        raise invalid(f"{id_property} is not a unique property of {request.kind}")
    return request.world.contact_of(id)


def patch_record(request: Request) -> Answer:
    """Update one record; unlike the batch it accepts the id of a merged-away one."""
    world, kind = request.world, request.kind
    wanted = lookup(request, request.named["id"], request.call.one("idProperty")) or ""
    row = world.living(kind, world.survivor(kind, wanted)) if wanted.isdigit() else None
    if row is None:
        raise not_found()
    properties = _properties(request.call.json())
    stored, faults, altered = checked(world.definitions[kind], properties, ways(request))
    if faults:
        raise Refusal(refused(faults, world.account.portal_id))
    if poison := poison_in(world, kind, row.id, properties):
        raise poison.refusal(world)
    written = update(request, row.id, stored)
    return Answer(200, record_shape(world, kind, tuple(properties))(written) | warned(altered))


def create_record(request: Request) -> Answer:
    body = request.call.json()
    return Answer(201, create(request, _properties(body), body.get("associations") or []))


def archive_record(request: Request) -> Answer:
    if request.named["id"].isdigit() and request.world.living(request.kind, request.named["id"]):
        request.world.archive(request.kind, request.named["id"])
        request.world.writes += 1
    return Answer(204)


def merge_records(request: Request) -> Answer:
    body, world, kind = request.call.json(), request.world, request.kind
    primary, other = str(body.get("primaryObjectId")), str(body.get("objectIdToMerge"))
    if not (primary.isdigit() and other.isdigit()) or primary == other:
        raise invalid("primaryObjectId and objectIdToMerge name two different records")
    if not (world.living(kind, primary) and world.living(kind, other)):
        raise not_found()
    world.writes += 1
    return Answer(200, record_shape(world, kind)(world.merge(kind, primary, other)))


def search_records(request: Request) -> Answer:
    if len(request.call.body) > LONGEST_SEARCH:
        raise invalid(f"The request body must not exceed {LONGEST_SEARCH} characters")
    body = request.call.json()
    search = Search(request.world, request.kind, body)
    hits = newest(request.world, request.kind, body, search) or search.run()
    shape = record_shape(request.world, request.kind, body.get("properties") or (), until=search.until)
    told = thinned(hits.rows, request.world.switches.lost_rows_every, request.world.passed, "rows")
    return page_answer([shape(row) for row in told], hits.after, total=hits.total)


def _properties(body: Mapping[str, Any]) -> dict[str, Any]:
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise invalid("Invalid input JSON: properties is missing or not an object")
    return properties


_READ, _WRITE = object_scopes("read"), object_scopes("write")
_ONE = ("{kind}", "{id}")

ROUTES = (
    Route("GET", "objects", ("{kind}",), list_records, "list", _READ),
    Route("POST", "objects", ("{kind}",), create_record, "create", _WRITE),
    Route("POST", "objects", ("{kind}", "search"), search_records, "search", _READ, "search"),
    Route("POST", "objects", ("{kind}", "merge"), merge_records, "merge", _WRITE),
    Route("GET", "objects", _ONE, get_record, "get", _READ),
    Route("PATCH", "objects", _ONE, patch_record, "update", _WRITE),
    Route("DELETE", "objects", _ONE, archive_record, "archive", _WRITE),
)
