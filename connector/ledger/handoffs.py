"""
The log of hand-offs: for every cycle of a track, what was known of it and when it was learned.

Rows are only ever added, in the transaction that records the decision; so what a report said of a closed period can
be said again, and what came later is told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.ledger.database import Database, among, pack, stamp, unpack
from connector.ledger.tables import handoffs

#: How sales turned a hand-off down.
TURNED_DOWN = ("returned", "rejected")

#: The record became part of another one, whose own path goes on: nobody did or left anything.
MERGED = "merged"

#: The run that handed over was undone: nobody left anything undone, and nobody turned anything down.
UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class HandOff:
    """One cycle of a track: who was handed over by which rule, to whom, and what became of it so far.

    `owner_id` is whose it was when it was first touched, or is now. `outcome` is how the cycle ended: returned,
    rejected, exhausted, faded, lost (the last deal), moved (by hand), merged (with a record whose own hand-off goes
    on), undone (the run that made it) or ended.
    """

    person_id: str
    track_id: str
    cycle: int
    handed_over_at: datetime
    lead_type: str = ""
    rule: str = ""
    stage: str | None = None
    source: str | None = None
    grade: str | None = None
    fit: float | None = None
    engagement: float | None = None
    complete: bool | None = None  # nothing that rules ask for was unknown
    triggered_at: datetime | None = None  # the signal that it answers
    fingerprint: str = ""
    owner_id: str | None = None
    sla_class: str | None = None
    assigned_at: datetime | None = None
    due_at: datetime | None = None
    unowned_at: datetime | None = None  # since when it was nobody's
    answer_due_at: datetime | None = None
    decided_at: datetime | None = None  # when sales said, or the path showed, what becomes of the person
    paused_at: datetime | None = None
    attempts: int = 0
    first_attempt_at: datetime | None = None
    contact_at: datetime | None = None
    answered_at: datetime | None = None
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None
    rejection: str | None = None
    excluded: str | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Which cycle of which track."""
        return self.track_id, self.cycle

    @property
    def touched_at(self) -> datetime | None:
        """When the follow-up happened: an attempt, the person's own contact, or an answer on the record."""
        return min((at for at in (self.first_attempt_at, self.contact_at, self.answered_at) if at), default=None)

    @property
    def worked(self) -> bool:
        """Whether sales did anything at all."""
        return bool(self.attempts or self.touched_at or self.accepted_at)

    @property
    def began(self) -> bool:
        """Whether its beginning was seen: by which rule it was handed over."""
        return bool(self.rule)

    @property
    def decided(self) -> bool:
        """Whether sales said yes or no."""
        return self.accepted_at is not None or self.decided_at is not None or self.outcome in TURNED_DOWN


_NAMES = tuple(each.name for each in fields(HandOff))
_INSTANTS = tuple(each.name for each in fields(HandOff) if "datetime" in str(each.type))

#: Said once, when it happens; later looks do not know it any more, or know another one.
_AT_THE_BEGINNING = (
    *("rule", "stage", "source", "grade", "fit", "engagement", "complete", "triggered_at", "fingerprint"),
    *("accepted_at", "excluded"),
)


def to_json(one: HandOff) -> dict[str, Any]:
    """As JSON-able values; blanks are left out."""
    said = {name: getattr(one, name) for name in _NAMES}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in said.items()
        if value is not None and value != ""
    }


def from_json(said: Mapping[str, Any]) -> HandOff:
    """What `to_json` wrote; keys it does not know are ignored."""
    values = {name: value for name, value in said.items() if name in _NAMES}
    for name in _INSTANTS:
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    return HandOff(**values)


def joined(before: HandOff | None, now: HandOff) -> HandOff:
    """What is known once `now` was learned. A cycle that has ended learns two things more: the reason of a refusal that
    sales filled in afterwards, and calls from within it that were logged late."""
    if before is None:
        return now
    if before.ended_at is not None:
        unreasoned = before.outcome in TURNED_DOWN and before.rejection is None
        known = replace(before, rejection=now.rejection) if unreasoned else before
        if now.ended_at != before.ended_at:
            return known
        tried = {name: getattr(now, name) for name in ("attempts", "first_attempt_at", "contact_at")}
        return replace(known, **tried)
    kept = {name: value for name in _AT_THE_BEGINNING if (value := getattr(before, name)) not in (None, "")}
    if before.touched_at is not None:
        kept["owner_id"] = before.owner_id  # whoever takes over later has nothing to answer for (case 49)
    return replace(now, **kept)


class HandOffs:
    """The hand-offs of one connection."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection

    def note(self, found: Sequence[HandOff], *, as_of: datetime, run: int) -> None:
        """Learn of these; what says nothing new leaves no row."""
        if not found:
            return
        with self._db.transaction():
            known = self.of([one.person_id for one in found])
            learned = [(joined(known.get(one.key), one), known.get(one.key)) for one in found]
            rows = [self._row(one, as_of, run) for one, before in learned if one != before and one.began]
            self._db.execute(sa.insert(handoffs), rows)

    def _row(self, one: HandOff, as_of: datetime, run: int) -> dict[str, Any]:
        return {
            "connection": self._me,
            "person_id": one.person_id,
            "track_id": one.track_id,
            "cycle": one.cycle,
            "run": run,
            "at": stamp(as_of),
            "body": pack(to_json(one)),
        }

    def of(self, ids: Sequence[str]) -> dict[tuple[str, int], HandOff]:
        """What is known of the hand-offs of these people: (track, cycle) -> hand-off."""
        query = (
            sa.select(*_ROW)
            .where(handoffs.c.connection == self._me, among(handoffs.c.person_id))
            .order_by(handoffs.c.number)
        )
        return _latest(self._db.rows_of(query, sorted(set(ids))))

    def every(self, known_by: datetime | None = None) -> list[HandOff]:
        """All of them, oldest first: as known now, or as known at an instant."""
        query = sa.select(*_ROW).where(handoffs.c.connection == self._me)
        if known_by is not None:
            query = query.where(handoffs.c.at <= stamp(known_by))
        found = _latest(self._db.rows(query.order_by(handoffs.c.number)))
        return sorted(found.values(), key=lambda one: (one.handed_over_at, one.person_id, one.track_id, one.cycle))

    def fold(
        self, survivor: str, losers: Sequence[str], cycles: Mapping[str, tuple[int, int]], *, as_of: datetime, run: int
    ) -> None:
        """A merge: the hand-offs of those who are gone are the survivor's; the tracks keep their own names.

        `cycles` are the tracks that go on, each with the number of its hand-off before and from now on: what is open
        there goes on under the new number, and what is open on any other track ends here, since nobody follows it.
        """
        everybody = [survivor, *losers]
        open_ = [one for key, one in self.of(everybody).items() if one.ended_at is None and key[0] not in cycles]
        ended = [replace(one, person_id=survivor, ended_at=as_of, outcome=MERGED) for one in open_]
        theirs = sa.and_(handoffs.c.connection == self._me, among(handoffs.c.person_id))
        with self._db.transaction():
            self._db.execute(sa.insert(handoffs), [self._row(one, as_of, run) for one in ended])
            for track_id, (before, now) in cycles.items():
                if before != now:
                    mine = sa.and_(theirs, handoffs.c.track_id == track_id, handoffs.c.cycle == before)
                    self._db.execute_of(sa.update(handoffs).where(mine).values(cycle=now), everybody)
            self._db.execute_of(sa.update(handoffs).where(theirs).values(person_id=survivor), losers)


_ROW = (handoffs.c.person_id, handoffs.c.cycle, handoffs.c.body)


def _latest(rows: Iterable[Any]) -> dict[tuple[str, int], HandOff]:
    """The last row of each cycle; a merge renamed whose it is, and may have given it another number."""
    found = (replace(from_json(unpack(body)), person_id=person_id, cycle=cycle) for person_id, cycle, body in rows)
    return {one.key: one for one in found}
