"""Pause and guard under crashes (G8): nothing trickles, nothing is lost, and a kill buys nobody a new budget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector.ledger import Ledger
from connector.plan import Limits
from connector.sync import Order, run
from connector.sync.guarding import DAY
from tests.sync.crashing import Crash, Fragile, Fuse, fragile, ledger_that_dies
from tests.sync.test_guarding import asking, flood
from tests.sync.test_reverting import copy_of
from tests.sync.world import World

#: The one demo request fits, the flood does not.
ONE = Limits(changes_per_run=2, changes_per_day=10, max_share=1.0)


def calls_and_commits(world: World, **settings: Any) -> int:
    """How many there are in one run."""
    counting = Fuse(1_000_000, "before")
    die(world, counting, **settings)
    return counting.met


def die(world: World, fuse: Fuse, **settings: Any) -> bool:
    """One run that may die; whether it did."""
    dying, whole = ledger_that_dies(world.ledger(), fuse), world.crm._create_task
    try:
        run(world.session(dying, crm=fragile(world, fuse), **settings), Order("sync", world.clock()))
    except Crash:
        return True
    finally:
        dying.database.close()
        world.crm._create_task = whole  # type: ignore[method-assign]  # as `fragile` found it
    return False


def test_g8_lesson_37_a_parked_flood_stays_parked_whatever_dies(tmp_path: Path) -> None:
    """Killed around the commits that set four people aside: they wait after the next run, all of them, and the one
    below the cap is handed over once."""
    origin = World(tmp_path)
    ids = flood(origin, 4)
    asking(origin, "1")
    origin.ledger().database.close()
    calls = calls_and_commits(copy_of(origin, tmp_path, "counting"), limits=ONE)
    for at in range(calls - 20, calls, 7):
        world = copy_of(origin, tmp_path, f"{at}")
        assert die(world, Fuse(at, "before"), limits=ONE)
        ledger = world.ledger()
        for _ in range(2):
            world.clock.pass_by(minutes=10)
            world.sync(ledger, limits=ONE)
        waiting = {one.person_id for one in ledger.aside.every()}
        ledger.database.close()

        assert (waiting, world.handed_over()) == (set(ids), ["1"]), at


def test_g8_what_was_written_and_never_recorded_counts_in_the_budget(tmp_path: Path) -> None:
    """Two of six deals are written when the program dies: four places are left of the day, and none for a seventh."""
    world = World(tmp_path)
    six = [str(number) for number in range(10, 16)]
    for id in six:
        world.person(id)
        world.deal(f"9{id}", id, "appointmentscheduled")
    limits = Limits(changes_per_run=100, changes_per_day=6, max_share=1.0)
    ledger = world.ledger()
    session = world.session(ledger, limits=limits, write_chunk=2)
    session.crm = Fragile(world.crm, Fuse(0, "after"), frozenset({"write"}))
    with pytest.raises(Crash):
        run(session, Order("sync", world.clock()))
    written = [id for id in six if world.properties(id)["lifecyclestage"] == "opportunity"]
    ledger.database.close()
    assert len(written) == 2

    ledger = world.ledger()
    world.clock.pass_by(minutes=10)
    healed = world.sync(ledger, limits=limits)
    world.person("16")
    world.deal("916", "16", "appointmentscheduled")
    world.clock.pass_by(minutes=10)
    seventh = world.sync(ledger, limits=limits)

    assert (healed.counts["written"], healed.counts["parked"]) == (4, 0)
    assert (seventh.counts["parked"], world.properties("16")["lifecyclestage"]) == (1, "lead")
    assert "(6 in the last 24 hours)" in seventh.parked[0]["why"]
    world.clock.pass_by(hours=25)
    world.sync(ledger, limits=limits)
    assert world.properties("16")["lifecyclestage"] == "opportunity"


def test_g8_a_pause_by_another_process_counts_from_the_next_batch_and_outlives_a_kill(tmp_path: Path) -> None:
    """Typed elsewhere while a run writes; the run is killed, the pause stands, and after it everything goes on once."""
    world = World(tmp_path)
    ids = [str(number) for number in range(20, 26)]
    asking(world, *ids)
    ledger = world.ledger()
    session = world.session(ledger, write_chunk=2)

    def elsewhere(phase: str, done: int, total: int | None) -> None:
        del total
        if (phase, done) == ("written", 2):
            other: Ledger = world.ledger()
            other.runs.pause(world.clock(), None, "look at this first")
            other.database.close()

    session.progress = elsewhere
    stopped = run(session, Order("sync", world.clock()))
    assert (stopped.status, len(world.handed_over())) == ("deferred", 2)

    world.clock.pass_by(minutes=10)
    for at in (3, 9):
        die(world, Fuse(at, "after"))
    writes = world.writes
    world.clock.pass_by(minutes=10)
    assert world.sync(ledger).status == "deferred"
    assert world.writes == writes

    ledger.runs.resume()
    die(world, Fuse(12, "after"))
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    assert world.handed_over() == ids


@pytest.mark.parametrize("between", ["forget", "sync"])
def test_g8_what_a_dead_run_had_under_way_counts_whichever_run_comes_next(tmp_path: Path, between: str) -> None:
    """Somebody is forgotten, or a run is refused for want of a signature, before the next one looks at what arrived."""
    world = World(tmp_path)
    world.person("10")
    world.deal("910", "10", "appointmentscheduled")
    session = world.session(world.ledger())
    session.crm = Fragile(world.crm, Fuse(0, "after"), frozenset({"write"}))
    with pytest.raises(Crash):
        run(session, Order("sync", world.clock()))
    session.ledger.database.close()

    ledger = world.ledger()
    ledger.begin_run(between, "live", world.clock(), world.clock(), "")

    assert ledger.work.counted_since(world.clock() - DAY) == 1
