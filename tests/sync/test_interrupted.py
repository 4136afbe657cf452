"""Runs that end early: a spent quota, a CRM that goes away, a killed process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.crm import INCOMPLETE, Outcome, Update
from connector.errors import Transient
from connector.sandbox import Sandbox
from connector.sync import Order, Report, run
from tests.sync.conftest import Build
from tests.sync.sandbox_world import SandboxWorld
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


def begins(cursor: str | None) -> str:
    """Since when a cursor asks; how far its window has been read already stands behind it."""
    return (cursor or "").split()[0]


def test_trap_06_a_window_that_breaks_off_moves_no_cursor(build: Build) -> None:
    """The second half of what changed cannot be read: the first half is kept, the cursor stays, nothing is lost."""
    world = build(page=1)
    for id in ("1", "2"):
        world.person(id)
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(hours=1)
    world.sync(ledger)
    cursor, until = ledger.cursors.of("changes:contact"), ledger.cursors.complete_until()
    world.clock.pass_by(hours=1)
    for id in ("1", "2"):
        world.edit(id, {"jobtitle": "Student"})
    crm = world.adapter()
    read, asked = crm.read, []

    def breaking(kind: str, ids: Sequence[str], properties: Sequence[str]) -> Any:
        asked.extend(ids if kind == "contact" else ())
        if "2" in asked:
            raise Transient("gone away")
        return read(kind, ids, properties)

    crm.read = breaking  # type: ignore[method-assign]  # the accident
    with pytest.raises(Transient, match="gone away"):
        _sync(world, crm)
    crm.read = read  # type: ignore[method-assign]  # and its end

    assert begins(ledger.cursors.of("changes:contact")) == begins(cursor)
    assert ledger.cursors.complete_until() == until
    world.clock.pass_by(minutes=5)
    world.sync(ledger)
    titles = [one["f"]["job_title"] for one in ledger.mirror.facts("contact", ["1", "2"]).values()]
    assert titles == ["Student", "Student"]


def test_lesson_06_a_search_that_answers_less_than_it_counts_ends_incomplete(build: Build) -> None:
    """One row of one page is missing, twice: the run says so, keeps its cursor, and does for the others what is due."""
    world = build()
    for id in ("1", "2", "3"):
        world.person(id)
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(hours=1)
    world.sync(ledger)
    cursor, until = ledger.cursors.of("changes:contact"), ledger.cursors.complete_until()
    world.clock.pass_by(hours=1)
    for id in ("1", "2", "3"):
        world.edit(id, {"jobtitle": "Student"})
    crm = world.adapter()
    changes = crm.changes

    def one_short(kind: str, cursor: str, now: Any) -> Any:
        for batch in changes(kind, cursor, now):
            if kind != "contact" or batch.complete_until is None:
                yield batch
            else:
                yield replace(batch, mark=None, complete_until=None)
                raise Transient("search returned 2 of 3 changed contact records", code=INCOMPLETE)

    crm.changes = one_short  # type: ignore[method-assign]  # what the adapters do, see tests/crm

    report = _sync(world, crm)
    crm.changes = changes  # type: ignore[method-assign]  # the next time it answers whole

    assert (report.status, report.incomplete) == ("partial", ["contact"])
    assert "2 of 3" in report.warnings[0]
    assert report.counts["looked_at"] == 3
    assert begins(ledger.cursors.of("changes:contact")) == begins(cursor)
    assert report.complete_until == until
    assert world.sync(ledger).incomplete == []


def test_g3_lesson_07_a_backfill_that_breaks_off_moves_no_cursor(build: Build) -> None:
    """Its mark is taken before the first page and holds from the last on: until then the older cursor stays, and what
    changed between the two is missed by nobody."""
    world = build(page=1)
    for id in ("1", "2"):
        world.person(id)
    ledger = world.ledger()
    world.sync(ledger)
    cursor = ledger.cursors.of("changes:contact")
    world.clock.pass_by(hours=1)
    world.edit("2", {"jobtitle": "Student"})
    world.clock.pass_by(hours=1)
    crm = world.adapter()
    scan = crm.scan

    def breaking(kind: str, properties: Sequence[str], **where: Any) -> Any:
        for number, page in enumerate(scan(kind, properties, **where)):
            if kind == "contact" and number == 1:
                raise Transient("gone away")
            yield page

    crm.scan = breaking  # type: ignore[method-assign]  # the accident
    session = world.session(ledger, crm)
    with pytest.raises(Transient, match="gone away"):
        run(session, Order("backfill", world.clock(), everything=True))
    crm.scan = scan  # type: ignore[method-assign]  # and its end
    session.crm.close()

    assert ledger.cursors.of("changes:contact") == cursor
    world.sync(ledger)
    assert ledger.mirror.facts("contact", ["2"])["2"]["f"]["job_title"] == "Student"


def test_a_record_that_an_answer_passes_over_is_not_taken_for_deleted(tmp_path: Path, hubspot: Sandbox) -> None:
    """A batch read leaves one row out without a word: who is missing is asked for again before being buried."""
    world = SandboxWorld(tmp_path, sandbox=hubspot)
    for id in ("1", "2"):
        world.person(id)
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(minutes=2)
    for id in ("1", "2"):
        world.edit(id, {"jobtitle": "Student"})
    hubspot.fault("lose_rows", path="contacts/batch/read", rows=1)

    report = world.sync(ledger)

    assert report.counts["gone"] == 0
    assert ledger.mirror.alive("contact", ["1", "2"]) == {"1", "2"}


def test_g3_an_interrupted_full_scan_loses_no_edit_made_before_it(build: Build) -> None:
    """Edited since the last run, then a full scan begins and dies before it gets to them: the next run sees them."""
    world = build()
    world.usual_people()
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(hours=1)
    world.edit("6", {"jobtitle": "Director of Operations", "firstname": "Anna"})
    world.clock.pass_by(hours=1)

    class NoList:
        def __init__(self) -> None:
            self._crm = world.adapter()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._crm, name)

        def scan(self, kind: str, properties: Sequence[str], **more: Any) -> Any:
            if kind == "contact":
                raise Transient("The list cannot be reached.")
            return self._crm.scan(kind, properties, **more)

    with pytest.raises(Transient):
        run(world.session(ledger, NoList()), Order("backfill", world.clock(), everything=True))
    world.clock.pass_by(hours=1)
    world.sync(ledger)

    assert world.properties("6").get("cx_persona") == world.properties("1")["cx_persona"]


def test_g2_lesson_23_a_task_that_may_be_under_way_is_not_sent_again_at_once(build: Build) -> None:
    """The answer is lost and the task does not show yet: for as long as it may still arrive, none is sent."""
    world = build()
    world.person("1")
    world.asked_for_demo("1")
    ledger = world.ledger()
    sent: list[str] = []

    class Lost:
        def __init__(self) -> None:
            self._crm = world.adapter()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._crm, name)

        def create_tasks(self, tasks: Sequence[Any], about_to_send: Any) -> list[Outcome]:
            for number, task in enumerate(tasks):
                about_to_send(number)
                sent.append(task.contact_id)
            return [Outcome("", "unknown", code="dropped") for _ in tasks]

    for seconds in (0, 10, 20):
        world.clock.pass_by(seconds=seconds)
        report = run(world.session(ledger, Lost()), Order("sync", world.clock()))
        assert (report.counts["unknown"], sent) == (1, ["1"]), report.to_json()
    world.clock.pass_by(minutes=2)

    assert world.sync(ledger).tasks_created == 1
    assert world.handed_over() == ["1"]


def test_g2_lesson_23_a_task_whose_answer_was_lost_is_found_and_not_made_again(build: Build) -> None:
    """It was created, and nobody heard: the next run finds it on the person by its marker."""
    world = build()
    world.person("1")
    world.asked_for_demo("1")
    ledger = world.ledger()

    class Deaf:
        def __init__(self) -> None:
            self._crm = world.adapter()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._crm, name)

        def create_tasks(self, tasks: Sequence[Any], about_to_send: Any) -> list[Outcome]:
            self._crm.create_tasks(tasks, about_to_send)
            return [Outcome("", "unknown", code="dropped") for _ in tasks]

    report = run(world.session(ledger, Deaf()), Order("sync", world.clock()))
    assert (report.counts["unknown"], world.handed_over()) == (1, ["1"])
    world.clock.pass_by(minutes=10)
    world.sync(ledger)

    assert world.handed_over() == ["1"]
    assert [one.state for one in ledger.outbox.of("1")] == ["created"]


@pytest.mark.parametrize("arrived", [True, False])
def test_g2_lesson_23_a_hand_off_has_one_task_though_another_rule_makes_it_now(memory: Build, arrived: bool) -> None:
    """Handed over by score, and nobody heard what became of the task; then the person asks for a demo. It is the same
    hand-off: a task that arrived is the one, and one that may arrive yet is waited for."""
    world = memory()
    world.person("1")
    world.interested("1")
    ledger = world.ledger()

    class Deaf:
        def __init__(self) -> None:
            self._crm = world.adapter()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._crm, name)

        def create_tasks(self, tasks: Sequence[Any], about_to_send: Any) -> list[Outcome]:
            for number, _ in enumerate(tasks):
                about_to_send(number)
            if arrived:
                self._crm.create_tasks(tasks, lambda number: None)
            return [Outcome("", "unknown", code="dropped") for _ in tasks]

    run(world.session(ledger, Deaf()), Order("sync", world.clock()))
    world.clock.pass_by(seconds=20)
    world.asked_for_demo("1")
    at_once = world.sync(ledger, task_settle=timedelta(minutes=5))

    assert (at_once.tasks_created, at_once.counts["unknown"]) == ((0, 0) if arrived else (0, 1))
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    assert world.handed_over() == ["1"]
