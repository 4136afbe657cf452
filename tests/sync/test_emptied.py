"""A field that reads as empty for many at once is not believed: nobody is decided on by it until it is back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connector.ledger import Ledger
from connector.sandbox import Sandbox
from connector.sync import Order, Report, run
from tests.sync.conftest import Build
from tests.sync.dynamics_world import DynamicsWorld
from tests.sync.sandbox_world import SandboxWorld
from tests.sync.world import World

PEOPLE = 52
CAUSE = "emptied.contact.links:company"


def _account(world: World) -> Ledger:
    """So many people at a company that fits, ten of them MQL by it."""
    for number in range(PEOPLE):
        world.person(str(1000 + number))
    for number in range(10):
        world.interested(str(1000 + number))
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(minutes=30)
    world.sync(ledger)
    return ledger


@contextmanager
def _without_companies(world: World) -> Iterator[None]:
    """An upgrade of theirs: links to companies are told no more."""
    if isinstance(world, SandboxWorld):
        world.account.switches = world.account.switches.turned({"associations_omitted": ("companies",)})
        yield
        world.account.switches = world.account.switches.turned({"associations_omitted": ()})
        return
    if isinstance(world, DynamicsWorld):
        world.hides("contact", "parentcustomerid", hidden=True)
        yield
        world.hides("contact", "parentcustomerid", hidden=False)
        return
    links = world.crm.links

    def none_to_companies(kind: str, ids: Any, to: str) -> Any:
        return dict.fromkeys(ids, ()) if to == "company" else links(kind, ids, to)

    world.crm.links = none_to_companies  # type: ignore[method-assign]  # the manner under test
    yield
    world.crm.links = links  # type: ignore[method-assign]  # and its end


def _stages(world: World) -> dict[str, str]:
    return {id: one["cx_stage"] for id, one in world.contacts().items()}


def _later(world: World, ledger: Ledger, **time: float) -> Report:
    world.clock.pass_by(**time)
    return world.sync(ledger)


def test_lesson_13_links_that_are_told_no_more_decide_nothing(build: Build) -> None:
    """The sweep meets no company at anybody: one alert, nothing written; all go on when the links are back."""
    world = build()
    ledger = _account(world)
    stages, writes = _stages(world), world.writes
    with _without_companies(world):
        report = _later(world, ledger, hours=24)
        again = _later(world, ledger, hours=1)

        assert world.writes == writes
        assert _stages(world) == stages
        assert [one.key for one in ledger.aside.open_alerts()] == [f"emptied:{CAUSE}"]
        assert (len(report.alerts), len(again.alerts)) == (1, 0)
        assert {(one["cause"], one["people"]) for one in again.parked} == {(CAUSE, str(PEOPLE))}

    after = _later(world, ledger, hours=1)

    assert ledger.aside.open_alerts() == []
    assert after.parked == []
    assert ledger.mirror.links.linked("company", ["1000", "1051"]) == {"1000", "1051"}
    assert {id: stage for id, stage in _stages(world).items() if stage == "mql"} != {}


def test_lesson_13_what_a_person_has_looked_at_goes_on(tmp_path: Path) -> None:
    """The links are gone for good: whoever releases the group is believed, now and for the others that follow."""
    world = World(tmp_path)
    ledger = _account(world)
    with _without_companies(world):
        report = _later(world, ledger, hours=24)
        waiting = ledger.aside.ids([CAUSE], report.run)
        released = run(world.session(ledger), Order("apply", world.clock(), only=waiting, release=True))
        later = _later(world, ledger, hours=24)

    assert len(waiting) == PEOPLE
    assert released.counts["looked_at"] == PEOPLE
    assert released.counts["written"] > 0
    assert (later.parked, ledger.aside.open_alerts()) == ([], [])


def test_lesson_13_a_property_that_was_deleted_decides_nothing(tmp_path: Path, hubspot: Sandbox) -> None:
    """Unknown names read as "no value": whoever is read loses the title, those whom nobody touched as well."""
    world = SandboxWorld(tmp_path, sandbox=hubspot)
    ledger = _account(world)
    writes = world.writes
    del world.account.definitions["contacts"]["jobtitle"]
    world.account.touch("contacts", *(str(1000 + number) for number in range(51)))

    report = _later(world, ledger, minutes=1)

    assert world.writes == writes
    assert [one["cause"] for one in report.parked] == ["emptied.contact.job_title"]
    assert "job_title" in report.alerts[0]


def test_lesson_13_an_edit_of_many_is_no_outage(tmp_path: Path) -> None:
    """Somebody clears a field of many in one go: those nobody touched still hold it, so it is believed."""
    world = World(tmp_path)
    ledger = _account(world)
    for number in range(50):
        world.edit(str(1000 + number), {"jobtitle": ""})

    report = _later(world, ledger, minutes=1)

    assert report.counts["written"] > 0
    assert not any(one["cause"].startswith("emptied") for one in report.parked)
    assert ledger.aside.open_alerts() == []


def test_lesson_13_whoever_is_only_looked_at_is_read_again_before_a_write(tmp_path: Path) -> None:
    """The look keeps nothing, so what a person did just before it must be met by whoever writes."""
    world = World(tmp_path)
    world.crm.versioned = True
    ledger = _account(world)
    for number in range(50):
        world.edit(str(1000 + number), {"jobtitle": ""})
    world.interested("1050")
    world.edit("1050", {"firstname": "Ann"})  # so that it is read by this run, and young
    read = world.crm.read

    def edited_before_the_look(kind: str, ids: Any, properties: Any) -> Any:
        if sorted(ids) == ["1050", "1051"]:
            world.crm.read = read  # type: ignore[method-assign]  # once
            world.edit("1050", {"lifecyclestage": "subscriber"})
        return read(kind, ids, properties)

    world.crm.read = edited_before_the_look  # type: ignore[method-assign]  # a person in between

    _later(world, ledger, minutes=1)

    assert world.contacts()["1050"]["lifecyclestage"] == "subscriber"


def test_a_counter_that_is_not_told_for_a_while_has_not_risen_when_it_is_back(tmp_path: Path) -> None:
    """Blank is not zero: the mark stays, and its return is no visit of anybody."""
    world = World(tmp_path)
    counter = next(one for one in world.agreement.wiring.signals if one.how == "counter")
    world.person("1", **{counter.key: "12"})
    ledger = world.ledger()
    world.sync(ledger)
    known = len(ledger.mirror.around(["1"])["1"].occurrences)
    for value in ("", "12"):
        world.edit("1", {counter.key: value})
        _later(world, ledger, hours=1)

    assert len(ledger.mirror.around(["1"])["1"].occurrences) == known
    world.edit("1", {counter.key: "13"})
    _later(world, ledger, hours=1)
    assert len(ledger.mirror.around(["1"])["1"].occurrences) == known + 1


def test_a_field_the_agreement_asks_for_no_more_is_no_loss(tmp_path: Path) -> None:
    """Whoever takes a field out of the mapping empties it for everybody, and means it."""
    world = World(tmp_path)
    ledger = _account(world)
    session = world.session(ledger)
    session.fields._columns["contact"] = tuple(  # the mapping without it
        one for one in session.fields._columns["contact"] if one.field != "job_title"
    )
    for number in range(PEOPLE):
        world.edit(str(1000 + number), {"city": "Gdynia"})
    world.clock.pass_by(minutes=1)

    report = run(session, Order("sync", world.clock()))

    assert not any(one["cause"].startswith("emptied") for one in report.parked)
    assert ledger.losses.counts(world.clock.at.replace(year=2020)) == {}
