"""Runs that end early: a spent quota, a CRM that goes away, a killed process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from connector.crm import Outcome, Update
from connector.errors import Transient
from connector.sync import Order, Report, run
from tests.sync.conftest import Build
from tests.sync.world import World


class Answering:
    """The CRM as it is, save for writes, which all end in one way."""

    def __init__(self, world: World, state: Any, code: str) -> None:
        self._crm, self._state, self._code = world.adapter(), state, code

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crm, name)

    def write(self, kind: str, updates: Sequence[Update]) -> list[Outcome]:
        """Nothing goes out."""
        return [Outcome(update.id, self._state, code=self._code) for update in updates]


def _sync(world: World, crm: Any) -> Report:
    session = world.session(world.ledger(), crm)
    try:
        return run(session, Order("sync", world.clock()))
    finally:
        session.crm.close()


def test_a_spent_quota_ends_as_deferred_and_the_next_run_goes_on(build: Build) -> None:
    """Nobody is lost, and everybody looked at is accounted for."""
    world = build()
    world.usual_people()

    report = _sync(world, Answering(world, "deferred", "quota"))

    counts = report.counts
    ends = ("written", "unchanged", "held", "parked", "rejected", "gone", "unknown")
    assert report.status == "deferred"
    assert counts["looked_at"] == sum(counts[name] for name in ends)
    world.clock.pass_by(minutes=10)
    assert world.sync(world.ledger()).status == "done"
    assert world.handed_over() == ["1", "2"]


def test_a_crm_that_goes_away_fails_the_run_and_loses_nothing(build: Build) -> None:
    """It is not called a spent quota, and the next run decides anew."""
    world = build()
    world.usual_people()

    with pytest.raises(Transient, match="did not arrive"):
        _sync(world, Answering(world, "deferred", "connection"))

    assert world.ledger().runs.recent(1)[0].status == "failed"
    world.clock.pass_by(minutes=10)
    assert world.sync(world.ledger()).status == "done"
    assert world.handed_over() == ["1", "2"]


def test_an_unknown_outcome_leaves_track_and_facts_as_they_were(build: Build) -> None:
    """G6: neither done nor lost; the next run reads, and writes what is not there."""
    world = build()
    world.person("1")
    world.interested("1")

    report = _sync(world, Answering(world, "unknown", "dropped"))

    assert (report.status, report.counts["unknown"], world.handed_over()) == ("partial", 1, [])
    world.clock.pass_by(minutes=10)
    assert world.sync(world.ledger()).counts["written"] == 1
    assert world.handed_over() == ["1"]


def test_a_run_that_was_killed_is_called_interrupted(build: Build) -> None:
    """It does not stay "running" in the list for ever."""
    world = build()
    world.person("1")
    ledger = world.ledger()
    ledger.runs.start("sync", "live", world.clock(), world.clock(), "x")

    world.sync(ledger)

    assert [one.status for one in ledger.runs.recent()] == ["done", "interrupted"]
