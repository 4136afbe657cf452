"""A changed agreement alone takes nobody's stage away: whoever falls, falls by time or by facts (case 54)."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from connector.agreement import Agreement
from connector.agreement.terms import Fading
from connector.decide import Decider, track_from_json, track_to_json
from connector.decide.walk import BELOW
from connector.model import Decision

from .conftest import NOON, V1, Desk, at, person, signal
from .test_time import Changed, Life, _wild

DEMO_ONLY = (signal("trial_start", "03-31 09:00"),)  # forty points that end after thirty days
VISITS = (V1[0], V1[2], V1[3], signal("case_study", "03-11 12:00"))
LASTING = Fading()


def without(agreement: Agreement, *rules: str, **terms: Any) -> Agreement:
    """The agreement with some engagement rules removed."""
    groups = tuple(
        replace(group, rules=tuple(rule for rule in group.rules if rule.id not in rules))
        for group in agreement.scoring.groups
    )
    return replace(agreement, scoring=replace(agreement.scoring, groups=groups), **{"fingerprint": "less", **terms})


def lasting(agreement: Agreement) -> Agreement:
    """The agreement with points that no time takes away, and without a fast track, so that the score alone leads up."""
    groups = tuple(
        replace(group, rules=tuple(replace(rule, fading=LASTING) for rule in group.rules), inactivity=())
        for group in agreement.scoring.groups
    )
    return replace(agreement, scoring=replace(agreement.scoring, groups=groups), fast_tracks=(), fingerprint="lasting")


def under(agreement: Agreement, desk: Desk) -> Desk:
    """The same account, decided by another agreement from now on."""
    return Desk(Decider(agreement), desk.go_live, desk.tracks, desk.run, desk.shown)


def stage(decision: Decision) -> str | None:
    """Where the one track is."""
    return decision.tracks[0].stage


def test_case_54_rule_removed_that_qualified_people_last_week_demotes_nobody(agreement: Agreement) -> None:
    """Qualified last week by pricing visits; the rule is removed. They stay: in the look after the change, in the
    minimum stay and after it, for as long as nothing but the agreement has changed."""
    full = lasting(agreement)
    desk = Desk(Decider(full))
    assert stage(desk.decide(person(*V1), "03-31 12:00")) == "mql"
    desk = under(without(full, "pricing_page"), desk)
    looks = [desk.decide(person(*V1), when) for when in ("04-07 12:00", "04-07 12:00", "04-09 12:00", "05-30 12:00")]

    assert looks[0].score.engagement < 25
    assert [stage(each) for each in looks] == ["mql"] * 4
    assert [each.moves for each in looks] == [()] * 4


def test_case_54_unless_it_applies_to_existing(agreement: Agreement) -> None:
    """apply_to = "everyone": the same change is meant for those who are there already."""
    full = lasting(agreement)
    desk = Desk(Decider(full))
    desk.decide(person(*V1), "03-31 12:00")
    desk = under(without(full, "pricing_page", apply_to="everyone"), desk)

    assert stage(desk.decide(person(*V1), "04-09 12:00")) == "nurture"


def test_case_54_whoever_was_kept_falls_when_the_score_falls_further_by_time(agreement: Agreement, desk: Desk) -> None:
    """After the change the score that the new rules gave is what they may not fall below; time alone may take them
    there, at the instant that was told."""
    desk.decide(person(*V1), "03-31 12:00")
    desk = under(without(agreement, "pricing_page"), desk)
    kept = desk.decide(person(*V1), "04-08 12:30")
    told = kept.route_next_at

    assert stage(kept) == "mql"
    assert kept.score.engagement < 25
    assert told is not None
    fallen = desk.decide(person(*V1), told)
    assert fallen.score.engagement < kept.score.engagement
    assert (stage(fallen), fallen.moves[0].cause) == ("nurture", "stages.mql.leave_when")


def test_case_54_whoever_was_kept_falls_by_a_new_negative_fact(agreement: Agreement) -> None:
    """A careers visit after the change is a fact, and the fall is its doing."""
    full = lasting(agreement)
    desk = Desk(Decider(full))
    desk.decide(person(*V1), "03-31 12:00")
    desk = under(without(full, "pricing_page"), desk)
    desk.decide(person(*V1), "04-09 12:00")
    visit = signal("careers_page", "04-10 09:00", seen=3)

    assert stage(desk.decide(person(*V1, visit), "04-10 12:00")) == "nurture"


def test_case_54_at_the_instant_of_a_change_nobody_falls(agreement: Agreement) -> None:
    """Invented people, looked at by the old rules and, at the same instant, by new ones: time has not passed and
    nothing has happened, so nobody leaves a stage by score."""
    kept = 0
    for each in (agreement, _wild(agreement)):
        decider = Changed(each)
        for seed in range(300):
            life = Life(decider.before, random.Random(seed))
            now, _ = life.live()
            had_fallen = any(track.facts.endswith(BELOW) for track in life.tracks)
            life.decider = decider
            after = life.look(now)
            kept += any(track.lowered for track in after.tracks)

            assert had_fallen or not any(move.cause.endswith("leave_when") for move in after.moves)
            assert life.look(now).moves == ()
    assert kept > 10


def test_lower_points_and_a_higher_value_of_leaving_demote_nobody_either(agreement: Agreement) -> None:
    """Whatever line was changed: a weight, or the value itself."""
    full = lasting(agreement)
    halved = replace(
        full,
        scoring=replace(
            full.scoring,
            groups=tuple(
                replace(group, rules=tuple(replace(rule, points=rule.points / 4) for rule in group.rules))
                for group in full.scoring.groups
            ),
        ),
        fingerprint="halved",
    )
    stages = tuple(
        replace(each, leave=replace(each.leave, engagement_below=99.0)) if each.leave else each for each in full.stages
    )
    for changed in (halved, replace(full, stages=stages, fingerprint="stricter")):
        desk = Desk(Decider(full))
        desk.decide(person(*V1), "03-31 12:00")
        desk = under(changed, desk)

        assert [stage(desk.decide(person(*V1), when)) for when in ("04-09 12:00", "06-09 12:00")] == ["mql", "mql"]


def test_whoever_reaches_the_agreed_value_again_leaves_by_it(agreement: Agreement) -> None:
    """Kept at six points, then interested again: from 46 the fall to 21 is one like any other."""
    kept_at = _kept(agreement)
    demo = signal("demo_request", "04-10 09:00", seen=3)
    up = kept_at.decide(person(*VISITS, demo), "04-10 12:00")
    gone = signal("unsubscribe", "04-18 09:00", seen=4)
    down = kept_at.decide(person(*VISITS, demo, gone), "04-20 12:00")

    assert (up.score.engagement, up.tracks[0].lowered) == (46.0, {})
    assert (down.score.engagement, stage(down)) == (21.0, "nurture")


def test_the_value_of_whoever_was_kept_rises_with_the_score(agreement: Agreement) -> None:
    """Kept at six, up to fourteen, back to nothing: what came has gone again, and that is a fall."""
    desk = _kept(agreement)
    guide = signal("comparison_guide", "04-10 09:00", seen=3)
    up = desk.decide(person(*VISITS, guide), "04-10 12:00")
    gone = signal("careers_page", "04-18 09:00", seen=4)

    assert (stage(up), up.tracks[0].lowered) == ("mql", {"engagement_below": 14.0})
    assert track_from_json(track_to_json(up.tracks[0])) == up.tracks[0]
    assert stage(desk.decide(person(*VISITS, guide, gone), "04-20 12:00")) == "nurture"


def _kept(agreement: Agreement) -> Desk:
    """Somebody with 51 points of whom the removed rule has left six, a week after."""
    full = lasting(agreement)
    desk = Desk(Decider(full))
    desk.decide(person(*VISITS), "03-31 12:00")
    desk = under(without(full, "pricing_page"), desk)
    kept = desk.decide(person(*VISITS), "04-09 12:00")
    assert (stage(kept), kept.tracks[0].lowered) == ("mql", {"engagement_below": 6.0})
    return desk


@pytest.mark.parametrize("when", ["04-01 12:00", "04-09 12:00"])
def test_who_has_fallen_before_an_agreement_changes_is_not_kept_by_the_change(agreement: Agreement, when: str) -> None:
    """Below the value since the second day, in the minimum stay; another line is changed meanwhile. When the stay is
    over they fall, as they would have: the change is no excuse."""
    full = lasting(agreement)
    gone = (signal("unsubscribe", "03-31 18:00", seen=2), signal("careers_page", "03-31 18:00", seen=2))
    desk = Desk(Decider(full))
    desk.decide(person(*VISITS), "03-31 12:00")
    below = desk.decide(person(*VISITS, *gone), "03-31 19:00")
    desk = under(replace(full, fingerprint="another line"), desk)
    desk.decide(person(*VISITS, *gone), when)

    assert (stage(below), below.score.engagement < 25) == ("mql", True)
    assert stage(desk.decide(person(*VISITS, *gone), "04-09 12:00")) == "nurture"


def test_who_has_fallen_by_time_since_the_last_look_is_not_kept_by_a_change(agreement: Agreement) -> None:
    """All forty points end on a day on which the agreement changes, too, and not for these points."""
    plain = replace(agreement, fast_tracks=())
    desk = Desk(Decider(plain))
    desk.decide(person(*DEMO_ONLY), "03-31 12:00")
    desk = under(replace(plain, fingerprint="another line"), desk)
    decision = desk.decide(person(*DEMO_ONLY), datetime(2026, 5, 20, 12, tzinfo=NOON.tzinfo))

    assert (stage(decision), decision.moves[0].because) == ("nurture", "score faded, never worked")


def test_whoever_is_worked_is_kept_from_a_change_as_well(agreement: Agreement) -> None:
    """Sales is at it while the rule goes; when they stop, the change alone takes nobody away."""
    full = lasting(agreement)
    desk = Desk(Decider(full))
    desk.decide(person(*V1), "03-31 12:00")
    desk.tracks = (replace(desk.tracks[0], status="attempting"),)
    desk = under(without(full, "pricing_page"), desk)
    desk.decide(person(*V1, status="attempting"), "04-09 12:00")
    desk.tracks = (replace(desk.tracks[0], status="new"),)

    assert stage(desk.decide(person(*V1), "04-12 12:00")) == "mql"
    assert at("04-12 12:00") == desk.tracks[0].evaluated_at
