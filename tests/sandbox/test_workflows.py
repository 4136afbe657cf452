"""Portal workflows: what triggers them, what they write, how often they ran, and how the API tells them."""

from __future__ import annotations

import pytest

from connector.sandbox import Sandbox, World
from connector.sandbox.workflows import Workflow
from tests.sandbox.conftest import Api

FLOWS = "/automation/v4/flows"
MQL = "marketingqualifiedlead"


@pytest.fixture
def hand_over(world: World) -> Workflow:
    """A workflow that gives every new MQL the lead status NEW."""
    return world.add_workflow(Workflow("81", "MQL to sales", "lifecyclestage", MQL, "hs_lead_status", "NEW"))


def enrollments(api: Api) -> dict[str, int]:
    counted: dict[str, int] = api.get("/_sandbox/state")["enrollments"]
    return counted


def test_a_write_through_the_api_triggers_a_workflow(api: Api, hand_over: Workflow, ada: str) -> None:
    """The property is set at once, and the history names the workflow."""
    api.update({"id": ada, "properties": {"lifecyclestage": MQL}})

    shown = api.get(
        f"/crm/v3/objects/contacts/{ada}", properties="hs_lead_status", propertiesWithHistory="hs_lead_status"
    )
    newest = shown["propertiesWithHistory"]["hs_lead_status"][0]
    assert shown["properties"]["hs_lead_status"] == "NEW"
    assert (newest["value"], newest["sourceType"], newest["sourceId"]) == ("NEW", "AUTOMATION_PLATFORM", "81")
    assert enrollments(api) == {"81": 1}


def test_an_edit_by_a_person_and_a_new_contact_trigger_it_too(api: Api, hand_over: Workflow, ada: str) -> None:
    """Who set the value does not matter."""
    api("POST", "/_sandbox/edit", {"kind": "contacts", "id": ada, "properties": {"lifecyclestage": MQL}})
    new = api("POST", "/crm/v3/objects/contacts", {"properties": {"lifecyclestage": MQL}}).json()["id"]

    shown = [api.get(f"/crm/v3/objects/contacts/{id}", properties="hs_lead_status") for id in (ada, new)]
    assert [one["properties"]["hs_lead_status"] for one in shown] == ["NEW", "NEW"]
    assert enrollments(api) == {"81": 2}


def test_other_values_same_values_and_other_properties_trigger_nothing(api: Api, hand_over: Workflow, ada: str) -> None:
    """Only a change to the awaited value counts; so a test can say that nothing fired."""
    api.patch(ada, lifecyclestage="lead", jobtitle="CTO")
    api.patch(ada, lifecyclestage="salesqualifiedlead")

    assert enrollments(api) == {}


def test_workflows_set_one_another_off_but_never_themselves(api: Api, world: World, ada: str) -> None:
    """Two that would hand a status to and fro run once each."""
    world.add_workflow(Workflow("1", "There", "hs_lead_status", None, "hs_lead_status", "NEW"))
    world.add_workflow(Workflow("2", "And back", "hs_lead_status", "NEW", "hs_lead_status", "OPEN"))

    api.patch(ada, hs_lead_status="CONNECTED")

    entries = api.get(f"/crm/v3/objects/contacts/{ada}", propertiesWithHistory="hs_lead_status")
    told = entries["propertiesWithHistory"]["hs_lead_status"]
    assert [(one["value"], one["sourceId"]) for one in told] == [("OPEN", "2"), ("NEW", "1"), ("CONNECTED", "31337")]
    assert enrollments(api) == {"1": 1, "2": 1}


def test_a_workflow_cannot_move_a_stage_back_either(api: Api, world: World, ada: str) -> None:
    """It is enrolled, and forward-only holds."""
    world.add_workflow(Workflow("1", "Down", "hs_lead_status", "UNQUALIFIED", "lifecyclestage", "subscriber"))

    api.patch(ada, hs_lead_status="UNQUALIFIED")

    shown = api.get(f"/crm/v3/objects/contacts/{ada}", properties="lifecyclestage")
    assert shown["properties"]["lifecyclestage"] == "lead"
    assert enrollments(api) == {"1": 1}


def test_workflows_are_put_up_and_switched_over_the_control_path(api: Api, ada: str) -> None:
    """Defined, disabled, enabled, read; mistakes are told."""
    flow = {"id": "7", "name": "Stamp", "property": "hs_lead_status", "sets": "message", "to": "touched"}
    assert api("POST", "/_sandbox/workflow", flow).status_code == 200
    api("POST", "/_sandbox/workflow", {"id": "7", "enabled": False})
    api.patch(ada, hs_lead_status="OPEN")
    assert enrollments(api) == {}
    api("POST", "/_sandbox/workflow", {"id": "7", "enabled": True})
    api.patch(ada, hs_lead_status="")

    told = api.get("/_sandbox/workflows")["workflows"]
    assert [(one["id"], one["enabled"], one["value"], one["enrollments"]) for one in told] == [("7", True, None, 1)]
    assert api("POST", "/_sandbox/workflow", flow).status_code == 400
    assert "nonsense" in api("POST", "/_sandbox/workflow", flow | {"id": "8", "sets": "nonsense"}).json()["message"]
    assert "workflow 9" in api("POST", "/_sandbox/workflow", {"id": "9", "enabled": True}).json()["message"]


def test_flows_are_listed_in_pages_and_told_one_by_one(api: Api, world: World, hand_over: Workflow) -> None:
    """The list is brief; one flow has its action and its trigger; 404 for what does not exist."""
    world.add_workflow(Workflow("100", "Old", "hs_lead_status", None, "message", "x", enabled=False))

    first = api.get(FLOWS, limit=1)
    second = api.get(FLOWS, limit=1, after=first["paging"]["next"]["after"])
    whole = api.get(f"{FLOWS}/81")

    assert first["results"] == [
        {
            "id": "81",
            "isEnabled": True,
            "flowType": "WORKFLOW",
            "name": "MQL to sales",
            "objectTypeId": "0-1",
            "revisionId": "1",
        }
    ]
    assert [(one["id"], one["isEnabled"]) for one in second["results"]] == [("100", False)]
    assert "paging" not in second
    assert whole["type"] == "CONTACT_FLOW"
    assert whole["actions"][0]["fields"] == {
        "property_name": "hs_lead_status",
        "value": {"type": "STATIC_VALUE", "staticValue": "NEW"},
    }
    asked = whole["enrollmentCriteria"]["eventFilterBranches"][0]["filters"]
    assert [one["operation"]["values"] for one in asked] == [["lifecyclestage"], [MQL]]
    assert api("GET", f"{FLOWS}/5").status_code == 404


def test_flows_need_their_own_scope(api: Api, sandbox: Sandbox, hand_over: Workflow) -> None:
    """403 MISSING_SCOPES names `automation`."""
    sandbox.hubspot.scopes = frozenset({"crm.objects.contacts.read"})

    answers = [api("GET", path) for path in (FLOWS, f"{FLOWS}/81")]

    assert [(one.status_code, one.json()["category"]) for one in answers] == [(403, "MISSING_SCOPES")] * 2
    assert answers[0].json()["errors"][0]["context"] == {"requiredGranularScopes": ["automation"]}
