"""The worked example of the domain reference (section 7.5), number by number, under the shipped agreement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from .conftest import NOON, V1, Desk, edit, person, signal

DEMO = signal("demo_request", "03-31 11:30")

SERIES = [
    ("04-01", 44.82), ("04-02", 44.39), ("04-03", 43.98), ("04-05", 43.15), ("04-08", 41.00), ("04-10", 39.60),
    ("04-11", 38.91), ("04-12", 38.23), ("04-15", 36.29), ("04-20", 33.29), ("04-25", 30.52), ("04-28", 25.97),
    ("04-29", 22.47),
]  # fmt: skip


def test_v1a_anna_becomes_an_mql_with_one_task(desk: Desk) -> None:
    """Anna fits, reads prices and saw a webinar: MQL, status new, one hand-off task."""
    decision = desk.decide(person(*V1))

    assert (decision.score.fit, decision.score.engagement, decision.score.grade) == (85.00, 45.27, "A2")
    assert decision.outputs["combined_score"] == 65
    assert (decision.tracks[0].stage, decision.tracks[0].status, len(decision.tasks)) == ("mql", "new", 1)
    assert decision.tracks[0].entered["mql"] == NOON
    assert decision.outputs["engagement_score"] == 45
    assert decision.cause == "stages.mql.enter_when"


def test_v1a_every_counted_signal_gives_the_points_of_the_table(desk: Desk) -> None:
    """Each line of the trace is the line of the worked example, the limit's line among them."""
    lines = [(line.rule.split(".", 1)[1], line.points) for line in desk.decide(person(*V1)).score.lines]

    assert [points for rule, points in lines if rule == "high_intent.pricing_page"] == [15.00, 11.91, 7.50]
    assert ("content.webinar_attended", 10.13) in lines
    assert ("content.case_study", 3.78) in lines
    assert ("content.comparison_guide", 6.96) in lines
    assert [points for rule, points in lines if rule == "content.email_click"] == [3.00, 3.00]
    assert ("content.limit", -1.87) in lines
    assert ("company.limit", -5.00) in lines
    assert ("negative.careers_page", -14.14) in lines


def test_v1a_the_record_says_why_in_whole_points(desk: Desk) -> None:
    """The reason text has no decimals, and the group that was cut says so."""
    reasons = desk.decide(person(*V1)).outputs["score_reasons"]

    assert reasons == "pricing page ×3 +34; content +25 (limit); careers page −14; fit 85"  # noqa: RUF001  as shown


def test_v1b_a_demo_request_goes_straight_to_sales(desk: Desk) -> None:
    """Fast track: lead to SAL, MQL stamped as passed through at the same instant, class fast, one task."""
    decision = desk.decide(person(*V1, DEMO))
    track = decision.tracks[0]

    assert (decision.score.engagement, decision.score.grade, decision.outputs["combined_score"]) == (70.86, "A1", 78)
    assert (track.stage, track.passed_through, track.entered["mql"], track.sla_class) == ("sal", ("mql",), NOON, "fast")
    assert [task.rule for task in decision.tasks] == ["fast_track.demo"]


def test_v1c_a_private_mailbox_keeps_the_score_and_stops_the_stage(desk: Desk) -> None:
    """Same points, but the stage stays lead, the reason stands on the record, no task."""
    decision = desk.decide(person(*V1, fields={"email": "anna.k@hotmail.com"}))

    assert (decision.score.fit, decision.score.engagement) == (85.00, 45.27)
    assert (decision.tracks[0].stage, decision.tasks) == ("lead", ())
    assert decision.outputs["exclusion_reason"] == "private mailbox"


def test_v1c_the_soft_exclusion_does_not_beat_the_fast_track(desk: Desk) -> None:
    """A demo request from a private mailbox is accepted, and somebody must check the employer."""
    decision = desk.decide(person(*V1, DEMO, fields={"email": "anna.k@hotmail.com"}))

    assert decision.tracks[0].stage == "sal"
    assert "check_employer: private mailbox" in decision.warnings


def test_v1c_the_hard_exclusion_does(desk: Desk) -> None:
    """Gambling stays a lead, whatever it asks for."""
    decision = desk.decide(person(*V1, DEMO, fields={"industry": "gambling"}))

    assert (decision.tracks[0].stage, decision.tasks) == ("lead", ())
    assert "excluded, but asked for it: demo_request" in decision.warnings


def test_v1d_without_new_signals_the_score_fades(desk: Desk) -> None:
    """By mid-May 5.45 of 45.27 points are left, and silence is part of it."""
    decision = desk.decide(person(*V1), "05-15 12:00")

    assert (decision.score.engagement, decision.outputs["engagement_score"]) == (5.45, 5)
    assert (decision.score.grade, decision.outputs["combined_score"]) == ("A3", 45)


@pytest.mark.parametrize(("day", "engagement"), SERIES)
def test_v1e_the_score_on_each_day(desk: Desk, day: str, engagement: float) -> None:
    """The fading series, day by day."""
    assert desk.decide(person(*V1), f"{day} 12:00").score.engagement == engagement


def test_v1e_anna_stays_mql_until_she_is_below_the_value_of_leaving(desk: Desk) -> None:
    """MQL through 28 April (25.97), nurture on the 29th (22.47), because the score faded."""
    desk.decide(person(*V1))
    stages = {day: desk.decide(person(*V1), f"{day} 12:00") for day, _ in SERIES}

    assert {day: decision.tracks[0].stage for day, decision in stages.items() if day != "04-29"} == {
        day: "mql" for day, _ in SERIES[:-1]
    }
    last = stages["04-29"]
    assert (last.tracks[0].stage, last.reason) == ("nurture", "score faded, never worked")
    assert last.outputs["stage"] == "mql"
    assert last.outputs["current_stage"] == "nurture"


def test_v1e_she_stays_while_somebody_in_sales_works_her(desk: Desk) -> None:
    """A faded score does not take a person away from a rep who is on it."""
    desk.decide(person(*V1))
    working = edit("status", "new", "in_progress", "04-02 09:00")
    desk.decide(person(*V1, edits={"status": working}), "04-02 12:00")

    assert desk.decide(person(*V1), "04-29 12:00").tracks[0].stage == "sal"


def test_the_lines_add_up_to_both_scores(desk: Desk) -> None:
    """A13: nothing is in a score that is not in a line."""
    for when in ("03-31 12:00", "05-15 12:00"):
        score = desk.decide(person(*V1, DEMO), when).score
        for side, total in (("fit", score.fit), ("engagement", score.engagement)):
            said = sum(line.points for line in score.lines if line.rule.startswith(f"{side}."))
            assert round(said, 2) == total


def test_the_business_day_decides_what_is_once_per_day(desk_with: Callable[..., Desk]) -> None:
    """23:30 and 00:30 in Warsaw are two days there, and one day in UTC."""
    night = (signal("pricing_page", "03-29 21:30"), signal("pricing_page", "03-29 22:30"))
    now = datetime(2026, 3, 30, 12, tzinfo=UTC)

    assert desk_with(zone=ZoneInfo("UTC")).decide(person(*night), now).score.engagement == 15.00
    assert desk_with(zone=ZoneInfo("Europe/Warsaw")).decide(person(*night), now).score.engagement == 30.00
