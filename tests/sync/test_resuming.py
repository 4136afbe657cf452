"""A run over everybody that dies goes on where it stopped, in whichever phase that was."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from connector.crm import Outcome, Update
from connector.fields import FieldMap
from connector.ledger.work import CUT_OFF
from connector.scope import compile_scope
from connector.sync import Order, Report, run
from tests.sync.crashing import Crash
from tests.sync.world import World

#: Pages of one person each, stored one by one, so that a death has little under way.
PEOPLE = 600
FINE = {"records": 1, "records_ahead": 0, "write_chunk": 2}


class Doomed:
    """Counts the calls of a memory CRM, and dies at one of them."""

    def __init__(self, world: World) -> None:
        self.calls, self.dies_at = 0, -1
        self._called = world.crm._called
        world.crm._called = self.call  # type: ignore[method-assign]  # where each call passes

    def call(self, endpoint: str) -> None:
        """One call; the last one of this life, perhaps."""
        self.calls += 1
        if self.calls == self.dies_at:
            raise Crash
        self._called(endpoint)


def a_world(folder: Path, people: int) -> World:
    folder.mkdir(exist_ok=True)
    world = World(folder, page=1)
    for number in range(people):
        world.add("contact", f"{number:05}", {"email": "p@northmill.example", "lifecyclestage": "lead"})
    return world


def backfill(world: World) -> Report:
    session = world.session(world.ledger(), **FINE)
    return run(session, Order("backfill", world.clock(), everything=True, release=True, tasks=False))


def killed(world: World, doomed: Doomed, lives: list[int]) -> Report:
    """One life after the other, each so many calls long, and one that ends well."""
    for life in lives:
        doomed.dies_at = doomed.calls + life
        try:
            return backfill(world)
        except Crash:
            pass
    doomed.dies_at = -1
    return backfill(world)


def calls_of(folder: Path, people: int) -> int:
    """What an undisturbed run costs."""
    world = a_world(folder, people)
    calm = Doomed(world)
    backfill(world)
    return calm.calls


def test_lesson_42_twenty_deaths_cost_five_percent(tmp_path: Path) -> None:
    """Dead at random moments of reading and writing, never more than what was under way is done again."""
    few, more = calls_of(tmp_path / "few", 10), calls_of(tmp_path / "more", 20)
    undisturbed = few + (more - few) * (PEOPLE - 10) // 10
    world = a_world(tmp_path / "world", PEOPLE)
    doomed = Doomed(world)
    dice = random.Random(42)
    lives = [dice.randint(1, 2 * undisturbed // 21) for _ in range(20)]

    report = killed(world, doomed, lives)

    assert (report.status, world.writes) == ("done", PEOPLE)
    assert 0.6 * undisturbed < sum(lives) < undisturbed, "all twenty deaths happened"
    assert doomed.calls <= 1.05 * undisturbed


def test_lesson_42_a_death_repeats_what_was_under_way_and_no_more(tmp_path: Path) -> None:
    """Early or late, in reading or in writing: it does not matter how far the run was."""
    undisturbed = calls_of(tmp_path / "calm", 20)

    for share in (0.2, 0.6, 0.9):
        world = a_world(tmp_path / f"{share}", 20)
        doomed = Doomed(world)
        killed(world, doomed, [int(share * undisturbed)])

        assert doomed.calls - undisturbed <= 8
        assert world.writes == 20


def test_g4_what_an_earlier_life_planned_is_not_written_over_what_happened_since(tmp_path: Path) -> None:
    """Planned, and dead before it was sent; a run for those who are due decided anew meanwhile, and a person edited."""
    world = a_world(tmp_path, 3)
    with dying_at_write(world, 1), pytest.raises(Crash):
        backfill(world)
    ledger = world.ledger()
    run(world.session(ledger), Order("sync", world.clock(), release=True, due_only=True))
    world.edit("00001", {"cx_stage": "a word of theirs"})
    writes = world.writes

    report = backfill(world)

    assert (report.counts["written"], world.writes) == (0, writes)
    assert world.properties("00001")["cx_stage"] == "a word of theirs"


def test_a_reading_that_stopped_long_ago_begins_anew(tmp_path: Path) -> None:
    """Nobody is decided on by what stood there weeks ago, nor by the date it was then."""
    world = a_world(tmp_path, 5)
    doomed = Doomed(world)
    doomed.dies_at = 14
    with pytest.raises(Crash):
        backfill(world)
    assert world.ledger().cursors.latest("scan:") is not None
    world.clock.pass_by(days=8)

    report = backfill(world)

    assert (report.as_of, report.counts["read"]) == (world.clock(), 5)


def test_g1_a_run_that_is_taken_up_days_later_decides_by_what_is_known_then(tmp_path: Path) -> None:
    """It died before anybody was interested; runs since have seen that. For the one that goes on it is no future: it
    finds everything as it should be."""
    world = World(tmp_path, page=1)
    for id in ("1", "2"):
        world.person(id)
    world.sync(world.ledger())
    doomed = Doomed(world)
    doomed.dies_at = 8
    with pytest.raises(Crash):
        backfill(world)
    world.clock.pass_by(days=3)
    world.interested("1")
    world.clock.pass_by(minutes=10)
    ledger = world.ledger()
    assert ledger.runs.unfinished_backfill() is not None
    for _ in range(2):
        world.sync(ledger)
    writes = world.writes

    report = backfill(world)

    assert (report.run, report.as_of) == (2, world.clock())
    assert (report.counts["written"], world.writes, report.warnings) == (0, writes, [])


def test_a_run_that_ended_is_not_taken_up(tmp_path: Path) -> None:
    """The next one reads everybody again: that is what it was asked for."""
    world = a_world(tmp_path, 5)
    backfill(world)
    before = world.crm.calls.by_class["list"]

    second = backfill(world)

    assert (second.run, second.counts["read"]) == (2, 5)
    assert world.crm.calls.by_class["list"] - before >= 5


def test_a_reading_of_yesterday_is_done_again(tmp_path: Path) -> None:
    """Dead while writing, and started again after two days: nobody is decided on from what stood there then."""
    world = a_world(tmp_path, 5)
    doomed = Doomed(world)
    world.crm.write = _dying  # type: ignore[method-assign]  # dies at its first write
    with pytest.raises(Crash):
        backfill(world)
    del world.crm.write
    world.clock.pass_by(days=2)
    before = doomed.calls

    report = backfill(world)

    assert (report.run, report.counts["read"]) == (2, 5)
    assert doomed.calls > before


def test_a_run_that_read_other_properties_is_not_taken_up(tmp_path: Path) -> None:
    """A rule added meanwhile asks for a field that half of the people would lack."""
    world = a_world(tmp_path, 5)
    world.crm.write = _dying  # type: ignore[method-assign]  # dies at its first write
    with pytest.raises(Crash):
        backfill(world)
    del world.crm.write
    used = {**world.agreement.fields_used, "contact": world.agreement.fields_used["contact"][:-3]}
    world.agreement = replace(world.agreement, fields_used=used)
    assert FieldMap(world.agreement.wiring, used, {}).properties("contact")

    assert backfill(world).run == 2


def test_what_a_sync_has_finished_is_not_taken_up(tmp_path: Path) -> None:
    """Dead while writing, and a sync came by: it wrote the rest, so the next backfill begins at the beginning."""
    world = a_world(tmp_path, 5)
    world.crm.write = _dying  # type: ignore[method-assign]  # dies at its first write
    with pytest.raises(Crash):
        backfill(world)
    del world.crm.write
    run(world.session(world.ledger(), **FINE), Order("sync", world.clock(), release=True, tasks=False))

    report = backfill(world)

    assert (report.run, report.counts["read"], world.writes) == (3, 5, 5)


@pytest.fixture
def half_written(tmp_path: Path) -> World:
    """Five people, of whom two were written when the program died; ten minutes ago."""
    world = a_world(tmp_path, 5)
    with dying_at_write(world, 2), pytest.raises(Crash):
        backfill(world)
    world.clock.pass_by(minutes=10)
    return world


def test_a_run_that_goes_on_adds_up(half_written: World) -> None:
    """Its report is of this life: whom it looked at, and what became of them."""
    report = backfill(half_written)

    assert (report.run, report.status) == (1, "done")
    assert (report.counts["looked_at"], report.counts["written"]) == (3, 3)


@pytest.mark.parametrize("minutes", [0, 1, 60])
def test_g6_a_run_that_goes_on_adds_up_where_the_clock_was_set_back(tmp_path: Path, minutes: int) -> None:
    """What its earlier life noted, at this very instant or one that is still to come, is of before."""
    world = a_world(tmp_path, 6)
    with dying_at_write(world, 3), pytest.raises(Crash):
        backfill(world)
    written = world.writes
    world.clock.pass_by(minutes=-minutes)

    report = backfill(world)

    assert (report.run, report.status, written, world.writes) == (1, "done", 4, 6)
    assert (report.counts["looked_at"], report.counts["written"]) == (2, 2)


def test_a_run_that_goes_on_writes_no_plan_of_its_earlier_life(half_written: World) -> None:
    """Somebody stopped it, and left two people alone of whom changes were planned: these are not written."""
    world = half_written
    session = world.session(world.ledger(), **FINE)
    session.scope = compile_scope({}, {"record_id": ("00003", "00004")}, lambda name: frozenset())

    report = run(session, Order("backfill", world.clock(), everything=True, release=True, tasks=False))

    assert (report.run, report.counts["written"], world.writes) == (1, 1, 3)


def test_g4_what_was_decided_meanwhile_stands_when_a_run_goes_on(half_written: World) -> None:
    """A run of those who are due came by and wrote everybody: the plans of before are void."""
    world = half_written
    run(world.session(world.ledger(), **FINE), Order("sync", world.clock(), due_only=True, release=True, tasks=False))

    report = backfill(world)

    assert (report.run, report.counts["looked_at"], world.writes) == (1, 0, 5)


def test_what_was_being_written_counts_in_the_budget_until_it_is_known(half_written: World) -> None:
    """The two whose write had begun may stand in the CRM: who asks before they are looked at counts them."""
    work = half_written.ledger().work
    work.plan_anew(1, half_written.clock())

    assert {one.person_id: (one.state, one.code) for one in work.every(1)} == {
        "00000": ("written", ""),
        "00001": ("written", ""),
        "00002": ("unknown", CUT_OFF),
        "00003": ("unknown", CUT_OFF),
    }


def test_a_dry_run_does_not_go_on_with_what_was_to_be_written(half_written: World) -> None:
    """It reads for itself; what was begun is left to who writes."""
    session = half_written.session(half_written.ledger(), **FINE)

    shown = run(session, Order("plan", half_written.clock(), everything=True, write=False))

    assert shown.run == 2


@contextmanager
def dying_at_write(world: World, number: int) -> Iterator[None]:
    """The program dies when it writes for the n-th time."""
    write, calls = world.crm.write, itertools.count(1)

    def dies(kind: str, updates: Sequence[Update]) -> list[Outcome]:
        if next(calls) == number:
            raise Crash
        return write(kind, updates)

    world.crm.write = dies  # type: ignore[method-assign]  # the accident
    try:
        yield
    finally:
        world.crm.write = write  # type: ignore[method-assign]  # and its end


def _dying(*_: object) -> None:
    raise Crash
