"""States and statuses, closed rows, rules and transitions, merging, qualifying, closing deals."""

from __future__ import annotations

from typing import Any

import pytest

from connector.sandbox.dataverse import DataverseSandbox, Environment
from connector.sandbox.dataverse.schema import Ref
from tests.sandbox.dataverse.conftest import Api, guid, refusal


@pytest.fixture
def lead(world: Environment) -> str:
    values = {"firstname": "Ada", "lastname": "Byron", "companyname": "Acme", "subject": "Engines"}
    return world.add("lead", values, id=guid(1)).id


@pytest.fixture
def deal(world: Environment, ada: str) -> str:
    return world.add("opportunity", {"name": "Deal", "customerid": Ref("contact", ada)}, id=guid(2)).id


def state(world: Environment, table: str, id: str) -> tuple[Any, Any]:
    values = world.get(table, id).values
    return values["statecode"], values["statuscode"]


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ({"statecode": 2}, (2, 4)),
        ({"statecode": 2, "statuscode": 6}, (2, 6)),
        ({"statuscode": 2}, (0, 2)),
        ({"statuscode": 6}, None),
        ({"statecode": 2, "statuscode": 3}, None),
        ({"statecode": 0, "statuscode": 4}, None),
        ({"statecode": 3}, None),
    ],
)
def test_a_state_and_its_status_go_together(
    api: Api, world: Environment, lead: str, body: dict[str, int], after: tuple[int, int] | None
) -> None:
    """A state alone takes its first status; a status of another state needs that state."""
    answer = api("PATCH", f"leads({lead})", body)

    assert answer.status_code == (204 if after else 400), answer.text
    assert state(world, "lead", lead) == (after or (0, 1))


def test_a_row_is_not_born_in_a_state_of_its_choice(api: Api) -> None:
    assert refusal(api("POST", "leads", {"lastname": "X", "statecode": 2})) == (400, "0x80040203")
    assert refusal(api("POST", "leads", {"lastname": "X", "statuscode": 6})) == (400, "0x80048408")
    assert api("POST", "leads", {"lastname": "X", "statuscode": 2}).status_code == 204


def test_a_closed_lead_takes_no_writes_until_it_is_reopened(api: Api, world: Environment, lead: str) -> None:
    api("PATCH", f"leads({lead})", {"statecode": 2})

    assert refusal(api("PATCH", f"leads({lead})", {"jobtitle": "x"})) == (400, "0x80040233")
    assert refusal(api("PATCH", f"leads({lead})", {"statuscode": 6})) == (400, "0x80040233")
    assert api("PATCH", f"leads({lead})", {"statecode": 0, "jobtitle": "x"}).status_code == 204
    assert state(world, "lead", lead) == (0, 1)


def test_a_finished_task_takes_no_writes_and_an_inactive_contact_does(api: Api, world: Environment, ada: str) -> None:
    task = world.add("task", {"subject": "Call"}).id
    assert state(world, "task", task) == (0, 2)
    assert api("PATCH", f"tasks({task})", {"statecode": 1}).status_code == 204
    assert refusal(api("PATCH", f"tasks({task})", {"subject": "x"})) == (400, "0x80040233")

    assert api("PATCH", f"contacts({ada})", {"statecode": 1}).status_code == 204
    assert api("PATCH", f"contacts({ada})", {"jobtitle": "x"}).status_code == 204


def test_a_deal_is_closed_by_its_actions(api: Api, sandbox: DataverseSandbox, world: Environment, deal: str) -> None:
    """A bare write that closes one is refused, or done: nobody confirmed which."""
    assert refusal(api("PATCH", f"opportunities({deal})", {"statecode": 1})) == (400, "0x80040233")
    close = {"subject": "Won", "opportunityid@odata.bind": f"/opportunities({deal})"}
    assert api("POST", "WinOpportunity", {"Status": 4, "OpportunityClose": close}).status_code == 400
    assert api("POST", "WinOpportunity", {"OpportunityClose": close}).status_code == 400
    assert api("POST", "WinOpportunity", {"Status": 3, "OpportunityClose": close}).status_code == 204
    assert state(world, "opportunity", deal) == (1, 3)
    assert api("POST", "LoseOpportunity", {"Status": 4, "OpportunityClose": close}).status_code == 400
    assert (sandbox.service.counted["WinOpportunity"], sandbox.service.counted["LoseOpportunity"]) == (3, 1)

    sandbox.switch(closed_deals="accept")
    assert api("PATCH", f"opportunities({deal})", {"statecode": 0}).status_code == 204
    assert api("PATCH", f"opportunities({deal})", {"statecode": 2, "statuscode": 5}).status_code == 204


def test_a_rule_forbids_values_beside_each_other(
    api: Api, sandbox: DataverseSandbox, world: Environment, lead: str
) -> None:
    sandbox.do("forbid", {"table": "leads", "values": {"leadqualitycode": 3, "need": 0}})

    assert api("PATCH", f"leads({lead})", {"need": 0}).status_code == 204
    assert refusal(api("PATCH", f"leads({lead})", {"leadqualitycode": 3})) == (400, "0x80040265")
    assert api("PATCH", f"leads({lead})", {"leadqualitycode": 3, "need": 1}).status_code == 204
    assert refusal(api("POST", "leads", {"lastname": "X", "leadqualitycode": 3, "need": 0})) == (400, "0x80040265")
    sandbox.do("forbid", {"clear": True})
    assert api("PATCH", f"leads({lead})", {"need": 0}).status_code == 204


def test_a_status_may_lead_only_where_an_admin_lets_it(api: Api, sandbox: DataverseSandbox, lead: str) -> None:
    sandbox.do("transition", {"table": "leads", "status": 1, "to": [2]})

    assert refusal(api("PATCH", f"leads({lead})", {"statecode": 2})) == (400, "0x8004f857")
    assert api("PATCH", f"leads({lead})", {"statuscode": 2}).status_code == 204
    assert api("PATCH", f"leads({lead})", {"statecode": 2}).status_code == 204


def test_a_merge_moves_what_hangs_on_the_loser_and_deactivates_it(
    api: Api, world: Environment, ada: str, deal: str
) -> None:
    winner = world.add("contact", {"lastname": "Lovelace"}, id=guid(5)).id
    call = world.add("phonecall", {"subject": "Hi", "regardingobjectid": Ref("contact", ada)}).id
    kind = {"@odata.type": "Microsoft.Dynamics.CRM.contact"}
    body = {
        "Target": kind | {"contactid": winner},
        "Subordinate": kind | {"contactid": ada},
        "UpdateContent": kind | {"firstname": "Ada"},
        "PerformParentingChecks": False,
    }
    link = api.pages("contacts?$select=lastname,statecode,merged,_masterid_value", Prefer="odata.track-changes")[1]

    assert api("POST", "Merge", body).status_code == 204

    loser = api.get(f"contacts({ada})?$select=statecode,merged,_masterid_value")
    assert (loser["statecode"], loser["merged"], loser["_masterid_value"]) == (1, True, winner)
    assert world.get("contact", winner).values["fullname"] == "Ada Lovelace"
    assert world.get("opportunity", deal).values["customerid"] == Ref("contact", winner)
    assert world.get("opportunity", deal).values["contactid"] == Ref("contact", winner)
    assert world.get("phonecall", call).values["regardingobjectid"] == Ref("contact", winner)
    assert {row["contactid"] for row in api.get(str(link))["value"]} == {ada, winner}
    assert refusal(api("PATCH", f"contacts({ada})", {"jobtitle": "x"})) == (400, "0x8004022e")
    assert refusal(api("POST", "Merge", body)) == (400, "0x80040233")
    untyped = body | {"Target": {"contactid": winner}}
    assert refusal(api("POST", "Merge", untyped)) == (400, "0x80040203")


def test_people_merge_and_qualify_too(sandbox: DataverseSandbox, world: Environment, lead: str, ada: str) -> None:
    other = world.add("contact", {"lastname": "B"}).id
    sandbox.do("merge", {"table": "contacts", "survivor": ada, "loser": other, "values": {"jobtitle": "CTO"}})
    assert (world.get("contact", other).values["merged"], world.get("contact", ada).values["jobtitle"]) == (True, "CTO")

    made = sandbox.do("qualify", {"id": lead, "contact": True, "account": True, "opportunity": True})

    values = world.get("lead", lead).values
    assert state(world, "lead", lead) == (1, 3)
    assert values["parentcontactid"] == Ref("contact", made["contact"])
    assert values["qualifyingopportunityid"] == Ref("opportunity", made["opportunity"])
    assert world.get("contact", made["contact"]).values["originatingleadid"] == Ref("lead", lead)
    assert world.get("account", made["account"]).values["name"] == "Acme"


def test_a_lead_is_qualified_through_the_api(
    api: Api, sandbox: DataverseSandbox, world: Environment, lead: str
) -> None:
    """Which is counted by its name."""
    body = {"CreateAccount": False, "CreateContact": True, "CreateOpportunity": False, "Status": 3}
    answer = api("POST", f"leads({lead})/Microsoft.Dynamics.CRM.QualifyLead", body)

    (made,) = answer.json()["value"]
    assert world.get("contact", made["contactid"]).values["lastname"] == "Byron"
    assert sandbox.service.counted["QualifyLead"] == 1
    assert refusal(api("POST", f"leads({lead})/Microsoft.Dynamics.CRM.QualifyLead", body)) == (400, "0x80040233")


def test_what_pointed_at_a_deleted_row_lets_go_and_says_so(api: Api, world: Environment, ada: str, lead: str) -> None:
    """A lead whose contact is deleted stands alone again, and the delta tells it."""
    world.write("lead", lead, {"parentcontactid": Ref("contact", ada)})
    call = world.add("phonecall", {"subject": "Hi", "regardingobjectid": Ref("lead", lead)}).id
    party = world.add("activityparty", {"activityid": Ref("phonecall", call), "partyid": Ref("contact", ada)}).id
    link = str(api.pages("leads?$select=_parentcontactid_value", Prefer="odata.track-changes")[1])

    assert api("DELETE", f"contacts({ada})").status_code == 204

    (told,) = api.get(link)["value"]
    assert (told["leadid"], told["_parentcontactid_value"]) == (lead, None)
    assert world.get("activityparty", party).values["partyid"] is None
    assert api("DELETE", f"phonecalls({call})").status_code == 204
    assert world.row("activityparty", party) is None
