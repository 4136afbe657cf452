"""
HubSpot's vocabulary: paths of each API version, object types, association types, scopes, sizes.

Plain tables, so that a change on HubSpot's side is a change here. Source of all of them: HubSpot's developer
documentation of the versions named in `VERSIONS`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

VERSIONS = ("2026-03", "2026-09", "v3")

#: What is asked for -> (dated path, v3-era path). The placeholders are filled and quoted by the transport.
PATHS: Mapping[str, tuple[str, str]] = {
    "objects": ("/crm/objects/{version}/{type}", "/crm/v3/objects/{type}"),
    "batch_read": ("/crm/objects/{version}/{type}/batch/read", "/crm/v3/objects/{type}/batch/read"),
    "batch_update": ("/crm/objects/{version}/{type}/batch/update", "/crm/v3/objects/{type}/batch/update"),
    "search": ("/crm/objects/{version}/{type}/search", "/crm/v3/objects/{type}/search"),
    "links": (
        "/crm/associations/{version}/{type}/{to}/batch/read",
        "/crm/v4/associations/{type}/{to}/batch/read",
    ),
    "properties": ("/crm/properties/{version}/{type}", "/crm/v3/properties/{type}"),
    "property": ("/crm/properties/{version}/{type}/{name}", "/crm/v3/properties/{type}/{name}"),
    "groups": ("/crm/properties/{version}/{type}/groups", "/crm/v3/properties/{type}/groups"),
    "pipelines": ("/crm/pipelines/{version}/{type}", "/crm/v3/pipelines/{type}"),
    "owners": ("/crm/owners/{version}", "/crm/v3/owners"),
    "list_by_name": (
        "/crm/lists/{version}/object-type-id/0-1/name/{name}",
        "/crm/v3/lists/object-type-id/0-1/name/{name}",
    ),
    "members": (
        "/crm/lists/{version}/{list}/memberships/join-order",
        "/crm/v3/lists/{list}/memberships/join-order",
    ),
    "members_by_record": ("/crm/lists/{version}/{list}/memberships", "/crm/v3/lists/{list}/memberships"),
    # Forms have no dated path yet; this one lives outside the versions.
    "submissions": (
        "/form-integrations/v1/submissions/forms/{form}",
        "/form-integrations/v1/submissions/forms/{form}",
    ),
    # Workflows are in beta and live outside the versions, too.
    "workflows": ("/automation/v4/flows", "/automation/v4/flows"),
    "workflow": ("/automation/v4/flows/{flow}", "/automation/v4/flows/{flow}"),
    "oauth": ("/oauth/{version}/token", "/oauth/v3/token"),
    "account": ("/account-info/{version}/details", "/account-info/v3/details"),
    "usage": (
        "/account-info/{version}/api-usage/daily/private-apps",
        "/account-info/v3/api-usage/daily/private-apps",
    ),
}


def path_of(what: str, version: str) -> str:
    """The path template of an endpoint in one API version; `{version}` is already filled in."""
    dated, legacy = PATHS[what]
    return legacy if version == "v3" else dated.replace("{version}", version)


#: Our kinds -> the names HubSpot's paths use.
TYPES: Mapping[str, str] = {
    "contact": "contacts",
    "company": "companies",
    "deal": "deals",
    "call": "calls",
    "email": "emails",
    "meeting": "meetings",
    "task": "tasks",
}

#: Object type ids, as workflows name them -> our kinds.
TYPE_IDS: Mapping[str, str] = {"0-1": "contact", "0-2": "company", "0-3": "deal"}

#: Activities are read and written with the contact scopes.
SCOPED_AS: Mapping[str, str] = {"company": "companies", "deal": "deals"}

#: Records of these kinds can be merged; the survivor lists the losers here.
MERGED_INTO = "hs_merged_object_ids"
#: The older list, which misses chained merges, holds "id:time" pairs. Read where present, never asked for.
MERGED_VIDS = "hs_calculated_merged_vids"
MERGEABLE = ("contact", "company", "deal")

#: A contact's further addresses: forms know people by any of them.
OTHER_EMAILS = "hs_additional_emails"

#: (from, to) -> the association type of the primary partner, which has no label text of its own.
PRIMARY_TYPES: Mapping[tuple[str, str], str] = {
    ("contact", "company"): "1",
    ("company", "contact"): "2",
    ("deal", "company"): "5",
    ("company", "deal"): "6",
}

TASK_TO_CONTACT = 204

#: HubSpot answers more than this per query of the search API with a 400; `after` may not reach it.
SEARCH_CAP = 10_000

#: Characters of properties in an address. Request lines fail with 414 from about 12,000 on, some proxies take 2,000:
#: with path, limit and cursor ours stay below that.
LONGEST_QUERY = 1_800


def modified_property(kind: str) -> str:
    """The property that says when a record last changed: contacts alone have their own name for it."""
    return "lastmodifieddate" if kind == "contact" else "hs_lastmodifieddate"


def scope_of(kind: str, action: str = "read") -> str:
    """The scope that opens a kind, for messages where HubSpot itself names none."""
    return f"crm.objects.{SCOPED_AS.get(kind, 'contacts')}.{action}"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a connection reads: page and batch sizes, threads, and the two trailing times of an incremental read."""

    settle: timedelta = timedelta(seconds=60)
    look_back: timedelta = timedelta(minutes=5)
    page: int = 100
    search_page: int = 200
    batch: int = 100
    history: int = 50
    links: int = 1000
    members: int = 250
    submissions: int = 50
    threads: int = 8


class Sizes:
    """The sizes in use: they start as configured and shrink when HubSpot says that one is too large."""

    def __init__(self, reading: Reading) -> None:
        self._now: dict[str, int] = {
            "page": reading.page,
            "search_page": reading.search_page,
            "batch": reading.batch,
            "write": reading.batch,
            "history": reading.history,
            "links": reading.links,
            "members": reading.members,
            "submissions": reading.submissions,
        }

    def __getitem__(self, name: str) -> int:
        return self._now[name]

    def shrink(self, name: str, used: int, allowed: int | None) -> bool:
        """Take over the limit HubSpot named, or halve; False when there is nothing left to shrink."""
        if used <= 1:
            return False
        smaller = allowed if allowed and allowed < used else used // 2
        self._now[name] = min(self._now[name], max(1, smaller))
        return True


_TOO_MANY = re.compile(
    r"(?=.*\b(inputs?|batch|page size|limit|results per page|number of (ids|records|objects))\b)"
    r"(?=.*\b(max(imum)?|at most|exceed(s|ed)?|too many|too large|no more than|less than|up to|limited"
    r"|(greater|larger|more|higher) than|between)\b)",
    re.IGNORECASE | re.DOTALL,
)

_BETWEEN = re.compile(r"\bbetween\s+\d{1,5}\s+(?:and|to)\s+(\d{1,5})\b", re.IGNORECASE)


def too_many(message: str) -> int | None:
    """None when a 400 is not about sizes; else the limit it names, or 0 where it names none."""
    if not _TOO_MANY.search(message):
        return None
    between = _BETWEEN.search(message)
    if between:
        return int(between[1])
    numbers = [int(number) for number in re.findall(r"(?<![\w.-])\d{1,5}(?![\w.-]*\d)", message)]
    return min((number for number in numbers if number > 0), default=0)
