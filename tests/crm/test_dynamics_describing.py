"""How a Dynamics environment describes itself: columns, options, deal stages, owners, rights, how changes are told."""

from __future__ import annotations

import pytest

from connector.crm import Description, Finding
from connector.crm.dynamics.adapter import Dynamics
from connector.crm.dynamics.describing import describe
from connector.errors import Denied
from connector.sandbox.dataverse import DataverseSandbox
from connector.sandbox.dataverse.known import ORGANIZATION, STAFF, TEAM
from tests.crm.organisation import Organisation

KINDS = ("contact", "company", "deal", "call", "email", "meeting", "task")


@pytest.fixture
def world(sandbox: DataverseSandbox) -> Organisation:
    return Organisation(sandbox)


def stopping(told: Description) -> list[Finding]:
    return [one for one in told.findings if one.stops]


def test_an_earlier_stage_is_known_to_be_taken(crm: Dynamics) -> None:
    """The stage is a column of ours: nobody need be told of a moment without one."""
    assert crm.describe(["contact"]).stages_go_back


def test_types_are_ours_and_labels_are_for_people(crm: Dynamics) -> None:
    """Whatever Dataverse calls a type; what only its cast tells is there."""
    told = crm.describe(KINDS).properties
    contact, deal = told["contact"], told["deal"]

    assert {
        name: contact[name].type for name in ("jobtitle", "annualincome", "birthdate", "donotemail", "ownerid")
    } == {
        "jobtitle": "string",
        "annualincome": "number",
        "birthdate": "date",
        "donotemail": "bool",
        "ownerid": "string",
    }
    assert (contact["jobtitle"].length, deal["closeprobability"].type) == (100, "number")
    assert (contact["numberofemployees"].least, contact["numberofemployees"].most) == (0, 1_000_000)
    assert contact["schedulefollowup_prospect"].type == "date"
    assert told["deal"]["salesstage"].options == {"0": "Qualify", "1": "Develop", "2": "Propose", "3": "Close"}


def test_dataverse_trap_09_yes_and_no_are_true_and_false_whatever_they_are_called(crm: Dynamics) -> None:
    """Two stock columns say No where they are true: the value is the boolean, the label is for display."""
    deal = crm.describe(["deal"]).properties["deal"]

    assert deal["confirminterest"].options == {"true": "No", "false": "Yes"}
    assert deal["captureproposalfeedback"].options == {"true": "No", "false": "Yes"}
    assert deal["evaluatefit"].options == {"true": "Yes", "false": "No"}


def test_a_person_has_the_columns_of_both_tables(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """One that a table lacks says so; options are those that both take; read-only in one is read-only."""
    add = "cx_Grade choice rating"
    sandbox.do("column", {"table": "contacts", "add": add})
    sandbox.do("column", {"table": "leads", "add": add})
    sandbox.do("column", {"table": "leads", "name": "cx_grade", "remove_option": 2})
    sandbox.do("column", {"table": "leads", "name": "jobtitle", "read_only": True})

    contact = crm.describe(["contact"]).properties["contact"]

    assert (contact["companyname"].lacking, contact["accountrolecode"].lacking) == (("contact",), ("lead",))
    assert (contact["emailaddress1"].lacking, contact["parentcustomerid"].lacking) == ((), ())
    assert contact["cx_grade"].options == {"1": "Hot", "3": "Cold"}
    assert contact["jobtitle"].read_only
    assert contact["createdon"].read_only
    assert not contact["lastname"].read_only


def test_a_secured_column_says_so(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """It may read as blank for us, whatever stands there."""
    sandbox.do("column", {"table": "contacts", "name": "telephone1", "secured": True})

    contact = crm.describe(["contact"]).properties["contact"]

    assert contact["telephone1"].secured
    assert not contact["mobilephone"].secured


def test_deal_stages_are_the_sales_stages_and_each_choice_of_the_table(
    crm: Dynamics, sandbox: DataverseSandbox
) -> None:
    """With labels as they are there now; a status belongs to a state, and another column may be mapped instead."""
    sandbox.do("column", {"table": "opportunities", "add": "cx_Phase choice rating"})

    stages = {(one.pipeline, one.id): (one.label, one.state) for one in crm.describe(["deal"]).deal_stages}

    assert stages["default", "1"] == ("Develop", "open")
    assert (stages["default", "won"][1], stages["default", "lost"][1], stages["default", "on_hold"][1]) == (
        "won",
        "lost",
        "open",
    )
    assert (stages["statuscode", "3"], stages["statuscode", "5"]) == (("Won", "won"), ("Out-Sold", "lost"))
    assert stages["cx_phase", "2"] == ("Warm", "open")
    assert crm.describe(["contact"]).deal_stages == ()


def test_owners_are_users_those_who_left_too_and_teams_that_own(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """By id, with the words of their teams; a team that only shares access owns nothing."""
    access = sandbox.world.add("team", {"name": "Shared", "teamtype": 1}).id

    owners = {one.id: one for one in crm.describe(["contact"]).owners}

    klara = next(one for one in owners.values() if one.email == "klara.voss@company.example")
    tomek = next(one for one in owners.values() if one.email == "tomek.brandt@company.example")
    assert set(STAFF) <= set(owners)
    assert (klara.active, tomek.active, tomek.user_id) == (False, True, tomek.id)
    assert {"Sales North", "Inside Sales"} <= set(tomek.teams)
    assert (owners[TEAM].name, owners[TEAM].active, owners[TEAM].email) == ("SDR queue", True, "")
    assert access not in owners


def test_who_may_not_read_teams_has_owners_without_them(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """Teams are a convenience, users are not."""
    sandbox.do("privilege", {"table": "team", "deny": ["Read"]})

    owners = crm.describe(["contact"]).owners

    assert set(STAFF) <= {one.id for one in owners}
    assert not any(one.teams for one in owners)


def test_the_account_is_the_organization_and_a_contact_has_a_page(crm: Dynamics) -> None:
    """By id, since names change; the page is on the environment's own host."""
    told = crm.describe(["contact"])
    there = describe(crm._env, ["contact"], "https://contoso.crm4.dynamics.com")

    assert (told.account, told.name, told.contact_page) == (ORGANIZATION, "sandbox", "")
    assert there.page_of("42") == "https://contoso.crm4.dynamics.com/main.aspx?pagetype=entityrecord&etn=contact&id=42"
    assert there.page_of("42", "lead").endswith("&etn=lead&id=42")


def test_it_says_which_way_each_table_tells_of_changes(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """By tracking or by the time, how long changes are kept, and whether edits are audited."""
    sandbox.do("table", {"table": "phonecalls", "change_tracking": False})
    sandbox.switch(delta_days=3)

    told = crm.describe(("contact", "call"))

    assert told.told[0] == "changes are found by change tracking, kept for 3 days: contact, lead"
    assert told.told[1].endswith(": phonecall")
    assert "auditing is off" in told.told[2]
    assert told.changes_kept is not None
    assert told.changes_kept.days == 3


def test_a_table_without_versions_is_a_clear_refusal_to_write_it(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """Nobody's edit would be noticed there; what is only read may lack them."""
    sandbox.do("table", {"table": "leads", "versions": False})
    sandbox.do("table", {"table": "accounts", "versions": False})

    (found,) = stopping(crm.describe(KINDS))

    assert (found.kind, found.stops) == ("contact", "writing")
    assert "the table lead has no optimistic concurrency" in found.what
    assert "IsOptimisticConcurrencyEnabled" in found.fix


def test_a_healthy_environment_has_nothing_against_it(crm: Dynamics) -> None:
    """Every right is there, and every table."""
    assert crm.describe(KINDS).findings == ()


@pytest.mark.parametrize(
    ("table", "right", "stops", "named"),
    [
        ("leads", "Read", "reading", "Read on Lead (prvReadLead)"),
        ("systemusers", "Read", "reading", "Read on SystemUser (prvReadSystemUser)"),
        ("opportunities", "Read", "reading", "Read on Opportunity (prvReadOpportunity)"),
        ("contacts", "Write", "writing", "Write on Contact (prvWriteContact)"),
        ("leads", "AppendTo", "writing", "AppendTo on Lead (prvAppendToLead)"),
        ("tasks", "Create", "writing", "Create on Task (prvCreateTask)"),
        ("tasks", "Assign", "writing", "Assign on Task (prvAssignTask)"),
    ],
)
def test_a_missing_privilege_names_the_tables_right_of_the_security_role(
    crm: Dynamics, sandbox: DataverseSandbox, table: str, right: str, stops: str, named: str
) -> None:
    """And what cannot be done without it."""
    sandbox.do("privilege", {"table": table, "deny": [right]})

    (found,) = stopping(crm.describe(("contact", "deal")))

    assert found.what == f"no security role of the application user grants {named}."
    assert (found.stops, "security roles" in found.fix) == (stops, True)


def test_all_missing_privileges_are_told_at_once(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """Nobody goes to the administrator five times."""
    for table in ("leads", "accounts", "contacts"):
        sandbox.do("privilege", {"table": table, "deny": ["Read", "Write"]})

    told = [one.what for one in stopping(crm.describe(KINDS))]

    assert len(told) == 5
    assert all(any(name in what for what in told) for name in ("prvReadLead", "prvReadAccount", "prvWriteContact"))


def test_reading_no_further_than_the_own_business_unit_is_told(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """Change tracking wants the whole organization, and others would never be seen."""
    sandbox.world.app.depths["Read", "lead"] = "Local"

    (found,) = stopping(crm.describe(["contact"]))

    assert "Read on Lead (prvReadLead) reaches the user's business unit only" in found.what
    assert found.stops == "reading"


def test_where_rights_are_not_told_a_harmless_look_proves_what_it_can(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """Reading is tried; what may be written stays open, and is said to."""
    sandbox.fault("answer", path="RetrieveUserPrivileges", times=0, status=404)
    sandbox.do("privilege", {"table": "leads", "deny": ["Read"]})

    told = crm.describe(["contact"]).findings

    assert [one.stops for one in told] == ["reading", ""]
    assert "prvReadLead" in told[0].what
    assert "could not be proved" in told[1].what


def test_a_disabled_application_user_is_no_finding_but_the_end(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """Nothing at all can be asked: the message says what to do."""
    sandbox.do("app_user", {"disabled": True})

    with pytest.raises(Denied, match=r"disabled in this environment\. Activate it") as told:
        crm.describe(KINDS)
    assert told.value.code == "user_disabled"


def test_an_environment_without_sales_is_described_as_far_as_it_goes(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """No leads, no opportunities: there is nobody of that kind, and it is said."""
    for name in ("lead", "opportunity"):
        table = sandbox.world.tables.pop(name)
        sandbox.world.sets.pop(table.set_name)

    told = crm.describe(KINDS)

    assert told.properties["deal"] == {}
    assert "jobtitle" in told.properties["contact"]
    assert ["no table lead" in one.what or "no table opportunity" in one.what for one in told.findings] == [True, True]


def test_describing_takes_few_requests(crm: Dynamics) -> None:
    """It is the first step of every run: metadata comes in batches."""
    crm.describe(KINDS)

    assert sum(crm.calls.by_class.values()) <= 12
