"""
What changed since: a window of modification times, read by search, paged by record id.

The window runs from cursor - look_back to now; only the cursor stays behind, at now - settle, because the search
index lags and what it shows of the last moments is incomplete. Inside the window every page starts above the last
id seen. Offsets would skip a record whenever an earlier one is edited again meanwhile and leaves the window, they
end at 10,000, and thousands of records can share one millisecond after a bulk edit.

What must be complete is what lies before the new cursor. What the index learns of the last moments while it is being
read may have its place among ids that were passed already; the next window reads those moments again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from connector.crm import INCOMPLETE, Batch
from connector.crm.hubspot.api import Api, Call, listed, next_page, type_of
from connector.crm.hubspot.names import SEARCH_CAP, modified_property
from connector.crm.hubspot.records import ident, instant, millis
from connector.crm.hubspot.verdict import Refused
from connector.errors import CrmError, Transient


@dataclass(frozen=True, slots=True)
class _Window:
    kind: str
    start: datetime
    end: datetime

    def filters(self, above: str | None) -> list[dict[str, str]]:
        """Modified inside the window, both ends included, and with a larger id than the last one seen."""
        between = {
            "propertyName": modified_property(self.kind),
            "operator": "BETWEEN",
            "value": str(millis(self.start)),
            "highValue": str(millis(self.end)),
        }
        if above is None:
            return [between]
        return [between, {"propertyName": "hs_object_id", "operator": "GT", "value": above}]


def begin(api: Api, now: datetime) -> str:
    """A cursor from which every edit made after this moment will be seen."""
    return (api.their_clock.now(now) - api.reading.settle).isoformat()


@dataclass(frozen=True, slots=True)
class _Cursor:
    """How far reading got: everything before `since`, and of the window that ends at `end` the ids up to `above`, which
    were `seen` of `promised`, `settled` of them modified before the cursor that the window will leave behind."""

    since: datetime
    end: datetime | None = None
    above: str | None = None
    seen: int = 0
    promised: int = 0
    settled: int = 0

    def __str__(self) -> str:
        if self.end is None:
            return self.since.isoformat()
        place = f"{self.since.isoformat()} {self.end.isoformat()} {self.above}"
        return f"{place} {self.seen} {self.promised} {self.settled}"


#: The last number is missing from the cursors of earlier versions.
_CURSOR = re.compile(r"(\S+)(?: (\S+) (\d+) (\d+) (\d+)(?: (\d+))?)?")


def _cursor(kind: str, text: str) -> _Cursor:
    found = _CURSOR.fullmatch(text)
    since, end = (instant(part) for part in found.groups()[:2]) if found else (None, None)
    if found is None or since is None or (found[2] and end is None):
        raise CrmError(f"the stored cursor of {kind} is not an instant; a full backfill sets it anew", code="cursor")
    if end is None:
        return _Cursor(since)
    return _Cursor(since, end, found[3], int(found[4]), int(found[5]), int(found[6] or found[4]))


def changes(api: Api, kind: str, cursor: str, now: datetime) -> Iterator[Batch]:
    """The ids of what changed, a page a batch, each once in a window; a batch carries the cursor behind it. A window
    that was begun before is finished first."""
    at = _cursor(kind, cursor)
    now = api.their_clock.now(now)
    while True:
        end = at.end or now
        yield from _window_of(api, kind, at, end)
        settled = max(at.since, end - api.reading.settle)
        yield Batch((), (), str(_Cursor(settled)), complete_until=settled)
        if end >= now or at.end is None:
            return
        at = _Cursor(settled)


class _OutOfOrder(Exception):
    """The search does not order or compare ids as numbers, and cannot be paged by them."""


def _window_of(api: Api, kind: str, at: _Cursor, end: datetime) -> Iterator[Batch]:
    """What is left of a window, until as many were seen as the search itself counts; if need be once more from its
    beginning, by offset where ids do not serve."""
    window = _Window(kind, at.since - api.reading.look_back, end)
    settled_at = end - api.reading.settle
    seen, promised, settled, above = at.seen, at.promised, at.settled, at.above
    first, by_offset, times = True, False, 2
    while times:
        try:
            for ids, total, late in _pages(api, window, above, settled_at, by_offset=by_offset):
                promised = max(promised, total)
                seen += len(ids)
                settled += len(ids) - late
                if ids and first:
                    reached = _Cursor(at.since, end, max(ids, key=_number), seen, promised, settled)
                    yield Batch(ids, (), str(reached), complete_until=at.since)
                elif ids:
                    yield Batch(ids, (), None)
        except _OutOfOrder:
            by_offset = True
        else:
            if seen >= promised or settled >= _settled_total(api, window, settled_at):
                return
            times -= 1
        if first:
            # From its beginning, whatever happens now.
            yield Batch((), (), str(_Cursor(at.since)), complete_until=at.since)
        if times:
            first, seen, promised, settled, above = False, 0, 0, 0, None
    raise Transient(
        f"search returned {seen} of {promised} changed {kind} records; the cursor stays where it was",
        code=INCOMPLETE,
    )


def _settled_total(api: Api, window: _Window, settled_at: datetime) -> int:
    """What the search, asked again, counts of the part that must be complete. Records that have been edited again and
    left the window are not among those any more, and what it learnt meanwhile is of the part after it."""
    if settled_at < window.start:
        return 0
    body = {
        "filterGroups": [{"filters": replace(window, end=settled_at).filters(None)}],
        "properties": ["hs_object_id"],
        "limit": 1,
    }
    return _promise(api.ask(Call("search", "search", params=type_of(window.kind), body=body, lists=True)))


def _pages(
    api: Api, window: _Window, above: str | None, settled_at: datetime, *, by_offset: bool
) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Pages of new ids with the total that the search promises for the whole window (0 after the first page), and how
    many of them were modified after `settled_at`.

    An empty page that names a next one is followed by offset; every other page starts above the last id, unless all are
    to be followed by offset. Raises _OutOfOrder where that would miss somebody.
    """
    after: str | None = None
    first = True
    while True:
        answer = _search(api, window, above, after)
        modified = {id_: _modified(window.kind, entry) for entry in listed(answer) if (id_ := ident(entry.get("id")))}
        ids = list(modified)
        if not by_offset and _astray(ids, above):
            raise _OutOfOrder
        fresh = [id_ for id_ in ids if above is None or _number(id_) > _number(above)]
        late = sum(at is not None and at > settled_at for at in map(modified.get, fresh))
        yield tuple(fresh), _promise(answer) if first else 0, late
        first, following = False, next_page(answer)
        if following is None:
            return
        if fresh and not by_offset:
            above, after = max(fresh, key=_number), None
        elif not following.isdigit() or not int(after or 0) < int(following) < SEARCH_CAP:
            raise CrmError(f"the search for changed {window.kind} records does not advance", code="search_stuck")
        else:
            after = following


def _astray(ids: Sequence[str], above: str | None) -> bool:
    """Whether ids do not grow, or stand below the one that they were to be above."""
    numbers = [_number(id_) for id_ in ids]
    if above is not None:
        numbers.insert(0, _number(above))
    return any(one > other for one, other in pairwise(numbers))


def _search(api: Api, window: _Window, above: str | None, after: str | None) -> dict[str, Any]:
    size = api.sizes["search_page"]
    body: dict[str, Any] = {
        "filterGroups": [{"filters": window.filters(above)}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": ["hs_object_id", modified_property(window.kind)],
        "limit": size,
    }
    if after is not None:
        body["after"] = after
    try:
        return api.ask(Call("search", "search", params=type_of(window.kind), body=body, lists=True))
    except Refused as error:
        if error.allowed is None or not api.sizes.shrink("search_page", size, error.allowed):
            raise
    return _search(api, window, above, after)


def _modified(kind: str, entry: Mapping[str, Any]) -> datetime | None:
    properties = entry.get("properties")
    told = properties.get(modified_property(kind)) if isinstance(properties, dict) else None
    return instant(told) if told else None


def _promise(answer: dict[str, Any]) -> int:
    total = answer.get("total")
    return total if isinstance(total, int) else 0


def _number(id_: str) -> int:
    """Ids are compared as numbers, as HubSpot's GT does; one that is none cannot be paged past."""
    if not id_.isdigit():
        raise CrmError("a record id from the search is not a number", code="search_id")
    return int(id_)
