"""What a run makes of a full scan that did not go as it should."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.crm import Page
from connector.sync import Order, run
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
