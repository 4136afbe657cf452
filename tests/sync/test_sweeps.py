"""Sweeps: what no incremental read tells is found within the agreed time, piece by piece (G3, G9, G10)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any

import pytest

from connector.crm import KINDS
from connector.crm.hubspot.allowance import Allowance, Places
from connector.errors import Deferred
from connector.ledger import Ledger
from connector.sandbox import Sandbox
from connector.sync import Order, Report, reconcile, run, sweeping
from tests.sync.conftest import Build
from tests.sync.crashing import EVERY, Crash, Fuse, fragile, ledger_that_dies, points
from tests.sync.dynamics_world import DynamicsWorld
from tests.sync.over_http import OverHttp
from tests.sync.sandbox_world import SandboxWorld
from tests.sync.world import World


@contextmanager
def _unnoticed(world: World) -> Iterator[None]:
    """What happens here bears an instant that every read has passed: no incremental read will tell of it."""
    world.clock.pass_by(hours=-2)
    if isinstance(world, OverHttp):
        world.at_its_time()
    yield
    world.clock.pass_by(hours=2)


def _settled(world: World, people: int) -> Ledger:
    """So many people, read and decided on some hours ago."""
    world.tells_by_time()
    for number in range(people):
        world.person(str(1000 + number))
    ledger = world.ledger()
    world.sync(ledger)
    _later(world, ledger, hours=3)
    return ledger


def _later(world: World, ledger: Ledger, **time: float) -> Report:
    world.clock.pass_by(**time)
    return world.sync(ledger)


def _title(ledger: Ledger, id: str) -> Any:
    return ledger.mirror.facts("contact", [id])[id]["f"].get("job_title")


def test_g3_lesson_04_a_sweep_counts_and_repairs_what_no_read_told(build: Build) -> None:
    """Fifty edits and one new person got lost on the way: within a day all are found, counted once, and decided on."""
    world = build()
    lost = 5 if isinstance(world, OverHttp) else 50
    ledger = _settled(world, lost + 5)
    with _unnoticed(world):
        for number in range(lost):
            world.edit(str(1000 + number), {"jobtitle": "Student"})
        world.person("2000", jobtitle="Student")
    before = _later(world, ledger, hours=1)
    unknown = ledger.mirror.unknown("contact", ["2000"])

    found = _later(world, ledger, hours=24)
    after = _later(world, ledger, hours=24)

    assert (before.drift, unknown) == (0, ["2000"])
    assert found.drift == lost + 1
    assert {_title(ledger, id) for id in ("1000", str(999 + lost), "2000")} == {"Student"}
    assert _title(ledger, str(1000 + lost)) == "Director of Operations"
    assert found.counts["looked_at"] >= lost + 1
    assert (after.drift, after.status) == (0, "done")


def test_g7_each_part_of_a_run_calls_in_the_class_that_it_is_of(
    tmp_path: Path, hubspot: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first full read is a backfill's whoever orders it; sweeps give way to what changed, up to the pacer."""
    world = SandboxWorld(tmp_path, sandbox=hubspot)
    heard: list[tuple[str, str | None]] = []
    take = Allowance.take

    def noted(self: Allowance, counted_as: str) -> Places:
        places = take(self, counted_as)
        heard.append((counted_as, places._priority))
        return places

    monkeypatch.setattr(Allowance, "take", noted)

    def classes_of(counted_as: str) -> set[str | None]:
        return {priority for name, priority in heard if name == counted_as}

    ledger = _settled(world, 3)
    first, heard[:] = classes_of("list"), []
    _later(world, ledger, hours=1)
    quiet = {priority for _, priority in heard}
    heard.clear()
    world.edit("1001", {"jobtitle": "Student"})
    _later(world, ledger, hours=24)

    assert "backfill" in first
    assert first <= {"backfill", "reconcile"}  # sweeps of three hours ago
    assert quiet == {"incremental"}
    assert classes_of("list") == {"reconcile"}
    assert classes_of("search") == {"incremental"}


def test_g3_what_simply_changed_is_no_drift(tmp_path: Path) -> None:
    """An edit since the last window is news that the next read brings, although the sweep may meet it first."""
    world = World(tmp_path)
    ledger = _settled(world, 3)
    world.clock.pass_by(hours=24)
    world.edit("1001", {"jobtitle": "Student"})

    report = world.sync(ledger)

    assert (report.drift, _title(ledger, "1001")) == (0, "Student")
    assert ledger.cursors.swept("reconcile") == world.clock()


def test_g3_a_backfill_counts_drift_too(build: Build) -> None:
    """Who was changed, never seen or deleted behind our back, found by a full read."""
    world = build()
    ledger = _settled(world, 4)
    with _unnoticed(world):
        world.edit("1001", {"jobtitle": "Student"})
        world.person("2000")
        world.delete("1002")

    session = world.session(ledger)
    report = run(session, Order("backfill", world.clock(), everything=True))
    session.crm.close()

    assert report.drift == 3
    assert report.counts["gone"] == 1


def test_g3_lesson_05_sweeps_and_incremental_reads_keep_each_other_going(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of the account changes before each of a day's runs: each is complete up to its own moment, the sweep does
    a bounded piece of each and is through in its six hours, with everything that was lost."""
    monkeypatch.setattr(sweeping, "A_LITTLE", 10)
    monkeypatch.setattr(reconcile, "RECORDS", 5)
    world = World(tmp_path, page=5)
    world.settings = replace(world.settings, reconcile=timedelta(hours=6))
    ledger = _settled(world, 40)
    with _unnoticed(world):
        for id in ("1031", "1035", "1038"):
            world.edit(id, {"jobtitle": "Student"})
    drift, listed = 0, []
    for turn in range(12):
        for number in range(turn % 6, 30, 6):
            world.edit(str(1000 + number), {"city": f"Town {turn}"})
        calls = world.crm.calls.by_class.get("list", 0)
        report = _later(world, ledger, hours=2)
        drift += report.drift
        listed.append(world.crm.calls.by_class["list"] - calls)
        assert report.complete_until == world.clock()

    swept = ledger.cursors.swept("reconcile")
    assert swept is not None
    assert world.clock() - swept <= timedelta(hours=12)
    assert drift == 3
    assert max(listed) <= 15  # a page of each kind's bin, and eight of lists


def test_lesson_48_trap_10_the_deleted_are_counted_and_never_written_and_may_come_back(build: Build) -> None:
    """Somebody deletes a contact: within six hours the run says so and nothing is written to it, whatever else is known
    of them; out of the bin again, they are looked at again."""
    world = build()
    world.person("1")
    world.person("2")
    ledger = world.ledger()
    world.sync(ledger)
    world.asked_for_demo("1")
    world.delete("1")
    writes = world.writes

    gone = _later(world, ledger, hours=6)
    later = _later(world, ledger, days=1)

    assert gone.counts["gone"] == 1
    assert later.counts["gone"] == 0
    assert ledger.mirror.alive("contact", ["1", "2"]) == {"2"}
    assert world.writes - writes == gone.counts["written"] + later.counts["written"]
    assert "1" not in {one.person_id for number in (gone.run, later.run) for one in ledger.work.every(number)}
    assert world.handed_over() == []
    world.restore("1")
    _later(world, ledger, days=2)
    assert ledger.mirror.alive("contact", ["1"]) == {"1"}
    assert world.handed_over() == ["1"]


def test_g9_lesson_48_somebody_erased_for_privacy_is_gone_and_never_written(tmp_path: Path, hubspot: Sandbox) -> None:
    """No bin tells of them and no id answers any more: within a day they are counted as gone, once, and whatever was
    due for them is not."""
    world = SandboxWorld(tmp_path, sandbox=hubspot)
    for id in ("1", "2"):
        world.person(id)
    ledger = world.ledger()
    world.sync(ledger)
    world.saw("1", "list:Visited pricing", 0)
    world.saw("1", "list:Attended webinar", 0)
    hubspot.do("gdpr_delete", {"id": "1"})
    writes = world.writes

    reports = [_later(world, ledger, **time) for time in ({"hours": 7}, {"hours": 24}, {"hours": 24})]

    assert sum(one.counts["gone"] for one in reports) == 1
    assert [one.counts["gone"] for one in reports][-1] == 0
    assert ledger.mirror.alive("contact", ["1", "2"]) == {"2"}
    assert world.writes - writes == sum(one.counts["written"] for one in reports)
    assert "1" not in {row.person_id for one in reports for row in ledger.work.every(one.run)}
    assert [one.status for one in reports] == ["done"] * 3


@pytest.mark.parametrize("call", ["contacts/batch/update", "objects/.*/tasks$", "contacts/batch/read"])
def test_g9_lesson_48_somebody_erased_under_our_hands_takes_nobody_along(
    tmp_path: Path, hubspot: Sandbox, call: str
) -> None:
    """Read, decided on, and erased for privacy right before the write, before the task, or before being read again:
    the others are written and handed over, and the next run writes nothing."""
    world = SandboxWorld(tmp_path, sandbox=hubspot)
    for id in ("1", "2", "3"):
        world.person(id)
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(hours=1)
    for id in ("1", "2", "3"):
        world.asked_for_demo(id)
    hubspot.fault("do", method="POST", path=call, control="gdpr_delete", body={"id": "2"})

    report = world.sync(ledger)
    again = _later(world, ledger, minutes=10)
    last = _later(world, ledger, days=1)
    writes = world.writes
    still = world.sync(ledger)

    assert set(world.contacts()) == {"1", "3"}
    assert world.handed_over() == ["1", "3"]
    assert report.counts["looked_at"] == 3
    assert ledger.mirror.alive("contact", ["1", "2", "3"]) == {"1", "3"}
    assert sum(one.counts["gone"] for one in (report, again, last)) == 1
    assert (still.status, world.writes) == ("done", writes)


def test_g10_lesson_12_trap_09_a_link_that_touched_nothing_is_seen_within_a_day(build: Build) -> None:
    """A deal that was won long ago is put beside a person; neither record is modified by it."""
    world = build()
    world.person("1")
    world.deal("40", "1", "appointmentscheduled")
    world.person("2")
    ledger = world.ledger()
    world.sync(ledger)
    _later(world, ledger, hours=1)
    assert world.properties("2")["cx_stage"] == "lead"
    world.link("deal", "40", "contact", "2")
    soon = _later(world, ledger, minutes=10)
    unseen = world.properties("2")["cx_stage"]

    in_time = _later(world, ledger, hours=24)

    assert (soon.counts["looked_at"], unseen) == (0, "lead")
    assert world.properties("2")["cx_stage"] == "opportunity"
    assert in_time.completeness["associations_as_of"] == in_time.started_at.isoformat().replace("+00:00", "Z")


def test_g3_lesson_39_a_spent_quota_stops_a_sweep_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changed is read, decided and written all the same; the sweep says so, keeps the pages that did come, and
    goes on from where it stopped."""
    world = World(tmp_path, page=2)
    ledger = _settled(world, 6)
    world.clock.pass_by(hours=24)
    world.asked_for_demo("1003")
    session = world.session(ledger)
    scan, scanned = session.crm.scan, []

    def until_spent(kind: str, properties: Any, **where: Any) -> Iterator[Any]:
        for page in scan(kind, properties, **where):
            if kind == "contact" and not where.get("archived"):
                scanned.append(kind)
            if len(scanned) > 2:
                raise Deferred("spent")
            yield page

    monkeypatch.setattr(session.crm, "scan", until_spent, raising=False)
    report = run(session, Order("sync", world.clock()))
    monkeypatch.setattr(session.crm, "scan", scan, raising=False)
    place = sweeping.Place.of(ledger.cursors.sweep("reconcile") or "")
    with _unnoticed(world):
        world.edit("1000", {"jobtitle": "Student"})
        world.edit("1005", {"jobtitle": "Student"})
    rest = _later(world, ledger, hours=23)
    session.crm.close()

    assert report.tasks_created == 1
    assert (report.status, place.kind, place.done) == ("done", "contact", 5)
    assert any("reconcile sweep stopped early" in text for text in report.warnings)
    assert (rest.drift, ledger.cursors.sweep("reconcile")) == (1, None)
    assert _later(world, ledger, hours=24).drift == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_g2_lesson_11_a_crash_anywhere_in_a_sweep_heals(tmp_path: Path, moment: str) -> None:
    """Whatever call or commit dies, the next run finds everything the sweep would have found."""
    settled = World(tmp_path)
    for id in ("1000", "1001"):
        settled.person(id)
    settled.sync(settled.ledger())
    with _unnoticed(settled):
        settled.edit("1001", {"jobtitle": "Student"})
        settled.deal("40", "1000", "closedwon")
    settled.clock.pass_by(hours=25)
    for fuse_at in islice(points(moment), 0, None, 4 if EVERY > 1 else 1):
        world = _again(settled, tmp_path / f"{moment}{fuse_at}")
        fuse = Fuse(fuse_at, moment)
        survived = True
        try:
            run(
                world.session(ledger_that_dies(world.ledger(), fuse), fragile(world, fuse)),
                Order("sync", world.clock()),
            )
        except Crash:
            survived = False
        _later(world, world.ledger(), hours=24)

        assert _title(world.ledger(), "1001") == "Student"
        assert world.properties("1000")["lifecyclestage"] == "customer"
        if survived:
            return


def _again(world: World, folder: Path) -> World:
    """The same world once more, with a ledger of its own."""
    folder.mkdir()
    again = World(folder, page=world.page)
    again.clock.at = world.clock.at
    again.crm = deepcopy(world.crm, {id(world.clock): again.clock})
    shutil.copy(world.folder / "state.db", folder)
    return again


def test_an_idle_run_takes_one_call_a_kind_and_a_sweep_its_own_share(build: Build) -> None:
    """Nothing changed: at most four calls for each kind of record; the sweeps of a small account a few more, once. A
    table of Dynamics is asked twice what it is like, and once how many rows it has."""
    world = build()
    share = 8 if isinstance(world, DynamicsWorld) else 4
    ledger = _settled(world, 3)
    kinds = len([kind for kind in KINDS if kind == "contact" or world.session(ledger).fields.properties(kind)])
    sources = len(world.session(ledger).fields.sources())

    def calls(**time: float) -> int:
        shared = not isinstance(world, OverHttp)  # the memory CRM counts on from run to run
        before = sum(world.crm.calls.by_class.values()) if shared else 0
        return sum(_later(world, ledger, **time).calls.values()) - before

    idle = calls(minutes=10)
    swept = calls(hours=24)

    assert idle <= 4 * kinds + 2 * sources
    assert idle < swept <= idle + share * kinds


def test_a_run_says_in_one_line_how_complete_the_picture_is(build: Build) -> None:
    """Up to when, how much drift, how old the links are, when the bin was looked at."""
    world = build()
    ledger = _settled(world, 1)

    report = _later(world, ledger, minutes=30)

    settle = timedelta(seconds=60) if isinstance(world, OverHttp) else timedelta(0)
    until = f"{world.clock() - settle:%H:%M:%S}"
    assert report.completeness["completeness"] == (
        f"complete up to {until} UTC; 0 drift; associations at most 4 h old; archived looked at 4 h ago"
    )
    assert report.to_json()["associations_as_of"] == "2026-03-31T12:00:00Z"


def test_after_days_in_which_nobody_ran_a_sweep_keeps_nobody_waiting_for_hours(tmp_path: Path) -> None:
    """However far it is behind by then: whoever asked for a demo on Saturday is not decided on after all of it."""
    world = World(tmp_path)
    session = world.session(world.ledger())
    cursors, done = session.ledger.cursors, [0]

    class Slow:
        """A minute a piece, and a million of them."""

        name, every, most, counts_drift = "slow", timedelta(hours=24), inf, False

        def size(self) -> int:
            return 10**6

        def pieces(self, place: sweeping.Place) -> Iterator[sweeping.Place]:
            while True:
                world.clock.pass_by(minutes=1)
                done[0] += 1
                place = replace(place, at=world.clock(), done=place.done + 1)
                cursors.note_sweep(self.name, place.to_json())
                yield place

    report = world.sync(session.ledger)
    sweeps = sweeping.Sweeps(session, report, (), (Slow(),))
    sweeps.go_on()
    world.clock.pass_by(days=3)
    done[0] = 0
    sweeps.go_on()

    assert 1 <= done[0] <= 15


def test_sweeps_can_be_switched_off(tmp_path: Path) -> None:
    """Then links and the bin are looked at with their records alone, and the line says so."""
    world = World(tmp_path)
    ledger = _settled(world, 2)
    with _unnoticed(world):
        world.edit("1001", {"jobtitle": "Student"})
    world.clock.pass_by(days=3)

    report = world.sync(ledger, reconcile=None, associations=None, archived=None)

    assert report.drift == 0
    assert _title(ledger, "1001") == "Director of Operations"
