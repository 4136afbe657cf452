"""What counts as a connect attempt: by whom, on which channel, of which sequence; and when it has been enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connector.agreement import Agreement
from connector.agreement.terms import Attempts, Cadence, Touch
from connector.decide import Decider, Office
from connector.decide.attempts import AttemptCounter
from connector.model import Activity, Deal, Decision

from .conftest import V1, Desk, at, edit, person

TEAMS = {"7": frozenset({"North"}), "8": frozenset({"North", "Desk"}), "9": frozenset({"South"})}


def call(when: str, outcome: str | None = "no_answer", *, owner: str = "7", seconds: float = 0.0) -> Activity:
    """An outbound call."""
    return Activity(f"call@{when}{owner}", "call", at(when), "outbound", outcome, "rep", owner, seconds)


def email(when: str, *, sequence: str | None = None, actor: str = "rep", owner: str = "7") -> Activity:
    """An outbound e-mail, by hand or of a sequence."""
    return Activity(f"email@{when}", "email", at(when), "outbound", "sent", actor, owner, None, sequence)


@pytest.fixture
def desk_where(agreement: Agreement) -> Callable[..., Desk]:
    """A desk under the shipped agreement with other rules about attempts, in an office with three owners."""

    def make(**changes: Any) -> Desk:
        attempts = replace(agreement.attempts, **changes)
        return Desk(Decider(replace(agreement, attempts=attempts), Office(teams=TEAMS)))

    return make


def worked(desk: Desk, *activities: Activity, when: str = "04-02 12:00", owner: str | None = "7") -> Decision:
    """Anna, handed over to owner 7 on 31 March at noon, looked at again with these activities."""
    desk.decide(person(*V1))
    return desk.decide(person(*V1, activities=activities, owner_id=owner), when)


def count(decision: Decision) -> Any:
    return decision.outputs["attempts"]


def test_g4_a_status_that_a_person_takes_back_stays_until_sales_does_something_new(desk: Desk) -> None:
    """Connected, by the call of 14:00; the rep says new, since it was the wrong person; the next contact counts."""
    wrong, right = call("03-31 14:00", "connected"), call("04-03 10:00", "connected")
    assert worked(desk, wrong).outputs["status"] == "connected"
    back = {"status": edit("status", "connected", "new", "04-02 13:00")}

    assert desk.decide(person(*V1, activities=(wrong,), edits=back), "04-02 14:00").outputs["status"] == "new"
    assert desk.decide(person(*V1, activities=(wrong,)), "04-02 15:00").outputs["status"] == "new"
    assert desk.decide(person(*V1, activities=(wrong, right)), "04-03 12:00").outputs["status"] == "connected"


# -- by whom ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("by", "counted"), [("anyone", 3), ("team", 2), ("owner", 1)])
def test_whose_attempts_count_is_agreed(desk_where: Callable[..., Desk], by: str, counted: int) -> None:
    """The owner, a colleague of the owner's team, somebody of another team."""
    tries = [call("03-31 14:00"), call("03-31 15:00", owner="8"), call("03-31 16:00", owner="9")]

    assert count(worked(desk_where(by=by), *tries)) == counted


@pytest.mark.parametrize(("by", "counted"), [("team", 2), ("owner", 1)])
def test_case_49_a_new_owner_undoes_no_first_attempt(desk_where: Callable[..., Desk], by: str, counted: int) -> None:
    """Depth is counted by today's owner or team; the clock was met by the owner of that day, and stays met."""
    desk = desk_where(by=by)
    first = worked(desk, call("03-31 14:00"), when="03-31 15:00")
    both = (call("03-31 14:00"), call("04-02 10:00", owner="8"))
    second = desk.decide(person(*V1, activities=both, owner_id="8"), "04-02 12:00")

    assert (first.outputs["sla_state"], second.outputs["sla_state"]) == ("met", "met")
    assert (count(first), count(second)) == (1, counted)
    assert second.outputs["first_attempt_at"] == at("03-31 14:00")


def test_when_the_owner_is_gone_what_they_did_still_counts(desk_where: Callable[..., Desk]) -> None:
    """Nobody owns the person now; nothing of what was done is taken back."""
    desk = desk_where(by="owner")
    worked(desk, call("03-31 14:00"), when="03-31 15:00")
    gone = desk.decide(person(*V1, activities=(call("03-31 14:00"),), owner_id=None), "04-02 12:00")

    assert (count(gone), gone.outputs["sla_state"]) == (1, "met")


# -- what counts -----------------------------------------------------------------------------------------------


def test_a_call_without_outcome_and_without_a_second_is_none(desk: Desk) -> None:
    """Nobody says anything happened; one that lasted counts."""
    assert count(worked(desk, call("03-31 14:00", None))) == 0
    assert count(desk.decide(person(*V1, activities=(call("03-31 14:00", None, seconds=40),)), "04-02 12:00")) == 1


def test_a_wrong_number_counts_once_and_warns(desk: Desk) -> None:
    """Dialled on three days: one attempt, and marketing hears that the data is bad. No status says connected."""
    tries = [call(f"04-0{day} 10:00", "wrong_number", seconds=20) for day in (1, 2, 3)]
    decision = worked(desk, *tries, when="04-04 12:00")

    assert (count(decision), decision.tracks[0].status) == (1, "attempting")
    assert "bad_contact_data: wrong number" in decision.warnings


def test_an_unknown_outcome_is_no_wrong_number(desk: Desk) -> None:
    """Case 45 stays: it counts each time, and nobody guesses what it means."""
    decision = worked(desk, call("04-01 10:00", "unmapped:x"), call("04-01 15:00", "unmapped:x"))

    assert count(decision) == 2
    assert not any(each.startswith("bad_contact_data") for each in decision.warnings)


# -- sequences -------------------------------------------------------------------------------------------------

STEPS = [email(f"04-{day:02} 09:00", sequence="77") for day in (1, 3, 6)]


@pytest.mark.parametrize(("rule", "counted"), [("first_step", 1), ("all_steps", 3), ("none", 0)])
def test_a_sequence_started_by_hand_counts_as_agreed(desk_where: Callable[..., Desk], rule: str, counted: int) -> None:
    """Three steps of one sequence: the shipped agreement counts the one that somebody sent off."""
    assert count(worked(desk_where(sequences=rule), *STEPS, when="04-07 12:00")) == counted


def test_two_sequences_are_two_attempts(desk: Desk) -> None:
    """Each was begun by hand."""
    other = [email(f"04-{day:02} 11:00", sequence="78") for day in (2, 4)]

    assert count(worked(desk, *STEPS, *other, when="04-07 12:00")) == 2


def test_a_sequence_that_ran_before_the_hand_off_is_no_attempt(desk: Desk) -> None:
    """Its later steps go out by themselves: nobody did anything for this hand-off."""
    running = [email(f"03-{day} 09:00", sequence="77") for day in (25, 28)]
    decision = worked(desk, *running, *STEPS, when="04-07 12:00")

    assert (count(decision), decision.outputs["sla_state"]) == (0, "late")


def test_started_again_after_a_long_silence_it_counts_again(desk: Desk) -> None:
    """The same sequence, two months later, is another enrolment."""
    old = [email(f"01-{day} 09:00", sequence="77") for day in (25, 28)]

    assert count(worked(desk, *old, *STEPS, when="04-07 12:00")) == 1


@pytest.mark.parametrize("rule", ["first_step", "all_steps"])
def test_case_43_what_a_workflow_sends_is_never_an_attempt(desk_where: Callable[..., Desk], rule: str) -> None:
    """Neither a single e-mail nor a sequence that nobody started by hand."""
    sent = [email("03-31 12:02", actor="automation"), email("04-01 09:00", sequence="77", actor="automation")]
    decision = worked(desk_where(sequences=rule), *sent, email("04-02 09:00", sequence="77", actor="automation"))

    assert (count(decision), decision.outputs["sla_state"]) == (0, "late")


def test_a_rep_within_a_sequence_counts_beside_its_steps(desk: Desk) -> None:
    """A call by hand between two steps is an attempt of its own."""
    assert count(worked(desk, *STEPS, call("04-04 10:00"), when="04-07 12:00")) == 2


# -- the whole cadence -----------------------------------------------------------------------------------------


def tried(cadence: Cadence, *activities: Activity) -> Any:
    """What the counter finds of a full sequence since the morning of 31 March."""
    agreement = Attempts(
        counts=(_touch("call", "phone"), _touch("email", "email"), _touch("task", "social")), cadence=cadence
    )
    return AttemptCounter(agreement).since(person(activities=activities), at("03-31 00:00"), at("05-30 00:00"))


def _touch(kind: str, channel: str) -> Touch:
    return Touch(kind, kind, "outbound", channel=channel)


def test_a_cadence_is_complete_with_its_last_part() -> None:
    """Three days, two channels, four attempts: done with the e-mail on the third day."""
    asked = Cadence(attempts_at_least=4, distinct_days_at_least=3, channels_at_least=2)
    calls = [call("03-31 10:00"), call("03-31 15:00"), call("04-01 10:00")]

    assert tried(asked, *calls).cadence_at is None
    assert tried(asked, *calls, call("04-02 10:00")).cadence_at is None
    assert tried(asked, *calls, email("04-02 10:00")).cadence_at == at("04-02 10:00")


def test_each_channel_may_be_asked_for() -> None:
    """Two calls and two e-mails; a call and an e-mail in one minute are one attempt on two channels."""
    asked = Cadence(each_channel_at_least={"phone": 2, "email": 2})
    mixed = [call("03-31 10:00"), email("03-31 10:01"), call("04-01 10:00")]

    assert tried(asked, *mixed).cadence_at is None
    assert tried(asked, *mixed, email("04-01 10:05")).cadence_at == at("04-01 10:05")
    assert tried(asked, *mixed, email("04-01 10:05")).count == 2


def test_dials_closer_than_the_gap_are_one_part_of_a_cadence(desk: Desk) -> None:
    """Three dials in a minute fill no channel thrice."""
    dials = [call("03-31 10:00:00"), call("03-31 10:00:20"), call("03-31 10:00:40")]

    assert tried(Cadence(each_channel_at_least={"phone": 2}), *dials).cadence_at is None


# -- tried enough ----------------------------------------------------------------------------------------------

SIX = [call(f"04-{day:02} 10:00") for day in (1, 2, 7, 8, 9, 13)]


def test_where_agreed_nobody_is_exhausted_before_the_whole_cadence(desk_where: Callable[..., Desk]) -> None:
    """Six calls and no e-mail in a sequence of two channels: still attempting; the e-mail completes it."""
    desk = desk_where(exhausted_by_whole_cadence=True)
    calls_only = worked(desk, *SIX, when="04-14 13:00")
    complete = desk.decide(person(*V1, activities=(*SIX, email("04-14 14:00"))), "04-14 15:00")

    assert calls_only.tracks[0].status == "attempting"
    assert (complete.tracks[0].status, complete.tracks[0].stage) == ("attempts_exhausted", "nurture")


def test_who_was_given_up_before_the_whole_cadence_is_said(desk: Desk) -> None:
    """Six calls and not one e-mail: tried enough by the agreement, and the sequence was not gone through."""
    calls_only = worked(desk, *SIX, when="04-14 13:00")

    assert calls_only.reason == "6 attempts without a contact, the agreed sequence not complete"


def test_whoever_is_asked_to_wait_on_hold_is_not_exhausted(desk: Desk) -> None:
    """Eight days of fourteen on hold: exhausted eight days later, and the day is known beforehand."""
    on_hold = (Deal("1", "on_hold", opened_at=at("03-20 00:00")),)
    desk.decide(person(*V1))
    desk.decide(person(*V1, deals=on_hold, activities=tuple(SIX)), "04-02 12:00")
    still = desk.decide(person(*V1, deals=on_hold, activities=tuple(SIX)), "04-10 11:00")
    desk.decide(person(*V1, activities=tuple(SIX)), "04-10 12:00")
    early = desk.decide(person(*V1, activities=tuple(SIX)), "04-22 11:59")
    enough = desk.decide(person(*V1, activities=tuple(SIX)), "04-22 12:00")

    assert [each.tracks[0].status for each in (still, early, enough)] == [
        "attempting",
        "attempting",
        "attempts_exhausted",
    ]
    assert early.route_next_at == at("04-22 12:00")


def test_a_call_after_the_day_of_exhaustion_is_seen_first(desk: Desk) -> None:
    """Contact before exhaustion: whoever picks up on the last day is connected."""
    reached = (*SIX, call("04-14 12:30", "connected"))
    decision = worked(desk, *reached, when="04-14 13:00")

    assert decision.tracks[0].status == "connected"


# -- never worked ----------------------------------------------------------------------------------------------


def test_an_mql_that_fades_untouched_says_never_worked(desk: Desk) -> None:
    """Counts against sales' promise, in the words that the transition keeps."""
    desk.decide(person(*V1))
    decision = desk.decide(person(*V1), "04-29 12:00")

    assert [(each.cause, each.because) for each in decision.moves if each.what == "stage"] == [
        ("stages.mql.leave_when", "score faded, never worked")
    ]


def test_an_mql_that_somebody_tried_says_only_that_it_faded(desk: Desk) -> None:
    """An attempt whose outcome nobody can name is one counted attempt."""
    tried_once = (call("04-01 10:00", "unmapped:x"),)
    desk.decide(person(*V1))
    decision = desk.decide(person(*V1, activities=tried_once), "04-29 12:00")

    assert decision.moves[0].because == "score faded"


def test_of_a_hand_off_whose_instant_is_lost_nobody_is_accused(desk: Desk) -> None:
    """It may have been worked: it faded, and no more is said."""
    desk.decide(person(*V1))
    desk.tracks = (replace(desk.tracks[0], handed_over_at=None),)

    assert desk.decide(person(*V1), "04-29 12:00").moves[0].because == "score faded"
