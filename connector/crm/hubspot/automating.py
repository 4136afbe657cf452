"""
The account's own workflows, as far as they set properties: who would answer our writes, or fight them.

The workflows API is in beta; whatever of it is not as documented is passed over, since this is advice, not ground to
stand on. Source: HubSpot's documentation of the v4 workflows API (list, details, action "set property").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.crm import Automation
from connector.crm.hubspot.api import Api, Call, listed, next_page
from connector.crm.hubspot.names import TYPE_IDS
from connector.crm.hubspot.records import ident
from connector.errors import CrmError, Denied

#: What a token needs in order to see them.
SCOPE = "automation"

#: The action that sets a property of the enrolled record.
SET_PROPERTY = "0-5"


def automations(api: Api, properties: Mapping[str, Sequence[str]]) -> list[Automation]:
    """Workflows that set one of these properties, one entry for each property, those switched off included."""
    try:
        every = list(_flows(api))
    except Denied as error:
        if error.code != "scope":
            raise
        raise Denied(f"the scope {SCOPE} would show them.", code=error.code) from error
    flows = [flow for flow in every if TYPE_IDS.get(str(flow.get("objectTypeId"))) in properties]
    details = api.each(lambda flow: _details(api, str(flow["id"])), [flow for flow in flows if ident(flow.get("id"))])
    return [one for flow in details for one in _settings(flow, properties)]


def _flows(api: Api) -> Iterator[dict[str, Any]]:
    after: str | None = None
    while True:
        query = (("limit", "100"), *((("after", after),) if after else ()))
        answer = api.ask(Call("workflows", "describe", "GET", query=query))
        yield from listed(answer)
        following = next_page(answer)
        if following is None or following == after:
            return
        after = following


def _details(api: Api, id: str) -> dict[str, Any]:
    """One workflow whole; one that cannot be shown is passed over, the others are still worth knowing."""
    try:
        return api.ask(Call("workflow", "describe", "GET", params={"flow": id}))
    except Denied:
        raise
    except CrmError:
        return {}


def _settings(flow: Mapping[str, Any], properties: Mapping[str, Sequence[str]]) -> Iterator[Automation]:
    kind = TYPE_IDS.get(str(flow.get("objectTypeId")), "")
    names = {
        str(action["fields"].get("property_name"))
        for action in listed(flow, "actions")
        if action.get("actionTypeId") == SET_PROPERTY and isinstance(action.get("fields"), dict)
    }
    for name in sorted(names & set(properties.get(kind, ()))):
        said = str(flow.get("name") or "")
        yield Automation(ident(flow.get("id")) or "", said, kind, name, flow.get("isEnabled") is not False)
