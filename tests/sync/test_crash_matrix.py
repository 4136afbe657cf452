"""
The crash matrix in one process (G2, lessons 11 and 16): every state a dying run may leave behind is healed.

`docs/crash-matrix.md` is the table of the real kills; tests/sync/test_kills.py makes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.sandbox import Sandbox
from connector.sync import Order
from tests.sync.crashing import EVERY, Crash, Fuse, fragile, ledger_that_dies
from tests.sync.deaths import Life, State, compiled_once, log_of
from tests.sync.lives import SCENARIOS, Scenario
from tests.sync.sandbox_world import SandboxWorld
from tests.sync.world import World

#: Long enough for a lease to end, and for a task that may be under way to have settled.
LATER = 10


@pytest.fixture(autouse=True)
def _compiled_once() -> Iterator[None]:
    with compiled_once():
        yield


def _life(scenario: Scenario, folder: Path, hubspot: Sandbox | None = None) -> Life:
    folder.mkdir(exist_ok=True)
    world = World(folder) if hubspot is None else SandboxWorld(folder, sandbox=hubspot)
    scenario.settings(world)
    life = Life(world, world.ledger())
    scenario.happens(life)
    return life


def _heal(life: Life, state: State, scenario: Scenario) -> None:
    """The next run, or the same command again; the clock it decides by is the one of the run that died."""
    order = scenario.order(life)
    life.world.clock.pass_by(minutes=LATER)
    life.run(Order("sync", state.at) if scenario.heals else order)
    life.run(Order("sync", state.at))  # what a reviewed plan leaves out is the next run's


def _laws(life: Life, state: State, expected: tuple[object, object]) -> None:
    """The end of an undisturbed life; nobody blank, nothing open, nothing intended; and then silence."""
    assert life.world.state() == expected[0], state.tells
    assert log_of(life.ledger) == expected[1], state.tells
    assert life.ledger.work.open_clears() == [], state.tells
    assert {one.state for id in life.world.contacts() for one in life.ledger.work.tasks_of(id)} <= {"created"}
    writes = life.world.writes
    report = life.run(Order("sync", state.at))
    assert (life.world.writes, report.counts["written"]) == (writes, 0), f"the run after healing wrote: {state.tells}"


def _dies_and_heals(scenario: Scenario, life: Life) -> None:
    states = life.deaths(scenario.order(life))
    _heal(life, states[-1], scenario)
    expected = life.world.state(), log_of(life.ledger)
    assert len(states) >= scenario.states
    assert len({state.crm for state in states}) > 1

    for state in states:
        life.back_to(state)
        _heal(life, state, scenario)
        _laws(life, state, expected)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name.replace(" ", "_"))
def test_g2_lesson_11_a_run_killed_at_any_moment_is_healed_by_the_next(tmp_path: Path, scenario: Scenario) -> None:
    """Whatever it was doing: the end is the undisturbed one, to the last row of the log, and then nothing is written."""
    _dies_and_heals(scenario, _life(scenario, tmp_path / "life"))
