"""
Links: which record hangs on which contact, as the CRM last told it.

They are kept from the contact's side, whichever record they were read from; whose links change is looked at again, in
the transaction that keeps the change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from connector.ledger.database import Database, among
from connector.ledger.forgetting import CONTACT, Forgotten
from connector.ledger.tables import links, records
from connector.model import Link

#: A link that came, went or got another label: the contact, the kind of the other record, its id.
Moved = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One association of a contact."""

    kind: str
    id: str
    labels: tuple[str, ...]
    seen: int


class Links:
    """The links of one connection's contacts."""

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

    def relink(self, kind: str, found: Mapping[str, Sequence[Link]], to: str, run: int) -> list[Moved]:
        """Replace the associations of these records towards `to`; contacts whose links changed become dirty, and which
        those are is returned."""
        if kind == CONTACT:
            new = {(id, to, link.to_id): link for id, those in found.items() for link in those}
            mine = sa.and_(links.c.kind == CONTACT, among(links.c.id), links.c.other_kind == to)
        elif to == CONTACT:
            new = {(link.to_id, kind, id): link for id, those in found.items() for link in those}
            # Not by `kind`, which is the same in every row: it would lure SQLite away from the index on the other end.
            mine = sa.and_(among(links.c.other_id), links.c.other_kind == kind)
        else:
            raise ValueError(f"links between {kind} and {to} concern no contact")
        with self._db.transaction():
            if self._forgotten.count():
                new = {key: link for key, link in new.items() if not self._forgotten.blocks(CONTACT, key[0])}
            return self._replace_links(tuple(found), new, mine, run)

    def _replace_links(self, ids: Sequence[str], new: Mapping[Moved, Link], mine: Any, run: int) -> list[Moved]:
        query = sa.select(links.c.id, links.c.other_kind, links.c.other_id, links.c.labels).where(
            links.c.connection == self._me, mine
        )
        old = {(id, kind, other_id): labels for id, kind, other_id, labels in self._db.rows_of(query, ids)}
        lost = [key for key in old if key not in new]
        fresh = {key: link for key, link in new.items() if key not in old or _labels(old[key]) != set(link.labels)}
        if lost:
            self._db.execute(
                sa.delete(links).where(
                    links.c.connection == self._me,
                    links.c.kind == CONTACT,
                    links.c.id == sa.bindparam("contact"),
                    links.c.other_kind == sa.bindparam("kind_there"),
                    links.c.other_id == sa.bindparam("there"),
                ),
                [{"contact": contact, "kind_there": kind, "there": there} for contact, kind, there in lost],
            )
        self._db.upsert(links, [self._link_row(key, link, run) for key, link in fresh.items()])
        moved = [*lost, *fresh]
        self._mark_dirty(sorted({contact for contact, _, _ in moved}))
        return moved

    def _link_row(self, key: Moved, link: Link, run: int) -> dict[str, Any]:
        contact, kind, there = key
        return {
            "connection": self._me,
            "kind": CONTACT,
            "id": contact,
            "other_kind": kind,
            "other_id": there,
            "labels": ";".join(link.labels),
            "seen": run,
        }

    # -- merges -------------------------------------------------------------------------------------

    def take(self, survivor: str, losers: Sequence[str], but_for: Sequence[str]) -> None:
        """What hung on contacts that were merged away hangs on the survivor, `but_for` kinds that are read with it."""
        query = sa.select(links.c.other_kind, links.c.other_id, links.c.labels, links.c.seen).where(
            links.c.connection == self._me, links.c.kind == CONTACT, among(links.c.id)
        )
        rows = [
            {
                "connection": self._me,
                "kind": CONTACT,
                "id": survivor,
                "other_kind": other_kind,
                "other_id": other_id,
                "labels": labels,
                "seen": seen,
            }
            for other_kind, other_id, labels, seen in self._db.rows_of(query, losers)
            if other_kind not in but_for
        ]
        self._db.upsert(links, rows)
        theirs = sa.delete(links).where(links.c.connection == self._me, links.c.kind == CONTACT, among(links.c.id))
        self._db.execute_of(theirs, losers)

    def relocate(self, kind: str, survivor: str, losers: Sequence[str]) -> None:
        """Contacts linked to a company or deal that was merged away are linked to the one that is left."""
        those = sa.and_(links.c.connection == self._me, links.c.other_kind == kind)
        query = sa.select(links.c.id, links.c.labels, links.c.seen).where(those, among(links.c.other_id))
        found = {id: (labels, seen) for id, labels, seen in self._db.rows_of(query, losers)}
        here = sa.select(links.c.id).where(those, links.c.other_id == survivor)
        there = {id for (id,) in self._db.rows(here)}
        row = {"connection": self._me, "kind": CONTACT, "other_kind": kind, "other_id": survivor}
        with self._db.transaction():
            self._db.upsert(
                links,
                [
                    {**row, "id": id, "labels": labels, "seen": seen}
                    for id, (labels, seen) in found.items()
                    if id not in there
                ],
            )
            self._db.execute_of(sa.delete(links).where(those, among(links.c.other_id)), losers)
            self._mark_dirty(sorted(found))

    # -- looking things up --------------------------------------------------------------------------

    def of(self, contact_ids: Sequence[str]) -> dict[str, list[LinkRow]]:
        """The links of these contacts; whoever has none is missing."""
        query = sa.select(links.c.id, links.c.other_kind, links.c.other_id, links.c.labels, links.c.seen).where(
            links.c.connection == self._me, links.c.kind == CONTACT, among(links.c.id)
        )
        found: dict[str, list[LinkRow]] = {}
        for id, other_kind, other_id, labels, seen in self._db.rows_of(query, contact_ids):
            row = LinkRow(other_kind, other_id, tuple(filter(None, labels.split(";"))), seen)
            found.setdefault(id, []).append(row)
        return found

    def contact_of(self, kind: str, id: str) -> str | None:
        """The living contact that a record of another kind hangs on, the first of several."""
        query = sa.select(links.c.id).where(
            links.c.connection == self._me, links.c.other_kind == kind, links.c.other_id == id
        )
        theirs = sa.select(records.c.id).where(
            records.c.connection == self._me, records.c.kind == CONTACT, records.c.gone == 0, records.c.id.in_(query)
        )
        return next((id for (id,) in self._db.rows(theirs.order_by(records.c.id).limit(1))), None)

    def linked(self, to: str, contact_ids: Sequence[str]) -> set[str]:
        """Those of these contacts that have a link of this kind."""
        query = sa.select(links.c.id).where(
            links.c.connection == self._me, links.c.kind == CONTACT, links.c.other_kind == to, among(links.c.id)
        )
        return {id for (id,) in self._db.rows_of(query, contact_ids)}

    def some_linked(self, to: str, limit: int) -> list[str]:
        """Some living contacts that have a link of this kind."""
        linked = sa.exists().where(
            links.c.connection == self._me,
            links.c.kind == CONTACT,
            links.c.id == records.c.id,
            links.c.other_kind == to,
        )
        query = sa.select(records.c.id).where(
            records.c.connection == self._me, records.c.kind == CONTACT, records.c.gone == 0, linked
        )
        return [id for (id,) in self._db.rows(query.order_by(records.c.id).limit(limit))]


def _labels(kept: str) -> set[str]:
    """Labels come in no promised order."""
    return set(filter(None, kept.split(";")))
