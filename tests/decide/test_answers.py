"""What sales answers on the record itself: accepted, returned, rejected, and the day to call back (DESIGN 3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connector.agreement import Agreement
from connector.decide import Decider, track_from_json, track_to_json
from connector.model import Deal, Decision, Person, Signal, Value

from .conftest import NOON, V1, Desk, at, edit, person, signal

DEMO = signal("demo_request", "04-05 09:00")
ANSWER_FIELDS = ("sales_answer", "rejection_reason", "call_back_on")
MAY_4 = datetime(2026, 5, 4, tzinfo=UTC)  # as a CRM sends a day


def answering(*more: Signal, **said: Value) -> Person:
    """Anna, with what sales wrote on her record."""
    return person(*V1, *more, fields=said)


def answered(desk: Desk, when: str | datetime = "04-01 09:00", **said: Value) -> Decision:
    """Anna handed over on 31 March at noon, then looked at again with an answer on the record."""
    desk.decide(person(*V1))
    return desk.decide(answering(**said), when)


# -- the answers ---------------------------------------------------------------------------------------------------


def test_accepted_is_in_progress_and_makes_a_sal(desk: Desk) -> None:
    """The answer stands for a lead status, counts as acceptance, and answers the hand-off in time."""
    decision = answered(desk, sales_answer="accepted")

    assert (decision.outputs["status"], decision.tracks[0].stage) == ("in_progress", "sal")
    assert (decision.outputs["sla_state"], decision.tracks[0].answered_at) == ("met", at("04-01 09:00"))
    assert decision.tasks == ()


def test_an_answer_is_as_old_as_the_crm_says(desk: Desk) -> None:
    """Given at 11:00 and read after the deadline at noon: in time."""
    desk.decide(person(*V1))
    told = edit("sales_answer", None, "accepted", "04-01 11:00")
    decision = desk.decide(replace(answering(sales_answer="accepted"), edits={"sales_answer": told}), "04-01 14:00")

    assert (decision.outputs["sla_state"], decision.tracks[0].answered_at) == ("met", at("04-01 11:00"))


def test_returned_goes_to_nurture_and_waits(desk: Desk) -> None:
    """As if the status had been set by hand: nurture, thirty days, one return more, and the status is written."""
    decision = answered(desk, sales_answer="returned_not_ready", rejection_reason="no_timing")
    track = decision.tracks[0]

    assert (track.stage, track.returned_count, track.wait_until) == ("nurture", 1, at("05-01 09:00"))
    assert decision.outputs["status"] == "returned_not_ready"
    assert decision.reason == "Returned, not ready, reason: Not now"


def test_rejected_is_disqualified_with_its_reason(desk: Desk) -> None:
    """Unqualified for a cause, and nothing but a person brings somebody back."""
    decision = answered(desk, sales_answer="rejected", rejection_reason="wrong_role")

    assert (decision.tracks[0].stage, decision.outputs["status"]) == ("disqualified", "unqualified")
    assert decision.reason == "Unqualified, reason: Wrong person"


def test_a_rejection_without_a_reason_is_asked_for_one(desk: Desk) -> None:
    """It counts, and a human is told."""
    decision = answered(desk, sales_answer="rejected")

    assert decision.tracks[0].stage == "disqualified"
    assert "status unqualified was set without a reason" in decision.warnings


@pytest.mark.parametrize("reason", ["no_timing", "not_reachable"])
def test_a_rejection_whose_reason_may_return_is_a_return(desk: Desk, reason: str) -> None:
    """Not now is no never: nurture, a wait, a return."""
    decision = answered(desk, sales_answer="rejected", rejection_reason=reason)
    track = decision.tracks[0]

    assert (track.stage, track.status, track.returned_count) == ("nurture", "returned_not_ready", 1)
    assert track.wait_until is not None


def test_the_reason_may_come_after_the_answer(desk: Desk) -> None:
    """Rejected, read, and only then the reason that lets the person return: no longer disqualified."""
    answered(desk, sales_answer="rejected")
    decision = desk.decide(answering(sales_answer="rejected", rejection_reason="no_timing"), "04-01 09:05")

    assert (decision.tracks[0].stage, decision.outputs["status"]) == ("nurture", "returned_not_ready")


def test_an_answer_counts_once(desk: Desk) -> None:
    """The same answer on the next look moves nothing, and a status set by hand after it stands."""
    answered(desk, sales_answer="accepted")
    again = desk.decide(answering(sales_answer="accepted"), "04-01 10:00")
    connected = edit("status", "in_progress", "connected", "04-01 10:30")
    after = desk.decide(replace(answering(sales_answer="accepted"), edits={"status": connected}), "04-01 11:00")

    assert again.moves == ()
    assert after.tracks[0].status == "connected"
    assert desk.decide(answering(sales_answer="accepted"), "04-01 12:00").tracks[0].status == "connected"


def test_another_answer_counts_again(desk: Desk) -> None:
    """Accepted on Wednesday, returned on Friday."""
    answered(desk, sales_answer="accepted")

    assert desk.decide(answering(sales_answer="returned_not_ready"), "04-03 09:00").tracks[0].stage == "nurture"


def test_an_answer_outside_a_hand_off_is_none(desk: Desk) -> None:
    """Nobody was handed over: no status, no stage; nor does the old answer speak once somebody is."""
    early = desk.decide(person(fields={"sales_answer": "rejected"}))
    handed = desk.decide(person(DEMO, fields={"sales_answer": "rejected"}), "04-05 12:00")

    assert (early.tracks[0].stage, early.tracks[0].status) == ("lead", None)
    assert (handed.tracks[0].stage, handed.tracks[0].status, len(handed.tasks)) == ("sal", "new", 1)


def test_a_status_set_by_hand_in_the_same_look_wins(desk: Desk) -> None:
    """Both are a person's words; the status is the plainer one."""
    desk.decide(person(*V1))
    said = edit("status", "new", "connected", "04-01 08:00")
    decision = desk.decide(replace(answering(sales_answer="rejected"), edits={"status": said}), "04-01 09:00")

    assert (decision.tracks[0].status, decision.tracks[0].stage) == ("connected", "sal")


def test_an_answer_nobody_agreed_on_is_told(desk: Desk) -> None:
    """It moves nothing."""
    decision = answered(desk, sales_answer="maybe")

    assert decision.moves == ()
    assert "sales answer maybe is none of the agreement" in decision.warnings


def test_an_answer_that_needs_a_reason_waits_for_it(agreement: Agreement) -> None:
    """Where the policy is block, the answer counts as soon as the reason is there."""
    block = replace(agreement.statuses["unqualified"], reason_required="block")
    desk = Desk(Decider(replace(agreement, statuses={**agreement.statuses, "unqualified": block})))
    without = answered(desk, sales_answer="rejected")
    given = desk.decide(answering(sales_answer="rejected", rejection_reason="duplicate"), "04-01 10:00")

    assert (without.tracks[0].status, given.tracks[0].stage) == ("new", "disqualified")


def test_the_agreement_says_which_status_an_answer_stands_for(agreement: Agreement) -> None:
    """Data, not code: accepted may just as well mean connected."""
    accepted = replace(agreement.answers["accepted"], status="connected")
    desk = Desk(Decider(replace(agreement, answers={**agreement.answers, "accepted": accepted})))

    assert answered(desk, sales_answer="accepted").outputs["status"] == "connected"


# -- a new hand-off begins with a blank answer ---------------------------------------------------------------------


def test_a_new_hand_off_blanks_the_old_answer(desk: Desk) -> None:
    """Returned, then a demo request: a new cycle, and what was said in the old one is to be blank."""
    old = {"sales_answer": "returned_not_ready", "rejection_reason": "no_timing", "call_back_on": MAY_4}
    answered(desk, **old)
    decision = desk.decide(answering(DEMO, **old), "04-05 10:00")

    assert (decision.tracks[0].cycle, len(decision.tasks)) == (2, 1)
    assert {name: decision.outputs[name] for name in ANSWER_FIELDS} == dict.fromkeys(ANSWER_FIELDS)
    assert decision.tracks[0].call_back_at is None


def test_blank_fields_are_not_blanked(desk: Desk) -> None:
    """A first hand-off of somebody nobody answered for says nothing of the answer."""
    assert not set(ANSWER_FIELDS) & desk.decide(person(*V1)).outputs.keys()


def test_the_same_answer_counts_again_in_a_new_cycle(desk: Desk) -> None:
    """Blanked with the new hand-off, so "returned" is news once more."""
    answered(desk, sales_answer="returned_not_ready")
    desk.decide(answering(DEMO, sales_answer="returned_not_ready"), "04-05 10:00")
    decision = desk.decide(answering(DEMO, sales_answer="returned_not_ready"), "04-06 10:00")

    assert (decision.tracks[0].stage, decision.tracks[0].returned_count) == ("nurture", 2)


def test_where_answers_are_not_blanked_an_old_one_is_still_old(agreement: Agreement) -> None:
    """An agreement that writes nothing to these fields: the old answer stays, and does not speak."""
    rules = {name: rule for name, rule in agreement.write_back.rules.items() if name not in ANSWER_FIELDS}
    desk = Desk(Decider(replace(agreement, write_back=replace(agreement.write_back, rules=rules))))
    answered(desk, sales_answer="returned_not_ready")
    desk.decide(answering(DEMO, sales_answer="returned_not_ready"), "04-05 10:00")
    decision = desk.decide(answering(DEMO, sales_answer="returned_not_ready"), "04-06 10:00")

    assert (decision.tracks[0].stage, decision.tracks[0].cycle) == ("sal", 2)


# -- call back on ------------------------------------------------------------------------------------------------------


def test_a_day_to_call_back_ends_the_wait(desk: Desk) -> None:
    """Not after thirty days, but at the beginning of that day, when the person is looked at again."""
    decision = answered(desk, sales_answer="returned_not_ready", call_back_on=MAY_4)

    assert decision.tracks[0].wait_until == at("05-04 00:00")
    assert decision.outputs["wait_until"] == at("05-04 00:00")
    assert decision.route_next_at is not None
    assert decision.route_next_at <= at("05-04 00:00")


def test_a_day_begins_in_the_business_zone(desk_with: Callable[..., Desk]) -> None:
    """Midnight in Warsaw is ten in the evening in UTC, in summer."""
    desk = desk_with(zone=ZoneInfo("Europe/Warsaw"))
    decision = answered(desk, sales_answer="returned_not_ready", call_back_on=MAY_4)

    assert decision.tracks[0].wait_until == at("05-03 22:00")


def test_on_that_day_the_person_is_handed_over_again(desk: Desk) -> None:
    """Nothing new happened and the score has faded; sales promised: new cycle, one task, once."""
    said: dict[str, Value] = {"sales_answer": "returned_not_ready", "call_back_on": MAY_4}
    answered(desk, **said)
    before = desk.decide(answering(**said), "05-03 23:59")
    decision = desk.decide(answering(**said), "05-04 00:00")
    track = decision.tracks[0]

    assert (before.moves, before.tasks) == ((), ())
    assert (decision.cause, decision.reason) == ("call_back", "call back agreed for 2026-05-04")
    assert (track.stage, track.status, track.cycle, len(decision.tasks)) == ("mql", "new", 2, 1)
    assert decision.tasks[0].rule == "call_back"
    assert "Call back agreed for Monday 2026-05-04" in decision.tasks[0].body
    assert decision.outputs["call_back_on"] is None
    assert desk.decide(person(*V1), "05-04 00:05").tasks == ()


def test_fading_does_not_break_the_promise(desk: Desk) -> None:
    """Weeks after the call back, with a score of nothing, the person is still sales'; acceptance makes a SAL."""
    answered(desk, sales_answer="returned_not_ready", call_back_on=MAY_4)
    desk.decide(answering(sales_answer="returned_not_ready", call_back_on=MAY_4), "05-04 08:00")
    later = desk.decide(person(*V1), "05-20 08:00")
    accepted = desk.decide(answering(sales_answer="accepted"), "05-21 08:00")

    assert (later.tracks[0].stage, accepted.tracks[0].stage) == ("mql", "sal")


def test_a_status_set_by_hand_takes_a_day_too(desk: Desk) -> None:
    """Bad timing in the lead status, and the day beside it."""
    desk.decide(person(*V1))
    said = edit("status", "new", "bad_timing", "04-01 09:00")
    decision = desk.decide(replace(answering(call_back_on=MAY_4), edits={"status": said}), "04-01 10:00")

    assert decision.tracks[0].wait_until == at("05-04 00:00")
    assert len(desk.decide(answering(call_back_on=MAY_4), "05-04 08:00").tasks) == 1


def test_a_day_may_be_named_moved_and_taken_back_while_the_person_waits(desk: Desk) -> None:
    """The record is what counts: named a day later, moved a week, then blank again."""
    answered(desk, sales_answer="returned_not_ready")
    named = desk.decide(answering(sales_answer="returned_not_ready", call_back_on=MAY_4), "04-02 09:00")
    week = MAY_4 + timedelta(days=7)
    moved = desk.decide(answering(sales_answer="returned_not_ready", call_back_on=week), "04-03 09:00")
    desk.decide(answering(sales_answer="returned_not_ready"), "04-04 09:00")
    blank = desk.decide(answering(sales_answer="returned_not_ready"), "05-12 09:00")

    assert (named.tracks[0].wait_until, moved.tracks[0].wait_until) == (at("05-04 00:00"), at("05-11 00:00"))
    assert blank.tasks == ()


def test_whoever_may_not_come_back_is_not_called_back(desk: Desk) -> None:
    """A deal, a hard exclusion, a disqualification, or work under way since: no hand-off, and the promise is over."""
    said: dict[str, Value] = {"sales_answer": "returned_not_ready", "call_back_on": MAY_4}
    bought = Deal("1", "won", opened_at=at("04-10 09:00"), closed_at=at("04-20 09:00"))
    disqualified = {"status": edit("status", "bad_timing", "unqualified", "04-20 09:00")}
    working = {"status": edit("status", "bad_timing", "in_progress", "04-20 09:00")}
    for change in (
        {"deals": (bought,)},
        {"fields": {**answering(**said).fields, "industry": "gambling"}},
        {"edits": disqualified},
        {"edits": working},
    ):
        other = Desk(desk.decider)
        answered(other, **said)
        other.decide(replace(answering(**said), **change), "04-20 10:00")
        due = replace(answering(**said), **{name: value for name, value in change.items() if name != "edits"})
        decision = other.decide(due, "05-04 08:00")

        assert (decision.tasks, decision.tracks[0].call_back_at) == ((), None), change
        assert "call back agreed for 2026-05-04: not handed over" in decision.warnings


def test_handed_over_meanwhile_there_is_no_second_task(desk: Desk) -> None:
    """A demo request in between was the call back."""
    said: dict[str, Value] = {"sales_answer": "returned_not_ready", "call_back_on": MAY_4}
    answered(desk, **said)
    desk.decide(answering(DEMO, **said), "04-05 10:00")

    assert desk.decide(answering(DEMO), "05-04 08:00").tasks == ()


@pytest.mark.parametrize(
    ("answer", "day", "why"),
    [
        ("returned_not_ready", "03-20 00:00", "call back on 2026-03-20 is ignored: it is past"),
        ("accepted", "05-04 00:00", "call back on 2026-05-04 is ignored: the person was not returned"),
        (None, "05-04 00:00", "call back on 2026-05-04 is ignored: the person was not returned"),
    ],
)
def test_a_day_that_cannot_be_meant_is_ignored_and_told(desk: Desk, answer: str | None, day: str, why: str) -> None:
    """In the past, or without a return."""
    decision = answered(desk, sales_answer=answer, call_back_on=at(day))

    assert decision.tracks[0].call_back_at is None
    assert why in decision.warnings


def test_a_run_that_hands_nobody_over_keeps_the_promise_for_the_next(desk: Desk) -> None:
    """A backfill without tasks on that very day: told again at once, and made by the run that may."""
    said: dict[str, Value] = {"sales_answer": "returned_not_ready", "call_back_on": MAY_4}
    answered(desk, **said)
    when = at("05-04 08:00")
    placed = desk.decider.decide(
        answering(**said), desk.tracks, as_of=when, run=9, go_live=desk.go_live, hand_over=False
    )

    assert placed.tasks == ()
    assert placed.route_next_at is not None
    assert placed.route_next_at < when + timedelta(seconds=1)
    desk.tracks = placed.tracks
    assert len(desk.decide(answering(**said), when + timedelta(minutes=5)).tasks) == 1


def test_answer_and_promise_survive_the_ledger(desk: Desk) -> None:
    """As JSON and back."""
    track = answered(desk, sales_answer="returned_not_ready", call_back_on=MAY_4).tracks[0]

    assert (track.answer, track.call_back_at) == ("returned_not_ready", at("05-04 00:00"))
    assert track_from_json(track_to_json(track)) == track


# -- nobody is handed over for something old -----------------------------------------------------------------------


def test_an_old_interest_places_and_hands_nobody_over(desk: Desk) -> None:
    """The newest counted signal is four days old, and three are allowed: MQL, no cycle, no task, and it is said."""
    when = NOON + timedelta(days=3)
    decision = desk.decider.decide(
        person(*V1), (), as_of=when, run=1, go_live=desk.go_live, newer_than=timedelta(days=2)
    )

    assert (decision.tracks[0].stage, decision.tracks[0].cycle, decision.tasks) == ("mql", 0, ())
    assert any("only_signals_newer_than_days" in each for each in decision.warnings)


def test_a_fresh_interest_is_handed_over(desk: Desk) -> None:
    """Yesterday's visit is new enough."""
    decision = desk.decider.decide(
        person(*V1), (), as_of=NOON, run=1, go_live=desk.go_live, newer_than=timedelta(days=2)
    )

    assert len(decision.tasks) == 1


def test_a_promise_is_kept_however_old_the_interest(desk: Desk) -> None:
    """Call backs are exempt."""
    said: dict[str, Value] = {"sales_answer": "returned_not_ready", "call_back_on": MAY_4}
    answered(desk, **said)
    decision = desk.decider.decide(
        answering(**said), desk.tracks, as_of=at("05-04 08:00"), run=9, go_live=desk.go_live,
        newer_than=timedelta(days=1),
    )  # fmt: skip

    assert len(decision.tasks) == 1
