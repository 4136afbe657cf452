"""One person's change goes out as the parts of several records, and has one outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.crm import Outcome, Update
from connector.crm.memory import MemoryCRM
from connector.errors import Unaccounted
from connector.fields.places import by_lead, on_lead, place_of
from connector.model import TaskDraft
from connector.plan import Change, Set
from connector.sync import parts

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


class Answering(MemoryCRM):
    """Says of each record what it was told to say, and notes what it was sent."""

    def __init__(self, **states: str) -> None:
        super().__init__(lambda: NOW)
        self.states: Mapping[str, str] = states
        self.alone: dict[str, bool] = {}
        self.sent: list[tuple[str, str, dict[str, str]]] = []

    def write(self, kind: str, updates: Sequence[Update]) -> list[Outcome]:
        self.alone |= {one.id: one.ours_alone for one in updates}
        self.sent += [(kind, one.id, dict(one.properties)) for one in updates]
        return [self._said(one) for one in updates]

    def _said(self, update: Update) -> Outcome:
        state: Any = self.states.get(f"r{update.id}", "written")
        refused = tuple(update.properties) if state == "rejected" else ()
        return Outcome(update.id, state, dict(update.properties), "" if state == "written" else state, "", refused)


def change(person: str, *places: str) -> Change:
    return Change(person, tuple(Set("field", place, "", "x") for place in places), (), (), "cause")


def test_each_record_gets_its_part_and_the_persons_own_goes_first() -> None:
    """Without an empty update to anybody."""
    crm = Answering()
    outcomes = parts.write(
        crm, [change("1", "a", on_lead("7", "b"), on_lead("8", "c")), change("2", on_lead("9", "d"))]
    )

    assert crm.sent == [
        ("contact", "1", {"a": "x"}),
        ("lead", "7", {"b": "x"}),
        ("lead", "8", {"c": "x"}),
        ("lead", "9", {"d": "x"}),
    ]
    assert [(one.id, one.state) for one in outcomes] == [("1", "written"), ("2", "written")]
    assert outcomes[0].properties == {"a": "x", "lead:7:b": "x", "lead:8:c": "x"}


def test_g4_only_what_nobody_else_sets_goes_out_as_ours_alone() -> None:
    """Record by record, and with a hand-off none of it: who is handed over is to be as they were decided on."""
    crm, ours = Answering(), frozenset("ab")
    task = TaskDraft("new_business", "new_business", 1, "rule", "subject", "body", NOW)
    handed_over = replace(change("3", "a"), tasks=(task,))
    parts.write(crm, [change("1", "a", "b", on_lead("7", "c")), change("2", "a", "c"), handed_over], ours)

    assert crm.alone == {"1": True, "7": False, "2": False, "3": False}
    parts.write(crm, [change("1", "a")])
    assert crm.alone["1"] is False


@pytest.mark.parametrize("state", ["rejected", "moved", "unknown", "deferred", "gone"])
def test_nothing_goes_to_the_leads_of_whom_the_own_record_was_not_written(state: str) -> None:
    """The others' leads are written."""
    crm = Answering(r1=state)
    outcomes = parts.write(crm, [change("1", "a", on_lead("7", "b")), change("2", "a", on_lead("8", "b"))])

    assert [one.state for one in outcomes] == [state, "written"]
    assert [id for kind, id, _ in crm.sent if kind == "lead"] == ["8"]


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ({"r7": "rejected"}, "rejected"),
        ({"r7": "rejected", "r8": "moved"}, "moved"),
        ({"r7": "moved", "r8": "deferred"}, "deferred"),
        ({"r7": "deferred", "r8": "unknown"}, "unknown"),
        ({"r7": "gone"}, "moved"),
        ({}, "written"),
    ],
)
def test_a_person_is_written_when_all_of_their_records_are(states: dict[str, str], state: str) -> None:
    """Else what became of them is the gravest of it; what was refused is named by its place."""
    crm = Answering(**states)
    (outcome,) = parts.write(crm, [change("1", "a", on_lead("7", "b"), on_lead("8", "c"))])

    assert (outcome.id, outcome.state) == ("1", state)
    assert outcome.refused == (("lead:7:b",) if states.get("r7") == "rejected" else ())


def test_a_lead_that_two_people_claim_is_written_once_and_the_other_is_read_again() -> None:
    """It went over from one to the other between two looks."""
    crm = Answering()
    outcomes = parts.write(crm, [change("1", on_lead("7", "b")), change("2", on_lead("7", "b"))])

    assert [one.state for one in outcomes] == ["written", "moved"]
    assert len(crm.sent) == 1


def test_g6_conservation_holds_for_each_kind() -> None:
    """An adapter that loses a lead ends the run."""
    crm = Answering()
    crm.write = lambda kind, updates: [] if kind == "lead" else Answering.write(crm, kind, updates)  # type: ignore[method-assign]  # loses them

    with pytest.raises(Unaccounted, match="lead"):
        parts.write(crm, [change("1", "a", on_lead("7", "b"))])


def test_reading_and_history_speak_of_places() -> None:
    """Of several records at once; what is gone is missing."""
    crm = MemoryCRM(lambda: NOW)
    crm.add("contact", "1", {"a": "old"})
    crm.add("lead", "7", {"a": "other"})
    crm.edit("contact", "1", {"a": "own"})
    crm.edit("lead", "7", {"a": "leads"})
    wanted = {"1": ["a", on_lead("7", "a"), on_lead("8", "a")], "2": ["a"]}

    assert parts.read(crm, wanted) == {"1": {"a": "own", "lead:7:a": "leads"}}
    history = parts.history(crm, wanted)
    assert {place: those[0].value for place, those in history["1"].items()} == {"a": "own", "lead:7:a": "leads"}


def test_a_place_is_taken_apart_as_it_was_put_together() -> None:
    """That of a person's own record is its property."""
    assert place_of(on_lead("7-a", "cx_stage")) == ("lead", "7-a", "cx_stage")
    assert place_of("cx_stage") == ("contact", "", "cx_stage")
    assert by_lead(["cx_stage", on_lead("7", "a"), on_lead("7", "b")]) == {"7": ["a", "b"]}
