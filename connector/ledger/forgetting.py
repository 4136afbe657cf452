"""
Forgetting a person: every row that is theirs goes, and a salted digest keeps them from coming back (G14).

Whose a row is stands in a column `person_id`, or here: a table that this room knows nothing of fails a test. The digest
is of the record id and of the address, keyed with a salt of this state: it says nothing to whoever has only the
digest, and recognises whoever is read again. Numbers of closed periods change with it, because the moves go too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from connector.fields.places import LEAD, PERSON
from connector.ledger.database import Database, among, pack, stamp, unpack
from connector.ledger.tables import (
    addresses,
    alerts,
    connections,
    cursors,
    forgotten,
    links,
    losses,
    merges,
    metadata,
    occurrences,
    people,
    quota_leases,
    quotas,
    records,
    rejects,
    runs,
    shadows,
)

if TYPE_CHECKING:
    from connector.ledger.folding import Folding
    from connector.ledger.mirror import Mirror

CONTACT = PERSON

#: Kinds of linked records that are a person's own, unless somebody else has a part in them.
OWN = ("call", "email", "meeting", "task", "lead")

#: What stands where the name of a record stood.
REMOVED = "[forgotten]"

#: Tables whose rows are a person's by their id.
_BY_ID = (people, shadows)

#: Tables with texts or lists in them that may name a record, which are cleaned row by row.
_TEXTS: tuple[tuple[sa.Table, str], ...] = (
    (runs, "report"),
    (connections, "schedule"),
    (alerts, "message"),
    (cursors, "value"),
)

#: Tables that say nothing of anybody.
_OF_NOBODY = (quotas, quota_leases)

#: Every other table of the ledger, and how it is erased; those with a column `person_id` need not be named.
KNOWN = frozenset(
    (
        *(table.name for table in metadata.sorted_tables if "person_id" in table.c),
        *(table.name for table in (*_BY_ID, records, links, occurrences, rejects, losses, merges, forgotten)),
        *(table.name for table, _ in _TEXTS),
        *(table.name for table in _OF_NOBODY),
    )
)


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
        if kind not in (CONTACT, LEAD) or not self._known():
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


class Forgetting:
    """Erasing people of one connection."""

    def __init__(
        self, database: Database, connection: str, blocked: Forgotten, mirror: Mirror, folding: Folding
    ) -> None:
        self._db = database
        self._me = connection
        self._blocked = blocked
        self._mirror = mirror
        self._folding = folding

    def everybody_of(self, id: str) -> tuple[str, ...]:
        """The person behind a record id: the record that is left after merges first, then all that became part of
        it."""
        mirror, folding = self._mirror, self._folding
        survivor = folding.lives_on_in(CONTACT, [id]).get(id, id)
        losers = folding.losers(CONTACT, survivor)
        return (survivor, *sorted(set(losers) - mirror.alive(CONTACT, losers)))

    def rows(self, id: str) -> dict[str, int]:
        """What there is of a person, by table."""
        ids = self.everybody_of(id)
        found = {}
        for table, whose in self._whose(ids, self._addresses(ids)):
            query = sa.select(sa.func.count()).select_from(table).where(table.c.connection == self._me, whose)
            found[str(table.name)] = int(self._db.rows(query, _ids(ids))[0][0])
        return {name: number for name, number in found.items() if number}

    def forget(self, id: str, now: datetime, salt: str) -> dict[str, int]:
        """Erase a person and never keep them again, all in one transaction; returns the rows erased by table."""
        with self._db.transaction():
            ids = self.everybody_of(id)
            addresses, named = self._addresses(ids), self._with_leads(ids)
            erased: dict[str, int] = {}
            for table, whose in self._whose(ids, addresses):
                gone = self._db.execute_of(sa.delete(table).where(table.c.connection == self._me, whose), ids)
                erased[str(table.name)] = gone
            for table, column in _TEXTS:
                erased[str(table.name)] = self._clean(table, column, frozenset(named))
            self._blocked.add([*((CONTACT, one) for one in named), *(("address", one) for one in addresses)], now, salt)
        return {name: number for name, number in erased.items() if number}

    def elsewhere(self, id: str) -> list[tuple[str, str]]:
        """Contacts of other connections in this state with the same address: (connection, id)."""
        addresses = self._addresses(self.everybody_of(id))
        query = sa.select(records.c.connection, records.c.id).where(
            records.c.connection != self._me, records.c.kind == CONTACT, among(records.c.email_hash)
        )
        return sorted((connection, one) for connection, one in self._db.rows_of(query, addresses))

    # -- whose ------------------------------------------------------------------------------------------------------

    def _addresses(self, ids: Sequence[str]) -> list[str]:
        """Hashes of the addresses that are this person's and nobody else's."""
        own = sa.select(records.c.email_hash).where(
            records.c.connection == self._me,
            records.c.kind == CONTACT,
            records.c.email_hash.is_not(None),
            among(records.c.id),
        )
        told = sa.select(occurrences.c.email_hash).where(
            occurrences.c.connection == self._me,
            occurrences.c.email_hash.is_not(None),
            among(occurrences.c.person_id),
        )
        further = sa.select(addresses.c.email_hash).where(
            addresses.c.connection == self._me, among(addresses.c.person_id)
        )
        found = {one for query in (own, told, further) for (one,) in self._db.rows_of(query, ids)}
        shared = sa.select(records.c.email_hash, records.c.id).where(
            records.c.connection == self._me, among(records.c.email_hash)
        )
        others = {one for one, whose in self._db.rows_of(shared, sorted(found)) if whose not in ids}
        return sorted(found - others)

    def _whose(self, ids: Sequence[str], addresses: Sequence[str]) -> list[tuple[sa.Table, sa.ColumnElement[bool]]]:
        """Which rows are a person's, table by table; links last, which say whose activities are."""
        named = [(table, among(table.c.person_id)) for table in metadata.sorted_tables if "person_id" in table.c]
        named = [(table, whose) for table, whose in named if table is not occurrences]
        alone = self._own(ids)
        mine = sa.and_(occurrences.c.person_id.is_(None), occurrences.c.email_hash.in_(addresses))
        return [
            *named,
            *((table, among(table.c.id)) for table in _BY_ID),
            (occurrences, sa.or_(among(occurrences.c.person_id), mine)),
            (records, sa.or_(sa.and_(records.c.kind == CONTACT, among(records.c.id)), alone(records))),
            (rejects, sa.or_(sa.and_(rejects.c.kind == CONTACT, among(rejects.c.id)), alone(rejects))),
            (losses, sa.and_(losses.c.kind == CONTACT, among(losses.c.id))),
            (merges, sa.and_(merges.c.kind == CONTACT, sa.or_(among(merges.c.id), among(merges.c.survivor)))),
            (
                links,
                sa.or_(
                    sa.and_(links.c.kind == CONTACT, among(links.c.id)),
                    sa.and_(links.c.other_kind == CONTACT, among(links.c.other_id)),
                ),
            ),
        ]

    def _with_leads(self, ids: Sequence[str]) -> list[str]:
        """These people and their leads, each of which may be somebody's, or stand alone, some day."""
        query = sa.select(links.c.other_id).where(
            links.c.connection == self._me, links.c.kind == CONTACT, links.c.other_kind == LEAD, among(links.c.id)
        )
        return sorted({*ids, *(id for (id,) in self._db.rows_of(query, ids))})

    def _own(self, ids: Sequence[str]) -> Any:
        """Calls, e-mails, meetings, tasks and leads that nobody else was part of."""
        of_mine = sa.select(links.c.other_kind, links.c.other_id).where(
            links.c.connection == self._me,
            links.c.kind == CONTACT,
            links.c.other_kind.in_(OWN),
            among(links.c.id),
        )
        found = {(kind, id) for kind, id in self._db.rows_of(of_mine, ids)}
        with_whom = sa.select(links.c.other_kind, links.c.other_id, links.c.id).where(
            links.c.connection == self._me,
            links.c.kind == CONTACT,
            links.c.other_kind.in_(OWN),
            among(links.c.other_id),
        )
        rows = self._db.rows_of(with_whom, sorted({id for _, id in found}))
        alone = found - {(kind, id) for kind, id, whose in rows if whose not in ids}

        def of(table: sa.Table) -> sa.ColumnElement[bool]:
            kinds = (
                sa.and_(table.c.kind == kind, table.c.id.in_(sorted(id for one, id in alone if one == kind)))
                for kind in sorted({kind for kind, _ in alone})
            )
            return sa.or_(sa.false(), *kinds)

        return of

    # -- texts ------------------------------------------------------------------------------------------------------

    def _clean(self, table: sa.Table, column: str, ids: frozenset[str]) -> int:
        """Take the person out of what was said and listed; returns the rows that named them."""
        keys = [one for one in table.primary_key.columns if one.name != "connection"]
        query = sa.select(*keys, table.c[column]).where(table.c.connection == self._me, table.c[column].is_not(None))
        cleaned = 0
        for *key, value in self._db.rows(query):
            is_text = isinstance(value, str)
            said = _read(value) if is_text else unpack(value)
            now = _without(said, ids)
            if now != said:
                cleaned += 1
                these = (one == each for one, each in zip(keys, key, strict=True))
                written = (now if isinstance(now, str) else orjson.dumps(now).decode()) if is_text else pack(now)
                where = sa.and_(table.c.connection == self._me, *these)
                self._db.execute(sa.update(table).where(where).values({column: written}))
        return cleaned


def _ids(ids: Sequence[str]) -> Mapping[str, str]:
    return {"ids": orjson.dumps(list(ids)).decode()}


def _read(text: str) -> Any:
    """A list of pairs that is kept as text, or the text."""
    try:
        return orjson.loads(text) if text.startswith("[") else text
    except ValueError:
        return text


#: "contact 1", "contact 1, 2, 3": how messages name records.
_NAMED = re.compile(r"\b(contacts? |leads? )([\w-]+(?:, [\w-]+)*)")


def _without(said: Any, ids: frozenset[str]) -> Any:
    if isinstance(said, str):
        return _NAMED.sub(lambda found: found[1] + _listed(found[2], ids), said)
    if isinstance(said, Mapping):
        return {name: _without(value, ids) for name, value in said.items()}
    if isinstance(said, list):
        return [_without(one, ids) for one in said if not _is_pair_of(one, ids)]
    return said


def _is_pair_of(one: Any, ids: frozenset[str]) -> bool:
    """A member of a list that the scope asks about: (list, contact)."""
    return isinstance(one, list) and len(one) == 2 and one[1] in ids


def _listed(named: str, ids: frozenset[str]) -> str:
    return ", ".join(REMOVED if one in ids else one for one in named.split(", "))
