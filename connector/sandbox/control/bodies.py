"""Reading what a control call was given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connector.sandbox.curtain import Body
from connector.sandbox.schema import KIND_OF, KINDS

__all__ = ["Body", "instant", "kind_of", "record_of", "texts"]


def kind_of(name: str) -> str:
    """The object of this name; ValueError when there is none."""
    if name not in KIND_OF:
        raise ValueError(f"unknown kind {name!r}; there are {', '.join(KINDS)}")
    return KIND_OF[name]


def record_of(body: Body) -> tuple[str, str]:
    """The record that a body names."""
    return kind_of(body["kind"]), str(body["id"])


def texts(properties: Mapping[str, Any]) -> dict[str, str]:
    """Properties as HubSpot keeps them: texts, blanks for what is cleared."""
    return {name: "" if value is None else str(value) for name, value in properties.items()}


def instant(text: str) -> datetime:
    """An ISO instant; UTC unless it says otherwise."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
