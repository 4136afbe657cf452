"""Writing single rows: conditions, upserts, ETags, values that do not fit, lookups bound with all their traps."""

from __future__ import annotations

from typing import Any

import pytest

from connector.sandbox.dataverse import DataverseSandbox, Environment
from connector.sandbox.dataverse.known import APP_USER, STAFF
from connector.sandbox.dataverse.schema import Ref
from tests.sandbox.dataverse.conftest import Api, guid, refusal


def etag(api: Api, id: str, set_name: str = "contacts") -> str:
    return str(api("GET", f"{set_name}({id})?$select=createdon").headers["ETag"])


def test_a_new_row_says_where_it_is(api: Api, sandbox: DataverseSandbox) -> None:
    answer = api("POST", "contacts", {"lastname": "Byron", "firstname": "Ada"})

    assert (answer.status_code, answer.content) == (204, b"")
    where = answer.headers["OData-EntityId"]
    assert where.startswith(f"{sandbox.url}/api/data/v9.2/contacts(")
    row = api.get(f"{where}?$select=fullname,statecode,statuscode,_ownerid_value,_createdby_value")
    assert (row["fullname"], row["statecode"], row["statuscode"]) == ("Ada Byron", 0, 1)
    assert row["_ownerid_value"] == row["_createdby_value"] == APP_USER


def test_a_new_row_is_shown_when_asked_for(api: Api) -> None:
    answer = api("POST", "contacts?$select=lastname", {"lastname": "B"}, Prefer="return=representation")

    assert answer.status_code == 201
    assert set(answer.json()) == {"@odata.context", "@odata.etag", "lastname", "contactid"}


def test_each_write_makes_a_new_etag_and_an_old_one_is_refused(api: Api, ada: str) -> None:
    first = etag(api, ada)
    assert api("PATCH", f"contacts({ada})", {"jobtitle": "CTO"}, If_Match=first).status_code == 204
    second = etag(api, ada)

    assert first != second
    assert refusal(api("PATCH", f"contacts({ada})", {"jobtitle": "CEO"}, If_Match=first)) == (412, "0x80060882")
    assert api.get(f"contacts({ada})?$select=jobtitle")["jobtitle"] == "CTO"
    answer = api("PATCH", f"contacts({ada})?$select=jobtitle", {}, If_Match=second, Prefer="return=representation")
    assert (answer.status_code, answer.headers["ETag"]) == (200, etag(api, ada))


def test_somebody_elses_edit_makes_the_etag_stale(api: Api, sandbox: DataverseSandbox, ada: str) -> None:
    known = etag(api, ada)
    sandbox.do("edit", {"table": "contacts", "id": ada, "values": {"jobtitle": "CEO"}})

    assert api("PATCH", f"contacts({ada})", {"jobtitle": "CTO"}, If_Match=known).status_code == 412
    assert api.get(f"contacts({ada})?$select=_modifiedby_value")["_modifiedby_value"] == next(iter(STAFF))


def test_dataverse_trap_17_a_write_without_condition_brings_a_missing_row_into_being(
    api: Api, world: Environment
) -> None:
    """Upsert: with If-Match: * nothing is made, with If-None-Match: * nothing is changed."""
    path = f"contacts({guid(7)})"
    assert refusal(api("PATCH", path, {"lastname": "A"}, If_Match="*")) == (404, "0x80040217")
    assert world.row("contact", guid(7)) is None
    assert api("PATCH", path, {"lastname": "A"}).status_code == 204
    assert world.get("contact", guid(7)).values["lastname"] == "A"

    assert api("PATCH", path, {"lastname": "B"}, If_None_Match="*").status_code == 412
    assert world.get("contact", guid(7)).values["lastname"] == "A"
    assert api("PATCH", f"tasks({guid(8)})", {"subject": "Call"}, If_None_Match="*").status_code == 204


@pytest.mark.parametrize("status", [404, 412])
def test_an_etag_for_a_row_that_is_gone_is_refused(api: Api, sandbox: DataverseSandbox, ada: str, status: int) -> None:
    known = etag(api, ada)
    sandbox.switch(missing_row=str(status))
    assert api("DELETE", f"contacts({ada})").status_code == 204

    assert api("PATCH", f"contacts({ada})", {"jobtitle": "x"}, If_Match=known).status_code == status
    assert api("GET", f"contacts({ada})").status_code == 404


def test_a_deletion_keeps_to_its_condition(api: Api, sandbox: DataverseSandbox, ada: str) -> None:
    known = etag(api, ada)
    sandbox.do("touch", {"table": "contacts", "ids": [ada]})

    assert api("DELETE", f"contacts({ada})", If_Match=known).status_code == 412
    assert api("DELETE", f"contacts({ada})", If_Match=etag(api, ada)).status_code == 204
    assert refusal(api("DELETE", f"contacts({ada})")) == (404, "0x80040217")


def test_single_properties_are_put_and_emptied(api: Api, ada: str) -> None:
    assert api("PUT", f"contacts({ada})/jobtitle", {"value": "CTO"}).status_code == 204
    assert api.get(f"contacts({ada})?$select=jobtitle")["jobtitle"] == "CTO"
    assert api("DELETE", f"contacts({ada})/jobtitle").status_code == 204
    assert api.get(f"contacts({ada})?$select=jobtitle")["jobtitle"] is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"hat": "x"}, "0x80048d19"),
        ({"JobTitle": "x"}, "0x80048d19"),
        ({"jobtitle": 7}, "0x80048d19"),
        ({"jobtitle": "x" * 101}, "0x80044331"),
        ({"accountrolecode": 9}, "0x8004431a"),
        ({"accountrolecode": "1"}, "0x80048d19"),
        ({"donotemail": 1}, "0x80048d19"),
        ({"annualincome": "7"}, "0x80048d19"),
        ({"annualincome": -1}, "0x80044330"),
        ({"birthdate": "2026-01-01T00:00:00Z"}, "0x80048d19"),
        ({"lastonholdtime": "2026-01-01"}, "0x80048d19"),
        ({"lastonholdtime": "2026-01-01T10:00:00"}, "0x80048d19"),
        ({"lastonholdtime": "1700-01-01T00:00:00Z"}, "0x80040203"),
        ({"fullname": "Ada"}, "0x80040203"),
        ({"versionnumber": 1}, "0x80040203"),
        ({"_parentcustomerid_value": guid(1)}, "0x80048d19"),
        ({"parentcustomerid": guid(1)}, "0x80048d19"),
        ({"statuscode": 2}, "0x80048408"),
    ],
)
def test_values_that_do_not_fit_are_refused_and_nothing_is_written(
    api: Api, world: Environment, ada: str, body: dict[str, Any], code: str
) -> None:
    before = world.get("contact", ada)

    assert refusal(api("PATCH", f"contacts({ada})", {"department": "R&D"} | body)) == (400, code)
    assert world.get("contact", ada) == before


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("parentcustomerid_account", "/accounts({account})", 204),
        ("parentcustomerid_account", "accounts({account})", 204),
        ("parentcustomerid_account", "{url}/api/data/v9.2/accounts({account})", 204),
        ("parentcustomerid_account", None, 204),
        ("ParentCustomerId_account", "/accounts({account})", 400),
        ("parentcustomerid", "/accounts({account})", 400),
        ("parentcustomerid_account", "/contacts({account})", 400),
        ("parentcustomerid_account", "/account({account})", 400),
        ("parentcustomerid_account", "/accounts(17)", 400),
        ("parentcustomerid_account", "/accounts({nobody})", 404),
        ("masterid", "/contacts({account})", 400),
        ("ownerid", "/systemusers({owner})", 204),
        ("ownerid", "/accounts({account})", 400),
    ],
)
def test_dataverse_trap_08_a_lookup_is_bound_by_its_navigation_property(
    api: Api, sandbox: DataverseSandbox, world: Environment, ada: str, name: str, value: str | None, status: int
) -> None:
    """Case, target suffix, set and row all count."""
    world.add("account", {"name": "Acme"}, id=guid(2))
    known = {"account": guid(2), "nobody": guid(3), "owner": list(STAFF)[1], "url": sandbox.url}

    answer = api("PATCH", f"contacts({ada})", {f"{name}@odata.bind": value and value.format(**known)})

    assert answer.status_code == status, answer.text
    if status == 204 and value:
        row = api.get(f"contacts({ada})?$select=_parentcustomerid_value,_ownerid_value")
        assert row["_parentcustomerid_value" if "parent" in name else "_ownerid_value"] in value.format(**known)


def test_a_custom_lookup_is_bound_in_the_case_of_its_schema_name(api: Api, world: Environment) -> None:
    world.add("lead", {"lastname": "X"}, id=guid(4))
    world.add("msdyn_predictivescore", {"msdyn_score": 7}, id=guid(5))
    link = f"/msdyn_predictivescores({guid(5)})"

    assert api("PATCH", f"leads({guid(4)})", {"msdyn_predictivescoreid@odata.bind": link}).status_code == 400
    assert api("PATCH", f"leads({guid(4)})", {"msdyn_PredictiveScoreId@odata.bind": link}).status_code == 204
    assert world.get("lead", guid(4)).values["msdyn_predictivescoreid"] == Ref("msdyn_predictivescore", guid(5))


def test_values_come_back_as_they_were_written(api: Api, ada: str) -> None:
    body = {"annualincome": 1234.5, "birthdate": "1815-12-10", "lastonholdtime": "2026-11-20T12:34:56+01:00"}
    body |= {"donotemail": True, "accountrolecode": 1, "description": "größer"}
    assert api("PATCH", f"contacts({ada})", body).status_code == 204

    row = api.get(f"contacts({ada})?$select={','.join(body)},annualincome_base")

    assert {name: row[name] for name in body} == body | {"lastonholdtime": "2026-11-20T11:34:56Z"}
    assert row["annualincome_base"] == 1234.5


def test_the_same_id_twice_is_a_duplicate(api: Api, ada: str) -> None:
    assert refusal(api("POST", "contacts", {"contactid": ada, "lastname": "X"})) == (412, "0x80040237")


def test_a_predictive_score_is_written_by_its_alternate_key(api: Api, world: Environment) -> None:
    """Idempotent by itself: the second write finds the row of the first."""
    lead = world.add("lead", {"lastname": "X"}).id
    path = f"msdyn_predictivescores(msdyn_entityid='{lead}',msdyn_entitytype='lead')"

    assert api("PATCH", path, {"msdyn_score": 40, "msdyn_grade": 1}).status_code == 204
    assert api("PATCH", path, {"msdyn_score": 60}).status_code == 204

    (row,) = api.get("msdyn_predictivescores?$select=msdyn_score,msdyn_grade,msdyn_entityid,msdyn_entitytype")["value"]
    assert (row["msdyn_score"], row["msdyn_grade"], row["msdyn_entityid"]) == (60, 1, lead)
    twice = {"msdyn_entityid": lead, "msdyn_entitytype": "lead"}
    assert refusal(api("POST", "msdyn_predictivescores", twice)) == (412, "0x80060892")
    assert refusal(api("PATCH", "msdyn_predictivescores(msdyn_score=1)", {})) == (400, "0x80040203")


def test_a_call_is_made_with_its_parties(api: Api, ada: str) -> None:
    body = {
        "subject": "Intro",
        "regardingobjectid_contact_phonecall@odata.bind": f"/contacts({ada})",
        "phonecall_activity_parties": [
            {"partyid_systemuser@odata.bind": f"/systemusers({APP_USER})", "participationtypemask": 1},
            {"partyid_contact@odata.bind": f"/contacts({ada})", "participationtypemask": 2},
        ],
    }
    where = api("POST", "phonecalls", body).headers["OData-EntityId"]
    call = where[where.index("(") + 1 : -1]

    rows = api.get(f"activityparties?$filter=_activityid_value eq {call}&$select=_partyid_value,participationtypemask")
    assert {row["_partyid_value"]: row["participationtypemask"] for row in rows["value"]} == {APP_USER: 1, ada: 2}
    assert api.get(f"{where}?$select=_regardingobjectid_value")["_regardingobjectid_value"] == ada


def test_a_body_that_is_no_object_is_refused(api: Api, ada: str) -> None:
    assert api("PATCH", f"contacts({ada})", ["x"]).status_code == 400
    assert api("PATCH", f"contacts({ada})", None).status_code == 415


def test_tables_of_the_system_take_no_writes(api: Api) -> None:
    assert refusal(api("POST", "organizations", {"name": "x"})) == (405, "0x80040315")
    assert api("POST", f"contacts({guid(1)})/Microsoft.Dynamics.CRM.Dance", {}).status_code == 405
