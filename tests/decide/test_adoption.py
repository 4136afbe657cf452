"""Going live on an account with history (G15): people from before are adopted, and history moves nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.agreement import Agreement
from connector.decide import Decider, track_from_json, track_to_json
from connector.model import ALWAYS, Deal, Person, Signal, Value

from .conftest import NOON, V1, Desk, at, days_ago, edit, person, signal

GO_LIVE = NOON - timedelta(hours=1)
BEFORE, AFTER = GO_LIVE - timedelta(days=100), GO_LIVE + timedelta(minutes=1)


@pytest.fixture
def live(decider: Decider) -> Desk:
    """An account that goes live an hour before noon."""
    return Desk(decider, GO_LIVE)


def old(*signals: Signal, stage: str | None = "lead", deals: tuple[Deal, ...] = ()) -> Person:
    """Anna, known for a hundred days."""
    return person(*signals, stage=stage, created_at=BEFORE, deals=deals)


def test_an_adopted_person_is_scored_and_left_where_they_are(live: Desk) -> None:
    """Above the MQL threshold since long: scores, but no stage, no status, no task, no clock."""
    decision = live.decide(old(*V1))
    route = {"stage", "status", "current_stage", "cycle", "sla_due", "stage_reason"}

    assert (decision.score.engagement, decision.moves, decision.tasks) == (45.27, (), ())
    assert not route & decision.outputs.keys()
    assert (decision.tracks[0].adopted, decision.tracks[0].cause, decision.tracks[0].entered) == (True, "adopted", {})


def test_somebody_created_after_go_live_is_new(live: Desk) -> None:
    """The first evaluation of a new person is a new fact."""
    decision = live.decide(replace(old(*V1), created_at=AFTER))

    assert (decision.tracks[0].stage, len(decision.tasks)) == ("mql", 1)


def test_somebody_of_unknown_age_is_adopted(live: Desk) -> None:
    """Without a creation time a person counts as known."""
    assert live.decide(person(*V1)).tasks == ()


def test_a_new_visit_lifts_an_adopted_person_over_the_threshold(live: Desk) -> None:
    """Below before, above by a fact after go-live: handed over like anybody else."""
    below = (days_ago("pricing_page", 1), days_ago("pricing_page", 2))
    live.decide(old(*below))
    decision = live.decide(old(*below, signal("pricing_page", "03-31 13:00")), "03-31 14:00")

    assert (decision.tracks[0].stage, len(decision.tasks)) == ("mql", 1)


def test_who_was_above_already_moves_only_by_a_strong_signal(live: Desk) -> None:
    """A click moves nobody who was above the threshold for years; a look at the prices does."""
    live.decide(old(*V1))
    clicked = live.decide(old(*V1, signal("email_click", "03-31 13:00")), "03-31 14:00")
    looked = live.decide(old(*V1, signal("pricing_page", "03-31 15:00")), "03-31 16:00")

    assert (clicked.tracks[0].stage, clicked.tasks) == ("lead", ())
    assert (looked.tracks[0].stage, len(looked.tasks)) == ("mql", 1)


def test_an_adopted_stage_never_falls_by_score(live: Desk) -> None:
    """An adopted MQL with nothing left of the score stays what people made of it."""
    live.decide(old(stage="mql"))

    assert live.decide(old(stage="mql"), NOON + timedelta(days=60)).tracks[0].stage == "mql"


def test_a_deal_from_before_moves_no_adopted_person_and_a_new_one_does(live: Desk) -> None:
    """Only facts after go-live move people who were there before."""
    long_won = Deal("1", "won", closed_at=BEFORE)
    live.decide(old(deals=(long_won,)))
    new = Deal("2", "open", "discovery", opened_at=AFTER)

    assert live.decide(old(deals=(long_won,)), "03-31 13:00").tracks[0].stage == "lead"
    assert live.decide(old(deals=(new,)), "03-31 14:00").tracks[0].stage == "opportunity"


def test_a_close_date_that_lies_ahead_makes_no_adopted_person_a_customer_at_first_sight(live: Desk) -> None:
    """People type dates: a deal that was won already before the first look counts from its day on, not at once."""
    ahead = Deal("1", "won", closed_at=NOON + timedelta(days=30))
    first = live.decide(old(deals=(ahead,)))
    again = live.decide(old(deals=(ahead,)), NOON + timedelta(days=1))
    on_the_day = live.decide(old(deals=(ahead,)), NOON + timedelta(days=30))

    assert [one.tracks[0].stage for one in (first, again, on_the_day)] == ["lead", "lead", "customer"]
    assert (first.moves, first.route_next_at) == ((), ahead.closed_at)


def test_a_deal_won_before_our_eyes_counts_at_once_whatever_its_date(live: Desk) -> None:
    """It was open at the last look, after go-live, and is won now with a date at the end of the month."""
    deal = Deal("1", "open", "discovery", opened_at=BEFORE)
    live.decide(old(stage="opportunity", deals=(deal,)))
    won = replace(deal, state="won", closed_at=NOON + timedelta(days=30))
    now = live.decide(old(stage="opportunity", deals=(won,)), "03-31 13:00")

    assert now.tracks[0].stage == "customer"
    assert live.decide(old(stage="opportunity", deals=(won,)), "03-31 14:00").moves == ()


def test_a_close_date_that_lies_ahead_overrules_no_person(live: Desk) -> None:
    """A deal is won with a date ahead, and a person sets another stage after that: theirs stands until the day."""
    new = replace(old(), created_at=AFTER)
    won = Deal("1", "won", closed_at=NOON + timedelta(days=30))
    assert live.decide(replace(new, deals=(won,)), "03-31 13:00").tracks[0].stage == "customer"
    by_hand = replace(new, deals=(won,), edits={"stage": edit("stage", "customer", "lead", "03-31 13:30")})

    assert live.decide(by_hand, "03-31 14:00").tracks[0].stage == "lead"
    assert live.decide(replace(new, deals=(won,)), "03-31 15:00").tracks[0].stage == "lead"


def test_a_changed_rule_is_news_only_where_the_change_says_so(
    decider: Decider, desk_with: Callable[..., Desk], live: Desk
) -> None:
    """apply_to = "everyone" hands over whom history qualifies; the default does not."""
    live.decide(old(*V1))
    everyone = desk_with(apply_to="everyone", fingerprint="another")
    everyone.go_live, everyone.tracks, everyone.run = GO_LIVE, live.tracks, 1

    assert live.decide(old(*V1), "03-31 13:00").tasks == ()
    assert len(everyone.decide(old(*V1), "03-31 13:00").tasks) == 1


def test_a_demo_request_of_years_ago_is_no_fast_track_for_the_adopted(live: Desk) -> None:
    """The request was before go-live; whoever asks after it is fast."""
    live.decide(old(days_ago("demo_request", 5)))
    decision = live.decide(old(days_ago("demo_request", 5)), "03-31 13:00")
    asked = live.decide(old(signal("demo_request", "03-31 13:30")), "03-31 14:00")

    assert (decision.tasks, len(asked.tasks)) == ((), 1)


def test_a_lost_ledger_repeats_no_task_and_forgets_no_wait(decider: Decider) -> None:
    """Cycle, wait and current stage on the record restore the track, even where everyone counts as new."""
    carried: dict[str, Value] = {
        "cycle": 1.0,
        "current_stage": "nurture",
        "wait_until": at("05-01 09:00"),
        "returned_count": 1.0,
    }
    decision = Desk(decider).decide(person(*V1, stage="mql", status="returned_not_ready", fields=carried))
    track = decision.tracks[0]

    assert (decision.tasks, decision.moves, track.stage, track.cycle) == ((), (), "nurture", 1)
    assert (track.wait_until, track.returned_count, track.furthest) == (at("05-01 09:00"), 1, "mql")
    assert decision.outputs["stage"] == "mql"


def test_in_mode_scores_the_track_does_not_move(decider: Decider) -> None:
    """Scores are worked out; the stage is left alone, and nothing counts as answered."""
    desk = Desk(decider)
    scored = desk.decide(person(*V1), route=False)
    live = desk.decide(person(*V1))

    assert (scored.outputs["engagement_score"], scored.moves, scored.tasks) == (45, (), ())
    assert (scored.tracks[0].stage, scored.outputs["stage"]) == ("lead", "lead")
    assert live.tracks[0].stage == "mql"


def test_a_stage_the_mapping_has_no_word_for_is_left_alone(decider: Decider) -> None:
    """Scores yes; no stage, no status, no task, and a warning."""
    unknown = replace(person(*V1, stage=None), unmapped={"stage": "98765"})
    decision = decider.decide(unknown, (), as_of=NOON, run=1, go_live=ALWAYS)

    assert decision.tasks == ()
    assert not {"stage", "status", "current_stage", "cycle"} & decision.outputs.keys()
    assert "stage has a value without a name in the mapping" in decision.warnings


def test_an_automation_is_not_followed(decider: Decider) -> None:
    """What a workflow sets is not adopted like a person's choice, and is told."""
    desk = Desk(decider)
    desk.decide(person(*V1))
    decision = desk.decide(
        person(*V1, edits={"stage": edit("stage", "mql", "lead", "04-01 09:00", by="automation")}), "04-01 12:00"
    )

    assert (decision.tracks[0].stage, decision.outputs["stage"]) == ("mql", "mql")
    assert decision.warnings


def test_a_track_comes_back_from_json_as_it_was(decider: Decider) -> None:
    """Every field of a lived track survives the ledger."""
    desk = Desk(decider)
    desk.decide(person(*V1, signal("demo_request", "03-31 11:30")))
    back = edit("status", "new", "returned_not_ready", "04-01 09:00")
    track = desk.decide(person(*V1, edits={"status": back}), "04-01 12:00").tracks[0]

    assert track_from_json(track_to_json(track)) == track


def test_a_stage_that_is_left_alone_is_no_news(decider: Decider) -> None:
    """What the agreement lists under leave_alone is known: no stage, and no warning every day."""
    known = replace(person(*V1, stage=None), unmapped={"stage": "evangelist"})
    decision = decider.decide(known, (), as_of=NOON, run=1, go_live=ALWAYS)

    assert "stage" not in decision.outputs
    assert decision.warnings == ()


@pytest.mark.parametrize("status", ["unqualified", "bad_timing", "not_interested", "returned_not_ready"])
def test_a_judgement_older_than_our_first_look_stands(decider: Decider, status: str) -> None:
    """Sales has judged before we came: a score reached long ago hands nobody over and touches no status."""
    desk = Desk(decider)
    first = desk.decide(person(*V1, status=status))

    assert (first.tasks, "status" in first.outputs, first.tracks[0].cycle) == ((), False, 0)
    assert first.tracks[0].stage in ("nurture", "disqualified")


@pytest.mark.parametrize("status", ["attempting", "connected", "in_progress", "open_deal"])
def test_somebody_sales_is_working_is_not_called_new(decider: Decider, status: str) -> None:
    """The stage follows the score; the status, which is a person's, stays, and no second task is made."""
    decision = Desk(decider).decide(person(*V1, status=status))

    assert decision.tracks[0].stage == "mql"
    assert (decision.tasks, "status" in decision.outputs) == ((), False)


def test_a_demo_request_of_somebody_being_worked_is_a_task_and_no_new_status(decider: Decider) -> None:
    """Nobody's request goes unanswered, and what the rep wrote stands."""
    decision = Desk(decider).decide(person(*V1, signal("demo_request", "03-31 11:30"), status="connected"))

    assert len(decision.tasks) == 1
    assert decision.outputs["status"] == "connected"


def test_placing_people_hands_nobody_over(decider: Decider) -> None:
    """Without tasks no cycle begins and no clock runs: a promise nobody was told of cannot be broken."""
    placed = decider.decide(person(*V1), (), as_of=NOON, run=1, go_live=ALWAYS, hand_over=False)

    assert placed.tracks[0].stage == "mql"
    assert (placed.tasks, placed.tracks[0].cycle, placed.tracks[0].sla_due_at) == ((), 0, None)
    assert not {"status", "sla_due", "cycle"} & placed.outputs.keys()


def test_a_first_look_after_go_live_knows_who_was_above_before(decider: Decider) -> None:
    """Scores ran for weeks, or we look late: somebody above the threshold by old facts is not moved by a click."""
    late = Desk(decider, NOON - timedelta(minutes=90))
    clicked = old(*V1, signal("email_click", "03-31 11:30"))
    looked = old(*V1, signal("pricing_page", "03-31 11:30"))

    assert late.decide(clicked).tasks == ()
    assert len(Desk(decider, NOON - timedelta(minutes=90)).decide(looked).tasks) == 1


def test_a_mass_mailing_carries_no_adopted_person_over_the_threshold(live: Desk) -> None:
    """Just below before, just above by a click of low strength: scored, and handed to nobody."""
    below = tuple(each for each in V1 if each.kind != "email_click")
    live.decide(old(*below))
    clicks = (signal("email_click", "03-31 13:00"), signal("email_click", "03-31 13:30"))
    decision = live.decide(old(*below, *clicks), "03-31 14:00")

    assert decision.score.engagement >= 40
    assert (decision.tracks[0].stage, decision.tasks) == ("lead", ())


def test_entry_dates_are_the_crms_own_or_unknown(live: Desk) -> None:
    """Adoption takes over what the CRM remembers, and never the time of reading."""
    since = NOON - timedelta(days=900)
    known = replace(old(stage="mql"), entered={"mql": since, "lead": since})

    track = live.decide(known).tracks[0]

    assert (track.entered, track.stage_since) == ({"mql": since, "lead": since}, since)


def test_after_a_lost_ledger_an_old_request_is_no_new_hand_off(decider: Decider) -> None:
    """Handed over for a demo request and returned, then the ledger is lost: the request stays answered."""
    asked = signal("demo_request", "03-20 12:00")
    carried: dict[str, Value] = {"cycle": 1.0, "current_stage": "nurture", "returned_count": 1.0}
    returned = person(*V1, asked, stage="mql", status="bad_timing", fields=carried, created_at=AFTER)
    desk = Desk(decider, NOON - timedelta(days=30))

    assert desk.decide(returned).tasks == ()
    assert desk.decide(returned, "04-01 12:00").tasks == ()
    assert (
        len(desk.decide(replace(returned, signals=(signal("demo_request", "04-01 13:00"),)), "04-01 14:00").tasks) == 1
    )


def test_a_rule_that_asks_for_another_field_is_no_news_about_anybody(
    agreement: Agreement, desk_with: Callable[..., Desk], live: Desk
) -> None:
    """Nothing about the adopted changed when the minimum information did."""
    live.decide(old(*V1))
    more = {name: (*needs, ("last_name",)) for name, needs in agreement.minimum_information.items()}
    other = desk_with(minimum_information=more, fingerprint="another")
    other.go_live, other.tracks, other.run = GO_LIVE, live.tracks, 1

    assert other.decide(old(*V1), "03-31 13:00").tasks == ()


def test_a_lost_ledger_keeps_that_sales_is_at_work(decider: Decider) -> None:
    """Accepted before the loss, rejected after it: the answer is still heard."""
    carried: dict[str, Value] = {"cycle": 1.0, "current_stage": "sal", "sales_answer": "accepted"}
    accepted = person(*V1, stage="mql", status="in_progress", fields=carried, created_at=AFTER)
    desk = Desk(decider, NOON - timedelta(days=30))
    desk.decide(accepted)
    rejected = replace(accepted, fields={**accepted.fields, "sales_answer": "rejected"})

    track = desk.decide(rejected, "04-01 12:00").tracks[0]

    assert (track.stage, track.status) == ("disqualified", "unqualified")


def test_a_lost_ledger_keeps_a_promise_whose_day_has_come(decider: Decider) -> None:
    """Returned with a day to call back, then the ledger was lost: on that day the person is handed over."""
    day = at("03-31 00:00")
    carried: dict[str, Value] = {"cycle": 1.0, "current_stage": "nurture", "wait_until": day, "call_back_on": day}
    carried |= {"returned_count": 1.0, "sales_answer": "returned_not_ready"}
    returned = person(stage="mql", status="bad_timing", fields=carried, created_at=AFTER)

    decision = Desk(decider, NOON - timedelta(days=30)).decide(returned)

    assert ([task.rule for task in decision.tasks], decision.tracks[0].cycle) == (["call_back"], 2)
