"""
People whose planned change waits: for a review, for a free place in the task budget, for the end of quiet hours.

Whoever is set aside is not looked at again by every run: only when the record changes, when the place is free, when
the time has come, or when somebody releases them. How long they have waited is kept for as long as the cause stays
the same. What they wait for is told once, as an alert, until nobody waits for it any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.ledger.database import Database, among, instant, stamp
from connector.ledger.tables import CHANGED, DIRTY, alerts, aside, records
from connector.model import ALWAYS

#: Codes of what a person must review, and of what goes on by itself.
CHANGE_BUDGET, MAX_SHARE = "change_budget", "max_share"
TASK_BUDGET, QUIET = "task_budget", "quiet"
EMPTIED = "emptied"
FOR_REVIEW = (CHANGE_BUDGET, MAX_SHARE, EMPTIED)


@dataclass(frozen=True, slots=True)
class SetAside:
    """One person who waits, for what, and since when."""

    person_id: str
    run: int
    cause: str
    code: str
    owner_id: str | None = None
    urgency: float = 0.0
    tasks: int = 0
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait for one thing, and since when the first of them."""

    cause: str
    code: str
    people: int
    tasks: int
    since: datetime
    run: int  # the latest that set somebody aside for it


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that somebody must look at, told once and open until it is over."""

    key: str
    message: str
    people: int
    run: int
    opened_at: datetime


class Aside:
    """Who waits in one connection."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection
        looked_at_again = sa.exists().where(
            records.c.connection == connection,
            records.c.kind == "contact",
            records.c.id == aside.c.person_id,
            sa.or_(DIRTY, records.c.gone == 1),
        )
        self._still = ~looked_at_again  # whoever is due anyway waits no longer

    def put(self, found: Sequence[SetAside], now: datetime) -> None:
        """These wait. Whoever waited for the same cause already keeps the place in the queue."""
        known = {one.person_id: one for one in self.of([one.person_id for one in found])}
        self._db.upsert(
            aside,
            [
                {
                    "connection": self._me,
                    "person_id": one.person_id,
                    "run": one.run,
                    "cause": one.cause,
                    "code": one.code,
                    "owner_id": one.owner_id,
                    "urgency": one.urgency,
                    "tasks": one.tasks,
                    "since": stamp(_since(one, known.get(one.person_id), now)),
                    "until": stamp(one.until),
                }
                for one in found
            ],
        )

    def drop(self, ids: Sequence[str]) -> None:
        """These wait no longer."""
        self._db.execute_of(sa.delete(aside).where(aside.c.connection == self._me, among(aside.c.person_id)), ids)

    def of(self, ids: Sequence[str]) -> list[SetAside]:
        """Those of these people who wait."""
        query = sa.select(aside).where(aside.c.connection == self._me, among(aside.c.person_id))
        return [_set_aside(row) for row in self._db.rows_of(query, ids)]

    def every(self, *codes: str, limit: int | None = None) -> list[SetAside]:
        """Who waits for one of these (everything, without codes), the most urgent first."""
        query = sa.select(aside).where(aside.c.connection == self._me, self._still)
        if codes:
            query = query.where(aside.c.code.in_(codes))
        return [_set_aside(row) for row in self._db.rows(query.order_by(*_URGENT_FIRST).limit(limit))]

    def ids(self, causes: Sequence[str], run: int) -> tuple[str, ...]:
        """Who waits for a review of one of these causes, as far as this run knew of them."""
        query = sa.select(aside.c.person_id).where(
            aside.c.connection == self._me,
            self._still,
            aside.c.code.in_(FOR_REVIEW),
            aside.c.cause.in_(list(causes)),
            aside.c.run <= run,
        )
        return tuple(id for (id,) in self._db.rows(query.order_by(*_URGENT_FIRST)))

    def by_cause(self) -> list[Waiting]:
        """Everything that is waited for, the largest group first."""
        people = sa.func.count()
        query = (
            sa.select(
                aside.c.cause,
                aside.c.code,
                people,
                sa.func.sum(aside.c.tasks),
                sa.func.min(aside.c.since),
                sa.func.max(aside.c.run),
            )
            .where(aside.c.connection == self._me, self._still)
            .group_by(aside.c.cause, aside.c.code)
            .order_by(people.desc(), aside.c.cause)
        )
        return [
            Waiting(cause, code, int(number), int(tasks or 0), instant(since) or ALWAYS, int(run))
            for cause, code, number, tasks, since, run in self._db.rows(query)
        ]

    def call_back(self, cause: str, code: str) -> None:
        """Everybody of one group is to be looked at again."""
        self._wake(sa.and_(aside.c.cause == cause, aside.c.code == code))

    def call_back_due(self, now: datetime) -> None:
        """Those whose time to go on by itself has come are to be looked at again."""
        self._wake(aside.c.until <= stamp(now))

    def next_end(self, after: datetime) -> datetime | None:
        """The soonest instant after this one at which somebody goes on by itself."""
        ends = sa.select(sa.func.min(aside.c.until)).where(aside.c.connection == self._me, aside.c.until > stamp(after))
        return instant(self._db.scalar(ends))

    def _wake(self, whose: sa.ColumnElement[bool]) -> None:
        theirs = sa.select(aside.c.person_id).where(aside.c.connection == self._me, whose)
        self._db.execute(
            sa.update(records)
            .where(
                records.c.connection == self._me,
                records.c.kind == "contact",
                records.c.gone == 0,
                records.c.dirty == 0,
                records.c.id.in_(theirs),
            )
            .values(dirty=CHANGED)
        )

    # -- alerts ---------------------------------------------------------------------------------------------------

    def alert(self, key: str, message: str, people: int, run: int, now: datetime) -> bool:
        """Somebody must look at this. True when it is news: the same thing is told once, until it is over."""
        open_one = self._db.row(
            sa.select(alerts.c.run, alerts.c.opened_at).where(
                alerts.c.connection == self._me, alerts.c.key == key, alerts.c.closed_at.is_(None)
            )
        )
        self._db.upsert(
            alerts,
            [
                {
                    "connection": self._me,
                    "key": key,
                    "message": message,
                    "people": people,
                    "run": open_one.run if open_one else run,
                    "opened_at": open_one.opened_at if open_one else stamp(now),
                    "closed_at": None,
                }
            ],
        )
        return open_one is None

    def close_alerts(self, still_open: Sequence[str], now: datetime, *, codes: Sequence[str] = FOR_REVIEW) -> None:
        """Of the alerts with these codes, whatever is not among these is over."""
        self._db.execute(
            sa.update(alerts)
            .where(
                alerts.c.connection == self._me,
                alerts.c.closed_at.is_(None),
                alerts.c.key.not_in(list(still_open)),
                sa.or_(*(alerts.c.key.startswith(f"{code}:", autoescape=True) for code in codes)),
            )
            .values(closed_at=stamp(now))
        )

    def open_alerts(self) -> list[Alert]:
        """What somebody must look at, oldest first."""
        query = sa.select(alerts).where(alerts.c.connection == self._me, alerts.c.closed_at.is_(None))
        return [
            Alert(row.key, row.message, row.people, row.run, instant(row.opened_at) or ALWAYS)
            for row in self._db.rows(query.order_by(alerts.c.opened_at, alerts.c.key))
        ]


_URGENT_FIRST = (aside.c.urgency.desc(), aside.c.since, aside.c.person_id)


def _since(one: SetAside, known: SetAside | None, now: datetime) -> datetime:
    if known is None or known.since is None or known.cause != one.cause:
        return now
    return known.since


def _set_aside(row: Any) -> SetAside:
    return SetAside(
        row.person_id,
        row.run,
        row.cause,
        row.code,
        row.owner_id,
        row.urgency,
        row.tasks,
        instant(row.since),
        instant(row.until),
    )
