"""When a backfill ends: by the pace, by what is ours of each day, by the account's midnights."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.crm.daily import Day
from connector.crm.pacing import Budget
from connector.errors import Transient
from connector.sync import Order, run
from connector.sync.forecast import Costs, Forecast, begin, foresee, left_today
from tests.sync.world import AS_OF, World

#: A Sunday evening in Warsaw, two hours before its midnight.
NOW = datetime(2026, 11, 22, 21, tzinfo=UTC)

#: Pages and batches of a hundred, the links of a thousand in a call, ten calls a second.
COSTS = Costs(100, 100, 1000, 10.0)


class Counting(World):
    """An account that says how many people it has, and whose lists break off after some."""

    def adapter(self) -> object:  # type: ignore[override]  # a CRM that tells and does as it is told
        crm = super().adapter()
        crm.count = lambda kind, property=None, value=None: {"contact": 100_000}.get(kind, 0)  # type: ignore[method-assign]  # stands in for it in this test
        return crm


def day(**known: object) -> Day:
    """An account of 250,000 calls a day in Warsaw."""
    found = Day(zone="Europe/Warsaw", limit=250_000, remaining=250_000, seen_at=NOW.timestamp())
    found.turn(NOW.timestamp())
    found.remaining = 250_000
    for name, value in known.items():
        setattr(found, name, value)
    return found


def test_g7_the_end_of_a_backfill_is_told_with_its_share_of_the_day(tmp_path: Path) -> None:
    """100,000 people: 1,000 pages, 200 calls for links, 2,000 to read again and write; a third of an hour by 10 a
    second."""
    world = Counting(tmp_path)
    world.clock.at = NOW
    ledger = world.ledger()

    forecast = begin(world.session(ledger), day(), Budget(), COSTS)

    assert (forecast.calls, forecast.seen) == (3_200, False)
    assert str(forecast) == (
        "about 3,200 calls left at 10.0 a second, ends Sunday 21:05 UTC, 1.3% of the account's daily quota"
    )


def test_a_dry_run_is_foreseen_without_writes(tmp_path: Path) -> None:
    """1,000 pages and 200 calls for links."""
    world = Counting(tmp_path)

    assert begin(world.session(world.ledger()), day(), Budget(), COSTS, dry=True).calls == 1_200


def test_the_calls_of_a_backfill_depend_on_how_large_its_pages_and_batches_are(tmp_path: Path) -> None:
    """A CRM with pages of 2,000 and batches of 50: 50 pages, 200 calls for links, 4,000 to read again and write."""
    world = Counting(tmp_path)
    world.clock.at = NOW

    forecast = begin(world.session(world.ledger()), day(), Budget(), replace(COSTS, page=2000, batch=50))

    assert forecast.calls == 4_250


def test_g7_a_day_that_is_not_enough_is_followed_by_the_next(tmp_path: Path) -> None:
    """1,000 calls of Sunday are still ours, 1,000 of each day after it: the last 200 of 3,200 are Wednesday's."""
    world = Counting(tmp_path)
    world.clock.at = NOW
    budget = Budget(share=0.005, daily_floor=0)

    forecast = begin(world.session(world.ledger()), day(), budget, COSTS)

    assert forecast.ends_at == datetime(2026, 11, 24, 23, 0, 20, tzinfo=UTC)


def test_a_budget_of_nothing_has_no_end(tmp_path: Path) -> None:
    """One call a day is ours, and a backfill's part of it is none."""
    world = Counting(tmp_path)
    forecast = begin(world.session(world.ledger()), day(), Budget(share=1 / 250_000), COSTS)

    assert forecast.ends_at is None
    assert "does not end within a year" in str(forecast)


@pytest.mark.parametrize(
    ("known", "left"),
    [
        ({}, 100_000),
        ({"used": 60_000}, 40_000),
        ({"used": 120_000}, 0),
        ({"remaining": 70_000}, 19_960),  # beside the floor forty are kept
        ({"remaining": 40_000}, 0),
        ({"limit": None}, None),
        ({"refused_at": NOW.timestamp(), "refused_until": NOW.timestamp() + 60}, 0),
    ],
)
def test_what_is_left_of_the_day(known: dict[str, object], left: int | None) -> None:
    """Four fifths of half a day, less what was used, and never below the floor."""
    assert left_today(day(**known), Budget(), NOW) == left


def test_g7_the_pace_that_is_seen_takes_the_place_of_the_usual_one(tmp_path: Path) -> None:
    """Interrupted on its way: what was read is not counted again, and the pace is that of this run."""
    world = Counting(tmp_path, page=1)
    for number in range(1, 31):
        world.person(str(number))
    ledger = world.ledger()
    session = world.session(ledger)
    crm, read = session.crm, []
    scan = crm.scan

    def breaks_off(kind: str, *asked: object, **more: object) -> object:
        for page in scan(kind, *asked, **more):  # type: ignore[arg-type]  # handed on
            if kind == "contact" and len(read) == 20:
                raise Transient("gone")
            read.append(page)
            world.clock.pass_by(seconds=1)
            yield page

    crm.scan = breaks_off  # type: ignore[method-assign, assignment]  # stands in for it in this test
    crm.count = lambda kind, property=None, value=None: {"contact": 110}.get(kind, 0)  # type: ignore[method-assign]  # stands in for it in this test
    first = begin(session, day(), Budget(), COSTS)
    with pytest.raises(Transient):
        run(session, Order("backfill", world.clock(), everything=True))
    world.clock.pass_by(hours=20)

    then = foresee(ledger, day(), Budget(), world.clock())
    assert then is not None
    assert then.calls < first.calls
    assert (then.seen, then.pace) == (True, (first.calls - then.calls) / 20)


class Watched:
    """A backfill of sixty people, ten a batch, that is looked at from beside it; each look is a minute later."""

    def __init__(self, folder: Path) -> None:
        world = World(folder)
        for number in range(1, 61):
            world.person(str(number))
        self.world, self.ledger = world, world.ledger()
        self.session = world.session(self.ledger, chunk=20, write_chunk=10)
        self.session.crm.count = lambda kind, property=None, value=None: {"contact": 60}.get(kind, 0)  # type: ignore[method-assign]  # stands in for it in this test
        self.session.progress = self.looks
        self.first = begin(self.session, day(), Budget(), TENS)
        self.calls: dict[str, list[int]] = {}
        self.stops_after = 61

    def looks(self, phase: str, done: int, total: int | None) -> None:
        """What `status` tells at this moment; after so many written the program is asked to stop."""
        del total
        self.world.clock.pass_by(minutes=1)
        now = self.foreseen()
        self.calls.setdefault(phase, []).append(0 if now is None else now.calls)
        if phase == "written" and done >= self.stops_after:
            self.session.stopping = lambda: True

    def foreseen(self) -> Forecast | None:
        """The forecast as of now."""
        return foresee(self.ledger, day(), Budget(), self.world.clock())

    def run(self) -> str:
        """The backfill; how it ended."""
        return run(self.session, Order("backfill", self.world.clock(), everything=True)).status


#: Pages and batches of ten, so that every batch counts.
TENS = Costs(10, 10, 10, 10.0)


def test_g7_the_calls_that_are_left_fall_while_a_backfill_writes(tmp_path: Path) -> None:
    """Two calls less for each ten who were written, and none at the end; undecided people count as if written to."""
    watched = Watched(tmp_path)

    assert watched.run() == "done"

    assert watched.first.calls == 6 + 12 + 12  # pages, links, and six batches read again and written
    assert watched.calls["looked at"] == [12, 12, 12]
    assert watched.calls["written"] == [10, 8, 6, 4, 2, 0]
    assert watched.foreseen() is None


def test_g7_whoever_needs_no_write_costs_none_and_makes_no_pace(tmp_path: Path) -> None:
    """Sixty people are as they should be: what is left falls as they are looked at, and the pace is of calls made."""
    watched = Watched(tmp_path)
    watched.world.sync(watched.ledger)
    watched.first = begin(watched.session, day(), Budget(), TENS)
    seen: list[Forecast | None] = []
    watched.session.progress = lambda phase, done, total: seen.append(
        watched.foreseen() if phase == "looked at" else None
    )
    watched.run()

    assert [one.calls for one in seen if one is not None] == [8, 4]
    assert not any(one.seen for one in seen if one is not None)  # no time has passed


def test_g7_a_backfill_that_waits_for_the_next_day_is_not_slow(tmp_path: Path) -> None:
    """Stopped after thirty, looked at half a day later: the pace is that of its minutes of work, whoever works since;
    and what goes on the next day is measured anew."""
    watched = Watched(tmp_path)
    watched.stops_after = 30
    assert watched.run() == "deferred"
    worked = watched.world.clock() - AS_OF
    then = watched.foreseen()
    assert then is not None
    assert (then.calls, then.seen) == (6, True)
    assert then.pace == (watched.first.calls - then.calls) / worked.total_seconds()

    watched.world.clock.pass_by(hours=12)
    later = watched.foreseen()
    assert later is not None
    assert (later.calls, later.pace) == (then.calls, then.pace)
    assert later.ends_at is not None
    assert later.ends_at - watched.world.clock() == timedelta(minutes=3)

    again = begin(watched.session, day(), Budget(), TENS)
    assert (again.calls, again.seen) == (6, False)
    watched.session.stopping = lambda: False
    watched.stops_after = 10
    watched.run()
    on_its_way = watched.foreseen()
    assert on_its_way is not None
    assert on_its_way.calls == 4
    assert on_its_way.pace == 2 / 180  # two calls, in two minutes of looking and one of writing


@pytest.mark.parametrize("others", [False, True])
def test_g7_a_backfill_that_was_killed_was_at_work_for_its_lease_at_most(tmp_path: Path, *, others: bool) -> None:
    """Nobody could say when it ended: it is the end of its lease, or the beginning of a run after it."""
    watched = Watched(tmp_path)

    def dies(phase: str, done: int, total: int | None) -> None:
        watched.looks(phase, done, total)
        if phase == "written":
            raise Killed

    watched.session.progress = dies
    runs, given_back = watched.ledger.runs, []
    runs.drop_lease = given_back.append  # type: ignore[method-assign]  # whoever is killed gives nothing back
    with pytest.raises(Killed):
        watched.run()
    until = runs.connection().lease_until
    assert until is not None
    watched.world.clock.at = until + timedelta(hours=10)
    if others:
        del runs.drop_lease  # type: ignore[method-assign]  # the class has its own again
        until = watched.world.clock()
        run(watched.world.session(watched.ledger), Order("sync", until, due_only=True))
        watched.world.clock.pass_by(hours=10)

    then = watched.foreseen()
    assert then is not None
    assert then.seen
    assert then.pace == pytest.approx(20 / (until - AS_OF).total_seconds(), abs=0)


class Killed(BaseException):
    """Nothing catches it."""
