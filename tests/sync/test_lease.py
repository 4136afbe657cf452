"""One run at a time on a connection, and one that slept through its lease stops before it does anything (G2)."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from connector.errors import Busy
from connector.ledger.runs import LEASE
from connector.sync import Order, run
from tests.sync.conftest import Build
from tests.sync.over_http import OverHttp
from tests.sync.world import World


def _way_in(world: World) -> Any:
    """A connection of its own to the account, as each process has one."""
    return world.adapter() if isinstance(world, OverHttp) else copy.copy(world.crm)


def _written(world: World, crm: Any) -> int:
    """What the account has taken; in memory, from this way in."""
    return world.writes if isinstance(world, OverHttp) else int(crm.writes)


def _at_call(world: World, crm: Any, classes: tuple[str, ...], happens: Callable[[str], None]) -> None:
    """Something happens while a call of these classes waits to be sent; one call after the other."""
    turn = threading.RLock()

    def asked(counted_as: str) -> None:
        if not classes or counted_as in classes:
            happens(counted_as)

    if isinstance(world, OverHttp):
        world.before_calls(crm, asked, turn)
        return
    called = type(crm)._called

    def told(endpoint: str) -> None:
        with turn:
            asked(endpoint)
            called(crm, endpoint)

    crm._called = told


@pytest.mark.parametrize(
    "classes", [("write",), ("create_task", "tasks", "objects"), ("batch_read", "list")], ids=["update", "task", "read"]
)
def test_g2_a_run_that_slept_through_its_lease_sends_nothing_more(build: Build, classes: tuple[str, ...]) -> None:
    """Another run takes over meanwhile: the sleeper ends as busy, and what it was about to send never leaves."""
    world = build()
    world.usual_people()
    slept: list[int] = []
    sleeper = _way_in(world)

    def sleeps(_: str) -> None:
        if not slept:
            world.clock.pass_by(minutes=6)
            other = world.ledger()
            assert run(world.session(other, _way_in(world)), Order("sync", world.clock())).status == "done"
            other.database.close()
            slept.append(_written(world, sleeper))

    _at_call(world, sleeper, classes, sleeps)
    ledger = world.ledger()
    with pytest.raises(Busy, match="took over"):
        run(world.session(ledger, sleeper), Order("sync", world.clock()))

    assert [_written(world, sleeper)] == slept
    assert world.handed_over() == ["1", "2"]
    assert [one.status for one in ledger.runs.recent()] == ["done", "interrupted"]


def test_a_run_that_makes_calls_keeps_its_lease_however_long_they_last(build: Build) -> None:
    """Two minutes for each call, an hour and more in all: at none of them can somebody else take over."""
    world = build()
    world.usual_people()
    crm, refused = _way_in(world), []
    other = world.ledger()

    def lasts(_: str) -> None:
        world.clock.pass_by(minutes=2)
        with pytest.raises(Busy, match="worked on"):
            other.runs.take_lease("another", world.clock())
        refused.append(world.clock())

    _at_call(world, crm, (), lasts)
    report = run(world.session(world.ledger(), crm, max_age=timedelta(days=1)), Order("sync", world.clock()))

    assert report.counts["written"] > 4
    assert refused[-1] - refused[0] > 5 * LEASE


def test_two_runs_are_two_whatever_they_are_called(build: Build) -> None:
    """Two hosts of one name, two containers with process 1: the name on a lease opens nothing."""
    world = build()
    world.person("1")
    session = world.session(world.ledger())
    world.ledger().runs.take_lease(session.worker, world.clock())

    with pytest.raises(Busy):
        run(session, Order("sync", world.clock()))

    assert world.writes == 0


def test_g2_no_transaction_of_a_run_goes_through_after_somebody_took_over(build: Build) -> None:
    """Whatever it is: the cursor of an incremental read as well as a track."""
    world = build()
    world.person("1")
    ledger = world.ledger()
    world.sync(ledger)
    fence = ledger.runs.take_lease("one", world.clock())
    other = world.ledger()

    with ledger.runs.fenced(fence):
        ledger.cursors.move("changes:contact", "mine")
        other.runs.take_lease("two", world.clock() + 2 * LEASE)
        with pytest.raises(Busy, match="took over"):
            ledger.cursors.move("changes:contact", "too late")
        with pytest.raises(Busy, match="took over"), ledger.transaction():
            ledger.mirror.mark_all_dirty()

    assert other.cursors.of("changes:contact") == "mine"
