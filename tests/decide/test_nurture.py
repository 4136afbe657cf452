"""The nurture track that a marketing tool reads: who gets what, who pauses, and who is left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from connector.agreement import Agreement
from connector.model import Deal, Value

from .conftest import NOON, V1, Desk, at, days_ago, edit, person, signal

QUIET = days_ago("case_study", 3)


def _track(desk: Desk, **fields: Value) -> object:
    return desk.decide(person(QUIET, fields=fields)).outputs["nurture_track"]


@pytest.mark.parametrize(
    ("title", "track"),
    [
        ("Director of Operations", "business_case"),
        ("Process Engineer", "hands_on"),
        ("Poet", "general"),
        (None, "general"),
    ],
)
def test_everybody_gets_the_track_of_their_persona(desk: Desk, title: str | None, track: str) -> None:
    """Executives and users read other things; whoever is neither reads what everybody may."""
    assert _track(desk, job_title=title) == track


def test_nurture_pauses_while_sales_has_the_person(desk: Desk) -> None:
    """As shipped, the hand-off ends marketing's mails (concept 24)."""
    decision = desk.decide(person(*V1))

    assert (decision.tracks[0].stage, decision.outputs["nurture_track"]) == ("mql", None)


def test_nurture_may_go_on_toward_sql(agreement: Agreement, desk_with: Callable[..., Desk]) -> None:
    """The first source's reading: nurture = "continue" on the stage."""
    nurture = replace(agreement.audience.nurture, goes_on={"mql": True})
    desk = desk_with(audience=replace(agreement.audience, nurture=nurture))

    assert desk.decide(person(*V1)).outputs["nurture_track"] == "business_case"


def test_without_a_word_on_the_stage_a_hand_off_pauses(agreement: Agreement, desk_with: Callable[..., Desk]) -> None:
    """The default is the shipped reading."""
    nurture = replace(agreement.audience.nurture, goes_on={})
    desk = desk_with(audience=replace(agreement.audience, nurture=nurture))

    assert desk.decide(person(*V1)).outputs["nurture_track"] is None


def test_whoever_was_returned_reads_something_else(desk: Desk) -> None:
    """Returned, not ready: the track of the status, not of the persona."""
    desk.decide(person(*V1))
    told = edit("status", "new", "returned_not_ready", "04-01 09:00")
    decision = desk.decide(person(*V1, edits={"status": told}), "04-01 12:00")

    assert (decision.tracks[0].stage, decision.outputs["nurture_track"]) == ("nurture", "not_now")


def test_the_returned_track_stays_until_the_next_hand_off(desk: Desk) -> None:
    """Days later nothing has changed; a demo request ends it."""
    desk.decide(person(*V1))
    told = edit("status", "new", "returned_not_ready", "04-01 09:00")
    desk.decide(person(*V1, edits={"status": told}), "04-01 12:00")
    days_later = desk.decide(person(*V1), "04-10 12:00")
    back = desk.decide(person(*V1, signal("demo_request", "04-11 10:00")), "04-11 12:00")

    assert days_later.outputs["nurture_track"] == "not_now"
    assert (back.tracks[0].stage, back.outputs["nurture_track"]) == ("sal", None)


@pytest.mark.parametrize(("reason", "track"), [("Competitor chosen", "competitor"), ("No budget", "not_now")])
def test_a_lost_deal_sends_people_into_the_track_of_its_reason(desk: Desk, reason: str, track: str) -> None:
    """Who chose a competitor is told another story than who had no money."""
    opened = Deal("9", "open", "discovery", opened_at=at("03-01 09:00"))
    desk.decide(person(QUIET, deals=(opened,)))
    lost = replace(opened, state="lost", closed_at=at("03-31 15:00"), lost_reason=reason)
    decision = desk.decide(person(QUIET, deals=(lost,)), "04-01 12:00")

    assert decision.outputs["nurture_track"] == track


@pytest.mark.parametrize("withdrawn", ["field", "signal"])
def test_case_56_whoever_withdrew_consent_is_in_no_track_and_keeps_the_stage(desk: Desk, withdrawn: str) -> None:
    """No marketing of any kind, and the stage may stay."""
    before = desk.decide(person(QUIET))
    signals = (QUIET, signal("unsubscribe", "03-31 13:00")) if withdrawn == "signal" else (QUIET,)
    fields: dict[str, Value] = {"email_opt_out": True} if withdrawn == "field" else {}
    decision = desk.decide(person(*signals, fields=fields), "03-31 14:00")

    assert before.outputs["nurture_track"] == "business_case"
    assert decision.outputs["nurture_track"] is None
    assert decision.tracks[0].stage == before.tracks[0].stage == "lead"


def test_a_withdrawn_consent_does_not_wait_for_the_end_of_a_hold(desk: Desk) -> None:
    """A held record keeps its stage and loses its track at once; without the withdrawal nothing is said of it."""
    held: dict[str, Value] = {"hold_until": at("04-30 00:00")}
    waiting = desk.decide(person(QUIET, fields=held))
    stopped = desk.decide(person(QUIET, fields={**held, "email_opt_out": True}))

    assert "nurture_track" not in waiting.outputs
    assert stopped.outputs["nurture_track"] is None


def test_a_consent_that_is_there_stops_nothing(desk: Desk) -> None:
    """False is not unknown, and neither is a withdrawal."""
    assert _track(desk, email_opt_out=False) == "business_case"


def test_customers_and_the_disqualified_are_in_no_track(desk: Desk) -> None:
    """As shipped, their stages pause it."""
    won = Deal("9", "won", "won", closed_at=at("03-01 09:00"))

    assert desk.decide(person(QUIET, deals=(won,))).outputs["nurture_track"] is None
    assert Desk(desk.decider).decide(person(QUIET, stage="disqualified"), NOON).outputs["nurture_track"] is None


@pytest.mark.parametrize(("long_ago", "track"), [("email_click", "not_now"), ("unsubscribe", None)])
def test_a_customer_who_withdrew_consent_long_ago_is_not_nurtured_for_the_next_interest(
    desk: Desk, long_ago: str, track: str | None
) -> None:
    """Each interest has a track of its own, with its own signals; consent is the person's."""
    won = Deal("9", "won", "won", opened_at=at("01-05 09:00"), closed_at=at("02-01 09:00"))
    signals = (signal(long_ago, "01-10 09:00"), signal("demo_request", "03-31 09:00"))
    desk.decide(person(*signals, deals=(won,)))
    told = edit("status", "new", "returned_not_ready", "04-01 09:00")
    decision = desk.decide(person(*signals, deals=(won,), edits={"status": told}), "04-01 12:00")

    assert [each.stage for each in decision.tracks] == ["customer", "nurture"]
    assert decision.outputs["nurture_track"] == track
