"""G6: nothing is lost without a trace: every answer adds up, whoever is unknown is read back, loss is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from connector.crm import Outcome, Task, Update
from connector.errors import Denied, Transient, Unaccounted
from connector.ledger import Ledger
from connector.ledger.work import Work
from connector.sync import Order, Report, run
from tests.sync.conftest import Build
from tests.sync.sandbox_world import SandboxWorld
from tests.sync.world import World

Outcomes = list[Outcome]


class Telling:
    """The CRM as it is, except that what it did is told otherwise."""

    def __init__(
        self,
        world: World,
        updates: Callable[[Outcomes], Outcomes] = lambda told: told,
        tasks: Callable[[Outcomes], Outcomes] = lambda told: told,
    ) -> None:
        self._crm, self._of_updates, self._of_tasks = world.adapter(), updates, tasks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crm, name)

    def write(self, kind: str, updates: Sequence[Update]) -> Outcomes:
        return self._of_updates(self._crm.write(kind, updates))

    def create_tasks(self, tasks: Sequence[Task], about_to_send: Callable[[int], None]) -> Outcomes:
        return self._of_tasks(self._crm.create_tasks(tasks, about_to_send))


def sync(world: World, ledger: Ledger, crm: Any = None) -> Report:
    session = world.session(ledger, crm)
    try:
        return run(session, Order("sync", world.clock()))
    finally:
        session.crm.close()


def two_hot_people(build: Build) -> World:
    world = build()
    for id in ("1", "2"):
        world.person(id)
        world.asked_for_demo(id)
    return world


def test_g6_an_answer_that_does_not_add_up_ends_the_run_and_nothing_is_believed(memory: Build) -> None:
    """Inputs are the sum of outcomes, each id exactly once; else not a single one counts as written."""
    world = two_hot_people(memory)
    ledger = world.ledger()

    with pytest.raises(Unaccounted, match="missing 1"):
        sync(world, ledger, Telling(world, updates=lambda told: told[1:]))

    (last,) = ledger.runs.recent(1)
    assert (last.status, last.report["code"]) == ("failed", "unaccounted")
    assert [one.tracks for one in ledger.people.remember(["1", "2"]).values()] == [(), ()]
    assert ledger.work.states(last.number) == {"planned": 2}
    assert world.handed_over() == []
    world.clock.pass_by(minutes=10)
    assert (sync(world, ledger).status, world.handed_over()) == ("done", ["1", "2"])


def test_g6_tasks_that_do_not_add_up_are_looked_for_and_never_doubled(memory: Build) -> None:
    """They were made; the next run finds them by their markers."""
    world = two_hot_people(memory)
    ledger = world.ledger()

    with pytest.raises(Unaccounted, match="2 tasks went out"):
        sync(world, ledger, Telling(world, tasks=lambda told: told[1:]))

    world.clock.pass_by(minutes=10)
    assert (sync(world, ledger).status, world.handed_over()) == ("done", ["1", "2"])


def test_g6_a_run_whose_people_do_not_add_up_says_so(memory: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at are the sum of ends: a run that loses somebody is no success."""
    world = two_hot_people(memory)
    ledger = world.ledger()
    states = Work.states
    lost = {"written": 1}
    monkeypatch.setattr(
        Work, "states", lambda work, run, *_: {**states(work, run), **(lost if states(work, run) else {})}
    )

    with pytest.raises(Unaccounted, match="looked at 2 people, and their ends are: 1 written"):
        sync(world, ledger)

    assert ledger.runs.recent(1)[0].status == "failed"


@pytest.mark.parametrize("arrived", [True, False])
def test_lesson_23_the_next_run_reads_back_before_it_writes_again(memory: Build, arrived: bool) -> None:
    """At once, with no time gone by: what stands there is found and not sent a second time."""
    world = memory()
    world.person("1")
    world.asked_for_demo("1")
    ledger = world.ledger()
    unknown = lambda told: [Outcome(one.id, "unknown", code="no_answer") for one in told]  # noqa: E731 - one place
    if arrived:
        report = sync(world, ledger, Telling(world, updates=unknown))
    else:
        crm = Telling(world)
        crm.write = lambda kind, updates: unknown([Outcome(one.id, "unknown") for one in updates])  # type: ignore[method-assign]  # stands in for it in this test
        report = sync(world, ledger, crm)
    assert (report.status, report.counts["unknown"]) == ("partial", 1)
    assert ledger.people.remember(["1"])["1"].tracks == ()
    writes = world.writes

    assert (sync(world, ledger).status, world.handed_over()) == ("done", ["1"])

    made = world.writes - writes
    assert made == (1 if arrived else 2)  # the task; and the properties where they were not there


@pytest.mark.parametrize(
    ("action", "path"),
    [
        ("drop_after", "contacts/batch/update"),
        ("drop_after", "/tasks$"),
    ],
)
def test_lesson_23_lesson_24_whatever_breaks_while_writing_nothing_is_done_twice(
    tmp_path: Any, hubspot: Any, action: str, path: str
) -> None:
    """Applied or not, answered or not: each property is written once, each task made once, looked up by association."""
    world = SandboxWorld(tmp_path, sandbox=hubspot)
    world.person("1")
    world.asked_for_demo("1")
    ledger = world.ledger()
    hubspot.fault(action, method="POST", path=path)

    sync(world, ledger)
    for _ in range(2):
        world.clock.pass_by(minutes=2)
        report = sync(world, ledger)

    assert (report.status, world.handed_over()) == ("done", ["1"])
    assert world.properties("1")["lifecyclestage"] == "marketingqualifiedlead"
    crm = world.adapter()
    versions = crm.history("contact", ["1"], ["cx_stage"])["1"]["cx_stage"]
    crm.close()
    assert len(versions) == 1


def test_lesson_24_a_task_that_may_be_under_way_is_looked_for_until_it_must_have_shown(memory: Build) -> None:
    """Created, and the answer lost: within the settle time it is unknown, and never a second one."""
    world = memory()
    world.person("1")
    world.asked_for_demo("1")
    ledger = world.ledger()
    lost = lambda told: [Outcome("", "unknown", code="no_answer") for _ in told]  # noqa: E731 - one place

    report = sync(world, ledger, Telling(world, tasks=lost))
    assert (report.status, report.counts["unknown"], world.handed_over()) == ("partial", 1, ["1"])

    world.clock.pass_by(seconds=5)
    assert (sync(world, ledger).status, world.handed_over()) == ("done", ["1"])


def test_lesson_24_a_task_that_never_arrived_is_made_after_the_settle_time(build: Build) -> None:
    """Not found at once means little; not found after a minute means that it is not there."""
    world = build()
    world.person("1")
    world.asked_for_demo("1")
    ledger = world.ledger()
    crm = Telling(world)

    def nothing(tasks: Sequence[Task], about_to_send: Callable[[int], None]) -> Outcomes:
        about_to_send(0)
        return [Outcome("", "unknown", code="no_answer")]

    crm.create_tasks = nothing  # type: ignore[method-assign]  # stands in for it in this test
    sync(world, ledger, crm)
    world.clock.pass_by(seconds=30)
    report = sync(world, ledger)
    assert (report.counts["unknown"], world.handed_over()) == (1, [])
    assert [one.code for one in ledger.work.every(report.run)] == ["task_unconfirmed"]

    world.clock.pass_by(seconds=31)
    assert (sync(world, ledger).status, world.handed_over()) == ("done", ["1"])


# -- permission lost in the middle ------------------------------------------------------------------------------------


def missing(*scopes: str) -> dict[str, Any]:
    context = {"requiredGranularScopes": list(scopes)}
    return {"category": "MISSING_SCOPES", "message": "no", "errors": [{"message": "no", "context": context}]}


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("deals/search", "crm.objects.deals.read"),
        ("contacts/batch/update", "crm.objects.contacts.write"),
    ],
)
def test_lesson_52_a_scope_lost_in_the_middle_is_named_and_nothing_is_decided_without_it(
    tmp_path: Any, hubspot: Any, path: str, scope: str
) -> None:
    """The run fails with the scope to add, the cursor stays, nobody is written on half of the facts; then all heals."""
    world = SandboxWorld(tmp_path, sandbox=hubspot)
    world.person("1")
    world.person("2")
    world.deal("20", "2", "appointmentscheduled")
    ledger = world.ledger()
    sync(world, ledger)
    world.clock.pass_by(minutes=10)
    world.asked_for_demo("1")
    world.edit("1", {"firstname": "Annabel"})
    world.account.edit("deals", "20", {"amount": "1"})
    cursors = {kind: ledger.cursors.of(f"changes:{kind}") for kind in ("deal", "contact")}
    world.clock.pass_by(minutes=10)
    hubspot.fault("answer", path=path, times=0, status=403, body=missing(scope))

    with pytest.raises(Denied, match=scope):
        sync(world, ledger)

    (last,) = ledger.runs.recent(1)
    assert (last.status, last.report["code"]) == ("failed", "scope")
    assert scope in last.report["message"]
    assert world.handed_over() == []
    if "update" not in path and "tasks" not in path:
        assert last.report["counts"]["written"] == 0
        assert ledger.cursors.of("changes:contact") == cursors["contact"]
    if "deals" in path:
        assert ledger.cursors.of("changes:deal") == cursors["deal"]
    hubspot.faults.clear()
    world.clock.pass_by(minutes=10)
    assert (sync(world, ledger).status, world.handed_over()) == ("done", ["1"])


def test_a_source_that_is_out_of_order_hinders_nobody(tmp_path: Any) -> None:
    """A form whose submissions cannot be read today: the others' signals are, people are decided on, and it is told."""
    world = World(tmp_path)
    world.person("1")
    world.asked_for_demo("1")
    ledger = world.ledger()
    occurrences, broken = world.crm.occurrences, "list:Visited pricing"

    def out_of_order(source: str, *given: Any) -> Any:
        if source == broken:
            raise Transient("HubSpot answers 500.", code="server_error")
        return occurrences(source, *given)

    world.crm.occurrences = out_of_order  # type: ignore[method-assign]  # for a while
    report = world.sync(ledger)
    world.crm.occurrences = occurrences  # type: ignore[method-assign]  # in order again
    world.clock.pass_by(minutes=10)

    assert (report.status, world.handed_over()) == ("partial", ["1"])
    assert [one for one in report.unseen if broken in one]
    assert world.sync(ledger).status == "done"


def test_lesson_52_a_list_that_may_not_be_read_any_more_makes_the_run_partial(tmp_path: Any, hubspot: Any) -> None:
    """The others go on, and the run says what it does not see, every time."""
    world = SandboxWorld(tmp_path, sandbox=hubspot)
    world.person("1")
    world.asked_for_demo("1")
    ledger = world.ledger()
    hubspot.fault("answer", path="/lists/", times=0, status=403, body=missing("crm.lists.read"))

    for _ in range(2):
        report = sync(world, ledger)
        assert report.status == "partial"
        assert any("crm.lists.read" in one and "list:Visited pricing" in one for one in report.unseen)
        world.clock.pass_by(minutes=10)

    assert world.handed_over() == ["1"]
    hubspot.faults.clear()
    assert sync(world, ledger).status == "done"
