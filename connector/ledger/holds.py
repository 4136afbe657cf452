"""
Values of others that we leave alone, until when and for which reason, and how often our own were set back (G4).

A hold of kind `edit` has an end, or none where the agreement says so; one of kind `conflict` stands until a person
releases it: another system set our value back twice, and a third write would only go on with the quarrel. A reversal
is counted once for each write of ours: `standing` says that nothing of ours was confirmed since the last one.
"""

from __future__ import annotations

import builtins
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.fields.places import is_on_lead, on_lead, place_of
from connector.ledger.database import Database, among, instant, stamp
from connector.ledger.tables import holds, records, reversals
from connector.model import ALWAYS, CONFLICT, EDIT

#: A person and a property.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Hold:
    """Somebody else's value that we leave alone until `until` (None: until it is released)."""

    person_id: str
    property: str
    live: str
    ours: str
    since: datetime
    until: datetime | None
    code: str = EDIT
    by: str = "unknown"  # as in model.Edit
    source: str = ""  # the writer in the CRM's own words
    name: str = ""  # of the writer, where the CRM tells it
    set_at: datetime | None = None  # when they set it, by the CRM's history


@dataclass(frozen=True, slots=True)
class Reversal:
    """How often another system set one of our values back."""

    person_id: str
    property: str
    times: int
    standing: bool
    by: str = "other"
    source: str = ""
    name: str = ""
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Frozen:
    """One writer that we stopped fighting over one property, and over how many people."""

    property: str
    by: str
    source: str
    name: str
    people: int
    since: datetime

    @builtins.property  # a field here has the name of the decorator
    def key(self) -> tuple[str, str, str]:
        """What tells this quarrel from others."""
        return self.property, self.by, self.source if " " in self.source else f"{self.source} {self.name}".strip()


class Holds:
    """The holds of one connection."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection

    def of(self, ids: Sequence[str]) -> list[Hold]:
        """Those on these people."""
        query = sa.select(holds).where(holds.c.connection == self._me, among(holds.c.person_id))
        return [_hold(row) for row in self._db.rows_of(query, ids)]

    def every(self, person_id: str | None = None, property: str | None = None) -> list[Hold]:
        """All of them, or those on one person or one property; the oldest first. Who is gone has none."""
        query = sa.select(holds).where(*self._here())
        if person_id is not None:
            query = query.where(holds.c.person_id == person_id)
        if property is not None:
            query = query.where(_named(holds.c.property, property, on_lead("%", property)))
        return [_hold(row) for row in self._db.rows(query.order_by(holds.c.since, holds.c.person_id, holds.c.property))]

    def count(self) -> int:
        """How many there are."""
        return int(self._db.scalar(sa.select(sa.func.count()).select_from(holds).where(*self._here())) or 0)

    def _here(self) -> tuple[sa.ColumnElement[bool], ...]:
        gone = sa.exists().where(
            records.c.connection == self._me,
            records.c.kind == "contact",
            records.c.id == holds.c.person_id,
            records.c.gone == 1,
        )
        return holds.c.connection == self._me, sa.not_(gone)

    def put(self, found: Sequence[Hold], run: int) -> None:
        """Leave these values alone until their time."""
        self._db.upsert(
            holds,
            [
                {
                    "connection": self._me,
                    "person_id": one.person_id,
                    "property": one.property,
                    "live": one.live,
                    "ours": one.ours,
                    "since": stamp(one.since),
                    "until": stamp(one.until),
                    "run": run,
                    "code": one.code,
                    "by": one.by,
                    "source": one.source,
                    "name": one.name,
                    "set_at": stamp(one.set_at),
                }
                for one in found
            ],
        )

    def drop(self, keys: Iterable[Key]) -> None:
        """These are over."""
        _delete(self._db, holds, self._me, keys)

    def name(self, names: Mapping[tuple[str, str], str]) -> None:
        """What the writers of conflicts are called: (property, source) -> name."""
        self._db.execute(
            sa.update(holds)
            .where(
                holds.c.connection == self._me,
                holds.c.code == CONFLICT,
                _named(holds.c.property, sa.bindparam("which"), sa.bindparam("on_leads")),
                holds.c.source == sa.bindparam("whose"),
            )
            .values(name=sa.bindparam("called")),
            [
                {"which": name, "on_leads": on_lead("%", name), "whose": source, "called": called}
                for (name, source), called in names.items()
            ],
        )

    def frozen(self) -> list[Frozen]:
        """Whom we stopped fighting, the most people first. A writer without a number of its own is told by its name."""
        people = sa.func.count()
        query = (
            sa.select(holds.c.property, holds.c.by, holds.c.source, holds.c.name, people, sa.func.min(holds.c.since))
            .where(holds.c.connection == self._me, holds.c.code == CONFLICT)
            .group_by(holds.c.property, holds.c.by, holds.c.source, holds.c.name)
        )
        groups: dict[tuple[str, str, str], Frozen] = {}
        for place, by, source, called, number, since in self._db.rows(query):
            name = place_of(place).property
            one = Frozen(name, by or "other", source or "", called or "", int(number), instant(since) or ALWAYS)
            before = groups.get(one.key)
            if before is not None:
                both = before.people + one.people
                one = replace(one, name=one.name or before.name, people=both, since=min(one.since, before.since))
            groups[one.key] = one
        return sorted(groups.values(), key=lambda one: (-one.people, one.key))

    def go_to_leads(self, ids: Sequence[str], properties: Collection[str]) -> None:
        """What is held of these stays held on them, who go on as leads of somebody."""
        for one in self.of(ids):
            if one.property in properties:
                these = (
                    holds.c.connection == self._me,
                    holds.c.person_id == one.person_id,
                    holds.c.property == one.property,
                )
                place = on_lead(one.person_id, one.property)
                self._db.execute(sa.update(holds).where(*these).values(property=place))

    def fold(self, survivor: str, losers: Sequence[str]) -> None:
        """A merge: what was held on the losers is held on the survivor, where nothing is yet."""
        mine = {one.property for one in self.of([survivor])}
        moved = {one.property: one for one in self.of(losers) if one.property not in mine}
        with self._db.transaction():
            for one in moved.values():
                these = sa.update(holds).where(
                    holds.c.connection == self._me,
                    holds.c.person_id == one.person_id,
                    holds.c.property == one.property,
                )
                self._db.execute(these.values(person_id=survivor))
            rest = sa.delete(holds).where(holds.c.connection == self._me, among(holds.c.person_id))
            self._db.execute_of(rest, losers)


class Reversals:
    """How often other systems set our values back, of one connection."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection

    def of(self, ids: Sequence[str]) -> dict[Key, Reversal]:
        """What is known of these people."""
        query = sa.select(reversals).where(reversals.c.connection == self._me, among(reversals.c.person_id))
        return {(row.person_id, row.property): _reversal(row) for row in self._db.rows_of(query, ids)}

    def every(self) -> list[Reversal]:
        """All of them, by property and person."""
        query = sa.select(reversals).where(reversals.c.connection == self._me)
        ordered = query.order_by(reversals.c.property, reversals.c.person_id)
        return [_reversal(row) for row in self._db.rows(ordered)]

    def note(self, found: Sequence[Reversal], run: int) -> None:
        """Keep these as they stand now."""
        self._db.upsert(
            reversals,
            [
                {
                    "connection": self._me,
                    "person_id": one.person_id,
                    "property": one.property,
                    "times": one.times,
                    "standing": int(one.standing),
                    "by": one.by,
                    "source": one.source,
                    "name": one.name,
                    "last_at": stamp(one.last_at),
                    "run": run,
                }
                for one in found
            ],
        )

    def restored(self, keys: Iterable[Key]) -> None:
        """Our value stands there again: the next one that sets it back is counted."""
        rows = [{"whose": person, "which": name} for person, name in keys]
        if rows:
            these = sa.update(reversals).where(
                reversals.c.connection == self._me,
                reversals.c.person_id == sa.bindparam("whose"),
                reversals.c.property == sa.bindparam("which"),
            )
            self._db.execute(these.values(standing=0), rows)

    def forget(self, keys: Iterable[Key]) -> None:
        """Somebody released these: counting begins anew."""
        _delete(self._db, reversals, self._me, keys)

    def go_to_leads(self, survivor: str, ids: Sequence[str], properties: Collection[str]) -> None:
        """How often others set back what stands on these goes on being counted, though they are leads of somebody."""
        found = {(id, name): one for (id, name), one in self.of(ids).items() if name in properties}
        # Of one that was the survivor's lead before, and stood alone in between, the newer count stands.
        self.forget([(survivor, on_lead(id, name)) for id, name in found])
        for id, name in found:
            these = (
                reversals.c.connection == self._me,
                reversals.c.person_id == id,
                reversals.c.property == name,
            )
            values = {"person_id": survivor, "property": on_lead(id, name)}
            self._db.execute(sa.update(reversals).where(*these).values(**values))

    def fold(self, survivor: str, losers: Sequence[str]) -> None:
        """A merge: nobody fights over who is gone; what stands on their leads stands on the survivor's now."""
        on_leads = [(id, name) for id, name in self.of(losers) if is_on_lead(name)]
        self.forget([(survivor, name) for _, name in on_leads])
        for id, name in on_leads:
            this = (reversals.c.connection == self._me, reversals.c.person_id == id, reversals.c.property == name)
            self._db.execute(sa.update(reversals).where(*this).values(person_id=survivor))
        these = sa.delete(reversals).where(reversals.c.connection == self._me, among(reversals.c.person_id))
        self._db.execute_of(these, losers)


def _named(column: sa.Column[Any], name: Any, on_leads: Any) -> sa.ColumnElement[bool]:
    """Of this property, be it a person's or a lead's."""
    return sa.or_(column == name, column.like(on_leads))


def _delete(database: Database, table: sa.Table, connection: str, keys: Iterable[Key]) -> None:
    rows = [{"whose": person, "which": name} for person, name in keys]
    if rows:
        database.execute(
            sa.delete(table).where(
                table.c.connection == connection,
                table.c.person_id == sa.bindparam("whose"),
                table.c.property == sa.bindparam("which"),
            ),
            rows,
        )


def _hold(row: Any) -> Hold:
    return Hold(
        row.person_id,
        row.property,
        row.live,
        row.ours,
        instant(row.since) or ALWAYS,
        instant(row.until),
        row.code or EDIT,
        row.by or "unknown",
        row.source or "",
        row.name or "",
        instant(row.set_at),
    )


def _reversal(row: Any) -> Reversal:
    return Reversal(
        row.person_id,
        row.property,
        int(row.times),
        bool(row.standing),
        row.by or "other",
        row.source or "",
        row.name or "",
        instant(row.last_at),
    )
