"""The laws of the loop, on the memory CRM: G1, G2, G5, G8, G13."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.plan import Limits
from connector.sync import Order, run
from tests.sync.conftest import Build
from tests.sync.world import AS_OF, World


def _peopled(build: Build, folder: str = "world", *, page: int = 100) -> World:
    world = build(folder, page=page)
    world.usual_people()
    return world


def test_g1_a_second_run_writes_nothing(build: Build) -> None:
    """Same data, same instant: zero writes, zero tasks; and the first run did something."""
    world = _peopled(build)
    ledger = world.ledger()
    first = world.sync(ledger)
    writes = world.writes

    second = world.sync(ledger)

    assert first.counts["written"] > 4
    assert first.tasks_created == 2
    assert world.writes == writes
    assert (second.counts["written"], second.tasks_created, second.status) == (0, 0, "done")


def test_g1_a_second_backfill_writes_nothing(build: Build) -> None:
    """Everybody is looked at again, and of nobody anything differs."""
    world = _peopled(build)
    ledger = world.ledger()
    world.sync(ledger)
    writes = world.writes

    report = run(world.session(ledger), Order("backfill", world.clock(), everything=True))

    assert report.counts["decided"] == 6
    assert world.writes == writes


def test_g1_a_later_run_writes_only_what_time_changed(build: Build) -> None:
    """Two days on, the score has faded: scores move, stages and tasks do not."""
    world = _peopled(build)
    ledger = world.ledger()
    world.sync(ledger)
    stages = {id: one.get("lifecyclestage") for id, one in world.contacts().items()}
    before = world.properties("1")
    world.clock.pass_by(days=2)

    later = world.sync(ledger)

    after = world.properties("1")
    assert later.counts["written"] > 0
    assert later.tasks_created == 0
    assert {id: one.get("lifecyclestage") for id, one in world.contacts().items()} == stages
    assert int(after["cx_engagement_score"]) < int(before["cx_engagement_score"])


@pytest.mark.parametrize("page", [1, 2, 100])
def test_g13_page_size_does_not_show_in_the_result(build: Build, page: int) -> None:
    """However the CRM slices its answers, the people end alike."""
    calm = _peopled(build, "calm")
    calm.sync(calm.ledger())
    expected = calm.state()
    world = _peopled(build, "paged", page=page)

    world.sync(world.ledger(), chunk=page, write_chunk=page)

    assert world.state() == expected


def test_g2_a_lost_ledger_repeats_no_task(build: Build) -> None:
    """The markers in the CRM and the cycle on the record stand in for the ledger that is gone."""
    world = _peopled(build)
    world.sync(world.ledger())
    tasks = world.handed_over()

    world.sync(world.ledger("new"))

    assert world.handed_over() == tasks


def test_g8_a_flood_is_parked_and_the_few_go_through(build: Build) -> None:
    """Forty people of one cause exceed the budget and wait; the demo request is handed over."""
    world = build()
    for number in range(100, 140):
        world.person(str(number))
        world.interested(str(number))
    world.person("2")
    world.asked_for_demo("2")
    ledger = world.ledger()

    report = world.sync(ledger, limits=Limits(changes_per_run=10, changes_per_day=100, max_share=1.0))

    assert report.status == "partial"
    assert report.counts["parked"] == 40
    assert world.handed_over() == ["2"]
    assert world.properties("120")["lifecyclestage"] == "lead"
    assert "changes_per_run = 10" in report.parked[0]["why"]


def test_g8_one_alert_for_one_flood(build: Build) -> None:
    """The first run refuses; idle ones after it say that people wait, without refusing again."""
    world = build()
    for number in range(100, 120):
        world.person(str(number))
        world.interested(str(number))
    ledger = world.ledger()
    limits = Limits(changes_per_run=10, changes_per_day=100, max_share=1.0)

    statuses = [world.sync(ledger, limits=limits).status for _ in range(3)]

    assert statuses == ["refused", "partial", "partial"]
    assert world.handed_over() == []


def test_g8_what_was_parked_is_released_after_review(build: Build) -> None:
    """`apply --run` writes the parked people, once."""
    world = build()
    for number in range(100, 120):
        world.person(str(number))
        world.interested(str(number))
    ledger = world.ledger()
    parked = world.sync(ledger, limits=Limits(changes_per_run=10, changes_per_day=100, max_share=1.0))
    ids = tuple(one.person_id for one in ledger.work.every(parked.run, "parked"))

    released = run(world.session(ledger), Order("apply", AS_OF, only=ids, release=True))

    assert (parked.status, released.status) == ("refused", "done")
    assert len(world.handed_over()) == 20
    assert world.sync(ledger).counts["written"] == 0


def test_g4_an_edit_of_one_of_our_properties_is_held_and_then_overwritten(build: Build) -> None:
    """Somebody else's value stands for as long as agreed, is listed, and then gives way."""
    world = _peopled(build)
    ledger = world.ledger()
    world.sync(ledger)
    ours = world.properties("1")["cx_persona"]
    world.clock.pass_by(minutes=1)
    world.edit("1", {"cx_persona": "somebody_else"})

    held = world.sync(ledger)
    world.clock.pass_by(days=31)
    world.edit("1", {"phone": "1"})
    world.sync(ledger)

    assert held.counts["held"] == 1
    assert world.properties("1")["cx_persona"] == ours


def test_g4_a_stage_set_by_a_person_is_adopted(build: Build) -> None:
    """A rep's SQL stays SQL (case 28), and the log says that a person did it."""
    world = _peopled(build)
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    world.edit("1", {"lifecyclestage": "salesqualifiedlead"})
    world.clock.pass_by(minutes=10)

    world.sync(ledger)

    assert world.properties("1")["lifecyclestage"] == "salesqualifiedlead"
    assert world.properties("1")["cx_stage"] == "sql"
    assert ledger.people.transitions("1")[-1].move.cause == "person"


def test_g4_a_stage_that_a_person_blanked_stays_blank_whatever_else_is_learnt(build: Build) -> None:
    """Nobody fills it again with the furthest stage of before, neither for a new title nor in a look at everybody."""
    world = _peopled(build)
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    world.edit("1", {"lifecyclestage": ""})
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    world.edit("1", {"jobtitle": "Poet"})
    world.clock.pass_by(minutes=10)

    world.sync(ledger)
    run(world.session(ledger), Order("backfill", world.clock(), everything=True))

    assert not world.properties("1").get("lifecyclestage")
    assert not world.properties("1").get("cx_stage")


def test_g15_history_is_taken_as_given(build: Build) -> None:
    """People older than go-live are adopted: no stage, no status, no task; their scores are filled in."""
    world = _peopled(build)
    ledger = world.ledger()
    world.clock.pass_by(hours=1)

    report = world.sync(ledger, go_live=AS_OF + timedelta(minutes=1))

    assert report.counts["adopted"] == 6
    assert world.handed_over() == []
    assert {one["lifecyclestage"] for one in world.contacts().values()} == {"lead"}
    assert world.properties("1")["cx_fit_score"] != ""


def test_observing_writes_nothing(build: Build) -> None:
    """Without a go-live instant nothing is written, whatever the mode says."""
    world = _peopled(build)

    report = world.sync(world.ledger(), go_live=None)

    assert world.writes == 0
    assert report.counts["changed"] == 6
    assert report.mode == "observe"


def test_mode_scores_writes_our_own_properties_only(build: Build) -> None:
    """No stage, no status, no task: only properties with our prefix."""
    world = _peopled(build)
    before = {id: dict(one) for id, one in world.contacts().items()}
    ledger = world.ledger()

    world.sync(ledger, mode="scores")

    for id, properties in world.contacts().items():
        changed = {name for name, value in properties.items() if before[id].get(name) != value}
        assert changed
        assert all(name.startswith("cx_") for name in changed)
    assert world.handed_over() == []
    assert world.sync(ledger, mode="scores").counts["written"] == 0


def test_a_malformed_record_is_rejected_alone(build: Build) -> None:
    """One contact whose company size is a word does not stop the others."""
    world = _peopled(build)
    world.add("contact", "9", {"email": "x@y.example", "cx_cycle": "many"})
    ledger = world.ledger()

    report = world.sync(ledger)

    assert report.status == "partial"
    assert [one.code for one in ledger.rejects.every()] == ["malformed_value"]
    assert report.counts["written"] > 4
    world.edit("9", {"cx_cycle": ""})
    world.clock.pass_by(minutes=1)
    world.sync(ledger)
    assert ledger.rejects.every() == []


def test_counts_account_for_everybody_looked_at(build: Build) -> None:
    """G6: inputs are the sum of outcomes."""
    world = _peopled(build)

    counts = world.sync(world.ledger()).counts

    ends = ("written", "unchanged", "held", "parked", "rejected", "gone", "unknown")
    assert counts["looked_at"] == sum(counts[name] for name in ends)


@pytest.mark.parametrize("property", ["lifecyclestage", "hs_lead_status"])
def test_g11_a_value_nobody_named_is_read_and_never_written(build: Build, property: str) -> None:
    """Not a score, not a stage, not a task; once the value is named, all happens as if for the first time."""
    world = build()
    world.person("1", **{property: "98765"})
    world.asked_for_demo("1")
    ledger = world.ledger()

    report = world.sync(ledger)

    assert (report.counts["held"], world.writes, world.handed_over()) == (1, 0, [])
    world.clock.pass_by(minutes=10)
    world.edit("1", {property: ""})
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    assert world.handed_over() == ["1"]
