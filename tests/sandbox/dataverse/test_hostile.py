"""An environment against us: plug-ins, rights, tables without ETags, columns and options that go, secrets, audits."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from connector.sandbox.dataverse import DataverseSandbox, Environment
from connector.sandbox.dataverse.known import APP_USER, SOMEBODY, STAFF
from tests.sandbox.dataverse.conftest import Api, guid, refusal

CRM = "Microsoft.Dynamics.CRM."


def label(text: str) -> dict[str, Any]:
    return {"LocalizedLabels": [{"Label": text, "LanguageCode": 1033}]}


def column(name: str, kind: str, **more: Any) -> dict[str, Any]:
    plain = {"@odata.type": f"{CRM}{kind}AttributeMetadata", "SchemaName": name, "DisplayName": label(name)}
    return plain | {"RequiredLevel": {"Value": "None"}} | more


ATTRIBUTES = "EntityDefinitions(LogicalName='contact')/Attributes"


def test_a_plug_in_refuses_chosen_rows_columns_and_times(
    api: Api, sandbox: DataverseSandbox, world: Environment, ada: str
) -> None:
    other = world.add("contact", {"lastname": "B"}).id
    about = {"table": "contacts", "ids": [ada], "columns": ["jobtitle"], "message": "Titles are sacred", "times": 2}
    sandbox.do("plugin", about)

    refused = api("PATCH", f"contacts({ada})", {"jobtitle": "x"})
    assert refusal(refused) == (400, "0x80040265")
    assert refused.json()["error"]["message"] == "Titles are sacred"
    assert api("PATCH", f"contacts({ada})", {"department": "x"}).status_code == 204
    assert api("PATCH", f"contacts({other})", {"jobtitle": "x"}).status_code == 204
    assert api("PATCH", f"contacts({ada})", {"jobtitle": "x"}).status_code == 400
    assert api("PATCH", f"contacts({ada})", {"jobtitle": "x"}).status_code == 204


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [("PluginCrashed", 500, "0x80040224"), ("SqlTimeout", 500, "0x80044151"), ("DuplicateFound", 412, "0x80040333")],
)
def test_a_plug_in_may_fail_in_many_ways(
    api: Api, sandbox: DataverseSandbox, ada: str, reason: str, status: int, code: str
) -> None:
    sandbox.do("plugin", {"table": "contact", "reason": reason})
    assert refusal(api("PATCH", f"contacts({ada})", {"jobtitle": "x"})) == (status, code)
    assert refusal(api("POST", "contacts", {"lastname": "x"})) == (status, code)
    sandbox.do("plugin", {"clear": True})
    assert api("PATCH", f"contacts({ada})", {"jobtitle": "x"}).status_code == 204


@pytest.mark.parametrize(
    ("right", "method", "path", "body"),
    [
        ("Read", "GET", "contacts", None),
        ("Read", "GET", "contacts({id})", None),
        ("Write", "PATCH", "contacts({id})", {"jobtitle": "x"}),
        ("Create", "POST", "contacts", {"lastname": "x"}),
        ("Delete", "DELETE", "contacts({id})", None),
    ],
)
def test_a_missing_right_is_named(
    api: Api, sandbox: DataverseSandbox, ada: str, right: str, method: str, path: str, body: dict[str, str] | None
) -> None:
    sandbox.do("privilege", {"table": "contacts", "deny": [right]})

    refused = api(method, path.format(id=ada), body)
    assert refusal(refused) == (403, "0x80040220")
    assert f"prv{right}Contact" in refused.json()["error"]["message"]
    held = api.get(f"systemusers({APP_USER})/{CRM}RetrieveUserPrivileges()")["RolePrivileges"]
    assert f"prv{right}Contact" not in {one["PrivilegeName"] for one in held}
    sandbox.do("privilege", {"table": "contacts", "grant": [right]})
    assert api(method, path.format(id=ada), body).status_code < 300


@pytest.mark.parametrize(
    ("table", "right", "name", "target"),
    [
        ("contacts", "Assign", "ownerid", f"/systemusers({SOMEBODY})"),
        ("contacts", "Append", "parentcustomerid_account", f"/accounts({guid(2)})"),
        ("accounts", "AppendTo", "parentcustomerid_account", f"/accounts({guid(2)})"),
    ],
)
def test_owners_and_lookups_need_rights_of_their_own(
    api: Api, sandbox: DataverseSandbox, world: Environment, ada: str, table: str, right: str, name: str, target: str
) -> None:
    world.add("account", {"name": "Acme"}, id=guid(2))
    sandbox.do("privilege", {"table": table, "deny": [right]})

    assert refusal(api("PATCH", f"contacts({ada})", {f"{name}@odata.bind": target})) == (403, "0x80040220")
    assert api("PATCH", f"contacts({ada})", {"jobtitle": "x"}).status_code == 204


def test_what_may_not_be_read_is_not_expanded(api: Api, sandbox: DataverseSandbox, ada: str) -> None:
    sandbox.do("privilege", {"table": "accounts", "deny": ["Read"]})
    expanded = f"contacts({ada})?$select=lastname&$expand=parentcustomerid_account($select=name)"
    assert refusal(api("GET", expanded)) == (403, "0x80040220")


@pytest.mark.parametrize(
    ("change", "code"),
    [({"disabled": True}, "0x8004a112"), ({"roles": False}, "0x80042f09"), ({"member": False}, "0x80072560")],
)
def test_an_application_user_may_be_shut_out(
    api: Api, sandbox: DataverseSandbox, change: dict[str, bool], code: str
) -> None:
    sandbox.do("app_user", change)
    assert refusal(api("GET", "WhoAmI")) == (403, code)


def test_a_table_may_have_no_etags(api: Api, sandbox: DataverseSandbox, ada: str) -> None:
    sandbox.do("table", {"table": "contacts", "versions": False})

    row = api.get(f"contacts({ada})?$select=lastname")
    assert "@odata.etag" not in row
    assert refusal(api("PATCH", f"contacts({ada})", {"jobtitle": "x"}, If_Match='W/"1"')) == (400, "0x8006088d")
    assert api("PATCH", f"contacts({ada})", {"jobtitle": "x"}, If_Match="*").status_code == 204
    told = api.get("EntityDefinitions(LogicalName='contact')?$select=IsOptimisticConcurrencyEnabled")
    assert told["IsOptimisticConcurrencyEnabled"] is False


def test_a_column_goes_in_the_middle_of_a_read_and_comes_back(api: Api, sandbox: DataverseSandbox, ada: str) -> None:
    removed = {"table": "contacts", "name": "jobtitle", "delete": True}
    sandbox.fault("do", path="contacts", nth=2, control="column", body=removed)

    assert api("GET", "contacts?$select=jobtitle").status_code == 200
    assert "jobtitle" in refusal_text(api("GET", "contacts?$select=jobtitle"))
    assert refusal(api("PATCH", f"contacts({ada})", {"jobtitle": "x"}))[0] == 400
    assert api("GET", f"{ATTRIBUTES}(LogicalName='jobtitle')").status_code == 404
    sandbox.do("column", {"table": "contacts", "name": "jobtitle", "restore": True})
    assert api("GET", "contacts?$select=jobtitle").status_code == 200


def refusal_text(answer: requests.Response) -> str:
    assert answer.status_code == 400
    return str(answer.json()["error"]["message"])


def test_an_option_goes_and_another_comes(api: Api, sandbox: DataverseSandbox, world: Environment) -> None:
    lead = world.add("lead", {"lastname": "x"}).id
    sandbox.do("column", {"table": "leads", "name": "leadqualitycode", "remove_option": 3, "add_option": 9})

    assert refusal(api("PATCH", f"leads({lead})", {"leadqualitycode": 3})) == (400, "0x8004431a")
    assert api("PATCH", f"leads({lead})", {"leadqualitycode": 9}).status_code == 204


def test_a_secured_column_hides_and_refuses(api: Api, sandbox: DataverseSandbox, ada: str) -> None:
    sandbox.do("column", {"table": "contacts", "name": "emailaddress1", "secured": True})
    assert api.get(f"contacts({ada})?$select=emailaddress1")["emailaddress1"] == "ada@company.example"
    sandbox.do("privilege", {"table": "contacts", "deny": ["ReadSecured", "UpdateSecured"]})

    assert api.get(f"contacts({ada})?$select=emailaddress1")["emailaddress1"] is None
    assert refusal(api("PATCH", f"contacts({ada})", {"emailaddress1": "x"})) == (403, "0x8004f507")
    sandbox.switch(secured_read="refuse")
    assert refusal(api("GET", f"contacts({ada})?$select=emailaddress1")) == (403, "0x8004f504")
    assert api.get(f"{ATTRIBUTES}(LogicalName='emailaddress1')?$select=LogicalName,IsSecured")["IsSecured"] is True


def test_columns_are_made_with_a_publishers_prefix(api: Api, ada: str) -> None:
    options = [{"Value": 710_000 + n, "Label": label(f"Stage {n}")} for n in range(3)]
    yes_or_no = {"TrueOption": {"Value": 1, "Label": label("Y")}, "FalseOption": {"Value": 0, "Label": label("N")}}
    wanted = [
        column("cx_FitScore", "Integer", MinValue=0, MaxValue=100),
        column("cx_Reason", "String", MaxLength=200, FormatName={"Value": "Text"}),
        column("cx_Notes", "Memo", MaxLength=4000),
        column("cx_Stage", "Picklist", OptionSet={"OptionSetType": "Picklist", "IsGlobal": False, "Options": options}),
        column("cx_Tags", "MultiSelectPicklist", OptionSet={"Options": options}),
        column("cx_Held", "Boolean", OptionSet=yes_or_no),
        column("cx_Due", "DateTime", Format="DateAndTime", DateTimeBehavior={"Value": "UserLocal"}),
        column("cx_Day", "DateTime", Format="DateOnly", DateTimeBehavior={"Value": "DateOnly"}),
    ]
    for one in wanted:
        answer = api("POST", ATTRIBUTES, one, MSCRM_SolutionUniqueName="agreement")
        assert (answer.status_code, "OData-EntityId" in answer.headers) == (204, True), answer.text

    values = {"cx_fitscore": 80, "cx_reason": "why", "cx_notes": "n", "cx_stage": 710_001, "cx_tags": "710000,710002"}
    values |= {"cx_held": True, "cx_due": "2026-12-01T10:00:00Z", "cx_day": "2026-12-01"}
    assert api("PATCH", f"contacts({ada})", values).status_code == 204
    row = api.get(f"contacts({ada})?$select={','.join(values)}")
    assert {name: row[name] for name in values} == values
    assert refusal(api("PATCH", f"contacts({ada})", {"cx_fitscore": 101})) == (400, "0x8004432f")
    found = "Microsoft.Dynamics.CRM.ContainValues(PropertyName='cx_tags',PropertyValues=['710002'])"
    assert api.values(f"contacts?$select=contactid&$filter={found}", "contactid") == [ada]


@pytest.mark.parametrize(
    "wrong",
    [
        column("FitScore", "Integer"),
        column("zz_FitScore", "Integer"),
        column("cx_", "Integer"),
        column("cx_FitScore", "File"),
        column("cx_FitScore", "Integer") | {"DisplayName": {}},
        column("cx_Text", "String", MaxLength=0),
        column("cx_Stage", "Picklist", OptionSet={"Options": [{"Label": label("x")}]}),
        column("cx_Stage", "Picklist"),
        column("cx_Held", "Boolean", OptionSet={}),
    ],
)
def test_columns_that_cannot_be_made_are_refused(api: Api, wrong: dict[str, Any]) -> None:
    assert refusal(api("POST", ATTRIBUTES, wrong))[0] == 400


def test_a_column_is_made_once_and_by_those_who_may(api: Api, sandbox: DataverseSandbox) -> None:
    assert api("POST", ATTRIBUTES, column("cx_A", "Integer")).status_code == 204
    assert refusal(api("POST", ATTRIBUTES, column("cx_a", "Integer")))[0] == 400
    sandbox.do("privilege", {"table": "attribute", "deny": ["Create"]})
    assert refusal(api("POST", ATTRIBUTES, column("cx_B", "Integer"))) == (403, "0x80040220")


def test_a_new_column_may_have_to_be_published(api: Api, sandbox: DataverseSandbox, ada: str) -> None:
    sandbox.switch(publish=True)
    api("POST", ATTRIBUTES, column("cx_A", "Integer"))

    assert api("PATCH", f"contacts({ada})", {"cx_a": 1}).status_code == 400
    assert api("GET", f"{ATTRIBUTES}(LogicalName='cx_a')").status_code == 404
    assert api("POST", "PublishXml", {"ParameterXml": "<importexportxml/>"}).status_code == 204
    assert api("PATCH", f"contacts({ada})", {"cx_a": 1}).status_code == 204


def test_options_are_added(api: Api, world: Environment) -> None:
    lead = world.add("lead", {"lastname": "x"}).id
    asked = {"EntityLogicalName": "lead", "AttributeLogicalName": "leadqualitycode", "Label": label("Icy")}
    told = api("POST", "InsertOptionValue", asked | {"Value": 710_000})

    assert told.json()["NewOptionValue"] == 710_000
    assert api("PATCH", f"leads({lead})", {"leadqualitycode": 710_000}).status_code == 204
    assert refusal(api("POST", "InsertOptionValue", asked | {"Value": 710_000}))[0] == 400


def test_audits_say_who_changed_which_columns_where_they_are_on(
    api: Api, sandbox: DataverseSandbox, world: Environment, ada: str
) -> None:
    sandbox.do("edit", {"table": "contacts", "id": ada, "values": {"jobtitle": "unseen"}})
    sandbox.do("audit", {"on": True})
    sandbox.do("audit_column", {"table": "contacts", "name": "department", "on": False})
    sandbox.do("edit", {"table": "contacts", "id": ada, "values": {"jobtitle": "CTO", "department": "R&D"}})
    sandbox.do("edit", {"table": "contacts", "id": ada, "values": {"department": "IT"}})
    api("PATCH", f"contacts({ada})", {"jobtitle": "CEO"})

    query = "$select=action,operation,createdon,attributemask,_userid_value,_objectid_value"
    rows = api.get(f"audits?{query}&$filter=_objectid_value eq {ada} and operation eq 2")["value"]

    number = str(world.tables["contact"].columns["jobtitle"].number)
    assert {(row["_userid_value"], row["attributemask"], row["action"]) for row in rows} == {
        (next(iter(STAFF)), number, 2),
        (APP_USER, number, 2),
    }
    mine = next(row["auditid"] for row in rows if row["_userid_value"] == APP_USER)
    detail = api.get(f"audits({mine})/{CRM}RetrieveAuditDetails")["AuditDetail"]
    assert (detail["OldValue"]["jobtitle"], detail["NewValue"]["jobtitle"]) == ("CTO", "CEO")


def test_errors_may_come_without_their_codes(api: Api, sandbox: DataverseSandbox, ada: str) -> None:
    """Trap 19: then the status has to do."""
    sandbox.switch(blank_codes=True)
    assert refusal(api("PATCH", f"contacts({ada})", {"jobtitle": "x"}, If_Match='W/"1"')) == (412, "")


def test_rows_may_be_left_out_of_pages_without_a_word(api: Api, sandbox: DataverseSandbox, world: Environment) -> None:
    for n in range(6):
        world.add("lead", {"lastname": f"L{n}"})
    sandbox.switch(lost_rows_every=3)
    assert len(api.get("leads?$select=lastname")["value"]) == 4
    sandbox.switch(lost_rows_every=0)
    sandbox.fault("lose_rows", path="leads", rows=2)
    assert len(api.get("leads?$select=lastname")["value"]) == 4
    sandbox.fault("short_page", path="leads", rows=2)
    rows, _ = api.pages("leads?$select=lastname")
    assert len(rows) == 6
    sandbox.fault("short_page", path="leads", rows=0)
    rows, _ = api.pages("leads?$select=lastname")
    assert len(rows) == 6


def test_a_body_may_be_too_large(api: Api, sandbox: DataverseSandbox, ada: str) -> None:
    sandbox.switch(body_limit=100)
    assert api("PATCH", f"contacts({ada})", {"description": "x" * 200}).status_code == 413


def test_the_sandbox_answers_odd_things_when_scripted(api: Api, sandbox: DataverseSandbox, ada: str) -> None:
    for variant, code in (
        ("sql", "0x80044150"),
        ("timeout", "0x80044151"),
        ("again", "0x80154b53"),
        ("", "0x80040216"),
    ):
        sandbox.fault("answer", path="WhoAmI", variant=variant)
        assert refusal(api("GET", "WhoAmI")) == (500, code)
        sandbox.faults.clear()
    sandbox.fault("answer", status=503, path="WhoAmI")
    assert b"<html>" in api("GET", "WhoAmI").content
    sandbox.fault("drop_after", method="PATCH")
    with pytest.raises(requests.ConnectionError):
        api("PATCH", f"contacts({ada})", {"jobtitle": "CTO"})
    assert api.get(f"contacts({ada})?$select=jobtitle")["jobtitle"] == "CTO"
    with pytest.raises(ValueError, match="policy is one of requests, time, concurrency, entitlement"):
        sandbox.fault("throttle", policy="DAILY")


def test_a_robot_writes_by_itself_and_ids_are_unique_over_tables(
    sandbox: DataverseSandbox, world: Environment, ada: str
) -> None:
    about = {"table": "contacts", "ids": [ada], "column": "jobtitle", "values": ["A", "B"], "every_s": 60}
    sandbox.do("robot", about)
    sandbox.do("clock", {"advance_seconds": 125})
    assert world.get("contact", ada).values["jobtitle"] == "B"
    sandbox.do("robot", {"id": "robot", "stop": True})
    sandbox.do("clock", {"advance_seconds": 600})
    assert world.get("contact", ada).values["jobtitle"] == "B"


def test_control_calls_say_what_is_wrong(sandbox: DataverseSandbox, ada: str) -> None:
    for name, body, says in (
        ("create", {"table": "hats"}, "unknown table"),
        ("create", {"table": "contacts", "values": {"hat": 1}}, "no column"),
        ("create", {"table": "contacts", "values": {"accountrolecode": 9}}, "Accepted Values"),
        ("edit", {"table": "contacts", "id": guid(77), "values": {}}, "missing or unknown"),
        ("plugin", {"table": "contacts", "reason": "Whim"}, "reason is one of"),
        ("privilege", {"table": "contacts", "deny": ["Eat"]}, "a right is one of"),
        ("column", {"table": "contacts", "name": "statecode", "delete": True}, "do without"),
        ("column", {"table": "contacts", "name": "lastname", "add_option": 1}, "no options"),
        ("robot", {"table": "contacts", "ids": [ada], "column": "jobtitle", "values": [], "every_s": 1}, "values"),
        ("merge", {"table": "tasks", "survivor": "", "loser": ""}, "cannot be merged"),
        ("dance", {}, "there are"),
    ):
        with pytest.raises(ValueError, match=says):
            sandbox.do(name, body)


def test_the_state_tells_what_was_counted(api: Api, world: Environment, ada: str) -> None:
    api("PATCH", f"contacts({ada})", {"jobtitle": "CTO"})
    api.get("contacts?$select=lastname")

    told = api.get("/_sandbox/state")
    assert (told["calls"]["update"], told["calls"]["page"], told["writes"]) == (1, 1, {"contact": 1})
    assert told["rows"] == 2
    assert api.get(f"/_sandbox/records/contacts?ids={ada}")[ada]["jobtitle"] == "CTO"
    assert (told["tasks"], api.get("/_sandbox/traffic")["calls"]) == ([], 2)
    api("PATCH", f"tasks({guid(5)})", {"subject": "Call"}, If_None_Match="*")
    (task,) = api.get("/_sandbox/state")["tasks"]
    assert (task["id"], task["subject"]) == (guid(5), "Call")
