"""A full list read by several cursors: nobody missed, nobody twice, whatever the list turns out to be."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.crm import Page
from connector.crm.hubspot import Reading
from connector.crm.hubspot.api import Call
from connector.crm.hubspot.names import Sizes
from connector.crm.hubspot.scanning import Scan
from connector.crm.hubspot.verdict import Complaint, Refused
from connector.errors import NotFound
from connector.model import Record

#: Ids as accounts have them: a thick old part, gaps, and a thin new part far above.
GROWN = tuple(str(id) for id in (*range(1, 100), *range(5_000, 5_200, 2), *range(9_000_000_000, 9_000_015_000, 101)))

Cursor = Callable[["Account", "Sequence[str]", int], str]


def next_id(account: Account, ids: Sequence[str], end: int) -> str:
    """HubSpot: the id that the next page begins with."""
    return ids[end]


def last_id(account: Account, ids: Sequence[str], end: int) -> str:
    """Others: the last id of this page, which the next one leaves out."""
    return ids[end - 1]


def above_last_id(account: Account, ids: Sequence[str], end: int) -> str:
    """Or the number behind it, whether or not it is anybody's id."""
    return str(int(ids[end - 1]) + 1)


def opaque(account: Account, ids: Sequence[str], end: int) -> str:
    """A simulator: a token that says nothing."""
    return f"c-{end}"


def offset(account: Account, ids: Sequence[str], end: int) -> str:
    """Another simulator: how many came before."""
    return str(end)


@dataclass
class Account:
    """The list and the search of one account, and as much of the adapter's `Api` as a scan uses."""

    ids: Sequence[str] = GROWN
    cursor: Cursor = next_id
    page: int = 5
    threads: int = 4
    counts: bool = True  # whether the search says how many there are
    refuses_foreign: bool = False  # a cursor it did not give out itself
    drops: dict[str, int] = field(default_factory=dict)  # id -> how often a page passes over it
    after_page: Callable[[Account, int], None] = lambda account, number: None
    order: Callable[[str], Any] = int
    lists: int = 0
    searches: int = 0

    def __post_init__(self) -> None:
        self.ids = list(self.ids)
        self.reading = Reading(page=self.page, threads=self.threads)
        self.sizes = Sizes(self.reading)
        self.given: set[str] = set()
        self._in_order: list[str] = []

    def clock(self) -> float:
        """Time stands still."""
        return 0.0

    def ahead(self, work: Callable[[], Page]) -> Future[Page]:
        """Done at once, as if every call came back before anybody looked."""
        future: Future[Page] = Future()
        try:
            future.set_result(work())
        except Refused as error:
            future.set_exception(error)
        return future

    def list(self, after: str | None) -> Page:
        """One page from a cursor on."""
        self.lists += 1
        if after is not None and self.refuses_foreign and after not in self.given:
            raise Refused("GET list answered 400", 400, Complaint("VALIDATION_ERROR", (), (), (), "", None, None))
        ids = self._sorted()
        start = 0 if after is None else self._place(ids, after)
        end = start + self.page
        told = [id for id in ids[start:end] if not self._dropped(id)]
        mark = self.cursor(self, ids, end) if end < len(ids) else None
        self.given.add(mark or "")
        page = Page(tuple(Record("contact", id, {}) for id in told), mark)
        self.after_page(self, self.lists)
        return page

    def _sorted(self) -> list[str]:
        if len(self._in_order) != len(self.ids):
            self._in_order = sorted(self.ids, key=self.order)
        return self._in_order

    def _place(self, ids: Sequence[str], after: str) -> int:
        if self.cursor is opaque:
            return int(after.removeprefix("c-")) if after.startswith("c-") else 0
        if self.cursor is offset:
            return int(after)
        find = bisect_right if self.cursor is last_id else bisect_left
        return find(ids, self.order(after), key=self.order)

    def _dropped(self, id: str) -> bool:
        self.drops[id] = self.drops.get(id, 0) - 1
        return self.drops[id] >= 0

    def ask(self, call: Call) -> dict[str, Any]:
        """The search: how many there are between two ids, highest first."""
        self.searches += 1
        if not self.counts:
            raise NotFound("no search here")
        groups = call.body["filterGroups"]
        bounds = {one["operator"]: int(one["value"]) for group in groups for one in group["filters"]}
        found = [id for id in self.ids if bounds.get("GT", -1) < _size(id) <= bounds.get("LTE", 10**15)]
        highest = [{"id": max(found, key=_size)}] if found else []
        return {"total": len(found), "results": highest}

    def scan(self, after: str | None = None) -> list[Page]:
        """Everything, from the beginning or from a mark."""
        return list(Scan(self, "contact", self.list, after=after, shared=self.threads > 1).pages())  # type: ignore[arg-type]  # as much of an Api as it needs


def _size(id: str) -> int:
    return int(id) if id.isdigit() else 0


def told(pages: Sequence[Page]) -> list[str]:
    return [record.id for page in pages for record in page.records]


def warnings(pages: Sequence[Page]) -> list[str]:
    return [page.warning for page in pages if page.warning]


SPREADS = st.one_of(
    st.sets(st.integers(1, 400), max_size=120),
    st.sets(st.integers(1, 10**11), max_size=120),
    st.builds(
        set.union, st.sets(st.integers(1, 90), max_size=60), st.sets(st.integers(10**9, 10**9 + 300), max_size=60)
    ),
)


@pytest.mark.parametrize("cursor", [next_id, last_id, above_last_id])
@settings(max_examples=30, deadline=None)
@given(ids=SPREADS, page=st.integers(1, 7), threads=st.integers(1, 6))
def test_lesson_42_every_record_comes_once_however_ids_are_spread(
    cursor: Cursor, ids: set[int], page: int, threads: int
) -> None:
    """Dense, thin, in two heaps: several cursors tell what one would, and cost little more."""
    account = Account([str(id) for id in ids], cursor, page, threads)

    pages = account.scan()

    assert sorted(map(int, told(pages))) == sorted(ids)
    assert [one.mark is None for one in pages] == [False] * (len(pages) - 1) + [True]
    assert not warnings(pages)


@pytest.mark.parametrize(
    ("ids", "share"), [(tuple(map(str, range(1, 801))), 1.1), (GROWN, 1.25)], ids=["even", "heaps"]
)
def test_several_cursors_cost_little_more_than_one(ids: Sequence[str], share: float) -> None:
    """An empty half costs a page, which a list of this size still feels; the rest is what one cursor would read."""
    account = Account(ids, page=2, threads=8)

    account.scan()

    pages = -(-len(ids) // 2)
    assert pages < account.lists <= pages * share
    assert account.searches == 1


@settings(max_examples=25, deadline=None)
@given(stop=st.integers(0, 200), again=st.integers(0, 200))
def test_lesson_42_a_scan_goes_on_from_the_marks_of_all_its_cursors(stop: int, again: int) -> None:
    """Killed after any page, twice: together everybody, each once, and no page is read twice but those under way."""
    first = Account(page=5)
    pages = first.scan()
    kept = pages[: stop % len(pages) + 1]
    if kept[-1].mark is not None:
        second = Account(page=5).scan(kept[-1].mark)
        kept += second[: again % len(second) + 1]
    rest = Account(page=5)
    if kept[-1].mark is not None:
        kept += rest.scan(kept[-1].mark)

    assert sorted(told(kept), key=int) == list(GROWN)
    assert not warnings(kept)


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (Account(cursor=opaque), "not a record id"),
        (Account(cursor=offset), "does not go with"),
        (Account(refuses_foreign=True), "refused"),
        (Account(order=str), "do not grow"),
        (Account([f"x{id}" for id in GROWN], order=str), "not a number"),
    ],
    ids=["opaque cursors", "offsets", "only its own cursors", "ids in the order of letters", "ids that are no numbers"],
)
def test_lesson_42_a_list_that_is_not_in_the_order_of_ids_is_read_by_one_cursor(odd: Account, why: str) -> None:
    """Found out before anybody else has told anything: nobody comes twice, and the report says what it costs."""
    pages = odd.scan()

    assert sorted(told(pages)) == sorted(odd.ids)
    assert not any(page.again for page in pages)
    (warning,) = warnings(pages)
    assert "by one cursor" in warning
    assert why in warning


def test_a_cursor_that_leaves_out_the_first_record_behind_a_border_is_noticed() -> None:
    """The record above a border is met from both sides; where only one side tells it, everything is read again."""
    account = Account(tuple(str(id) for id in range(1, 401)), threads=2)
    middles: list[str] = []
    read = account.list

    def skipping(after: str | None) -> Page:
        if after is not None and after not in account.given:
            middles.append(after)
            return read(str(int(after) + 3))
        return read(after)

    pages = list(Scan(account, "contact", skipping, after=None, shared=True).pages())  # type: ignore[arg-type]  # see scan

    assert middles
    assert set(told(pages)) == set(account.ids)
    assert sorted(told([page for page in pages if page.again]), key=int) == list(account.ids)
    assert "from one side only" in " ".join(warnings(pages))


def test_lesson_06_a_record_that_a_page_passed_over_is_found_by_the_count() -> None:
    """One in four hundred falls out of one page: only its stretch is read again, and brings it."""
    account = Account(tuple(str(id) for id in range(1, 401)), drops={"333": 1})

    pages = account.scan()

    assert set(told(pages)) == set(account.ids)
    assert "read again" in " ".join(warnings(pages))
    assert 0 < len(told([page for page in pages if page.again])) < 300


def test_lesson_06_what_the_list_never_tells_is_reported() -> None:
    """The search counts one more than the list tells, twice: the scan ends, and says so."""
    account = Account(tuple(str(id) for id in range(1, 401)), drops={"333": 10**6})

    pages = account.scan()

    assert set(account.ids) - set(told(pages)) == {"333"}
    assert "399 contact records where the search counts 400, and once more" in warnings(pages)[-1]
    assert [page.short for page in pages if page.short] == [pages[-1].short] == [1]


@pytest.mark.parametrize("people", [6, 10, 11, 20])
@pytest.mark.parametrize("threads", [1, 4])
def test_lesson_06_a_list_of_few_pages_is_held_against_the_count_as_well(people: int, threads: int) -> None:
    """Two to four pages: what a page passes over is found, or known to be missing; one of one page costs no count."""
    ids = tuple(str(id) for id in range(1, people + 1))
    once, never = (Account(ids, threads=threads, drops={"3": times}) for times in (1, 10**6))

    found, missed = once.scan(), never.scan()

    assert (set(told(found)), found[-1].short) == (set(ids), 0)
    assert (set(ids) - set(told(missed)), missed[-1].short) == ({"3"}, 1)


@pytest.mark.parametrize(("people", "searches"), [(5, 0), (6, 1), (16, 1), (30, 1)])
def test_a_list_that_is_whole_costs_one_count_at_most(people: int, searches: int) -> None:
    """And none where it is a page: who is not on it is not anywhere."""
    account = Account(tuple(str(id) for id in range(1, people + 1)))

    pages = account.scan()

    assert (account.searches, pages[-1].short, warnings(pages)) == (searches, 0, [])


def test_a_list_of_few_pages_that_was_left_is_held_against_the_count_when_it_is_taken_up() -> None:
    """What the earlier life told counts as told."""
    ids = tuple(str(id) for id in range(1, 13))
    first = Account(ids).scan()[0]
    rest = Account(ids, drops={"7": 10**6})

    pages = rest.scan(first.mark)

    assert (rest.searches > 0, pages[-1].short) == (True, 1)


def test_edits_during_a_scan_are_no_surprise() -> None:
    """People come and go meanwhile: the scan needs no second look for that."""

    def busy(account: Account, number: int) -> None:
        if number % 7 == 0:
            account.ids.append(str(10**10 + number))  # type: ignore[attr-defined]  # a list by now
        if number == 30:
            account.ids.remove("5198")  # type: ignore[attr-defined]  # a list by now

    account = Account(after_page=busy)

    pages = account.scan()

    assert set(GROWN) - {"5198"} <= set(told(pages))
    assert len(told(pages)) == len(set(told(pages)))
    assert not warnings(pages)


def test_without_a_search_one_cursor_does() -> None:
    """How many there are is not known: no sharing, nothing to complain of."""
    account = Account(counts=False)

    pages = account.scan()

    assert told(pages) == list(GROWN)
    assert all(one.mark is None or other.mark is None or one.mark != other.mark for one, other in pairwise(pages))
    assert not warnings(pages)


def test_lesson_46_trap_22_a_scan_waits_for_whoever_reads_it() -> None:
    """However long the list: what has been asked for and not been taken is one page a cursor."""
    account = Account(tuple(str(id) for id in range(1, 2_001)), page=5, threads=4)

    for taken, _page in enumerate(Scan(account, "contact", account.list, after=None, shared=True).pages(), start=1):  # type: ignore[arg-type]  # see scan
        assert account.lists <= taken + account.threads + 8  # and the pages of halves that were empty
