"""
HubSpot's JSON as our records: parsed once, at the door, leniently in form and strictly in type.

Ids may be numbers or texts, property values usually are texts, times are ISO instants or epoch milliseconds, and
anything can be missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connector.crm.hubspot.names import MERGED_INTO, MERGED_VIDS, OTHER_EMAILS
from connector.model import Record


def record(kind: str, entry: Mapping[str, Any]) -> Record | None:
    """One record; None where there is not even an id."""
    id_ = ident(entry.get("id"))
    if id_ is None:
        return None
    properties = texts(entry.get("properties"))
    return Record(
        kind,
        id_,
        properties,
        created_at=instant(entry.get("createdAt") or properties.get("createdate")),
        changed_at=instant(entry.get("updatedAt")),
        archived=entry.get("archived") is True,
        merged_ids=_merged(properties, id_),
        other_emails=_addresses(properties.get(OTHER_EMAILS)),
    )


def ident(value: object) -> str | None:
    """An id as text."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def texts(properties: object) -> dict[str, str | None]:
    """Property values as HubSpot stores them: text or None."""
    if not isinstance(properties, dict):
        return {}
    return {name: value if value is None or type(value) is str else _text(value) for name, value in properties.items()}


def instant(value: object) -> datetime | None:
    """An aware instant from ISO text or epoch milliseconds; None for anything else."""
    if isinstance(value, str) and not value.lstrip("-").isdigit():
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return None
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    try:
        return datetime.fromtimestamp(int(value) / 1000, UTC)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def millis(at: datetime) -> int:
    """Epoch milliseconds, HubSpot's form for dates in filters."""
    return int(at.timestamp() * 1000)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _addresses(listed: str | None) -> tuple[str, ...]:
    """Further e-mail addresses; their separator is not documented either."""
    return tuple(part for part in re.split(r"[;,\s]+", listed) if "@" in part) if listed else ()


def _merged(properties: Mapping[str, str | None], own: str) -> tuple[str, ...]:
    """Ids merged into this record. The separator is not documented and the second list holds "id:time" pairs."""
    listed = [properties.get(MERGED_INTO), properties.get(MERGED_VIDS)]
    if not any(listed):
        return ()
    parts = [part.partition(":")[0] for text in listed if text for part in re.split(r"[;,\s]+", text)]
    return tuple(dict.fromkeys(part for part in parts if part and part != own))
