"""What would have been handed over, beside what people did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import pytest

from connector.agreement import Agreement
from connector.ledger.observing import Observed
from connector.model import Person
from connector.report.observed import Observations, headlines, observations
from tests.decide.conftest import NOON
from tests.report.conftest import ago, call, deal, someone

Beside = Callable[[Sequence[Observed], Iterable[Person]], Observations]


def noted(
    person_id: str, days: float, *, due: float | None = 0.5, cause: str = "fast_track.demo", owner: str = "7"
) -> Observed:
    """A hand-off so many days ago, its first attempt due half a day later."""
    due_at = None if due is None else ago(days) + timedelta(days=due)
    return Observed(
        person_id, f"t{person_id}", 1, 1, ago(days), cause, "demo request: fast track", owner, "sal", due_at
    )


@pytest.fixture
def beside(agreement: Agreement) -> Beside:
    def made(found: Sequence[Observed], people: Iterable[Person]) -> Observations:
        return observations(found, people, agreement, since=ago(14), as_of=NOON)

    return made


def test_each_hand_off_ends_as_it_really_did(beside: Beside) -> None:
    """In time, later, never, still waiting, without a clock, gone: one each."""
    one = beside(
        [noted("1", 5), noted("2", 5), noted("3", 5), noted("4", 0.2), noted("5", 5, due=None), noted("6", 5)],
        [
            someone("1", activities=(call(4.8),)),
            someone("2", activities=(call(3),)),
            someone("3", activities=(call(6),)),
            someone("4"),
            someone("5"),
        ],
    )
    assert {each.person_id: each.ending for each in one.hand_offs} == {
        "1": "in time",
        "2": "later",
        "3": "never",
        "4": "waiting",
        "5": "no clock",
        "6": "gone",
    }
    said = " ".join(headlines(one))
    assert "Would have handed over 0.4 a day: 6 in 14 days." in said
    assert "Sales called 1 of 3 in time, 1 later, 1 never so far. 1 still have time." in said
    assert one.hand_offs[0].person_id == "4"


def test_who_was_being_worked_already_is_told_apart(beside: Beside) -> None:
    """A call in the month before, or a deal that was open then; an old call or a closed deal is none."""
    one = beside(
        [noted(id, 5) for id in ("1", "2", "3", "4")],
        [
            someone("1", activities=(call(20),)),
            someone("2", deals=(deal("open", 9),)),
            someone("3", activities=(call(50),)),
            someone("4", deals=(deal("lost", 60, closed=30),)),
        ],
    )
    assert {each.person_id for each in one.hand_offs if each.worked_before} == {"1", "2"}
    assert one.worked_before == 2


def test_deals_afterwards_and_deals_nobody_saw_coming(beside: Beside) -> None:
    """Opened after the hand-off; opened before it, or without one, is what the agreement missed."""
    one = beside(
        [noted("1", 5), noted("2", 5)],
        [
            someone("1", deals=(deal("open", 2),)),
            someone("2", deals=(deal("open", 9),)),
            someone("3", deals=(deal("won", 9, closed=1),)),
            someone("4", deals=(deal("open", 20),)),
        ],
    )
    assert one.deals_since == 1
    assert one.unnoticed_deals.ids == ("2", "3")
    assert headlines(one)[-1] == "2 people got a deal in this time without the agreement noticing first."


def test_where_nobody_logs_anything_nothing_is_said_of_speed(beside: Beside) -> None:
    """An activity before the period, or a task, measures nobody."""
    one = beside([noted("1", 5)], [someone("1", activities=(call(30),))])
    assert (one.measurable, one.endings) == (False, {"not measurable": 1})
    assert any("not measurable" in text for text in headlines(one))


def test_causes_are_counted_and_named(beside: Beside) -> None:
    """By the rule's own words, the most frequent first."""
    rule = "stages.mql.enter_when"
    one = beside(
        [noted("1", 5), noted("2", 5, cause=rule), noted("3", 4, cause=rule)],
        [someone("1", activities=(call(4.9),)), someone("2"), someone("3")],
    )
    assert [(row.label, row.hand_offs, row.endings) for row in one.by_cause] == [
        ("score and rule of MQL", 2, {"never": 2}),
        ("demo request (fast track)", 1, {"in time": 1}),
    ]


def test_an_empty_period_is_one_sentence(beside: Beside) -> None:
    """Nobody, and what lies outside the period does not count."""
    one = beside([noted("1", 20)], [someone("1")])
    assert headlines(one) == ["Nobody would have been handed over in this time."]
