"""
The acceptance cases of the domain reference (section 7.6) that need a CRM and a ledger: what is written, what is not,
and who is set aside. The number in a name is the case's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.agreement import Agreement
from connector.crm import Outcome, Page, Update
from connector.errors import Deferred
from connector.plan import Limits
from connector.sync import Order, Report, run
from tests.sync.world import AS_OF, World, agreement

LISTS = {
    "Visited pricing": ("03-30T15:00", "03-30T09:00", "03-21T10:00", "03-01T10:00", "02-10T10:00"),
    # HubSpot counts clicks; a second webinar fills the group of content up to its limit of 25 as Anna's clicks do.
    "Attended webinar": ("03-16T13:00", "03-20T13:00"),
    "Read case study": ("03-11T12:00",),
    "Read comparison guide": ("03-25T12:00",),
    "Visited careers": ("03-17T12:00",),
}


def anna(world: World, **properties: str) -> None:
    """Anna of the worked example (V1a), as the lists of the CRM tell of her."""
    world.person("1", mail="anna.k@northmill.example", lastname="Kowalska", **properties)
    for name, whens in LISTS.items():
        for when in whens:
            at = datetime.fromisoformat(f"2026-{when}:00+00:00")
            world.saw("1", f"list:{name}", (AS_OF - at) / timedelta(days=1))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A memory CRM, in which others can merge and overwrite."""
    return World(tmp_path)


def test_case_01_v1a_twice_with_the_same_as_of_writes_once(world: World) -> None:
    """Anna is written and handed over once; the second run writes nothing and makes no second task."""
    anna(world)
    ledger = world.ledger()
    world.sync(ledger)
    first = world.properties("1")
    writes = world.writes
    second = world.sync(ledger, as_of=AS_OF)

    assert (first["cx_stage"], first["cx_engagement_score"], first["cx_fit_score"]) == ("mql", "45", "85")
    assert (world.writes, second.tasks_created, world.handed_over()) == (writes, 0, ["1"])


def test_case_02_a_day_that_changes_nothing_shown_writes_nothing(world: World) -> None:
    """44.82 shows 45 as 45.27 did: zero writes."""
    anna(world)
    ledger = world.ledger()
    world.sync(ledger)
    writes, before = world.writes, world.properties("1")
    world.clock.pass_by(days=1)
    world.edit("1", {"city": "Gdynia"})
    world.sync(ledger)

    assert (world.writes, world.properties("1")) == (writes, {**before, "city": "Gdynia"})


def test_case_03_only_the_score_is_written_when_only_it_changed(world: World) -> None:
    """44.39 shows 44: the score goes out with its texts, stage and status are not touched. (Nobody owns her, so that no
    follow-up becomes late meanwhile.)"""
    anna(world, hubspot_owner_id="")
    ledger = world.ledger()
    world.sync(ledger)
    before = world.properties("1")
    world.clock.pass_by(days=2)
    world.sync(ledger)
    after = world.properties("1")

    changed = {name for name in after if after[name] != before.get(name)}
    assert after["cx_engagement_score"] == "44"
    assert changed == {"cx_engagement_score", "cx_score_reasons", "cx_scored_at"}


def test_case_38_merged_contacts_are_one_customer_with_one_history(world: World) -> None:
    """One MQL since March, the other a customer: customer, MQL since the earliest, signals once, the larger cycle."""
    world.person("1")
    world.interested("1")
    world.person("2")
    world.deal("20", "2", "closedwon")
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(days=3)
    world.crm.merge("contact", "2", "1")
    report = world.sync(ledger)
    merged = world.properties("2")

    assert (merged["cx_stage"], merged["cx_cycle"]) == ("customer", "1")
    assert "pricing page +14" in merged["cx_score_reasons"]  # once, although both records knew of it
    assert (report.counts["looked_at"], report.tasks_created) == (1, 0)
    (track,) = ledger.people.remember(["2"])["2"].tracks
    assert datetime.fromisoformat(track["entered"]["mql"]) == AS_OF


def test_case_53_a_flood_after_a_rule_change_waits_for_approval(world: World) -> None:
    """The MQL value falls to 30 and everybody qualifies: the list is published, nothing is written until released."""
    for number in range(100, 140):
        world.person(str(number))
        world.saw(str(number), "list:Visited pricing", 0, 1, 2)
    world.agreement = with_mql_at(agreement(), 90)
    ledger = world.ledger()
    world.sync(ledger)
    world.agreement = replace(with_mql_at(agreement(), 30), apply_to="everyone", fingerprint="lower")
    writes = world.writes
    world.clock.pass_by(hours=1)
    report = world.sync(ledger, limits=Limits(changes_per_run=10, changes_per_day=20, max_share=1.0))

    assert report.counts["parked"] == 40
    assert (world.writes, world.handed_over()) == (writes, [])
    (group,) = report.parked
    assert (group["cause"], group["people"]) == ("stages.mql.enter_when", "40")


def with_mql_at(agreed: Agreement, engagement: float) -> Agreement:
    """The agreement with another threshold to MQL."""
    stages = tuple(
        replace(stage, enter=replace(stage.enter, engagement_at_least=engagement)) if stage.name == "mql" else stage  # type: ignore[type-var]  # mql has an entry
        for stage in agreed.stages
    )
    return replace(agreed, stages=stages)


class Throttled:
    """The CRM, which answers after so many pages, or takes so many people, and then says that the quota is spent."""

    def __init__(self, world: World, *, pages: int = 1000, people: int = 1000) -> None:
        self._crm, self._pages, self._people = world.adapter(), pages, people

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crm, name)

    def scan(self, *arguments: Any, **named: Any) -> Iterator[Page]:
        """Some pages, and then no more."""
        for page in self._crm.scan(*arguments, **named):
            self._pages -= 1
            if self._pages < 0:
                raise Deferred("the share of the quota is spent")
            yield page

    def write(self, kind: str, updates: Sequence[Update]) -> list[Outcome]:
        """Some of a batch, and then no more."""
        taken, left = updates[: self._people], updates[self._people :]
        self._people -= len(taken)
        outcomes = list(self._crm.write(kind, taken)) if taken else []
        return [*outcomes, *(Outcome(update.id, "deferred", code="quota") for update in left)]


@pytest.fixture
def crowds(tmp_path: Path) -> tuple[World, World]:
    """The same sixty people twice, read in pages of five: for an undisturbed run, and for one that is stopped."""
    worlds = []
    for name in ("calm", "stopped"):
        (tmp_path / name).mkdir()
        world = World(tmp_path / name, page=5)
        for number in range(100, 160):
            world.person(str(number))
            world.interested(str(number))
        worlds.append(world)
    return worlds[0], worlds[1]


def test_case_60_throttled_while_reading_a_run_goes_on_with_its_instant(crowds: tuple[World, World]) -> None:
    """The backfill that is taken up twenty minutes later decides as of the first one's instant, and ends the same."""
    calm, stopped = crowds
    order = Order("backfill", AS_OF, everything=True)
    _run(calm, order)
    first = _run(stopped, order, Throttled(stopped, pages=7))
    stopped.clock.pass_by(minutes=20)
    second = _run(stopped, replace(order, as_of=stopped.clock()))

    assert (first.status, second.status, second.as_of) == ("deferred", "done", AS_OF)
    assert stopped.contacts() == calm.contacts()


def test_case_60_throttled_while_writing_each_person_is_written_whole_or_not_at_all(
    crowds: tuple[World, World],
) -> None:
    """Forty are as in the undisturbed run, twenty as before; the next run writes these twenty and nobody else."""
    calm, stopped = crowds
    order = Order("sync", AS_OF)
    before = stopped.contacts()
    _run(calm, order)
    first = _run(stopped, order, Throttled(stopped, people=40))
    written = {id for id, one in stopped.contacts().items() if one != before[id]}

    assert (first.status, len(written)) == ("deferred", 40)
    assert all(stopped.contacts()[id] == calm.contacts()[id] for id in written)
    assert _run(stopped, order).counts["written"] == 20
    assert stopped.contacts() == calm.contacts()


def _run(world: World, order: Order, crm: Any = None) -> Report:
    session = world.session(world.ledger(), crm)
    try:
        return run(session, order)
    finally:
        session.crm.close()


def test_case_67_a_workflow_that_overwrites_our_stage_is_not_fought(world: World) -> None:
    """Overwritten twice in a row: both times its value stands, and is listed with ours beside it and both times. After
    the agreed hold it is written back once; overwritten again, the next hold begins."""
    anna(world)
    ledger = world.ledger()
    world.sync(ledger)
    writes = world.writes
    for value in ("lead", "sql"):
        world.clock.pass_by(minutes=10)
        world.crm.edit("contact", "1", {"cx_stage": value}, by="automation")
        report = world.sync(ledger)
        held = next(each for each in ledger.holds.of(["1"]) if each.property == "cx_stage")

        assert (report.counts["held"], world.properties("1")["cx_stage"]) == (1, value)
        assert (held.live, held.ours) == (value, "mql")
        assert held.until == world.clock() + timedelta(days=30)
    assert world.writes == writes
    world.clock.pass_by(days=20)
    world.saw("1", "list:Visited pricing", 0, 1, 2)  # still an MQL when the hold is over
    world.clock.pass_by(days=10, minutes=1)
    world.sync(ledger)
    assert world.properties("1")["cx_stage"] == "mql"
    world.clock.pass_by(minutes=10)
    world.crm.edit("contact", "1", {"cx_stage": "lead"}, by="automation")
    world.sync(ledger)

    assert world.properties("1")["cx_stage"] == "lead"
    assert [each.live for each in ledger.holds.of(["1"]) if each.property == "cx_stage"] == ["lead"]
