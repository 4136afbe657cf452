"""
Occurrences: what lists, forms, counters and dates told of contacts, as dated facts with stable ids.

A form knows its sender by an address alone: what it tells waits, as a hash, until a contact carries that address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from connector.ledger.database import Database, among, instant, pack, stamp, unpack
from connector.ledger.forgetting import CONTACT, Forgotten
from connector.ledger.tables import addresses, occurrences, records
from connector.model import Occurrence


class Occurrences:
    """What happened to one connection's contacts."""

    def __init__(
        self,
        database: Database,
        connection: str,
        forgotten: Forgotten,
        mark_dirty: Callable[[Sequence[str]], None],
    ) -> None:
        self._db = database
        self._me = connection
        self._forgotten = forgotten
        self._mark_dirty = mark_dirty

    def add(self, found: Sequence[Occurrence], run: int) -> int:
        """Keep dated facts by their stable id; returns how many were not known. Their people become dirty."""
        fresh = [one for one in self._unknown(found) if not self._of_forgotten(one)]
        with self._db.transaction():
            resolved = self._people_by_email({one.email_hash for one in fresh if one.email_hash})
            rows = [self._occurrence_row(one, resolved, run) for one in fresh]
            self._db.upsert(occurrences, rows)
            self._mark_dirty(sorted({row["person_id"] for row in rows if row["person_id"]}))
        return len(fresh)

    def _of_forgotten(self, one: Occurrence) -> bool:
        return self._forgotten.blocks(CONTACT, one.person_id) or self._forgotten.blocks("address", one.email_hash)

    def _unknown(self, found: Sequence[Occurrence]) -> list[Occurrence]:
        fresh: list[Occurrence] = []
        by_source: dict[str, dict[str, Occurrence]] = {}
        for one in found:
            by_source.setdefault(one.source, {})[one.id] = one
        for source, those in by_source.items():
            query = sa.select(occurrences.c.id).where(
                occurrences.c.connection == self._me, occurrences.c.source == source, among(occurrences.c.id)
            )
            known = {id for (id,) in self._db.rows_of(query, tuple(those))}
            fresh += [one for id, one in those.items() if id not in known]
        return fresh

    def _occurrence_row(self, one: Occurrence, resolved: Mapping[str, str], run: int) -> dict[str, Any]:
        return {
            "connection": self._me,
            "source": one.source,
            "id": one.id,
            "person_id": one.person_id or resolved.get(one.email_hash or ""),
            "email_hash": one.email_hash,
            "at": stamp(one.at),
            "details": pack(dict(one.details)) if one.details else None,
            "seen": run,
        }

    def _people_by_email(self, hashes: set[str]) -> dict[str, str]:
        query = sa.select(records.c.email_hash, records.c.id).where(
            records.c.connection == self._me, among(records.c.email_hash), records.c.gone == 0
        )
        alive = sa.exists().where(
            records.c.connection == self._me,
            records.c.kind == CONTACT,
            records.c.id == addresses.c.person_id,
            records.c.gone == 0,
        )
        further = sa.select(addresses.c.email_hash, addresses.c.person_id).where(
            addresses.c.connection == self._me, among(addresses.c.email_hash), alive
        )
        # Sorted here: asked to do it, SQLite would begin with everybody in the order of their ids.
        found = (
            sorted(self._db.rows_of(one, sorted(hashes)), key=itemgetter(1), reverse=True) for one in (further, query)
        )
        return {address: id for rows in found for address, id in rows}

    def adopt_submissions(self) -> int:
        """Give submissions whose contact was not known yet to the contact that now carries the address."""
        waiting = (
            sa.select(occurrences.c.email_hash)
            .distinct()
            .where(
                occurrences.c.connection == self._me,
                occurrences.c.person_id.is_(None),
                occurrences.c.email_hash.is_not(None),
            )
        )
        with self._db.transaction():
            resolved = self._people_by_email({row[0] for row in self._db.rows(waiting)})
            self._db.execute(
                sa.update(occurrences)
                .where(
                    occurrences.c.connection == self._me,
                    occurrences.c.email_hash == sa.bindparam("address"),
                    occurrences.c.person_id.is_(None),
                )
                .values(person_id=sa.bindparam("person")),
                [{"address": address, "person": person} for address, person in resolved.items()],
            )
            self._mark_dirty(sorted(resolved.values()))
        return len(resolved)

    def take(self, survivor: str, losers: Sequence[str]) -> None:
        """What happened to contacts that were merged away happened to the survivor."""
        theirs = sa.update(occurrences).where(occurrences.c.connection == self._me, among(occurrences.c.person_id))
        self._db.execute_of(theirs.values(person_id=survivor), losers)

    # -- looking things up --------------------------------------------------------------------------

    def of(self, contact_ids: Sequence[str]) -> dict[str, list[Occurrence]]:
        """What happened to these contacts; those to whom nothing did are missing."""
        found: dict[str, list[Occurrence]] = {}
        for one in self._each(contact_ids):
            found.setdefault(one.person_id or "", []).append(one)
        return found

    def dated(self, contact_ids: Sequence[str]) -> set[tuple[str, str | None, datetime]]:
        """What is known to have happened to these contacts, by source and instant."""
        return {(one.source, one.person_id, one.at) for one in self._each(contact_ids)}

    def _each(self, contact_ids: Sequence[str]) -> Iterator[Occurrence]:
        query = sa.select(
            occurrences.c.id,
            occurrences.c.source,
            occurrences.c.at,
            occurrences.c.person_id,
            occurrences.c.details,
            occurrences.c.seen,
        ).where(occurrences.c.connection == self._me, among(occurrences.c.person_id))
        for id, source, at, person_id, details, seen in self._db.rows_of(query, contact_ids):
            moment = instant(at)
            if moment is not None:
                yield Occurrence(id, source, moment, person_id, None, unpack(details) or {}, seen)
