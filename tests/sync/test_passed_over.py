"""Answers that pass over a record in silence: no task is made twice for that, and no link ends (G2, G6, lesson 23)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from connector.crm import Outcome, Task
from connector.ledger import Ledger
from connector.sandbox import Sandbox
from connector.sync import Order, run
from tests.sync.conftest import Build
from tests.sync.sandbox_world import SandboxWorld
from tests.sync.world import COMPANY

#: The CRM is asked for the tasks of a person, and for what stands in them.
WHOSE, WHICH = "associations/.*/contacts/tasks/batch/read", "objects/.*/tasks/batch/read"


def _sent_and_unheard(tmp_path: Path, hubspot: Sandbox, *, arrives: bool = True) -> tuple[SandboxWorld, Ledger]:
    """One hand-off whose task HubSpot made, or not, and never told of; the time in which it may arrive is over."""
    world = SandboxWorld(tmp_path, sandbox=hubspot)
    world.person("1")
    world.asked_for_demo("1")
    ledger = world.ledger()
    hubspot.fault("drop_after" if arrives else "drop_before", method="POST", path="/tasks$")
    report = world.sync(ledger)
    assert (report.counts["unknown"], len(world.handed_over())) == (1, int(arrives))
    world.clock.pass_by(seconds=61)
    return world, ledger


def _told_of_none(hubspot: Sandbox) -> None:
    hubspot.switch(associations_omitted=("tasks",))


@pytest.mark.parametrize(
    "trouble",
    [
        lambda hubspot: hubspot.fault("lose_rows", path=WHOSE, rows=1),
        lambda hubspot: hubspot.fault("lose_rows", path=WHOSE, rows=1, times=0),
        lambda hubspot: hubspot.fault("lose_rows", path=WHICH, rows=1),
        lambda hubspot: hubspot.fault("lose_rows", path=WHICH, rows=1, times=0),
        _told_of_none,
    ],
    ids=["link lost", "link never told", "task lost", "task never told", "links omitted"],
)
def test_g2_g6_lesson_23_a_task_that_an_answer_passes_over_is_not_made_again(
    tmp_path: Path, hubspot: Sandbox, trouble: Callable[[Sandbox], Any]
) -> None:
    """It was made and nobody heard; then the answer that would tell it leaves it out, once or for good."""
    world, ledger = _sent_and_unheard(tmp_path, hubspot)
    trouble(hubspot)

    report = world.sync(ledger)

    assert (report.tasks_created, report.counts["unknown"], world.handed_over()) == (0, 0, ["1"])
    assert [one.state for one in ledger.outbox.of("1")] == ["created"]


def test_g2_lesson_23_a_task_that_nobody_can_say_anything_of_is_waited_for(tmp_path: Path, hubspot: Sandbox) -> None:
    """The links are told as if there were none, and the search, asked as well, does not answer: unknown, as often as
    that is so, and the report says so. Once it answers, the task that never arrived is made, once."""
    world, ledger = _sent_and_unheard(tmp_path, hubspot, arrives=False)
    _told_of_none(hubspot)
    hubspot.fault("answer", status=403, path="tasks/search", times=0)

    for _ in range(2):
        report = world.sync(ledger)
        assert (report.tasks_created, report.counts["unknown"], report.status) == (0, 1, "partial")
        assert [one.code for one in ledger.work.every(report.run)] == ["task_unconfirmed"]
        world.clock.pass_by(minutes=10)
    hubspot.faults.clear()

    assert world.sync(ledger).tasks_created == 1
    assert world.sync(ledger).tasks_created == 0
    hubspot.switch(associations_omitted=())
    assert world.handed_over() == ["1"]


def test_g2_a_task_that_the_state_knows_nothing_of_is_found_on_the_person(memory: Build) -> None:
    """It was made, and the state is a backup from before: no search is needed for it, the person tells it."""
    world = memory()
    world.person("1")
    world.asked_for_demo("1")
    ledger = world.ledger()

    class Unnoted:
        def __init__(self) -> None:
            self._crm = world.adapter()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._crm, name)

        def create_tasks(self, tasks: Sequence[Task], about_to_send: Any) -> list[Outcome]:
            self._crm.create_tasks(tasks, lambda _: None)
            return [Outcome("", "unknown", code="dropped") for _ in tasks]

    run(world.session(ledger, Unnoted()), Order("sync", world.clock()))
    assert [one.state for one in ledger.outbox.of("1")] == ["intended"]
    world.clock.pass_by(minutes=10)

    assert (world.sync(ledger).tasks_created, world.handed_over()) == (0, ["1"])


def test_g3_a_search_that_tells_fewer_tasks_than_it_counts_proves_nothing(tmp_path: Path, hubspot: Sandbox) -> None:
    """The one row that it leaves out may be the task."""
    world, ledger = _sent_and_unheard(tmp_path, hubspot)
    _told_of_none(hubspot)
    hubspot.fault("lose_rows", path="tasks/search", rows=1)

    report = world.sync(ledger)

    assert (report.tasks_created, report.counts["unknown"]) == (0, 1)
    world.clock.pass_by(minutes=10)
    assert (world.sync(ledger).tasks_created, world.handed_over()) == (0, ["1"])


def test_g10_lesson_12_a_link_that_an_answer_passes_over_does_not_end(tmp_path: Path, hubspot: Sandbox) -> None:
    """Ten people at a company are read again, and one of them falls out of the answer that tells whose they are."""
    world = SandboxWorld(tmp_path, sandbox=hubspot)
    people = [str(number) for number in range(1, 11)]
    for id in people:
        world.person(id)
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    for id in people:
        world.edit(id, {"jobtitle": "Student"})
    hubspot.fault("lose_rows", path="contacts/companies/batch/read", rows=2)

    world.sync(ledger)

    assert {id: [one.id for one in those if one.kind == "company"] for id, those in _links(ledger, people).items()} == {
        id: [COMPANY] for id in people
    }


def test_g10_a_link_of_which_nothing_is_said_stays_as_it_was(tmp_path: Path, hubspot: Sandbox) -> None:
    """Asked again and again, the answer never says a word of one of two: neither that there is a link nor that there
    is none. What ended for the others ends."""
    world = SandboxWorld(tmp_path, sandbox=hubspot)
    for id in ("1", "2"):
        world.person(id)
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    for id in ("1", "2"):
        world.edit(id, {"jobtitle": "Student"})
    world.account.links.remove("contacts", "2", "companies", COMPANY)
    hubspot.fault("lose_rows", path="contacts/companies/batch/read", rows=1, times=0)

    world.sync(ledger)

    assert [one.id for one in _links(ledger, ["1"])["1"] if one.kind == "company"] == [COMPANY]
    assert not [one for one in _links(ledger, ["2"]).get("2", ()) if one.kind == "company"]


def _links(ledger: Ledger, ids: list[str]) -> Any:
    return ledger.mirror.links.of(ids)
