"""The clocks of a hand-off: each its own promise, standing still on hold, and one of them shown on the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.agreement import Agreement
from connector.agreement.terms import Calendar, Sla
from connector.decide import Decider, Office, track_from_json, track_to_json
from connector.decide.calendar import BusinessHours
from connector.decide.sla import Clock, clocks
from connector.model import ALWAYS, Activity, Deal, Decision, Person, Track, Value

from .conftest import NOON, V1, Desk, at, edit, person, signal

LAW = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ALL = Sla("standard", 8, 72, "all_hours", 4, 16, 24)
ON_HOLD = (Deal("1", "on_hold", opened_at=at("03-20 00:00")),)


@pytest.fixture
def desk_under(agreement: Agreement) -> Callable[..., Desk]:
    """A desk under the shipped agreement with another standard SLA, other calendars, another office."""

    def make(sla: Sla = ALL, teams: Mapping[str, frozenset[str]] | None = None, **terms: Any) -> Desk:
        slas = {**agreement.slas, "standard": sla}
        return Desk(Decider(replace(agreement, slas=slas, **terms), Office(teams=teams or {})))

    return make


def call(when: str, outcome: str = "no_answer") -> Activity:
    return Activity(f"call@{when}", "call", at(when), "outbound", outcome, "rep", "7", 0.0)


def state(decision: Decision, name: str, when: str | datetime) -> Clock:
    """One clock of the hand-off."""
    moment = at(when) if isinstance(when, str) else when
    (found,) = [each for each in clocks(decision.tracks[0], moment) if each.name == name]
    return found


def shown(decision: Decision) -> tuple[Value, Value]:
    """What the record says of the follow-up."""
    return decision.outputs["sla_state"], decision.outputs["sla_due"]


# -- three clocks, never one -----------------------------------------------------------------------------------


def test_the_clock_shown_is_the_one_that_runs_now(desk_under: Callable[..., Desk]) -> None:
    """First the attempt, then the answer that is due sooner, then the conversation; in the end all were kept."""
    desk = desk_under()
    begun = desk.decide(person(*V1))
    tried = desk.decide(person(*V1, activities=(call("03-31 14:00"),)), "03-31 15:00")
    said = edit("status", "attempting", "in_progress", "04-01 09:00")
    answered = desk.decide(person(*V1, activities=(call("03-31 14:00"),), edits={"status": said}), "04-01 10:00")
    talks = (call("03-31 14:00"), call("04-02 10:00", "connected"))
    talked = desk.decide(person(*V1, activities=talks), "04-02 12:00")

    assert shown(begun) == ("running", at("04-01 12:00"))
    assert shown(tried) == ("running", at("04-02 14:00"))  # the conversation, two business days from the first call
    assert shown(answered) == ("running", at("04-02 14:00"))
    assert shown(talked)[0] == "met"


def test_a_first_attempt_that_was_late_is_said_in_the_end(desk_under: Callable[..., Desk]) -> None:
    """While the conversation is awaited its clock is shown; once it was held, the late attempt is not forgotten."""
    desk = desk_under(Sla("standard", 8, conversation_within_hours=16))
    desk.decide(person(*V1))
    late_call = call("04-01 13:00")
    awaited = desk.decide(person(*V1, activities=(late_call,)), "04-01 14:00")
    held = desk.decide(person(*V1, activities=(late_call, call("04-02 10:00", "connected"))), "04-02 11:00")

    assert shown(awaited) == ("running", at("04-03 13:00"))
    assert shown(held)[0] == "late"
    assert state(held, "conversation", "04-02 11:00").state == "met"


def test_a_conversation_that_is_never_held_is_late(desk_under: Callable[..., Desk]) -> None:
    """Sixteen business hours after the first call and a moment."""
    desk = desk_under(Sla("standard", 8, conversation_within_hours=16))
    desk.decide(person(*V1))
    decision = desk.decide(person(*V1, activities=(call("03-31 14:00"),)), "04-02 14:00")
    after = desk.decide(person(*V1, activities=(call("03-31 14:00"),)), at("04-02 14:00") + timedelta(microseconds=1))

    assert (shown(decision)[0], shown(after)[0]) == ("running", "late")
    assert decision.route_next_at == at("04-02 14:00") + timedelta(microseconds=1)


def test_a_new_promise_makes_no_old_touch_late(desk_under: Callable[..., Desk]) -> None:
    """The conversation clock is agreed on two weeks after the call: it begins with the next hand-off."""
    before, after = desk_under(Sla("standard", 8)), desk_under(Sla("standard", 8, conversation_within_hours=8))
    before.decide(person(*V1))
    before.decide(person(*V1, activities=(call("03-31 14:00"),)), "03-31 15:00")
    after.tracks, after.run = before.tracks, before.run
    decision = after.decide(person(*V1, activities=(call("03-31 14:00"),)), "04-10 12:00")

    assert shown(decision) == ("met", at("04-01 12:00"))


def test_an_answer_that_nobody_gives_is_late(desk_under: Callable[..., Desk]) -> None:
    """Tried in time, and then nobody says what becomes of the person."""
    desk = desk_under(Sla("standard", 8, answer_within_hours=16))
    desk.decide(person(*V1))
    decision = desk.decide(person(*V1, activities=(call("03-31 14:00"),)), "04-02 12:01")

    assert shown(decision) == ("late", at("04-02 12:00"))


def test_facts_that_lead_further_are_an_answer(desk_under: Callable[..., Desk]) -> None:
    """A contact makes the MQL a SAL: sales has taken the person on."""
    desk = desk_under(Sla("standard", 8, answer_within_hours=16))
    desk.decide(person(*V1))
    decision = desk.decide(person(*V1, activities=(call("03-31 14:00", "connected"),)), "03-31 15:00")

    assert decision.tracks[0].stage == "sal"
    assert state(decision, "answer", "03-31 15:00").done_at == at("03-31 15:00")


def test_the_lead_waits_since_the_signal_and_in_all_hours(desk_under: Callable[..., Desk]) -> None:
    """The pricing page of the day before led to the hand-off; nights count for who waits."""
    decision = desk_under().decide(person(*V1))
    clock = state(decision, "lead_to_touch", NOON)

    assert (clock.start_at, clock.due_at) == (at("03-30 15:00"), at("04-02 15:00"))


def test_the_lead_may_wait_in_business_hours(desk_under: Callable[..., Desk]) -> None:
    """Sixteen business hours from 15:00 on Monday."""
    decision = desk_under(Sla("standard", 8, 16, "business_hours")).decide(person(*V1))

    assert state(decision, "lead_to_touch", NOON).due_at == at("04-01 15:00")


def test_who_became_complete_has_waited_since_then(desk_under: Callable[..., Desk]) -> None:
    """The visits are old; what led to the hand-off is the company size that became known today."""
    desk = desk_under()
    desk.decide(person(*V1, fields={"company_size": None}))
    decision = desk.decide(person(*V1), "04-01 09:00")

    assert decision.tasks
    assert decision.tracks[0].triggered_at == at("04-01 09:00")


def test_a_fast_track_has_waited_since_the_request(desk: Desk) -> None:
    """Asked at night, seen at noon."""
    decision = desk.decide(person(signal("demo_request", "03-31 02:00")))

    assert decision.tracks[0].triggered_at == at("03-31 02:00")
    assert state(decision, "lead_to_touch", NOON).due_at == at("04-01 02:00")


# -- routing ---------------------------------------------------------------------------------------------------


def test_case_48_nobody_for_three_hours_is_the_share_of_routing(desk_under: Callable[..., Desk]) -> None:
    """Two hours were agreed: an alert names since when; the rep's clock begins with the rep."""
    desk = desk_under(replace(ALL, owner_within_hours=2))
    desk.decide(person(*V1, owner_id=None))
    in_time = desk.decide(person(*V1, owner_id=None), "03-31 14:00")
    late = desk.decide(person(*V1, owner_id=None), "03-31 15:00")
    owned = desk.decide(person(*V1), "03-31 15:30")

    assert in_time.warnings == ()
    assert late.warnings == ("no owner since 2026-03-31 12:00 UTC, longer than agreed",)
    assert (late.outputs["sla_state"], late.outputs["sla_due"]) == ("no_owner", None)
    assert (state(owned, "owner", "03-31 15:30").state, owned.warnings) == ("late", ())
    assert (owned.tracks[0].assigned_at, shown(owned)) == (at("03-31 15:30"), ("running", at("04-01 15:30")))
    assert in_time.route_next_at == at("03-31 14:00") + timedelta(microseconds=1)


def test_case_64_the_clock_begins_again_with_the_next_owner(desk_under: Callable[..., Desk]) -> None:
    """The owner leaves the firm before doing anything: without owner, routing again, then a clock of eight hours."""
    desk = desk_under()
    desk.decide(person(*V1))
    left = desk.decide(person(*V1, owner_id=None), "03-31 16:00")
    alert = desk.decide(person(*V1, owner_id=None), "04-01 12:01")
    again = desk.decide(person(*V1, owner_id="8"), "04-01 13:00")

    assert shown(left) == ("no_owner", None)
    assert alert.warnings == ("no owner since 2026-03-31 16:00 UTC, longer than agreed",)
    assert shown(again) == ("running", at("04-02 13:00"))
    assert again.tracks[0].owners == ("7", "8")
    assert [*left.tasks, *alert.tasks, *again.tasks] == []


def test_case_64_what_the_owner_did_before_leaving_stands(desk_under: Callable[..., Desk]) -> None:
    """Tried and gone: the first attempt was in time."""
    desk = desk_under(Sla("standard", 8))
    desk.decide(person(*V1))
    tried = (call("03-31 14:00"),)
    desk.decide(person(*V1, activities=tried), "03-31 15:00")
    left = desk.decide(person(*V1, activities=tried, owner_id=None), "04-02 12:00")

    assert shown(left) == ("met", at("04-01 12:00"))


# -- calendars -------------------------------------------------------------------------------------------------

JAKARTA = Calendar((0, 1, 2, 3, 4), time(8), time(17), "ID", zone=ZoneInfo("Asia/Jakarta"), teams=("Jakarta",))


def test_an_sla_class_may_keep_other_hours(desk_under: Callable[..., Desk]) -> None:
    """19:00 in Jakarta is after work: two hours are over at 10:00 there on the next day."""
    desk = desk_under(Sla("standard", 2, calendar="jakarta"), calendars={"jakarta": JAKARTA})

    assert shown(desk.decide(person(*V1)))[1] == at("04-01 03:00")


def test_a_team_may_keep_other_hours(desk_under: Callable[..., Desk]) -> None:
    """Whose owner sits in Jakarta waits for Jakarta's morning; everybody else does not."""
    desk = desk_under(Sla("standard", 2), {"7": frozenset({"Jakarta"})}, calendars={"jakarta": JAKARTA})
    here = desk_under(Sla("standard", 2), {"8": frozenset({"Jakarta"})}, calendars={"jakarta": JAKARTA})

    assert shown(desk.decide(person(*V1)))[1] == at("04-01 03:00")
    assert shown(here.decide(person(*V1)))[1] == at("03-31 14:00")


@LAW
@given(
    st.integers(0, 365 * 24 * 60),
    st.integers(1, 200 * 3600),
    st.sampled_from(["UTC", "Europe/Warsaw", "America/Sao_Paulo", "Asia/Jakarta"]),
)
def test_business_time_is_counted_as_it_is_added(minute: int, seconds: int, zone: str) -> None:
    """Across weekends, holidays and changes of the clocks: what `after` adds, `between` counts."""
    hours = BusinessHours(Calendar(country="PL", days_off=frozenset({date(2026, 6, 5)})), ZoneInfo(zone))
    begin, asked = at("01-01 00:00") + timedelta(minutes=minute), timedelta(seconds=seconds)

    assert hours.between(begin, hours.after(begin, asked)) == asked


# -- on hold ---------------------------------------------------------------------------------------------------


def test_on_hold_the_clock_stands_still_and_goes_on_with_what_was_left(desk: Desk) -> None:
    """Two of eight hours are over when the deal is put on hold; six are left a week later."""
    desk.decide(person(*V1))
    paused = desk.decide(person(*V1, deals=ON_HOLD), "03-31 14:00")
    still = desk.decide(person(*V1, deals=ON_HOLD), "04-06 12:00")
    goes_on = desk.decide(person(*V1), "04-07 10:00")

    assert shown(paused) == shown(still) == ("paused", at("04-01 12:00"))
    assert shown(goes_on) == ("running", at("04-07 16:00"))
    assert paused.tracks[0].paused_at == still.tracks[0].paused_at == at("03-31 14:00")
    assert [*paused.tasks, *still.tasks, *goes_on.tasks] == []


def test_on_hold_no_clock_wakes_anybody(desk: Desk) -> None:
    """Nothing runs out while it stands still."""
    desk.decide(person(*V1))
    paused = desk.decide(person(*V1, deals=ON_HOLD), "03-31 14:00")

    assert paused.route_next_at is None or paused.route_next_at != at("04-01 12:00") + timedelta(microseconds=1)


def test_a_second_look_on_hold_changes_nothing(desk: Desk) -> None:
    """Pausing and going on are done once."""
    desk.decide(person(*V1))
    for deals, when in ((ON_HOLD, "03-31 14:00"), ((), "04-07 10:00")):
        one = desk.decide(person(*V1, deals=deals), when)
        two = desk.decide(person(*V1, deals=deals), when)
        assert two.outputs == {name: value for name, value in one.outputs.items() if name != "stage_reason"}
        assert replace(two.tracks[0], used=0) == replace(one.tracks[0], used=0)


def test_what_was_late_before_the_hold_stays_late(desk: Desk) -> None:
    """A deal put on hold excuses nobody after the fact."""
    desk.decide(person(*V1))
    desk.decide(person(*V1), "04-01 13:00")
    paused = desk.decide(person(*V1, deals=ON_HOLD), "04-01 14:00")
    goes_on = desk.decide(person(*V1), "04-07 10:00")

    assert shown(paused) == shown(goes_on) == ("late", at("04-01 12:00"))


def test_a_call_during_the_hold_is_in_time(desk: Desk) -> None:
    """Before and after it goes on."""
    desk.decide(person(*V1))
    desk.decide(person(*V1, deals=ON_HOLD), "03-31 14:00")
    tried = (call("04-03 10:00"),)
    during = desk.decide(person(*V1, deals=ON_HOLD, activities=tried), "04-03 11:00")
    after = desk.decide(person(*V1, activities=tried), "04-07 10:00")

    assert (shown(during)[0], shown(after)[0]) == ("met", "met")


def test_a_conversation_begun_on_hold_has_all_its_time_left(desk_under: Callable[..., Desk]) -> None:
    """Whether the call is seen before or after it goes on."""
    for seen_at in ("04-03 11:00", "04-07 10:00"):
        desk = desk_under(Sla("standard", 8, conversation_within_hours=8))
        desk.decide(person(*V1))
        desk.decide(person(*V1, deals=ON_HOLD), "03-31 14:00")
        tried = (call("04-03 10:00"),)
        if seen_at < "04-07":
            desk.decide(person(*V1, deals=ON_HOLD, activities=tried), seen_at)
        goes_on = desk.decide(person(*V1, activities=tried), "04-07 10:00")

        assert shown(goes_on) == ("running", at("04-08 10:00"))


@LAW
@given(st.lists(st.integers(1, 60 * 48), min_size=1, max_size=8))
def test_however_often_it_pauses_no_more_business_time_runs_than_was_agreed(
    decider: Decider, agreement: Agreement, minutes: list[int]
) -> None:
    """Pauses and runs of random length in turn: the business time in which the clock ran up to the due instant is the
    agreed one, to the microsecond; a second look in between changes nothing."""
    hours = BusinessHours(agreement.calendar, agreement.zone)
    tracks = decider.decide(person(*V1), (), as_of=NOON, run=1, go_live=ALWAYS).tracks
    now, since, ran, on_hold = NOON, NOON, timedelta(0), False
    for length in minutes:
        now += timedelta(minutes=length)
        if not on_hold and now > _due(tracks):
            break  # late: nothing is left that could stand still
        ran += timedelta(0) if on_hold else hours.between(since, now)
        since, on_hold = now, not on_hold
        who = person(*V1, deals=ON_HOLD if on_hold else ())
        tracks = decider.decide(who, tracks, as_of=now, run=2, go_live=ALWAYS).tracks
        assert decider.decide(who, tracks, as_of=now, run=2, go_live=ALWAYS).tracks == tracks
        assert track_from_json(track_to_json(tracks[0])) == tracks[0]

    assert ran + hours.between(since, _due(tracks)) == timedelta(hours=8)


def _due(tracks: tuple[Track, ...]) -> datetime:
    due = tracks[0].sla_due_at
    assert due is not None
    return due


# -- what wakes the daemon -------------------------------------------------------------------------------------


@LAW
@given(
    st.lists(st.tuples(st.integers(0, 14 * 24 * 60), st.sampled_from(["no_answer", "connected"])), max_size=4),
    st.booleans(),
    st.integers(0, 10 * 24 * 60),
)
def test_no_clock_changes_before_the_time_that_was_told(
    agreement: Agreement, tries: list[tuple[int, str]], owned: bool, minutes: int
) -> None:
    """Between a look and the time it tells, the record's clock and every other one stay as they are."""
    slas = {**agreement.slas, "standard": ALL}
    decider = Decider(replace(agreement, slas=slas))
    calls = tuple(
        Activity(str(number), "call", NOON + timedelta(minutes=after), "outbound", outcome, "rep", "7")
        for number, (after, outcome) in enumerate(tries)
    )
    tracks = decider.decide(person(*V1, owner_id="7" if owned else None), (), as_of=NOON, run=1, go_live=ALWAYS).tracks
    as_of = NOON + timedelta(minutes=minutes)
    known = tuple(each for each in calls if each.at <= as_of)
    who = person(*V1, activities=known, owner_id="7" if owned else None)
    one = decider.decide(who, tracks, as_of=as_of, run=2, go_live=ALWAYS)
    until = (one.route_next_at or as_of + timedelta(days=60)) - timedelta(microseconds=1)
    two = decider.decide(who, one.tracks, as_of=until, run=3, go_live=ALWAYS)

    for name in ("sla_state", "sla_due", "attempts", "status"):
        assert one.outputs.get(name) == two.outputs.get(name), name
    assert one.warnings == two.warnings
    assert [each.state for each in clocks(one.tracks[0], as_of)] == [
        each.state for each in clocks(two.tracks[0], until)
    ]


# -- one task per hand-off -------------------------------------------------------------------------------------


@st.composite
def weeks(draw: st.DrawFn) -> list[tuple[Person, datetime, bool]]:
    """Some days of a hand-off: owners come and go, deals are put on hold, calls are made, classes change."""
    day, told, calls = 0, [], []
    for number in range(draw(st.integers(1, 8))):
        day += draw(st.integers(0, 4))
        moment = NOON + timedelta(days=day, hours=number + 1)
        if draw(st.booleans()):
            calls.append(Activity(str(number), "call", moment, "outbound", "no_answer", "rep", "7"))
        deals = draw(st.sampled_from([(), ON_HOLD, (Deal("1", "open", "discovery"),)]))
        owner = draw(st.sampled_from(["7", "8", None]))
        told.append((person(*V1, deals=deals, activities=tuple(calls), owner_id=owner), moment, draw(st.booleans())))
    return told


@LAW
@given(weeks())
def test_a_hand_off_is_one_task_whatever_happens_to_it(
    agreement: Agreement, decider: Decider, told: list[tuple[Person, datetime, bool]]
) -> None:
    """Re-assigned, on hold, under other SLA hours: no second task within a cycle."""
    other = Decider(replace(agreement, slas={**agreement.slas, "standard": ALL}, fingerprint="changed"))
    first = decider.decide(person(*V1), (), as_of=NOON, run=1, go_live=ALWAYS)
    tracks, cycles = first.tracks, [each.cycle for each in first.tasks]
    for run, (who, moment, changed) in enumerate(told, 2):
        live = replace(who, stage=tracks[0].furthest, status=tracks[0].status)
        decision = (other if changed else decider).decide(live, tracks, as_of=moment, run=run, go_live=ALWAYS)
        tracks, cycles = decision.tracks, cycles + [each.cycle for each in decision.tasks]

    assert cycles == sorted(set(cycles))
    assert len(cycles) == tracks[0].cycle
