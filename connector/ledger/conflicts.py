"""What the ledger knows of others: our values that were overwritten and set again, and people two accounts know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from connector.fields.places import place_of
from connector.ledger.counterparts import Counterpart, Counterparts
from connector.ledger.database import Database, instant, unpack
from connector.ledger.memories import Memory
from connector.ledger.mirror import CONTACT, Mirror
from connector.ledger.tables import changes, records
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
class Standing:
    """Where an account has somebody: the stage of the default track, since when, and what moved it there."""

    stage: str | None = None
    since: datetime | None = None  # None of somebody who was found there
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """One person whom two accounts know by the same address, with the stage in each."""

    person_id: str
    here: Standing
    other: str  # the connection
    other_id: str
    there: Standing

    @property
    def same(self) -> bool:
        """Whether the accounts agree."""
        return self.here.stage == self.there.stage

    @property
    def since(self) -> datetime | None:
        """Since when they stand as they do: the later move of the two; None where neither is known to have moved."""
        return max((one.since for one in (self.here, self.there) if one.since is not None), default=None)

    @property
    def moved_here(self) -> bool | None:
        """Whether it was here that somebody moved last; None where neither is known to have moved."""
        return None if self.since is None else self.here.since == self.since


class Conflicts:
    """Of one connection."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection
        self._mirror = Mirror(database, connection)
        self._counterparts = Counterparts(database, connection)

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
        """People whom another connection of this state knows, too, and who have been decided on in both."""
        found: list[Pair] = []
        after = ""
        while ids := self._mirror.contacts(after, _CHUNK):
            found += self._pairs_of(ids)
            after = ids[-1]
        return sorted(found, key=lambda one: (one.person_id, one.other, one.other_id))

    def _pairs_of(self, ids: Sequence[str]) -> Iterator[Pair]:
        counterparts = self._counterparts.of(ids)
        mine = self._standings(self._me, list(counterparts))
        theirs = {
            other: self._standings(other, sorted({one.id for one in those}))
            for other, those in _by_connection(one for several in counterparts.values() for one in several).items()
        }
        for id, several in counterparts.items():
            for one in several:
                if id in mine and one.id in theirs[one.connection]:
                    yield Pair(id, mine[id], one.connection, one.id, theirs[one.connection][one.id])

    def _standings(self, connection: str, ids: Sequence[str]) -> dict[str, Standing]:
        remembered = self._counterparts.remembered(connection, ids, imagined=True)
        return {id: _standing(memory) for id, memory in remembered.items()}


def _by_connection(found: Iterable[Counterpart]) -> dict[str, list[Counterpart]]:
    groups: dict[str, list[Counterpart]] = {}
    for one in found:
        groups.setdefault(one.connection, []).append(one)
    return groups


def _standing(memory: Memory) -> Standing:
    """By the first track: the lead type that everybody has."""
    track = memory.tracks[0] if memory.tracks else {}
    since = track.get("stage_since")
    return Standing(track.get("stage"), datetime.fromisoformat(since) if since else None, track.get("cause") or "")
