"""What a run makes of a full scan that did not go as it should."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.crm import Page
from connector.ledger import Ledger
from connector.sandbox import Sandbox
from connector.sync import Order, Report, run
from tests.sync.conftest import Build
from tests.sync.sandbox_world import SandboxWorld
from tests.sync.world import World


class Restless:
    """A CRM whose scan of people begins anew after the first pages, and says so."""

    def __init__(self, world: World) -> None:
        self._crm = world.adapter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crm, name)

    def scan(self, kind: str, *arguments: Any, **named: Any) -> Iterator[Page]:
        """Two pages, and then all of them."""
        pages = list(self._crm.scan(kind, *arguments, **named))
        if kind == "contact":
            yield from pages[:2]
            yield replace(pages[0], again=True, warning="read by one cursor: ids do not grow")
            pages = [replace(page, again=True) for page in pages[1:]]
        yield from pages


def test_a_scan_that_begins_anew_counts_nobody_twice(tmp_path: Path) -> None:
    """Who was stored is passed over, and the report says what happened."""
    world = World(tmp_path, page=2)
    world.usual_people()

    report = run(
        world.session(world.ledger(), Restless(world), records=1), Order("backfill", world.clock(), everything=True)
    )

    assert (report.status, report.counts["read"], report.counts["looked_at"]) == ("done", 6, 6)
    assert report.warnings == ["read by one cursor: ids do not grow"]


@pytest.mark.parametrize("age", [0.0, 300.0])
def test_g4_a_page_that_waited_is_as_old_as_the_call_that_brought_it(tmp_path: Path, age: float) -> None:
    """Read ahead and stored later: what stands there is no fresher for that, and a write reads it again."""
    world = World(tmp_path)
    world.usual_people()

    class Waited(Restless):
        def scan(self, kind: str, *arguments: Any, **named: Any) -> Iterator[Page]:
            for page in self._crm.scan(kind, *arguments, **named):
                yield replace(page, age=age)

    ledger = world.ledger()
    run(world.session(ledger, Waited(world)), Order("plan", world.clock(), everything=True, write=False))

    (kept,) = ledger.mirror.kept("contact", ["1"]).values()
    assert kept.read_at == world.clock() - timedelta(seconds=age)


def test_lesson_46_trap_22_reading_waits_for_what_is_stored(tmp_path: Path) -> None:
    """A slow ledger holds the CRM back: pages in memory are a few groups, whatever the account holds."""
    world = World(tmp_path, page=1)
    for number in range(80):
        world.add("contact", f"{number:03}", {"email": "p@northmill.example"})
    ledger = world.ledger()
    stored = most = 0

    class Counted(Restless):
        def scan(self, kind: str, *arguments: Any, **named: Any) -> Iterator[Page]:
            nonlocal most
            for number, page in enumerate(self._crm.scan(kind, *arguments, **named)):
                most = max(most, number - stored)
                yield page

    def told(phase: str, done: int, total: int | None) -> None:
        nonlocal stored
        stored = done

    session = world.session(ledger, Counted(world), records=200, records_ahead=400)
    session.progress = told
    run(session, Order("plan", world.clock(), everything=True, write=False))

    assert 0 < most <= 2 * 6  # stored, linked (three), waiting, and forming


class Short:
    """A CRM whose scan of people ends by saying that so many were not told."""

    def __init__(self, world: World, short: int, *, leaves_out: str = "") -> None:
        self._crm, self._short, self._leaves_out = world.adapter(), short, leaves_out
        self.scans = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crm, name)

    def scan(self, kind: str, *arguments: Any, **named: Any) -> Iterator[Page]:
        """All pages, and on the last one of people how many are missing."""
        for page in self._crm.scan(kind, *arguments, **named):
            if kind != "contact":
                yield page
                continue
            told = tuple(one for one in page.records if one.id != self._leaves_out)
            self.scans += page.mark is None
            yield replace(page, records=told, short=self._short if page.mark is None else 0)


def _run(world: World, ledger: Ledger, crm: Any, *, everything: bool = False) -> Report:
    order = Order("backfill" if everything else "sync", world.clock(), everything=everything)
    return run(world.session(ledger, crm), order)


def test_g3_lesson_06_a_scan_that_knows_it_missed_somebody_is_not_complete(build: Build) -> None:
    """The first run of an account: everybody told is decided on, the run says what it is, and the next one reads people
    again, from the beginning."""
    world = build()
    world.usual_people()
    ledger = world.ledger()

    report = _run(world, ledger, Short(world, 1, leaves_out=_first(world)))

    assert (report.status, report.incomplete, report.complete_until) == ("partial", ["contact"], None)
    assert report.counts["read"] == 5
    assert ledger.cursors.of("changes:contact") is None
    world.clock.pass_by(minutes=10)
    later = world.sync(ledger)
    assert (later.status, later.incomplete, later.counts["read"]) == ("done", [], 6)
    assert later.complete_until is not None
    assert ledger.mirror.count("contact") == 6


def test_g3_lesson_06_a_list_that_loses_a_row_of_every_page_ends_incomplete(tmp_path: Path, hubspot: Sandbox) -> None:
    """Three pages, each without one of its people, twice over: known by the count, read again by the next run."""
    world = SandboxWorld(tmp_path, sandbox=hubspot, page=2)
    for number in range(6):
        world.person(str(1000 + number))
    ledger = world.ledger()
    hubspot.fault("lose_rows", path=r"/contacts\?", rows=1, times=0)

    report = world.sync(ledger)
    hubspot.faults.clear()
    world.clock.pass_by(minutes=10)
    later = world.sync(ledger)

    assert (report.status, report.incomplete, report.complete_until) == ("partial", ["contact"], None)
    assert "where the search counts 6, and once more when read again" in " ".join(report.warnings)
    assert (later.status, later.incomplete, ledger.mirror.count("contact")) == ("done", [], 6)


def test_g3_lesson_06_a_backfill_that_missed_somebody_moves_no_cursor(build: Build) -> None:
    """Reading went on by what changed, and does once all have been read: until then, complete means up to before."""
    world = build()
    world.usual_people()
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(hours=1)
    world.sync(ledger)
    cursor, until = ledger.cursors.of("changes:contact"), ledger.cursors.complete_until()
    world.clock.pass_by(hours=1)

    report = _run(world, ledger, Short(world, 1), everything=True)
    in_between = (ledger.cursors.of("changes:contact"), ledger.cursors.complete_until())
    world.clock.pass_by(hours=1)
    crm = Short(world, 0)
    later = _run(world, ledger, crm)
    world.clock.pass_by(hours=1)
    last = _run(world, ledger, crm)

    assert (report.status, report.incomplete, in_between) == ("partial", ["contact"], (cursor, until))
    assert (later.status, later.incomplete) == ("done", [])
    assert later.complete_until is not None
    assert until is not None
    assert later.complete_until > until
    assert (crm.scans, last.status) == (1, "done")


def test_lesson_06_a_crm_that_always_counts_too_many_is_not_read_in_full_for_ever(build: Build) -> None:
    """Its search counts somebody whom no list will ever tell: read again once, and from then on taken for what it is,
    until it counts more than that."""
    world = build()
    world.usual_people()
    ledger = world.ledger()
    crm = Short(world, 1)

    reports = []
    for _ in range(4):
        reports.append(_run(world, ledger, crm))
        world.clock.pass_by(hours=1)

    assert [one.incomplete for one in reports] == [["contact"], [], [], []]
    assert [one.status for one in reports] == ["partial", "done", "done", "done"]
    assert (crm.scans, reports[-1].complete_until is not None) == (2, True)
    assert _run(world, ledger, Short(world, 1), everything=True).incomplete == []
    world.clock.pass_by(hours=1)
    assert _run(world, ledger, Short(world, 2), everything=True).incomplete == ["contact"]


def test_g3_lesson_06_a_sweep_that_knows_it_missed_somebody_has_people_read_in_full(memory: Build) -> None:
    """Once a day all are compared: where that falls short, the run says so, and the next one scans."""
    world = memory()
    world.usual_people()
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(days=2)

    swept = _run(world, ledger, Short(world, 1))
    world.clock.pass_by(minutes=10)
    crm = Short(world, 0)
    later = _run(world, ledger, crm)
    world.clock.pass_by(minutes=10)

    assert (swept.status, swept.incomplete) == ("partial", ["contact"])
    assert (later.status, later.incomplete, crm.scans) == ("done", [], 1)
    assert _run(world, ledger, crm).status == "done"
    assert crm.scans == 1


def _first(world: World) -> str:
    """Somebody whom the first page with people tells of."""
    return next(record.id for page in world.adapter().scan("contact", ()) for record in page.records)
