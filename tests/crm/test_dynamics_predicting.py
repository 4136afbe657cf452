"""Scores on the leads and deals of a person, in the table where Dynamics' own pages look for them."""

from __future__ import annotations

import pytest

from connector.crm import Outcome, Update
from connector.crm.dynamics import Dynamics, Writing
from connector.sandbox.dataverse.schema import Ref
from tests.crm.asking_dynamics import Open
from tests.crm.organisation import Organisation

SHOWN = Writing(predictive_score="cx_fit", predictive_grade="cx_grade")
TABLE = "msdyn_predictivescore"


@pytest.fixture
def world(organisation: Organisation) -> Organisation:
    for table in ("contact", "lead"):
        for line in ("cx_Fit integer 0 100", "cx_Grade string 10", "cx_Other string 20"):
            organisation.sandbox.do("column", {"table": table, "add": line})
    return organisation


@pytest.fixture
def crm(open_dynamics: Open, world: Organisation) -> Dynamics:
    return open_dynamics(write=SHOWN)


def deal(world: Organisation, contact: str, *, by: str = "parentcontactid", **values: int) -> str:
    return world.inside.add("opportunity", {"name": "x", by: Ref("contact", contact), **values}).id


def scored(crm: Dynamics, id: str, **properties: str) -> Outcome:
    list(crm.read("contact", [id], ["jobtitle"]))
    (outcome,) = crm.write("contact", [Update(id, properties)])
    return outcome


def shown(world: Organisation) -> dict[tuple[object, object], tuple[object, object]]:
    """What the table holds: (id, table) -> (score, grade)."""
    rows = [row.values for row in world.inside.shelf(TABLE).rows()]
    assert len(rows) == len({row["msdyn_entityid"] for row in rows})
    return {
        (row["msdyn_entityid"], row["msdyn_entitytype"]): (row.get("msdyn_score"), row.get("msdyn_grade"))
        for row in rows
    }


def test_the_open_leads_and_deals_of_a_contact_show_its_score_and_what_is_closed_does_not(
    crm: Dynamics, world: Organisation
) -> None:
    """And a lead that stands alone shows its own; the contact itself has no row."""
    (contact, other), alone = world.people(2), world.lead()
    lead, closed = world.lead(parent=contact), world.lead(parent=contact, statecode=2, statuscode=4)
    first, second = deal(world, contact), deal(world, contact, by="customerid")
    deal(world, contact, statecode=2, statuscode=4), deal(world, other)

    assert scored(crm, contact, cx_fit="57", cx_grade="B3").state == "written"
    assert scored(crm, alone, cx_fit="12").state == "written"

    assert shown(world) == {
        (lead, "lead"): (57, 1),
        (first, "opportunity"): (57, 1),
        (second, "opportunity"): (57, 1),
        (alone, "lead"): (12, None),
    }
    assert (closed, "lead") not in shown(world)


def test_dataverse_trap_14_what_is_shown_already_is_not_written_again_and_no_key_stands_in_a_body(
    crm: Dynamics, world: Organisation
) -> None:
    """Read back and compared; a row of somebody else's making is changed under its key, and only where it differs."""
    (contact,) = world.people(1)
    lead = world.lead(parent=contact)
    world.inside.add(TABLE, {"msdyn_entityid": lead, "msdyn_entitytype": "lead", "msdyn_score": 3, "msdyn_grade": 1})

    scored(crm, contact, cx_fit="57", cx_grade="B3")
    written = world.inside.writes[TABLE]
    scored(crm, contact, cx_other="x")

    assert shown(world) == {(lead, "lead"): (57, 1)}
    assert world.inside.writes[TABLE] == written == 1


def test_a_lead_that_comes_later_shows_the_score_with_the_next_write_of_the_person(
    crm: Dynamics, world: Organisation
) -> None:
    """Whatever that sets; and so it is when the setting is switched on one day."""
    (contact,) = world.people(1)
    scored(crm, contact, cx_fit="57")
    assert shown(world) == {}
    first = deal(world, contact)

    scored(crm, contact, cx_other="x")

    assert shown(world) == {(first, "opportunity"): (57, None)}


@pytest.mark.parametrize(("action", "others"), [("drop_before", "unknown"), ("drop_after", "written")])
def test_a_person_waits_until_it_is_known_what_their_leads_show(
    crm: Dynamics, world: Organisation, action: str, others: str
) -> None:
    """Nothing of the person is written before; others are; the next try finds what arrived and writes it once."""
    contact, other = world.people(2)
    lead = world.lead(parent=contact)
    list(crm.read("contact", [contact, other], []))
    world.sandbox.fault(action, path=r"\$batch", method="POST", nth=1, times=0)

    outcomes = crm.write("contact", [Update(id, {"cx_fit": "57"}) for id in (contact, other)])

    assert [one.state for one in outcomes] == ["deferred", others]
    assert not world.inside.get("contact", contact).values.get("cx_fit")
    world.sandbox.faults.clear()
    before = world.inside.writes[TABLE]
    assert scored(crm, contact, cx_fit="57").state == "written"
    assert shown(world) == {(lead, "lead"): (57, None)}
    assert world.inside.writes[TABLE] - before == (1 if action == "drop_before" else 0)


def test_what_the_environment_refuses_there_holds_nobody_up(crm: Dynamics, world: Organisation) -> None:
    """A right, or a plug-in: it is an extra."""
    (contact,) = world.people(1)
    world.lead(parent=contact)
    world.sandbox.do("plugin", {"table": TABLE, "times": 1})
    assert scored(crm, contact, cx_fit="1").state == "written"
    world.sandbox.do("privilege", {"table": TABLE, "deny": ["Create"]})
    assert scored(crm, contact, cx_fit="2").state == "written"
    world.sandbox.do("privilege", {"table": TABLE, "deny": ["Read"], "grant": ["Create"]})
    assert scored(crm, contact, cx_fit="3").state == "written"

    assert shown(world) == {}
    notes = [one for one in crm.describe(["contact"]).findings if TABLE in one.what.lower()]
    assert [one.stops for one in notes] == [""]
    assert "Read on msdyn_predictivescore" in notes[0].what


def test_while_nobody_answers_the_people_wait(crm: Dynamics, world: Organisation) -> None:
    """What their leads show is not known, and is found out by the next run."""
    (contact,) = world.people(1)
    list(crm.read("contact", [contact], []))
    world.sandbox.fault("drop_before", path="/leads", method="GET", times=0)

    (outcome,) = crm.write("contact", [Update(contact, {"cx_fit": "57"})])

    assert outcome.state == "deferred"
    assert world.inside.writes["contact"] == 0


def test_check_says_where_there_is_no_such_table_and_people_are_written_all_the_same(
    crm: Dynamics, world: Organisation
) -> None:
    """As without Sales Enterprise; and a column that people do not have."""
    (contact,) = world.people(1)
    world.lead(parent=contact)
    table = world.inside.tables.pop(TABLE)
    del world.inside.sets[table.set_name]

    assert scored(crm, contact, cx_fit="1").state == "written"

    (finding,) = crm.describe(["contact"]).findings
    assert (finding.stops, finding.what) == (
        "",
        f"this environment has no table {TABLE}, so no scores are shown on leads and deals.",
    )


def test_a_setting_that_names_no_column_is_told(open_dynamics: Open, world: Organisation) -> None:
    """Nothing would be shown, without a word."""
    crm = open_dynamics(write=Writing(predictive_score="cx_nothing"))

    (finding,) = crm.describe(["contact"]).findings

    assert "write.predictive_score names cx_nothing" in finding.what


def test_without_the_setting_not_one_call_is_made_for_it(dynamics: Dynamics, world: Organisation) -> None:
    """Nor a row."""
    (contact,) = world.people(1)
    world.lead(parent=contact)
    list(dynamics.read("contact", [contact], []))
    before = dict(dynamics.calls.by_class)

    dynamics.write("contact", [Update(contact, {"cx_fit": "5"})])

    assert shown(world) == {}
    assert {name: calls - before.get(name, 0) for name, calls in dynamics.calls.by_class.items()} == {
        **dict.fromkeys(before, 0),
        "write": 1,
    }
