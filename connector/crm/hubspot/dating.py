"""
Dated facts that are no property: who was added to a list (segment) when, who submitted a form when.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connector.crm.hubspot.api import Api, Call, listed, next_page, page_after
from connector.crm.hubspot.records import ident, instant, millis
from connector.crm.hubspot.verdict import Refused
from connector.errors import CrmError, NotFound
from connector.model import Occurrence, Value

Parts = Iterator[tuple[tuple[Occurrence, ...], str | None]]


def occurrences(api: Api, source: str, cursor: str | None) -> Parts:
    """Occurrences of "list:<name>" or "form:<guid>" since the cursor, in parts, each with the cursor to store."""
    how, _, name = source.partition(":")
    if how == "list":
        return _joined(api, source, _list_id(api, name), cursor)
    if how == "form":
        return _submitted(api, source, name, cursor)
    raise NotFound(f"HubSpot has no source {source!r}; there are list:<name> and form:<id>", code="source")


# -- lists -----------------------------------------------------------------------------------------------


def _list_id(api: Api, name: str) -> str:
    missing = NotFound(f"the list {name!r} is not in HubSpot. Create it, or correct its name.", code="list")
    try:
        answer = api.ask(Call("list_by_name", "lists", "GET", params={"name": name}))
    except NotFound:
        raise missing from None
    found = answer.get("list", answer)
    list_id = ident(found.get("listId")) if isinstance(found, dict) else None
    if list_id is None:
        raise missing
    return list_id


def _joined(api: Api, source: str, list_id: str, cursor: str | None) -> Parts:
    """Members in the order in which they were added.

    The cursor is where the last page began, not where it ended: that page is read again next time, because it
    has room for those who join later. Whether it counts members is not documented; if so, members who left may have
    pulled the list away from under it, and an empty page sends us back to the beginning.
    """
    begun, resumed = cursor, cursor is not None
    while True:
        try:
            answer = _members(api, "members", list_id, cursor)
        except NotFound:
            if cursor != begun:
                raise
            yield from _by_record(api, source, list_id)
            return
        except Refused:
            if cursor is None or cursor != begun:
                raise
            begun = cursor = None  # of an earlier run, and not understood any more
            continue
        found = listed(answer)
        if resumed and not found:
            resumed, cursor = False, None
            continue
        resumed = False
        members = (_member(source, list_id, entry) for entry in found)
        yield tuple(member for member in members if member), cursor
        cursor = page_after(answer, cursor, "the list of a list's members")
        if cursor is None:
            return


def _by_record(api: Api, source: str, list_id: str) -> Parts:
    """Members in the order of their records, for an account without the other order: new ones stand anywhere among
    them, so each time all are read and no cursor is kept."""
    cursor: str | None = None
    while True:
        answer = _members(api, "members_by_record", list_id, cursor)
        members = (_member(source, list_id, entry) for entry in listed(answer))
        yield tuple(member for member in members if member), None
        cursor = page_after(answer, cursor, "the list of a list's members")
        if cursor is None:
            return


def _members(api: Api, what: str, list_id: str, after: str | None) -> dict[str, Any]:
    size = api.sizes["members"]
    query = [("limit", str(size))]
    if after is not None:
        query.append(("after", after))
    try:
        return api.ask(Call(what, "lists", "GET", params={"list": list_id}, query=tuple(query), lists=True))
    except Refused as error:
        if error.allowed is None or not api.sizes.shrink("members", size, error.allowed):
            raise
    return _members(api, what, list_id, after)


def _member(source: str, list_id: str, entry: Mapping[str, Any]) -> Occurrence | None:
    """Who leaves and joins again gets a new added-time and is a new occurrence."""
    record_id, at = ident(entry.get("recordId")), instant(entry.get("membershipTimestamp"))
    if record_id is None or at is None:
        return None
    return Occurrence(f"list:{list_id}:{record_id}:{millis(at)}", source, at, person_id=record_id)


# -- forms -----------------------------------------------------------------------------------------------


def _submitted(api: Api, source: str, form: str, cursor: str | None) -> Parts:
    """Submissions, newest first, back to a little before the cursor.

    The cursor moves only with the last part: until then older submissions are still to be read.
    """
    since = instant(cursor) if cursor else None
    back_to = since - api.reading.look_back if since else datetime.min.replace(tzinfo=UTC)
    newest = since
    after: str | None = None
    while True:
        answer = _submissions(api, form, after)
        found = [one for entry in listed(answer) if (one := _submission(source, entry))]
        newest = max((at for at in (newest, *(one.at for one in found)) if at), default=None)
        following = next_page(answer)
        done = following is None or any(one.at < back_to for one in found)
        if following == after and not done:
            raise CrmError("the submissions of a form do not advance", code="list_stuck")
        recent = tuple(one for one in found if one.at >= back_to)
        yield recent, newest.isoformat() if done and newest else cursor
        if done:
            return
        after = following


def _submissions(api: Api, form: str, after: str | None) -> dict[str, Any]:
    query = [("limit", str(api.sizes["submissions"]))]
    if after is not None:
        query.append(("after", after))
    try:
        return api.ask(Call("submissions", "forms", "GET", params={"form": form}, query=tuple(query), lists=True))
    except NotFound:
        raise NotFound(f"the form {form} is not in HubSpot; correct its id.", code="form") from None


def _submission(source: str, entry: Mapping[str, Any]) -> Occurrence | None:
    """A submission names its sender by e-mail address only, which is kept as a hash."""
    at, address = instant(entry.get("submittedAt")), _address(entry)
    if at is None:
        return None
    hashed = email_hash(address) if address else None
    id_ = ident(entry.get("conversionId")) or f"{source}:{millis(at)}:{hashed}"
    return Occurrence(id_, source, at, email_hash=hashed, details=_page(entry))


def _page(entry: Mapping[str, Any]) -> dict[str, Value]:
    """The page the form stood on, without what was handed to it: parameters and what follows # may name people."""
    page = entry.get("pageUrl")
    return {"asset": page.partition("#")[0].partition("?")[0]} if isinstance(page, str) and page else {}


def _address(entry: Mapping[str, Any]) -> str | None:
    for value in listed(entry, "values"):
        if str(value.get("name", "")).lower() == "email" and isinstance(value.get("value"), str):
            return str(value["value"])
    return None


def email_hash(address: str) -> str:
    """How an address is remembered: SHA-256 of it in lower case without blanks around, in hex."""
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()
