"""
Who was forgotten and is never kept again (G14): salted digests, by which whoever is read again is known at the door.

A digest is of a record id or of an address, keyed with a salt of this state: it says nothing to whoever has only the
digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from connector.ledger.database import Database, among, stamp
from connector.ledger.tables import connections, forgotten

CONTACT = "contact"


class Forgotten:
    """Who is never to be kept again, in one connection."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection
        self._salt: bytes | None = None
        self._digests: frozenset[str] | None = None

    def look(self) -> None:
        """Know again who is on the list: at the beginning of a run, which nobody can be put on it while it lasts."""
        self._digests = None

    def blocks(self, kind: str, value: str | None) -> bool:
        """Whether this record id ("contact") or hash of an address ("address") is never to be kept again."""
        found = self._known()
        return bool(found) and value is not None and self._digest(kind, value) in found

    def without(self, kind: str, ids: Sequence[str]) -> Sequence[str]:
        """These ids without those that are never to be kept again."""
        if kind != CONTACT or not self._known():
            return ids
        return [id for id in ids if not self.blocks(CONTACT, id)]

    def count(self) -> int:
        """How many digests there are."""
        return len(self._known())

    def add(self, values: Iterable[tuple[str, str]], now: datetime, salt: str) -> None:
        """Never keep these again: (kind, value). `salt` is taken where this state has none yet."""
        if self._salted() is None:
            self._db.upsert(connections, [{"connection": self._me, "salt": salt}])
        rows = [
            {"connection": self._me, "digest": self._digest(kind, value), "at": stamp(now)} for kind, value in values
        ]
        self._db.upsert(forgotten, rows)
        self._digests = None

    def lift(self, values: Iterable[tuple[str, str]]) -> int:
        """These may be kept again; returns how many were not."""
        if self._salted() is None:
            return 0
        digests = [self._digest(kind, value) for kind, value in values]
        these = sa.delete(forgotten).where(forgotten.c.connection == self._me, among(forgotten.c.digest))
        lifted = self._db.execute_of(these, digests)
        self._digests = None
        return lifted

    def _known(self) -> frozenset[str]:
        if self._digests is None:
            query = sa.select(forgotten.c.digest).where(forgotten.c.connection == self._me)
            self._digests = frozenset(digest for (digest,) in self._db.rows(query))
        return self._digests

    def _salted(self) -> bytes | None:
        if self._salt is None:
            salt = self._db.scalar(sa.select(connections.c.salt).where(connections.c.connection == self._me))
            self._salt = salt.encode() if salt else None
        return self._salt

    def _digest(self, kind: str, value: str) -> str:
        return hashlib.blake2b(f"{kind}\x1f{value}".encode(), key=self._salted() or b"", digest_size=32).hexdigest()
