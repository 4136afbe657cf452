"""G14: who is forgotten is in no table any more, and never comes back."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
import sqlalchemy as sa

from connector.ledger import Ledger
from connector.ledger.forgetting import KNOWN
from connector.ledger.tables import metadata
from connector.plan import Limits
from connector.sync import Order, run
from tests.sync.conftest import Build
from tests.sync.test_reverting import merge, undo
from tests.sync.world import World

#: An id that no number in the ledger is by chance, and what is this person's alone.
WHO = "70707070"
VALUES = ("quentin@looms-of-old.example", "looms-of-old", "Quentin", "Vice President of Looms", "+48 600 707")


def somebody(world: World, id: str = WHO) -> None:
    """A person with unique values, handed over."""
    world.person(id, mail=VALUES[0], firstname=VALUES[2], jobtitle=VALUES[3], phone=VALUES[4])


def a_life(world: World) -> Ledger:
    """Everything that leaves a trace: hand-off, hold, reject, revert, observed, set aside, a deal, plans, warnings."""
    ledger = world.ledger()
    somebody(world)
    world.person("2")
    observing = world.session(ledger, mode="observe")
    world.asked_for_demo(WHO)
    run(observing, Order("sync", world.clock()))
    world.clock.pass_by(minutes=10)
    world.sync(ledger, limits=Limits(0, 0, 1.0))
    world.clock.pass_by(minutes=10)
    done = world.sync(ledger)
    world.deal("40", WHO, "appointmentscheduled")
    world.edit(WHO, {"cx_engagement_score": "77"})
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    world.edit(WHO, {"hs_lead_status": "NOT_MAPPED_AT_ALL"})
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    undo(world, ledger, done.run)
    run(world.session(ledger), Order("plan", world.clock(), only=(WHO, "999"), write=False))
    return ledger


def everything(ledger: Ledger) -> str:
    """All rows of all tables as one text."""
    found = []
    for table in metadata.sorted_tables:
        for row in ledger.database.rows(sa.select(table)):
            cells = (bytes(one).decode() if isinstance(one, bytes | memoryview) else str(one) for one in row)
            found.append(f"{table.name}: {' | '.join(cells)}")
    return "\n".join(found)


def bytes_of(world: World) -> bytes:
    """The state as it lies on the disk, with its journal."""
    return b"".join(file.read_bytes() for file in world.folder.glob("state.db*"))


def test_g14_every_table_knows_how_a_person_is_erased_from_it() -> None:
    """A new table has a column `person_id`, or is named in the room that forgets."""
    assert {table.name for table in metadata.sorted_tables} == KNOWN


def test_g14_whoever_is_forgotten_is_in_no_table_and_not_in_the_file(memory: Build) -> None:
    """Neither the id nor a value, in columns, JSON, texts, or pages that are free by now; the others stay."""
    world = memory()
    ledger = a_life(world)
    before = everything(ledger)
    assert WHO in before
    assert all(one in before for one in VALUES)
    others = ledger.people.remember(["2"])

    erased = ledger.forgetting.forget(WHO, world.clock(), "salt")
    assert ledger.database.scrub()

    assert {"records", "people", "changes", "transitions", "handoffs", "tasks"} <= set(erased)
    assert {"links", "undone", "holds", "observed", "occurrences", "runs"} <= set(erased)
    after = everything(ledger)
    for secret in (WHO, *VALUES):
        assert secret not in after, [line for line in after.splitlines() if secret in line]
        assert secret.encode() not in bytes_of(world), secret
    assert ledger.people.remember(["2"]) == others
    assert "[forgotten]" in after  # a run's warning named the id


def test_g14_what_somebody_still_looks_at_is_not_called_erased(memory: Build) -> None:
    """A reader beside us, and a writer: the pages of before stay for them, and that is told; afterwards they go."""
    world = memory()
    ledger = a_life(world)
    beside = sqlite3.connect(world.folder / "state.db", isolation_level=None)
    for begins in ("BEGIN", "BEGIN IMMEDIATE"):
        beside.execute(begins)
        beside.execute("SELECT count(*) FROM records").fetchone()
        if begins == "BEGIN":
            ledger.forgetting.forget(WHO, world.clock(), "salt")
        assert not ledger.database.scrub(patience=0.0)
        beside.execute("ROLLBACK")
    beside.close()

    assert ledger.database.scrub()
    assert all(one.encode() not in bytes_of(world) for one in VALUES)


def test_g14_whoever_is_forgotten_never_comes_back(memory: Build) -> None:
    """Read in full, by change, by name, by a deal, by a form: nothing is kept, nothing is written."""
    world = memory()
    ledger = a_life(world)
    ledger.forgetting.forget(WHO, world.clock(), "salt")
    stood = world.properties(WHO)

    world.clock.pass_by(minutes=10)
    world.edit(WHO, {"jobtitle": "Director of Forgetting"})
    world.deal("41", WHO, "closedwon")
    world.asked_for_demo(WHO)
    world.sync(ledger)
    run(world.session(ledger), Order("backfill", world.clock(), everything=True))
    named = run(world.session(ledger), Order("backfill", world.clock(), only=(WHO,)))

    assert WHO not in everything(ledger)
    assert world.properties(WHO) == {**stood, "jobtitle": "Director of Forgetting"}
    assert named.warnings == ["1 of those named were forgotten and are left alone"]


def test_g14_the_same_address_under_a_new_id_is_left_alone_too(memory: Build) -> None:
    """Until somebody lifts it, for the address and for the id that it was seen under."""
    world = memory()
    ledger = world.ledger()
    somebody(world)
    world.sync(ledger)
    ledger.forgetting.forget(WHO, world.clock(), "salt")
    world.delete(WHO)
    somebody(world, "80808080")
    world.clock.pass_by(minutes=10)

    world.sync(ledger)

    assert "80808080" not in everything(ledger)
    assert "cx_fit_score" not in world.properties("80808080")


def test_g14_who_was_merged_is_forgotten_under_every_id(build: Build) -> None:
    """By the id that is no record any more; and whoever one of them becomes part of later is the same person."""
    world = build()
    ledger = world.ledger()
    somebody(world)
    world.person("60606060")
    world.person("50505050")
    world.sync(ledger)
    merge(world, "60606060", WHO)
    world.edit("60606060", {"city": "Warsaw"})
    world.clock.pass_by(minutes=10)
    world.sync(ledger)

    assert ledger.forgetting.everybody_of(WHO) == ("60606060", WHO)
    ledger.forgetting.forget(WHO, world.clock(), "salt")
    assert not {WHO, "60606060"} & set(everything(ledger).split())
    assert "60606060" not in everything(ledger)

    merge(world, "50505050", "60606060")
    world.edit("50505050", {"city": "Gdynia"})
    world.clock.pass_by(minutes=10)
    report = world.sync(ledger)
    assert "50505050" not in everything(ledger)
    assert any("merged with another record" in text for text in report.warnings)


def test_g14_a_colleague_and_a_shared_meeting_stay(memory: Build) -> None:
    """What others were part of is theirs as well; what was theirs alone goes."""
    world = memory()
    ledger = world.ledger()
    somebody(world)
    world.person("2")
    world.sync(ledger)
    for id, whose in (("501", (WHO,)), ("502", (WHO, "2"))):
        world.add("call", id, {"hs_timestamp": "2026-03-30T12:00:00Z", "hs_call_direction": "OUTBOUND"})
        for one in whose:
            world.link("call", id, "contact", one)
    run(world.session(ledger), Order("backfill", world.clock(), everything=True))
    known = ledger.mirror.kept("call", ["501", "502"])
    assert set(known) == {"501", "502"}

    ledger.forgetting.forget(WHO, world.clock(), "salt")

    assert set(ledger.mirror.kept("call", ["501", "502"])) == {"502"}


@pytest.mark.parametrize("named", ["contact 7: is odd", "for example contact 5, 7, 9). Nothing", "contacts 7, 8"])
def test_g14_a_text_that_names_a_record_is_cleaned(memory: Build, named: str) -> None:
    """In reports, alerts and the daemon's last word; numbers that are no record stay."""
    world = memory()
    ledger = world.ledger()
    number = ledger.runs.start("sync", "live", world.clock(), world.clock(), "")
    report: dict[str, Any] = {"counts": {"written": 7}, "warnings": [named, "7 people wait"]}
    ledger.runs.finish(number, "done", world.clock(), report)

    ledger.forgetting.forget("7", world.clock(), "salt")

    found = ledger.runs.find(number)
    assert found is not None
    assert found.report["counts"] == {"written": 7}
    assert found.report["warnings"][1] == "7 people wait"
    assert "7" not in found.report["warnings"][0]
    assert "[forgotten]" in found.report["warnings"][0]


def test_g14_what_a_record_held_is_not_kept_once_it_is_gone(memory: Build) -> None:
    """Deleted in the CRM, for whatever reason: its facts and its address go at once, what we did stays; restored by
    the CRM within its 90 days it is read anew."""
    world = memory()
    ledger = world.ledger()
    somebody(world)
    world.sync(ledger)
    world.delete(WHO)
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    run(world.session(ledger), Order("backfill", world.clock(), everything=True))

    left = [line for line in everything(ledger).splitlines() if line.startswith("records:") and WHO in line]
    assert len(left) == 1
    assert not any(value in left[0] for value in VALUES)
    assert ledger.people.remember([WHO])


def test_g14_somebody_known_who_gets_the_address_is_neither_kept_nor_decided_on(memory: Build) -> None:
    """Typed into another record, the address is theirs there, too: nothing more is written to it, not even by time."""
    world = memory()
    ledger = world.ledger()
    somebody(world)
    world.person("60606060")
    world.sync(ledger)
    ledger.forgetting.forget(WHO, world.clock(), "salt")
    world.delete(WHO)
    world.edit("60606060", {"email": VALUES[0]})
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    stood = world.properties("60606060")

    ledger.mirror.mark_all_dirty()
    world.asked_for_demo("60606060")
    world.clock.pass_by(days=40)
    world.sync(ledger)

    assert ledger.mirror.alive("contact", ["60606060"]) == set()
    assert world.properties("60606060") == stood


def test_g14_a_known_person_who_comes_to_a_forgotten_address_is_forgotten_whole(memory: Build) -> None:
    """Every row of theirs, at once; and no sweep waits for a record that may not be read."""
    world = memory()
    ledger = world.ledger()
    somebody(world)
    world.person("80808080", mail="another@northmill.example")
    world.sync(ledger)
    ledger.forgetting.forget(WHO, world.clock(), "salt")
    world.delete(WHO)
    world.clock.pass_by(minutes=10)
    world.edit("80808080", {"email": VALUES[0]})

    report = world.sync(ledger)
    world.clock.pass_by(hours=25)
    swept = world.sync(ledger)

    assert "80808080" not in everything(ledger)
    assert any("forgotten, too" in text for text in report.warnings)
    assert ledger.cursors.sweep("reconcile") is None
    assert swept.completeness["reconciled_as_of"] == swept.started_at.isoformat().replace("+00:00", "Z")
