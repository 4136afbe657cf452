"""
Merges (G9): the history of a record that became part of another one goes on as the other's.

Whatever hangs on the record that is gone goes over: tracks, hand-offs, moves, written changes, tasks sent or about to
be, open clears, holds, the place in a queue, occurrences, links. Each merge is folded once, whoever tells of it how
often: the one that is left goes on listing those it swallowed for ever, and one of them may be restored some day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.fields.places import LEAD
from connector.ledger.database import Database, among, stamp
from connector.ledger.holds import Holds, Reversals
from connector.ledger.memories import Level
from connector.ledger.mirror import CONTACT, Mirror
from connector.ledger.observing import Observations
from connector.ledger.people import People
from connector.ledger.tables import (
    addresses,
    aside,
    changes,
    clears,
    losses,
    merges,
    records,
    rejects,
    tasks,
    undone,
)
from connector.ledger.work import PLANNED

#: Linked records that are read together with a contact: its own word on them is newer than what is folded.
_READ_WITH_CONTACTS = ("company", "deal", "lead")


@dataclass(frozen=True, slots=True)
class GoingOn:
    """How records go on that become leads of another: the properties that are kept on leads, and how far a stage is."""

    properties: Collection[str]
    level: Level


class Folding:
    """The merges of one connection."""

    def __init__(
        self,
        database: Database,
        connection: str,
        mirror: Mirror,
        memories: tuple[People, People],
        observations: Observations,
        holds: Holds,
        reversals: Reversals,
    ) -> None:
        self._db = database
        self._me = connection
        self._mirror = mirror
        self._memories = memories
        self._observations = observations
        self._holds = holds
        self._reversals = reversals

    # -- what is known -------------------------------------------------------------------------------------------

    def pending(self, kind: str, merged: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
        """Survivor -> those of its merged ids whose history has not gone over to it yet. Whoever was restored after
        a merge is somebody of their own again."""
        asked = sorted({id for ids in merged.values() for id in ids})
        if not asked:
            return {}
        alive = self._mirror.alive(kind, asked)
        known = {id for (id,) in self._db.rows_of(self._known(kind), asked)}
        folded = self.survivors(kind, asked)
        remembered = {id for memory in self._memories for id in memory.remember(asked)} if kind == CONTACT else set()
        fresh = {id for id in asked if (id in known if id not in folded else id not in alive and id in remembered)}
        found = {one: tuple(id for id in ids if id in fresh and id != one) for one, ids in merged.items()}
        return {one: ids for one, ids in found.items() if ids}

    def _known(self, kind: str) -> sa.Select[Any]:
        return sa.select(records.c.id).where(
            records.c.connection == self._me, records.c.kind == kind, among(records.c.id)
        )

    def survivors(self, kind: str, ids: Sequence[str]) -> dict[str, str]:
        """Which of these became part of which record, as was folded."""
        query = sa.select(merges.c.id, merges.c.survivor).where(
            merges.c.connection == self._me, merges.c.kind == kind, among(merges.c.id)
        )
        return dict(tuple(row) for row in self._db.rows_of(query, ids))

    def survivor_of(self, kind: str, id: str) -> str | None:
        """The record that a merged one lives on in, chains followed; None of one that was never merged."""
        seen = {id}
        found: str | None = None
        while (following := self.survivors(kind, [id]).get(id)) is not None and following not in seen:
            found = id = following
            seen.add(id)
        return found

    def lives_on_in(self, kind: str, ids: Sequence[str]) -> dict[str, str]:
        """Those of these who became part of another record, each with the one that is left, chains followed. Whoever
        was restored after a merge is somebody of their own again."""
        folded = self.survivors(kind, ids)
        alive = self._mirror.alive(kind, list(folded))
        return {id: self.survivor_of(kind, id) or id for id in folded if id not in alive}

    def with_losers(self, kind: str, ids: Sequence[str]) -> list[str]:
        """Those of these that others became part of."""
        query = sa.select(merges.c.survivor).where(
            merges.c.connection == self._me, merges.c.kind == kind, among(merges.c.survivor)
        )
        return sorted({id for (id,) in self._db.rows_of(query, ids)})

    def losers(self, kind: str, survivor: str) -> list[str]:
        """Whoever became part of this record, chains followed."""
        found: list[str] = []
        asked = [survivor]
        while asked:
            query = sa.select(merges.c.id).where(
                merges.c.connection == self._me, merges.c.kind == kind, among(merges.c.survivor)
            )
            asked = [id for (id,) in self._db.rows_of(query, asked) if id not in found and id != survivor]
            found += asked
        return found

    # -- folding -------------------------------------------------------------------------------------------------

    def fold(
        self,
        kind: str,
        survivor: str,
        losers: Sequence[str],
        *,
        live: Mapping[str, str | None],
        as_of: datetime,
        now: datetime,
        run: int,
        leads: GoingOn | None = None,
    ) -> None:
        """Everything of these goes over to the survivor, which is looked at again. `live` are its properties now.
        `leads`: where the CRM has such, how losers go on who are leads of the survivor from now on."""
        with self._db.transaction():
            self._note(kind, survivor, losers, now, run)
            if kind == CONTACT:
                going_on = self._leads_among(survivor, losers) if leads is not None else []
                level = leads.level if leads is not None and going_on else None
                if leads is not None and going_on:
                    self._keep_on_leads(survivor, going_on, leads.properties)
                for memory in self._memories:
                    memory.fold(survivor, losers, live=live, as_of=as_of, run=run, level=level)
                self._observations.fold(survivor, losers)
                self._fold_work(survivor, losers)
                self._mirror.occurrences.take(survivor, losers)
                self._mirror.links.take(survivor, losers, _READ_WITH_CONTACTS)
                self._mirror.mark_gone(kind, losers)
                self._mirror.mark_dirty([survivor])
            else:
                self._mirror.links.relocate(kind, survivor, losers)
                self._mirror.mark_gone(kind, losers)
            self._drop(losses, losses.c.id, losers, losses.c.kind == kind)
            self._drop(rejects, rejects.c.id, losers, rejects.c.kind == kind)

    def _keep_on_leads(self, survivor: str, leads: Sequence[str], properties: Collection[str]) -> None:
        """What stands on their records still does, whoever's leads these are: our values, and those of others."""
        for memory in self._memories:
            memory.keep_on_leads(survivor, leads, properties)
        self._holds.go_to_leads(leads, properties)
        self._reversals.go_to_leads(survivor, leads, properties)

    def _leads_among(self, survivor: str, losers: Sequence[str]) -> list[str]:
        """Those who go on as leads of the survivor: what stood on their records still does."""
        linked = {one.id for one in self._mirror.links.of([survivor]).get(survivor, ()) if one.kind == LEAD}
        return [id for id in losers if id in linked]

    def _note(self, kind: str, survivor: str, losers: Sequence[str], now: datetime, run: int) -> None:
        rows = [
            {"connection": self._me, "kind": kind, "id": id, "survivor": survivor, "run": run, "at": stamp(now)}
            for id in losers
        ]
        self._db.upsert(merges, rows)

    def _fold_work(self, survivor: str, losers: Sequence[str]) -> None:
        """Work in hand. Where the survivor has its own, that stands."""
        self._db.execute_of(self._of(sa.update(tasks), tasks).values(person_id=survivor), losers)
        # What was cleared may stand blank on the survivor, too; its own value is nobody's to clear (see Backwards).
        self._take(clears, clears.c.property, survivor, losers, {"before": ""})
        self._holds.fold(survivor, losers)
        self._reversals.fold(survivor, losers)
        self._take(addresses, addresses.c.email_hash, survivor, losers)
        self._take(aside, None, survivor, losers)
        self._take(undone, None, survivor, losers)  # what a revert took back is not said again of the survivor either
        self._take(changes, changes.c.run, survivor, losers, among_these=changes.c.state != PLANNED, drop=False)

    def _take(
        self,
        table: sa.Table,
        key: sa.Column[Any] | None,
        survivor: str,
        losers: Iterable[str],
        values: Mapping[str, Any] | None = None,
        *,
        among_these: sa.ColumnElement[bool] | None = None,
        drop: bool = True,
    ) -> None:
        """Rows of those who are gone become the survivor's, one loser after the other, save where it has that row."""
        mine = table.alias("mine")
        taken = sa.exists().where(
            mine.c.connection == self._me,
            mine.c.person_id == survivor,
            *(() if key is None else (mine.c[key.name] == key,)),
        )
        for loser in losers:
            theirs = [table.c.connection == self._me, table.c.person_id == loser]
            movable = [*theirs, ~taken, *(() if among_these is None else (among_these,))]
            self._db.execute(sa.update(table).where(*movable).values(person_id=survivor, **(values or {})))
            if drop:
                self._db.execute(sa.delete(table).where(*theirs))

    def _of(self, statement: Any, table: sa.Table) -> Any:
        return statement.where(table.c.connection == self._me, among(table.c.person_id))

    def _drop(self, table: sa.Table, column: sa.Column[Any], ids: Sequence[str], *more: sa.ColumnElement[bool]) -> None:
        self._db.execute_of(sa.delete(table).where(table.c.connection == self._me, among(column), *more), ids)
