"""Hand-offs that were only observed: what would have been done, to be set beside what people did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from connector.ledger.database import Database, among, instant, stamp
from connector.ledger.tables import observed
from connector.model import ALWAYS


@dataclass(frozen=True, slots=True)
class Observed:
    """One hand-off that would have been made: whose, when, why, to whom, and by when the first attempt was due."""

    person_id: str
    track_id: str
    cycle: int
    run: int
    at: datetime
    cause: str
    reason: str
    owner_id: str | None
    stage: str | None
    due_at: datetime | None


class Observations:
    """The hand-offs that one connection would have made."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection

    def note(self, found: Sequence[Observed]) -> None:
        """Keep these, each once: the first sight of a hand-off counts."""
        known = self._known([one.person_id for one in found])
        self._db.upsert(
            observed,
            [
                {
                    "connection": self._me,
                    "person_id": one.person_id,
                    "track_id": one.track_id,
                    "cycle": one.cycle,
                    "run": one.run,
                    "at": stamp(one.at),
                    "cause": one.cause,
                    "reason": one.reason,
                    "owner_id": one.owner_id,
                    "stage": one.stage,
                    "due_at": stamp(one.due_at),
                }
                for one in found
                if (one.person_id, one.track_id, one.cycle) not in known
            ],
        )

    def _known(self, ids: Sequence[str]) -> set[tuple[str, str, int]]:
        query = sa.select(observed.c.person_id, observed.c.track_id, observed.c.cycle).where(
            observed.c.connection == self._me, among(observed.c.person_id)
        )
        return {(person, track, int(cycle)) for person, track, cycle in self._db.rows_of(query, ids)}

    def every(self, since: datetime | None = None) -> list[Observed]:
        """All of them, oldest first."""
        query = sa.select(observed).where(observed.c.connection == self._me)
        if since is not None:
            query = query.where(observed.c.at >= stamp(since))
        return [
            Observed(
                row.person_id,
                row.track_id,
                row.cycle,
                row.run,
                instant(row.at) or ALWAYS,
                row.cause,
                row.reason,
                row.owner_id,
                row.stage,
                instant(row.due_at),
            )
            for row in self._db.rows(query.order_by(observed.c.at, observed.c.person_id, observed.c.cycle))
        ]

    def fold(self, survivor: str, losers: Sequence[str]) -> None:
        """A merge: what was observed of those who are gone is the survivor's; the tracks keep their own names."""
        theirs = sa.update(observed).where(observed.c.connection == self._me, among(observed.c.person_id))
        self._db.execute_of(theirs.values(person_id=survivor), losers)
