"""Workflows as `/automation/v4/flows` tells them: the list is brief, one flow has its trigger and its action."""

from __future__ import annotations

from typing import Any

from connector.sandbox.exchange import Answer, invalid, not_found
from connector.sandbox.hubspot.routes import Request, Route, opened_by
from connector.sandbox.hubspot.shapes import page_answer
from connector.sandbox.schema import TYPE_IDS
from connector.sandbox.workflows import Workflow

MOST_FLOWS = 100
SET_PROPERTY = "0-5"
PROPERTY_CHANGED = "4-655002"


def list_flows(request: Request) -> Answer:
    """Flows in order of id, enabled or not; `after` is the id of the last one seen."""
    call = request.call
    limit, after = call.number("limit", MOST_FLOWS, MOST_FLOWS), call.one("after") or "0"
    if not after.isdigit():
        raise invalid("after is not a paging cursor of this list")
    flows = (one for one in request.world.workflows if one.is_flow() and int(one.id) > int(after))
    left = sorted(flows, key=lambda one: int(one.id))
    page = left[:limit]
    return page_answer([_brief(one) for one in page], page[-1].id if len(left) > limit else None)


def get_flow(request: Request) -> Answer:
    for one in request.world.workflows:
        if one.is_flow() and one.id == request.named["id"]:
            return Answer(200, _whole(one))
    raise not_found(f"No flow with id {request.named['id']} exists", "OBJECT_NOT_FOUND")


def _brief(one: Workflow) -> dict[str, Any]:
    return {
        "id": one.id,
        "isEnabled": one.enabled,
        "flowType": "WORKFLOW",
        "name": one.name,
        "objectTypeId": TYPE_IDS["contacts"],
        "revisionId": str(one.revision),
    }


def _whole(one: Workflow) -> dict[str, Any]:
    return _brief(one) | {
        "type": "CONTACT_FLOW",
        "startActionId": "1",
        "nextAvailableActionId": "2",
        "actions": [_action(one)],
        "enrollmentCriteria": _trigger(one),
    }


def _action(one: Workflow) -> dict[str, Any]:
    value = {"type": "STATIC_VALUE", "staticValue": one.to}
    return {
        "type": "SINGLE_CONNECTION",
        "actionId": "1",
        "actionTypeId": SET_PROPERTY,
        "actionTypeVersion": 0,
        "fields": {"property_name": one.sets, "value": value},
    }


def _trigger(one: Workflow) -> dict[str, Any]:
    """The event "a property changed", narrowed to one property and, where there is one, to its new value."""
    filters = [_equals("hs_name", one.property)]
    if one.value is not None:
        filters.append(_equals("hs_value", one.value))
    branch = {
        "filterBranchType": "UNIFIED_EVENTS",
        "filterBranchOperator": "AND",
        "eventTypeId": PROPERTY_CHANGED,
        "operator": "HAS_COMPLETED",
        "filterBranches": [],
        "filters": filters,
    }
    return {"type": "EVENT_BASED", "shouldReEnroll": True, "eventFilterBranches": [branch]}


def _equals(name: str, value: str) -> dict[str, Any]:
    operation = {"operationType": "MULTISTRING", "operator": "IS_EQUAL_TO", "values": [value]}
    return {"filterType": "PROPERTY", "property": name, "operation": operation}


_AUTOMATION = opened_by("automation")

ROUTES = (
    Route("GET", "automation", ("flows",), list_flows, "flows", _AUTOMATION),
    Route("GET", "automation", ("flows", "{id}"), get_flow, "flows", _AUTOMATION),
)
