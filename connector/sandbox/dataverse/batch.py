"""
`$batch`: several operations in one call, in their order, each on its own or together in a change set.

Without odata.continue-on-error it stops at the first failure: the answer then has that failure's status and only the
parts that were done, so that callers who count on as many parts as they sent find out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import orjson

from connector.sandbox.dataverse import multipart
from connector.sandbox.dataverse.errors import malformed, refused
from connector.sandbox.dataverse.multipart import ChangeSet, Part
from connector.sandbox.dataverse.payload import BIND
from connector.sandbox.dataverse.request import Request
from connector.sandbox.exchange import Answer, Call, Refusal

#: Performs one operation; what is wrong with it comes as a Refusal.
Perform = Callable[[Call], Answer]

_REFERENCE = re.compile(r"/?\$(\w+)")
_LONGEST_ADDRESS = 65_536


def answer(request: Request, perform: Perform, coded: Callable[[Answer], Answer]) -> Answer:
    """Do what a batch holds; Refusal 400 before anything is done where its framing is wrong."""
    if request.in_batch:
        raise malformed("A batch cannot hold another batch.")
    environment, call = request.environment, request.call
    if len(call.body) > environment.switches.body_limit:
        raise refused("Malformed", "The request body is too large.", status=413)
    found = multipart.read(call.headers.get("content-type", ""), call.body)
    _check(found, environment.switches.batch_limit)
    going_on = request.prefer.continue_on_error
    told: list[bytes] = []
    status = 200
    for one in found:
        request.counted["batch operation"] += len(one.parts) if isinstance(one, ChangeSet) else 1
        part, failed = _done(request, one, perform, coded)
        told.append(part)
        if failed and not going_on:
            status = failed
            break
    boundary = f"batchresponse_{uuid4()}"
    kind = {"content-type": f"multipart/mixed; boundary={boundary}"}
    return Answer(status, multipart.written(boundary, told), kind)


def _check(found: list[Part | ChangeSet], most: int) -> None:
    parts = [part for one in found for part in (one.parts if isinstance(one, ChangeSet) else [one])]
    if len(parts) > most:
        raise malformed(f"The batch holds {len(parts)} operations; {most} are the most.")
    if any(len(part.address) > _LONGEST_ADDRESS for part in parts):
        raise malformed("An address in the batch is longer than 65536 characters.")
    for one in found:
        if not isinstance(one, ChangeSet):
            continue
        if any(part.method == "GET" for part in one.parts):
            raise malformed("A change set cannot hold a GET.")
        if any(part.content_id is None for part in one.parts):
            raise malformed("Every operation of a change set needs a Content-ID.")


def _done(
    request: Request, one: Part | ChangeSet, perform: Perform, coded: Callable[[Answer], Answer]
) -> tuple[bytes, int]:
    """What goes into the answer for one part of the batch, and the status of its failure, 0 when it did not fail."""
    if isinstance(one, ChangeSet):
        return _done_together(request, one, perform, coded)
    try:
        said = perform(_call(request, one))
    except Refusal as refusal:
        said = coded(refusal.answer)
    failed = said.status if said.status >= 400 else 0
    return multipart.as_part(_traced(said), one.content_id), failed


def _done_together(
    request: Request, one: ChangeSet, perform: Perform, coded: Callable[[Answer], Answer]
) -> tuple[bytes, int]:
    """The operations of a change set, or one error for all of them."""
    boundary = f"changesetresponse_{uuid4()}"
    try:
        with request.environment.all_or_nothing():
            told, known = [], dict[str, str]()
            for part in one.parts:
                said = perform(_call(request, _resolved(part, known)))
                known[str(part.content_id)] = said.headers.get("OData-EntityId", "")
                told.append(multipart.as_part(said, part.content_id))
    except Refusal as refusal:
        said = _traced(coded(refusal.answer))
        if request.environment.switches.change_set_errors == "one":
            return multipart.as_part(said), said.status
        told = [multipart.as_part(said, part.content_id) for part in one.parts]
        return multipart.as_change_set(boundary, told), said.status
    return multipart.as_change_set(boundary, told), 0


def _resolved(part: Part, known: dict[str, str]) -> Part:
    """A part of a change set with `$1` in its address or bindings as what the earlier operation made."""
    address = _REFERENCE.match(part.address)
    if address:
        part = part._replace(address=_meant(address[1], known) + part.address[address.end() :])
    if b"$" not in part.body:
        return part
    try:
        body = orjson.loads(part.body)
    except orjson.JSONDecodeError:
        return part
    for name, value in body.items():
        if name.endswith(BIND) and isinstance(value, str) and (found := _REFERENCE.fullmatch(value)):
            body[name] = _meant(found[1], known)
    return part._replace(body=orjson.dumps(body))


def _meant(content_id: str, known: dict[str, str]) -> str:
    if not known.get(content_id):
        raise malformed(f"Content-ID Reference: '${content_id}' does not exist in the batch context.")
    return known[content_id]


def _call(request: Request, part: Part) -> Call:
    """A part as a call of its own; its address may be whole, from the root, or below the service."""
    outer, address = request.call, urlsplit(part.address)
    path = address.path if address.path.startswith("/") else f"{outer.path.rpartition('/')[0]}/{address.path}"
    query = {name: tuple(values) for name, values in parse_qs(address.query, keep_blank_values=True).items()}
    headers = {"host": outer.headers.get("host", ""), **part.headers}
    return Call(part.method, path, query, headers, part.body, address.query)


def _traced(answer: Answer) -> Answer:
    """Failed parts carry the id of their request."""
    if answer.status < 400:
        return answer
    return replace(answer, headers={"REQ_ID": str(uuid4()), **answer.headers})
