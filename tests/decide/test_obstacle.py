"""Why somebody is not an MQL, as one word; and scores that a stage freezes on the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from connector.agreement import Agreement
from connector.agreement.vocabulary import NOT_MQL_REASONS
from connector.model import ALWAYS, Deal, Person, Value

from .conftest import NOON, V1, Desk, at, days_ago, edit, person

HOT = tuple(days_ago("pricing_page", days) for days in (0, 1, 2))


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        (person(days_ago("case_study", 3)), "below_threshold"),
        (person(days_ago("case_study", 3), fields={"company_size": None}), "below_threshold"),
        (person(*V1, fields={"email": "anna.k@hotmail.com"}), "excluded"),
        (person(*V1, stage="disqualified"), "disqualified"),
        (person(*V1, stage="customer"), None),
        (person(*V1), None),
        (person(stage=None), "below_threshold"),
    ],
    ids=["cold", "cold and incomplete", "private mailbox", "judged", "further", "just entered", "nobody's lead"],
)
def test_the_word_names_what_has_to_go_first(desk: Desk, who: Person, reason: str | None) -> None:
    """Whoever is there or further has no word at all."""
    assert desk.decide(who).outputs["not_mql_reason"] == reason
    assert reason is None or reason in NOT_MQL_REASONS


def test_case_20_score_enough_and_company_size_unknown(desk: Desk) -> None:
    """Stays lead, the reason is missing information, and company size is what to ask."""
    fields: dict[str, Value] = {"company_size": None}
    outputs = desk.decide(person(*HOT, fields=fields)).outputs

    assert outputs["current_stage"] == "lead"
    assert outputs["not_mql_reason"] == "missing_information"
    assert outputs["ask_next"] == "company_size"


def test_case_25_whoever_was_returned_is_waiting(desk: Desk) -> None:
    """Until the day the wait is over, whatever the score says."""
    desk.decide(person(*V1))
    told = edit("status", "new", "returned_not_ready", "04-01 09:00")
    decision = desk.decide(person(*V1, *HOT, edits={"status": told}), "04-01 12:00")

    assert decision.outputs["not_mql_reason"] == "waiting"


def test_whoever_meets_the_rule_and_did_nothing_new_is_told_so(desk: Desk) -> None:
    """Adopted, above the threshold since before our time: only something new moves them (G15)."""
    desk.go_live = NOON
    decision = desk.decide(person(*HOT, created_at=at("01-01 09:00")), "04-01 12:00")

    assert (decision.tracks[0].stage, decision.outputs["not_mql_reason"]) == ("lead", "nothing_new")


def test_the_word_only_changes_at_an_instant_that_was_foreseen(desk: Desk) -> None:
    """Looked at a second before the named instant, a waiting person is still waiting."""
    desk.decide(person(*V1))
    told = edit("status", "new", "returned_not_ready", "04-01 09:00")
    decision = desk.decide(person(*V1, edits={"status": told}), "04-01 12:00")
    until = decision.tracks[0].wait_until
    assert until is not None
    assert decision.route_next_at is not None
    assert decision.route_next_at <= until


def test_a_frozen_stage_keeps_the_scores_on_the_record(agreement: Agreement, desk_with: Callable[..., Desk]) -> None:
    """Written on entering, and then left as they were; the decision still knows the true score."""
    desk = desk_with(scoring=replace(agreement.scoring, freeze_in=("customer",)))
    won = Deal("9", "won", "won", closed_at=NOON)
    entering = desk.decide(person(*HOT, deals=(won,)))
    later = desk.decide(person(*HOT, deals=(won,)), "04-20 12:00")

    assert entering.outputs["engagement_score"] == 44
    assert not {"fit_score", "engagement_score", "combined_score", "grade", "score_reasons"} & later.outputs.keys()
    assert later.score.engagement < entering.score.engagement
    assert "persona" in later.outputs


def test_no_stage_is_frozen_as_shipped(desk: Desk) -> None:
    """Scores run through the whole lifecycle (concept 49)."""
    won = Deal("9", "won", "won", closed_at=NOON)
    desk.decide(person(*HOT, deals=(won,)))

    assert "fit_score" in desk.decide(person(*HOT, deals=(won,)), "04-20 12:00").outputs


def test_a_person_adopted_at_go_live_has_the_word_too(desk: Desk) -> None:
    """It is no statement about the stage, and leaders count it from the first day."""
    desk.go_live = NOON
    outputs = desk.decide(person(created_at=at("01-01 09:00"))).outputs

    assert "current_stage" not in outputs
    assert outputs["not_mql_reason"] == "below_threshold"
    assert desk.go_live != ALWAYS
