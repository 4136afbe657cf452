"""Hand-off tasks in Dynamics: whose they are, what they say, and that a second creation is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.crm import Outcome, Task
from connector.crm.dynamics import Dynamics
from connector.errors import Deferred, Denied
from connector.sandbox.clock import to_ms
from connector.sandbox.dataverse.known import SOMEBODY, TEAM
from connector.sandbox.dataverse.rows import Row
from connector.sandbox.dataverse.schema import Ref
from tests.crm.asking_dynamics import Open
from tests.crm.organisation import Organisation

DUE = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)


@pytest.fixture
def world(organisation: Organisation) -> Organisation:
    return organisation


def task(person: str, marker: str = "cx-1", *, owner: str | None = None, body: str = "", subject: str = "Call") -> Task:
    return Task(person, subject, body or f"Because.\n\n[{marker}]", DUE, "HIGH", owner, marker)


def create(crm: Dynamics, *tasks: Task) -> list[Outcome]:
    return crm.create_tasks(tasks, lambda number: None)


def rows(world: Organisation) -> list[Row]:
    return list(world.inside.shelf("task").rows())


@pytest.mark.parametrize(("owner", "whose"), [(SOMEBODY, Ref("systemuser", SOMEBODY)), (TEAM, Ref("team", TEAM))])
def test_a_task_says_what_to_do_for_whom_by_when_and_is_its_owners(
    dynamics: Dynamics, world: Organisation, owner: str, whose: Ref
) -> None:
    """On a contact; users and teams own."""
    (person,) = world.people(1)

    (outcome,) = create(dynamics, task(person, owner=owner))

    (row,) = rows(world)
    assert (outcome.state, outcome.id) == ("written", row.id)
    assert (row.values["subject"], row.values["description"]) == ("Call", "Because.\n\n[cx-1]")
    assert (row.values["regardingobjectid"], row.values["ownerid"]) == (Ref("contact", person), whose)
    assert (row.values["scheduledend"], row.values["prioritycode"]) == (to_ms(DUE), 2)
    assert (row.values["statecode"], row.values["statuscode"]) == (0, 2)


def test_a_lead_has_its_tasks_and_one_that_folded_gets_them_on_the_contact(
    dynamics: Dynamics, world: Organisation
) -> None:
    """A lead alone is regarded itself; one with a parent is the contact's, and so is the new task."""
    (contact,), alone, folded = world.people(1), world.lead(), world.lead()
    world.give(folded, contact)

    outcomes = create(dynamics, task(alone, "a"), task(folded, "b"))

    regarding = {row.id: row.values["regardingobjectid"] for row in rows(world)}
    assert [regarding[one.id] for one in outcomes] == [Ref("lead", alone), Ref("contact", contact)]
    assert {(one.contact_id, one.id) for one in dynamics.find_tasks([alone, contact])} == {
        (alone, outcomes[0].id),
        (contact, outcomes[1].id),
    }


def test_g2_the_same_hand_off_twice_is_one_task_whatever_it_says_the_second_time(
    open_dynamics: Open, world: Organisation
) -> None:
    """By another process after a crash, with other words; what a person made of the task meanwhile stays."""
    (person,) = world.people(1)
    (first,) = create(open_dynamics(), task(person))
    world.set("task", first.id, subject="Called already")

    (second,) = create(open_dynamics(), task(person, subject="Call at once", body="Other words.\n\n[cx-1]"))
    (other,) = create(open_dynamics(), task(person, "cx-2"))

    assert (second.state, second.id) == ("written", first.id)
    assert other.id != first.id
    assert sorted(str(row.values["subject"]) for row in rows(world)) == ["Call", "Called already"]


@pytest.mark.parametrize("action", ["drop_before", "drop_after", "malformed", "truncated"])
def test_a_lost_answer_is_asked_for_again_and_there_is_one_task(
    dynamics: Dynamics, world: Organisation, action: str
) -> None:
    """That it is there already is the answer."""
    (person,) = world.people(1)
    world.sandbox.fault(action, path="/tasks", method="PATCH")

    assert [one.state for one in create(dynamics, task(person))] == ["written"]
    assert len(rows(world)) == 1


def test_what_stays_away_is_unknown_and_may_be_sent_again(dynamics: Dynamics, world: Organisation) -> None:
    """Nobody answers; later the same task is made, once."""
    (person,) = world.people(1)
    world.sandbox.fault("drop_after", path="/tasks", method="PATCH", times=0)
    assert [(one.id, one.state) for one in create(dynamics, task(person))] == [("", "unknown")]
    world.sandbox.faults.clear()

    assert [one.state for one in create(dynamics, task(person))] == ["written"]
    assert len(rows(world)) == 1


@pytest.mark.parametrize("code", ["0x80040237", "0x80060892", "0x80060882", "0x80040333", ""])
def test_dataverse_trap_19_a_task_that_is_there_is_there_whatever_the_412_is_called(
    dynamics: Dynamics, world: Organisation, code: str
) -> None:
    """It is looked for; a look that comes to nothing leaves it unknown."""
    (person,) = world.people(1)
    (made,) = create(dynamics, task(person))
    body = {"error": {"code": code, "message": ""}}
    world.sandbox.fault("answer", path="/tasks", method="PATCH", status=412, times=0, body=body)

    assert [(one.id, one.state) for one in create(dynamics, task(person))] == [(made.id, "written")]
    world.sandbox.fault("drop_before", path="/tasks", method="GET", times=0)
    assert [one.state for one in create(dynamics, task(person))] == ["unknown"]


@pytest.mark.parametrize("blank", [False, True])
def test_a_duplicate_of_another_kind_is_a_refusal(dynamics: Dynamics, world: Organisation, *, blank: bool) -> None:
    """The environment's own duplicate rules answer with a 412 as well; no task is there."""
    world.sandbox.switch(blank_codes=blank)
    (person,) = world.people(1)
    world.sandbox.do("plugin", {"table": "task", "reason": "DuplicateFound"})

    assert [(one.state, one.code) for one in create(dynamics, task(person))] == [("rejected", "collision")]
    assert rows(world) == []


@pytest.mark.parametrize("code", ["0x80060892", "0x80040333", "0x80060882", ""])
def test_a_task_of_this_id_that_is_there_is_found_whatever_the_refusal_is_called(
    dynamics: Dynamics, world: Organisation, code: str
) -> None:
    """Which code a taken id answers with is not written down: where it may be another duplicate, a look tells."""
    (person,) = world.people(1)
    (first,) = create(dynamics, task(person))
    refusal = {"error": {"code": code, "message": "A record with matching key values already exists."}}
    world.sandbox.fault("answer", path="/tasks", method="PATCH", status=412, body=refusal)

    assert [(one.id, one.state) for one in create(dynamics, task(person))] == [(first.id, "written")]


def test_who_is_gone_gets_no_task(dynamics: Dynamics, world: Organisation) -> None:
    """Deleted, or deactivated; the others do."""
    deleted, inactive, there = world.people(3)
    world.remove("contact", deleted)
    world.set("contact", inactive, statecode=1, statuscode=2)

    outcomes = create(dynamics, *(task(id, f"cx-{id}") for id in (deleted, inactive, there)))

    assert [one.state for one in outcomes] == ["gone", "gone", "written"]
    assert len(rows(world)) == 1


def test_an_owner_who_is_not_there_and_a_missing_right_are_refusals(dynamics: Dynamics, world: Organisation) -> None:
    """With codes of their own; a user who is shut out altogether ends the run."""
    (person,) = world.people(1)
    nobody = "00000000-0000-4000-8000-00000000dead"
    assert [one.code for one in create(dynamics, task(person, owner=nobody))] == ["target_missing"]
    world.sandbox.do("privilege", {"table": "task", "deny": ["Create"]})
    assert [(one.state, one.code) for one in create(dynamics, task(person))] == [("rejected", "scope")]
    world.sandbox.do("privilege", {"table": "task", "grant": ["Create"]})
    world.sandbox.do("app_user", {"disabled": True})
    with pytest.raises(Denied):
        create(dynamics, task(person))
    assert rows(world) == []


def test_a_task_that_cannot_point_to_whom_it_is_about_is_refused_and_the_others_are_made(
    dynamics: Dynamics, world: Organisation
) -> None:
    """Environments differ in where a task may lead; an owner is an id or nobody."""
    (person,), lead = world.people(1), world.lead()
    columns = world.inside.tables["task"].columns
    columns["regardingobjectid"] = replace(columns["regardingobjectid"], targets=("contact", "account"))

    outcomes = create(dynamics, task(lead, "cx-1"), task(person, "cx-2", owner="Anna"), task(person, "cx-3"))

    assert [(one.state, one.code) for one in outcomes] == [
        ("rejected", "not_supported"),
        ("rejected", "not_supported"),
        ("written", ""),
    ]
    assert "cannot point to a lead" in outcomes[0].message
    assert len(rows(world)) == 1


def test_long_words_are_shortened_and_the_marker_stays(dynamics: Dynamics, world: Organisation) -> None:
    """Dataverse takes 200 characters of subject and 2,000 of text."""
    (person,) = world.people(1)
    long = task(person, subject="s" * 300, body="w" * 5000 + "\n\n[cx-1]")

    assert [one.state for one in create(dynamics, long)] == ["written"]
    (found,) = dynamics.find_tasks([person])
    assert len(found.body) == 2000
    assert found.body.endswith("…\n\n[cx-1]")
    assert len(str(rows(world)[0].values["subject"])) == 200


def test_every_task_is_announced_in_order_before_it_can_exist(dynamics: Dynamics, world: Organisation) -> None:
    """Whoever stops in the middle leaves no task that was not announced."""
    ids = world.people(6)
    announced: list[int] = []

    def stop_at_the_fourth(number: int) -> None:
        assert len(rows(world)) <= number
        if number == 3:
            raise Deferred("stop")
        announced.append(number)

    with pytest.raises(Deferred):
        dynamics.create_tasks([task(id, f"cx-{id}") for id in ids], stop_at_the_fourth)

    assert announced == [0, 1, 2]
    assert {row.values["regardingobjectid"] for row in rows(world)} == {Ref("contact", id) for id in ids[:3]}


def test_closed_tasks_are_found_as_well(dynamics: Dynamics, world: Organisation) -> None:
    """A hand-off that sales has dealt with is not handed over again."""
    (person,) = world.people(1)
    (made,) = create(dynamics, task(person))
    world.set("task", made.id, statecode=1, statuscode=5)
    world.pass_time(timedelta(days=30).total_seconds())

    (found,) = dynamics.find_tasks([person])

    assert (found.id, found.created_at is not None, "[cx-1]" in found.body) == (made.id, True, True)
