"""Sales answers on the record, as the loop lives it: read, obeyed, and blanked when a new hand-off begins (G1, G2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.agreement import load_agreement
from connector.config import shipped_mappings
from connector.ledger import Ledger
from tests.sync.conftest import Build
from tests.sync.world import AS_OF, OWNER, World

ANSWERS = ("cx_sales_answer", "cx_rejection_reason", "cx_call_back_on")
RETURNED = {
    "cx_sales_answer": "returned_not_ready",
    "cx_rejection_reason": "no_timing",
    "cx_call_back_on": "2026-05-04",
}


def _returned(build: Build, folder: str = "world") -> tuple[World, Ledger]:
    """Somebody was handed over, sales returned them, and the connector followed."""
    world = build(folder)
    world.person("1")
    world.interested("1")
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(hours=1)
    world.edit("1", RETURNED)
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    return world, ledger


def test_an_answer_is_obeyed_on_the_next_run_and_never_written(build: Build) -> None:
    """Status and wait follow; what sales wrote stays as they wrote it; a second run writes nothing."""
    world, ledger = _returned(build)
    after = world.properties("1")
    writes = world.writes

    world.sync(ledger)

    assert (after["hs_lead_status"], after["cx_stage"], after["cx_returned_count"]) == ("BAD_TIMING", "nurture", "1")
    assert after["cx_wait_until"].startswith("2026-05-04T00:00:00")
    assert after["cx_sales_answer"] == "returned_not_ready"
    assert after.get("cx_sla_state", "") == ""
    assert world.writes == writes


def test_an_answer_counts_from_when_it_was_given(build: Build) -> None:
    """Read after the deadline, given before it: in time."""
    world = build()
    world.person("1")
    world.asked_for_demo("1")
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(minutes=30)
    world.edit("1", {"cx_sales_answer": "accepted"})
    world.clock.pass_by(hours=3)

    world.sync(ledger)

    assert (world.properties("1")["hs_lead_status"], world.properties("1")["cx_sla_state"]) == ("IN_PROGRESS", "met")


def test_a_new_hand_off_blanks_what_people_wrote_without_holding_it(build: Build) -> None:
    """A demo request ends the wait: one task more, three blank fields, no hold, and then silence."""
    world, ledger = _returned(build)
    world.clock.pass_by(days=3)
    world.asked_for_demo("1")
    world.edit("1", {"phone": "1"})

    report = world.sync(ledger)
    writes = world.writes
    again = world.sync(ledger)

    assert [world.properties("1").get(name, "") for name in ANSWERS] == ["", "", ""]
    assert (world.handed_over(), report.counts["held"], ledger.holds.of(["1"])) == (["1", "1"], 0, [])
    assert (again.counts["written"], world.writes) == (0, writes)


def test_the_same_answer_speaks_again_in_the_new_cycle(build: Build) -> None:
    """Blank, filled in anew, obeyed anew."""
    world, ledger = _returned(build)
    world.clock.pass_by(days=3)
    world.asked_for_demo("1")
    world.edit("1", {"phone": "1"})
    world.sync(ledger)
    world.clock.pass_by(hours=1)
    world.edit("1", {"cx_sales_answer": "returned_not_ready"})
    world.clock.pass_by(minutes=10)

    world.sync(ledger)

    assert (world.properties("1")["cx_stage"], world.properties("1")["cx_returned_count"]) == ("nurture", "2")


def test_the_day_to_call_back_wakes_the_person_by_itself(build: Build) -> None:
    """Nobody touches the record: on that day there is one task more, and the day after there is none."""
    world, ledger = _returned(build)
    world.clock.at = AS_OF.replace(month=5, day=4, hour=6)

    world.sync(ledger)
    world.clock.pass_by(days=1)
    world.sync(ledger)

    assert world.handed_over() == ["1", "1"]
    assert world.properties("1").get("cx_call_back_on", "") == ""
    assert ledger.people.transitions("1")[-2].move.cause == "call_back"


def test_a_person_wakes_at_the_very_instant_that_is_due(build: Build) -> None:
    """Neither a run later nor a second before."""
    world, ledger = _returned(build)
    due = AS_OF.replace(month=5, day=4, hour=0)

    world.clock.at = due - timedelta(seconds=1)
    world.sync(ledger)
    assert world.handed_over() == ["1"]
    world.clock.at = due
    world.sync(ledger)

    assert world.handed_over() == ["1", "1"]


def test_a_changed_text_writes_nothing_to_people_already_handed_over(build: Build) -> None:
    """Another language, the same people: not a write, not a task."""
    world = build()
    world.usual_people()
    ledger = world.ledger()
    world.sync(ledger)
    writes, tasks = world.writes, world.handed_over()
    world.agreement = replace(world.agreement, texts=load_agreement(shipped_mappings(), language="id").texts)
    world.clock.pass_by(minutes=10)
    for id in ("1", "2"):
        world.edit(id, {"firstname": "Joanna"})

    report = world.sync(ledger)

    assert (report.counts["looked_at"], world.writes, world.handed_over()) == (2, writes, tasks)


def test_mode_scores_blanks_nobody_s_answer(build: Build) -> None:
    """Only in mode live does a hand-off happen, and only with it is anything blanked."""
    world = build()
    world.person("1", **RETURNED)
    world.interested("1")

    world.sync(world.ledger(), mode="scores")

    assert {name: world.properties("1")[name] for name in ANSWERS} == RETURNED


# -- holds from inside the CRM -----------------------------------------------------------------------------------------


def test_g4_a_hold_from_inside_the_crm_keeps_all_but_scores(build: Build) -> None:
    """Held: scores and nothing else. Over: as if nothing had been, by itself."""
    world = build()
    world.person("1", cx_hold_until="2026-04-02", cx_hold_reason="legal")
    world.asked_for_demo("1")
    ledger = world.ledger()

    report = world.sync(ledger)
    during = world.properties("1")
    again = world.sync(ledger)
    world.clock.pass_by(minutes=10)
    world.edit("1", {"phone": "1"})
    world.clock.pass_by(minutes=10)
    looked = world.sync(ledger)
    world.clock.at = AS_OF.replace(month=4, day=3, hour=0, minute=1)
    world.sync(ledger)

    assert (during["lifecyclestage"], during.get("cx_stage", ""), during["cx_fit_score"] != "") == ("lead", "", True)
    assert "legal" not in str(report.to_json())
    assert again.counts["written"] == 0
    assert looked.counts["looked_at"] == looked.counts["held"] + looked.counts["written"] == 1
    assert world.handed_over() == ["1"]
    assert world.properties("1")["cx_hold_until"][:10] == "2026-04-02"


def test_g4_a_stage_set_while_held_is_adopted_when_the_hold_is_over(build: Build) -> None:
    """The edit is not forgotten, however many runs there are in between."""
    world = build()
    world.person("1")
    world.interested("1")
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    world.edit("1", {"cx_hold_until": "2026-04-02", "lifecyclestage": "salesqualifiedlead"})
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    during = world.properties("1")["cx_stage"]
    world.edit("1", {"phone": "1"})
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    world.clock.at = AS_OF.replace(month=4, day=3, hour=0, minute=1)

    world.sync(ledger)

    assert (during, world.properties("1")["cx_stage"]) == ("mql", "sql")


# -- whose task it is --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("queue", ["501", None])
def test_an_owner_who_takes_no_tasks_gets_none(build: Build, queue: str | None) -> None:
    """Theirs go to the queue; without one, the task is nobody's."""
    world = build()
    world.person("1")
    world.asked_for_demo("1")

    ledger = world.ledger()

    world.sync(ledger, never_to=frozenset((OWNER.id,)), no_owner=queue)

    assert world.handed_over() == ["1"]
    assert [one.owner_id for one in ledger.outbox.of("1")] == [queue]


def test_an_old_interest_makes_no_task(build: Build) -> None:
    """The setting of the connection reaches the decision."""
    world = build()
    world.person("1")
    world.saw("1", "form:demo-request", 10)

    world.sync(world.ledger(), only_signals_newer_than=world.settings.hold / 10)

    assert (world.handed_over(), world.properties("1")["cx_stage"]) == ([], "sal")
