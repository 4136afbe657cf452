"""Lists with their memberships, and form submissions: the dated signals of an account."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import islice
from typing import Any, TypeVar

from connector.sandbox.audience import ContactList, Submission
from connector.sandbox.clock import iso
from connector.sandbox.exchange import Answer, invalid, not_found
from connector.sandbox.hubspot.routes import Request, Route, opened_by
from connector.sandbox.hubspot.shapes import batch_answer, page_answer

MOST_MEMBERS = 250
MOST_SUBMISSIONS = 50
MOST_LISTS = 500
CONTACTS = "0-1"

_Joined = tuple[int, int]  # last added, record id
T = TypeVar("T")


def find_list(request: Request) -> Answer:
    """A list by its name, upper and lower case alike."""
    found = request.world.audience.lists.get(request.named["name"].casefold())
    if found is None or request.named["object_type"] != CONTACTS:
        raise not_found(f"No list named {request.named['name']} exists", "OBJECT_NOT_FOUND")
    return Answer(200, {"list": _list(found)})


def get_list(request: Request) -> Answer:
    return Answer(200, {"list": _list(_named_list(request))})


def search_lists(request: Request) -> Answer:
    body = request.call.json()
    wanted = str(body.get("query") or "").casefold()
    fitting = [one for name, one in sorted(request.world.audience.lists.items()) if wanted in name]
    start, count = int(body.get("offset") or 0), min(int(body.get("count") or 20), MOST_LISTS)
    page = fitting[start : start + count]
    more = start + count < len(fitting)
    return Answer(
        200,
        {
            "lists": [_list(one) for one in page],
            "offset": start + len(page),
            "hasMore": more,
            "total": len(fitting),
        },
    )


def list_members(request: Request) -> Answer:
    """Members in order of record id."""
    call, named = request.call, _named_list(request)
    limit, ids = call.number("limit", 100, MOST_MEMBERS), named.by_id()
    start = bisect_right(ids, _cursor(call.one("after"))[1]) if call.one("after") else 0
    page, more = _some(limit, (id for id in islice(ids, start, None) if _lives(request, id)))
    results = [_member(named.members[str(id)][1], id) for id in page]
    return page_answer(results, _token((0, page[-1])) if more else None, total=_total(request, named))


def list_members_by_join_order(request: Request) -> Answer:
    """Members as they joined, after a cursor; with `before`, those ahead of it, newest first."""
    call, named = request.call, _named_list(request)
    limit, joined = call.number("limit", 100, MOST_MEMBERS), named.by_join_order()
    if call.one("before") is not None and call.one("after") is None:
        return _backwards(request, named, call.one("before") or "", limit)
    start = bisect_right(joined, _cursor(call.one("after"))) if call.one("after") else 0
    page, more = _some(limit, (one for one in islice(joined, start, None) if _lives(request, one[1])))
    after = _token(page[-1]) if more else None
    return page_answer([_member(*one) for one in page], after, total=_total(request, named))


def read_memberships(request: Request) -> Answer:
    """The lists each of many contacts is on."""
    results = []
    inputs = request.call.json().get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise invalid("inputs is missing or empty")
    for one in inputs:
        id = str(one.get("recordId"))
        memberships = [_membership(on, id) for on in request.world.audience.lists_of(id)]
        results.append({"objectTypeId": CONTACTS, "recordId": id, "recordListMemberships": memberships})
    return batch_answer(request.world, results, [])


def list_submissions(request: Request) -> Answer:
    """Submissions of a form, newest first; `after` is an opaque cursor that new arrivals do not shift."""
    kept = request.world.audience.forms.get(request.named["form"])
    if kept is None:
        raise not_found(f"No form with id {request.named['form']} exists", "OBJECT_NOT_FOUND")
    limit = request.call.number("limit", 20, MOST_SUBMISSIONS)
    end = len(kept)
    if request.call.one("after"):
        end = bisect_left(kept, _place(request.call.one("after") or ""), key=lambda one: (one.at, one.id))
    page = kept[max(0, end - limit) : end][::-1]
    after = _encoded(f"{page[-1].at} {page[-1].id}") if end > limit else None
    return page_answer([_submission(one) for one in page], after)


def _backwards(request: Request, named: ContactList, before: str, limit: int) -> Answer:
    joined = named.by_join_order()
    end = bisect_left(joined, _cursor(before)) if before else len(joined)
    page, more = _some(limit, (joined[n] for n in range(end - 1, -1, -1) if _lives(request, joined[n][1])))
    body: dict[str, Any] = {"results": [_member(*one) for one in page], "total": _total(request, named)}
    if more:
        body["paging"] = {"prev": {"before": _token(page[-1])}}
    return Answer(200, body)


def _named_list(request: Request) -> ContactList:
    found = request.world.audience.list_of_id(request.named["list"])
    if found is None:
        raise not_found(f"List {request.named['list']} does not exist", "OBJECT_NOT_FOUND")
    return found


def _some(limit: int, members: Iterable[T]) -> tuple[list[T], bool]:
    """So many of these, and whether there are more."""
    found = list(islice(members, limit + 1))
    return found[:limit], len(found) > limit


def _lives(request: Request, contact_id: int) -> bool:
    return request.world.living("contacts", str(contact_id)) is not None


def _total(request: Request, named: ContactList) -> int:
    """Without those in the bin, which is where nobody is born."""
    written = request.world.store.written("contacts")
    return len(named.members) - sum(row.archived_at is not None and id in named.members for id, row in written.items())


def _list(one: ContactList) -> dict[str, Any]:
    return {
        "listId": one.id,
        "name": one.name,
        "objectTypeId": CONTACTS,
        "processingType": "DYNAMIC",
        "processingStatus": "COMPLETE",
        "size": len(one.members),
        "updatedAt": iso(one.changed_at),
    }


def _member(at: int, id: int) -> dict[str, str]:
    return {"recordId": str(id), "membershipTimestamp": iso(at)}


def _membership(on: ContactList, contact_id: str) -> dict[str, Any]:
    first, last = on.members[contact_id]
    return {"listId": on.id, "listVersion": 1, "firstAddedTimestamp": iso(first), "lastAddedTimestamp": iso(last)}


def _submission(one: Submission) -> dict[str, Any]:
    values = [{"name": name, "value": value, "objectTypeId": CONTACTS} for name, value in one.values]
    return {"conversionId": one.id, "submittedAt": one.at, "values": values, "pageUrl": one.page_url}


def _token(place: _Joined) -> str:
    return _encoded(f"{place[0]} {place[1]}")


def _encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(token: str) -> tuple[int, str]:
    """The instant and the id in a cursor; Refusal 400 when it is none of ours."""
    try:
        text = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        at, _, id = text.partition(" ")
        return int(at), id
    except ValueError:
        raise invalid("this is not a paging cursor") from None


def _cursor(token: str | None) -> _Joined:
    at, id = _place(token or "")
    if not id.isdigit():
        raise invalid("this is not a paging cursor")
    return at, int(id)


_LISTS, _FORMS = opened_by("crm.lists.read"), opened_by("forms")
_MEMBERS = ("{list}", "memberships")

ROUTES = (
    Route("GET", "lists", ("object-type-id", "{object_type}", "name", "{name}"), find_list, "lists", _LISTS),
    Route("POST", "lists", ("search",), search_lists, "lists", _LISTS),
    Route("GET", "lists", _MEMBERS, list_members, "lists", _LISTS),
    Route("GET", "lists", (*_MEMBERS, "join-order"), list_members_by_join_order, "lists", _LISTS),
    Route("POST", "lists", ("records", "memberships", "batch", "read"), read_memberships, "lists", _LISTS),
    Route("GET", "lists", ("{list}",), get_list, "lists", _LISTS),
    Route("GET", "forms", ("submissions", "forms", "{form}"), list_submissions, "forms", _FORMS),
)
