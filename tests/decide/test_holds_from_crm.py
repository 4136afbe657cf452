"""A record is held from inside the CRM: hold until, hold reason (G4, case 55)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from connector.agreement.vocabulary import OUTPUTS
from connector.model import Person, Value

from .conftest import V1, Desk, at, edit, person, signal

APRIL_30 = datetime(2026, 4, 30, tzinfo=UTC)  # as a CRM sends a day
ROUTE = {name for name, output in OUTPUTS.items() if output.group == "route"}


def held(until: Value = APRIL_30, reason: Value = "contract talks") -> Person:
    """Anna, on hold."""
    return person(*V1, fields={"hold_until": until, "hold_reason": reason})


def test_case_55_a_hold_leaves_everything_but_the_scores(desk: Desk) -> None:
    """No stage, status, task or clock; scores as ever; and it says until when and why."""
    decision = desk.decide(held())

    assert (decision.moves, decision.tasks, decision.cause) == ((), (), "")
    assert not ROUTE & decision.outputs.keys()
    assert (decision.outputs["fit_score"], decision.outputs["engagement_score"]) == (85, 45)
    assert "on hold until 2026-04-30: contract talks" in decision.warnings
    assert decision.held_until == at("05-01 00:00")


def test_the_track_and_its_unused_facts_stay_as_they_were(desk: Desk) -> None:
    """Nothing counts as answered, so that what happened meanwhile is news afterwards."""
    desk.decide(person())
    before = desk.tracks
    desk.decide(person(signal("demo_request", "04-02 09:00"), fields={"hold_until": APRIL_30}), "04-02 10:00")

    assert desk.tracks == before
    decision = desk.decide(person(signal("demo_request", "04-02 09:00")), "05-01 00:00")
    assert (decision.tracks[0].stage, len(decision.tasks)) == ("sal", 1)


def test_a_day_is_held_through_its_end(desk: Desk) -> None:
    """The last moment of 30 April is held, the first of May is not: everything is worked out anew."""
    last, after = desk.decide(held(), "04-30 23:59"), desk.decide(held(), "05-01 00:00")

    assert last.held_until is not None
    assert after.held_until is None
    assert not any("hold" in each for each in after.warnings)


def test_the_day_ends_in_the_business_zone(desk_with: Callable[..., Desk]) -> None:
    """In Warsaw 30 April is over at ten in the evening of UTC."""
    desk = desk_with(zone=ZoneInfo("Europe/Warsaw"))

    assert desk.decide(held(), "04-30 21:59").held_until == at("04-30 22:00")
    assert desk.decide(held(), "04-30 22:00").held_until is None


def test_an_instant_is_exact(desk: Desk) -> None:
    """A property with a time of day means that time."""
    decision = desk.decide(held(at("04-30 15:30")), "04-30 15:29")

    assert "on hold until 2026-04-30 15:30 (UTC): contract talks" in decision.warnings
    assert desk.decide(held(at("04-30 15:30")), "04-30 15:30").held_until is None


def test_the_end_of_the_hold_is_looked_at(desk: Desk) -> None:
    """At the latest."""
    decision = desk.decide(replace(held(at("03-31 18:00")), signals=()))

    assert decision.route_next_at == at("03-31 18:00")


def test_a_clock_that_runs_is_left_alone(desk: Desk) -> None:
    """Held after the hand-off: the follow-up state is not written, late or not."""
    desk.decide(person(*V1))
    decision = desk.decide(held(), "04-10 12:00")

    assert not ROUTE & decision.outputs.keys()
    assert desk.decide(person(*V1), "04-10 12:05").outputs["sla_state"] == "late"


def test_an_answer_waits_for_the_end_of_the_hold(desk: Desk) -> None:
    """What sales says while the record is held is taken in afterwards."""
    desk.decide(person(*V1))
    answer = {"sales_answer": "accepted"}
    during = desk.decide(person(*V1, fields={**answer, "hold_until": APRIL_30}), "04-01 09:00")
    after = desk.decide(person(*V1, fields=answer), "05-01 09:00")

    assert (during.tracks[0].stage, after.tracks[0].stage) == ("mql", "sal")


def test_a_stage_set_while_held_is_not_followed_yet(desk: Desk) -> None:
    """Not even a person's edit moves the track of a held record."""
    desk.decide(person(*V1))
    said = edit("stage", "mql", "sql", "04-01 08:00")
    decision = desk.decide(replace(held(), edits={"stage": said}), "04-01 09:00")

    assert decision.tracks[0].stage == "mql"


def test_a_reason_alone_holds_nobody_and_is_told(desk: Desk) -> None:
    """Somebody forgot the day."""
    decision = desk.decide(held(None, "wait"))

    assert (decision.tracks[0].stage, len(decision.tasks)) == ("mql", 1)
    assert "there is a hold reason and no hold until: nothing is held" in decision.warnings
