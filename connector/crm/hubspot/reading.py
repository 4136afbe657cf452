"""
Full scans and reads by id: the two ways to current values (search results lag).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from connector.crm import Page
from connector.crm.hubspot.api import Api, Call, in_parts, listed, next_page, shrinking, type_of
from connector.crm.hubspot.names import LONGEST_QUERY, MERGEABLE, MERGED_INTO, OTHER_EMAILS
from connector.crm.hubspot.records import record
from connector.crm.hubspot.scanning import Scan
from connector.crm.hubspot.verdict import Refused, complaint
from connector.model import Record

Answer = dict[str, Any]


def scan(
    api: Api, kind: str, properties: Sequence[str], *, after: str | None, archived: bool, alone: bool
) -> Iterator[Page]:
    """Every record, a page at a time; by several cursors, save for deleted ones: the search counts the living."""
    wanted = asked_for(kind, properties)
    shared = not (archived or alone) and api.reading.threads > 1
    ask = lambda at: _page(api, kind, wanted, at, archived)  # noqa: E731 - a page of this very list
    return Scan(api, kind, ask, after=after, shared=shared, counted=not archived).pages()


def read(api: Api, kind: str, ids: Sequence[str], properties: Sequence[str]) -> Iterator[Record]:
    """Current values of these records, each once, in no promised order; absent ids are simply missing. Whoever falls
    out of an answer is asked for again: it is no small thing to be taken for deleted."""
    wanted = asked_for(kind, properties)
    left, asking = list(dict.fromkeys(ids)), api.missing.asking()
    seen: set[str] = set()
    while left:
        silent: list[str] = []
        parts = in_parts(left, lambda: api.sizes["batch"])
        for part, answers in api.each(lambda part: (part, _answers(api, kind, part, wanted)), parts):
            found = list(_named(part, [one for answer in answers for one in _records(kind, answer)]))
            told = {id_ for one in found for id_ in (one.id, *one.merged_ids)}
            silent += [id_ for id_ in part if id_ not in told and not _is_missing(api, id_, answers)]
            for one in found:
                if one.id not in seen:
                    seen.add(one.id)
                    yield one
        left = [] if not silent or asking.is_enough(len(left), len(silent)) else silent


def _is_missing(api: Api, id_: str, answers: Sequence[Answer]) -> bool:
    """Whether the errors of a 207 say that this record is not there; one that names nobody is about all who are not
    told."""
    for error in (error for answer in answers for error in listed(answer, "errors")):
        said = complaint(error)
        if said.about_absence and (id_ in said.ids or not said.ids):
            api.missing.named = True
            return True
    return False


def batch_read(
    api: Api, kind: str, ids: Sequence[str], properties: Sequence[str], *, archived: bool = False
) -> list[Record]:
    """One batch read, of at most `batch` ids; a 207 simply holds fewer records."""
    answers = _answers(api, kind, ids, properties, archived=archived)
    return [found for answer in answers for found in _records(kind, answer)]


def _answers(
    api: Api, kind: str, ids: Sequence[str], properties: Sequence[str], *, archived: bool = False
) -> list[Answer]:
    def ask(part: Sequence[str]) -> Answer:
        body = {
            "properties": list(properties),
            "propertiesWithHistory": [],
            "inputs": [{"id": id_} for id_ in part],
        }
        query = (("archived", "true" if archived else "false"),)
        return api.ask(Call("batch_read", "batch_read", params=type_of(kind), query=query, body=body, lists=True))

    return shrinking(api, "batch", ids, ask)


def _records(kind: str, answer: Answer) -> list[Record]:
    return [found for entry in listed(answer) if (found := record(kind, entry))]


def asked_for(kind: str, properties: Sequence[str]) -> tuple[str, ...]:
    """The properties to request: the list of merged ids is never among HubSpot's defaults."""
    own: tuple[str, ...] = (MERGED_INTO,) if kind in MERGEABLE else ()
    if kind == "contact":
        own += (OTHER_EMAILS,)
    return tuple(dict.fromkeys((*properties, *own)))


def _page(api: Api, kind: str, properties: Sequence[str], after: str | None, archived: bool) -> Page:
    """One page of the list; with more properties than a URL holds, ids from the list and values by batch read."""
    fits = len(urlencode({"properties": ",".join(properties)}, safe=",")) < LONGEST_QUERY
    answer = _list(api, kind, properties if fits else ("hs_object_id",), after, archived)
    records = tuple(found for entry in listed(answer) if (found := record(kind, entry)))
    if not fits and records:
        parts = in_parts([found.id for found in records], lambda: api.sizes["batch"])
        records = tuple(found for part in parts for found in batch_read(api, kind, part, properties, archived=archived))
    total = answer.get("total")
    return Page(records, next_page(answer), total if isinstance(total, int) else None)


def _list(api: Api, kind: str, properties: Sequence[str], after: str | None, archived: bool) -> Answer:
    size = api.sizes["page"]
    query = [("limit", str(size)), ("archived", "true" if archived else "false")]
    if properties:
        query.append(("properties", ",".join(properties)))
    if after is not None:
        query.append(("after", after))
    try:
        return api.ask(Call("objects", "list", "GET", params=type_of(kind), query=tuple(query), lists=True))
    except Refused as error:
        if error.allowed is None or not api.sizes.shrink("page", size, error.allowed):
            raise
    return _list(api, kind, properties, after, archived)


def _named(asked: Sequence[str], found: Sequence[Record]) -> Iterator[Record]:
    """Records as they answered; one that answers for an id it does not list itself gets that id added.

    Whether HubSpot answers for a merged-away id at all is not documented. Where exactly one id is unanswered and
    exactly one record answers unasked, they belong together.
    """
    known = {id_ for one in found for id_ in (one.id, *one.merged_ids)}
    unanswered = [id_ for id_ in asked if id_ not in known]
    strays = [one for one in found if one.id not in asked and not set(one.merged_ids) & set(asked)]
    for one in found:
        if len(unanswered) == 1 and strays == [one]:
            yield Record(
                one.kind,
                one.id,
                one.properties,
                one.created_at,
                one.changed_at,
                one.archived,
                (*one.merged_ids, *unanswered),
            )
        else:
            yield one
