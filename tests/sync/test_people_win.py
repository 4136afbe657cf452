"""G4: what others set is adopted or held, and no quarrel between systems is carried on (lessons 17, 36; trap 20)."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.ledger import Ledger
from connector.ledger.holds import Hold
from connector.plan import Limits
from connector.sandbox import Sandbox
from connector.sync import Order, run
from tests.sync.conftest import Build
from tests.sync.crashing import Crash, Fragile, Fuse
from tests.sync.sandbox_world import SandboxWorld
from tests.sync.test_cases import Throttled
from tests.sync.world import AS_OF, World

HOLD = timedelta(days=30)
GRADE, MQL = "cx_score_grade", "marketingqualifiedlead"


def _known(build: Build, people: int = 1) -> tuple[World, Ledger]:
    """So many MQLs whom the connector knows, ten minutes later."""
    world = build()
    for number in range(1, people + 1):
        world.person(str(number))
        world.interested(str(number))
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    return world, ledger


def _hold(ledger: Ledger, name: str = GRADE, id: str = "1") -> Hold:
    (found,) = [one for one in ledger.holds.of([id]) if one.property == name]
    return found


# -- properties: held until their time -----------------------------------------------------------------------------


def test_lesson_36_an_edit_survives_until_its_hold_is_over(build: Build) -> None:
    """A rep sets another grade: it stays for thirty days, known by whom and since when; then ours is written again, by
    the run that the timer starts for it, and nothing after that."""
    world, ledger = _known(build)
    ours = world.properties("1")[GRADE]
    world.set_by("person", "1", {GRADE: "D4"})
    edited_at = world.clock()
    world.clock.pass_by(minutes=10)

    world.sync(ledger)
    hold = _hold(ledger)

    assert (hold.live, hold.ours, hold.by, hold.source) == ("D4", ours, *world.told_as("person"))
    assert (hold.set_at, hold.until) == (edited_at, world.clock() + HOLD)
    assert hold.until is not None

    world.clock.at = hold.until - timedelta(minutes=1)
    world.edit("1", {"city": "Gdynia"})
    world.sync(ledger)
    assert world.properties("1")[GRADE] == "D4"

    due = ledger.people.next_due(world.clock())
    assert due is not None
    assert due <= hold.until
    world.clock.at = hold.until
    world.clock.pass_by(days=1)  # a grade is a displayed score: it is written at the hour of these
    session = world.session(ledger)
    run(session, Order("sync", world.clock(), due_only=True))
    writes = world.writes
    world.sync(ledger)
    assert world.properties("1")[GRADE] != "D4"
    assert (ledger.holds.of(["1"]), world.writes) == ([], writes)


def test_g4_a_hold_knows_whose_value_it_is(memory: Build) -> None:
    """By the history, which is asked once for all of them: not again while the same values stand."""
    writers = ("person", "import", "integration", "automation", "crm", "other")
    world, ledger = _known(memory, len(writers))
    for number, how in enumerate(writers, start=1):
        world.set_by(how, str(number), {GRADE: "D4"})
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    for number in range(1, len(writers) + 1):
        world.edit(str(number), {"jobtitle": "Student"})
    world.sync(ledger)

    assert [_hold(ledger, GRADE, str(number)).by for number in range(1, len(writers) + 1)] == list(writers)
    assert world.crm.calls.by_class["history"] == 1


def test_g4_history_is_asked_for_those_alone_who_differ_fifty_a_call(hubspot: Sandbox, tmp_path: Path) -> None:
    """Seventy people, of whom an import changed sixty: two calls, and none for who has not changed since."""
    world, ledger = _known(lambda folder="world", *, page=100: SandboxWorld(tmp_path, sandbox=hubspot), 70)
    for number in range(1, 61):
        world.set_by("import", str(number), {GRADE: "D4"})
    first = world.sync(ledger)
    world.clock.pass_by(minutes=10)
    for number in range(1, 71):
        world.set_by("person", str(number), {"jobtitle": "Student"})
    second = world.sync(ledger)

    assert len(ledger.holds.every(property=GRADE)) == 60
    assert (first.calls["history"], second.calls.get("history", 0)) == (2, 0)


def test_g4_a_hold_ends_when_the_value_is_ours_again(memory: Build) -> None:
    """The rep takes the edit back: nothing is held, nothing is written."""
    world, ledger = _known(memory)
    ours = world.properties("1")[GRADE]
    world.set_by("person", "1", {GRADE: "D4"})
    world.sync(ledger)
    writes = world.writes
    world.clock.pass_by(minutes=10)
    world.set_by("person", "1", {GRADE: ours})

    world.sync(ledger)

    assert (ledger.holds.of(["1"]), world.writes) == ([], writes)


def test_g4_a_hold_that_is_over_is_not_begun_anew_when_its_write_does_not_go_out(memory: Build) -> None:
    """Its day comes, and the quota is spent: ours is written as soon as there is some, not thirty days later."""
    world, ledger = _known(memory)
    world.set_by("person", "1", {"cx_stage": "customer"})
    world.sync(ledger)
    world.clock.at = _hold(ledger, "cx_stage").until or AS_OF
    world.saw("1", "list:Visited pricing", 0, 1, 2)
    world.edit("1", {"city": "Gdynia"})

    session = world.session(ledger, Throttled(world, people=0))
    spent = run(session, Order("sync", world.clock()))
    world.clock.pass_by(minutes=10)
    world.sync(ledger)

    assert spent.status == "deferred"
    assert (world.properties("1")["cx_stage"], ledger.holds.of(["1"])) == ("mql", [])


def test_g4_released_by_hand_ours_is_written_by_the_next_run(memory: Build) -> None:
    """`holds release`: no waiting for the day."""
    world, ledger = _known(memory)
    ours = world.properties("1")[GRADE]
    world.set_by("person", "1", {GRADE: "D4"})
    world.sync(ledger)
    world.clock.pass_by(minutes=10)

    ledger.let_go("1", [GRADE])
    world.sync(ledger)

    assert (world.properties("1")[GRADE], ledger.holds.of(["1"])) == (ours, [])


def test_g4_values_in_the_crms_own_spelling_are_no_edits(build: Build) -> None:
    """Trailing zeros, a date in milliseconds, an instant with another zone: nothing is held, nothing written."""
    world, ledger = _known(build)
    before = world.properties("1")
    writes = world.writes
    scored = "2026-03-31T14:00:00.000+02:00"
    assert before["cx_scored_at"].startswith("2026-03-31T12:00:00")
    respelt = {"cx_fit_score": f"{before['cx_fit_score']}.0", "cx_scored_at": scored, "cx_cycle": "1.00"}
    world.set_by("crm", "1", respelt)

    world.sync(ledger)

    assert (ledger.holds.of(["1"]), world.writes) == ([], writes)


def test_g4_what_our_own_token_wrote_is_no_edit(memory: Build) -> None:
    """The ledger is restored from last week's backup: what was written since is in the history as ours."""
    world, ledger = _known(memory)
    ledger.database.close()
    shutil.copy(world.folder / "state.db", world.folder / "backup.db")
    world.saw("1", "list:Visited pricing", 0, 0, 0)
    world.saw("1", "list:Attended webinar", 0, 0)
    world.edit("1", {"jobtitle": "Assistant", "city": "Gdynia"})
    world.sync(world.ledger())
    newer = world.properties("1")
    assert newer["cx_fit_score"] != "85"

    world.edit("1", {"jobtitle": "Director of Operations"})
    restored = world.ledger("backup")
    world.sync(restored)

    assert restored.holds.of(["1"]) == []
    assert world.properties("1")["cx_fit_score"] == "85"


def test_g4_where_the_history_calls_every_app_alike_none_of_them_is_us(memory: Build) -> None:
    """It gives no numbers: what another app sets is held, though ours once came in by the same word."""
    world, ledger = _known(memory)
    crm = world.crm
    told = crm.history

    def nameless(*asked: Any) -> Any:
        return {
            id: {
                name: tuple(replace(one, source="INTEGRATION") if one.by == "integration" else one for one in versions)
                for name, versions in properties.items()
            }
            for id, properties in told(*asked).items()
        }

    crm.history = nameless  # type: ignore[method-assign]  # an account that tells less
    world.set_by("integration", "1", {GRADE: "D4"})

    world.sync(ledger)

    assert (_hold(ledger).live, _hold(ledger).by) == ("D4", "integration")


def test_g4_an_echo_does_not_pass_for_us(memory: Build) -> None:
    """A mirror takes our value away, sets it again a minute later, and then sets another: that one is held."""
    world, ledger = _known(memory)
    ours = world.properties("1")[GRADE]
    for value in ("x", ours, "D4"):
        world.set_by("integration", "1", {GRADE: value})
        world.clock.pass_by(minutes=1)

    world.sync(ledger)

    assert (_hold(ledger).live, _hold(ledger).by) == ("D4", "integration")


def test_g4_an_account_that_keeps_values_in_a_form_of_its_own_comes_to_rest(hubspot: Sandbox, tmp_path: Path) -> None:
    """Everything we write is stored in another spelling: the second run writes nothing and holds nothing."""
    world = SandboxWorld(tmp_path, sandbox=hubspot)
    hubspot.switch(normalise_values=True)
    world.person("1")
    world.interested("1")
    ledger = world.ledger()
    world.sync(ledger)
    writes = world.writes
    world.clock.pass_by(minutes=10)
    world.edit("1", {"city": "Gdynia"})

    world.sync(ledger)

    assert (world.writes, ledger.holds.every(), ledger.reversals.every()) == (writes, [], [])


# -- stage and status: adopted, whoever fights -----------------------------------------------------------------------


def test_lesson_36_a_persons_stage_is_adopted_as_often_as_they_set_it(memory: Build) -> None:
    """Three edits in a row, the last one back to ours: each stands at once, none is ever fought or held."""
    world, ledger = _known(memory)
    for stage in ("opportunity", "customer", "marketingqualifiedlead"):
        world.set_by("person", "1", {"lifecyclestage": stage})
        world.clock.pass_by(minutes=10)
        world.sync(ledger)
        assert world.properties("1")["lifecyclestage"] == stage

    moves = [one.move for one in ledger.people.transitions("1") if one.move.cause == "person"]
    assert [one.after for one in moves if one.what == "stage"] == ["opportunity", "customer", "mql"]
    assert (ledger.holds.of(["1"]), ledger.reversals.every()) == ([], [])


def test_g4_two_edits_between_two_runs_are_one_transition(memory: Build) -> None:
    """Only what stands in the end counts, dated by it."""
    world, ledger = _known(memory)
    world.set_by("person", "1", {"lifecyclestage": "customer"})
    world.clock.pass_by(minutes=10)
    world.set_by("person", "1", {"lifecyclestage": "opportunity"})
    world.sync(ledger)

    moves = [one.move for one in ledger.people.transitions("1") if one.move.cause == "person"]
    assert [one.after for one in moves if one.what == "stage"] == ["opportunity"]


def test_g4_a_judgement_never_expires_and_nobody_elses_status_is_ours_to_write(memory: Build) -> None:
    """Unqualified by a rep: so it stays for a year, whatever the scores say meanwhile. On somebody whom we never handed
    over, a status that others set is none of our business, whoever they are."""
    world, ledger = _known(memory)
    world.person("2", jobtitle="Student")
    world.set_by("person", "1", {"hs_lead_status": "UNQUALIFIED"})
    world.set_by("automation", "2", {"hs_lead_status": "OPEN"})
    world.sync(ledger)
    for _ in range(4):
        world.clock.pass_by(days=91)
        world.interested("1")
        world.set_by("automation", "2", {"hs_lead_status": "OPEN"})
        world.edit("2", {"city": "Gdynia"})
        world.sync(ledger)

    assert [world.properties(id)["hs_lead_status"] for id in ("1", "2")] == ["UNQUALIFIED", "OPEN"]
    assert (ledger.reversals.every(), world.handed_over()) == ([], ["1"])


def test_g4_an_edit_that_arrives_while_the_write_is_under_way_is_adopted(build: Build) -> None:
    """The call has gone out, its answer is here, nothing is recorded yet: the rep's stage stands after the next run."""
    world = build()
    world.person("1")
    world.interested("1")
    ledger = world.ledger()
    session = world.session(ledger)
    write = session.crm.write

    def write_and_be_overtaken(kind: str, updates: object) -> object:
        outcomes = write(kind, updates)  # type: ignore[arg-type]  # passed through
        world.set_by("person", "1", {"lifecyclestage": "opportunity"})
        return outcomes

    session.crm.write = write_and_be_overtaken  # type: ignore[method-assign,assignment]  # somebody is quick
    run(session, Order("sync", world.clock()))
    world.clock.pass_by(minutes=10)
    world.sync(ledger)

    assert world.properties("1")["lifecyclestage"] == "opportunity"
    assert [one.move.after for one in ledger.people.transitions("1") if one.move.cause == "person"] == ["opportunity"]


def test_g4_an_import_is_one_flood_and_a_reps_edits_go_on(memory: Build) -> None:
    """An import makes twelve people customers: it is adopted, and what follows waits for a review under its own cause;
    the rep who set one stage meanwhile is not held up by it."""
    world, ledger = _known(memory, 13)
    for number in range(2, 14):
        world.set_by("import", str(number), {"lifecyclestage": "customer"})
    world.set_by("person", "1", {"lifecyclestage": "customer"})

    report = world.sync(ledger, limits=Limits(changes_per_run=10, changes_per_day=30, max_share=1.0))

    assert [(one["cause"], one["people"]) for one in report.parked] == [("import", "12")]
    assert len(report.alerts) == 1
    assert world.properties("1")["cx_stage"] == "customer"
    assert world.properties("2")["lifecyclestage"] == "customer"  # theirs stands, whatever we think of it


# -- quarrels between systems ------------------------------------------------------------------------------------------


def _reset(world: World, people: int = 1, **values: str) -> None:
    """The account's automation does it again."""
    for number in range(1, people + 1):
        world.set_by("automation", str(number), values)
    world.clock.pass_by(minutes=10)


def test_lesson_17_a_stage_that_another_system_sets_back_twice_is_not_fought(build: Build) -> None:
    """Written again once; the second time it is left as it is, until somebody releases it. The rest goes on."""
    world, ledger = _known(build)
    _reset(world, lifecyclestage="lead")
    world.sync(ledger)
    assert world.properties("1")["lifecyclestage"] == "marketingqualifiedlead"

    told: list[str] = []
    for _ in range(3):
        _reset(world, lifecyclestage="lead")
        told += world.sync(ledger).conflicts
        assert world.properties("1")["lifecyclestage"] == "lead"
    stage = world.named("lifecyclestage")
    hold = _hold(ledger, stage)

    assert (hold.code, hold.by, hold.until) == ("conflict", world.told_as("automation")[0], None)
    assert (hold.live, hold.ours) == (world.text("lifecyclestage", "lead"), world.text("lifecyclestage", MQL))
    assert len(told) == 1
    assert world.properties("1")["cx_stage"] == "mql"
    world.edit("1", {"city": "Gdynia"})
    assert world.sync(ledger).warnings == []  # told once, and no more

    ledger.let_go("1", [stage])
    world.sync(ledger)
    assert world.properties("1")["lifecyclestage"] == MQL
    _reset(world, lifecyclestage="lead")
    world.sync(ledger)
    assert world.properties("1")["lifecyclestage"] == "marketingqualifiedlead"  # counting begins anew


def test_lesson_17_any_other_system_is_treated_alike(memory: Build) -> None:
    """Another app, and a source that nobody has classed yet."""
    world, ledger = _known(memory, 2)
    for _ in range(2):
        for id, how in (("1", "integration"), ("2", "other")):
            world.set_by(how, id, {"lifecyclestage": "lead"})
        world.clock.pass_by(minutes=10)
        report = world.sync(ledger)

    assert [text.partition(" set our")[0].partition(": ")[2] for text in report.conflicts] == [
        "app 4711",
        "another system (new source)",
    ]
    assert {(one.by, one.code) for one in ledger.holds.every()} == {("integration", "conflict"), ("other", "conflict")}


def test_lesson_17_one_workflow_that_fights_over_many_is_one_alert_with_its_name(
    hubspot: Sandbox, tmp_path: Path
) -> None:
    """Six people, one writer: told once, by number and name, however long it goes on; two more make it no news."""
    world, ledger = _known(lambda folder="world", *, page=100: SandboxWorld(tmp_path, sandbox=hubspot), 8)
    world.automation("12345", "Reset status", "lifecyclestage")
    told: list[str] = []
    for people in (6, 6, 8, 8):
        _reset(world, people, lifecyclestage="lead")
        told += world.sync(ledger).conflicts

    assert len(told) == 1
    assert 'lifecyclestage of 6 people: automation 12345 "Reset status" set our value back 2 times' in told[0]
    (alert,) = ledger.aside.open_alerts()
    assert alert.people == 8
    ((group),) = ledger.holds.frozen()
    assert (group.people, group.name) == (8, "Reset status")

    for hold in ledger.holds.every(property="lifecyclestage"):
        ledger.let_go(hold.person_id, [hold.property])
    world.sync(ledger)
    assert ledger.aside.open_alerts() == []


def test_lesson_17_a_property_that_was_written_back_once_is_then_left_alone(memory: Build) -> None:
    """The hold is over, ours is written, and set back again: now for good, not for another thirty days."""
    world, ledger = _known(memory)
    _reset(world, cx_persona="x")
    world.sync(ledger)
    first = _hold(ledger, "cx_persona")
    assert (first.code, first.by) == ("edit", "automation")
    world.clock.at = (first.until or AS_OF) + timedelta(days=1)
    world.sync(ledger)
    assert world.properties("1")["cx_persona"] != "x"

    _reset(world, cx_persona="x")
    world.sync(ledger)

    assert (_hold(ledger, "cx_persona").code, _hold(ledger, "cx_persona").until) == ("conflict", None)
    assert ledger.people.next_due(world.clock()) is None or world.properties("1")["cx_persona"] == "x"


def test_g2_a_crash_after_the_write_that_answers_a_reversal_changes_nothing(memory: Build) -> None:
    """The run dies with the call under its belt and nothing recorded: the next reversal is the second all the same."""
    world, ledger = _known(memory)
    _reset(world, lifecyclestage="lead")
    session = world.session(ledger)
    session.crm = Fragile(session.crm, Fuse(0, "after"), frozenset({"write"}))
    with pytest.raises(Crash):
        run(session, Order("sync", world.clock()))
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    assert world.properties("1")["lifecyclestage"] == "marketingqualifiedlead"

    _reset(world, lifecyclestage="lead")
    world.sync(ledger)

    assert _hold(ledger, "lifecyclestage").code == "conflict"


def test_g4_a_person_who_decides_ends_nothing_and_is_obeyed(memory: Build) -> None:
    """While a stage is frozen a rep sets another one: it is adopted."""
    world, ledger = _known(memory)
    for _ in range(2):
        _reset(world, lifecyclestage="lead")
        world.sync(ledger)
    assert _hold(ledger, "lifecyclestage").code == "conflict"

    world.set_by("person", "1", {"lifecyclestage": "opportunity"})
    world.clock.pass_by(minutes=10)
    world.sync(ledger)

    assert ledger.people.transitions("1")[-1].move.cause == "person"
    assert (world.properties("1")["lifecyclestage"], world.properties("1")["cx_stage"]) == (
        "opportunity",
        "opportunity",
    )


def test_g4_a_plan_asks_and_keeps_nothing(memory: Build) -> None:
    """`plan` says what it would stop fighting; holds, reversals and alerts are as before."""
    world, ledger = _known(memory)
    _reset(world, lifecyclestage="lead")
    world.sync(ledger)
    _reset(world, lifecyclestage="lead")

    session = world.session(ledger)
    report = run(session, Order("plan", world.clock(), write=False))
    session.crm.close()

    assert len(report.conflicts) == 1
    assert (ledger.holds.of(["1"]), ledger.aside.open_alerts()) == ([], [])
    assert [one.times for one in ledger.reversals.every()] == [1]


def test_g9_holds_follow_a_merge(memory: Build) -> None:
    """What was held on the loser is held on the survivor, and nobody gone has anything on hold."""
    world, ledger = _known(memory, 2)
    world.set_by("person", "2", {GRADE: "D4"})
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    world.crm.merge("contact", "1", "2")
    world.edit("1", {GRADE: "D4"})
    world.sync(ledger)

    assert [(one.person_id, one.live) for one in ledger.holds.every() if one.property == GRADE] == [("1", "D4")]


def test_g4_never_after_human_means_humans(memory: Build) -> None:
    """A rep's value stands for good; what a workflow set is replaced when its hold is over."""
    world = memory()
    rules = {**world.agreement.write_back.rules}
    rules["persona"] = replace(rules["persona"], policy="never_after_human")
    world.agreement = replace(world.agreement, write_back=replace(world.agreement.write_back, rules=rules))
    world.person("1")
    world.person("2")
    ledger = world.ledger()
    world.sync(ledger)
    world.set_by("person", "1", {"cx_persona": "x"})
    world.set_by("automation", "2", {"cx_persona": "x"})
    world.clock.pass_by(minutes=10)
    world.sync(ledger)

    assert _hold(ledger, "cx_persona", "1").until is None
    assert _hold(ledger, "cx_persona", "2").until == world.clock() + HOLD
