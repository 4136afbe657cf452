"""What falls between a person's own record and their leads: one is written and the other moves, closes or goes over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector.fields.places import on_lead
from tests.sync.leads_world import LeadsWorld

SQL = "salesqualifiedlead"


@pytest.fixture
def world(tmp_path: Path) -> LeadsWorld:
    return LeadsWorld(tmp_path)


def _scored(world: LeadsWorld) -> Any:
    """Somebody with a lead who is scored and has asked for a demo since; the ledger."""
    world.person("1")
    world.lead("10", "1", lifecyclestage="lead")
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    world.asked_for_demo("1")
    return ledger


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
