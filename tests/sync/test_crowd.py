"""A crowd in Dynamics, contacts and leads, in pages as large as in earnest: read once, written once, left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.sandbox.dataverse import DataverseSandbox, Environment
from connector.sandbox.dataverse.people import populated
from connector.sync import Order, run
from tests.sync.crashing import EVERYTHING
from tests.sync.dynamics_world import DynamicsWorld
from tests.sync.test_writing_dynamics import CLOSING, set_up
from tests.sync.world import AS_OF

#: `make bench-full` does it with a million, in both CRMs.
PEOPLE = 10_000 if EVERYTHING else 250


def _environment() -> Environment:
    made = populated(PEOPLE, activities=False, now=AS_OF)
    set_up(made)
    made.clock.set(AS_OF)
    return made


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DynamicsWorld]:
    with DataverseSandbox(_environment) as sandbox:
        yield DynamicsWorld(tmp_path, page=1000, sandbox=sandbox)


def test_g1_a_crowd_that_is_as_it_should_be_is_read_and_not_written(world: DynamicsWorld) -> None:
    """Everybody is looked at twice, and the second time nothing differs of anybody: not one row is written."""
    ledger = world.ledger()
    first = run(world.session(ledger), Order("backfill", AS_OF, everything=True, tasks=False, release=True))
    writes = world.writes

    second = run(world.session(ledger), Order("backfill", AS_OF, everything=True, tasks=False, release=True))

    there = len(ledger.mirror.contacts("", PEOPLE))
    assert PEOPLE - 10 < first.counts["looked_at"] == there  # some leads are closed, and nobody's
    assert first.counts["written"] > PEOPLE / 2
    assert (second.counts["looked_at"], second.counts["written"], world.writes) == (there, 0, writes)
    assert not CLOSING & set(world.running.service.counted)
