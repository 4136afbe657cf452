"""What to ask next: one thing at a time, what is required first, nothing that is known or was declined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connector.agreement import Agreement
from connector.agreement.terms import Expiry, Questions
from connector.model import Value

from .conftest import NOON, V1, Desk, days_ago, person

ASKED = ("ask_next", "ask_next_2", "ask_next_3")
LATE = ("phone", "country", "company_size", "first_name")


def _asked(desk: Desk, when: datetime = NOON, **fields: Value) -> list[object]:
    outputs = desk.decide(person(days_ago("case_study", 3), fields=fields), when).outputs
    return [outputs[name] for name in ASKED]


@pytest.fixture
def asking(agreement: Agreement, desk_with: Callable[..., Desk]) -> Callable[..., Desk]:
    """A desk with other questions: an order, and what else is agreed."""

    def build(order: tuple[str, ...] = agreement.ask_next, **questions: object) -> Desk:
        audience = replace(agreement.audience, questions=Questions(**questions))  # type: ignore[arg-type]  # its own names
        return desk_with(ask_next=order, audience=audience)

    return build


def test_case_20_what_keeps_a_person_from_the_next_stage_is_asked_first(asking: Callable[..., Desk]) -> None:
    """Company size is required for MQL and stands late in the order; a telephone number would be nice."""
    desk = asking(LATE)

    assert _asked(desk, company_size=None, phone=None, country=None) == ["company_size", "phone", "country"]


def test_of_two_that_are_required_the_order_decides(asking: Callable[..., Desk]) -> None:
    """Among equals it is what both teams agreed."""
    assert _asked(asking(LATE), company_size=None, first_name=None)[:2] == ["company_size", "first_name"]
    assert _asked(asking(LATE[::-1]), company_size=None, first_name=None)[:2] == ["first_name", "company_size"]


def test_what_is_required_is_asked_though_no_order_names_it(asking: Callable[..., Desk]) -> None:
    """Nobody waits for a question that nobody wrote down."""
    assert _asked(asking(()), company_size=None) == ["company_size", None, None]


def test_a_required_field_waits_no_longer_than_its_stage(desk: Desk) -> None:
    """Who is past MQL is asked in the usual order."""
    outputs = desk.decide(person(days_ago("case_study", 3), stage="sql", fields={"company_size": None})).outputs

    assert outputs["ask_next"] == "company_size"
    assert outputs["ask_next_2"] == "phone"


def test_of_several_that_would_do_the_other_is_asked_when_one_was_declined(
    agreement: Agreement, desk_with: Callable[..., Desk]
) -> None:
    """A list inside the minimum information means: one of these."""
    desk = desk_with(minimum_information={"mql": (("phone", "city"),)}, ask_next=("country",))

    assert _asked(desk, country=None, declined_questions=("phone",)) == ["city", "country", None]


def test_personas_and_lead_types_have_their_own_first_questions(asking: Callable[..., Desk]) -> None:
    """The persona's order goes before the lead type's, and that before everybody's."""
    desk = asking(
        LATE,
        by_persona={"economic_buyer": ("revenue",)},
        by_lead_type={"new_business": ("city",), "existing_customer": ("website",)},
    )

    assert _asked(desk, revenue=None) == ["revenue", "city", "phone"]
    assert _asked(desk, revenue=None, job_title="Process Engineer") == ["city", "phone", None]


def test_what_is_known_is_not_asked_again(desk: Desk) -> None:
    """Everything answered: blank, so that a form shows no question."""
    assert _asked(desk, phone="1") == [None, None, None]


def test_what_a_person_declined_is_never_asked_again(desk: Desk) -> None:
    """Not even when a stage requires it: they said no."""
    assert _asked(desk, company_size=None, declined_questions=("company_size", "phone"))[0] is None


def test_an_answer_may_be_asked_for_again_when_it_was_confirmed_too_long_ago(asking: Callable[..., Desk]) -> None:
    """After 365 whole days, behind what is unknown; an answer that nobody dated is left in peace."""
    desk = asking(expires=(Expiry("job_title", 365, "confirmed_on"),))
    confirmed = NOON - timedelta(days=366)

    assert _asked(desk, confirmed_on=confirmed) == ["phone", "job_title", None]
    assert _asked(desk, confirmed_on=confirmed + timedelta(seconds=1)) == ["phone", None, None]
    assert _asked(desk, confirmed_on=None) == ["phone", None, None]


def test_the_day_on_which_an_answer_grows_old_is_foreseen(asking: Callable[..., Desk]) -> None:
    """Nobody touches the record, and on that day the question is there."""
    desk = asking(expires=(Expiry("job_title", 365, "confirmed_on"),))
    confirmed = NOON - timedelta(days=365)
    decision = desk.decide(person(fields={"confirmed_on": confirmed}))

    assert decision.route_next_at is not None
    assert decision.route_next_at <= confirmed + timedelta(days=366)


def test_the_task_asks_what_the_record_asks(asking: Callable[..., Desk]) -> None:
    """One question, wherever it is read."""
    decision = asking(by_persona={"economic_buyer": ("city",)}).decide(person(*V1))

    assert decision.outputs["ask_next"] == "city"
    assert "Ask next: city" in decision.tasks[0].body
