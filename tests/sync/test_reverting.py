"""`revert RUN`: what still holds our value is put back, and stays put back (G8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.sync import Order, Report, run
from connector.sync.undoing import Survey
from tests.sync.conftest import Build
from tests.sync.world import AS_OF, World


def undo(world: World, ledger: Any, number: int, **more: Any) -> tuple[Report, Survey]:
    """`connector revert NUMBER`, with a yes."""
    told: list[Survey] = []

    def agree(survey: Survey) -> bool:
        told.append(survey)
        return True

    session = world.session(ledger)
    try:
        report = run(session, Order("revert", world.clock(), undoes=number, agree=agree, **more))
    finally:
        session.crm.close()
    return report, told[0]


def handed_over(world: World) -> tuple[Any, Report]:
    """Two people: one is handed over, the other only scored."""
    ledger = world.ledger()
    world.person("1")
    world.person("2")
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    world.asked_for_demo("1")
    report = world.sync(ledger)
    assert world.handed_over() == ["1"]
    world.clock.pass_by(minutes=10)
    return ledger, report


def own(world: World, id: str) -> dict[str, str]:
    """Our own properties of somebody."""
    return {name: value for name, value in world.properties(id).items() if name.startswith("cx_")}


def test_g8_a_run_is_undone_and_stays_undone(build: Build) -> None:
    """Every value of ours is what it was before; the next runs write nothing; the task is told and stays."""
    world = build()
    ledger = world.ledger()
    world.person("1")
    world.person("2")
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    before = own(world, "1")
    world.asked_for_demo("1")
    done = world.sync(ledger)
    world.clock.pass_by(minutes=10)

    report, survey = undo(world, ledger, done.run)
    after = own(world, "1")
    writes = world.writes

    assert (report.status, report.counts["written"], survey.undoes) == ("done", 1, 1)
    assert {name: after.get(name) for name in before} == before
    assert set(after) - set(before) == {"cx_cycle"}  # counts on, for the task is there
    assert [contact for _, contact in survey.tasks] == ["1"]
    for _ in range(3):
        world.clock.pass_by(hours=30)
        assert world.sync(ledger).counts["written"] == 0
    assert (world.writes, world.handed_over()) == (writes, ["1"])
