"""What the ledger knows of others: our values that were overwritten and set again, and people two accounts know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from connector.ledger.database import Database, instant, unpack
from connector.ledger.tables import changes, people, records
from connector.ledger.work import WRITTEN
from connector.model import ALWAYS


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
        query = (
            sa.select(changes.c.person_id, changes.c.at, changes.c.body)
            .where(changes.c.connection == self._me, changes.c.state == WRITTEN)
            .order_by(changes.c.run)
        )
        ours: dict[tuple[str, str], str] = {}
        found: dict[tuple[str, str], TakenBack] = {}
        for person_id, at, body in self._db.rows(query):
            for _field, name, before, after in (unpack(body) or {}).get("sets", ()):
                key = (person_id, name)
                if key in ours and ours[key] != before and ours[key] == after:
                    times = found[key].times + 1 if key in found else 1
                    found[key] = TakenBack(person_id, name, times, instant(at) or ALWAYS)
                ours[key] = after
        return sorted(found.values(), key=lambda one: (one.property, one.person_id))

    def connections(self) -> int:
        """How many connections this state has people of."""
        query = sa.select(sa.func.count(sa.distinct(records.c.connection))).where(records.c.kind == "contact")
        return int(self._db.scalar(query) or 0)

    def pairs(self) -> list[Pair]:
        """People whom another connection of this state knows, too."""
        here, there = records.alias("here"), records.alias("there")
        mine, theirs = people.alias("mine"), people.alias("theirs")
        query = (
            sa.select(here.c.id, mine.c.tracks, there.c.connection, there.c.id, theirs.c.tracks)
            .select_from(
                here.join(
                    there,
                    sa.and_(
                        there.c.email_hash == here.c.email_hash,
                        there.c.connection != here.c.connection,
                        there.c.kind == "contact",
                        there.c.gone == 0,
                    ),
                )
                .join(mine, sa.and_(mine.c.connection == here.c.connection, mine.c.id == here.c.id))
                .join(theirs, sa.and_(theirs.c.connection == there.c.connection, theirs.c.id == there.c.id))
            )
            .where(here.c.connection == self._me, here.c.kind == "contact", here.c.gone == 0)
            .order_by(here.c.id, there.c.connection, there.c.id)
        )
        return [
            Pair(id, _stage(tracks), other, other_id, _stage(other_tracks))
            for id, tracks, other, other_id, other_tracks in self._db.rows(query)
        ]


def _stage(tracks: bytes | None) -> str | None:
    """The stage of the first track: the lead type that everybody has."""
    told = unpack(tracks) or ()
    return told[0].get("stage") if told else None
