"""The nearest way to the next stage: what explain tells whoever asks "why not yet, and what would do?"."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.agreement import Agreement
from connector.agreement.terms import Entry, LeadType
from connector.decide import Decider
from connector.decide.nearest import Nearest, Way
from connector.model import ALWAYS, Deal, Person

from .conftest import NOON, V1, Desk, at, person, signal

DEMO = signal("demo_request", "03-31 11:30")
FADED = V1[:3]  # pricing twice on 03-30, once on 03-21


@pytest.fixture
def nearest(agreement: Agreement, decider: Decider) -> Nearest:
    """Ways under the shipped agreement."""
    return Nearest(agreement, decider)


def ways(nearest: Nearest, desk: Desk, who: Person) -> tuple[Way, ...]:
    """What would lead this person on after a first look."""
    decision = desk.decide(who)
    return nearest.ways(who, decision, as_of=NOON, go_live=ALWAYS)


def test_a_visit_more_would_do_for_who_is_a_few_points_short(nearest: Nearest, desk: Desk) -> None:
    """26.91 points of engagement, 40 asked for: one more visit of the pricing page, nothing smaller."""
    found = ways(nearest, desk, person(*FADED))

    assert found[0] == Way("one more pricing page", "MQL")
    visited = desk.decide(person(*FADED, signal("pricing_page", "03-31 13:00", seen=9)), "03-31 14:00")
    assert visited.tracks[0].stage == "mql"


def test_a_missing_field_is_the_nearest_way(nearest: Nearest, desk: Desk) -> None:
    """Interested and fitting, and nobody knows how large the company is."""
    visits = tuple(signal("pricing_page", f"03-{day} 09:00") for day in (29, 30, 31))
    found = ways(nearest, desk, person(*visits, fields={"company_size": None}))

    assert found[0] == Way("the company size", "MQL")


def test_two_things_together_are_told_together(nearest: Nearest, desk: Desk) -> None:
    """A visit and a field."""
    found = ways(nearest, desk, person(*FADED, fields={"first_name": None}))

    assert Way("one more pricing page, and the first name", "MQL") in found


def test_whoever_was_handed_over_waits_for_sales(nearest: Nearest, desk: Desk) -> None:
    """From MQL the way leads through the answer of sales."""
    assert ways(nearest, desk, person(*V1))[0] == Way("sales answers: Accepted", "SAL")


def test_proofs_lead_to_sql(nearest: Nearest, desk: Desk) -> None:
    """Two of three proofs are asked for: each pair is a way."""
    found = ways(nearest, desk, person(DEMO))

    assert found[0] == Way("conversation held and answered by e-mail", "SQL")
    assert {way.stage for way in found} == {"SQL"}


def test_nothing_leads_on_whoever_is_excluded_for_good(nearest: Nearest, desk: Desk) -> None:
    """No visit makes a casino an MQL."""
    assert ways(nearest, desk, person(*V1, DEMO, fields={"industry": "Gambling"})) == ()


def test_a_way_is_not_told_again_with_something_that_it_does_not_need(nearest: Nearest, desk: Desk) -> None:
    """One demo request is enough, so two of them, or one and an answer, are no ways of their own."""
    found = [way.what for way in ways(nearest, desk, person())]

    assert "one demo request" in found
    assert not any("two days" in what and what.startswith("demo request") for what in found)
    assert len(found) == len(set(found))


# -- several kinds of interest -----------------------------------------------------------------------------------------

WON = Deal("1", "won", "won", opened_at=at("01-10 09:00"), closed_at=at("03-01 09:00"))


def test_the_next_interest_of_a_customer_has_its_own_ways(nearest: Nearest, desk: Desk) -> None:
    """The customer's track leads no further; the other one does, and is named."""
    desk.decide(person(deals=(WON,)), "03-02 12:00")
    found = ways(nearest, desk, person(*FADED, deals=(WON,)))

    assert found[0] == Way("one more pricing page", "MQL", "Existing customer")
    assert {way.lead_type for way in found} == {"Existing customer"}


def test_each_track_has_its_ways(typed: Agreement) -> None:
    """New business waits for sales, maintenance for a case study: neither hides the other."""
    desk = Desk(Decider(typed))
    study = signal("case_study", "03-11 12:00")  # 3.78 points of maintenance, which asks for ten
    decision = desk.decide(person(*(each for each in V1 if each.kind != "case_study"), study))
    found = Nearest(typed, desk.decider).ways(person(*V1, study), decision, as_of=NOON, go_live=ALWAYS)

    assert {track.lead_type: track.stage for track in decision.tracks} == {
        "new_business": "mql",
        "maintenance": "lead",
    }
    assert Way("sales answers: Accepted", "SAL", "New business") in found
    assert Way("case study on two more days", "MQL", "Maintenance") in found
    assert all(len([way for way in found if way.lead_type == name]) <= 3 for name in ("New business", "Maintenance"))


def test_a_track_that_begins_between_two_others_is_not_taken_for_one_of_them(typed: Agreement) -> None:
    """The types stand in the order of the file; what a customer does next begins a track in the middle."""
    desk = Desk(Decider(typed))
    who = person(signal("case_study", "03-30 09:00"), deals=(WON,))
    decision = desk.decide(who)
    found = Nearest(typed, desk.decider).ways(who, decision, as_of=NOON, go_live=ALWAYS)

    assert [track.lead_type for track in decision.tracks] == ["new_business", "maintenance"]
    assert [way for way in found if way.lead_type != "Maintenance"] == []


@pytest.fixture
def typed(agreement: Agreement) -> Agreement:
    """New business, existing customers, and maintenance, of which case studies speak."""
    mql = next(stage for stage in agreement.stages if stage.name == "mql")
    easier = replace(mql, enter=Entry(engagement_at_least=10, minimum_information="mql"), leave=None)
    maintenance = LeadType("maintenance", "Maintenance", signals=("case_study",), stages=(easier,))
    return replace(agreement, lead_types=(*agreement.lead_types, maintenance))
