"""An environment that tells less than others do: what reading and writing cannot do without is enough."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.crm import PropertyDefinition, Task, Update
from connector.crm.dynamics.adapter import Dynamics
from connector.sandbox.dataverse import DataverseSandbox, metadata
from connector.sandbox.dataverse.errors import malformed
from connector.sandbox.dataverse.known import SOMEBODY
from connector.sandbox.dataverse.schema import Ref
from tests.crm.asking_dynamics import one, records
from tests.crm.organisation import Organisation

#: Facts about tables and columns that not every environment has a word for.
UNHEARD_OF = {"SchemaName", "Privileges", "AttributeTypeName", "AttributeOf", "IsSecured", "Description", "MinValue"}


@pytest.fixture
def world(sandbox: DataverseSandbox) -> Organisation:
    return Organisation(sandbox)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(facts: Mapping[str, Any], select: str | None) -> dict[str, Any]:
        for name in (select or "").split(","):
            if name in UNHEARD_OF:
                raise malformed(f"Could not find a property named '{name}' on this type of metadata.")
        return known(facts, select)

    known = metadata.chosen
    monkeypatch.setattr(metadata, "chosen", chosen)


def task(person: str, owner: str) -> Task:
    due = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
    return Task(person, "Call", f"Because.\n\n[{person}]", due, "HIGH", owner, person)


@pytest.mark.usefixtures("plain")
def test_facts_that_are_unknown_there_are_done_without(crm: Dynamics, world: Organisation) -> None:
    """Described, read and written; which rights the user has could not be proved, and is said to."""
    told = crm.describe(["contact"])
    (person,) = world.people(1)

    found = told.properties["contact"]["accountrolecode"]
    assert (found.type, "1" in found.options) == ("enumeration", True)
    assert [finding.stops for finding in told.findings] == [""]
    assert "could not be proved: the environment does not say which rights" in told.findings[0].what
    assert one(crm, "contact", person, "jobtitle").id == person
    assert [done.state for done in crm.write("contact", [Update(person, {"jobtitle": "Boss"})])] == ["written"]


@pytest.mark.parametrize("answer", [{"status": 404}, {"status": 200, "body": {"value": []}}])
def test_tasks_are_made_where_nobody_tells_how_lookups_are_called(
    crm: Dynamics, world: Organisation, answer: dict[str, Any]
) -> None:
    """Those of Microsoft's own tables are documented by name."""
    (person,), lead = world.people(1), world.lead()
    world.sandbox.fault("answer", path="ManyToOneRelationships", times=0, **answer)

    made = crm.create_tasks([task(person, SOMEBODY), task(lead, SOMEBODY)], lambda number: None)

    rows = {row.id: row.values for row in world.inside.shelf("task").rows()}
    assert [rows[done.id]["regardingobjectid"] for done in made] == [Ref("contact", person), Ref("lead", lead)]
    assert {values["ownerid"] for values in rows.values()} == {Ref("systemuser", SOMEBODY)}


@pytest.mark.parametrize("tables", [("systemuser", "team"), ("systemuser",), ("principal",)])
def test_an_owner_is_set_by_one_property_whatever_tables_it_is_said_to_lead_to(
    crm: Dynamics, world: Organisation, tables: tuple[str, ...]
) -> None:
    (person,) = world.people(1)
    told = [
        {
            "ReferencingAttribute": "ownerid",
            "ReferencedEntity": table,
            "ReferencingEntityNavigationPropertyName": "ownerid",
        }
        for table in tables
    ]
    world.sandbox.fault("answer", path="ManyToOneRelationships", times=0, status=200, body={"value": told})

    (made,) = crm.create_tasks([task(person, SOMEBODY)], lambda number: None)

    assert made.state == "written"


@pytest.mark.parametrize("status", [400, 404, 501])
def test_where_nothing_is_counted_everybody_is_read_all_the_same(
    crm: Dynamics, world: Organisation, status: int
) -> None:
    """How many there are stays open."""
    people = world.people(3)
    world.sandbox.fault("answer", path=r"/\$count", times=0, status=status)

    assert set(records(crm)) == set(people)
    assert crm.count("contact") is None


def test_columns_are_made_where_solutions_and_the_organization_cannot_be_read(
    crm: Dynamics, sandbox: DataverseSandbox
) -> None:
    """Labels are in English then; a solution that is not there would be refused with the first column."""
    sandbox.fault("answer", path="/solutions", times=0, status=404)
    sandbox.do("privilege", {"table": "organization", "deny": ["Read"]})

    crm.create_property("contact", PropertyDefinition("cx_x", "number", "X"), "agreement")

    assert [name for name in ("contact", "lead") if "cx_x" in sandbox.world.tables[name].columns] == ["contact", "lead"]


def test_users_are_known_by_name_where_nothing_else_is_told_of_them(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """Neither an address nor who has left, nor when they came."""
    for name in ("internalemailaddress", "isdisabled", "createdon"):
        del sandbox.world.tables["systemuser"].columns[name]

    told = crm.describe(["contact"])

    somebody = next(owner for owner in told.owners if owner.id == SOMEBODY)
    assert (bool(somebody.name), somebody.email, somebody.active) == (True, "", True)
    assert [finding for finding in told.findings if finding.stops] == []


@pytest.mark.parametrize("status", [404, 501])
def test_where_parties_are_not_listed_an_activity_is_theirs_whom_it_regards(
    crm: Dynamics, world: Organisation, status: int
) -> None:
    """Nor is anybody else told to have taken part."""
    regarded, other = world.people(2)
    call = world.add("call", {"subject": "A call"})
    world.set("phonecall", call, regardingobjectid=Ref("contact", regarded))
    world.party("phonecall", call, Ref("contact", other))
    world.sandbox.fault("answer", path="/activityparties", times=0, status=status)

    assert [link.to_id for link in crm.links("call", [call], "contact")[call]] == [regarded]
    assert [link.to_id for link in crm.links("contact", [regarded], "call")[regarded]] == [call]
