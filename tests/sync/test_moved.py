"""Whoever is changed by others between our reading and our writing is read and decided again, never overwritten."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from connector.crm import Outcome, Update
from connector.sync import Order, Report, run
from tests.sync.conftest import Build
from tests.sync.world import World


class Meddling:
    """The CRM as it is, except that others do something right before a write goes out, so many times."""

    def __init__(self, world: World, what: Callable[[], None], times: int = 1) -> None:
        self._crm, self._what, self._left = world.adapter(), what, times
        self.told: list[Outcome] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crm, name)

    def write(self, kind: str, updates: Sequence[Update]) -> list[Outcome]:
        if self._left:
            self._left -= 1
            self._what()
        self.told += (outcomes := self._crm.write(kind, updates))
        return outcomes


@pytest.fixture
def world(memory: Build) -> World:
    """Somebody hot, in a CRM that takes a write only of what is as it was read."""
    world = memory()
    world.person("1")
    world.asked_for_demo("1")
    return world


def sync(world: World, crm: Any, **order: Any) -> Report:
    return run(world.session(world.ledger(), crm), Order("sync", world.clock(), **order))


def test_what_moved_without_a_word_about_the_decision_is_written_in_the_same_run(world: World) -> None:
    """Somebody touched the record and changed nothing that counts: read again, sent again, done."""
    crm = Meddling(world, lambda: world.crm.edit("contact", "1", {"unmapped": "x"}))

    report = sync(world, crm)

    assert [one.state for one in crm.told] == ["moved", "written"]
    assert (report.status, report.counts["written"], world.handed_over()) == ("done", 1, ["1"])


def test_g5_an_edit_between_reading_and_writing_is_decided_on_and_not_overwritten(world: World) -> None:
    """A person makes them a customer in the last moment: that stands, and nobody is handed over."""
    crm = Meddling(world, lambda: world.crm.edit("contact", "1", {"lifecyclestage": "customer"}))

    sync(world, crm)

    assert crm.told[0].state == "moved"
    assert world.crm.properties("contact", "1")["lifecyclestage"] == "customer"
    assert world.handed_over() == []


def test_who_is_deleted_in_the_last_moment_is_gone(world: World) -> None:
    """Nothing is written and nothing is left to try."""

    def merged() -> None:
        world.crm.edit("contact", "1", {"unmapped": "x"})

    crm = Meddling(world, merged)
    read = world.crm.read
    crm.read = lambda kind, ids, names: () if crm.told else read(kind, ids, names)

    report = sync(world, crm)

    assert [one.state for one in crm.told] == ["moved"]
    assert (report.counts["gone"], world.handed_over()) == (1, [])


def test_who_keeps_moving_is_set_aside_after_three_tries_and_tried_again_later(world: World) -> None:
    """Bounded, with a code of its own; a quiet hour later the same decision is written."""
    ledger = world.ledger()
    crm = Meddling(world, lambda: world.crm.edit("contact", "1", {"unmapped": str(len(crm.told))}), times=99)

    report = run(world.session(ledger, crm), Order("sync", world.clock()))

    assert [one.state for one in crm.told] == ["moved"] * 3
    assert report.counts["rejected"] == 1
    assert ledger.rejects.of("contact", ["1"])["1"].code == "keeps_moving"
    assert world.handed_over() == []
    world.clock.pass_by(hours=2)
    assert run(world.session(ledger), Order("sync", world.clock())).status == "done"
    assert world.handed_over() == ["1"]
    assert ledger.rejects.of("contact", ["1"]) == {}


def test_others_of_the_batch_are_written_and_remembered_whoever_moves(world: World) -> None:
    """One of two moves: the other is recorded at once, and each is written once."""
    world.person("2")
    world.asked_for_demo("2")
    crm = Meddling(world, lambda: world.crm.edit("contact", "1", {"unmapped": "x"}))

    report = sync(world, crm)

    assert sorted((one.id, one.state) for one in crm.told) == [("1", "moved"), ("1", "written"), ("2", "written")]
    assert (report.counts["written"], world.handed_over()) == (2, ["1", "2"])
