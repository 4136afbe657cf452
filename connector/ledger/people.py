"""
What we remember of each person: tracks, the value ledger, when to look again, and every move ever made.

`base` is each property's value as we last wrote it, or as it stood at first sight (stage and status only);
`intended` is what stood there and what was about to be written when a call went out. A live value equal to one of
these is ours, anything else is somebody's edit (G4). A track moves only in the transaction that records its decision
as confirmed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.fields.places import on_lead
from connector.ledger.database import Database, among, instant, pack, stamp, unpack
from connector.ledger.handoffs import HandOff, HandOffs
from connector.ledger.memories import NOTHING, Level, Memory, base_of, cycle_of, folded_tracks, on_leads, with_earlier
from connector.ledger.tables import ROUTE_DUE, SCORES_DUE, people, records, transitions
from connector.ledger.undone import UndoneParts
from connector.model import ALWAYS, Move


@dataclass(frozen=True, slots=True)
class Settled:
    """A decision that is confirmed in the CRM, or needed no write: what to remember of it."""

    person_id: str
    tracks: tuple[Mapping[str, Any], ...]
    base: Mapping[str, str]
    route_next_at: datetime | None
    score_next_at: datetime | None
    moves: tuple[Move, ...] = ()
    track_id: str = ""
    fingerprint: str = ""
    source: str | None = None  # where the person first came from
    hand_offs: tuple[HandOff, ...] = ()  # what is known of them now
    lets_go: bool = False  # what was undone of this person is over: decided anew


@dataclass(frozen=True, slots=True)
class Transition:
    """One line of the transition log."""

    at: datetime
    run: int
    move: Move
    fingerprint: str


def _lead_type(one: Settled, move: Move) -> str | None:
    """Of the track that moved; tracks are named by a digest, which nobody reads backwards."""
    moved = move.track_id or one.track_id
    return next((track["lead_type"] for track in one.tracks if track.get("id") == moved), None)


class People:
    """Memory of the people of one connection. Only the memory of what was really done keeps a log of moves."""

    def __init__(self, database: Database, connection: str, table: sa.Table = people) -> None:
        self._db = database
        self._me = connection
        self._table = table
        self._logs = table is people
        self._hand_offs = HandOffs(database, connection)
        self._undone = UndoneParts(database, connection)

    def remember(self, ids: Sequence[str]) -> dict[str, Memory]:
        """What we know of these people; unknown ones are missing."""
        query = sa.select(self._table.c.id, self._table.c.tracks, self._table.c.base, self._table.c.intended).where(
            self._table.c.connection == self._me, among(self._table.c.id)
        )
        return {
            id: Memory(
                tuple(unpack(tracks) or ()),
                unpack(base) or {},
                {name: tuple(texts) for name, texts in (unpack(intended) or {}).items()},
            )
            for id, tracks, base, intended in self._db.rows_of(query, ids)
        }

    def intend(self, intentions: Mapping[str, Mapping[str, tuple[str, str]]]) -> None:
        """Before the call: property -> (before, after). Either is ours to find later, whatever becomes of the call; so
        is what an earlier call was about whose end nobody knows yet."""
        open_ones = sa.select(self._table.c.id, self._table.c.intended).where(
            self._table.c.connection == self._me, self._table.c.intended.is_not(None), among(self._table.c.id)
        )
        with self._db.transaction():
            earlier = {id: unpack(intended) for id, intended in self._db.rows_of(open_ones, list(intentions))}
            self._db.upsert(
                self._table,
                [
                    {"connection": self._me, "id": id, "intended": pack(with_earlier(values, earlier.get(id) or {}))}
                    for id, values in intentions.items()
                ],
            )

    def settle(self, settled: Sequence[Settled], *, as_of: datetime, run: int) -> None:
        """After the outcome: tracks move, values become the new base, the moves enter the log."""
        with self._db.transaction():
            self._db.upsert(self._table, [self._row(one) for one in settled])
            if self._logs:
                moved = [self._transition(one, move, as_of, run) for one in settled for move in one.moves]
                self._db.execute(sa.insert(transitions), moved)
                self._undone.drop([one.person_id for one in settled if one.lets_go])
                self._hand_offs.note([each for one in settled for each in one.hand_offs], as_of=as_of, run=run)

    def _row(self, one: Settled) -> dict[str, Any]:
        return {
            "connection": self._me,
            "id": one.person_id,
            "tracks": pack(list(one.tracks)),
            "base": pack(dict(one.base)),
            "intended": None,
            "route_next_at": stamp(one.route_next_at),
            "score_next_at": stamp(one.score_next_at),
        }

    def _transition(self, one: Settled, move: Move, as_of: datetime, run: int) -> dict[str, Any]:
        return {
            "connection": self._me,
            "person_id": one.person_id,
            "track_id": move.track_id or one.track_id,
            "run": run,
            "at": stamp(as_of),
            "what": move.what,
            "before": move.before,
            "after": move.after,
            "cause": move.cause,
            "because": move.because,
            "passed_through": pack(list(move.passed_through)),
            "fingerprint": one.fingerprint,
            "lead_type": _lead_type(one, move),
            "source": one.source,
        }

    def look_again(self, instants: Mapping[str, tuple[datetime | None, datetime | None]]) -> None:
        """When to look at people again whose decision is not settled: id -> (route, score)."""
        self._db.execute(
            sa.update(self._table)
            .where(self._table.c.connection == self._me, self._table.c.id == sa.bindparam("whose"))
            .values(route_next_at=sa.bindparam("route"), score_next_at=sa.bindparam("score")),
            [{"whose": id, "route": stamp(route), "score": stamp(score)} for id, (route, score) in instants.items()],
        )

    def wake(self, as_of: datetime, *, scores: bool) -> int:
        """Mark those whose decision changes by the mere passing of time; returns how many. The hour of displayed
        scores also takes those along whose decision is due."""
        column = self._table.c.score_next_at if scores else self._table.c.route_next_at
        due = sa.select(self._table.c.id).where(self._table.c.connection == self._me, column <= stamp(as_of))
        return self._db.execute(
            sa.update(records)
            .where(
                records.c.connection == self._me,
                records.c.kind == "contact",
                records.c.gone == 0,
                records.c.dirty.in_((0, ROUTE_DUE) if scores else (0,)),
                records.c.id.in_(due),
            )
            .values(dirty=SCORES_DUE if scores else ROUTE_DUE)
        )

    def next_due(self, after: datetime) -> datetime | None:
        """The soonest instant after this one at which a decision changes by the mere passing of time.

        Who is due already and still not settled (parked, held up, set aside) waits for the next planned run.
        """
        lives = sa.exists().where(
            records.c.connection == self._me,
            records.c.kind == "contact",
            records.c.id == self._table.c.id,
            records.c.gone == 0,
        )
        query = (
            sa.select(self._table.c.route_next_at)
            .where(self._table.c.connection == self._me, self._table.c.route_next_at > stamp(after), lives)
            .order_by(self._table.c.route_next_at)
            .limit(1)
        )
        return instant(self._db.scalar(query))

    def fold(
        self,
        survivor: str,
        losers: Sequence[str],
        *,
        live: Mapping[str, str | None] | None = None,
        as_of: datetime,
        run: int,
        level: Level | None = None,
    ) -> None:
        """A merge: per lead type the survivor keeps its own track, or takes that of the loser with most hand-offs where
        it has none; hand-offs and returns are counted on from the highest of all, and a stage was entered when it
        was first (case 38). `live` are the survivor's properties: they tell which of our values it took over. `level`
        tells how far a stage is, where the losers go on as leads of the survivor."""
        memory = self.remember([survivor, *losers])
        mine = memory.pop(survivor, NOTHING)
        if not memory:
            return
        tracks = folded_tracks(mine, tuple(memory.values()), level)
        before = {track["id"]: cycle_of(track) for one in (mine, *memory.values()) for track in one.tracks}
        cycles = {track["id"]: (before[track["id"]], cycle_of(track)) for track in tracks}
        with self._db.transaction():
            base = base_of(mine, tuple(memory.values()), live or {})
            intended = {**on_leads(tuple(memory.values()), lambda one: one.intended), **mine.intended}
            row = {"connection": self._me, "id": survivor, "tracks": pack(tracks), "base": pack(base)}
            self._db.upsert(self._table, [{**row, "intended": pack(intended) if intended else None}])
            self._db.execute_of(
                sa.delete(self._table).where(self._table.c.connection == self._me, among(self._table.c.id)), losers
            )
            if not self._logs:
                return
            theirs = sa.update(transitions).where(transitions.c.connection == self._me, among(transitions.c.person_id))
            self._db.execute_of(theirs.values(person_id=survivor), losers)
            self._hand_offs.fold(survivor, losers, cycles, as_of=as_of, run=run)

    def keep_on_leads(self, survivor: str, leads: Sequence[str], properties: Collection[str]) -> None:
        """Before a merge: what we wrote to these, who go on as leads of the survivor, still stands on them."""
        memory = self.remember([survivor, *leads]) if leads else {}
        mine = memory.pop(survivor, NOTHING)
        if not memory:
            return
        base, intended = dict(mine.base), dict(mine.intended)
        for id, theirs in memory.items():
            base |= {on_lead(id, name): text for name, text in theirs.base.items() if name in properties}
            intended |= {on_lead(id, name): texts for name, texts in theirs.intended.items() if name in properties}
        row = {"connection": self._me, "id": survivor, "base": pack(base)}
        self._db.upsert(self._table, [{**row, "intended": pack(intended) if intended else None}])

    def copy_from(self, other: People) -> None:
        """Remember exactly what another memory holds."""
        columns = [column.name for column in self._table.columns]
        theirs = sa.select(*(other._table.c[name] for name in columns)).where(other._table.c.connection == self._me)
        with self._db.transaction():
            self.clear()
            self._db.execute(sa.insert(self._table).from_select(columns, theirs))

    def clear(self) -> None:
        """Remember nobody."""
        self._db.execute(sa.delete(self._table).where(self._table.c.connection == self._me))

    def forget_base(self, id: str, names: Sequence[str]) -> None:
        """What stands in these properties is no longer measured against what we wrote: a hold was released."""
        memory = self.remember([id]).get(id, NOTHING)
        base = {name: value for name, value in memory.base.items() if name not in names}
        self._db.upsert(self._table, [{"connection": self._me, "id": id, "base": pack(base), "intended": None}])

    def step_back(self, id: str, tracks: Sequence[Mapping[str, Any]] | None) -> None:
        """The tracks are again what they were; None leaves them as they are."""
        if tracks is not None:
            self._db.upsert(self._table, [{"connection": self._me, "id": id, "tracks": pack(list(tracks))}])

    def transitions(self, id: str) -> list[Transition]:
        """Every move of one person, oldest first."""
        query = (
            sa.select(transitions)
            .where(transitions.c.connection == self._me, transitions.c.person_id == id)
            .order_by(transitions.c.number)
        )
        return [
            Transition(
                instant(row.at) or ALWAYS,
                row.run,
                Move(
                    row.what,
                    row.before,
                    row.after,
                    row.cause,
                    row.because,
                    tuple(unpack(row.passed_through)),
                    row.track_id,
                ),
                row.fingerprint,
            )
            for row in self._db.rows(query)
        ]

    def count(self) -> int:
        """How many people have been decided on."""
        query = sa.select(sa.func.count()).where(self._table.c.connection == self._me)
        return int(self._db.scalar(query) or 0)
