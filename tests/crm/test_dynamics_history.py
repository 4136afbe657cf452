"""Who changed what: audits where they are kept, else the last writer as far as that can be believed."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from connector.crm import PropertyVersion, Update
from connector.crm.dynamics import Dynamics
from connector.crm.dynamics.history import MOST
from connector.errors import Denied
from connector.sandbox.dataverse.known import APP_USER, STAFF
from connector.sandbox.dataverse.rows import Value
from connector.sandbox.dataverse.schema import Ref
from tests.crm.organisation import Organisation

PERSON = next(iter(STAFF))
NAMES = ["jobtitle", "accountrolecode", "parentcustomerid"]


@pytest.fixture
def world(organisation: Organisation) -> Organisation:
    organisation.inside.auditing = True
    return organisation


def ours(crm: Dynamics, id: str, **properties: str) -> None:
    list(crm.read("contact", [id], []))
    (outcome,) = crm.write("contact", [Update(id, properties)])
    assert outcome.state == "written"


def told(crm: Dynamics, id: str, name: str = "jobtitle") -> tuple[PropertyVersion, ...]:
    return crm.history("contact", [id], NAMES)[id][name]


def another_program(world: Organisation) -> str:
    values = {"fullname": "# Robot", "applicationid": str(UUID(int=7)), "isdisabled": False}
    return world.inside.add("systemuser", values).id


def test_dataverse_trap_16_audits_tell_every_version_of_each_column_with_its_writer(
    dynamics: Dynamics, world: Organisation
) -> None:
    """Its making, people, another program and us; a change of other columns is none, and emptied is told."""
    robot = another_program(world)
    (id,) = world.people(1)
    world.pass_time(60)
    world.edit("contact", id, {"jobtitle": "by hand", "accountrolecode": "2"})
    world.pass_time(60)
    world.inside.write("contact", id, {"jobtitle": None}, by=robot)
    world.pass_time(60)
    world.edit("contact", id, {"department": "x"})
    world.pass_time(60)
    ours(dynamics, id, jobtitle="by us")

    titles = told(dynamics, id)

    assert [(one.value, one.by) for one in titles] == [
        ("by us", "integration"),
        (None, "integration"),
        ("by hand", "person"),
        ("title 0", "person"),
    ]
    assert (titles[0].source, titles[1].source) == (f"application_user {APP_USER}", f"application_user {robot}")
    assert titles[2].source == f"user {PERSON}"
    assert [one.value for one in told(dynamics, id, "accountrolecode")] == ["2"]
    assert [one.at for one in titles] == sorted((one.at for one in titles), reverse=True)


def test_who_merely_looked_is_no_writer_and_no_more_than_the_newest_are_looked_up(
    dynamics: Dynamics, world: Organisation
) -> None:
    """An audited table may tell thousands of looks, and a busy row of as many changes."""
    (id,) = world.people(1)
    (column,) = (one for one in world.inside.tables["contact"].columns.values() if one.name == "jobtitle")
    for number in range(MOST + 5):
        world.pass_time(60)
        world.edit("contact", id, {"jobtitle": f"x{number}"})
        looked: dict[str, Value] = {"operation": 4, "attributemask": str(column.number), "objectid": Ref("contact", id)}
        world.inside.add("audit", looked)

    titles = told(dynamics, id)

    assert [one.value for one in titles] == [f"x{MOST + 4 - number}" for number in range(MOST)]


def test_lookups_are_told_by_id_and_leads_by_their_own_columns(dynamics: Dynamics, world: Organisation) -> None:
    """A lead calls its company otherwise."""
    company, lead = world.add("company", {"name": "Acme"}), world.lead()
    list(dynamics.read("company", [company], []))
    ours(dynamics, lead, parentcustomerid=company)

    (newest, *_) = told(dynamics, lead, "parentcustomerid")

    assert (newest.value, newest.by) == (company, "integration")


def test_names_of_people_are_never_told(dynamics: Dynamics, world: Organisation) -> None:
    """Neither in a source nor in a name, which programs alone have: their app's id."""
    (id,) = world.people(1)
    world.pass_time(60)
    ours(dynamics, id, jobtitle="x")

    by_us, by_hand = told(dynamics, id)

    assert by_us.name
    assert by_hand.name == ""
    people = [str(row.values.get(name)) for row in world.inside.shelf("systemuser").rows() for name in ("fullname",)]
    assert not any(name in f"{one.source} {one.name}" for one in (by_us, by_hand) for name in people)


def test_without_audits_a_person_who_wrote_last_is_believed(dynamics: Dynamics, world: Organisation) -> None:
    """They may have changed another column; to take it for theirs overwrites nobody."""
    world.inside.auditing = False
    (id,) = world.people(1)
    world.pass_time(60)
    world.edit("contact", id, {"jobtitle": "by hand"})

    assert [(one.value, one.by, one.at) for one in told(dynamics, id)] == [("by hand", "person", world.now())]


def test_without_audits_a_program_that_wrote_last_tells_nothing_of_a_column(
    dynamics: Dynamics, world: Organisation
) -> None:
    """A person's edit may stand behind it, ours included; an untouched row is its maker's."""
    world.inside.auditing = False
    robot = another_program(world)
    touched, ours_last = world.people(2)
    made = world.inside.add("contact", {"jobtitle": "imported"}, by=robot).id
    world.pass_time(60)
    world.inside.write("contact", touched, {"jobtitle": "x"}, by=robot)
    ours(dynamics, ours_last, department="x")

    assert [one.by for one in told(dynamics, touched)] == ["unknown"]
    assert [one.by for one in told(dynamics, ours_last)] == ["unknown"]
    assert [(one.value, one.by) for one in told(dynamics, made)] == [("imported", "integration")]


def test_columns_that_are_not_audited_are_told_by_the_last_writer(dynamics: Dynamics, world: Organisation) -> None:
    """Audits are switched on column by column."""
    table = world.inside.tables["contact"]
    table.columns["jobtitle"] = replace(table.columns["jobtitle"], audited=False)
    (id,) = world.people(1)
    world.pass_time(60)
    world.edit("contact", id, {"jobtitle": "by hand", "accountrolecode": "2"})

    assert [(one.value, one.by) for one in told(dynamics, id)] == [("by hand", "person")]
    assert [(one.value, one.by) for one in told(dynamics, id, "accountrolecode")] == [("2", "person")]


def test_what_came_in_while_nothing_was_audited_stands_before_what_the_log_tells(
    dynamics: Dynamics, world: Organisation
) -> None:
    """An admin switched it off for a while."""
    (id,) = world.people(1)
    world.pass_time(60)
    world.inside.auditing = False
    world.edit("contact", id, {"jobtitle": "by hand"})

    assert [(one.value, one.by) for one in told(dynamics, id)] == [("by hand", "person"), ("title 0", "person")]


def test_who_may_not_read_the_audits_is_told_by_the_rows(dynamics: Dynamics, world: Organisation) -> None:
    """A missing privilege there is nothing that ends a run."""
    world.sandbox.do("privilege", {"table": "audit", "deny": ["Read"]})
    (id,) = world.people(1)
    world.pass_time(60)
    world.edit("contact", id, {"jobtitle": "by hand"})

    assert [one.by for one in told(dynamics, id)] == ["person"]
    world.sandbox.do("privilege", {"table": "contact", "deny": ["Read"]})
    with pytest.raises(Denied):
        told(dynamics, id)


@pytest.mark.parametrize("records", [1, 3])
def test_who_may_read_the_list_of_the_log_and_not_its_details_is_told_by_the_rows(
    dynamics: Dynamics, world: Organisation, records: int
) -> None:
    """Two privileges: View Audit Summary for the one, View Audit History for the other. Neither ends a run."""
    ids = world.people(records)
    world.pass_time(60)
    for id in ids:
        world.edit("contact", id, {"jobtitle": "by hand"})
    body = {"error": {"code": "0x80040220", "message": "missing prvReadRecordAuditHistory privilege"}}
    world.sandbox.fault("answer", path="RetrieveAuditDetails", status=403, body=body, times=0)
    world.sandbox.fault("answer", path=r"\$batch", status=403, body=body, times=0)

    history = dynamics.history("contact", ids, ["jobtitle"])

    assert {id: [(one.value, one.by) for one in history[id]["jobtitle"]] for id in ids} == {
        key: [("by hand", "person")] for key in ids
    }


# -- in somebody's name ----------------------------------------------------------------------------------


@pytest.mark.parametrize("audited", [True, False])
def test_g4_a_program_that_acts_in_the_name_of_a_user_is_not_taken_for_them(
    dynamics: Dynamics, world: Organisation, audited: bool
) -> None:
    """By the log and by the row; a later edit of that user's own is theirs."""
    world.inside.auditing = audited
    robot = another_program(world)
    (id,) = world.people(1)
    world.pass_time(60)
    world.inside.write("contact", id, {"jobtitle": "by the robot"}, through=robot)

    (newest, *_) = told(dynamics, id)
    assert (newest.value, newest.by) == ("by the robot", "integration" if audited else "unknown")
    assert newest.source == (f"application_user {robot}" if audited else "")

    world.pass_time(60)
    world.edit("contact", id, {"jobtitle": "by hand"})
    (newest, *_) = told(dynamics, id)
    assert (newest.value, newest.by, newest.source) == ("by hand", "person", f"user {PERSON}")


@pytest.mark.parametrize("audited", [True, False])
def test_where_no_column_tells_who_acted_for_whom_nobody_asks_for_it(
    dynamics: Dynamics, world: Organisation, audited: bool
) -> None:
    """An unknown column would be refused for all rows at once."""
    world.inside.auditing = audited
    for table, column in (("contact", "modifiedonbehalfby"), ("audit", "callinguserid")):
        world.inside.tables[table].columns.pop(column)
    (id,) = world.people(1)
    world.pass_time(60)
    world.edit("contact", id, {"jobtitle": "by hand"})

    assert next((one.value, one.by) for one in told(dynamics, id)) == ("by hand", "person")


def test_a_caller_with_the_id_of_nobody_is_nobody(dynamics: Dynamics, world: Organisation) -> None:
    """So the log may say that nobody acted in the user's name."""
    (id,) = world.people(1)
    world.pass_time(60)
    world.edit("contact", id, {"jobtitle": "by hand"})
    for row in list(world.inside.shelf("audit").rows()):
        world.inside.write("audit", row.id, {"callinguserid": Ref("systemuser", str(UUID(int=0)))})

    assert next((one.value, one.by) for one in told(dynamics, id)) == ("by hand", "person")


def test_many_records_at_once_and_those_that_are_gone_are_missing(dynamics: Dynamics, world: Organisation) -> None:
    """In as many requests as the sizes want."""
    ids = world.people(8)
    world.remove("contact", ids[3])
    world.edit("contact", ids[7], {"jobtitle": "edited"})

    history = dynamics.history("contact", [*ids, "999"], ["jobtitle", "no_such_column"])

    assert set(history) == {*ids} - {ids[3]}
    assert {id: len(history[id]["jobtitle"]) for id in history} == {id: 2 if id == ids[7] else 1 for id in history}
    assert all(history[id]["no_such_column"] == () for id in history)
