"""One interest is one hand-off: which track a deal, a signal or an answer speaks to is the same at every look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from connector.agreement import Agreement
from connector.agreement.terms import Entry, LeadType
from connector.model import Activity, Deal, Decision, Signal, Value

from .conftest import NOON, V1, Desk, at, edit, person, signal

DEMO = signal("demo_request", "03-31 11:30")


def stages(decision: Decision) -> dict[str, str | None]:
    """Stage by lead type."""
    return {track.lead_type: track.stage for track in decision.tracks}


def seen(run: int, *signals: Signal) -> tuple[Signal, ...]:
    """Signals that this run was the first to see."""
    return tuple(replace(each, seen=run) for each in signals)


# -- whose is the deal -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closed_at", [None, "03-31 23:59", "04-30 00:00"])
@pytest.mark.parametrize("lead_type", [None, "existing_customer"])
@pytest.mark.parametrize("opened_at", [None, "03-30 09:00"])
def test_the_first_deal_that_is_won_stays_the_first_interest_s(
    desk: Desk, closed_at: str | None, lead_type: str | None, opened_at: str | None
) -> None:
    """A close date of the evening, or the expected one that nobody put right, makes no second customer of it."""
    opened, closed = at(opened_at) if opened_at else None, at(closed_at) if closed_at else None
    won = Deal("1", "won", "won", opened_at=opened, closed_at=closed, lead_type=lead_type)
    desk.decide(person())
    looks = [desk.decide(person(deals=(won,)), when) for when in ("03-31 14:00", "03-31 14:00", "04-05 12:00")]

    assert [stages(each) for each in looks] == [{"new_business": "customer"}] * 3
    assert [each.moves for each in looks[1:]] == [(), ()]


def test_an_adopted_customer_whose_deal_closed_later_that_day_has_one_track(desk: Desk) -> None:
    """The CRM made the customer at nine, and dates the deal to the end of the day."""
    desk.go_live = at("03-30 00:00")
    won = Deal("1", "won", "won", opened_at=at("02-01 09:00"), closed_at=at("03-01 23:59"))
    who = replace(person(stage="customer", deals=(won,)), entered={"customer": at("03-01 09:00")})

    assert stages(desk.decide(who)) == {"new_business": "customer"}


# -- whose is the signal -----------------------------------------------------------------------------------------------


def test_a_demo_that_was_handed_over_is_not_handed_over_again_by_a_deal_dated_before_it(desk: Desk) -> None:
    """Asked at 10:00, handed over at noon, bought the same day, which the CRM dates to midnight."""
    demo = signal("demo_request", "03-31 10:00")
    desk.decide(person(demo))
    won = Deal("1", "won", "won", opened_at=at("03-31 13:00"), closed_at=at("03-31 00:00"))
    bought = desk.decide(person(demo, deals=(won,)), "03-31 18:00")
    later = desk.decide(person(demo, deals=(won,)), "04-01 18:00")

    assert (bought.tasks, later.tasks) == ((), ())
    assert stages(later)["new_business"] == "customer"


def test_what_a_new_customer_asks_for_after_buying_is_heard_in_the_same_look(desk: Desk) -> None:
    """The deal and a demo of something else come together: the demo is an existing customer's, and one task."""
    desk.decide(person(), "03-31 08:00")
    won = Deal("1", "won", "won", opened_at=at("03-20 09:00"), closed_at=at("03-31 10:00"))
    both = desk.decide(person(*seen(2, DEMO), deals=(won,)))
    again = desk.decide(person(*seen(2, DEMO), deals=(won,)))

    assert stages(both) == {"new_business": "customer", "existing_customer": "sal"}
    assert ([task.lead_type for task in both.tasks], again.tasks) == (["existing_customer"], ())


def test_a_status_on_the_record_of_a_customer_moves_no_signal_to_another_track(desk: Desk) -> None:
    """Nobody knows since when this is a customer, and a status set today says nothing about it."""
    who = person(signal("webinar_attended", "03-30 10:00"), stage="customer")
    before = desk.decide(who)
    said = edit("status", None, "in_progress", "04-01 09:00")
    after = [
        desk.decide(replace(who, edits={"status": said}), "04-01 12:00"),
        desk.decide(who, "04-01 12:00"),
    ]

    assert stages(before) == {"new_business": "customer", "existing_customer": "lead"}
    assert [stages(each)["existing_customer"] for each in after] == ["lead", "lead"]
    assert after[0].outputs["engagement_score"] == after[1].outputs["engagement_score"]


def test_who_is_made_a_customer_by_hand_is_one_from_then_on_in_the_same_look(desk: Desk) -> None:
    """The demo that came after is heard once: by the look that sees the edit, and by no later one."""
    desk.decide(person(), "03-31 08:00")
    made = edit("stage", "lead", "customer", "03-31 10:00")
    who = person(*seen(2, DEMO), edits={"stage": made})
    looks = [desk.decide(who), desk.decide(replace(who, edits={}))]

    assert [stages(each) for each in looks] == [{"new_business": "customer", "existing_customer": "sal"}] * 2
    assert [len(each.tasks) for each in looks] == [1, 0]


# -- customers are not demoted -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["returned_not_ready", "unqualified", "not_interested"])
def test_case_34_a_status_demotes_no_customer(desk: Desk, status: str) -> None:
    """A customer whose deal nobody knows stays one, whatever is said of the next interest."""
    who = person(stage="customer")
    desk.decide(who)
    decision = desk.decide(replace(who, edits={"status": edit("status", None, status, "04-01 09:00")}), "04-01 12:00")

    assert stages(decision) == {"new_business": "customer"}


# -- whose is the answer -----------------------------------------------------------------------------------------------


def test_an_answer_that_may_not_be_blanked_speaks_to_no_later_track(
    agreement: Agreement, desk_with: Callable[..., Desk]
) -> None:
    """Sales returned the first hand-off; the record still says so when another lead type is handed over."""
    rules = {name: rule for name, rule in agreement.write_back.rules.items() if name != "sales_answer"}
    desk = desk_with(write_back=replace(agreement.write_back, rules=rules))
    said: dict[str, Value] = {"sales_answer": "returned_not_ready", "rejection_reason": "no_timing"}
    won = Deal("1", "won", "won", opened_at=at("03-20 09:00"), closed_at=at("04-02 09:00"))
    demo = signal("demo_request", "04-03 10:00", seen=4)
    desk.decide(person(*V1))
    desk.decide(person(*V1, fields=said), "04-01 09:00")
    desk.decide(person(*V1, fields=said, deals=(won,)), "04-02 12:00")
    handed = desk.decide(person(*V1, demo, fields=said, deals=(won,)), "04-03 12:00")
    later = [desk.decide(person(*V1, demo, fields=said, deals=(won,)), when) for when in ("04-03 12:00", "04-04 12:00")]

    assert [task.lead_type for task in handed.tasks] == ["existing_customer"]
    assert [stages(each)["existing_customer"] for each in later] == ["sal", "sal"]
    assert [each.moves for each in later] == [(), ()]


@pytest.fixture
def both(agreement: Agreement, desk_with: Callable[..., Desk]) -> Desk:
    """New business and maintenance, which case studies speak of, each handed over on 31 March: the record speaks of the
    later one, maintenance."""
    mql = next(stage for stage in agreement.stages if stage.name == "mql")
    easier = replace(mql, enter=Entry(engagement_at_least=3, minimum_information="mql"), leave=None)
    maintenance = LeadType("maintenance", "Maintenance", signals=("case_study",), stages=(easier,))
    desk = desk_with(lead_types=(*agreement.lead_types, maintenance))
    desk.decide(person(DEMO))
    desk.decide(person(DEMO, STUDY), "03-31 15:00")
    return desk


STUDY = signal("case_study", "03-31 14:00", seen=2)


@pytest.mark.parametrize("blanked", [True, False])
def test_one_answer_is_given_to_one_hand_off(both: Desk, blanked: bool) -> None:  # noqa: FBT001 - a case of the test
    """Two are open; sales returns the one that the record speaks of. The other goes on, the record speaks of it from
    then on, and what was said is blanked, so that sales can answer that one, too."""
    said: dict[str, Value] = {"sales_answer": "returned_not_ready", "rejection_reason": "no_timing"}
    returned = both.decide(person(DEMO, STUDY, fields=said), "04-01 09:00")
    later = [
        both.decide(person(DEMO, STUDY, fields=None if blanked else said), when)
        for when in ("04-01 09:00", "04-02 09:00")
    ]

    assert stages(returned) == {"new_business": "sal", "maintenance": "nurture"}
    assert (returned.outputs["lead_type"], returned.outputs["sales_answer"]) == ("new_business", None)
    assert [stages(each) for each in later] == [stages(returned)] * 2
    assert [each.moves for each in later] == [(), ()]


def test_after_one_hand_off_was_returned_the_other_can_be_answered_alike(both: Desk) -> None:
    """The same word, written again on the blanked record, is an answer to the other."""
    said: dict[str, Value] = {"sales_answer": "returned_not_ready", "rejection_reason": "no_timing"}
    both.decide(person(DEMO, STUDY, fields=said), "04-01 09:00")
    both.decide(person(DEMO, STUDY), "04-01 12:00")
    again = both.decide(person(DEMO, STUDY, fields=said), "04-02 09:00")

    assert stages(again) == {"new_business": "nurture", "maintenance": "nurture"}


def test_a_promise_is_kept_although_another_interest_was_handed_over_meanwhile(both: Desk) -> None:
    """Maintenance is to be called back on 20 April; the record has spoken of new business since, and is blank."""
    day = at("04-20 00:00")
    said: dict[str, Value] = {
        "sales_answer": "returned_not_ready",
        "rejection_reason": "no_timing",
        "call_back_on": day,
    }
    both.decide(person(DEMO, STUDY, fields=said), "04-01 09:00")
    between = both.decide(person(DEMO, STUDY), "04-05 09:00")
    due = both.decide(person(DEMO, STUDY), "04-20 09:00")

    assert between.tasks == ()
    assert [(task.lead_type, task.rule, task.cycle) for task in due.tasks] == [("maintenance", "call_back", 2)]


def test_a_status_that_somebody_set_after_an_answer_is_not_turned_back_by_it(desk: Desk) -> None:
    """Rejected for now, which may return; then the manager says unqualified, and that is the last word."""
    said: dict[str, Value] = {"sales_answer": "rejected", "rejection_reason": "no_timing"}
    desk.decide(person(*V1))
    returned = desk.decide(person(*V1, fields=said), "04-01 09:00")
    judged = edit("status", "returned_not_ready", "unqualified", "04-02 09:00")
    looks = [
        desk.decide(person(*V1, fields=said, edits={"status": judged}), "04-02 12:00"),
        desk.decide(person(*V1, fields=said), "04-03 12:00"),
    ]

    assert returned.tracks[0].stage == "nurture"
    assert [each.tracks[0].stage for each in looks] == ["disqualified", "disqualified"]
    assert looks[1].tracks[0].status == "unqualified"


# -- at the very instant -----------------------------------------------------------------------------------------------


def test_a_call_at_the_instant_of_the_hand_off_is_counted_in_that_look(desk: Desk) -> None:
    """Sales called while the run decided: the first look says attempting, and the second has nothing to add."""
    call = Activity("c1", "call", NOON, "outbound", "no_answer", "rep", "7")
    first = desk.decide(person(DEMO, activities=(call,)))
    second = desk.decide(person(DEMO, activities=(call,)))

    assert (first.outputs["attempts"], first.outputs["status"]) == (1, "attempting")
    assert len(first.tasks) == 1
    assert (second.moves, second.tasks) == ((), ())
