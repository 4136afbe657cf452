"""What falls between a person's own record and their leads: one is written and the other moves, closes or goes over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from connector.fields.places import on_lead
from tests.sync.leads_world import LeadsWorld
from tests.sync.test_reverting import undo

SQL = "salesqualifiedlead"


@pytest.fixture
def world(tmp_path: Path) -> LeadsWorld:
    return LeadsWorld(tmp_path)


def _between(world: LeadsWorld, act: Callable[[], None]) -> None:
    """Somebody acts once, after a person's own record was written and before their leads are."""
    write, acted = world.crm.write, []

    def acting(kind: str, updates: Sequence[Any]) -> Any:
        if kind == "lead" and not acted:
            acted.append(True)
            act()
        return write(kind, updates)

    world.crm.write = acting  # type: ignore[method-assign]  # somebody acts between two calls


def _scored(world: LeadsWorld) -> Any:
    """Somebody with a lead who is scored and has asked for a demo since; the ledger."""
    world.person("1")
    world.lead("10", "1", lifecyclestage="lead")
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    world.asked_for_demo("1")
    return ledger


@pytest.mark.parametrize(
    "act",
    [
        lambda world: world.crm.close_record("lead", "10", {"closed_as": "x"}),
        lambda world: world.crm.edit("lead", "10", {"hs_language": "de"}, by="automation"),
    ],
    ids=["closed", "touched"],
)
def test_g8_what_was_written_before_a_lead_moved_is_written_down_once_and_can_be_undone(
    world: LeadsWorld, act: Callable[[LeadsWorld], None]
) -> None:
    """The person's own record is not sent twice, and the run's row tells all that the run wrote."""
    ledger = _scored(world)
    before = world.properties("1")
    _between(world, lambda: act(world))
    own = []
    write = world.crm.write
    world.crm.write = lambda kind, some: (own.append(kind), write(kind, some))[1]  # type: ignore[method-assign]

    report = world.later(ledger)

    assert (report.status, report.counts["written"]) == ("done", 1)
    assert own.count("contact") == 1
    (row,) = ledger.work.of_run(report.run, ["1"])
    assert row.state == "written"
    assert {"cx_stage", "hs_lead_status"} <= {name for _, name, *_ in row.body["sets"]}
    world.clock.pass_by(minutes=10)
    undone, _ = undo(world, ledger, report.run)
    assert undone.counts["rejected"] == 0
    for name in ("cx_stage", "hs_lead_status"):
        assert world.properties("1").get(name) == before.get(name)
    writes = world.writes
    world.later(ledger)
    assert world.writes == writes


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_g8_a_revert_leaves_a_lead_alone_that_is_closed_by_now(world: LeadsWorld, when: str) -> None:
    """The person's own record is put back, and stays so."""
    ledger = _scored(world)
    before = world.properties("1")
    report = world.later(ledger)
    world.clock.pass_by(minutes=10)
    close = lambda: world.crm.close_record("lead", "10", {"closed_as": "x"})  # noqa: E731 - said twice below
    if when == "before":
        close()
        world.later(ledger)
    else:
        _between(world, close)

    undone, _ = undo(world, ledger, report.run)

    assert (undone.counts["written"], undone.counts["rejected"]) == (1, 0)
    assert world.properties("1").get("cx_stage") == before.get("cx_stage")
    assert world.on("10")["lead_stage"] == "sal"
    writes = world.writes
    world.later(ledger)
    assert world.writes == writes


def test_g4_an_edit_of_a_lead_is_adopted_though_its_contact_was_merged_meanwhile(world: LeadsWorld) -> None:
    """What we wrote on the leads of the one that is gone is ours under the survivor, so that what is not is not."""
    ledger = _scored(world)
    world.later(ledger)
    world.person("2")
    world.later(ledger)
    world.crm.edit("lead", "10", {"lifecyclestage": SQL})
    world.merge("2", "1")

    world.later(ledger)

    assert world.on("10")["lifecyclestage"] == SQL
    assert world.properties("2")["cx_stage"] == "sql"
    assert ledger.people.remember(["2"])["2"].base[on_lead("10", "lifecyclestage")] == SQL


def test_g4_what_is_held_on_a_lead_is_over_once_it_is_somebody_elses(world: LeadsWorld) -> None:
    """Nobody is asked for ever about a value on a record that is not this person's."""
    ledger = _scored(world)
    world.later(ledger)
    world.crm.edit("lead", "10", {"lead_stage": "sql"})
    world.edit("1", {"lifecyclestage": "customer"})
    world.later(ledger)
    assert [one.property for one in ledger.holds.every("1")] == [on_lead("10", "lead_stage")]
    world.person("2")
    world.crm.unlink("contact", "1", "lead", "10")
    world.crm.link("contact", "2", "lead", "10")

    world.later(ledger, days=2)

    assert ledger.holds.every("1") == []
