"""A write is based on what the CRM holds now: whoever changed since the decision is decided again first."""

from __future__ import annotations

from collections.abc import Callable

from connector.sync import Order, Report, run
from tests.sync.conftest import Build
from tests.sync.world import World


def _sync_interrupted(world: World, happens: Callable[[], None]) -> Report:
    """A run during which something happens after everybody was looked at, and ten minutes pass."""
    session = world.session(world.ledger())

    def tell(phase: str, done: int, total: int | None) -> None:
        if phase == "looked at":
            world.clock.pass_by(minutes=10)
            happens()

    session.progress = tell
    try:
        return run(session, Order("sync", world.clock()))
    finally:
        session.crm.close()


def test_an_edit_between_decision_and_write_wins(build: Build) -> None:
    """A rep set the stage meanwhile: it stays, nobody is handed over, the next run agrees."""
    world = build()
    world.person("1")
    world.interested("1")

    _sync_interrupted(world, lambda: world.edit("1", {"lifecyclestage": "opportunity"}))

    assert world.properties("1")["lifecyclestage"] == "opportunity"


def test_a_first_name_that_vanished_takes_the_hand_off_back(build: Build) -> None:
    """The minimum information is no longer there at the moment of writing: no stage, no task."""
    world = build()
    world.person("1")
    world.interested("1")

    report = _sync_interrupted(world, lambda: world.edit("1", {"firstname": ""}))

    assert world.handed_over() == []
    assert world.properties("1")["lifecyclestage"] == "lead"
    assert report.tasks_created == 0


def test_somebody_deleted_meanwhile_is_gone_and_never_written(build: Build) -> None:
    """Tombstones are not written."""
    world = build()
    world.person("1")
    world.person("2")
    world.interested("1")

    report = _sync_interrupted(world, lambda: world.delete("1"))

    assert report.counts["gone"] == 1
    assert report.counts["written"] == 1
    assert world.handed_over() == []


def test_a_new_cause_waits_for_the_next_run_and_its_guard(build: Build) -> None:
    """What the guard has not seen is not written in this run; the next one does it."""
    world = build()
    world.person("1")
    world.person("2")
    world.interested("1")

    report = _sync_interrupted(world, lambda: world.win_deal("50", "1"))
    later = world.sync(world.ledger())

    assert report.counts["looked_at"] == 2
    assert later.status == "done"
    assert world.properties("1")["lifecyclestage"] == "customer"
