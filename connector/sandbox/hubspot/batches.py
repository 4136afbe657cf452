"""Batches of records: read, update, create, archive; at most a hundred inputs, none of them twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from connector.sandbox.exchange import Answer, Refusal, invalid
from connector.sandbox.hubspot.objects import lookup
from connector.sandbox.hubspot.routes import Request, Route, object_scopes
from connector.sandbox.hubspot.shapes import batch_answer, batch_error, record_shape
from connector.sandbox.hubspot.writing import create, update, warned, ways
from connector.sandbox.poison import poison_in
from connector.sandbox.records import Row
from connector.sandbox.schema import SINGULAR
from connector.sandbox.validation import Altered, Fault, checked, refused, told

Input = Mapping[str, Any]


def read_batch(request: Request) -> Answer:
    """Records by id or e-mail; those that are missing are named in the errors of a 207."""
    body, world, kind = request.call.json(), request.world, request.kind
    history = body.get("propertiesWithHistory") or ()
    switches = world.switches
    inputs = _inputs(body, min(switches.batch_limit, switches.history_limit) if history else switches.batch_limit)
    archived = request.call.one("archived") == "true"
    found: dict[str, Row] = {}
    missing = []
    for one in inputs:
        row = _readable(request, str(one.get("id")), body.get("idProperty"), archived=archived)
        if row is None:
            missing.append(str(one.get("id")))
        else:
            found[row.id] = row
    shape = record_shape(world, kind, body.get("properties") or (), with_history=history)
    errors = [_missing(kind, missing)] if missing else []
    return batch_answer(world, [shape(row) for row in found.values()], errors)


def update_batch(request: Request) -> Answer:
    """Set properties by record id; one bad row refuses all of them or only itself, as switched."""
    world, kind = request.world, request.kind
    inputs = _inputs(request.call.json(), world.switches.batch_limit)
    _refuse_twins(kind, inputs)
    sorted_out = _sorted_out(request, inputs)
    if sorted_out.faults and world.switches.batch_errors == "refuse":
        raise Refusal(refused(sorted_out.faults, world.account.portal_id))
    results = []
    for id, stored in sorted_out.good.items():
        row = update(request, id, stored)
        results.append(record_shape(world, kind, tuple(stored))(row))
    return batch_answer(world, results, sorted_out.errors, **warned(sorted_out.altered))


def create_batch(request: Request) -> Answer:
    """Create records; all or nothing unless the inputs carry a trace id, as the reference describes."""
    inputs = _inputs(request.call.json(), request.world.switches.batch_limit)
    traced = any(one.get("objectWriteTraceId") for one in inputs)
    results, errors = [], []
    for one in inputs:
        try:
            results.append(create(request, one.get("properties") or {}, one.get("associations") or []))
        except Refusal as refused_one:
            if not traced:
                raise
            body = refused_one.answer.body
            errors.append(batch_error(body["category"], body["message"], objectWriteTraceId=_trace(one)))
    return batch_answer(request.world, results, errors, status=201)


def archive_batch(request: Request) -> Answer:
    for one in _inputs(request.call.json(), request.world.switches.batch_limit):
        if str(one.get("id")).isdigit() and request.world.living(request.kind, str(one["id"])):
            request.world.archive(request.kind, str(one["id"]))
            request.world.writes += 1
    return Answer(204)


class _SortedOut:
    """The inputs that can be written by id, the errors of the others, and every fault and alteration of a value."""

    def __init__(self) -> None:
        self.good: dict[str, dict[str, str]] = {}
        self.errors: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.altered: list[Altered] = []


def _sorted_out(request: Request, inputs: list[Input]) -> _SortedOut:
    """Refusal where a poisoned row takes the whole batch with it."""
    world, kind, told_apart = request.world, request.kind, _SortedOut()
    for one in inputs:
        id, properties = str(one.get("id")), one.get("properties") or {}
        stored, wrong, altered = checked(world.definitions[kind], properties, ways(request))
        if not id.isdigit() or world.living(kind, id) is None:
            told_apart.errors.append(_missing(kind, [id], _trace(one)))
        elif wrong:
            told_apart.faults += wrong
            error = ("VALIDATION_ERROR", told(wrong, world.account.portal_id))
            told_apart.errors.append(batch_error(*error, ids=[id], objectWriteTraceId=_trace(one)))
        elif poison := poison_in(world, kind, id, properties):
            if poison.is_whole(world):
                raise poison.refusal(world)
            told_apart.errors.append(batch_error(*poison.as_row(world), ids=[id], objectWriteTraceId=_trace(one)))
        else:
            told_apart.good[id] = stored
            told_apart.altered += altered
    return told_apart


def _inputs(body: Mapping[str, Any], most: int) -> list[Input]:
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise invalid("inputs is missing or empty")
    if len(inputs) > most:
        raise invalid(f"at most {most} inputs are allowed in one batch, {len(inputs)} were sent")
    return inputs


def _refuse_twins(kind: str, inputs: list[Input]) -> None:
    ids = Counter(str(one.get("id")) for one in inputs)
    twins = [id for id, times in ids.items() if times > 1]
    if twins:
        raise invalid(f"Duplicate IDs found in batch input of {kind}: {', '.join(twins)}")


def _readable(request: Request, id: str, id_property: str | None, *, archived: bool) -> Row | None:
    world, kind = request.world, request.kind
    wanted = lookup(request, id, id_property)
    if wanted is None or not wanted.isdigit():
        return None
    if world.switches.merged_ids_answer:
        wanted = world.survivor(kind, wanted)
    row = world.row(kind, wanted)
    if row is None or (row.archived_at is not None) != archived or world.is_merged_away(kind, wanted):
        return None
    return row


def _missing(kind: str, ids: list[str], trace: list[str] | None = None) -> dict[str, Any]:
    name = SINGULAR[kind].upper()
    message = f"Could not get some {name} objects, they may be deleted or not exist. Check that ids are valid."
    return batch_error("OBJECT_NOT_FOUND", message, ids=ids, objectWriteTraceId=trace or [])


def _trace(one: Input) -> list[str]:
    return [str(one["objectWriteTraceId"])] if one.get("objectWriteTraceId") else []


_BATCH = ("{kind}", "batch")
_READ, _WRITE = object_scopes("read"), object_scopes("write")

ROUTES = (
    Route("POST", "objects", (*_BATCH, "read"), read_batch, "batch_read", _READ),
    Route("POST", "objects", (*_BATCH, "update"), update_batch, "batch_update", _WRITE),
    Route("POST", "objects", (*_BATCH, "create"), create_batch, "batch_create", _WRITE),
    Route("POST", "objects", (*_BATCH, "archive"), archive_batch, "batch_archive", _WRITE),
)
