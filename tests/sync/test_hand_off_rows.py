"""The log of hand-offs under crashes: a row is written with the decision it tells of, once, or not at all (G2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.ledger import Ledger
from connector.ledger.database import unpack
from connector.ledger.tables import handoffs, transitions
from connector.sync import Order, run
from tests.sync.crashing import Crash, Fuse, fragile, ledger_that_dies, points
from tests.sync.world import World


def _house(folder: Path) -> World:
    """Two handed over by score, somebody by the fast track, and a customer with a second track."""
    folder.mkdir()
    world = World(folder)
    for id in ("1", "2", "3", "4"):
        world.person(id)
    for id in ("1", "4"):
        world.interested(id)
    world.asked_for_demo("2")
    world.deal("30", "3", "closedwon")
    return world


def _next_day(world: World) -> None:
    """Sales answers one of them, the customer asks for more, and two records are merged."""
    world.clock.pass_by(days=1)
    world.edit("2", {"cx_sales_answer": "rejected", "cx_rejection_reason": "not_icp"})
    world.asked_for_demo("3")
    world.edit("3", {"city": "Warsaw"})
    world.crm.merge("contact", "1", "4")


def _log(ledger: Ledger) -> tuple[list[object], list[object]]:
    """What was learned of every hand-off, and every move, whichever run and minute it was."""
    learned = sorted(
        (row.person_id, row.track_id, row.cycle, _untimed(unpack(row.body)))
        for row in ledger.database.rows(handoffs.select())
    )
    moved = sorted(
        (row.person_id, row.track_id, row.what, row.before or "", row.after or "", row.lead_type)
        for row in ledger.database.rows(transitions.select())
    )
    return list(learned), list(moved)


def _untimed(body: dict[str, object]) -> str:
    return str(sorted((name, "" if name.endswith("_at") else value) for name, value in body.items()))


def _run(world: World, ledger: Ledger, fuse: Fuse | None = None) -> None:
    crm = fragile(world, fuse) if fuse else None
    run(world.session(ledger_that_dies(ledger, fuse) if fuse else ledger, crm), Order("sync", world.clock()))


def _undisturbed(folder: Path) -> tuple[list[object], list[object]]:
    world = _house(folder)
    ledger = world.ledger()
    _run(world, ledger)
    _next_day(world)
    _run(world, ledger)
    return _log(ledger)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_g2_a_crash_loses_no_row_of_the_log_and_writes_none_twice(tmp_path: Path, moment: str) -> None:
    """Whatever call or commit dies on the second day, the log says afterwards what it says in a quiet life."""
    expected = _undisturbed(tmp_path / "quiet")
    for number in points(moment):
        world = _house(tmp_path / str(number))
        before = world.ledger()
        _run(world, before)
        before.database.close()
        _next_day(world)
        survived = True
        try:
            _run(world, world.ledger(), Fuse(number, moment))
        except Crash:
            survived = False
        del world.crm._create_task
        world.clock.pass_by(minutes=10)
        healed = world.ledger()
        _run(world, healed)
        assert _log(healed) == expected, number
        if survived:
            assert number > 15  # it died at several places before it lived
            return
