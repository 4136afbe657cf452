"""
One record and the writes it has seen.

A record is what it was born with and the writes that came after: the present value, the property's history and
what a lagging search index still believes are three readings of one log. Generated records are born from the seed,
so only their log takes memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from connector.sandbox.clock import iso


@dataclass(frozen=True, slots=True)
class Source:
    """Who wrote, in HubSpot's words for property history ("INTEGRATION" with the app's id)."""

    type: str
    id: str | None = None
    user_id: int | None = None


#: What records carry that were there before anybody looked.
IMPORTED = Source("IMPORT", "sandbox")


def person(user_id: int) -> Source:
    """Somebody who edits in HubSpot's own pages."""
    return Source("CRM_UI", f"userId:{user_id}", user_id)


def app(app_id: str) -> Source:
    """A token of ours or of another integration."""
    return Source("INTEGRATION", app_id)


class Written(NamedTuple):
    """One write: only the properties that it changed; none where it merely moved the modified date."""

    at: int
    source: Source
    changes: Mapping[str, str]


class Version(NamedTuple):
    """One entry of a property's history."""

    value: str
    at: int
    source: Source

    def as_json(self) -> dict[str, Any]:
        return {
            "value": self.value,
            "timestamp": iso(self.at),
            "sourceType": self.source.type,
            "sourceId": self.source.id,
            "sourceLabel": None,
            "updatedByUserId": self.source.user_id,
        }


class Row:
    """One record. `base` is None where the population can tell it again from `number`."""

    __slots__ = (
        "archived_at", "base", "born_modified_at", "created_at", "id", "log", "merged", "merges", "number", "source",
    )  # fmt: skip

    def __init__(
        self,
        id: str,
        created_at: int,
        modified_at: int,
        *,
        base: Mapping[str, str] | None = None,
        number: int = -1,
        source: Source = IMPORTED,
    ) -> None:
        self.id = id
        self.created_at = created_at
        self.born_modified_at = modified_at
        self.base = base
        self.number = number
        self.source = source
        self.log: tuple[Written, ...] = ()
        self.merged: tuple[str, ...] = ()  # every id that this one stands for, chains included
        self.merges: tuple[tuple[str, int], ...] = ()  # the merges into this one alone, with their instants
        self.archived_at: int | None = None

    def modified_at(self, until: int | None = None) -> int:
        """When it last changed, as far as known at `until`."""
        for written in reversed(self.log):
            if until is None or written.at <= until:
                return written.at
        return self.born_modified_at

    def values(self, born: dict[str, str], until: int | None = None) -> dict[str, str]:
        """What it was born with and what was written to it since, or until an instant; `born` is filled."""
        for written in self.log:
            if until is None or written.at <= until:
                born.update(written.changes)
        return born

    def wrote(self, written: Written) -> None:
        """Add a write to the log; a tuple because most records see one write or two."""
        self.log = (*self.log, written)


#: Up to when a reader sees a row: what a lagging index has taken in; None means everything.
Until = Callable[[Row], int | None]
