"""The buyer's journey: unknown until two dated signals tell, and gone when they are too old."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.agreement import Agreement, load_agreement
from connector.agreement.terms import Journey
from connector.decide import Decider
from connector.decide.journey import JourneyReader
from connector.decide.signals import Listener
from connector.model import Signal

from .conftest import NOON, SHIPPED, Desk, days_ago, person, signal

SECOND = timedelta(seconds=1)
SHIPPED_AGREEMENT = load_agreement(SHIPPED)


def _stage(desk: Desk, *signals: Signal, when: datetime = NOON) -> object:
    return desk.decide(person(*signals), when).outputs["journey_stage"]


def test_one_signal_tells_nothing(desk: Desk) -> None:
    """Fewer than two dated signals: unknown, however strong the one is."""
    assert _stage(desk, days_ago("pricing_page", 1)) is None


def test_two_signals_tell_the_furthest_stage(desk: Desk) -> None:
    """A price read before a webinar is still a decision."""
    assert _stage(desk, days_ago("pricing_page", 20), days_ago("webinar_attended", 1)) == "decision"


def test_the_rule_may_ask_for_the_latest_instead(agreement: Agreement, desk_with: Callable[..., Desk]) -> None:
    """One word in signals.toml."""
    desk = desk_with(audience=replace(agreement.audience, journey=Journey("latest")))

    assert _stage(desk, days_ago("pricing_page", 20), days_ago("webinar_attended", 1)) == "consideration"


@pytest.mark.parametrize(("age", "stage"), [(timedelta(days=91) - SECOND, "consideration"), (timedelta(days=91), None)])
def test_a_signal_counts_for_ninety_whole_days(desk: Desk, age: timedelta, stage: str | None) -> None:
    """A2: on the ninetieth day it still counts, when that day is complete it does not."""
    assert _stage(desk, signal("case_study", NOON - age), days_ago("webinar_attended", 1)) == stage


def test_a_signal_without_a_place_on_the_journey_does_not_count(desk: Desk) -> None:
    """Careers pages are no step of a buyer."""
    assert _stage(desk, days_ago("careers_page", 1), days_ago("webinar_attended", 1)) is None


def test_what_machines_click_is_no_step(desk: Desk) -> None:
    """Three clicks in a second are a scanner's, and the page that they opened is its, too."""
    burst = [signal("email_click", f"03-30 07:00:20.{tenth}00") for tenth in (0, 3, 6)]

    assert _stage(desk, *burst, signal("case_study", "03-30 07:00:22")) is None


def test_the_same_request_twice_is_one_step(desk: Desk) -> None:
    """Sent again within minutes: still one dated signal."""
    assert _stage(desk, signal("demo_request", "03-30 10:00"), signal("demo_request", "03-30 10:03")) is None


def test_a_step_of_the_future_is_taken_on_its_day(desk: Desk) -> None:
    """A webinar that is dated tomorrow tells nothing today, and the record is looked at when it comes."""
    signals = (days_ago("case_study", 3), days_ago("webinar_attended", -1))
    decision = desk.decide(person(*signals))

    assert decision.outputs["journey_stage"] is None
    assert decision.route_next_at is not None
    assert decision.route_next_at <= NOON + timedelta(days=1)
    assert _stage(desk, *signals, when=NOON + timedelta(days=1)) == "consideration"


def test_without_the_rule_the_journey_is_never_said(agreement: Agreement, desk_with: Callable[..., Desk]) -> None:
    """An agreement that has no [journey]."""
    desk = desk_with(audience=replace(agreement.audience, journey=None))

    assert _stage(desk, days_ago("pricing_page", 2), days_ago("webinar_attended", 1)) is None


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["email_click", "case_study", "pricing_page"]), st.integers(0, 120 * 24))),
    st.sampled_from(["highest", "latest"]),
    st.integers(1, 3),
)
def test_the_journey_says_when_it_changes(steps: list[tuple[str, int]], rule: str, least: int) -> None:
    """Nothing changes before the instant it names; at that instant the stage does, or what comes next."""
    agreement = SHIPPED_AGREEMENT
    reader = JourneyReader(Journey(rule, 90, least), agreement.signals)  # type: ignore[arg-type]  # a rule of the list
    signals = tuple(
        Signal(f"{number}", kind, NOON - timedelta(hours=hours)) for number, (kind, hours) in enumerate(steps)
    )

    def said(when: datetime) -> tuple[str | None, datetime | None]:
        return reader.read(Listener(agreement.signals, replace(agreement.bots, clicks=())).hear(signals, when), when)

    stage, next_at = said(NOON)
    if next_at is None:
        assert stage is None
        assert said(NOON + timedelta(days=400))[0] is None
        return
    assert said(next_at - SECOND) == (stage, next_at)
    assert said(next_at) != (stage, next_at)


def test_the_order_of_reading_does_not_show(decider: Decider) -> None:
    """The same steps, read the other way round."""
    steps = (days_ago("pricing_page", 20), days_ago("webinar_attended", 1), days_ago("email_click", 5))
    there, back = (Desk(decider).decide(person(*each)).outputs for each in (steps, steps[::-1]))

    assert there["journey_stage"] == back["journey_stage"] == "decision"
