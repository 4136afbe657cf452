"""
What the connector is in the middle of when it dies: each scenario is an account, what happened, and one order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from connector.agreement.terms import Backward
from connector.plan import Limits
from connector.sync import Order
from tests.sync.deaths import Life
from tests.sync.world import AS_OF, World


@dataclass(frozen=True)
class Scenario:
    """One kind of run. `happens` builds the account and lives until the run that dies; `order` is that run's, given
    anew where a command is typed again; `heals` says whether the plain `sync` of the next schedule does."""

    name: str
    happens: Callable[[Life], None]
    order: Callable[[Life], Order]
    states: int  # at the least, so that a scenario in which nothing happens is noticed
    heals: bool = True
    settings: Callable[[World], None] = lambda world: None


def _first(life: Life) -> None:
    life.world.usual_people()


def _sync(life: Life) -> Order:
    return Order("sync", life.world.clock())


def _house(life: Life) -> None:
    """Two handed over by score, somebody by the fast track, a customer with a second track, four on deals together."""
    world = life.world
    for id in ("1", "2", "3", "4"):
        world.person(id)
    for id in ("1", "4"):
        world.interested(id)
    world.asked_for_demo("2")
    world.deal("30", "3", "closedwon")
    world.person("5", jobtitle="Process Engineer")
    world.deal("70", "5", "appointmentscheduled")
    for id in ("6", "7"):
        world.person(id, jobtitle="Shift Supervisor")
        world.joins(id, "70")


def _next_day(life: Life) -> None:
    """After a first run: sales answers one of them, the customer asks for more, two records are merged, somebody on a
    deal has a new title and somebody left, one of our values is edited, and there is somebody new."""
    _house(life)
    life.run()
    world = life.world
    world.clock.pass_by(days=1)
    world.edit("2", {"cx_sales_answer": "rejected", "cx_rejection_reason": "not_icp"})
    world.asked_for_demo("3")
    world.edit("3", {"city": "Warsaw"})
    world.edit("6", {"jobtitle": "Poet"})
    world.edit("5", {"cx_persona": "somebody_else"})
    world.delete("7")
    world.person("8")
    world.asked_for_demo("8")
    world.merge("1", "4")
    world.clock.pass_by(minutes=10)


def _backfill(life: Life) -> Order:
    return Order("backfill", life.world.clock(), everything=True)


def _faded(life: Life) -> None:
    """Two MQLs of two months ago, for whom the move back is opted in for the CRM's own stage."""
    for id in ("1", "2"):
        life.world.person(id)
        life.world.interested(id)
    life.run()
    life.world.clock.at = AS_OF + timedelta(days=60)


def _back_is_opted_in(world: World) -> None:
    world.agreement = replace(world.agreement, backwards=(Backward("mql_to_nurture", ("mql",), "nurture"),))


def _call_back_day(life: Life) -> None:
    """Sales returned somebody with a day to call back, and that day has come: three answers are blanked, one task."""
    world = life.world
    world.person("1")
    world.interested("1")
    life.run()
    world.clock.pass_by(hours=1)
    world.edit(
        "1",
        {
            "cx_sales_answer": "returned_not_ready",
            "cx_rejection_reason": "no_timing",
            "cx_call_back_on": "2026-05-04",
        },
    )
    world.clock.pass_by(minutes=10)
    life.run()
    world.clock.at = AS_OF.replace(month=5, day=4, hour=6)


def _reviewed(life: Life) -> Order:
    """What a plan shows is applied as it was reviewed: the plan is made, as reviewers do, before the run that dies."""
    work = life.ledger.work
    plan = max(one.number for one in life.ledger.runs.recent() if one.verb == "plan")
    expected = {one.person_id: one.body for one in work.every(plan)}
    return Order("apply", life.world.clock(), only=tuple(expected), expected=expected)


def _plan_is_made(life: Life) -> None:
    _next_day(life)
    life.run(Order("plan", life.world.clock(), write=False))


def _flood_is_parked(life: Life) -> None:
    """Five people of one cause are over the budget of three, and wait for a review."""
    for id in ("1", "2", "3", "4", "5"):
        life.world.person(id)
        life.world.interested(id)
    assert life.run().counts["parked"] == 5


def _small_budget(world: World) -> None:
    limits = Limits(changes_per_run=3, changes_per_day=100, max_share=1.0)
    world.settings = replace(world.settings, limits=limits)


def _released(life: Life) -> Order:
    runs = [one.number for one in life.ledger.runs.recent(100)]
    parked = {one.person_id for run in runs for one in life.ledger.work.every(run, "parked")}
    return Order("apply", life.world.clock(), only=tuple(sorted(parked)), release=True)


SCENARIOS = (
    Scenario("first run", _first, _sync, 30),
    Scenario("incremental run", _next_day, _sync, 25),
    Scenario("backfill", _next_day, _backfill, 25),
    Scenario("stages go back", _faded, _sync, 15, settings=_back_is_opted_in),
    Scenario("day to call back", _call_back_day, _sync, 15),
    Scenario("reviewed plan", _plan_is_made, _reviewed, 15),
    Scenario("release of a parked run", _flood_is_parked, _released, 15, heals=False, settings=_small_budget),
)
