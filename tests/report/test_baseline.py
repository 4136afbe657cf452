"""Where an account stands, every number counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.agreement import Agreement
from connector.crm import PropertyVersion
from connector.report.baseline import Baseline, headlines
from connector.report.numbers import Spanning
from connector.report.writers import Sample
from connector.survey import Automations, Delivered, Unseen
from tests.decide.conftest import NOON, days_ago
from tests.report.conftest import ago, call, deal, someone

Stand = Callable[..., Baseline]


def test_spans_tell_median_and_ninetieth_percentile_of_whole_days() -> None:
    """Of 1 to 10 days the median is 5 and nine in ten are no longer than 9; nothing known, nothing told."""
    spanning = Spanning()
    assert (spanning.spans().known, spanning.spans().median_days, spanning.spans().p90_days) == (0, None, None)
    for days in (*range(1, 10), 400):
        spanning.add(timedelta(days=days, hours=7))
    spans = spanning.spans()
    assert (spans.known, spans.median_days, spans.p90_days, spans.over_a_year) == (10, 5, 9, 1)


def test_people_stand_where_the_crm_shows_them(stand: Stand) -> None:
    """Stages in their order, then what is left alone, what nobody named, and blanks, with the CRM's label."""
    one = stand(
        [
            someone("1", stage="mql"),
            someone("2", stage="lead"),
            someone("3", stage="lead"),
            someone("4", stage=None, unmapped={"stage": "evangelist"}),
            someone("5", stage=None, unmapped={"stage": "4711"}),
            someone("6", stage=None),
        ]
    )
    assert [(row.label, row.mapped, row.people) for row in one.stages] == [
        ("Lead", "mapped", 2),
        ("MQL", "mapped", 1),
        ("Evangelist", "left alone", 1),
        ("Partner <b>", "unmapped", 1),
        ("(no stage)", "blank", 1),
    ]
    assert one.people == 6


def test_since_when_is_the_crms_word_or_a_history_or_unknown(stand: Stand) -> None:
    """One date from the CRM, one from a history (where the same value was set twice), one that nobody knows."""
    told = ago(400)
    history = {
        "2": {
            "lifecyclestage": (
                PropertyVersion("lead", ago(20), "person", "CRM_UI 12"),
                PropertyVersion("lead", ago(30), "import", "IMPORT 9"),
                PropertyVersion("subscriber", ago(90), "crm", "FORM"),
            )
        }
    }
    one = stand(
        [someone("1", entered={"lead": told}), someone("2"), someone("3")], histories=history, sample=Sample(1, 1)
    )
    (row,) = one.stages
    assert (row.spans.known, row.spans.median_days, row.spans.p90_days, row.spans.over_a_year) == (2, 30, 400, 1)
    assert "since when 1 of 3 people stand in their stage" in [each.what for each in one.unknown]
    assert any("1 of them come from people who were changed lately" in each.why for each in one.unknown)


def test_stages_without_proof_are_named_with_their_people(stand: Stand) -> None:
    """A customer without a won deal, an opportunity without an open one, interest and score of MQLs, proof of SQLs."""
    hot = (days_ago("demo_request", 1), days_ago("pricing_page", 1), days_ago("pricing_page", 2))
    one = stand(
        [
            someone("1", stage="customer", deals=(deal("won", 50, closed=9),)),
            someone("2", stage="customer", deals=(deal("open", 50),)),
            someone("3", stage="opportunity", deals=(deal("open", 5),)),
            someone("4", stage="opportunity", deals=(deal("won", 50, closed=9), deal("open", 5))),
            someone("5", stage="opportunity", deals=(deal("lost", 50, closed=9),)),
            someone("6", *hot, stage="mql"),
            someone("7", days_ago("case_study", 300), stage="mql"),
            someone("8", days_ago("case_study", 401), stage="mql"),
            someone("9", days_ago("meeting_held", 10), days_ago("email_reply", 10), stage="sql"),
            someone("10", stage="sql", activities=(call(200, outcome="connected"),)),
            someone("11", stage="sql"),
        ]
    )
    assert [(gap.stage, gap.what, gap.of, gap.people.ids) for gap in one.gaps] == [
        ("mql", "no_interest", 3, ("8",)),
        ("mql", "low_score", 3, ("7", "8")),
        ("sql", "no_talk", 3, ("11",)),
        ("sql", "few_proofs", 3, ("10", "11")),
        ("opportunity", "no_open_deal", 3, ("5",)),
        ("customer", "no_won_deal", 2, ("2",)),
    ]


def test_requests_nobody_answered_newest_first(stand: Stand) -> None:
    """Answered after 2 and 48 hours; a call before the request, or a bounced e-mail, is no answer."""
    one = stand(
        [
            someone("1", days_ago("demo_request", 1), activities=(call(1 - 2 / 24),)),
            someone("2", days_ago("trial_start", 40), activities=(call(38),)),
            someone("3", days_ago("demo_request", 3), activities=(call(4),)),
            someone("4", days_ago("demo_request", 100), owner=None, deals=(deal("open", 90),)),
            someone("5", days_ago("demo_request", 2), owner="8", left=True),
            someone("6", days_ago("pricing_page", 1)),
            someone("7", days_ago("demo_request", 2), fields={"industry": "gambling"}),
        ]
    )
    asked = one.requests
    assert [(window.days, window.requests, window.unanswered) for window in asked.windows] == [
        (30, 3, 2),
        (90, 4, 2),
        (365, 5, 3),
        (None, 5, 3),
    ]
    assert [(each.person_id, each.owner, each.deal_since) for each in asked.unanswered] == [
        ("5", "left", False),
        ("3", "active", False),
        ("4", "none", True),
    ]
    assert (asked.excluded, asked.with_deal_since) == (1, 1)
    assert asked.median_hours == pytest.approx(2.0)
    assert headlines(one)[0].startswith("3 of 5 requests (demo request or trial start) show no answer by sales; 2 of")


def test_without_any_activity_nobody_is_accused(stand: Stand) -> None:
    """Sales that logs nothing cannot be measured, and the report says exactly that."""
    one = stand([someone("1", days_ago("demo_request", 1))], activities=0)
    assert not one.measurable
    assert "whether requests were answered" in [each.what for each in one.unknown]
    assert headlines(one)[0] == (
        "1 request (demo request or trial start) is on record; whether anybody answered is not."
    )


def test_owners_who_left_are_told_from_no_owner(stand: Stand) -> None:
    """Per stage and in all."""
    one = stand([someone("1"), someone("2", owner=None), someone("3", owner="8", left=True), someone("4", stage="mql")])
    assert [(row.stage, row.without_owner, row.owner_left) for row in one.stages] == [("lead", 1, 1), ("mql", 0, 0)]
    assert (one.without_owner, one.owner_left) == (1, 1)


def test_fields_that_hold_people_up(stand: Stand) -> None:
    """Whoever is interested: without size (20, required) and industry (25) fit is 45, size alone is enough."""
    hot = (days_ago("demo_request", 1), days_ago("pricing_page", 1), days_ago("pricing_page", 2))
    one = stand(
        [
            someone("1", *hot),  # meets everything, stands in lead
            someone("2", *hot, fields={"company_size": None}),
            someone("3", *hot, fields={"company_size": None, "industry": None}),
            someone("4", *hot, fields={"industry": None, "revenue": None, "country": None, "job_title": None}),
            someone("5", fields={"company_size": None}),  # not interested
            someone("6", *hot, stage="mql", fields={"company_size": None}),  # there already
            someone("7", *hot, fields={"industry": "gambling"}),  # excluded
            someone("8", *hot, stage="disqualified"),  # never comes back by a rule
        ]
    )
    blocking = one.blocking
    assert blocking is not None
    assert (blocking.not_yet, blocking.interested, blocking.held_up, blocking.ready.ids) == (5, 4, 3, ("1",))
    fields = {each.name: each for each in blocking.fields}
    size, industry = fields["company_size"], fields["industry"]
    assert (size.required, size.points, size.holds_up.ids, size.frees, size.unknown) == (True, 20, ("2", "3"), 2, 3)
    assert (industry.required, industry.points, industry.holds_up.ids) == (False, 25, ("3", "4"))
    assert industry.frees == 0  # the one also lacks the size, the other has 20 without it
    assert (fields["job_title"].points, fields["job_title"].holds_up.ids) == (25, ("4",))
    assert list(fields)[:2] == ["company_size", "industry"]


def test_what_this_account_does_not_deliver_is_said_with_the_reason(stand: Stand, agreement: Agreement) -> None:
    """A list that is not there, histories not read, automations not shown: three unknowns, three reasons."""
    seen = Delivered(frozenset(agreement.signals) - {"unsubscribe"}, (Unseen("unsubscribe", "x:1", "no such list"),))
    one = stand([], delivered=seen, sample=Sample(unknown="not read"), automations=Automations(unknown="no scope"))
    assert {(each.what, each.why) for each in one.unknown} >= {
        ("the signal unsubscribe", "no such list"),
        ("who else writes stage and status", "not read"),
        ("the account's own automations", "no scope"),
    }


def test_an_empty_account_has_a_baseline(stand: Stand) -> None:
    """Nobody, nothing, and no sentence about it."""
    one = stand([])
    assert (one.people, one.stages, one.gaps, headlines(one)) == (0, (), (), [])


def test_the_order_of_people_shows_only_in_the_order_of_ids(stand: Stand) -> None:
    """Whoever comes first, the counts are the same."""
    people = [someone(str(number), days_ago("demo_request", number), owner=None) for number in range(1, 9)]
    there, back = stand(people), stand(list(reversed(people)))
    assert there.requests == back.requests
    assert there.stages == back.stages


def test_the_future_is_not_counted(stand: Stand) -> None:
    """As of noon, tomorrow's request has not happened, and its history neither."""
    later = {"1": {"lifecyclestage": (PropertyVersion("lead", NOON + timedelta(days=1), "person", "CRM_UI 1"),)}}
    one = stand([someone("1", days_ago("demo_request", -1))], histories=later, sample=Sample(1, 1))
    assert one.requests.ever.requests == 0
    assert one.writers.writers == ()


def test_somebody_nobody_can_evaluate_is_counted_apart(stand: Stand) -> None:
    """One person's nonsense does not end the report."""
    broken = someone("1", replace(days_ago("demo_request", 1), at=NOON.replace(tzinfo=None)))
    one = stand([broken, someone("2")])
    assert (one.people, one.undecidable) == (2, 1)
