"""Lesson 53: one record that makes no sense stops nobody else, wherever it hurts."""

from __future__ import annotations

import random
from typing import Any

import pytest

from connector.decide import Decider
from connector.fields import FieldMap
from connector.fields.people import People
from connector.ledger.rejects import UNREADABLE
from connector.sync import Order, run
from connector.sync.noting import Noting
from tests.sync.conftest import Build
from tests.sync.world import World

#: What imports, formulas and broken integrations leave in a property.
ODD = (
    "many",
    "1e400",
    "9" * 400,
    "-1",
    "1_000",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-23:59",
    "2026-02-30",
    "99999999999999999",
    "x" * 60_000,
    "a;;b;;;",
    "\x00\x01",
    "{}",
    '{"a": [1, 2]}',
    "<script>",
    "\U0001d518 \u202e \U0001f3f3\ufe0f\u200d\U0001f308",
    "NaN",
    "null",
    "true",
    "0",
    " ",
)
PEOPLE = 40


def peopled(build: Build, folder: str) -> World:
    world = build(folder, page=20)
    for number in range(1, PEOPLE + 1):
        world.person(str(number))
        if number % 3 == 0:
            world.interested(str(number))
        if number % 10 == 0:
            world.asked_for_demo(str(number))
    return world


def seen(world: World, left_out: set[str]) -> dict[str, Any]:
    """What people see of everybody else."""
    state = world.state()
    tasks = [one for one in state["task"].values() if one["contact"] not in left_out]
    return {"contact": {id: one for id, one in state["contact"].items() if id not in left_out}, "task": tasks}


@pytest.mark.parametrize("seed", range(2))
def test_lesson_53_odd_records_leave_everybody_else_as_they_would_be(memory: Build, seed: int) -> None:
    """A few people and things around them hold nonsense, in any property the agreement reads."""
    dice = random.Random(seed)
    plain, odd = peopled(memory, "plain"), peopled(memory, "odd")
    fields = odd.session(odd.ledger()).fields
    struck = {str(number) for number in dice.sample(range(1, PEOPLE + 1), 6)}
    for id in struck:
        names = dice.sample([name for name in fields.properties("contact") if name != "email"], 4)
        odd.edit(id, {name: dice.choice(ODD) for name in names})
    for id in sorted(struck)[:3]:
        deal = {name: dice.choice(ODD) for name in fields.properties("deal")}
        odd.add("deal", f"7{id}", deal)
        odd.link("deal", f"7{id}", "contact", id)
        call = {name: dice.choice(ODD) for name in fields.properties("call")}
        odd.add("call", f"8{id}", call)
        odd.link("call", f"8{id}", "contact", id)

    plain.sync(plain.ledger())
    ledger = odd.ledger()
    report = odd.sync(ledger)

    assert report.status in ("done", "partial")
    assert seen(odd, struck) == seen(plain, struck)
    assert {one.id for one in ledger.rejects.every() if one.kind == "contact"} <= struck
    assert {one.code for one in ledger.rejects.every()} <= set(UNREADABLE)
    odd.clock.pass_by(minutes=10)
    assert odd.sync(ledger).counts["written"] == 0


def test_lesson_53_a_rule_that_fails_on_one_person_fails_for_that_person_alone(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours, of whatever kind, met by one set of facts: rejected with kind and place, no value."""
    world = build()
    for id in ("1", "2", "3"):
        world.person(id)
        world.asked_for_demo(id)
    ledger = world.ledger()
    decide = Decider.decide

    def fragile(self: Decider, person: Any, *rest: Any, **named: Any) -> Any:
        if person.id == "2":
            raise RecursionError(person.fields["email"])
        return decide(self, person, *rest, **named)

    monkeypatch.setattr(Decider, "decide", fragile)
    report = world.sync(ledger)

    assert (report.status, report.set_aside, world.handed_over()) == ("partial", {"undecidable": 1}, ["1", "3"])
    (reject,) = ledger.rejects.every()
    assert (reject.id, "@" in reject.message) == ("2", False)
    assert "RecursionError in test_odd_records.py" in reject.message
    monkeypatch.setattr(Decider, "decide", decide)
    world.clock.pass_by(hours=1)
    assert (world.sync(ledger).status, world.handed_over()) == ("done", ["1", "2", "3"])
    assert ledger.rejects.every() == []


def test_lesson_53_what_cannot_be_said_of_one_hand_off_stops_nobody_else(
    memory: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decided on they are, and what is to be remembered of it breaks a room of ours."""
    world = memory()
    for id in ("1", "2"):
        world.person(id)
        world.asked_for_demo(id)
    noting = Noting.hand_offs

    def fragile(self: Noting, person: Any, *rest: Any) -> Any:
        if person.id == "1":
            raise KeyError(person.fields["email"])
        return noting(self, person, *rest)

    monkeypatch.setattr(Noting, "hand_offs", fragile)
    report = world.sync(world.ledger())

    assert (report.status, report.set_aside, world.handed_over()) == ("partial", {"undecidable": 1}, ["2"])


def test_g6_whoever_cannot_be_decided_on_is_not_decided_on_in_every_run(
    memory: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not though the time has come at which their decision would change: the next attempt has a time of its own."""
    world = memory()
    world.person("1")
    world.asked_for_demo("1")
    ledger = world.ledger()
    world.sync(ledger)
    decided: list[str] = []

    def fragile(self: Decider, person: Any, *rest: Any, **named: Any) -> Any:
        decided.append(person.id)
        raise RecursionError

    monkeypatch.setattr(Decider, "decide", fragile)
    world.clock.pass_by(days=3)
    for _ in range(3):
        world.clock.pass_by(minutes=10)
        world.sync(ledger)

    assert (decided, [one.attempts for one in ledger.rejects.every()]) == (["1"], [1])


def test_lesson_53_a_person_who_cannot_be_put_together_stops_nobody(
    memory: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the reading nor in the assembling of one record do the others of its page stand back."""
    world = memory()
    for id in ("1", "2", "3"):
        world.person(id)
        world.asked_for_demo(id)
    ledger = world.ledger()
    facts, person = FieldMap.facts, People.person

    def unreadable(self: FieldMap, record: Any) -> Any:
        if (record.kind, record.id) == ("contact", "1"):
            raise OverflowError(record.properties["email"])
        return facts(self, record)

    def unbuildable(self: People, contact: Any, **more: Any) -> Any:
        if contact.id == "2":
            raise LookupError(contact.facts["f"]["email"])
        return person(self, contact, **more)

    monkeypatch.setattr(FieldMap, "facts", unreadable)
    monkeypatch.setattr(People, "person", unbuildable)
    report = world.sync(ledger)

    assert (report.counts["rejected"], report.counts["looked_at"], world.handed_over()) == (2, 3, ["3"])
    assert report.set_aside == {"malformed_record": 1, "undecidable": 1}
    assert not any("@" in one.message for one in ledger.rejects.every())


def test_lesson_53_a_record_that_breaks_between_decision_and_write_is_not_written(memory: Build) -> None:
    """Read again before the write, and not understood any more: it is rejected, the other is written."""
    world = memory()
    for id in ("1", "2"):
        world.person(id)
        world.asked_for_demo(id)
    ledger = world.ledger()
    session = world.session(ledger)
    go_on = session.ledger.work.planned

    def later(*arguments: Any, **named: Any) -> Any:
        found = go_on(*arguments, **named)
        if found and "cx_returned_count" not in world.properties("1"):
            world.clock.pass_by(minutes=5)
            world.edit("1", {"cx_returned_count": "many"})
        return found

    session.ledger.work.planned = later  # type: ignore[method-assign]  # stands in for it in this test
    report = run(session, Order("sync", world.clock()))

    assert (report.counts["written"], report.counts["rejected"], report.counts["looked_at"]) == (1, 1, 2)
    assert world.handed_over() == ["2"]
    assert [one.id for one in ledger.rejects.every()] == ["1"]
