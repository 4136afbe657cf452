"""A disk that is full, a state that may not be written, a database that is gone: told, nothing half done, healed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connector.errors import LedgerError
from connector.sync import Order, run
from tests.sync.world import World


def _limited(world: World, pages: int) -> Any:
    """A ledger whose file may grow by so many pages and no more, as on a disk that is nearly full."""
    ledger = world.ledger()

    def limit(connection: Any, _record: Any) -> None:
        size = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={size + pages}")

    sa.event.listen(ledger.database._engine, "connect", limit)
    ledger.database._engine.dispose()
    return ledger


@pytest.mark.parametrize("pages", [0, 1, 2, 4, 8])
def test_g2_a_full_disk_is_told_and_the_next_run_heals(tmp_path: Path, pages: int) -> None:
    """Wherever the space ends: one sentence that says what to do, and with space again the end is the usual one."""
    calm = World(tmp_path / "calm")
    calm.folder.mkdir()
    calm.usual_people()
    calm.sync(calm.ledger())
    world = World(tmp_path / "full")
    world.folder.mkdir()
    world.usual_people()
    ledger = _limited(world, pages)

    with pytest.raises(LedgerError, match=r"Check free disk space.*nothing is lost"):
        run(world.session(ledger), Order("sync", world.clock()))
    ledger.database.close()
    begun = world.clock()
    world.clock.pass_by(minutes=10)
    world.sync(world.ledger(), as_of=begun)

    assert world.state() == calm.state()
    writes = world.writes
    world.sync(world.ledger(), as_of=begun)
    assert world.writes == writes


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_state_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    """Nothing is asked of the CRM before it is clear that the end can be remembered."""
    world = World(tmp_path)
    world.person("1")
    world.ledger().database.close()
    (tmp_path / "state.db").chmod(0o400)
    with pytest.raises(LedgerError, match="rights"):
        run(world.session(world.ledger()), Order("sync", world.clock()))
    assert world.writes == 0


def test_g2_a_database_that_fails_in_the_middle_is_told_and_the_next_run_heals(tmp_path: Path) -> None:
    """The connection to the state breaks between a write and its record: the task is there once in the end."""
    world = World(tmp_path)
    world.usual_people()
    ledger = world.ledger()
    crm = world.crm
    create = crm._create_task

    def last(task: Any) -> Any:
        done = create(task)
        sa.event.listen(ledger.database._engine, "before_cursor_execute", _broken)
        return done

    crm._create_task = last  # type: ignore[method-assign]  # the moment at which it breaks
    with pytest.raises(LedgerError, match="cannot be used"):
        run(world.session(ledger), Order("sync", world.clock()))
    del crm._create_task
    sa.event.remove(ledger.database._engine, "before_cursor_execute", _broken)
    world.clock.pass_by(minutes=10)
    world.sync(world.ledger())

    assert world.handed_over() == ["1", "2"]


def _broken(*_: Any) -> None:
    raise sa.exc.OperationalError("", None, Exception("the connection is closed"))
