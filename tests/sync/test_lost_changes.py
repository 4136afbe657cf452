"""Cursors that scans bring themselves, and what becomes of a run when the CRM tells no more what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from connector.crm import LOST, Batch, Page
from connector.errors import CrmError, Transient
from connector.sync import Order, Report, run
from tests.sync.conftest import Build
from tests.sync.world import World


class Linking:
    """The CRM as it is, save that its scans of contacts end with a cursor of their own, numbered from 1, and that of
    these only those which are in `living` are understood. Each tells what the CRM itself tells since its scan began."""

    def __init__(self, world: World) -> None:
        self._crm, self._world = world.adapter(), world
        self.begun: list[str] = []
        self.living: set[str] = set()
        self.breaks_at: int | None = None  # the page of a scan of contacts that does not come

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crm, name)

    def scan(self, kind: str, properties: Sequence[str], **where: Any) -> Iterator[Page]:
        """As the CRM's own."""
        if kind != "contact":
            yield from self._crm.scan(kind, properties, **where)
            return
        if where.get("after") is None:
            self.begun.append(self._crm.begin(kind, self._world.clock()))
        for number, page in enumerate(self._crm.scan(kind, properties, **where)):
            if number == self.breaks_at:
                raise Transient("gone away")
            yield page if page.mark else replace(page, cursor=f"link {len(self.begun)}")

    def changes(self, kind: str, cursor: str, now: Any) -> Iterator[Batch]:
        """By the cursor's number; one that is dead says so after the first of what it tells."""
        if not cursor.startswith("link"):
            yield from self._crm.changes(kind, cursor, now)
            return
        if cursor not in self.living:
            raise CrmError("the link is dead", code=LOST)
        for batch in self._crm.changes(kind, self.begun[int(cursor.removeprefix("link ")) - 1], now):
            yield replace(batch, mark=batch.mark and cursor)


def sync(world: World, crm: Linking, verb: str = "sync") -> Report:
    return run(world.session(world.ledger(), crm), Order(verb, world.clock(), everything=verb == "backfill"))


def people(world: World) -> Linking:
    for id in ("1", "2", "3"):
        world.person(id)
    return Linking(world)


def test_the_cursor_that_a_scan_comes_to_is_the_one_that_changes_go_on_from(build: Build) -> None:
    """In place of the one taken before its first page, and complete since then."""
    world = build()
    crm = people(world)
    began = world.clock()
    sync(world, crm)
    ledger = world.ledger()

    assert ledger.cursors.of("changes:contact") == "link 1"
    assert not str(ledger.cursors.of("changes:company")).startswith("link")
    assert ledger.cursors.told_until("contact") == began
    crm.living.add("link 1")
    world.clock.pass_by(hours=1)
    world.edit("2", {"jobtitle": "Student"})
    world.clock.pass_by(hours=1)
    assert sync(world, crm).counts["looked_at"] >= 1
    assert ledger.mirror.facts("contact", ["2"])["2"]["f"]["job_title"] == "Student"


def test_a_scan_that_breaks_off_leaves_no_cursor_until_it_was_taken_up_and_ended(build: Build) -> None:
    """What changed meanwhile is known to nobody but the scan."""
    world = build(page=1)
    crm = people(world)
    crm.breaks_at = 2

    with pytest.raises(Transient):
        sync(world, crm, "backfill")
    assert world.ledger().cursors.of("changes:contact") is None

    crm.breaks_at = None
    sync(world, crm)
    assert world.ledger().cursors.of("changes:contact") == "link 1"


def test_where_the_changes_are_told_no_more_everything_is_read_again(build: Build) -> None:
    """Edits are seen, the deleted are gone, a new cursor holds, the report says so, and none of it counts as drift."""
    world = build()
    crm = people(world)
    sync(world, crm)
    world.clock.pass_by(days=8)
    world.edit("2", {"jobtitle": "Student"})
    world.delete("3")
    world.person("4")
    world.clock.pass_by(hours=1)

    report = sync(world, crm)

    ledger = world.ledger()
    assert ledger.mirror.alive("contact", ["1", "2", "3", "4"]) == {"1", "2", "4"}
    assert ledger.mirror.facts("contact", ["2"])["2"]["f"]["job_title"] == "Student"
    assert ledger.cursors.of("changes:contact") == "link 2"
    assert any("the link is dead" in warning for warning in report.warnings)
    assert (report.status, report.drift, report.counts["gone"], report.incomplete) == ("done", 0, 1, [])


def test_a_reading_anew_that_breaks_off_is_taken_up_where_it_was(build: Build) -> None:
    """The dead cursor stays until everything is stored; then the new one takes its place."""
    world = build(page=1)
    crm = people(world)
    sync(world, crm)
    world.clock.pass_by(days=8)
    world.edit("3", {"jobtitle": "Student"})
    world.clock.pass_by(hours=1)
    crm.breaks_at = 2
    with pytest.raises(Transient):
        sync(world, crm)
    ledger = world.ledger()
    assert ledger.cursors.of("changes:contact") == "link 1"

    crm.breaks_at = None
    sync(world, crm)

    assert ledger.cursors.of("changes:contact") == "link 2"
    assert ledger.mirror.facts("contact", ["3"])["3"]["f"]["job_title"] == "Student"
