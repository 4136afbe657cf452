"""Dataverse's limits: three facets of a user, a day in which every row counts, and waits that hold for everybody."""

from __future__ import annotations

import heapq
import math
import random
from pathlib import Path

import pytest

from connector.crm.desk import Desk, SharedLog
from connector.crm.dynamics.limits import REQUESTS, UNNAMED, WINDOW, WORK, Allowance
from connector.crm.pacing import Budget
from connector.crm.quota import Book, OwnBook
from connector.crm.wire import Answer
from connector.errors import Deferred, Throttled
from connector.ledger.quota import QuotaBook
from tests.crm.scripted import Time

ALL = Budget(share=1.0, daily_floor=0)
WALL = 1_800_000_000.0


def desk_of(time: Time, book: Book) -> Desk:
    return Desk(book, clock=time.clock, sleep=time.sleep, wall=lambda: WALL + time.now)


def allowance_of(time: Time, *, book: Book | None = None, a_day: int = 500_000, budget: Budget = ALL) -> Allowance:
    """One connection of a process of its own, without jitter."""
    desk = desk_of(time, book or OwnBook())
    return Allowance(desk, "contoso", lambda: "tenant app", budget, a_day=a_day, dice=lambda: 0.0)


def throttled(seconds: float | None, limit: str = "REQUESTS") -> Throttled:
    return Throttled("429", limit=limit, retry_after=seconds)


def call(allowance: Allowance, times: int = 1, *, rows: int = 1) -> None:
    for _ in range(times):
        with allowance.take("list", rows):
            pass


def test_lesson_41_no_more_requests_than_a_server_takes_in_five_minutes(time: Time) -> None:
    """The one too many waits until the first answer is five minutes old."""
    allowance = allowance_of(time)
    call(allowance, REQUESTS)
    before = time.now
    call(allowance)

    assert before == 0.0
    assert time.now == pytest.approx(WINDOW, abs=6.0)


def test_lesson_41_no_more_of_the_servers_time_than_it_gives_in_five_minutes(time: Time) -> None:
    """Ten threads, five to fifteen seconds a request, would take 3,000 s of it: they get 1,200, and use them."""
    allowance, dice = allowance_of(time), random.Random(7)
    call(allowance)
    work, took = allowance._opened().work, list[tuple[float, float]]()
    events = [(0.0, number, 0.0, 0) for number in range(10)]
    while time.now < 4 * WINDOW:
        time.now, number, lasted, taken = heapq.heappop(events)
        if taken:
            tenths = math.ceil(lasted * 10)
            work.log.give_back(None, tenths, taken)
            allowance._remember("slow", tenths)
            took.append((time.now, lasted))
        weight = math.ceil(allowance._usual.get("slow", 1.0))
        wait = work.try_take(None, weight)
        lasts = dice.uniform(5.0, 15.0)
        heapq.heappush(events, (time.now + wait, number, 0.0, 0) if wait else (time.now + lasts, number, lasts, weight))

    for at, _ in took:
        assert sum(lasted for when, lasted in took if at - WINDOW < when <= at) <= 1.05 * WORK
    assert sum(lasted for _, lasted in took) > 0.9 * 4 * WORK


@pytest.mark.parametrize(("hint", "ceiling"), [("3", 3), (" 7 ", 7), ("1000", 52), ("0", 52), ("many", 52), (None, 52)])
def test_lesson_41_what_an_answer_recommends_is_the_ceiling_of_requests_at_once(
    time: Time, hint: str | None, ceiling: int
) -> None:
    """From the first answer that says so, however well things go; nonsense says nothing, and the limit stays above."""
    allowance = allowance_of(time)
    lanes = allowance._opened().lanes
    allowance.learn(Answer(200, {"x-ms-dop-hint": hint} if hint is not None else {}, b""))

    assert lanes.ceiling == ceiling
    for _ in range(100):
        places = [allowance.take("list") for _ in range(lanes.open)]
        for one in places:
            one.__exit__()
    assert lanes.open <= ceiling
    assert lanes.open > 4 or ceiling <= 4


def test_lesson_41_after_a_429_everybody_waits_in_every_process(time: Time) -> None:
    """As long as it says: the other threads, the other adapters of the process, the other process on the ledger."""
    book = OwnBook()
    here, there = allowance_of(time, book=book), allowance_of(time, book=book)
    call(here)
    call(there)
    with here.take("list") as places:
        here.refused(places.since, throttled(37.0), patience=120.0)
    time.sleep(6.0)  # the other process looks into the ledger every few seconds
    call(there)

    assert time.now >= 37.0
    assert here._opened().lanes.open == 2


def test_a_429_that_names_no_wait_makes_everybody_wait_a_little(time: Time) -> None:
    """Or all threads would be back at once, and the next refusal would be longer."""
    allowance = allowance_of(time)
    with allowance.take("list") as places:
        allowance.refused(places.since, throttled(None, "CONCURRENCY"), patience=120.0)
    call(allowance)

    assert time.now == UNNAMED


def test_dataverse_trap_05_those_who_were_told_to_wait_do_not_come_back_at_one_moment(time: Time) -> None:
    """Each waits a little longer than it says, by the dice."""
    allowance = allowance_of(time)
    allowance._dice = lambda: 0.5
    with allowance.take("list") as places:
        allowance.refused(places.since, throttled(20.0), patience=120.0)
    call(allowance)

    assert time.now == pytest.approx(21.0)


def test_a_wait_that_nobody_sits_through_ends_the_run(time: Time) -> None:
    """The work goes on after it; until then no call goes out, in no run of ours."""
    allowance = allowance_of(time)
    with allowance.take("list") as places, pytest.raises(Deferred, match="Dataverse asks to wait"):
        allowance.refused(places.since, throttled(400.0), patience=120.0)
    with pytest.raises(Deferred, match="asks to wait"):
        call(allowance)
    time.sleep(401.0)
    call(allowance)


def test_every_row_counts_against_the_day(time: Time) -> None:
    """A batch of fifty is fifty calls of the tenant's day, however it is framed."""
    allowance = allowance_of(time, a_day=400, budget=Budget(share=0.5, daily_floor=0))
    call(allowance, 4, rows=50)

    with pytest.raises(Deferred, match=r"share of the account's day is used"):
        call(allowance, rows=50)
    assert allowance.day.day.used == 200


def test_the_last_request_of_a_day_may_be_larger_than_what_is_left(time: Time) -> None:
    """It is not torn apart, and nobody waits for ever for what will not come."""
    allowance = allowance_of(time, a_day=120)
    call(allowance, 3, rows=50)

    with pytest.raises(Deferred):
        call(allowance)


def test_dataverse_trap_20_what_stays_for_others_is_kept_although_nobody_says_what_they_use(time: Time) -> None:
    """The floor lies below our share where the CRM tells no rest."""
    allowance = allowance_of(time, a_day=1000, budget=Budget(share=1.0, daily_floor=400))
    call(allowance, 6, rows=100)

    with pytest.raises(Deferred):
        call(allowance, rows=100)


def test_a_backfill_leaves_the_rest_of_the_day_to_the_urgent(time: Time) -> None:
    """It stops at four fifths; an incremental run goes on."""
    allowance = allowance_of(time, a_day=100)
    allowance.priority = "backfill"
    with pytest.raises(Deferred, match="kept for what is more urgent"):
        call(allowance, 100)
    allowance.priority = "incremental"
    call(allowance, 10)


def test_two_processes_on_one_ledger_spend_one_day(time: Time) -> None:
    """What one has used is not there for the other."""
    book = OwnBook()
    first, second = allowance_of(time, book=book, a_day=300), allowance_of(time, book=book, a_day=300)
    for one in (first, second):
        one.meet("org-1", "UTC")
    call(first, 4, rows=50)
    call(second, 2, rows=50)

    with pytest.raises(Deferred):
        call(second, 2, rows=50)


def test_what_a_killed_process_called_counts_as_long_as_the_server_counts_it(time: Time, tmp_path: Path) -> None:
    """Five minutes of Dataverse, not the ten seconds of another CRM, although it is known to be dead."""
    book = QuotaBook(f"sqlite:///{tmp_path}/state.db")

    desk = desk_of(time, book)
    desk.open("requests", lambda: SharedLog(desk, 20, WINDOW, 1.0)).take(None, time.sleep)
    desk.open("burst", lambda: SharedLog(desk, 20, 10.0, 1.0)).take(None, time.sleep)
    book.bury(book.holders(WALL), WALL, 10.5)

    assert book.holders(WALL + WINDOW - 1) != []
    assert book.holders(WALL + WINDOW + 1) == []


def test_calls_made_before_the_account_was_known_are_counted_as_its(time: Time) -> None:
    """The first call asks who we are."""
    allowance = allowance_of(time)
    call(allowance, 3)
    allowance.meet("org-1", "Europe/Warsaw")
    call(allowance)
    allowance.day._enter()

    assert allowance.day.day.used >= 4
    assert allowance.day.day.zone == "Europe/Warsaw"


def test_what_a_request_occupies_is_free_again_whatever_happens(time: Time) -> None:
    """Also where it never went out."""
    allowance = allowance_of(time)
    for _ in range(200):
        with pytest.raises(RuntimeError), allowance.take("list"):
            raise RuntimeError
    lanes = allowance._opened().lanes

    assert lanes._used == 0
    assert lanes.open >= 1
