"""Merges and addresses: one customer stays one, with one history, whatever the account does to the records (G9)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connector.crm import Update
from connector.ledger import Ledger
from connector.ledger.work import OpenClear
from connector.model import Occurrence
from connector.sync import Order, Report, run
from tests.sync.conftest import Build
from tests.sync.crashing import Crash, Fragile, Fuse
from tests.sync.sandbox_world import SandboxWorld
from tests.sync.world import World


def _later(world: World, ledger: Ledger, **time: float) -> Report:
    world.clock.pass_by(**time)
    return world.sync(ledger)


def _handed_over(world: World, *people: str) -> Ledger:
    """The first of these people is handed over for a demo; a day has passed since."""
    for id in people:
        world.person(id)
    world.asked_for_demo(people[0])
    ledger = world.ledger()
    world.sync(ledger)
    _later(world, ledger, days=1)
    assert world.handed_over() == [people[0]]
    return ledger


def test_g9_lesson_49_trap_11_a_chain_of_merges_ends_in_one_history(build: Build) -> None:
    """A into B, B into C, between two runs and after: one track with its own id, one task, all moves on C."""
    world = build()
    ledger = _handed_over(world, "1", "2", "3")
    (track,) = ledger.people.remember(["1"])["1"].tracks
    moves = len(ledger.people.transitions("1"))
    world.clock.pass_by(hours=1)
    world.merge("2", "1")
    world.clock.pass_by(hours=1)
    world.merge("3", "2")

    report = world.sync(ledger)
    again = _later(world, ledger, hours=7)

    memory = ledger.people.remember(["1", "2", "3"])
    assert list(memory) == ["3"]
    (merged,) = memory["3"].tracks
    assert (merged["cycle"], merged["lead_type"]) == (1, track["lead_type"])
    assert world.properties("3")["cx_cycle"] == "1"
    assert len(ledger.people.transitions("3")) >= moves
    assert (report.tasks_created, again.tasks_created, again.counts["written"]) == (0, 0, 0)
    assert world.handed_over() == ["3"]
    assert {one.person_id for one in ledger.outbox.of("3")} == {"3"}
    assert ledger.mirror.alive("contact", ["1", "2", "3"]) == {"3"}


def test_g9_lesson_49_a_merge_hands_nobody_over_again_for_what_was_answered(build: Build) -> None:
    """The one that is left was looked at before the other asked for a demo, which has its task already."""
    world = build()
    ledger = world.ledger()
    for id in ("1", "2"):
        world.person(id)
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    world.asked_for_demo("1")
    world.sync(ledger)
    assert world.handed_over() == ["1"]
    world.clock.pass_by(minutes=10)
    world.merge("2", "1")

    report = _later(world, ledger, minutes=10)
    again = _later(world, ledger, days=1)

    assert (report.tasks_created, again.tasks_created, world.handed_over()) == (0, 0, ["2"])


def test_g9_lesson_49_a_merge_that_makes_a_new_id_keeps_the_track(build: Build) -> None:
    """Both ids vanish and a third stands for them: nobody is adopted anew, no second task, values of ours stay ours."""
    world = build()
    ledger = _handed_over(world, "1", "2")
    (track,) = ledger.people.remember(["1"])["1"].tracks
    world.clock.pass_by(hours=1)
    third = world.merge("1", "2", into="3")

    report = world.sync(ledger)
    again = _later(world, ledger, days=1)

    memory = ledger.people.remember(["1", "2", third])
    assert list(memory) == [third]
    assert [(one["id"], one["cycle"]) for one in memory[third].tracks] == [(track["id"], 1)]
    assert world.handed_over() == [third]
    assert (report.tasks_created, again.tasks_created) == (0, 0)
    assert ledger.holds.every() == []


def test_g9_a_survivor_nobody_has_read_before_takes_over(tmp_path: Path) -> None:
    """It was created and merged into between two runs."""
    world = World(tmp_path)
    ledger = _handed_over(world, "1", "2")
    world.clock.pass_by(hours=1)
    world.person("9")
    world.merge("9", "1")

    _later(world, ledger, minutes=1)

    (track,) = ledger.people.remember(["9"])["9"].tracks
    assert track["cycle"] == 1
    assert world.handed_over() == ["9"]


def test_g9_a_merge_that_nobody_told_of_is_found_by_the_sweep(build: Build) -> None:
    """One record is missed, another lists it: the sweep folds them within the day."""
    world = build()
    world.tells_by_time()
    ledger = _handed_over(world, "1", "2")
    world.clock.pass_by(hours=-3)
    world.merge("2", "1")
    world.clock.pass_by(hours=3)
    soon = _later(world, ledger, minutes=10)
    unseen = ledger.people.remember(["1", "2"])

    in_time = _later(world, ledger, hours=24)

    assert (soon.counts["gone"], len(unseen)) == (0, 2)
    assert list(ledger.people.remember(["1", "2"])) == ["2"]
    assert in_time.tasks_created == 0


def test_g9_what_was_on_hold_or_waited_goes_on_for_the_survivor(tmp_path: Path) -> None:
    """A value that somebody set on the one that is gone and the CRM took over is left alone as long as before."""
    world = World(tmp_path)
    ledger = _handed_over(world, "1", "2")
    world.edit("1", {"cx_persona": "somebody_else"})
    _later(world, ledger, minutes=10)
    (held,) = ledger.holds.every()
    world.clock.pass_by(hours=1)
    world.edit("2", {"cx_persona": ""})
    world.merge("2", "1")

    _later(world, ledger, minutes=10)

    (hold,) = ledger.holds.every()
    assert (hold.person_id, hold.property, hold.until) == ("2", held.property, held.until)
    assert world.properties("2")["cx_persona"] == "somebody_else"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_g9_a_task_under_way_for_the_one_that_is_gone_is_not_made_twice(tmp_path: Path, moment: str) -> None:
    """The process died around the task, and the record was merged before the next run."""
    world = World(tmp_path)
    world.person("1")
    world.person("2")
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(hours=1)
    world.asked_for_demo("1")
    fuse = Fuse(0, moment)
    crm = world.crm
    create = crm._create_task
    crm._create_task = Fragile(crm, fuse, frozenset({"_create_task"}))._create_task  # type: ignore[method-assign]  # stands in for it in this test
    with pytest.raises(Crash):
        world.sync(ledger)
    crm._create_task = create  # type: ignore[method-assign]  # the next process
    world.merge("2", "1")

    for _ in range(3):
        _later(world, ledger, minutes=2)

    assert world.handed_over() == ["2"]


@pytest.mark.parametrize(("own", "ends_as"), [("", "lead"), ("customer", "customer")])
def test_g9_a_stage_cleared_on_the_one_that_is_gone_leaves_nobody_blank(tmp_path: Path, own: str, ends_as: str) -> None:
    """The survivor came out blank: it gets the stage that was to be set. Where it has one of its own, that is nobody's
    to clear."""
    world = World(tmp_path)
    world.person("1")
    world.person("2", lifecyclestage=own or "lead")
    ledger = world.ledger()
    world.sync(ledger)
    clear = OpenClear("1", "lifecyclestage", "customer", "lead")
    ledger.work.open_clear(clear, 1, world.clock())
    world.clock.pass_by(hours=1)
    if not own:
        world.crm.edit("contact", "1", {"lifecyclestage": ""})
        world.crm.edit("contact", "2", {"lifecyclestage": ""})
    world.merge("2", "1")
    _later(world, ledger, minutes=1)
    _later(world, ledger, minutes=1)

    assert ledger.work.open_clears() == []
    assert world.properties("2")["lifecyclestage"] == ends_as


def test_g9_who_is_restored_after_a_merge_is_somebody_of_their_own(tmp_path: Path) -> None:
    """The survivor lists the id for ever; the two do not take turns in being gone."""
    world = World(tmp_path)
    ledger = _handed_over(world, "1", "2")
    world.clock.pass_by(hours=1)
    world.merge("2", "1")
    _later(world, ledger, minutes=1)
    world.person("1")
    for _ in range(3):
        world.edit("2", {"city": f"{world.clock():%H:%M}"})
        world.edit("1", {"city": f"{world.clock():%H:%M}"})
        _later(world, ledger, minutes=10)

        assert ledger.mirror.alive("contact", ["1", "2"]) == {"1", "2"}
    assert set(ledger.people.remember(["1", "2"])) == {"1", "2"}
    assert world.handed_over() == ["2"]


def test_g9_who_takes_somebody_over_while_their_change_is_written_is_decided_on_again(tmp_path: Path) -> None:
    """Both are planned; reading the one shows that it is part of the other by now, whose own record is fresh: the
    hand-offs of both are counted on, and no plan of before the merge overwrites that."""
    world = World(tmp_path)
    ledger = _handed_over(world, "1", "2")
    world.saw("1", "list:Visited pricing", 0)
    world.asked_for_demo("2")
    session = world.session(ledger)
    read, merged = world.crm.read, {}

    def tell(phase: str, done: int, total: int | None) -> None:
        if phase == "looked at":
            merged["1"] = world.merge("2", "1")
            ledger.mirror.distrust("contact", ["1"])

    session.progress = tell
    world.crm.read = (  # type: ignore[method-assign]  # a CRM in which the one that is left answers for both
        lambda kind, ids, names: read(kind, list(dict.fromkeys(merged.get(id, id) for id in ids)), names)
    )
    run(session, Order("sync", world.clock()))

    assert ledger.people.remember(["2"])["2"].tracks[0]["cycle"] == 2
    assert world.properties("2")["cx_cycle"] == "2"


def test_a_merge_is_no_signal(tmp_path: Path) -> None:
    """Counters of two people add up and their dates move; what lists told of the one is told once of the other."""
    world = World(tmp_path)
    counter = next(one for one in world.agreement.wiring.signals if one.how == "counter")
    world.person("1", **{counter.key: "4"})
    world.person("2", **{counter.key: "3"})
    at = world.clock() - timedelta(days=2)
    world.crm.happen(Occurrence("a", "list:Visited pricing", at, "1"))
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(hours=1)
    world.merge("2", "1")
    world.edit("2", {counter.key: "7"})
    world.crm.happen(Occurrence("b", "list:Visited pricing", at, "2"))
    world.crm.happen(Occurrence("c", "list:Visited pricing", at + timedelta(days=1), "1"))

    _later(world, ledger, minutes=1)

    found = ledger.mirror.around(["2"])["2"].occurrences
    assert sorted(one.id for one in found) == ["a", "c"]


def test_lesson_25_another_address_is_the_same_person(tmp_path: Path) -> None:
    """Identity is the CRM's id: a changed e-mail address makes neither a new track nor a second task."""
    world = World(tmp_path)
    ledger = _handed_over(world, "1")
    before = ledger.people.remember(["1"])["1"].tracks
    world.edit("1", {"email": "anna.new@northmill.example"})

    report = _later(world, ledger, minutes=10)

    (after,) = ledger.people.remember(["1"])["1"].tracks
    assert (after["id"], after["cycle"]) == (before[0]["id"], 1)
    assert (report.tasks_created, world.handed_over()) == (0, ["1"])


def test_lesson_26_a_form_knows_people_by_any_of_their_addresses(build: Build) -> None:
    """Somebody asks for a demo with an address that stands second on the record: whether the form or the address comes
    first, it is that person."""
    world = build()
    further = "hs_additional_emails" if isinstance(world, SandboxWorld) else "other_emails"
    world.person("1", **{further: "anna@home.example;a.k@work.example"})
    world.person("2")
    ledger = world.ledger()
    world.sync(ledger)
    _submit(world, "A.K@work.example")
    _submit(world, "later@work.example")
    _later(world, ledger, hours=1)
    first = world.handed_over()
    world.edit("2", {further: "later@work.example"})

    _later(world, ledger, minutes=10)

    assert (first, world.handed_over()) == (["1"], ["1", "2"])


def _submit(world: World, address: str) -> None:
    if isinstance(world, SandboxWorld):
        world.account.submit_form("demo-request", {"email": address}, at=world.clock())
        return
    from connector.fields import email_hash  # noqa: PLC0415 - beside its only use

    world.crm.happen(Occurrence(address, "form:demo-request", world.clock(), None, email_hash(address)))


def test_lesson_48_who_is_deleted_between_plan_and_write_is_gone(tmp_path: Path) -> None:
    """The write comes back as gone, and the person is a tombstone from then on."""
    world = World(tmp_path)
    world.person("1")
    ledger = world.ledger()
    session = world.session(ledger)
    write = world.crm.write

    def deleting(kind: str, updates: list[Update]) -> object:
        world.crm.archive(kind, "1")
        return write(kind, updates)

    world.crm.write = deleting  # type: ignore[method-assign, assignment]  # a person is quicker than us
    from connector.sync import Order, run  # noqa: PLC0415 - beside its only use

    report = run(session, Order("sync", world.clock()))
    world.crm.write = write  # type: ignore[method-assign]  # stands in for it in this test
    later = _later(world, ledger, days=2)

    assert (report.counts["gone"], report.counts["written"]) == (1, 0)
    assert (later.counts["written"], world.writes) == (0, 0)
