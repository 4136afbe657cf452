"""What the log of hand-offs says of people who turn out to be one: nothing stays open that nobody follows any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.ledger import Ledger
from connector.ledger.handoffs import HandOff
from connector.report.scorecard import scorecard
from tests.report.house import House, april, books, may, people, spring
from tests.report.test_scorecard import APRIL

House_ = tuple[House, Ledger]


@pytest.fixture
def lived(tmp_path: Path) -> House_:
    return spring(tmp_path)


def _of(ledger: Ledger, id: str) -> dict[tuple[int, str | None], HandOff]:
    """The hand-offs of one person by cycle and outcome."""
    return {(one.cycle, one.outcome): one for one in ledger.hand_offs.every() if one.person_id == id}


def _merge(house: House, ledger: Ledger, survivor: str, loser: str) -> None:
    house.crm.merge("contact", survivor, loser)
    house.sync(ledger)


def test_the_loser_s_open_hand_off_ends_with_the_merge(lived: House_) -> None:
    """Person 5's hand-off goes on as person 1's own one does; it was not faded, and nobody left it unworked."""
    house, ledger = lived
    house.on(april(11))
    _merge(house, ledger, "1", "5")
    found = _of(ledger, "1")
    assert sorted(found, key=str) == [(1, "merged"), (1, None)]
    assert found[1, "merged"].ended_at == april(11)
    house.on(may(29))
    house.sync(ledger)
    assert people(scorecard(books(house, ledger), APRIL), "never_worked") == ()


def test_what_was_known_before_a_merge_can_still_be_said(lived: House_) -> None:
    """On the day before nobody knew: the hand-off was open."""
    house, ledger = lived
    house.on(april(11))
    _merge(house, ledger, "1", "5")
    before = [one.outcome for one in ledger.hand_offs.every(april(10)) if one.person_id == "1"]
    assert before == [None, None]


def test_the_survivor_s_hand_off_goes_on_under_the_number_it_counts_on_from(lived: House_) -> None:
    """Person 2 was handed over twice and 5 once: 5's own hand-off is number two now, and hears of the call."""
    house, ledger = lived
    house.on(april(14))
    house.asked_for_demo("2")
    house.edit("2", {"phone": "1"})
    house.sync(ledger)
    house.on(april(15))
    _merge(house, ledger, "5", "2")
    house.on(april(16))
    house.called("5", april(16, "08:00"))
    house.sync(ledger)

    found = _of(ledger, "5")
    assert sorted(found, key=str) == [(1, "returned"), (2, "merged"), (2, None)]
    # The call of then, and one with 2 of the 3rd, which hangs on 5 since the merge.
    assert (found[2, None].attempts, found[2, None].rule) == (2, "stages.mql.enter_when")
    card = scorecard(books(house, ledger), APRIL)
    assert people(card, "hand_offs").count("5") == 3


def test_a_merge_that_is_read_again_changes_nothing(lived: House_) -> None:
    """The CRM lists merged records for good; the second look at them adds no row."""
    house, ledger = lived
    house.on(april(11))
    _merge(house, ledger, "1", "5")
    known = ledger.hand_offs.every()
    house.on(april(12))
    house.edit("1", {"city": "Lodz"})
    house.sync(ledger)
    assert ledger.hand_offs.every() == known
