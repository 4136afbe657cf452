"""
What was undone: the values that a revert put back, and what the agreement would write in their place again.

A row stands for as long as nothing new is known of the person and the agreement is the one in force when it was
undone; the loop then decides anew, with the facts that the undone decision had used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.ledger.database import Database, among, instant, pack, stamp, unpack
from connector.ledger.tables import undone
from connector.model import ALWAYS


@dataclass(frozen=True, slots=True)
class Undone:
    """One person's part of a run that was undone.

    `values` are property -> (what stands there again, what the run had written); `tracks` are those of before the run,
    None where it moved nobody.
    """

    person_id: str
    run: int
    by: int
    at: datetime
    fingerprint: str
    values: Mapping[str, tuple[str, str]]
    tracks: tuple[Mapping[str, Any], ...] | None = None


class UndoneParts:
    """What was undone in one connection."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection

    def note(self, found: Sequence[Undone]) -> None:
        """Keep these; of somebody of whom more was undone before, all of it is left alone."""
        known = self.of([one.person_id for one in found])
        self._db.upsert(undone, [self._row(_joined(known.get(one.person_id), one)) for one in found])

    def _row(self, one: Undone) -> dict[str, Any]:
        values = {name: list(pair) for name, pair in one.values.items()}
        return {
            "connection": self._me,
            "person_id": one.person_id,
            "run": one.run,
            "by": one.by,
            "at": stamp(one.at),
            "fingerprint": one.fingerprint,
            "body": pack({"values": values, "tracks": None if one.tracks is None else list(one.tracks)}),
        }

    def of(self, ids: Sequence[str]) -> dict[str, Undone]:
        """What was undone of these people."""
        query = sa.select(undone).where(undone.c.connection == self._me, among(undone.c.person_id))
        return {row.person_id: _undone(row) for row in self._db.rows_of(query, ids)}

    def drop(self, ids: Sequence[str]) -> None:
        """Of these people it is over."""
        self._db.execute_of(sa.delete(undone).where(undone.c.connection == self._me, among(undone.c.person_id)), ids)


def _joined(before: Undone | None, now: Undone) -> Undone:
    if before is None:
        return now
    return Undone(
        now.person_id,
        now.run,
        now.by,
        now.at,
        now.fingerprint,
        {**before.values, **now.values},
        before.tracks if now.tracks is None else now.tracks,
    )


def _undone(row: Any) -> Undone:
    body = unpack(row.body)
    tracks = body["tracks"]
    return Undone(
        row.person_id,
        row.run,
        row.by,
        instant(row.at) or ALWAYS,
        row.fingerprint,
        {name: (restored, ours) for name, (restored, ours) in body["values"].items()},
        None if tracks is None else tuple(tracks),
    )
