"""Pacing: inside the quota to the last place, never beyond it, and a day that is shared with others."""

from __future__ import annotations

import heapq
import itertools
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.crm.daily import HOUR, DailyPool
from connector.crm.desk import Desk
from connector.crm.pacing import Budget, SlidingLog
from connector.crm.priorities import PRIORITIES, Priority
from connector.crm.quota import OwnBook
from connector.errors import Deferred


class Time:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def log_of(limit: int, time: Time, window: float = 10.0, share: float = 1.0) -> SlidingLog:
    return SlidingLog(limit, window, clock=time.clock, sleep=time.sleep, share=share)


def send(log: SlidingLog, times: int) -> None:
    for _ in range(times):
        log.take()
        log.give_back()


def test_a_full_window_makes_the_next_one_wait_until_the_oldest_answer_is_a_window_old() -> None:
    """Three places in ten seconds: the fourth call goes out exactly ten seconds after the first answer."""
    time = Time()
    log = log_of(3, time)
    send(log, 3)

    log.take()

    assert time.now == 10.0


def test_an_entry_leaves_by_its_answer_not_by_its_sending() -> None:
    """A call that took four seconds keeps its place until fourteen seconds after it was sent."""
    time = Time()
    log = log_of(1, time)
    log.take()
    time.sleep(4)
    log.give_back()

    log.take()

    assert time.now == 14.0


def test_the_server_never_counts_more_than_its_quota_and_we_use_nearly_all_of_it() -> None:
    """Eight senders with 100 to 200 ms on the way: no window of the server overflows, 97 % of it is used."""
    time, quota, dice = Time(), 190, random.Random(7)
    log = log_of(quota, time)
    arrivals: list[float] = []
    answers: list[float] = []
    while time.now < 60:
        while len(answers) >= 8 or (answers and answers[0] <= time.now):
            time.now = max(time.now, heapq.heappop(answers))
            log.give_back()
        wait = log.try_take()  # one thread plays all eight: it must not sleep past an answer
        if wait:
            time.now = min(time.now + wait, answers[0]) if answers else time.now + wait
            continue
        on_the_way = dice.uniform(0.1, 0.2)
        arrivals.append(time.now + on_the_way * dice.random())
        heapq.heappush(answers, time.now + on_the_way)

    arrivals.sort()
    busiest = max(
        sum(1 for other in arrivals[place : place + quota + 5] if other < arrival + 10.0)
        for place, arrival in enumerate(arrivals)
    )
    assert busiest <= quota
    assert len([one for one in arrivals if 10 <= one < 60]) >= 0.97 * quota * 5


def test_the_limit_is_learnt_from_the_server() -> None:
    """A smaller quota in the headers holds from the next call on."""
    time = Time()
    log = log_of(100, time)
    send(log, 1)
    log.learn(2, 1, 5.0)
    send(log, 1)

    log.take()

    assert time.now == 5.0


def test_calls_of_others_under_the_same_token_take_places_away_for_one_window() -> None:
    """The server says 4 of 10 are used while we sent 1: three places are somebody else's until the window ends."""
    time = Time()
    log = log_of(10, time)
    send(log, 1)
    log.learn(10, 6)

    assert log.limit == 7
    time.sleep(10)
    assert log.limit == 10


def test_however_busy_the_others_are_a_tenth_is_ours() -> None:
    """A server that always says "nothing left" slows us down and does not stop us."""
    time = Time()
    log = log_of(100, time)
    log.learn(100, 0)

    assert log.limit == 10


def test_the_burst_share_leaves_places_to_others() -> None:
    """With burst_share 0.5 the third call of a quota of four waits."""
    time = Time()
    log = log_of(4, time, share=0.5)
    send(log, 3)

    assert time.now == 10.0


def test_a_refusal_within_our_own_count_leaves_others_half_for_a_minute() -> None:
    """Searches of other apps show in no header: refused although there was room, we take two of four, and then four."""
    time = Time()
    log = log_of(4, time, window=1.0)
    log.retreat()

    assert log.limit == 2
    time.sleep(60)
    assert log.limit == 4


def test_a_pause_holds_everybody() -> None:
    """After a 429 nobody sends before its time is over."""
    time = Time()
    log = log_of(100, time)
    log.pause(7)

    log.take()

    assert time.now == 7.0


def day(share: float = 0.5, floor: int = 0, limit: int = 1000, remaining: int = 1000) -> tuple[DailyPool, Time]:
    time = Time()
    pool = DailyPool(time.clock)
    pool.learn(limit, remaining)
    return Bound(pool, Budget(share=share, daily_floor=floor)), time  # type: ignore[return-value]  # it is one


class Bound:
    """A day, and the budget of the one connection that draws from it."""

    def __init__(self, pool: DailyPool, budget: Budget) -> None:
        self._pool, self._budget = pool, budget

    def take(self, priority: Priority = "webhook") -> None:
        self._pool.take(priority, self._budget)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


def test_our_share_of_the_day_ends_the_work_as_deferred() -> None:
    """Half of 10 calls are ours: the sixth is put off, and the message says which setting did it, and until when."""
    pool, _ = day(limit=10, remaining=10)
    pool.meet("UTC")
    for _ in range(5):
        pool.take()

    with pytest.raises(Deferred, match=r"budget\.share\).*after 1970-01-02 00:00 UTC"):
        pool.take()


def test_the_floor_stays_untouched_even_when_others_drained_the_day() -> None:
    """300 calls are left and 300 are the floor: we send nothing."""
    pool, _ = day(floor=300, remaining=300)

    with pytest.raises(Deferred, match="300 stay for others"):
        pool.take()


def test_calls_under_way_are_expected_to_reach_the_server() -> None:
    """Three above the floor: three calls go out, not a fourth before the first answer is here."""
    pool, _ = day(share=1.0, floor=300, remaining=303)
    for _ in range(3):
        pool.take()

    with pytest.raises(Deferred, match="daily_floor"):
        pool.take()


def test_what_others_took_lately_is_expected_to_go_on() -> None:
    """Others use five calls a second: ten seconds after the last answer fifty more are thought to be gone."""
    pool, time = day(share=1.0, floor=300, remaining=400)
    time.sleep(10)
    pool.learn(1000, 350)
    time.sleep(11)

    with pytest.raises(Deferred, match="daily_floor"):
        pool.take()


def test_above_the_floor_some_calls_are_kept_to_end_what_was_begun() -> None:
    """Forty above the floor, or a twentieth of a small day: they are for the most urgent alone, down to the floor."""
    for limit, kept in ((250_000, 40), (1000, 35)):
        pool, _ = day(share=1.0, floor=300, limit=limit, remaining=300 + kept)
        for priority in PRIORITIES[1:]:
            with pytest.raises(Deferred, match=f"300 stay for others, {kept} to end what was begun"):
                pool.take(priority)
        for _ in range(kept):
            pool.take("webhook")
        with pytest.raises(Deferred, match="300 stay for others"):
            pool.take("webhook")


def test_calls_under_way_of_who_leaves_are_not_forgotten() -> None:
    """Five go out and the process ends before their answers: another one knows that the server's count lacks them."""
    time, book = Time(), OwnBook()
    time.sleep(HOUR)
    wall = time.clock
    budget = Budget(share=1.0, daily_floor=300)
    first, second = (Desk(book, clock=wall, sleep=time.sleep, wall=wall) for _ in range(2))
    leaving = first.open("day", lambda: DailyPool(wall, lambda due: first.enter(due, wait=True)))
    leaving.learn(1000, 310)
    for _ in range(5):
        leaving.take("webhook", budget)
    first.close(["day"])
    staying = second.open("day", lambda: DailyPool(wall, lambda due: second.enter(due, wait=True)))

    for _ in range(5):
        staying.take("webhook", budget)
    with pytest.raises(Deferred, match="Only 300 calls"):
        staying.take("webhook", budget)
    assert staying.day.used == 10


def test_a_floor_larger_than_the_account_gives_way() -> None:
    """The shipped floor of 50,000 does not silence an account of 1,000 calls a day."""
    pool, _ = day(floor=50_000, remaining=999)

    pool.take()


def test_each_class_leaves_the_rest_of_the_day_to_the_more_urgent() -> None:
    """Of 100 calls a backfill makes 80, a reconcile goes on to 90, an incremental to 95, a webhook to the last."""
    pool, _ = day(share=1.0, limit=100, remaining=100)
    made: dict[str, int] = {}
    for priority in reversed(PRIORITIES):
        with pytest.raises(Deferred):  # noqa: PT012 - as many as it gives
            for made[priority] in itertools.count():
                pool.take(priority)

    assert made == {"backfill": 80, "reconcile": 10, "incremental": 5, "webhook": 5}


def test_a_refusal_of_the_day_holds_until_the_accounts_midnight() -> None:
    """Warsaw is an hour ahead: at 22:50 UTC nothing is sent (it was asked just before), at 23:00 the new day begins."""
    pool, time = day(share=1.0)
    pool.meet("Europe/Warsaw")
    pool.learn(1000, 0)
    time.now = 22 * HOUR + 2900
    until = pool.exhausted()

    assert until == datetime(1970, 1, 1, 23, tzinfo=UTC)
    time.now += 100
    with pytest.raises(Deferred, match=r"23:00 UTC \(00:00 Europe/Warsaw\)"):
        pool.take()
    time.now = 23 * HOUR
    pool.take()


def test_without_headers_one_call_an_hour_looks_whether_the_day_is_still_spent() -> None:
    """Nobody says how much is left: an hour after a refusal the next call may go out."""
    time = Time()
    pool = DailyPool(time.clock)
    pool.exhausted()
    with pytest.raises(Deferred):
        pool.take()
    time.sleep(HOUR)

    pool.take()


def test_a_wait_that_the_server_names_holds_for_every_call() -> None:
    """Retry-After of ten minutes: nothing before it is over, everything after it; nobody is sent to midnight."""
    pool, time = day(share=1.0)
    pool.meet("UTC")
    pool.exhausted(600)
    time.sleep(599)
    with pytest.raises(Deferred, match=r"asks to wait.*after 1970-01-01 00:10 UTC") as deferred:
        pool.take()
    assert deferred.value.until == datetime(1970, 1, 1, 0, 10, tzinfo=UTC)
    time.sleep(1)

    pool.take()


def test_a_rest_that_jumps_up_is_a_new_day() -> None:
    """Our share was used; the server's day began at an hour we did not expect, and so does ours."""
    pool, _ = day(limit=100, remaining=100)
    for _ in range(50):
        pool.take()
    pool.learn(100, 50)

    pool.learn(100, 99)

    pool.take()


def test_without_headers_nothing_is_refused() -> None:
    """OAuth answers carry no daily headers; then only the server's own DAILY refusal counts."""
    pool = DailyPool(Time().clock)

    for _ in itertools.repeat(None, 500):
        pool.take()

    assert pool.day.limit is None
