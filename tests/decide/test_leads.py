"""Leads as tracks: whose a lead is, what it should say, and what is said on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import pytest

from connector.agreement.vocabulary import OF_TRACK
from connector.model import Deal, Decision, Edit, Lead, Person, Value

from .conftest import NOON, V1, Desk, at, person, signal

WON = Deal("1", "won", "won", opened_at=at("01-10 09:00"), closed_at=at("03-01 09:00"))
DEMO = signal("demo_request", "03-31 11:30")


def lead(id: str = "10", *, is_open: bool = True, opened_at: datetime = NOON, **fields: Value) -> Lead:
    """A lead made now, unless something else is said."""
    return Lead(id, is_open, fields, opened_at)


def with_leads(who: Person, *leads: Lead) -> Person:
    return replace(who, leads=leads)


def set_on(one: Lead, field: str, after: Value, *, by: str = "person", when: str = "03-31 11:00") -> Lead:
    """The lead after somebody set a field of it."""
    edit = Edit(field, one.fields.get(field), after, at(when), by)
    return replace(one, fields={**one.fields, field: after}, edits={**one.edits, field: edit})


def stages(decision: Decision) -> Mapping[str, str | None]:
    return {track.lead_type: track.stage for track in decision.tracks}


def test_an_open_lead_says_what_belongs_to_its_track_and_a_closed_one_nothing(desk: Desk) -> None:
    """Neither scores nor what is known of the person."""
    decision = desk.decide(with_leads(person(*V1), lead("10"), lead("11", is_open=False)))

    assert set(decision.leads) == {"10"}
    said = decision.leads["10"]
    assert set(said) <= set(OF_TRACK)
    assert {name: said[name] for name in ("stage", "current_stage", "status", "cycle", "lead_type")} == {
        "stage": "mql",
        "current_stage": "mql",
        "status": "new",
        "cycle": 1,
        "lead_type": "new_business",
    }


def test_nobody_without_leads_is_decided_otherwise(desk: Desk) -> None:
    """And a lead that says nothing changes nothing but what it should say itself."""
    alone = desk.decide(person(*V1))
    beside = Desk(desk.decider).decide(with_leads(person(*V1), lead()))

    assert alone.leads == {}
    assert replace(beside, leads={}) == alone


def test_a_lead_keeps_a_stage_that_is_further_than_its_tracks(desk: Desk) -> None:
    """The CRM's own stage never goes back, on a lead as on the person."""
    decision = desk.decide(with_leads(person(*V1), lead("10", stage="sql"), lead("11", stage="lead")))

    assert (decision.leads["10"]["stage"], decision.leads["11"]["stage"]) == ("sql", "mql")
    assert decision.leads["10"]["current_stage"] == decision.leads["11"]["current_stage"] == "mql"


def test_a_lead_with_a_stage_that_has_no_word_is_left_alone(desk: Desk) -> None:
    """And a human is told."""
    odd = replace(lead("10"), unmapped={"stage": "odd"})
    decision = desk.decide(with_leads(person(*V1), odd))

    assert decision.leads == {"10": {}}
    assert any("lead 10" in warning for warning in decision.warnings)


# -- whose is it -------------------------------------------------------------------------------------------------------


def test_a_customers_new_lead_is_a_track_of_its_own(desk: Desk) -> None:
    """As a deal of later would be; one from before the purchase is of the track that bought."""
    before, after = lead("10", opened_at=at("02-01 09:00")), lead("11", opened_at=at("03-20 09:00"))
    desk.decide(person(deals=(WON,)), "03-02 12:00")

    decision = desk.decide(with_leads(person(deals=(WON,)), before, after))

    assert set(stages(decision)) == {"new_business", "existing_customer"}
    assert decision.leads["10"].get("lead_type") == "new_business"
    assert decision.leads["10"].get("current_stage") == "customer"
    assert decision.leads["11"].get("current_stage") != "customer"


def test_what_a_lead_says_of_its_type_counts_before_when_it_was_made(desk: Desk) -> None:
    """Of a type that there is; another word is none, and stays as it was typed."""
    desk.decide(person(deals=(WON,)), "03-02 12:00")
    named = lead("10", opened_at=at("03-20 09:00"), lead_type="new_business")
    odd = lead("11", opened_at=at("02-01 09:00"), lead_type="nobody_knows")

    decision = desk.decide(with_leads(person(deals=(WON,)), named, odd))

    assert set(stages(decision)) == {"new_business"}
    assert [said.get("current_stage") for said in decision.leads.values()] == ["customer", "customer"]
    assert not any("lead_type" in said for said in decision.leads.values())


def test_a_closed_lead_begins_no_track(desk: Desk) -> None:
    """It is an interest of the past."""
    desk.decide(person(deals=(WON,)), "03-02 12:00")
    closed = lead("10", is_open=False, opened_at=at("03-20 09:00"))

    assert set(stages(desk.decide(with_leads(person(deals=(WON,)), closed)))) == {"new_business"}


def test_a_track_begins_where_its_lead_stands(desk: Desk) -> None:
    """With the cycle that an earlier life of the ledger left there; nobody is handed over again."""
    stood = lead("10", stage="mql", current_stage="sal", status="attempting", cycle=2, opened_at=at("03-01 09:00"))

    decision = desk.decide(with_leads(person(DEMO, stage=None), stood))

    (track,) = decision.tracks
    assert (track.stage, track.status, track.cycle, decision.tasks) == ("sal", "attempting", 2, ())


# -- what is said on a lead --------------------------------------------------------------------------------------------


def test_g4_a_stage_set_on_a_lead_is_adopted_by_its_track_alone(desk: Desk) -> None:
    """The customer stays one."""
    desk.decide(person(deals=(WON,)), "03-02 12:00")
    new = lead("11", opened_at=at("03-20 09:00"))
    desk.decide(with_leads(person(deals=(WON,)), new), "03-21 12:00")

    decision = desk.decide(with_leads(person(deals=(WON,)), set_on(new, "stage", "sql")))

    assert stages(decision) == {"new_business": "customer", "existing_customer": "sql"}
    assert [(move.cause, move.after) for move in decision.moves] == [("person", "sql")]


def test_of_two_words_the_newer_counts_and_a_persons_before_a_machines(desk: Desk) -> None:
    """On whichever record they were said."""
    desk.decide(with_leads(person(*V1), lead("10"), lead("11")), "03-31 10:00")
    older = set_on(lead("10"), "stage", "sql", when="03-31 11:00")
    newer = set_on(lead("11"), "stage", "opportunity", when="03-31 11:30")
    machine = set_on(lead("12"), "stage", "customer", by="automation", when="03-31 11:45")

    decision = desk.decide(with_leads(person(*V1), older, newer, machine))

    assert decision.tracks[0].stage == "opportunity"


@pytest.mark.parametrize(("answer", "stage"), [("rejected", "disqualified"), ("returned_not_ready", "nurture")])
def test_an_answer_on_a_lead_answers_its_hand_off_once(desk: Desk, answer: str, stage: str) -> None:
    """What stands there afterwards says nothing more."""
    desk.decide(with_leads(person(*V1), lead("10")), "03-31 10:00")
    answered = set_on(lead("10", rejection_reason="no_budget"), "sales_answer", answer)

    decision = desk.decide(with_leads(person(*V1), answered))

    (track,) = decision.tracks
    assert (track.stage, track.handed_over) == (stage, False)
    known = replace(answered, edits={})
    again = desk.decide(with_leads(person(*V1), known), "03-31 13:00")
    assert (again.tracks[0].stage, again.moves) == (stage, ())


def test_a_new_hand_off_blanks_the_answers_on_its_leads(desk: Desk) -> None:
    """On whichever of them they stand."""
    decision = desk.decide(with_leads(person(*V1), lead("10", sales_answer="rejected")))

    assert decision.tasks
    assert {decision.leads["10"][name] for name in ("sales_answer", "rejection_reason", "call_back_on")} == {None}


# -- a person whose lead is closed -------------------------------------------------------------------------------------


def test_whoever_sales_had_closed_before_our_time_begins_where_that_sends_them(desk: Desk) -> None:
    """Nobody is handed over for what was known then."""
    closed = replace(person(*V1, fields={"sales_answer": "rejected"}), closed=True)

    decision = desk.decide(closed)

    assert (decision.tracks[0].stage, decision.tasks) == ("disqualified", ())


def test_an_answer_that_stays_on_a_closed_record_answers_no_later_hand_off(desk: Desk) -> None:
    """It cannot be blanked there; whoever comes back is handed over and stays so."""
    desk.decide(person(*V1), "03-31 10:00")
    closed = replace(person(*V1, fields={"sales_answer": "returned_not_ready"}), closed=True)
    assert desk.decide(closed, "03-31 11:00").tracks[0].stage == "nurture"
    back = replace(closed, signals=(*closed.signals, signal("demo_request", "09-30 10:00")))

    assert len(desk.decide(back, "09-30 11:00").tasks) == 1
    assert desk.decide(back, "09-30 12:00").tracks[0].handed_over
