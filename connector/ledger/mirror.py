"""
The mirror: records as the CRM last told them, with their links and occurrences, and who must be looked at again.

A contact is *dirty* from the moment something a rule may use changed (its facts, its company, deals, activities,
links or occurrences) until a decision about it is settled; the mark commits together with the change, so a crash
forgets nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.ledger.database import Database, among, instant, pack, stamp, unpack
from connector.ledger.forgetting import Forgotten
from connector.ledger.links import LinkRow, Links
from connector.ledger.occurrences import Occurrences
from connector.ledger.tables import CHANGED, DIRTY, addresses, links, records
from connector.model import Occurrence

CONTACT = "contact"


@dataclass(frozen=True, slots=True)
class Seen:
    """One record as just read: its facts are what the agreement uses of it, ready to be stored."""

    id: str
    facts: Mapping[str, Any]
    created_at: datetime | None = None
    email_hash: str | None = None


@dataclass(frozen=True, slots=True)
class News:
    """A record whose facts are new, as it will be stored, and what was stored before (None: nothing). `echo`: only the
    CRM's own dates of entering a stage are new, which no rule asks about and which our own writes bring about."""

    seen: Seen
    packed: bytes
    before: bytes | None
    echo: bool = False
    back: bool = False  # it was gone, and is there again


@dataclass(frozen=True, slots=True)
class Kept:
    """One record as the mirror holds it; one that is gone holds nothing any more."""

    id: str
    facts: Mapping[str, Any]
    read_at: datetime | None
    created_at: datetime | None
    seen: int
    gone: bool
    leads: Mapping[str, Kept] = field(default_factory=dict)  # of a contact that was put together: their leads, by id


@dataclass(slots=True)
class Surroundings:
    """Everything the mirror knows around one contact."""

    links: list[LinkRow] = field(default_factory=list)
    occurrences: list[Occurrence] = field(default_factory=list)


class Mirror:
    """The CRM's records of one connection, as last read."""

    def __init__(self, database: Database, connection: str, forgotten: Forgotten | None = None) -> None:
        self._db = database
        self._me = connection
        self._forgotten = forgotten or Forgotten(database, connection)
        self.links = Links(database, connection, self._forgotten, self.mark_dirty)
        self.occurrences = Occurrences(database, connection, self._forgotten, self.mark_dirty)

    # -- storing what was read ----------------------------------------------------------------------

    def news(self, kind: str, seen: Sequence[Seen]) -> list[News]:
        """Those of these records whose facts are not what is kept, each with what is kept of it."""
        query = sa.select(records.c.id, records.c.facts, records.c.gone).where(self._of(kind), among(records.c.id))
        latest = {one.id: one for one in seen}
        known = {id: (facts, gone) for id, facts, gone in self._db.rows_of(query, tuple(latest))}
        found = []
        for id, one in latest.items():
            facts, gone = known.get(id, (None, 0))
            packed = pack(one.facts)
            if facts == packed and not gone:
                continue
            marked = _with_marks_of(facts, one)
            packed = packed if marked is one else pack(marked.facts)
            if gone or facts != packed:
                echo = not gone and _only_dates(facts, marked.facts)
                found.append(News(marked, packed, facts, echo=echo, back=bool(gone)))
        return found

    def store(
        self, kind: str, seen: Sequence[Seen], *, read_at: datetime, run: int, news: Sequence[News] | None = None
    ) -> tuple[str, ...]:
        """Keep these records; returns the ids whose facts are new. The others are only touched. Whoever has asked
        for the `news` of these records already passes them on."""
        with self._db.transaction():
            seen = self._without_forgotten(kind, seen, read_at)
            kept = {one.id for one in seen}
            news = self.news(kind, seen) if news is None else [one for one in news if one.seen.id in kept]
            loud = [one for one in news if not one.echo]
            fresh = {one.seen.id for one in loud}
            self.touch(kind, [one.id for one in seen if one.id not in fresh], read_at, run)
            self.overwrite(kind, {one.seen.id: one.seen.facts for one in news if one.echo})
            self._db.upsert(records, [self._record_row(kind, one, read_at, run) for one in loud])
            self._note_addresses(kind, [one.seen for one in loud])
            if kind != CONTACT:
                self._mark_linked(kind, tuple(fresh))
        return tuple(one.seen.id for one in loud)

    def _without_forgotten(self, kind: str, seen: Sequence[Seen], now: datetime) -> Sequence[Seen]:
        """Whoever was forgotten is never kept again: neither by the record's id, nor by the address, whose new id is
        known from then on. A record that came by the address in a merge is theirs as well, and gone from here."""
        if kind != CONTACT or not self._forgotten.count():
            return seen
        blocks = self._forgotten.blocks
        again = [
            one
            for one in seen
            if any(blocks("address", hashed) for hashed in (one.email_hash, *one.facts.get("m", ())))
        ]
        self._forgotten.add([(CONTACT, one.id) for one in again], now, "")
        self.mark_gone(CONTACT, [one.id for one in again])
        return [one for one in seen if not self._forgotten.blocks(CONTACT, one.id)]

    def _record_row(self, kind: str, one: News, read_at: datetime, run: int) -> dict[str, Any]:
        return {
            "connection": self._me,
            "kind": kind,
            "id": one.seen.id,
            "facts": one.packed,
            "read_at": stamp(read_at),
            "created_at": stamp(one.seen.created_at),
            "seen": run,
            "scan": run,
            "dirty": int(kind == CONTACT),
            "gone": 0,
            "email_hash": one.seen.email_hash,
        }

    def _note_addresses(self, kind: str, seen: Sequence[Seen]) -> None:
        """The further addresses of these contacts, most of whom have none."""
        if kind != CONTACT:
            return
        theirs = sa.delete(addresses).where(addresses.c.connection == self._me, among(addresses.c.person_id))
        self._db.execute_of(theirs, [one.id for one in seen])
        rows = [
            {"connection": self._me, "email_hash": hashed, "person_id": one.id}
            for one in seen
            for hashed in one.facts.get("m", ())
        ]
        self._db.upsert(addresses, rows)

    def touch(self, kind: str, ids: Sequence[str], read_at: datetime, run: int) -> None:
        """These were met again, unchanged."""
        touched = sa.update(records).where(self._of(kind), among(records.c.id))
        self._db.execute_of(touched.values(read_at=stamp(read_at), scan=run), ids)

    def distrust(self, kind: str, ids: Sequence[str]) -> None:
        """Nobody knows what stands in these now: they are read before anything more is written to them."""
        these = sa.update(records).where(self._of(kind), among(records.c.id))
        self._db.execute_of(these.values(read_at=0.0), ids)

    def overwrite(self, kind: str, facts: Mapping[str, Mapping[str, Any]]) -> None:
        """Our own writes went through: what these records now hold is known without reading them."""
        self._db.execute(
            sa.update(records)
            .where(records.c.connection == self._me, records.c.kind == kind, records.c.id == sa.bindparam("whose"))
            .values(facts=sa.bindparam("now")),
            [{"whose": id, "now": pack(dict(one))} for id, one in facts.items()],
        )

    # -- who must be looked at ----------------------------------------------------------------------

    def mark_dirty(self, contact_ids: Sequence[str]) -> None:
        """These contacts are to be looked at by the next decision."""
        these = sa.update(records).where(self._of(CONTACT), among(records.c.id))
        self._db.execute_of(these.values(dirty=CHANGED), contact_ids)

    def mark_all_dirty(self) -> None:
        """Everybody is to be looked at: the agreement, the wiring or the mode changed."""
        self._db.execute(
            sa.update(records)
            .where(records.c.connection == self._me, records.c.kind == CONTACT, records.c.gone == 0)
            .values(dirty=CHANGED)
        )

    def settle(self, contact_ids: Sequence[str]) -> None:
        """These contacts need no further look until something changes."""
        these = sa.update(records).where(self._of(CONTACT), among(records.c.id))
        self._db.execute_of(these.values(dirty=0), contact_ids)

    def dirty(self, after: str, limit: int) -> dict[str, int]:
        """The next contacts to look at, by id, each with the reason (CHANGED, SCORES_DUE, ROUTE_DUE)."""
        query = (
            sa.select(records.c.id, records.c.dirty)
            .where(
                records.c.connection == self._me,
                records.c.kind == CONTACT,
                DIRTY,
                records.c.id > after,
                records.c.gone == 0,
            )
            .order_by(records.c.id)
            .limit(limit)
        )
        return dict(tuple(row) for row in self._db.rows(query))

    def contacts(self, after: str, limit: int) -> list[str]:
        """All known contacts that are not gone, by id."""
        query = (
            sa.select(records.c.id)
            .where(
                records.c.connection == self._me,
                records.c.kind == CONTACT,
                records.c.gone == 0,
                records.c.id > after,
            )
            .order_by(records.c.id)
            .limit(limit)
        )
        return [row.id for row in self._db.rows(query)]

    def mark_gone(self, kind: str, ids: Sequence[str]) -> int:
        """Deleted or merged away: never written again, and what it held is not kept a day longer; contacts linked to
        it are looked at. Restored, it is read anew."""
        here = sa.update(records).where(self._of(kind), among(records.c.id), records.c.gone == 0)
        with self._db.transaction():
            touched = self._db.execute_of(here.values(gone=1, dirty=0, facts=None, email_hash=None), ids)
            if kind != CONTACT:
                self._mark_linked(kind, ids)
        return touched

    def missed_by_scan(self, kind: str, run: int, after: str = "", limit: int | None = None) -> list[str]:
        """Records a full scan begun in this run did not meet, by id: deleted, merged, or hidden; the CRM must be
        asked."""
        query = sa.select(records.c.id).where(
            self._of(kind), records.c.gone == 0, records.c.scan < run, records.c.id > after
        )
        return [row.id for row in self._db.rows(query.order_by(records.c.id).limit(limit))]

    def met_by_scan(self, kind: str, ids: Sequence[str], run: int) -> set[str]:
        """Those of these records that were met since this run began to read everybody."""
        query = sa.select(records.c.id).where(self._of(kind), records.c.scan >= run, among(records.c.id))
        return {row.id for row in self._db.rows_of(query, ids)}

    def count_met(self, kind: str, run: int) -> int:
        """How many records of a kind were met since this run began to read everybody."""
        query = sa.select(sa.func.count()).where(self._of(kind), records.c.scan >= run)
        return int(self._db.scalar(query) or 0)

    # -- looking things up --------------------------------------------------------------------------

    def forms(self, contact_ids: Sequence[str]) -> dict[str, str]:
        """Those of these contacts whose records are of another form than the usual one, each with its form."""
        return {id: str(form) for id, one in self.kept(CONTACT, contact_ids).items() if (form := one.facts.get("t"))}

    def kept(self, kind: str, ids: Sequence[str]) -> dict[str, Kept]:
        """These records as the mirror holds them; unknown ids are missing."""
        columns = (records.c.id, records.c.facts, records.c.read_at, records.c.created_at)
        query = sa.select(*columns, records.c.seen, records.c.gone).where(self._of(kind), among(records.c.id))
        return {
            id: Kept(id, unpack(facts) or {}, instant(read_at), instant(created_at), seen, bool(gone))
            for id, facts, read_at, created_at, seen, gone in self._db.rows_of(query, ids)
        }

    def stale(self, kind: str, ids: Sequence[str], oldest: datetime) -> list[str]:
        """Those of these records that were not read since an instant."""
        query = sa.select(records.c.id).where(self._of(kind), among(records.c.id), records.c.read_at > stamp(oldest))
        fresh = {id for (id,) in self._db.rows_of(query, ids)}
        return [id for id in ids if id not in fresh]

    def around(self, contact_ids: Sequence[str]) -> dict[str, Surroundings]:
        """Links and occurrences of these contacts."""
        linked, happened = self.links.of(contact_ids), self.occurrences.of(contact_ids)
        return {id: Surroundings(linked.get(id, []), happened.get(id, [])) for id in contact_ids}

    def unknown(self, kind: str, ids: Sequence[str]) -> list[str]:
        """Those of these records that were never read."""
        query = sa.select(records.c.id).where(self._of(kind), among(records.c.id))
        known = {row[0] for row in self._db.rows_of(query, ids)}
        return [id for id in ids if id not in known]

    def alive(self, kind: str, ids: Sequence[str]) -> set[str]:
        """Those of these records that are known and not gone."""
        query = sa.select(records.c.id).where(self._of(kind), records.c.gone == 0, among(records.c.id))
        return {id for (id,) in self._db.rows_of(query, ids)}

    def page(self, kind: str, after: str, limit: int) -> list[tuple[str, Mapping[str, Any]]]:
        """The next records of a kind that are not gone, by id, with their facts."""
        query = (
            sa.select(records.c.id, records.c.facts)
            .where(self._of(kind), records.c.gone == 0, records.c.id > after)
            .order_by(records.c.id)
            .limit(limit)
        )
        return [(id, unpack(facts) or {"f": {}}) for id, facts in self._db.rows(query)]

    def facts(self, kind: str, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Only the facts of these records that are not gone."""
        return {id: kept.facts for id, kept in self.kept(kind, ids).items() if not kept.gone}

    def count(self, kind: str) -> int:
        """How many records of a kind are known and not gone."""
        query = sa.select(sa.func.count()).where(
            records.c.connection == self._me, records.c.kind == kind, records.c.gone == 0
        )
        return int(self._db.scalar(query) or 0)

    def waiting(self) -> int:
        """How many contacts are still to be looked at."""
        query = sa.select(sa.func.count()).where(
            records.c.connection == self._me,
            records.c.kind == CONTACT,
            DIRTY,
            records.c.gone == 0,
        )
        return int(self._db.scalar(query) or 0)

    # -- inside -------------------------------------------------------------------------------------

    def _of(self, kind: str) -> sa.ColumnElement[bool]:
        """Records of this connection and kind."""
        return sa.and_(records.c.connection == self._me, records.c.kind == kind)

    def _mark_linked(self, kind: str, ids: Sequence[str]) -> None:
        linked = sa.select(links.c.id).where(
            links.c.connection == self._me, links.c.other_kind == kind, among(links.c.other_id)
        )
        self._db.execute_of(sa.update(records).where(self._of(CONTACT), records.c.id.in_(linked)).values(dirty=1), ids)


def _with_marks_of(before: bytes | None, one: Seen) -> Seen:
    """A counter or date that is blank now was not set back, it is just not told: the mark that a rise is measured
    against stays, or its return would look like one."""
    if before is None or "c" not in one.facts:
        return one
    marks = unpack(before).get("c", {})
    return replace(one, facts={**one.facts, "c": {**marks, **one.facts["c"]}}) if marks else one


def _only_dates(before: bytes | None, now: Mapping[str, Any]) -> bool:
    """Whether facts differ in nothing but the dates of entering stages."""
    if before is None or "e" not in now:
        return False
    return {**unpack(before), "e": None} == {**now, "e": None}
