"""
The same people in the other accounts of this state: whoever has an e-mail address in common, written however.

Addresses are compared by their digests, a contact's further ones among them. Nobody is merged: each account follows
its own facts; what is found here is set side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.ledger.database import Database, among, instant
from connector.ledger.memories import Memory
from connector.ledger.mirror import CONTACT
from connector.ledger.people import People
from connector.ledger.tables import addresses, connections, people, records, shadows


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A contact of another connection who has an address in common with one of ours."""

    connection: str
    id: str
    read_at: datetime | None


class Counterparts:
    """The people of one connection, as the other connections of the same state know them."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection

    def connections(self) -> list[str]:
        """The other connections that this state knows, by name."""
        query = sa.select(connections.c.connection).where(connections.c.connection != self._me)
        return [name for (name,) in self._db.rows(query.order_by(connections.c.connection))]

    def of(self, ids: Sequence[str], others: Sequence[str] | None = None) -> dict[str, tuple[Counterpart, ...]]:
        """Those of these people whom other connections (None: all there are) know too; who is gone is nobody's."""
        mine = self._addresses(self._me, records.c.id, addresses.c.person_id, ids)
        hashes = sorted({hashed for _, hashed in mine}) if mine else []
        found: dict[str, list[Counterpart]] = {}
        for other in (self.connections() if others is None else others) if hashes else ():
            theirs = self._addresses(other, records.c.email_hash, addresses.c.email_hash, hashes)
            by_hash: dict[str, list[str]] = {}
            for id, hashed in theirs:
                by_hash.setdefault(hashed, []).append(id)
            alive = self._alive(other, sorted({id for id, _ in theirs}))
            pairs = sorted({(id, there) for id, hashed in mine for there in by_hash.get(hashed, ()) if there in alive})
            for id, there in pairs:
                found.setdefault(id, []).append(alive[there])
        return {id: tuple(those) for id, those in found.items()}

    def remembered(self, connection: str, ids: Sequence[str], *, imagined: bool = False) -> dict[str, Memory]:
        """What a connection remembers of these people; `imagined`: of one that only observes, what it would have
        done."""
        done = People(self._db, connection, people).remember(ids)
        return {**done, **People(self._db, connection, shadows).remember(ids)} if imagined else done

    def _addresses(
        self, connection: str, in_records: sa.Column[Any], further: sa.Column[Any], given: Sequence[str]
    ) -> list[tuple[str, str]]:
        """(contact, digest) of one connection, by ids or by digests, each found by its index. No word of the kind,
        or the index is not taken; only contacts have an address."""
        first = sa.select(records.c.id, records.c.email_hash).where(
            records.c.connection == connection, among(in_records)
        )
        if in_records is records.c.id:
            first = first.where(records.c.kind == CONTACT)
        more = sa.select(addresses.c.person_id, addresses.c.email_hash).where(
            addresses.c.connection == connection, among(further)
        )
        return [(id, hashed) for query in (first, more) for id, hashed in self._db.rows_of(query, given) if hashed]

    def _alive(self, connection: str, ids: Sequence[str]) -> dict[str, Counterpart]:
        query = sa.select(records.c.id, records.c.read_at).where(
            records.c.connection == connection, records.c.kind == CONTACT, among(records.c.id), records.c.gone == 0
        )
        return {id: Counterpart(connection, id, instant(at)) for id, at in self._db.rows_of(query, ids)}
