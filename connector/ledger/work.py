"""
Work in hand: planned changes, and properties that stand cleared.

A planned change is stored before the guard looks at the run and before anything is written; its row then carries
what became of it, which is what `explain`, `apply` and `revert` read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from connector.ledger.database import Database, among, instant, pack, stamp, unpack
from connector.ledger.mirror import CONTACT
from connector.ledger.tables import BEING_UNDONE, COUNTED, DIRTY, changes, clears, people, records, runs

if TYPE_CHECKING:
    from connector.plan import CauseCount

PLANNED, PARKED, WRITTEN, OBSERVED = "planned", "parked", "written", "observed"

#: A change that undoes another one and whose write has begun: whatever dies then, the next run carries it to its end.
UNDOING = "undoing"

#: How a change ends that its run does not take up again.
ENDS = (WRITTEN, PARKED, "rejected", "gone")

#: The code of a change whose write had begun when the program ended, and of which no outcome was recorded.
CUT_OFF = "cut_off"

#: So long before a run goes on its earlier life has ended, at the latest.
JUST_BEFORE = timedelta(milliseconds=1)

#: Verbs of runs that a person asked for, change by change: they take nobody's place in the budget.
REVIEWED = ("apply", "revert")


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One person's change as planned in a run; `body` is connector.plan's JSON of it."""

    person_id: str
    cause: str
    counted: bool
    overwrites: bool
    urgency: float
    body: Mapping[str, Any]
    state: str = PLANNED
    run: int = 0
    code: str = ""
    message: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenClear:
    """A property we emptied, or were about to, in order to set an earlier value."""

    person_id: str
    property: str
    before: str
    target: str


class Work:
    """Work in hand for one connection."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection

    # -- planned changes ----------------------------------------------------------------------------

    def plan(self, run: int, planned: Sequence[PlannedChange]) -> None:
        """Keep planned changes of a run; a person has one per run, the latest counts."""
        self._db.upsert(
            changes,
            [
                {
                    "connection": self._me,
                    "run": run,
                    "person_id": one.person_id,
                    "state": one.state,
                    "cause": one.cause,
                    "counted": int(one.counted),
                    "overwrites": int(one.overwrites),
                    "urgency": one.urgency,
                    "body": pack(dict(one.body)),
                    "code": "",
                    "message": "",
                    "at": None,
                }
                for one in planned
            ],
        )

    def by_cause(self, run: int) -> list[CauseCount]:
        """The whole run at a glance, before its first write."""
        from connector.plan import CauseCount  # noqa: PLC0415 - brings the agreement along, which `status` does without

        query = (
            sa.select(
                changes.c.cause,
                sa.func.sum(changes.c.counted),
                sa.func.sum(changes.c.overwrites),
                sa.func.count(),
            )
            .where(changes.c.connection == self._me, changes.c.run == run, changes.c.state == PLANNED)
            .group_by(changes.c.cause)
            .order_by(changes.c.cause)
        )
        return [CauseCount(cause, int(n), int(o), int(p)) for cause, n, o, p in self._db.rows(query)]

    def planned(self, run: int, state: str = PLANNED, limit: int = 1000, after: int = 0) -> list[PlannedChange]:
        """The next changes in this state, most urgent first; `after` so many others."""
        query = (
            sa.select(changes)
            .where(changes.c.connection == self._me, changes.c.run == run, changes.c.state == state)
            .order_by(changes.c.urgency.desc(), changes.c.person_id)
            .limit(limit)
            .offset(after)
        )
        return [_change(row) for row in self._db.rows(query)]

    def planned_ids(self, run: int, limit: int) -> list[str]:
        """Who comes next, in the order of `planned`."""
        query = (
            sa.select(changes.c.person_id)
            .where(changes.c.connection == self._me, changes.c.run == run, changes.c.state == PLANNED)
            .order_by(changes.c.urgency.desc(), changes.c.person_id)
            .limit(limit)
        )
        return [id for (id,) in self._db.rows(query)]

    def every(self, run: int, state: str | None = None) -> Iterator[PlannedChange]:
        """All changes of a run, page by page, by person id."""
        after = ""
        while True:
            query = sa.select(changes).where(
                changes.c.connection == self._me, changes.c.run == run, changes.c.person_id > after
            )
            if state is not None:
                query = query.where(changes.c.state == state)
            rows = self._db.rows(query.order_by(changes.c.person_id).limit(1000))
            if not rows:
                return
            yield from (_change(row) for row in rows)
            after = rows[-1].person_id

    def conclude(self, run: int, results: Sequence[tuple[str, str, str, str]], at: datetime) -> None:
        """What became of planned changes: (person id, state, code, message)."""
        people: dict[tuple[str, str, str], list[str]] = {}
        for person, state, code, message in results:
            people.setdefault((state, code, message), []).append(person)
        these = sa.update(changes).where(
            changes.c.connection == self._me, changes.c.run == run, among(changes.c.person_id)
        )
        with self._db.transaction():
            for (state, code, message), ids in people.items():
                self._db.execute_of(these.values(state=state, code=code, message=message, at=stamp(at)), ids)

    def states(self, run: int, since: datetime | None = None) -> dict[str, int]:
        """How many changes of a run ended in which state; `since` when, where it went on with what an earlier life of
        it had begun."""
        query = (
            sa.select(changes.c.state, sa.func.count())
            .where(changes.c.connection == self._me, changes.c.run == run)
            .group_by(changes.c.state)
        )
        if since is not None:
            query = query.where(sa.or_(changes.c.at.is_(None), changes.c.at >= stamp(since)), changes.c.code != CUT_OFF)
        return {state: int(n) for state, n in self._db.rows(query)}

    def left_to_write(self, run: int) -> int:
        """How many people a run may still write to: those planned, and whoever it has not come to an end with."""
        mine = sa.select(changes.c.person_id).where(changes.c.connection == self._me, changes.c.run == run)
        planned = sa.select(sa.func.count()).select_from(mine.where(changes.c.state == PLANNED).subquery())
        undecided = sa.select(sa.func.count()).where(
            records.c.connection == self._me,
            records.c.kind == CONTACT,
            DIRTY,
            records.c.gone == 0,
            records.c.id.not_in(mine.where(changes.c.state.in_((PLANNED, *ENDS)))),
        )
        return int(self._db.scalar(planned) or 0) + int(self._db.scalar(undecided) or 0)

    def counted_since(self, since: datetime) -> int:
        """Counted changes written since an instant: the rolling 24 hours of the change budget. What a person reviewed
        and released takes nobody's place."""
        reviewed = sa.select(runs.c.number).where(runs.c.connection == self._me, runs.c.verb.in_(REVIEWED))
        later = changes.alias("later")
        written_since = sa.exists().where(
            later.c.connection == self._me,
            later.c.person_id == changes.c.person_id,
            later.c.run > changes.c.run,
            later.c.state == WRITTEN,
        )
        query = sa.select(sa.func.count()).where(
            changes.c.connection == self._me,
            sa.or_(changes.c.state == WRITTEN, sa.and_(changes.c.code == CUT_OFF, ~written_since)),
            COUNTED,
            changes.c.at >= stamp(since),
            changes.c.run.not_in(reviewed),
        )
        return int(self._db.scalar(query) or 0)

    def note_cut_off(self, run: int, at: datetime) -> None:
        """Changes of a run that ended in the middle of writing them: they may stand in the CRM, and count in the budget
        like any other. Whether they do stand the next look finds out."""
        over = sa.select(runs.c.number).where(
            runs.c.connection == self._me,
            runs.c.number == run,
            runs.c.verb != "plan",
            runs.c.status.in_(("interrupted", "failed")),
        )
        self._cut_off(changes.c.run.in_(over), at)

    def plan_anew(self, run: int, at: datetime) -> None:
        """A run goes on that ended early: what it planned and did not write was decided under the circumstances of its
        earlier life, and is decided again. The people are still to be looked at. Whatever that life noted is of before,
        also where the clock was set back since."""
        with self._db.transaction():
            self._db.execute(
                sa.update(changes)
                .where(changes.c.connection == self._me, changes.c.run == run, changes.c.at >= stamp(at))
                .values(at=stamp(at - JUST_BEFORE))
            )
            self._cut_off(changes.c.run == run, at)
            rest = sa.delete(changes).where(
                changes.c.connection == self._me, changes.c.run == run, changes.c.state == PLANNED
            )
            self._db.execute(rest)

    def _cut_off(self, whose: sa.ColumnElement[bool], at: datetime) -> None:
        intended = sa.select(people.c.id).where(people.c.connection == self._me, people.c.intended.is_not(None))
        self._db.execute(
            sa.update(changes)
            .where(
                changes.c.connection == self._me,
                whose,
                changes.c.state == PLANNED,
                changes.c.person_id.in_(intended),
            )
            .values(state="unknown", code=CUT_OFF, message="the program ended while it was written", at=stamp(at))
        )

    def written_since(self, since: datetime, cause: str) -> int:
        """People whose change for one cause was written since an instant."""
        query = sa.select(sa.func.count()).where(
            changes.c.connection == self._me,
            changes.c.state == WRITTEN,
            changes.c.cause == cause,
            changes.c.at >= stamp(since),
        )
        return int(self._db.scalar(query) or 0)

    def changes_of(self, person_id: str, limit: int = 50) -> list[PlannedChange]:
        """What we changed, or would have changed, on one person; newest run first."""
        query = (
            sa.select(changes)
            .where(changes.c.connection == self._me, changes.c.person_id == person_id)
            .order_by(changes.c.run.desc())
            .limit(limit)
        )
        return [_change(row) for row in self._db.rows(query)]

    def written_from(self, run: int, ids: Sequence[str]) -> list[PlannedChange]:
        """What this run and all later ones wrote to these people, oldest first."""
        query = (
            sa.select(changes)
            .where(
                changes.c.connection == self._me,
                changes.c.run >= run,
                changes.c.state.in_((WRITTEN, UNDOING)),
                among(changes.c.person_id),
            )
            .order_by(changes.c.run)
        )
        return [_change(row) for row in self._db.rows_of(query, ids)]

    def of_run(self, run: int, ids: Sequence[str]) -> list[PlannedChange]:
        """What a run planned for these people."""
        query = sa.select(changes).where(
            changes.c.connection == self._me, changes.c.run == run, among(changes.c.person_id)
        )
        return [_change(row) for row in self._db.rows_of(query.order_by(changes.c.person_id), ids)]

    def undoing(self) -> list[PlannedChange]:
        """Changes that undo others and whose write had begun when a run died."""
        query = sa.select(changes).where(changes.c.connection == self._me, BEING_UNDONE)
        return [_change(row) for row in self._db.rows(query.order_by(changes.c.run, changes.c.person_id))]

    # -- open clears --------------------------------------------------------------------------------

    def open_clears(self) -> list[OpenClear]:
        """Properties that may stand empty because of us: finished before any other work."""
        query = (
            sa.select(clears.c.person_id, clears.c.property, clears.c.before, clears.c.target)
            .where(clears.c.connection == self._me)
            .order_by(clears.c.person_id)
        )
        return [OpenClear(*row) for row in self._db.rows(query)]

    def open_clear(self, one: OpenClear, run: int, at: datetime) -> None:
        """Before the clear: remember that a blank is ours to fill."""
        self._db.upsert(
            clears,
            [
                {
                    "connection": self._me,
                    "person_id": one.person_id,
                    "property": one.property,
                    "before": one.before,
                    "target": one.target,
                    "run": run,
                    "at": stamp(at),
                }
            ],
        )

    def close_clear(self, person_id: str, name: str) -> None:
        """The property holds a value again."""
        self._db.execute(
            sa.delete(clears).where(
                clears.c.connection == self._me, clears.c.person_id == person_id, clears.c.property == name
            )
        )


def _change(row: Any) -> PlannedChange:
    return PlannedChange(
        row.person_id,
        row.cause,
        bool(row.counted),
        bool(row.overwrites),
        row.urgency,
        unpack(row.body),
        row.state,
        row.run,
        row.code,
        row.message,
        instant(row.at),
    )
