"""What the account is like: property definitions, pipelines, owners, its own details and its use of the daily pool."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connector.sandbox.clock import iso
from connector.sandbox.exchange import Answer, Refusal, invalid, not_found, refusal
from connector.sandbox.hubspot.routes import Request, Route, kind_named, opened_by, schema_scopes
from connector.sandbox.hubspot.shapes import batch_answer, page_answer
from connector.sandbox.schema import Definition, Option

#: Which form fields go with which type (hubspot-api.md 10.1).
FIELD_TYPES = {
    "number": ("number",),
    "datetime": ("date",),
    "date": ("date",),
    "string": ("text", "textarea", "html", "phonenumber", "file"),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox"),
    "bool": ("booleancheckbox",),
}
MOST_OWNERS = 500


def list_properties(request: Request) -> Answer:
    definitions = request.world.definitions[request.kind].values()
    if request.call.one("archived") == "true":
        return Answer(200, {"results": []})
    return Answer(200, {"results": [one.as_json() for one in definitions]})


def get_property(request: Request) -> Answer:
    name = request.named["name"]
    definition = request.world.definitions[request.kind].get(name)
    if definition is None:
        raise not_found(f"Property {name} does not exist on {request.kind}", "OBJECT_NOT_FOUND")
    return Answer(200, definition.as_json())


def create_property(request: Request) -> Answer:
    definition = _defined(request.kind, request.call.json())
    _put(request, definition)
    return Answer(201, definition.as_json())


def create_properties(request: Request) -> Answer:
    """Create many; those that exist or are wrong are reported in a 207, the others are made."""
    results, errors = [], []
    for one in request.call.json().get("inputs") or []:
        try:
            definition = _defined(request.kind, one)
            _put(request, definition)
            results.append(definition.as_json())
        except Refusal as refused:
            body = refused.answer.body
            errors.append(body | {"context": {"name": [str(one.get("name"))]}})
    return batch_answer(request.world, results, errors, status=201)


def change_property(request: Request) -> Answer:
    """Change a custom definition; `options` replaces the whole list, leaving it out keeps it."""
    kind, name = request.kind, request.named["name"]
    current = request.world.definitions[kind].get(name)
    if current is None:
        raise not_found(f"Property {name} does not exist on {kind}", "OBJECT_NOT_FOUND")
    merged = current.as_json() | request.call.json() | {"name": name, "type": current.type}
    request.world.definitions[kind][name] = _defined(kind, merged)
    return Answer(200, request.world.definitions[kind][name].as_json())


def list_groups(request: Request) -> Answer:
    names = dict.fromkeys(one.group for one in request.world.definitions[request.kind].values())
    groups = [{"name": name, "label": name, "displayOrder": -1, "archived": False} for name in names]
    made = [group for group in request.world.groups.get(request.kind, {}).values() if group["name"] not in names]
    return Answer(200, {"results": [*groups, *made]})


def create_group(request: Request) -> Answer:
    body = request.call.json()
    name = body.get("name")
    made = request.world.groups.setdefault(request.kind, {})
    if not name or not body.get("label"):
        raise invalid("name and label are required")
    if name in made:
        raise refusal(409, f"A property group named {name} exists already", "OBJECT_ALREADY_EXISTS")
    made[name] = {"name": name, "label": body["label"], "displayOrder": -1, "archived": False}
    return Answer(201, made[name])


def list_pipelines(request: Request) -> Answer:
    pipelines = request.world.pipelines if kind_named(request.named["kind"]) == "deals" else []
    return Answer(200, {"results": [one.as_json(order) for order, one in enumerate(pipelines)]})


def list_owners(request: Request) -> Answer:
    """Owners a page at a time; archived ones only when asked for."""
    call = request.call
    archived, email = call.one("archived") == "true", call.one("email")
    fitting = [one for one in request.world.owners if one.archived == archived and email in (None, one.email)]
    start, limit = int(call.one("after") or 0), call.number("limit", 100, MOST_OWNERS)
    after = str(start + limit) if start + limit < len(fitting) else None
    return page_answer([one.as_json() for one in fitting[start : start + limit]], after)


def get_owner(request: Request) -> Answer:
    for one in request.world.owners:
        if one.id == request.named["id"] and one.archived == (request.call.one("archived") == "true"):
            return Answer(200, one.as_json())
    raise not_found()


def details(request: Request) -> Answer:
    account = request.world.account
    now = datetime.fromtimestamp(request.world.clock.now() / 1000, ZoneInfo(account.time_zone))
    ahead = now.strftime("%z")
    body = {
        "portalId": account.portal_id,
        "accountType": account.account_type,
        "timeZone": account.time_zone,
        "companyCurrency": account.currency,
        "additionalCurrencies": [],
        "utcOffset": f"{ahead[:3]}:{ahead[3:]}",
        "uiDomain": "app.hubspot.example",
        "dataHostingLocation": "eu1",
    }
    return Answer(200, body)


def daily_usage(request: Request) -> Answer:
    usage = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": request.world.switches.daily,
        "currentUsage": request.limits.used_today,
        "resetsAt": iso(request.limits.resets_at()),
        "collectedAt": iso(request.world.clock.now()),
        "fetchStatus": "SUCCESS",
    }
    return Answer(200, {"results": [usage]})


def _put(request: Request, definition: Definition) -> None:
    known = request.world.definitions[request.kind]
    if definition.name in known:
        message = f"A property named '{definition.name}' already exists."
        sub_category = "Properties.PROPERTY_WITH_NAME_EXISTS"
        raise refusal(409, message, "OBJECT_ALREADY_EXISTS", sub_category=sub_category)
    known[definition.name] = definition


def _defined(kind: str, body: Mapping[str, Any]) -> Definition:
    """A definition from JSON; Refusal 400 for missing parts and pairs that do not fit."""
    missing = [name for name in ("name", "label", "type", "fieldType", "groupName") if not body.get(name)]
    if missing:
        raise invalid(f"Some required fields were not set: {missing}")
    if body["fieldType"] not in FIELD_TYPES.get(body["type"], ()):
        raise invalid(f"type {body['type']} of {kind} does not go with fieldType {body['fieldType']}")
    options = body.get("options") or []
    if body["type"] == "enumeration" and not options:
        raise invalid(f"{body['name']}: an enumeration needs options")
    return Definition(
        body["name"],
        body["type"],
        body["fieldType"],
        label=body["label"],
        group=body["groupName"],
        options=tuple(_option(one) for one in sorted(options, key=lambda one: one.get("displayOrder", -1))),
        description=body.get("description") or "",
        stock=False,
    )


def _option(body: Mapping[str, Any]) -> Option:
    if not body.get("label") or "value" not in body:
        raise invalid("an option needs label and value")
    return Option(str(body["value"]), body["label"], bool(body.get("hidden")))


_SEE, _CHANGE = schema_scopes("read"), schema_scopes("write")
_DEALS = opened_by("crm.objects.deals.read", "crm.schemas.deals.read")
_OWNERS = opened_by("crm.objects.owners.read")
_OPEN = opened_by()

ROUTES = (
    Route("GET", "properties", ("{kind}",), list_properties, "properties", _SEE),
    Route("POST", "properties", ("{kind}",), create_property, "create_property", _CHANGE),
    Route("GET", "properties", ("{kind}", "groups"), list_groups, "properties", _SEE),
    Route("POST", "properties", ("{kind}", "groups"), create_group, "create_property", _CHANGE),
    Route("POST", "properties", ("{kind}", "batch", "create"), create_properties, "create_property", _CHANGE),
    Route("GET", "properties", ("{kind}", "{name}"), get_property, "properties", _SEE),
    Route("PATCH", "properties", ("{kind}", "{name}"), change_property, "create_property", _CHANGE),
    Route("GET", "pipelines", ("{kind}",), list_pipelines, "pipelines", _DEALS),
    Route("GET", "owners", (), list_owners, "owners", _OWNERS),
    Route("GET", "owners", ("{id}",), get_owner, "owners", _OWNERS),
    Route("GET", "account-info", ("details",), details, "account", _OPEN),
    Route("GET", "account-info", ("api-usage", "daily", "private-apps"), daily_usage, "account", _OPEN),
)
