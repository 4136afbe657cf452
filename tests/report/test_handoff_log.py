"""The log of hand-offs, filled by real runs: what each cycle says of itself, and what was known when."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.ledger import Ledger
from connector.ledger.handoffs import HandOff, from_json, joined, to_json
from tests.report.house import House, april, may, spring
from tests.sync.world import OWNER

House_ = tuple[House, Ledger]


@pytest.fixture
def lived(tmp_path: Path) -> House_:
    return spring(tmp_path)


def _by_person(ledger: Ledger) -> dict[str, HandOff]:
    return {one.person_id: one for one in ledger.hand_offs.every()}


def test_a_cycle_is_one_row_with_what_became_of_it(lived: House_) -> None:
    """Rule, times, owner and outcome of five people, as a reader can follow them in the house's diary."""
    _, ledger = lived
    found = _by_person(ledger)
    assert sorted(found) == ["1", "2", "3", "4", "5"]
    demo = found["1"]
    assert (demo.rule, demo.stage, demo.sla_class, demo.owner_id) == ("fast_track.demo", "sal", "fast", OWNER.id)
    assert (demo.first_attempt_at, demo.due_at) == (april(1, "09:30"), april(1, "10:00"))
    assert (demo.accepted_at, demo.outcome) == (april(1, "10:00"), None)
    assert (found["2"].outcome, found["2"].rejection, found["2"].ended_at) == ("returned", "no_timing", april(7))
    assert (found["2"].grade, found["2"].complete) == ("A2", True)
    assert (found["3"].assigned_at, found["3"].first_attempt_at) == (april(2), april(2, "10:00"))
    assert (found["4"].outcome, found["4"].rejection, found["4"].worked) == ("rejected", None, True)
    assert (found["5"].worked, found["5"].ended_at) == (False, None)


def test_what_was_known_at_an_instant_can_be_said_again(lived: House_) -> None:
    """At noon of 2 April nobody had called person 2 and person 4 was rejected; a second look adds no row."""
    house, ledger = lived
    then = {one.person_id: one for one in ledger.hand_offs.every(april(2, "12:00"))}
    assert (then["2"].attempts, then["2"].outcome, then["4"].outcome) == (0, None, "rejected")
    rows = _rows(ledger)
    house.on(april(10, "10:00")).sync(ledger)
    assert _rows(ledger) == rows


def _rows(ledger: Ledger) -> int:
    from connector.ledger.tables import handoffs  # noqa: PLC0415 - the table itself is asked only here

    return len(ledger.database.rows(handoffs.select()))


def test_a_reason_that_comes_after_the_answer_is_learned_late(lived: House_) -> None:
    """Person 4 was rejected without a reason; a week later sales fills it in, and only that changes."""
    house, ledger = lived
    before = _by_person(ledger)["4"]
    house.on(april(12))
    house.edit("4", {"cx_rejection_reason": "not_icp"})
    house.called("4", april(12, "08:00"))
    house.sync(ledger)
    after = _by_person(ledger)["4"]
    assert (after.rejection, after.attempts, after.ended_at) == ("not_icp", before.attempts, before.ended_at)


def test_fading_without_an_attempt_is_never_worked(lived: House_) -> None:
    """Person 5's score fades below 25 and nobody has done anything: the cycle ends as faded and unworked."""
    house, ledger = lived
    house.on(may(29))
    house.sync(ledger)
    found = _by_person(ledger)["5"]
    assert (found.outcome, found.worked) == ("faded", False)
    assert [one.move.because for one in ledger.people.transitions("5")][-1] == "score faded, never worked"


def test_a_new_hand_off_is_a_row_of_its_own(lived: House_) -> None:
    """Returned, and back by a demo request: cycle 2, the first one stays as it was."""
    house, ledger = lived
    house.on(april(14))
    house.asked_for_demo("2")
    house.edit("2", {"phone": "1"})
    house.sync(ledger)
    mine = [one for one in ledger.hand_offs.every() if one.person_id == "2"]
    assert [(one.cycle, one.rule, one.outcome) for one in mine] == [
        (1, "stages.mql.enter_when", "returned"),
        (2, "fast_track.demo", None),
    ]


def test_only_what_was_confirmed_is_logged(tmp_path: Path) -> None:
    """A write that the CRM refuses leaves no row: the hand-off has not happened. Observing leaves none either."""
    house = House(tmp_path)
    ledger = house.ledger()
    house.on(april(1))
    house.person("1")
    house.asked_for_demo("1")
    house.sync(ledger, mode="observe")
    assert ledger.hand_offs.every() == []
    house.crm.allowed["cx_stage"] = frozenset({"lead"})
    house.sync(ledger)
    assert (ledger.hand_offs.every(), ledger.history.stage_moves()) == ([], [])


def test_a_merge_keeps_the_hand_offs_of_both(lived: House_) -> None:
    """The loser's row is the survivor's from now on, under the loser's own track."""
    house, ledger = lived
    house.on(april(11))
    house.crm.merge("contact", "1", "3")
    house.sync(ledger)
    assert sorted(one.person_id for one in ledger.hand_offs.every()) == ["1", "1", "2", "4", "5"]


def test_a_row_survives_json_and_unknown_keys() -> None:
    """What is written is read back exactly, and what a newer program adds is passed over."""
    one = HandOff("1", "t", 1, april(1), rule="stages.mql.enter_when", fit=0.0, complete=False, attempts=2)
    assert from_json({**to_json(one), "mood": "good"}) == one


def test_what_was_said_at_the_beginning_stands() -> None:
    """Owner and rule of the hand-off stay, whoever owns the person later (case 49)."""
    first = HandOff("1", "t", 1, april(1), rule="fast_track.demo", owner_id="77", first_attempt_at=april(1, "10:00"))
    later = HandOff("1", "t", 1, april(1), owner_id="78", attempts=2, first_attempt_at=april(1, "10:00"))
    known = joined(first, later)
    assert (known.rule, known.owner_id, known.attempts) == ("fast_track.demo", "77", 2)
