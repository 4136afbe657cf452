"""
Who changed a property: HubSpot's history entries, newest first, with their many sources sorted into few.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.crm import PropertyVersion
from connector.crm.hubspot.api import Api, Call, in_parts, listed, shrinking, type_of
from connector.crm.hubspot.records import ident, instant

Versions = Mapping[str, tuple[PropertyVersion, ...]]

#: Who stands behind a change -> HubSpot's source types. System sources are HubSpot itself, "crm"; what stands nowhere
#: here is "other": no person, and not us.
_SOURCES: Mapping[str, tuple[str, ...]] = {
    "person": (
        *("CRM_UI", "CRM_UI_BULK_ACTION", "CONTACTS_WEB", "MOBILE_IOS", "MOBILE_ANDROID"),
        *("SALES", "EXTENSION", "SIDEKICK", "WORK_UI", "PROPERTY_RESTORE"),
    ),
    "import": ("IMPORT", "MIGRATION", "BATCH_UPDATE"),
    "integration": (
        *("INTEGRATION", "API", "INTEGRATIONS_PLATFORM", "INTEGRATIONS_SYNC"),
        *("SALESFORCE", "PORTAL_OBJECT_SYNC"),
    ),
    "automation": (
        *("AUTOMATION_PLATFORM", "WORKFLOWS", "AUTOMATION_JOURNEY", "PRIMARY_AUTOMATION", "SEQUENCES", "BOT"),
        *("PROSPECTING_AGENT", "CUSTOMER_AGENT", "BREEZE_AGENT"),
    ),
    "crm": (
        *("CALCULATED", "ANALYTICS", "DEALS", "COMPANIES", "FORM", "EMAIL", "MEETINGS", "ENGAGEMENTS"),
        *("DATA_ENRICHMENT", "COMPANY_INSIGHTS", "PROPERTY_DEFAULT_VALUE", "MERGE_CONTACTS", "MERGE_OBJECTS"),
        *("INTERNAL_PROCESSING", "RECYCLING_BIN"),
    ),
}
_BY = {source: by for by, sources in _SOURCES.items() for source in sources}

_WORKFLOW = re.compile(r"(?:workflow|flow)Id:(\d+)")
_PLAIN = re.compile(r"[\w.-]{1,64}")

#: Whose names are none of a person.
_MACHINES = ("automation", "integration", "import", "other")


def history(api: Api, kind: str, ids: Sequence[str], properties: Sequence[str]) -> Mapping[str, Versions]:
    """Every kept version of these properties; records that are gone are missing."""
    parts = in_parts(list(dict.fromkeys(ids)), lambda: api.sizes["history"])
    answers = api.each(lambda part: _ask(api, kind, part, properties), parts)
    entries = (entry for several in answers for answer in several for entry in listed(answer))
    return {id_: _versions(entry, properties) for entry in entries if (id_ := ident(entry.get("id")))}


def _ask(api: Api, kind: str, part: Sequence[str], properties: Sequence[str]) -> list[dict[str, Any]]:
    def ask(ids: Sequence[str]) -> dict[str, Any]:
        body = {
            "properties": [],
            "propertiesWithHistory": list(properties),
            "inputs": [{"id": id_} for id_ in ids],
        }
        query = (("archived", "false"),)
        return api.ask(Call("batch_read", "history", params=type_of(kind), query=query, body=body, lists=True))

    return shrinking(api, "history", part, ask)


def _versions(entry: Mapping[str, Any], properties: Sequence[str]) -> Versions:
    kept = entry.get("propertiesWithHistory")
    history_of = kept if isinstance(kept, dict) else {}
    return {
        name: tuple(sorted(_parsed(listed(history_of, name)), key=lambda version: version.at, reverse=True))
        for name in properties
    }


def _parsed(entries: Sequence[Mapping[str, Any]]) -> Iterator[PropertyVersion]:
    for entry in entries:
        at = instant(entry.get("timestamp"))
        if at is None:
            continue
        value, kind = entry.get("value"), str(entry.get("sourceType") or "")
        by = _BY.get(kind, "other") if kind else "unknown"
        source = " ".join(word for word in (kind, _source_id(entry, by)) if word)
        label = entry.get("sourceLabel") if by in _MACHINES else None
        yield PropertyVersion(None if value is None else str(value), at, by, source, str(label or ""))


def _source_id(entry: Mapping[str, Any], by: str) -> str | None:
    """Who it was among its kind. Of a machine only what stays the same from one record to the next: an automation may
    name the enrolment instead, of which each person has one of their own."""
    id_ = ident(entry.get("sourceId"))
    if id_ is None or by not in _MACHINES:
        return None if id_ is None else id_.removeprefix("userId:")
    named = _WORKFLOW.search(id_)
    return named[1] if named else id_ if _PLAIN.fullmatch(id_) else None
