"""
Keeping the state small: what nobody will ask for any more is forgotten, once a day.

Kept for good: every move, every change that was written, every run that changed or refused something. Forgotten
after a while: plans that were only shown, changes that were set aside and decided anew, runs in which nothing
happened, alerts that are over. And at once what is held on people who are gone.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from connector.ledger.database import Database, stamp
from connector.ledger.tables import alerts, aside, changes, cursors, holds, records, reversals, runs
from connector.ledger.work import WRITTEN


def tidy(database: Database, connection: str, before: datetime) -> None:
    """Forget what is older than `before` and of no use any more; in one transaction."""
    old = sa.select(runs.c.number).where(runs.c.connection == connection, runs.c.started_at < stamp(before))
    waiting = sa.select(aside.c.person_id).where(aside.c.connection == connection)
    gone = sa.select(records.c.id).where(
        records.c.connection == connection, records.c.kind == "contact", records.c.gone == 1
    )
    with database.transaction():
        database.execute(
            sa.delete(changes).where(
                changes.c.connection == connection,
                changes.c.run.in_(old),
                changes.c.state != WRITTEN,
                changes.c.person_id.not_in(waiting),
            )
        )
        database.execute(sa.delete(runs).where(runs.c.connection == connection, *_idle(connection, before)))
        for table in (holds, reversals):
            database.execute(sa.delete(table).where(table.c.connection == connection, table.c.person_id.in_(gone)))
        database.execute(sa.delete(alerts).where(alerts.c.connection == connection, alerts.c.closed_at < stamp(before)))


def _idle(connection: str, before: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Runs that ended well, left no change behind, and that nothing refers to; never the latest."""
    with_changes = sa.select(changes.c.run).where(changes.c.connection == connection)
    latest = sa.select(sa.func.max(runs.c.number)).where(runs.c.connection == connection).scalar_subquery()
    scanned = sa.select(cursors.c.value.cast(sa.BigInteger)).where(
        cursors.c.connection == connection, cursors.c.name == "scan"
    )
    return (
        runs.c.started_at < stamp(before),
        runs.c.status == "done",
        runs.c.number < latest,
        runs.c.number.not_in(with_changes),
        runs.c.number.not_in(scanned),
    )
