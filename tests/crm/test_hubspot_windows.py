"""Windows of changes with more rows than search can page through, against an index that counts every question."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.crm import Calls
from connector.crm.hubspot import Reading
from connector.crm.hubspot.api import Api, Call
from connector.crm.hubspot.changing import changes
from connector.crm.hubspot.names import SEARCH_CAP, Sizes
from connector.crm.hubspot.records import millis
from connector.crm.hubspot.timing import TheirClock
from connector.errors import CrmError

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


@dataclass
class Index(Api):
    """HubSpot's search over records with instants of modification: what `changes` asks is answered as HubSpot would,
    and paging past the cap is refused."""

    modified: dict[int, int]  # id -> when, in milliseconds
    stuck: bool = False
    deepest: int = 0
    reading: Reading = field(default_factory=Reading)

    def __post_init__(self) -> None:
        self.sizes, self.calls, self.their_clock = Sizes(self.reading), Calls(), TheirClock(lambda: 0.0)
        self._ids = sorted(self.modified)

    def ask(self, call: Call) -> dict[str, Any]:
        """One search."""
        body: Any = call.body
        between, *above = body["filterGroups"][0]["filters"]
        start = bisect_right(self._ids, int(above[0]["value"])) if above and not self.stuck else 0
        low, high = int(between["value"]), int(between["highValue"])
        found = [id_ for id_ in self._ids[start:] if low <= self.modified[id_] <= high]
        offset = int(body.get("after", 0))
        self.deepest = max(self.deepest, offset + body["limit"])
        if self.deepest > SEARCH_CAP:
            raise AssertionError(f"paged to row {self.deepest}")
        page = found[offset : offset + body["limit"]]
        more = {"paging": {"next": {"after": str(offset + len(page))}}} if len(found) > offset + len(page) else {}
        return {"total": len(found), "results": [{"id": str(id_)} for id_ in page], **more}


def _read(index: Index, since: datetime) -> list[str]:
    return [id_ for batch in changes(index, "contact", since.isoformat(), NOW) for id_ in batch.ids]


def test_g3_lesson_02_trap_01_some_25_000_rows_on_one_millisecond_pass() -> None:
    """A bulk edit touched them all at once: time alone parts nobody from anybody, ids do."""
    at = millis(NOW - timedelta(minutes=3))
    index = Index(dict.fromkeys(range(1, 25_001), at))

    assert _read(index, NOW - timedelta(minutes=10)) == [str(id_) for id_ in range(1, 25_001)]


def test_g3_lesson_01_trap_02_trap_03_trap_26_some_37_000_changes_in_one_window_are_37_000() -> None:
    """A busy hour: none is cut off at the cap, none comes twice, and no page is ever asked for beyond it."""
    hour = millis(NOW) - 3_600_000
    index = Index({id_: hour + id_ * 60 for id_ in range(1, 37_001)})

    found = _read(index, NOW - timedelta(hours=1))

    assert len(found) == len(set(found)) == bisect_left([hour + n * 60 for n in range(1, 37_001)], millis(NOW) + 1)
    assert len(found) == 37_000
    assert index.deepest <= 200


def test_lesson_02_a_search_that_answers_the_same_for_ever_is_an_error_and_no_loop() -> None:
    """It knows nothing of ids: the pages end, and the run says that it does not advance."""
    at = millis(NOW - timedelta(minutes=3))
    index = Index(dict.fromkeys(range(1, 12_001), at), stuck=True)

    with pytest.raises(CrmError, match=r"does not advance|of 12000 changed"):
        _read(index, NOW - timedelta(minutes=10))


class Texts(Index):
    """A search that orders and compares ids as texts, by which "1003" stands before "88"."""

    def ask(self, call: Call) -> dict[str, Any]:
        """One search."""
        body: Any = call.body
        _, *above = body["filterGroups"][0]["filters"]
        found = sorted(str(id_) for id_ in self.modified if not above or str(id_) > above[0]["value"])
        offset = int(body.get("after", 0))
        page = found[offset : offset + body["limit"]]
        more = {"paging": {"next": {"after": str(offset + len(page))}}} if len(found) > offset + len(page) else {}
        return {"total": len(found), "results": [{"id": id_} for id_ in page], **more}


@pytest.mark.parametrize("ids", [range(88, 1200, 3), [*range(1000, 1900), *range(20, 25)]])
@pytest.mark.parametrize("page", [1, 200])
def test_g3_a_search_that_compares_ids_as_texts_misses_nobody(ids: Sequence[int], page: int) -> None:
    """Whether the first page shows it or a later one does: the window is read by offset."""
    index = Texts(dict.fromkeys(ids, millis(NOW)), reading=Reading(search_page=page))

    assert set(_read(index, NOW - timedelta(minutes=10))) == set(map(str, ids))
