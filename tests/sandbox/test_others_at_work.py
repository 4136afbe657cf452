"""Others who write while we do: workflows that reset, other apps, people, deals; at once or a while later."""

from __future__ import annotations

from typing import Any

import pytest

from connector.sandbox import Sandbox, World
from tests.sandbox.conftest import Api

CONTACTS = "/crm/objects/2026-03/contacts"
RESET = {"id": "5", "property": "hs_lead_status", "sets": "hs_lead_status", "to": "NEW", "only_app": True}

ROBOT = {"kind": "contacts", "property": "city", "values": ["Brno", "Graz"]}


def history(api: Api, id: str, name: str = "hs_lead_status") -> list[tuple[str, str, str]]:
    told = api.get(f"{CONTACTS}/{id}", propertiesWithHistory=name)["propertiesWithHistory"][name]
    return [(one["value"], one["sourceType"], one["sourceId"]) for one in told]


@pytest.mark.parametrize(
    ("who", "source"),
    [
        ({}, ("AUTOMATION_PLATFORM", "5")),
        ({"as_app": "555"}, ("INTEGRATION", "555")),
        ({"as_user": 7003}, ("CRM_UI", "userId:7003")),
    ],
)
def test_our_writes_are_reset_each_time_by_whoever_is_named(
    api: Api, ada: str, who: dict[str, Any], source: tuple[str, str]
) -> None:
    """A workflow, another integration, a person; history tells them apart. Colleagues' own edits stay."""
    assert api("POST", "/_sandbox/workflow", RESET | who).status_code == 200
    api.patch(ada, hs_lead_status="OPEN")
    api("POST", "/_sandbox/edit", {"kind": "contacts", "id": ada, "properties": {"hs_lead_status": "CONNECTED"}})
    api.patch(ada, hs_lead_status="IN_PROGRESS")

    told = history(api, ada)
    assert [value for value, *_ in told] == ["NEW", "IN_PROGRESS", "CONNECTED", "NEW", "OPEN"]
    assert told[0][1:] == told[3][1:] == source
    flows = [one["id"] for one in api.get("/automation/v4/flows")["results"]]
    assert flows == ([] if who else ["5"])


def test_a_reset_may_come_a_while_later_by_the_sandboxs_clock(api: Api, world: World, ada: str) -> None:
    """Our write is confirmed first; the reset bears its own instant, however long nobody looked."""
    api("POST", "/_sandbox/workflow", RESET | {"after_s": 30})
    answer = api.update({"id": ada, "properties": {"hs_lead_status": "OPEN"}}).json()
    world.clock.advance(29)
    before = history(api, ada)
    world.clock.advance(3600)

    assert answer["results"][0]["properties"]["hs_lead_status"] == "OPEN"
    assert [value for value, *_ in before] == ["OPEN"]
    assert [value for value, *_ in history(api, ada)] == ["NEW", "OPEN"]
    assert api.get(f"{CONTACTS}/{ada}")["updatedAt"] == "2026-11-21T09:00:30.000Z"


def test_a_robot_of_a_person_edits_at_its_own_pace(api: Api, world: World, ada: str) -> None:
    """One value after the other, each at its instant, until it has done its times or is stopped."""
    robot = {
        "kind": "contacts",
        "ids": [ada],
        "property": "city",
        "values": ["Brno", "Graz"],
        "every_s": 60,
        "user_id": 7002,
    }
    api("POST", "/_sandbox/robot", robot | {"times": 3})
    world.clock.advance(150)
    after_two = history(api, ada, "city")
    world.clock.advance(600)

    assert after_two == [("Graz", "CRM_UI", "userId:7002"), ("Brno", "CRM_UI", "userId:7002")]
    assert [value for value, *_ in history(api, ada, "city")] == ["Brno", "Graz", "Brno"]
    assert api.get(f"{CONTACTS}/{ada}")["updatedAt"] == "2026-11-21T09:03:00.000Z"
    assert api("POST", "/_sandbox/robot", robot | {"id": "again"}).json() == {"robots": ["again", "robot"]}
    assert api("POST", "/_sandbox/robot", {"id": "again", "stop": True}).json() == {"robots": ["robot"]}
    world.clock.advance(600)
    assert len(history(api, ada, "city")) == 3


def test_a_deal_moves_the_stage_and_history_says_it_was_the_deal(api: Api, sandbox: Sandbox, ada: str) -> None:
    """To opportunity with the deal, to customer when it is won, never back."""
    sandbox.switch(deal_moves_stage=True)
    deal = sandbox.world.add("deals", {"dealname": "Amber", "dealstage": "qualifiedtobuy", "pipeline": "default"})
    api("POST", "/_sandbox/associate", {"kind": "deals", "id": deal, "to": "contacts", "to_id": ada})
    api.patch(deal, kind="deals", dealstage="closedwon")
    api.patch(deal, kind="deals", dealstage="qualifiedtobuy")

    assert history(api, ada, "lifecyclestage") == [
        ("customer", "DEALS", deal),
        ("opportunity", "DEALS", deal),
        ("lead", "IMPORT", "sandbox"),
    ]


def test_who_acts_on_a_record_that_is_gone_does_nothing(api: Api, world: World, ada: str) -> None:
    """Robot and delayed workflow alike."""
    api("POST", "/_sandbox/workflow", RESET | {"after_s": 30})
    api(
        "POST",
        "/_sandbox/robot",
        {"kind": "contacts", "ids": [ada], "property": "city", "values": ["Brno"], "every_s": 9},
    )
    api.patch(ada, hs_lead_status="OPEN")
    world.archive("contacts", ada)
    world.clock.advance(60)

    shown = api.get(f"{CONTACTS}/{ada}", archived="true", properties="city,hs_lead_status")
    assert (shown["properties"]["city"], shown["properties"]["hs_lead_status"]) == (None, "OPEN")
