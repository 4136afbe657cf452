"""
Rejects: records, or single properties of them, that could not be read, decided on or written.

Each is kept with its code, how often and since when, and when it is tried again: at once when the record, the
agreement, the mapping or the account's definitions change, else ever more seldom, an hour after the first attempt and
at most a week after a later one. Of a value that was refused only a digest is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.ledger.database import Database, among, instant, pack, stamp, unpack
from connector.ledger.tables import records, rejects

#: Until the second attempt; doubled for each further one, up to the longest.
FIRST_WAIT, LONGEST_WAIT = timedelta(hours=1), timedelta(days=7)

#: Stands beside the properties of a refusal that named none: it is of all of them together.
UNNAMED = "*"

#: Codes of records that could not be read: they must be read anew before anybody decides on them.
UNREADABLE = ("malformed_value", "malformed_record")


@dataclass(frozen=True, slots=True)
class Reject:
    """What is known of one reject. `properties` names what was refused, with the digest of the value ("task" for a
    hand-off task); `whole` says that the decision stands back, not these properties alone."""

    kind: str
    id: str
    code: str
    message: str
    properties: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True
    fingerprint: str = ""
    attempts: int = 0
    run: int = 0
    first_at: datetime | None = None
    at: datetime | None = None
    next_at: datetime | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The properties that were refused."""
        return tuple(name for name in self.properties if name != UNNAMED)

    @property
    def unreadable(self) -> bool:
        """Whether the record itself could not be understood."""
        return self.code in UNREADABLE

    def is_over(self, fingerprint: str, now: datetime) -> bool:
        """Whether it is worth another try: what it was refused under has changed, or enough time has passed."""
        return self.fingerprint != fingerprint or self.next_at is None or self.next_at <= now


def wait_after(attempts: int) -> timedelta:
    """How long after this many attempts the next one is made, if nothing changes meanwhile."""
    doublings = min(max(attempts, 1) - 1, 16)
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << doublings))


class Rejects:
    """The rejects of one connection."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection

    def keep(self, found: Sequence[Reject], run: int, at: datetime) -> None:
        """Keep rejects after another attempt. The same error again counts on; another one begins anew."""
        kinds = {one.kind for one in found}
        before = {(kind, id): one for kind in kinds for id, one in self.of(kind, [one.id for one in found]).items()}
        self._db.upsert(rejects, [self._row(one, before.get((one.kind, one.id)), run, at) for one in found])

    def _row(self, one: Reject, before: Reject | None, run: int, at: datetime) -> dict[str, Any]:
        again = before is not None and before.code == one.code
        attempts = before.attempts + 1 if before is not None and again else 1
        return {
            "connection": self._me,
            "kind": one.kind,
            "id": one.id,
            "code": one.code,
            "message": one.message,
            "payload": pack({"properties": dict(one.properties), "whole": one.whole}),
            "attempts": attempts,
            "run": run,
            "first_at": stamp((before.first_at if before is not None and again else None) or at),
            "at": stamp(at),
            "next_at": stamp(at + wait_after(attempts)),
            "fingerprint": one.fingerprint,
        }

    def release(self, kind: str, ids: Sequence[str]) -> None:
        """These are fine again."""
        these = sa.delete(rejects).where(rejects.c.connection == self._me, rejects.c.kind == kind, among(rejects.c.id))
        self._db.execute_of(these, ids)

    def forget_gone(self) -> None:
        """Nobody can mend a record that was deleted or merged away."""
        gone = sa.exists().where(
            records.c.connection == self._me,
            records.c.kind == rejects.c.kind,
            records.c.id == rejects.c.id,
            records.c.gone == 1,
        )
        self._db.execute(sa.delete(rejects).where(rejects.c.connection == self._me, gone))

    def narrow(self, properties: Mapping[str, Sequence[str]]) -> None:
        """Of these contacts only these properties are still refused."""
        kept = self.of("contact", list(properties))
        rows = [
            {"whose": id, "now": pack({"properties": {name: one.properties[name] for name in names}, "whole": False})}
            for id, names in properties.items()
            if (one := kept.get(id)) is not None and set(one.properties) != set(names)
        ]
        these = sa.update(rejects).where(
            rejects.c.connection == self._me, rejects.c.kind == "contact", rejects.c.id == sa.bindparam("whose")
        )
        self._db.execute(these.values(payload=sa.bindparam("now")), rows)

    def try_again(self, kind: str, ids: Sequence[str], now: datetime) -> None:
        """These are worth another try from now on."""
        these = sa.update(rejects).where(rejects.c.connection == self._me, rejects.c.kind == kind, among(rejects.c.id))
        self._db.execute_of(these.values(next_at=stamp(now)), ids)

    def due(self, fingerprint: str, now: datetime) -> list[Reject]:
        """Those that are to be tried again."""
        over = sa.or_(
            rejects.c.fingerprint != fingerprint, rejects.c.next_at.is_(None), rejects.c.next_at <= stamp(now)
        )
        query = sa.select(rejects).where(rejects.c.connection == self._me, over)
        return [_reject(row) for row in self._db.rows(query.order_by(rejects.c.kind, rejects.c.id))]

    def of(self, kind: str, ids: Sequence[str]) -> dict[str, Reject]:
        """The rejects among these records."""
        query = sa.select(rejects).where(rejects.c.connection == self._me, rejects.c.kind == kind, among(rejects.c.id))
        return {row.id: _reject(row) for row in self._db.rows_of(query, ids)}

    def every(self, code: str | None = None) -> list[Reject]:
        """Everything set aside, or what has this code; newest first."""
        query = sa.select(rejects).where(rejects.c.connection == self._me)
        if code is not None:
            query = query.where(rejects.c.code == code)
        return [
            _reject(row) for row in self._db.rows(query.order_by(rejects.c.at.desc(), rejects.c.kind, rejects.c.id))
        ]

    def by_code(self) -> dict[str, int]:
        """How many there are of each code, the most frequent first."""
        number = sa.func.count()
        query = (
            sa.select(rejects.c.code, number)
            .where(rejects.c.connection == self._me)
            .group_by(rejects.c.code)
            .order_by(number.desc(), rejects.c.code)
        )
        return {code: int(count) for code, count in self._db.rows(query)}


def _reject(row: Any) -> Reject:
    payload = unpack(row.payload) or {}
    return Reject(
        row.kind,
        row.id,
        row.code,
        row.message,
        payload.get("properties", {}),
        payload.get("whole", True),
        row.fingerprint or "",
        row.attempts,
        row.run,
        instant(row.first_at),
        instant(row.at),
        instant(row.next_at),
    )
