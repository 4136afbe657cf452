"""The transition log as the reports read it: every move of everybody, in the order in which it was confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from connector.ledger.database import Database, instant, stamp, unpack
from connector.ledger.tables import people, transitions
from connector.model import ALWAYS


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
        return self.cause in ("person", "crm")


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
        """Where every track stands now."""
        query = sa.select(people.c.id, people.c.tracks).where(people.c.connection == self._me).order_by(people.c.id)
        for id, tracks in self._db.rows(query):
            for track in unpack(tracks) or ():
                until = track.get("wait_until")
                yield Standing(
                    id,
                    track["lead_type"],
                    track.get("stage"),
                    track.get("cause") == "adopted",
                    datetime.fromisoformat(until) if until else None,
                )

    def first_tracks(self) -> dict[str, Standing]:
        """Where everybody stands on their first track: the lead type that everybody has."""
        found: dict[str, Standing] = {}
        for one in self.standings():
            found.setdefault(one.person_id, one)
        return found
