"""Storms in which nothing happened: many records are touched, and no fact that a rule asks about is new."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from connector.decide import Decider
from connector.sync import Order, run
from tests.sync.world import World

TOUCHED = 10_000
#: Records in one read of the loop, and on one page of a search.
AT_ONCE, PAGE = 1000, 1000


def test_lesson_35_trap_08_a_touched_pipeline_costs_no_scoring_and_no_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Editing a pipeline moves the modified date of every deal: they are read, compared, and that is all."""
    world = World(tmp_path, page=PAGE)
    world.person("1")
    for number in range(TOUCHED):
        world.add("deal", f"d{number:06}", {"pipeline": "default", "dealstage": "appointmentscheduled"})
    world.link("deal", "d000000", "contact", "1")
    ledger = world.ledger()
    run(world.session(ledger), Order("backfill", world.clock(), everything=True))
    world.clock.pass_by(hours=1)
    for number in range(TOUCHED):
        world.crm.edit("deal", f"d{number:06}", {})
    decided: list[object] = []
    monkeypatch.setattr(Decider, "decide", lambda *arguments, **named: decided.append(arguments))
    calls, writes = dict(world.crm.calls.by_class), world.writes

    report = run(world.session(ledger), Order("sync", world.clock()))

    made = {name: count - calls.get(name, 0) for name, count in world.crm.calls.by_class.items()}
    assert (report.status, report.counts["looked_at"], decided, world.writes - writes) == ("done", 0, [], 0)
    assert made["batch_read"] <= TOUCHED // AT_ONCE + 10
    assert made["associations"] <= TOUCHED // AT_ONCE + 10
    assert made["search"] <= TOUCHED // PAGE + 20


def test_a_run_in_which_nothing_happened_asks_the_ledger_little_and_locks_it_rarely(tmp_path: Path) -> None:
    """However many people there are: some hundred statements, a dozen transactions, one compiled agreement."""
    world, costs = World(tmp_path), list[tuple[int, int]]()
    ledger, said = world.ledger(), list[str]()
    sa.event.listen(ledger.database._engine, "before_cursor_execute", lambda _, __, sql, *___: said.append(sql))
    for number in range(1, 61):
        world.person(str(number))
        if number in (3, 60):
            for _ in range(2):
                world.clock.pass_by(minutes=10)
                said.clear()
                world.sync(ledger)
            costs.append((len(said), sum(sql.startswith("BEGIN") for sql in said)))

    assert costs[0] == costs[1]
    assert costs[0][0] <= 120
    assert costs[0][1] <= 16
    assert world.session(ledger).decider is world.session(ledger).decider
    changed = replace(world.agreement, apply_to="everyone")
    assert replace(world.session(ledger), agreement=changed).decider is not world.session(ledger).decider
