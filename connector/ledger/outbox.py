"""
The tasks of hand-offs, sent or about to be.

A row is the outbox of one hand-off: `intended` (not sent for certain), `sending` (may have been sent), `created` (with
the CRM's id).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.ledger.database import Database, among, instant, stamp
from connector.ledger.tables import tasks


@dataclass(frozen=True, slots=True)
class SentTask:
    """One hand-off task in the outbox."""

    marker: str
    person_id: str
    track_id: str
    cycle: int
    rule: str
    run: int
    owner_id: str | None
    state: str
    task_id: str | None
    at: datetime | None


class Outbox:
    """The tasks of one connection."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection

    def known(self, markers: Sequence[str]) -> dict[str, SentTask]:
        """What we know of these hand-off tasks."""
        query = sa.select(tasks).where(tasks.c.connection == self._me, among(tasks.c.marker))
        return {row.marker: _task(row) for row in self._db.rows_of(query, markers)}

    def note(self, noted: Sequence[SentTask]) -> None:
        """Keep the state of hand-off tasks."""
        self._db.upsert(
            tasks,
            [
                {
                    "connection": self._me,
                    "marker": one.marker,
                    "person_id": one.person_id,
                    "track_id": one.track_id,
                    "cycle": one.cycle,
                    "rule": one.rule,
                    "run": one.run,
                    "owner_id": one.owner_id,
                    "state": one.state,
                    "task_id": one.task_id,
                    "at": stamp(one.at),
                }
                for one in noted
            ],
        )

    def since(self, begins: datetime) -> dict[str, int]:
        """Tasks per owner ("" for none) sent since an instant: the task budget's day."""
        query = (
            sa.select(tasks.c.owner_id, sa.func.count())
            .where(tasks.c.connection == self._me, tasks.c.at >= stamp(begins), tasks.c.state != "intended")
            .group_by(tasks.c.owner_id)
        )
        return {owner or "": int(n) for owner, n in self._db.rows(query)}

    def of(self, person_id: str) -> list[SentTask]:
        """The hand-off tasks of one person, oldest first."""
        query = (
            sa.select(tasks).where(tasks.c.connection == self._me, tasks.c.person_id == person_id).order_by(tasks.c.at)
        )
        return [_task(row) for row in self._db.rows(query)]

    def sent_to(self, ids: Sequence[str]) -> dict[str, list[SentTask]]:
        """The hand-off tasks of these people that were sent, or may have been; the oldest first."""
        query = sa.select(tasks).where(
            tasks.c.connection == self._me, tasks.c.state != "intended", among(tasks.c.person_id)
        )
        found: dict[str, list[SentTask]] = {}
        for row in self._db.rows_of(query.order_by(tasks.c.at), ids):
            found.setdefault(row.person_id, []).append(_task(row))
        return found

    def by(self, run: int) -> list[SentTask]:
        """The hand-off tasks that a run created."""
        query = sa.select(tasks).where(tasks.c.connection == self._me, tasks.c.run == run, tasks.c.state == "created")
        return [_task(row) for row in self._db.rows(query.order_by(tasks.c.person_id, tasks.c.marker))]


def _task(row: Any) -> SentTask:
    return SentTask(
        row.marker,
        row.person_id,
        row.track_id,
        row.cycle,
        row.rule,
        row.run,
        row.owner_id,
        row.state,
        row.task_id,
        instant(row.at),
    )
