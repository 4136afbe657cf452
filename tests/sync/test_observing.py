"""Mode observe: what would have been done is remembered beside the truth, and forgotten when the mode changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from connector.ledger import Ledger
from connector.sync import Report
from tests.sync.conftest import Build
from tests.sync.world import AS_OF, World


def look(world: World, ledger: Ledger, **changes: Any) -> Report:
    """One run that only observes, without a go-live instant."""
    return world.sync(ledger, **{"mode": "observe", "go_live": None, **changes})


def test_observing_notes_each_hand_off_once_and_writes_nothing(build: Build) -> None:
    """Adopted at first sight; the request after it would be handed over, however often we look."""
    world = build()
    ledger = world.ledger()
    world.person("1")
    world.person("2")
    first = look(world, ledger)
    world.clock.pass_by(hours=1)
    world.asked_for_demo("2")

    for _ in range(3):
        world.clock.pass_by(hours=1)
        look(world, ledger)

    seen = ledger.observations.every()
    assert (first.counts["adopted"], world.writes) == (2, 0)
    assert [(one.person_id, one.cycle, one.cause, one.owner_id) for one in seen] == [("2", 1, "fast_track.demo", "77")]
    assert [one.at for one in seen] == [AS_OF + timedelta(hours=2)]


def test_history_before_the_first_look_is_taken_as_given_while_observing(build: Build) -> None:
    """A request of yesterday was not ours to answer."""
    world = build()
    ledger = world.ledger()
    world.person("2")
    world.saw("2", "form:demo-request", 1)

    for _ in range(2):
        look(world, ledger)
        world.clock.pass_by(days=1)

    assert ledger.observations.every() == []


def test_idle_observing_keeps_no_rows_and_looks_at_nobody(build: Build) -> None:
    """What would be written is the same at every look: it is counted, and not stored again."""
    world = build()
    ledger = world.ledger()
    world.usual_people()
    look(world, ledger)
    world.clock.pass_by(minutes=30)

    idle = look(world, ledger)

    assert (idle.counts["looked_at"], list(ledger.work.every(idle.run))) == (0, [])


def test_going_live_forgets_what_was_only_imagined(build: Build) -> None:
    """The request that was observed is handed over for real by a fact after go-live, as cycle 1."""
    world = build()
    ledger = world.ledger()
    world.person("2")
    look(world, ledger)
    world.clock.pass_by(hours=1)
    world.asked_for_demo("2")
    world.clock.pass_by(hours=1)
    look(world, ledger)
    world.clock.pass_by(hours=1)
    world.settings = replace(world.settings, go_live=world.clock())

    adopted = world.sync(ledger)
    quiet = world.handed_over()
    world.clock.pass_by(hours=1)
    world.asked_for_demo("2")
    world.clock.pass_by(hours=1)
    world.sync(ledger)

    assert (adopted.counts["adopted"], quiet, world.handed_over()) == (1, [], ["2"])
    assert world.properties("2")["cx_cycle"] == "1"


def test_a_stage_set_by_a_person_while_observing_is_followed(build: Build) -> None:
    """The shadow adopts what people do, so that it does not hand over whom they took themselves."""
    world = build()
    ledger = world.ledger()
    world.person("1")
    look(world, ledger)
    world.clock.pass_by(hours=1)
    world.edit("1", {"lifecyclestage": "salesqualifiedlead"})
    world.clock.pass_by(hours=1)
    look(world, ledger)
    world.asked_for_demo("1")
    world.clock.pass_by(hours=1)
    look(world, ledger)

    assert ledger.observations.every() == []


def test_observing_after_live_goes_on_from_what_was_done(build: Build) -> None:
    """Somebody handed over for real is not observed as a second hand-off, and nothing of the truth is touched."""
    world = build()
    ledger = world.ledger()
    world.person("2")
    world.asked_for_demo("2")
    world.sync(ledger)
    before = ledger.people.remember(["2"])
    world.clock.pass_by(hours=1)

    look(world, ledger)

    assert ledger.observations.every() == []
    assert ledger.people.remember(["2"]) == before


def test_observing_again_goes_on_from_what_was_done_meanwhile(build: Build) -> None:
    """Observe, live, observe: the second time begins with the hand-off that was really made."""
    world = build()
    ledger = world.ledger()
    world.person("2")
    look(world, ledger)
    world.clock.pass_by(hours=1)
    world.sync(ledger)
    world.asked_for_demo("2")
    world.clock.pass_by(hours=1)
    world.sync(ledger)
    world.clock.pass_by(hours=1)

    look(world, ledger)

    assert world.handed_over() == ["2"]
    assert ledger.observations.every() == []
    assert ledger.shadows.remember(["2"])["2"].tracks[0]["cycle"] == 1
