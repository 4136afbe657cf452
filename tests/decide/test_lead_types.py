"""Lead types: each kind of interest has a track of its own, with its own stage, scores and follow-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.agreement import Agreement, load_agreement
from connector.agreement.terms import Condition, Entry, LeadType
from connector.decide import Decider
from connector.model import Deal, Decision, Track, Value

from .conftest import NOON, SHIPPED, V1, Desk, at, days_ago, edit, person, signal

WON = Deal("1", "won", "won", opened_at=at("01-10 09:00"), closed_at=at("03-01 09:00"))
DEMO = signal("demo_request", "03-31 11:30")


def stages(decision: Decision) -> dict[str, str | None]:
    """Stage by lead type."""
    return {track.lead_type: track.stage for track in decision.tracks}


def track_of(decision: Decision, lead_type: str) -> Track:
    """The track of one lead type."""
    return next(track for track in decision.tracks if track.lead_type == lead_type)


@pytest.fixture
def by_field(agreement: Agreement, desk_with: Callable[..., Desk]) -> Desk:
    """Two machines and their maintenance: a type by a field, with a signal, a pipeline and an SLA of its own."""
    mql = next(stage for stage in agreement.stages if stage.name == "mql")
    easier = replace(mql, enter=Entry(engagement_at_least=10, minimum_information="mql"), leave=None)
    maintenance = LeadType(
        "maintenance",
        "Maintenance",
        when=Condition("country", "is", ("Indonesia",)),
        signals=("case_study",),
        skips=("sal",),
        sla="fast",
        stages=(easier,),
    )
    return desk_with(lead_types=(agreement.lead_types[0], maintenance))


# -- customers ---------------------------------------------------------------------------------------------------------


def test_case_35_the_next_interest_of_a_customer_is_a_track_of_its_own(desk: Desk) -> None:
    """The person stays a customer; existing_customer goes to sal, and new business gains no MQL."""
    desk.decide(person(deals=(WON,)), "03-02 12:00")
    decision = desk.decide(person(DEMO, deals=(WON,)))

    assert stages(decision) == {"new_business": "customer", "existing_customer": "sal"}
    assert decision.outputs["current_stage"] == decision.outputs["stage"] == "customer"
    assert decision.outputs["lead_type"] == "existing_customer"
    assert [(task.lead_type, task.cycle) for task in decision.tasks] == [("existing_customer", 1)]
    assert {move.track_id for move in decision.moves} == {track_of(decision, "existing_customer").id}
    assert all(move.track_id != track_of(decision, "new_business").id for move in decision.moves)


def test_case_35_asked_again_in_the_same_look_makes_no_second_task(desk: Desk) -> None:
    """The second look at the same facts moves nothing."""
    desk.decide(person(deals=(WON,)), "03-02 12:00")
    desk.decide(person(DEMO, deals=(WON,)))
    again = desk.decide(person(DEMO, deals=(WON,)))

    assert (again.tasks, again.moves) == ((), ())


def test_case_33_a_second_deal_that_is_lost_leaves_the_customer(desk: Desk) -> None:
    """Won stays won; the deal that came after is the other track's, and so is losing it."""
    second = Deal("2", "open", "discovery", opened_at=at("03-20 09:00"))
    lost = replace(second, state="lost", closed_at=at("03-31 09:00"), lost_reason="bad timing")
    desk.decide(person(deals=(WON,)), "03-02 12:00")
    opened = desk.decide(person(deals=(WON, second)), "03-21 12:00")
    after = desk.decide(person(deals=(WON, lost)))

    assert stages(opened) == {"new_business": "customer", "existing_customer": "opportunity"}
    assert stages(after) == {"new_business": "customer", "existing_customer": "nurture"}
    assert after.outputs["current_stage"] == "customer"
    waits = track_of(after, "existing_customer").wait_until
    assert waits is not None
    assert waits > NOON


def test_what_a_customer_did_before_buying_speaks_of_the_first_interest(desk: Desk) -> None:
    """No second track begins because of the past."""
    decision = desk.decide(person(signal("pricing_page", "02-20 09:00"), deals=(WON,)))

    assert stages(decision) == {"new_business": "customer"}


def test_g1_what_a_customer_did_before_the_crms_own_date_stays_of_the_first_interest(desk: Desk) -> None:
    """The date is the CRM's, as long as the track has none of its own: the second look says what the first said."""
    since = at("03-10 09:00")
    who = replace(
        person(signal("webinar_attended", "03-01 09:00"), signal("case_study", "03-20 09:00"), stage="customer"),
        entered={"customer": since},
    )

    first, second = desk.decide(who), desk.decide(who)

    assert second.outputs == first.outputs
    assert second.score == first.score


def test_a_customer_may_buy_more_than_once(desk: Desk) -> None:
    """Bought again, interested again: the same track begins once more, with the next hand-off."""
    second = Deal("2", "won", "won", opened_at=at("03-05 09:00"), closed_at=at("03-10 09:00"))
    desk.decide(person(deals=(WON,)), "03-02 12:00")
    bought = desk.decide(person(signal("demo_request", "03-04 09:00"), deals=(WON, second)), "03-11 12:00")
    again = desk.decide(person(signal("demo_request", "03-04 09:00"), DEMO, deals=(WON, second)))

    assert stages(bought)["existing_customer"] == "customer"
    assert stages(again)["existing_customer"] == "sal"
    assert [task.lead_type for task in again.tasks] == ["existing_customer"]


def test_a_customer_adopted_without_dates_asks_after_go_live(desk: Desk) -> None:
    """Nobody knows since when; what they ask for after the go-live is an existing customer's interest."""
    desk.go_live = at("03-30 00:00")
    old = person(signal("demo_request", "03-01 09:00"), stage="customer", created_at=at("01-01 09:00"))
    first = desk.decide(old, "03-30 12:00")
    then = desk.decide(replace(old, signals=(*old.signals, DEMO)))

    assert (first.tasks, stages(first)["existing_customer"]) == ((), None)
    assert stages(then) == {"new_business": "customer", "existing_customer": "sal"}
    assert len(then.tasks) == 1


def test_an_edit_and_an_answer_belong_to_the_track_that_is_shown_and_spoken_to(desk: Desk) -> None:
    """Sales accepts the hand-off of the existing customer: new business hears nothing of it."""
    desk.decide(person(deals=(WON,)), "03-02 12:00")
    desk.decide(person(DEMO, deals=(WON,)))
    said = edit("status", "new", "returned_not_ready", "03-31 14:00")
    decision = desk.decide(person(DEMO, deals=(WON,), edits={"status": said}), "03-31 15:00")

    assert stages(decision) == {"new_business": "customer", "existing_customer": "nurture"}
    assert track_of(decision, "existing_customer").returned_count == 1
    assert track_of(decision, "new_business").returned_count == 0
    assert decision.outputs["returned_count"] == 1


def test_the_record_goes_on_speaking_of_what_sales_dealt_with_last(desk: Desk) -> None:
    """After the hand-off ended, cycle, wait and returns on the record stay those of that lead type."""
    desk.decide(person(deals=(WON,)), "03-02 12:00")
    desk.decide(person(DEMO, deals=(WON,)))
    said = edit("status", "new", "returned_not_ready", "03-31 14:00")
    desk.decide(person(DEMO, deals=(WON,), edits={"status": said}), "03-31 15:00")
    later = desk.decide(person(DEMO, deals=(WON,)), "04-02 12:00")

    assert later.outputs["lead_type"] == "existing_customer"
    assert (later.outputs["cycle"], later.outputs["returned_count"]) == (1, 1)


def test_a_lost_ledger_gives_the_hand_off_back_to_its_lead_type(desk: Desk) -> None:
    """The record says cycle 1 of an existing customer at work: no task is made again."""
    known: dict[str, Value] = {"cycle": 1.0, "lead_type": "existing_customer", "current_stage": "customer"}
    who = person(DEMO, stage="customer", status="attempting", fields=known, deals=(WON,))
    decision = desk.decide(who)

    assert decision.tasks == ()
    assert track_of(decision, "existing_customer").cycle == 1
    assert track_of(decision, "existing_customer").handed_over
    assert track_of(decision, "new_business").cycle == 0


# -- types of one's own ------------------------------------------------------------------------------------------------


def test_case_39_two_interests_are_two_tracks_with_their_own_stage_and_score(by_field: Desk) -> None:
    """New machine and maintenance: own score, own stage; the record shows the furthest."""
    decision = by_field.decide(person(*V1))

    assert stages(decision) == {"new_business": "mql", "maintenance": "lead"}
    assert decision.outputs["current_stage"] == "mql"
    assert decision.outputs["lead_type"] == "new_business"


def test_a_field_recognises_the_type_at_first_sight_and_the_track_keeps_it(by_field: Desk) -> None:
    """Whose country changes later stays on the track they are on."""
    first = by_field.decide(person(fields={"country": "Indonesia"}))
    later = by_field.decide(person(fields={"country": "Poland"}), "04-01 12:00")

    assert [track.lead_type for track in first.tracks] == ["maintenance"]
    assert [track.lead_type for track in later.tracks] == ["maintenance"]


def test_a_type_has_its_own_threshold_and_its_own_follow_up(by_field: Desk) -> None:
    """Twelve points are enough for maintenance, whose first attempt is due within the fast hours."""
    who = person(days_ago("webinar_attended", 0.1), fields={"country": "Indonesia"})
    decision = by_field.decide(who)
    track = track_of(decision, "maintenance")

    assert track.stage == "mql"
    assert track.sla_class == "fast"
    assert track.sla_due_at is not None
    assert track.sla_due_at - NOON == timedelta(hours=1)


def test_a_deal_goes_to_the_type_it_names(by_field: Desk) -> None:
    """A person known for new business gets a second track with the deal."""
    by_field.decide(person())
    deal = Deal("9", "open", "discovery", opened_at=at("03-31 13:00"), lead_type="maintenance")
    decision = by_field.decide(person(deals=(deal,)), "03-31 14:00")

    assert stages(decision)["maintenance"] == "opportunity"
    assert stages(decision)["new_business"] == "lead"
    assert decision.outputs["current_stage"] == "opportunity"


def test_a_group_may_count_for_one_type_only(agreement: Agreement, desk_with: Callable[..., Desk]) -> None:
    """Content earns nothing for an existing customer, if the agreement says so."""
    groups = tuple(
        replace(group, lead_types=("new_business",)) if group.name == "content" else group
        for group in agreement.scoring.groups
    )
    desk = desk_with(scoring=replace(agreement.scoring, groups=groups))
    fresh = desk.decide(person(days_ago("webinar_attended", 0.1)))
    customers = desk_with(scoring=replace(agreement.scoring, groups=groups))
    customers.decide(person(deals=(WON,)), "03-02 12:00")
    customer = customers.decide(person(signal("webinar_attended", "03-31 10:00"), DEMO, deals=(WON,)))

    assert fresh.score.engagement == 12.0
    assert customer.score.engagement == 40.0


def test_the_task_says_which_interest_it_is(desk: Desk) -> None:
    """A rep reads it before calling a customer as if they were a stranger."""
    fresh = desk.decide(person(DEMO))
    other = Desk(desk.decider)
    other.decide(person(deals=(WON,)), "03-02 12:00")
    customer = other.decide(person(DEMO, deals=(WON,)))

    assert "Lead type" not in fresh.tasks[0].body
    assert "Lead type: Existing customer" in customer.tasks[0].body


def test_the_order_of_lead_types_after_the_first_never_shows(agreement: Agreement, decider: Decider) -> None:
    """Which track the record speaks of is decided by the facts."""
    turned = Decider(replace(agreement, lead_types=agreement.lead_types[::-1]))
    outcomes = []
    for each in (decider, turned):
        desk = Desk(each)
        desk.decide(person(deals=(WON,)), "03-02 12:00")
        outcomes.append(desk.decide(person(DEMO, deals=(WON,))))

    assert outcomes[0].outputs == outcomes[1].outputs
    assert stages(outcomes[0]) == stages(outcomes[1])


# -- the files ---------------------------------------------------------------------------------------------------------


def test_a_type_is_read_from_the_files(tmp_path: Path) -> None:
    """The commented example of the shipped file, with its signal, loads and means what it says."""
    folder = _copied(tmp_path)
    lifecycle = folder / "lifecycle.toml"
    text = lifecycle.read_text(encoding="utf-8").replace("# maintenance = {", "maintenance = {")
    lifecycle.write_text(text.replace("product_interest", "city").replace("service_request", "case_study"), "utf-8")
    crm = folder / "hubspot.toml"
    crm.write_text(
        crm.read_text(encoding="utf-8")
        .replace("# [deal.lead_types]", "[deal.lead_types]")
        .replace('# existing_customer = ["renewals"]', 'existing_customer = ["renewals"]')
        .replace('country = "country"\ncompany_name', 'country = "country"\ncity = "city"\ncompany_name'),
        encoding="utf-8",
    )
    agreement = load_agreement(folder)
    maintenance = agreement.lead_types[-1]

    assert (maintenance.signals, maintenance.sla) == (("case_study",), "fast")
    assert maintenance.stages[0].enter == Entry(engagement_at_least=30)
    assert maintenance.stages[0].stay_at_least_days == 7
    assert agreement.wiring.lead_types == {"renewals": "existing_customer"}


def _copied(tmp_path: Path) -> Path:
    folder = tmp_path / "mappings"
    for file in [*SHIPPED.glob("*.toml"), *SHIPPED.glob("lists/*.txt")]:
        there = folder / file.relative_to(SHIPPED)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(file.read_bytes())
    return folder
