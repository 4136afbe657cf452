"""
What the account looks like, and the properties of ours that it is still missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from connector.crm import DealStage, Description, Owner, PropertyDefinition
from connector.crm.hubspot.api import Api, Call, listed, page_after, type_of
from connector.crm.hubspot.names import scope_of
from connector.crm.hubspot.records import ident, instant
from connector.crm.hubspot.verdict import Refused
from connector.errors import Denied, NotFound

A = TypeVar("A")

#: What stands for the account's id when the token may not ask for it.
UNKNOWN_ACCOUNT = "unknown"

#: Our type -> HubSpot's type and field type.
_FIELD_TYPES: Mapping[str, tuple[str, str]] = {
    "string": ("string", "text"),
    "number": ("number", "number"),
    "bool": ("bool", "booleancheckbox"),
    "date": ("date", "date"),
    "datetime": ("datetime", "date"),
    "enumeration": ("enumeration", "select"),
}


def describe(api: Api, kinds: Sequence[str]) -> Description:
    """Account, properties, pipelines, owners; what a token may not see of the account itself stays open."""
    account = _optional(api, "account")
    api.allowance.meet(ident(account.get("portalId")) or "", str(account.get("timeZone") or ""))
    limit, used = _usage(api)
    doors = _Doors()
    return Description(
        account=ident(account.get("portalId")) or UNKNOWN_ACCOUNT,
        zone=str(account.get("timeZone") or "UTC"),
        properties={kind: doors.through(kind, partial(_properties, api, kind), {}) for kind in kinds},
        deal_stages=doors.through("deal stages", lambda: tuple(_deal_stages(api)), ()) if "deal" in kinds else (),
        owners=doors.through("owners", lambda: tuple(_owners(api)), ()),
        daily_limit=limit,
        daily_used=used,
        contact_page=_contact_page(account),
        shut=doors.shut,
        day=api.allowance.name_of_day,
    )


class _Doors:
    """Tries every door, so that all missing scopes are told at once and not one a round."""

    def __init__(self) -> None:
        self.shut: dict[str, str] = {}

    def through(self, what: str, ask: Callable[[], A], otherwise: A) -> A:
        """What is behind a door; nothing where this account has no such room."""
        try:
            return ask()
        except NotFound:
            return otherwise
        except Denied as error:
            if error.code != "scope":
                raise
            self.shut[what] = str(error)
            return otherwise


def count(api: Api, kind: str, property: str | None, value: str | None) -> int | None:
    """How many records there are, or have this value (None or "": have none): the total of a search for one."""
    filters = [] if property is None else [{"filters": [_has(property, value)]}]
    body = {"filterGroups": filters, "properties": ["hs_object_id"], "limit": 1}
    try:
        total = api.ask(Call("search", "search", params=type_of(kind), body=body)).get("total")
    except (Refused, NotFound):
        return None  # not every property can be searched by
    return total if isinstance(total, int) else None


def oldest(api: Api, kind: str) -> datetime | None:
    """The creation date of the first record, by a search that sorts by it."""
    created = "hs_createdate" if kind in ("call", "email", "meeting", "task") else "createdate"
    sorts = [{"propertyName": created, "direction": "ASCENDING"}]
    body = {"filterGroups": [], "sorts": sorts, "properties": [created], "limit": 1}
    try:
        answer = api.ask(Call("search", "search", params=type_of(kind), body=body))
    except (Refused, NotFound):
        return None
    return next((instant(entry.get("createdAt")) for entry in listed(answer)), None)


def _has(property: str, value: str | None) -> dict[str, str]:
    if value:
        return {"propertyName": property, "operator": "EQ", "value": value}
    return {"propertyName": property, "operator": "NOT_HAS_PROPERTY"}


def create_property(
    api: Api, kind: str, definition: PropertyDefinition, group: str, *, known_groups: set[tuple[str, str]]
) -> None:
    """Create it in the group, and the group if need be; existing ones stay as they are. `known_groups`, kind and name,
    are not asked for again, and grow."""
    if (kind, group) not in known_groups:
        _ensure_group(api, kind, group)
        known_groups.add((kind, group))
    type_, field_type = _FIELD_TYPES[definition.type]
    body: dict[str, Any] = {
        "name": definition.name,
        "label": definition.label or definition.name,
        "type": type_,
        "fieldType": field_type,
        "groupName": group,
        "description": definition.description,
    }
    if options := _options(definition):
        body["options"] = options
    _create(api, "properties", kind, body)


def add_options(api: Api, kind: str, name: str, options: Mapping[str, str]) -> None:
    """A changed list replaces the whole list, so it is sent whole: what is there, then what is new."""
    where = {**type_of(kind), "name": name}
    there = listed(api.ask(Call("property", "setup", "GET", params=where)), "options")
    known = {str(option.get("value")) for option in there}
    new = [
        {"value": value, "label": label or value, "displayOrder": len(there) + place, "hidden": False}
        for place, (value, label) in enumerate(options.items())
        if value not in known
    ]
    if new:
        api.ask(Call("property", "setup", "PATCH", params=where, body={"options": [*there, *new]}))


# -- the account -----------------------------------------------------------------------------------------


def _optional(api: Api, what: str) -> dict[str, Any]:
    """Account information, empty where this token may not ask for it (not documented for service keys) or nobody is
    there to answer."""
    try:
        return api.ask(Call(what, "describe", "GET"))
    except (NotFound, Refused):
        return {}
    except Denied as error:
        if error.code != "scope":
            raise
        return {}


def _usage(api: Api) -> tuple[int | None, int | None]:
    """The day's quota and what is used of it: from its own endpoint, else from the headers seen so far."""
    for entry in listed(_optional(api, "usage")):
        limit, used = entry.get("usageLimit"), entry.get("currentUsage")
        if isinstance(limit, int) and isinstance(used, int):
            if api.allowance.day.day.limit is None:  # an OAuth app's answers say nothing of the day
                api.allowance.day.learn(limit, max(0, limit - used))
            return limit, used
    limit, left = api.allowance.day.day.limit, api.allowance.day.day.remaining
    return limit, limit - left if limit is not None and left is not None else None


def _contact_page(account: Mapping[str, Any]) -> str:
    """Where people open a contact; an account that does not say where it lives gets no links."""
    portal, domain = ident(account.get("portalId")), account.get("uiDomain")
    return f"https://{domain}/contacts/{portal}/record/0-1/{{id}}" if portal and domain else ""


# -- properties ------------------------------------------------------------------------------------------


def _properties(api: Api, kind: str) -> dict[str, PropertyDefinition]:
    try:
        answer = api.ask(Call("properties", "describe", "GET", params=type_of(kind), query=(("archived", "false"),)))
    except Denied as error:
        raise _naming_scope(error, kind) from None
    found = (_definition(entry) for entry in listed(answer) if entry.get("archived") is not True)
    return {definition.name: definition for definition in found if definition}


def _naming_scope(error: Denied, kind: str) -> Denied:
    """HubSpot names the missing scope as a rule; where it does not, the kind does."""
    if "crm." in str(error) or error.code != "scope":
        return error
    return Denied(f"{error} The scope for {kind} is {scope_of(kind)}.", code=error.code)


def _definition(entry: Mapping[str, Any]) -> PropertyDefinition | None:
    name = entry.get("name")
    if not isinstance(name, str):
        return None
    metadata = entry.get("modificationMetadata")
    read_only = isinstance(metadata, dict) and metadata.get("readOnlyValue") is True
    options = sorted(listed(entry, "options"), key=lambda option: _order(option.get("displayOrder")))
    return PropertyDefinition(
        name,
        str(entry.get("type") or "string"),
        str(entry.get("label") or ""),
        {str(option["value"]): str(option.get("label") or "") for option in options if "value" in option},
        read_only=read_only or entry.get("calculated") is True,
        calculated=entry.get("calculated") is True,
        description=str(entry.get("description") or ""),
    )


def _order(value: object) -> int:
    return value if isinstance(value, int) else 0


def _options(definition: PropertyDefinition) -> list[dict[str, Any]]:
    options = {"true": "Yes", "false": "No"} if definition.type == "bool" else definition.options
    return [
        {"value": value, "label": label or value, "displayOrder": place, "hidden": False}
        for place, (value, label) in enumerate(options.items())
    ]


def _ensure_group(api: Api, kind: str, group: str) -> None:
    try:
        groups = listed(api.ask(Call("groups", "setup", "GET", params=type_of(kind))))
    except NotFound:
        groups = []
    if all(entry.get("name") != group for entry in groups):
        label = group.replace("_", " ").capitalize()
        _create(api, "groups", kind, {"name": group, "label": label, "displayOrder": -1})


def _create(api: Api, what: str, kind: str, body: Mapping[str, Any]) -> None:
    """Create something whose name makes it unique: there already is as good as created, so twice is as once."""
    try:
        api.ask(Call(what, "setup", params=type_of(kind), body=dict(body)))
    except Refused as error:
        if error.status != 409 and "EXISTS" not in error.theirs.upper():
            raise
    except Denied as error:
        raise Denied(f"{error} Setting up needs crm.schemas.{type_of(kind)['type']}.write.", code=error.code) from None


# -- pipelines and owners --------------------------------------------------------------------------------


def _deal_stages(api: Api) -> Iterator[DealStage]:
    for pipeline in listed(api.ask(Call("pipelines", "describe", "GET", params=type_of("deal")))):
        pipeline_id = ident(pipeline.get("id"))
        if pipeline_id is None or pipeline.get("archived") is True:
            continue
        for stage in listed(pipeline, "stages"):
            stage_id = ident(stage.get("id"))
            if stage_id is not None and stage.get("archived") is not True:
                yield DealStage(pipeline_id, stage_id, str(stage.get("label") or ""), _state(stage.get("metadata")))


def _state(metadata: object) -> str:
    """Open, won or lost by the probability; `isClosed` is not documented and only refines it where present.

    Labels and ids say nothing: accounts rename them at will.
    """
    told = metadata if isinstance(metadata, dict) else {}
    try:
        probability = float(told.get("probability", 0.5))
    except (TypeError, ValueError):
        probability = 0.5
    closed = str(told.get("isClosed", "")).lower()
    if closed == "false" or (not closed and 0.0 < probability < 1.0):
        return "open"
    return "won" if probability >= 1.0 else "lost"


def _owners(api: Api) -> Iterator[Owner]:
    """Everybody records can belong to, those who left last: an id that is active once counts as active."""
    seen: set[str] = set()
    for archived in ("false", "true"):
        after: str | None = None
        while True:
            query = [("limit", "100"), ("archived", archived)] + ([("after", after)] if after else [])
            answer = api.ask(Call("owners", "describe", "GET", query=tuple(query)))
            for owner in (_owner(entry, archived == "false") for entry in listed(answer)):
                if owner and owner.id not in seen:
                    seen.add(owner.id)
                    yield owner
            after = page_after(answer, after, "the list of owners")
            if after is None:
                break


def _owner(entry: Mapping[str, Any], active: bool) -> Owner | None:
    id_ = ident(entry.get("id"))
    if id_ is None:
        return None
    name = " ".join(str(part) for part in (entry.get("firstName"), entry.get("lastName")) if part)
    user = ident(entry.get("userId")) or ident(entry.get("userIdIncludingInactive"))
    teams = tuple(word for team in listed(entry, "teams") for key in ("name", "id") if (word := ident(team.get(key))))
    return Owner(id_, str(entry.get("email") or ""), active and entry.get("archived") is not True, name, user, teams)
