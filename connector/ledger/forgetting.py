"""
Forgetting a person: every row that is theirs goes, and a salted digest keeps them from coming back (G14).

Whose a row is stands in a column `person_id`, or here: a table that this room knows nothing of fails a test. Numbers
of closed periods change with it, because the moves go too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from connector.ledger.database import Database, among, pack, unpack
from connector.ledger.folding import Folding
from connector.ledger.forgotten import Forgotten
from connector.ledger.tables import (
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
    records,
    rejects,
    runs,
    shadows,
)

CONTACT = "contact"
ACTIVITIES = ("call", "email", "meeting", "task")

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

#: Every other table of the ledger, and how it is erased; those with a column `person_id` need not be named.
KNOWN = frozenset(
    (
        *(table.name for table in metadata.sorted_tables if "person_id" in table.c),
        *(table.name for table in (*_BY_ID, records, links, occurrences, rejects, merges, losses, forgotten)),
        *(table.name for table, _ in _TEXTS),
    )
)


class Forgetting:
    """Erasing people of one connection."""

    def __init__(self, database: Database, connection: str, blocked: Forgotten, folding: Folding) -> None:
        self._db = database
        self._me = connection
        self._blocked = blocked
        self._folding = folding

    def everybody_of(self, id: str) -> tuple[str, ...]:
        """The person behind a record id: the record that is left after merges first, then all that became part of
        it."""
        there = self._folding.alive([id])  # restored after a merge: somebody of their own again
        survivor = id if there else self._folding.survivor_of(CONTACT, id) or id
        losers = self._folding.losers(CONTACT, survivor)
        return (survivor, *sorted(set(losers) - self._folding.alive(losers)))

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
            addresses = self._addresses(ids)
            erased: dict[str, int] = {}
            for table, whose in self._whose(ids, addresses):
                gone = self._db.execute_of(sa.delete(table).where(table.c.connection == self._me, whose), ids)
                erased[str(table.name)] = gone
            for table, column in _TEXTS:
                erased[str(table.name)] = self._clean(table, column, frozenset(ids))
            self._blocked.add([*((CONTACT, one) for one in ids), *(("address", one) for one in addresses)], now, salt)
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
        found = {one for query in (own, told) for (one,) in self._db.rows_of(query, ids)}
        shared = sa.select(records.c.email_hash, records.c.id).where(
            records.c.connection == self._me, among(records.c.email_hash)
        )
        others = {one for one, whose in self._db.rows_of(shared, sorted(found)) if whose not in ids}
        return sorted(found - others)

    def _whose(self, ids: Sequence[str], addresses: Sequence[str]) -> list[tuple[sa.Table, sa.ColumnElement[bool]]]:
        """Which rows are a person's, table by table; links last, which say whose activities are."""
        named = [(table, among(table.c.person_id)) for table in metadata.sorted_tables if "person_id" in table.c]
        named = [(table, whose) for table, whose in named if table is not occurrences]
        alone = self._activities(ids)
        mine = sa.and_(occurrences.c.person_id.is_(None), occurrences.c.email_hash.in_(addresses))
        return [
            *named,
            *((table, among(table.c.id)) for table in _BY_ID),
            (occurrences, sa.or_(among(occurrences.c.person_id), mine)),
            (records, sa.or_(sa.and_(records.c.kind == CONTACT, among(records.c.id)), alone(records))),
            (rejects, sa.or_(sa.and_(rejects.c.kind == CONTACT, among(rejects.c.id)), alone(rejects))),
            (merges, sa.and_(merges.c.kind == CONTACT, sa.or_(among(merges.c.id), among(merges.c.survivor)))),
            (losses, sa.and_(losses.c.kind == CONTACT, among(losses.c.id))),
            (
                links,
                sa.or_(
                    sa.and_(links.c.kind == CONTACT, among(links.c.id)),
                    sa.and_(links.c.other_kind == CONTACT, among(links.c.other_id)),
                ),
            ),
        ]

    def _activities(self, ids: Sequence[str]) -> Any:
        """Calls, e-mails, meetings and tasks that nobody else was part of."""
        of_mine = sa.select(links.c.other_kind, links.c.other_id).where(
            links.c.connection == self._me,
            links.c.kind == CONTACT,
            links.c.other_kind.in_(ACTIVITIES),
            among(links.c.id),
        )
        found = {(kind, id) for kind, id in self._db.rows_of(of_mine, ids)}
        with_whom = sa.select(links.c.other_kind, links.c.other_id, links.c.id).where(
            links.c.connection == self._me,
            links.c.kind == CONTACT,
            links.c.other_kind.in_(ACTIVITIES),
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
_NAMED = re.compile(r"\b(contacts? )([\w-]+(?:, [\w-]+)*)")


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
