"""The account's own workflows, its pages and teams, as HubSpot tells them on the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from connector.crm import Automation
from connector.errors import Denied, NotFound
from tests.crm.scripted import Heard, Open, Reply, Script

CONTACT, COMPANY = "0-1", "0-2"
WANTED = {"contact": ["lifecyclestage", "hs_lead_status"]}


def sets(*names: str) -> list[dict[str, Any]]:
    """Actions that set these properties, beside one that does something else."""
    other = {"actionTypeId": "0-4", "fields": {"property_name": "lifecyclestage"}}
    return [other, *({"actionTypeId": "0-5", "fields": {"property_name": name}} for name in names)]


def flow(id: str, *names: str, object: str = CONTACT, **more: Any) -> dict[str, Any]:
    return {"id": id, "name": f"Flow {id}", "objectTypeId": object, "isEnabled": True, "actions": sets(*names), **more}


def account(*flows: Mapping[str, Any], page: int = 2) -> Callable[[Heard], Reply]:
    """Serves lists of flows, a page at a time, and each one whole."""
    known = {str(one["id"]): one for one in flows}

    def answer(heard: Heard) -> Reply:
        id = heard.path.removeprefix("/automation/v4/flows").strip("/")
        if id:
            return Reply(json=known[id]) if known[id].get("actions") is not None else Reply(404, {"message": "gone"})
        start = int(heard.query.get("after", 0))
        results = [{key: one[key] for key in one if key != "actions"} for one in flows[start : start + page]]
        paging = {"paging": {"next": {"after": str(start + page)}}} if start + page < len(flows) else {}
        return Reply(json={"results": results, **paging})

    return answer


def test_workflows_that_set_a_wanted_property_are_found_across_pages(script: Script, hubspot: Open) -> None:
    """One entry for each property, those switched off included; other kinds of record are not even opened."""
    script.answer = account(
        flow("1", "lifecyclestage"),
        flow("2", "city"),
        flow("3", "hs_lead_status", "lifecyclestage", isEnabled=False),
        flow("4", "lifecyclestage", object=COMPANY),
        flow("5", actions=None),
    )

    found = hubspot().automations(WANTED)

    assert found == [
        Automation("1", "Flow 1", "contact", "lifecyclestage", True),
        Automation("3", "Flow 3", "contact", "hs_lead_status", False),
        Automation("3", "Flow 3", "contact", "lifecyclestage", False),
    ]
    assert "/automation/v4/flows/4" not in [heard.path for heard in script.heard]


def test_a_token_without_the_scope_is_denied_by_it(script: Script, hubspot: Open) -> None:
    """What may not be seen is no empty success."""
    body = {"status": "error", "category": "MISSING_SCOPES", "message": "requires one of [automation]"}
    script.answer = lambda _heard: Reply(403, body)

    with pytest.raises(Denied) as denied:
        hubspot().automations(WANTED)
    assert denied.value.code == "scope"


def test_an_account_without_workflows_says_so(script: Script, hubspot: Open) -> None:
    """A tier that has no such thing answers 404."""
    script.answer = lambda _heard: Reply(404, {"status": "error", "message": "not found"})

    with pytest.raises(NotFound):
        hubspot().automations(WANTED)


def test_pages_and_teams_come_with_the_description(script: Script, hubspot: Open) -> None:
    """The address of a record from account and domain; teams by name and id, those who left without any."""
    owner = {"id": "7", "email": "rep@seller.example", "teams": [{"id": 31, "name": "Inbound"}, {"id": "32"}]}

    def answer(heard: Heard) -> Reply:
        if "account-info" in heard.path and "details" in heard.path:
            return Reply(json={"portalId": 4242, "timeZone": "UTC", "uiDomain": "app.hubspot.example"})
        if "owners" in heard.path:
            archived = heard.query.get("archived") == "true"
            return Reply(json={"results": [{"id": "8", "email": ""}] if archived else [owner]})
        return Reply(json={"results": []})

    script.answer = answer
    told = hubspot().describe(["contact"])

    assert told.page_of("99") == "https://app.hubspot.example/contacts/4242/record/0-1/99"
    assert {one.id: one.teams for one in told.owners} == {"7": ("Inbound", "31", "32"), "8": ()}
