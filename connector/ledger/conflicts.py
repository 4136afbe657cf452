"""What the ledger knows of others: our values that were overwritten and set again, and people two accounts know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from connector.fields.places import place_of
from connector.ledger.database import Database, instant, unpack
from connector.ledger.mirror import CONTACT
from connector.ledger.tables import changes, connections, people, records
from connector.ledger.work import WRITTEN
from connector.model import ALWAYS

_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class TakenBack:
    """How often somebody changed a property of one person, and we wrote the same value again."""

    person_id: str
    property: str
    times: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Pair:
    """One person whom two accounts know by the same address, with the stage of the default track in each."""

    person_id: str
    stage: str | None
    other: str  # the connection
    other_id: str
    other_stage: str | None

    @property
    def same(self) -> bool:
        """Whether the accounts agree."""
        return self.stage == self.other_stage


class Conflicts:
    """Of one connection."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection

    def taken_back(self) -> list[TakenBack]:
        """Every property whose value others changed between two writes of the same value by us."""
        ours: dict[tuple[str, str], str] = {}
        found: dict[tuple[str, str], TakenBack] = {}
        for person_id, at, body in self._written():
            for _field, place, before, after in (unpack(body) or {}).get("sets", ()):
                key = (person_id, place)
                if key in ours and ours[key] != before and ours[key] == after:
                    times = found[key].times + 1 if key in found else 1
                    found[key] = TakenBack(person_id, place_of(place).property, times, instant(at) or ALWAYS)
                ours[key] = after
        return sorted(found.values(), key=lambda one: (one.property, one.person_id))

    def _written(self) -> Iterator[tuple[str, float | None, bytes | None]]:
        """Every write in the order of the runs, some thousand at a time: what was written stays for good."""
        after = (-1, "")
        while True:
            query = (
                sa.select(changes.c.run, changes.c.person_id, changes.c.at, changes.c.body)
                .where(
                    changes.c.connection == self._me,
                    changes.c.state == WRITTEN,
                    sa.or_(
                        changes.c.run > after[0], sa.and_(changes.c.run == after[0], changes.c.person_id > after[1])
                    ),
                    changes.c.run >= after[0],
                )
                .order_by(changes.c.run, changes.c.person_id)
                .limit(_CHUNK)
            )
            rows = self._db.rows(query)
            yield from ((person_id, at, body) for _, person_id, at, body in rows)
            if len(rows) < _CHUNK:
                return
            after = (rows[-1][0], rows[-1][1])

    def connections(self) -> int:
        """How many connections this state has people of."""
        query = sa.select(sa.func.count(sa.distinct(records.c.connection))).where(records.c.kind == CONTACT)
        return int(self._db.scalar(query) or 0)

    def pairs(self) -> list[Pair]:
        """People whom another connection of this state knows, too."""
        others = self._db.rows(
            sa.select(connections.c.connection)
            .where(connections.c.connection != self._me)
            .order_by(connections.c.connection)
        )
        found = [pair for (other,) in others for pair in self._pairs_with(other)]
        return sorted(found, key=lambda one: (one.person_id, one.other, one.other_id))

    def _pairs_with(self, other: str) -> list[Pair]:
        """One connection at a time, and no word of the kind: only so is an address looked up in its index, which is of
        connection and address. Only contacts have one."""
        here, there = records.alias("here"), records.alias("there")
        mine, theirs = people.alias("mine"), people.alias("theirs")
        same = sa.and_(
            there.c.connection == other,
            there.c.email_hash == here.c.email_hash,
            there.c.gone == 0,
        )
        query = (
            sa.select(here.c.id, mine.c.tracks, there.c.id, theirs.c.tracks)
            .select_from(
                here.join(there, same)
                .join(mine, sa.and_(mine.c.connection == here.c.connection, mine.c.id == here.c.id))
                .join(theirs, sa.and_(theirs.c.connection == there.c.connection, theirs.c.id == there.c.id))
            )
            .where(here.c.connection == self._me, here.c.kind == CONTACT, here.c.gone == 0)
        )
        return [
            Pair(id, _stage(tracks), other, other_id, _stage(other_tracks))
            for id, tracks, other_id, other_tracks in self._db.rows(query)
        ]


def _stage(tracks: bytes | None) -> str | None:
    """The stage of the first track: the lead type that everybody has."""
    told = unpack(tracks) or ()
    return told[0].get("stage") if told else None
