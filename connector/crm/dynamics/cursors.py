"""
Where reading stands: the cursor of `changes` and the mark of a scan, each table by itself, as texts that are stored.

A table whose changes are tracked goes on from the link that its last answer gave, any other from a time of change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from connector.crm.dynamics.values import instant


@dataclass(frozen=True, slots=True)
class Place:
    """How far the changes of one table were read: the link to those that follow, or since when they are to be read.
    `until`: everything before is known; None where nobody said. `lacking`: columns that were asked for and that the
    table did not have, so that the link knows nothing of them."""

    link: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    lacking: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        told = {"link": self.link, "since": _iso(self.since), "until": _iso(self.until), "lacking": self.lacking}
        return {name: value for name, value in told.items() if value}

    @classmethod
    def of(cls, stored: object) -> Place | None:
        """What `to_json` wrote; None for anything else."""
        if not isinstance(stored, dict):
            return None
        link, since, until = stored.get("link"), instant(stored.get("since")), instant(stored.get("until"))
        lacking = stored.get("lacking")
        if isinstance(link, str) and link:
            return cls(link, None, until, tuple(map(str, lacking)) if isinstance(lacking, list) else ())
        return cls(None, since, until) if since is not None else None


#: Table -> how far its changes were read.
Places = Mapping[str, Place]


def written(places: Places) -> str:
    """A cursor of `changes`."""
    return orjson.dumps({name: place.to_json() for name, place in places.items()}).decode()


def until(places: Places) -> datetime | None:
    """The instant before which the changes of all tables are known; None where nobody said of one of them."""
    known = [place.until for place in places.values()]
    return min((one for one in known if one is not None), default=None) if None not in known else None


def read(cursor: str) -> dict[str, Place] | None:
    """What `written` wrote; None for anything else."""
    stored = _table(cursor)
    if stored is None:
        return None
    places = {name: Place.of(one) for name, one in stored.items()}
    whole = {name: place for name, place in places.items() if place is not None}
    return whole if len(whole) == len(places) else None


@dataclass(slots=True)
class Stretch:
    """How far the scan of one table is: the link to its next page (None: its first), how many rows it has met, whether
    it is through or in its second pass, and the place of its changes that it came to."""

    link: str | None = None
    met: int = 0
    done: bool = False
    second: bool = False
    changes: Place | None = None
    short: int = 0

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        changes = self.changes.to_json() if self.changes else None
        how_far = {"link": self.link, "met": self.met, "done": self.done, "second": self.second}
        return {**how_far, "changes": changes, "short": self.short}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Stretch:
        """What `to_json` wrote."""
        changes = Place.of(stored.get("changes"))
        met, short = (one if isinstance(one := stored.get(name), int) else 0 for name in ("met", "short"))
        done, second = (stored.get(name) is True for name in ("done", "second"))
        return cls(stored.get("link"), met, done, second, changes, short)


@dataclass(slots=True)
class Mark:
    """How far a scan is: each of its tables, the one whose turn it is, and the cursor that held when it began."""

    stretches: dict[str, Stretch] = field(default_factory=dict)
    turn: int = 0
    begun: str | None = None

    def __str__(self) -> str:
        tables = {name: one.to_json() for name, one in self.stretches.items()}
        return orjson.dumps({"tables": tables, "turn": self.turn, "begun": self.begun}).decode()

    @classmethod
    def of(cls, stored: str) -> Mark | None:
        """What `str` made; None for anything else."""
        table = _table(stored)
        tables = table.get("tables") if table else None
        if table is None or not isinstance(tables, dict):
            return None
        stretches = {name: Stretch.of(one) for name, one in tables.items() if isinstance(one, dict)}
        turn, begun = table.get("turn"), table.get("begun")
        return cls(stretches, turn if isinstance(turn, int) else 0, begun if isinstance(begun, str) else None)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _table(text: str) -> dict[str, Any] | None:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
