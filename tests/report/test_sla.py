"""Follow-up by class and owner; who cannot be measured is not late."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connector.ledger import Ledger
from connector.ledger.handoffs import HandOff
from connector.report.promises import Books
from connector.report.reckoning import Reckoning, Span, State, quantile
from connector.report.sla import sla
from tests.report.house import House, april, books, may, people, spring, value

APRIL = Span(april(1, "00:00"), may(1, "00:00"))


@pytest.fixture
def lived(tmp_path: Path) -> tuple[House, Ledger]:
    return spring(tmp_path)


def test_every_class_says_what_was_met_and_missed(lived: tuple[House, Ledger]) -> None:
    """Fast: one met. Standard: one met, three late."""
    house, ledger = lived
    sheet = sla(books(house, ledger), APRIL, "2026-04")
    assert people(sheet, "classes.fast.met") == ("1",)
    assert (people(sheet, "classes.standard.met"), people(sheet, "classes.standard.late")) == (("3",), ("2", "4", "5"))
    assert value(sheet, "classes.standard.in_time") == 0.25
    assert people(sheet, "owners.standard.77.late") == ("2", "4", "5")


def test_case_48_routing_and_the_owners_clock_are_two_clocks(lived: tuple[House, Ledger]) -> None:
    """Person 3 had no owner for 24 hours: that is routing's time, and the owner took one hour."""
    house, ledger = lived
    sheet = sla(books(house, ledger), APRIL, "2026-04")
    assert value(sheet, "routing.p90") == 24
    assert people(sheet, "classes.standard.no_owner") == ()
    assert value(sheet, "sla_time.median") == 1  # half an hour, one hour, two days and two hours
    assert value(sheet, "speed_to_lead.median") == 25  # half an hour, 25 hours, 50 hours


def test_whoever_logs_nothing_is_not_measurable(lived: tuple[House, Ledger]) -> None:
    """The silent hand-off of an owner who logs nothing is no lateness; 77 made calls, so theirs is."""
    house, ledger = lived
    sheet = sla(books(house, ledger, active=frozenset()), APRIL, "2026-04")
    assert people(sheet, "classes.standard.late") == ("2", "4", "5")
    idle = _one(owner_id="78")
    state = Reckoning([idle], APRIL, april(20), frozenset({"77"})).state(idle)
    assert state == "not_measurable"
    assert Reckoning([idle], APRIL, april(1, "10:00"), frozenset({"77"})).state(idle) == "running"


DUE = april(2)


def _one(due_at: datetime | None = DUE, **more: object) -> HandOff:
    usual = {"rule": "stages.mql.enter_when", "sla_class": "standard", "owner_id": "77", "assigned_at": april(1)}
    return HandOff("1", "t", 1, april(1), due_at=due_at, **{**usual, **more})  # type: ignore[arg-type]  # builder


@pytest.mark.parametrize(
    ("one", "at", "state"),
    [
        (_one(first_attempt_at=april(2)), april(20), "met"),  # at the due instant is in time
        (_one(first_attempt_at=april(2) + timedelta(seconds=1)), april(20), "late"),
        (_one(contact_at=april(1, "10:00"), first_attempt_at=april(3)), april(20), "met"),  # the person called first
        (_one(answered_at=april(1, "10:00")), april(20), "met"),
        (_one(), april(2), "running"),
        (_one(), april(2, "10:00"), "late"),
        (_one(paused_at=april(1, "12:00")), april(20), "paused"),
        (_one(due_at=None, assigned_at=None), april(20), "no_owner"),
        (_one(due_at=None, assigned_at=None, contact_at=april(3)), april(20), "met"),
        (_one(ended_at=april(1, "12:00"), outcome="moved"), april(20), "ended"),
        (_one(ended_at=april(9), outcome="faded"), april(20), "late"),
        (_one(sla_class=None), april(20), "no_sla"),
    ],
)
def test_each_follow_up_has_one_state(one: HandOff, at: datetime, state: State) -> None:
    """As of an instant; the exact due time is in time, and an end before it needed nobody."""
    assert Reckoning([one], APRIL, at).state(one) == state


def test_membership_is_by_the_due_date() -> None:
    """Handed over on 30 April, due in May: May's."""
    late = _one(due_at=may(1, "10:00"), assigned_at=april(30))
    assert Reckoning([late], APRIL, may(9)).due == []
    assert Reckoning([late], Span(may(1, "00:00"), may(31)), may(9)).due == [late]


def test_reasons_and_exhaustion_have_their_lists(lived: tuple[House, Ledger]) -> None:
    """Two turned down, one with a reason."""
    house, ledger = lived
    sheet = sla(books(house, ledger), APRIL, "2026-04")
    assert (people(sheet, "with_reason"), people(sheet, "without_reason")) == (("2",), ("4",))
    given_up = _one(attempts=6, ended_at=april(20), outcome="exhausted", first_attempt_at=april(1, "10:00"))
    told = books(house, ledger)
    assert people(sla(Books(told.setting, told.log, [given_up]), APRIL, "2026-04"), "exhausted.6") == ("1",)


def test_quantiles_are_nearest_ranks() -> None:
    """Never between two values that were measured."""
    assert [quantile([5, 1, 3, 2], part) for part in (0.5, 0.9)] == [2, 5]
    assert (quantile([], 0.5), quantile([7], 0.9)) == (None, 7)


@pytest.mark.parametrize(
    ("one", "share"),
    [
        (_one(answer_due_at=april(3), decided_at=april(3)), 1),
        (_one(answer_due_at=april(3), decided_at=april(4)), 0),
        (_one(answer_due_at=april(3)), 0),
        (_one(answer_due_at=april(25)), None),
        (_one(answer_due_at=april(3), ended_at=april(2), outcome="moved"), None),
        (_one(), None),
    ],
)
def test_an_answer_is_in_time_late_or_not_due(one: HandOff, share: float | None) -> None:
    """Known on 20 April: in time, late, overdue; due later, ended before or never agreed is no part of it."""
    assert Reckoning([one], APRIL, april(20)).figure("answer_in_time").value == share
