"""Windows of changes with more rows than search can page through, against an index that counts every question."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.crm.hubspot import Reading
from connector.crm.hubspot.api import Api, Call
from connector.crm.hubspot.changing import changes
from connector.crm.hubspot.names import SEARCH_CAP, Sizes
from connector.crm.hubspot.records import millis
from connector.crm.tally import Tally
from connector.crm.timing import TheirClock
from connector.errors import CrmError, Transient

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
        self.sizes, self.tally, self.their_clock = Sizes(self.reading), Tally(), TheirClock(lambda: 0.0)
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


class Lagging(Index):
    """A search that learns of each change half a minute late, asked once a second."""

    restless = True  # whether people who stand in the window are edited meanwhile

    def __post_init__(self) -> None:
        super().__post_init__()
        self.asked_at = millis(NOW)
        self._all = dict(self.modified)

    def ask(self, call: Call) -> dict[str, Any]:
        """One search, over what the index knows by now. Each answer tells when its records were modified."""
        self.asked_at += 1000
        since = self.asked_at - millis(NOW)
        self.modified = {id_: at for id_, at in self._all.items() if at + 30_000 <= self.asked_at}
        for id_ in range(2990, 2990 + since // 4000 * self.restless):  # edited again, and out of the window
            self.modified[id_] = self.asked_at
        self._ids = sorted(self.modified)
        answer = super().ask(call)
        for one in answer["results"]:
            at = datetime.fromtimestamp(self.modified[int(one["id"])] / 1000, UTC)
            one["properties"] = {"hs_object_id": one["id"], "lastmodifieddate": at.isoformat()}
        return answer


def test_g3_what_the_index_learns_meanwhile_is_the_next_windows() -> None:
    """Five edits a second of people whose place has been read already, on an account whose index lags: those of the
    last minute are read again anyway, so the window is complete as far as its cursor says."""
    edits = {id_: millis(NOW) - id_ * 200 for id_ in range(1, 301)}
    old = {id_: millis(NOW) - 120_000 for id_ in range(1000, 3000)}
    index = Lagging({**edits, **old})

    *batches, last = changes(index, "contact", (NOW - timedelta(minutes=5)).isoformat(), NOW)

    assert last.complete_until == NOW - index.reading.settle
    assert len([id_ for batch in batches for id_ in batch.ids if id_ == "1500"]) == 1  # and read once


def test_g3_a_settled_row_that_the_pages_leave_out_is_missed_for_all_that() -> None:
    """What came late hides nothing: of those that must be there each counts."""

    class Losing(Lagging):
        restless = False

        def ask(self, call: Call) -> dict[str, Any]:
            answer = super().ask(call)
            return {**answer, "results": [one for one in answer["results"] if one["id"] != "1500"]}

    edits = {id_: millis(NOW) - id_ * 200 for id_ in range(1, 301)}
    old = {id_: millis(NOW) - 120_000 for id_ in range(1000, 3000)}

    with pytest.raises(Transient, match="changed contact"):
        list(changes(Losing({**edits, **old}), "contact", (NOW - timedelta(minutes=5)).isoformat(), NOW))


def test_a_window_begun_by_an_earlier_version_goes_on_where_it_stopped() -> None:
    """Its cursor does not tell how many of those seen were settled."""
    index = Index(dict.fromkeys(range(1, 501), millis(NOW - timedelta(minutes=2))))
    kept = f"{(NOW - timedelta(minutes=5)).isoformat()} {NOW.isoformat()} 200 200 500"

    batches = list(changes(index, "contact", kept, NOW))

    assert [id_ for batch in batches for id_ in batch.ids] == [str(id_) for id_ in range(201, 501)]
    assert batches[-1].complete_until == NOW - index.reading.settle
