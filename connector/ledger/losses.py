"""
What records held and hold no more, as last read: the raw material for telling a person's edit from a reading that
broke (connector.sync.emptied asks).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from connector.ledger.database import Database, among, stamp
from connector.ledger.mirror import CONTACT
from connector.ledger.tables import DIRTY, links, losses, records


class Loss(NamedTuple):
    """A field of a record that was filled and is empty now; of links to a kind: "links:<kind>"."""

    kind: str
    id: str
    field: str


class Losses:
    """The losses of one connection."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection

    def note(self, lost: Sequence[Loss], again: Sequence[Loss], run: int, now: datetime) -> None:
        """These got lost, those are there again."""
        rows = [{"connection": self._me, **one._asdict(), "run": run, "at": stamp(now)} for one in lost]
        with self._db.transaction():
            self._db.upsert(losses, rows)
            for kind, field in sorted({(one.kind, one.field) for one in again}):
                ids = [one.id for one in again if (one.kind, one.field) == (kind, field)]
                self._db.execute_of(sa.delete(losses).where(self._of(kind, field), among(losses.c.id)), ids)

    def any(self) -> bool:
        """Whether anything got lost at all: what is there again need not be looked for otherwise."""
        query = sa.select(losses.c.id).where(losses.c.connection == self._me).limit(1)
        return self._db.row(query) is not None

    def counts(self, since: datetime) -> dict[tuple[str, str], int]:
        """How many records lost which field since an instant: (kind, field) -> number."""
        query = (
            sa.select(losses.c.kind, losses.c.field, sa.func.count())
            .where(losses.c.connection == self._me, losses.c.at >= stamp(since))
            .group_by(losses.c.kind, losses.c.field)
        )
        return {(kind, field): int(number) for kind, field, number in self._db.rows(query)}

    def ids(self, kind: str, field: str, limit: int | None = None) -> list[str]:
        """The records that lost this field."""
        query = sa.select(losses.c.id).where(self._of(kind, field)).order_by(losses.c.id).limit(limit)
        return [id for (id,) in self._db.rows(query)]

    def number(self, kind: str, field: str) -> int:
        """How many records lost this field."""
        return int(self._db.scalar(sa.select(sa.func.count()).where(self._of(kind, field))) or 0)

    def waiting(self, kind: str, field: str) -> list[str]:
        """The contacts due for a look whose decision would rest on this loss: their own, or of a record of theirs."""
        lost = sa.select(losses.c.id).where(self._of(kind, field))
        query = sa.select(records.c.id).where(
            records.c.connection == self._me, records.c.kind == CONTACT, records.c.gone == 0, DIRTY
        )
        if kind == CONTACT:
            query = query.where(records.c.id.in_(lost))
        else:
            theirs = sa.select(links.c.id).where(
                links.c.connection == self._me, links.c.other_kind == kind, links.c.other_id.in_(lost)
            )
            query = query.where(records.c.id.in_(theirs))
        return [id for (id,) in self._db.rows(query.order_by(records.c.id))]

    def forget(self, kind: str, field: str) -> None:
        """Somebody looked at it: that the field is empty is as it should be."""
        self._db.execute(sa.delete(losses).where(self._of(kind, field)))

    def prune(self, before: datetime, keep: Sequence[tuple[str, str]]) -> None:
        """What got lost before an instant is no news any more, save of these fields."""
        kept = [sa.and_(losses.c.kind == kind, losses.c.field == field) for kind, field in keep]
        old = [losses.c.connection == self._me, losses.c.at < stamp(before)]
        self._db.execute(sa.delete(losses).where(*old, *(sa.not_(one) for one in kept)))

    def _of(self, kind: str, field: str) -> sa.ColumnElement[bool]:
        return sa.and_(losses.c.connection == self._me, losses.c.kind == kind, losses.c.field == field)
