"""
One meaning for three styles of path: `/crm/v3/objects/...`, `/crm/objects/2026-03/...`, and v4 for associations.

A path becomes an area ("objects", "properties", "lists" ...) and the parts after it. What the sandbox does not
understand is no path at all, and answers 404 as HubSpot does.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

DATED = ("2026-03", "2026-09")
AREAS = ("objects", "associations", "properties", "pipelines", "owners", "lists")


class Path(NamedTuple):
    """Where a call goes, whatever style it was written in."""

    area: str
    parts: tuple[str, ...]
    version: str = ""


def understood(path: str) -> Path | None:
    """The meaning of a request path, None when it has none."""
    first, *rest = [unquote(part) for part in path.strip("/").split("/")]
    if first == "crm" and len(rest) >= 2:
        return _crm(rest[0], rest[1], tuple(rest[2:]))
    if first == "account-info" and len(rest) >= 2 and rest[0] in ("v3", *DATED):
        return Path("account-info", tuple(rest[1:]), rest[0])
    if first == "form-integrations" and rest[:1] == ["v1"]:
        return Path("forms", tuple(rest[1:]))
    if first == "automation" and rest[:1] == ["v4"]:
        return Path("automation", tuple(rest[1:]))
    if first == "oauth" and len(rest) >= 2 and rest[0] in ("v1", "v3", *DATED):
        return Path("oauth", tuple(rest[1:]), rest[0])
    return None


def _crm(first: str, second: str, parts: tuple[str, ...]) -> Path | None:
    if first in AREAS and second in DATED:
        return Path(first, parts, second)
    about_links = second == "associations" or "associations" in parts
    if second in AREAS and first == ("v4" if about_links else "v3"):
        return Path(second, parts, first)
    return None
