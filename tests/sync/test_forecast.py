"""When a backfill ends: by the pace, by what is ours of each day, by the account's midnights."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.crm.daily import Day
from connector.crm.pacing import Budget
from connector.errors import Transient
from connector.sync import Order, run
from connector.sync.forecast import Costs, begin, foresee, left_today
from tests.sync.world import World

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
            yield page

    crm.scan = breaks_off  # type: ignore[method-assign, assignment]  # stands in for it in this test
    crm.count = lambda kind, property=None, value=None: {"contact": 110}.get(kind, 0)  # type: ignore[method-assign]  # stands in for it in this test
    first = begin(session, day(), Budget(), COSTS)
    with pytest.raises(Transient):
        run(session, Order("backfill", world.clock(), everything=True))
    world.clock.pass_by(seconds=20)

    then = foresee(ledger, day(), Budget(), world.clock())
    assert then is not None
    assert then.calls < first.calls
    assert (then.seen, then.pace) == (True, (first.calls - then.calls) / 20)
