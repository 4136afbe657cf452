"""The transition log as the reports read it: every move of everybody, in the order in which it was confirmed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.ledger.database import Database, instant, stamp, unpack
from connector.ledger.tables import people, transitions
from connector.model import ALWAYS

_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Moved:
    """One move of one track's stage. `at` is when the connector made it or took it over: the stage time."""

    person_id: str
    track_id: str
    at: datetime
    before: str | None
    after: str | None
    cause: str
    passed_through: tuple[str, ...]
    fingerprint: str
    lead_type: str | None
    source: str | None

    @property
    def by_hand(self) -> bool:
        """Whether a person or the CRM moved them, and no rule or deal of the agreement."""
        return self.cause in ("person", "import", "crm")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one track stands, as far as the connector confirmed it."""

    person_id: str
    lead_type: str
    stage: str | None
    adopted: bool  # nothing has moved it since it was taken as given
    wait_until: datetime | None = None  # sales sent them away until then


class History:
    """The moves of one connection."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection

    def stage_moves(self, until: datetime | None = None) -> list[Moved]:
        """Every move of a stage, oldest first; with `until`, those before it."""
        query = sa.select(transitions).where(transitions.c.connection == self._me, transitions.c.what == "stage")
        if until is not None:
            query = query.where(transitions.c.at < stamp(until))
        return [
            Moved(
                row.person_id,
                row.track_id,
                instant(row.at) or ALWAYS,
                row.before,
                row.after,
                row.cause or "",
                tuple(unpack(row.passed_through) or ()),
                row.fingerprint or "",
                row.lead_type,
                row.source,
            )
            for row in self._db.rows(query.order_by(transitions.c.number))
        ]

    def standings(self) -> Iterator[Standing]:
        """Where every track stands now, some thousand people at a time."""
        after = ""
        while True:
            query = sa.select(people.c.id, people.c.tracks).where(people.c.connection == self._me, people.c.id > after)
            rows = self._db.rows(query.order_by(people.c.id).limit(_CHUNK))
            if not rows:
                return
            after = rows[-1][0]
            for id, tracks in rows:
                yield from (standing(id, track) for track in unpack(tracks) or ())


def standing(id: str, track: Mapping[str, Any]) -> Standing:
    """Where a track stands, as it is remembered."""
    until = track.get("wait_until")
    return Standing(
        id,
        track["lead_type"],
        track.get("stage"),
        track.get("cause") == "adopted",
        datetime.fromisoformat(until) if until else None,
    )
