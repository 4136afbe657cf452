"""Acceptance cases about what sales does: attempts, lead status, and the follow-up clock (domain 4, cases 42 to 49)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connector.agreement.terms import Calendar
from connector.decide.calendar import BusinessHours
from connector.model import Activity, Decision

from .conftest import V1, Desk, at, edit, person

WARSAW = BusinessHours(Calendar(country="PL"), ZoneInfo("Europe/Warsaw"))


def call(when: str, outcome: str | None = "no_answer", *, direction: str = "outbound", actor: str = "rep") -> Activity:
    """A call of sales with Anna."""
    return Activity(f"call@{when}", "call", at(when), direction, outcome, actor, "7", 0.0)


def worked(desk: Desk, *activities: Activity, when: str = "04-01 12:00", owner_id: str | None = "7") -> Decision:
    """Anna handed over on 31 March at noon, then looked at again with these activities."""
    desk.decide(person(*V1, owner_id=owner_id))
    return desk.decide(person(*V1, activities=activities, owner_id=owner_id), when)


def test_case_42_three_dials_in_a_minute_are_one_attempt(desk: Desk) -> None:
    """Dials closer than the gap count once, and the status follows."""
    decision = worked(desk, call("03-31 14:00:00"), call("03-31 14:00:20"), call("03-31 14:00:50"))

    assert (decision.outputs["attempts"], decision.outputs["status"]) == (1, "attempting")


def test_case_43_an_automatic_step_is_no_attempt(desk: Desk) -> None:
    """A sequence e-mail two minutes after the hand-off counts for nothing; the clock runs."""
    automatic = Activity("e", "email", at("03-31 12:02"), "outbound", "sent", "automation", "7")
    decision = worked(desk, automatic, when="03-31 15:00")

    assert (decision.outputs["attempts"], decision.outputs["status"]) == (0, "new")
    assert decision.outputs["sla_state"] == "running"


def test_case_44_who_calls_us_is_connected(desk: Desk) -> None:
    """The person phones in before any attempt: connected, accepted by sales, clock met."""
    decision = worked(desk, call("03-31 14:00", "connected", direction="inbound"))

    assert (decision.tracks[0].status, decision.tracks[0].stage) == ("connected", "sal")
    assert decision.outputs["sla_state"] == "met"


def test_case_45_an_unknown_outcome_counts_and_advances_nothing(desk: Desk) -> None:
    """A portal-specific outcome: an attempt, no new status, and a warning that names it."""
    decision = worked(desk, call("03-31 14:00", "unmapped:abc-123"))

    assert (decision.outputs["attempts"], decision.outputs["status"]) == (1, "new")
    assert "call outcome abc-123 is not mapped" in decision.warnings


def test_case_46_a_deadline_skips_the_weekend_and_the_holiday() -> None:
    """One hour from Friday 16:40 ends on Tuesday 9:40, since Monday is Easter Monday."""
    friday = datetime(2026, 4, 3, 16, 40, tzinfo=ZoneInfo("Europe/Warsaw"))

    assert WARSAW.due(friday, 1) == at("04-07 07:40")


def test_case_47_a_deadline_keeps_local_hours_when_the_clocks_change() -> None:
    """Four hours from Friday 16:30 end on Monday 12:30 local, which is 10:30 UTC after the change."""
    friday = datetime(2026, 3, 27, 16, 30, tzinfo=ZoneInfo("Europe/Warsaw"))

    assert WARSAW.due(friday, 4) == at("03-30 10:30")


def test_a_deadline_skips_days_off_of_our_own() -> None:
    """A company holiday counts like a public one."""
    hours = BusinessHours(Calendar(days_off=frozenset({date(2026, 4, 1)})), ZoneInfo("UTC"))

    assert hours.due(at("03-31 16:00"), 2) == at("04-02 10:00")


def test_case_48_without_an_owner_the_clock_of_the_rep_does_not_run(desk: Desk) -> None:
    """Three hours nobody's: no due time; it runs from the moment an owner is there."""
    desk.decide(person(*V1, owner_id=None))
    nobody = desk.decide(person(*V1, owner_id=None), "03-31 15:00")
    owned = desk.decide(person(*V1), "03-31 15:30")

    assert (nobody.outputs["sla_state"], nobody.outputs["sla_due"]) == ("no_owner", None)
    assert (owned.outputs["sla_state"], owned.outputs["sla_due"]) == ("running", at("04-01 15:30"))


def test_case_49_a_new_owner_does_not_undo_the_first_attempt(desk: Desk) -> None:
    """The first owner's call met the clock; it stays met, and the attempt still counts."""
    worked(desk, call("03-31 14:00"))
    decision = desk.decide(person(*V1, activities=(call("03-31 14:00"),), owner_id="8"), "04-02 12:00")

    assert (decision.outputs["sla_state"], decision.outputs["attempts"]) == ("met", 1)


def test_without_an_attempt_the_follow_up_is_late(desk: Desk) -> None:
    """Eight business hours after the hand-off and a moment it is late; a call then does not make it met."""
    late = worked(desk, when="04-01 12:01")
    called = desk.decide(person(*V1, activities=(call("04-01 13:00"),)), "04-01 14:00")

    assert (late.outputs["sla_state"], called.outputs["sla_state"]) == ("late", "late")


def test_tried_often_enough_the_person_goes_to_nurture(desk: Desk) -> None:
    """Six attempts in fourteen days without a contact: exhausted, nurture, a wait."""
    calls = [call(f"04-{day:02} 10:00") for day in (1, 2, 7, 8, 9, 13)]
    decision = worked(desk, *calls, when="04-14 13:00")

    assert (decision.tracks[0].stage, decision.outputs["status"]) == ("nurture", "attempts_exhausted")
    assert decision.tracks[0].wait_until == at("04-14 13:00") + timedelta(days=60)


@pytest.mark.parametrize("judgement", ["in_progress", "bad_timing", "unqualified"])
def test_a_judgement_is_never_overwritten_by_a_fact(desk: Desk, judgement: str) -> None:
    """What a person said about a person stays, whatever is called and mailed afterwards."""
    desk.decide(person(*V1))
    said = edit("status", "new", judgement, "03-31 13:00")
    desk.decide(person(*V1, edits={"status": said}), "03-31 13:30")
    decision = desk.decide(person(*V1, activities=(call("03-31 14:00"),)), "03-31 15:00")

    assert decision.tracks[0].status == judgement
    assert decision.outputs.get("status", judgement) == judgement


def test_a_demo_request_is_more_urgent_than_any_score(desk_with: Callable[..., Desk]) -> None:
    """When tasks must queue, the fast track goes first."""
    from .test_acceptance_cases import DEMO  # noqa: PLC0415  one constant

    scored, asked = desk_with().decide(person(*V1)), desk_with().decide(person(DEMO))

    assert asked.tasks[0].urgency > scored.tasks[0].urgency
