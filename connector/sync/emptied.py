"""
When a field reads as empty for many at once, it is the reading that broke, and not the people who changed.

A property that was deleted or hidden from our token, an upgrade that no longer sends links: all of it reads as "no
value". So what records lose is noted, and when many lost the same within a day, others are asked whose value nobody
has touched. If theirs is gone as well, nobody is decided on by it: those people wait, under one alert, until the
values are back or a person has looked and released them (`connector apply --run`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from connector.errors import MalformedRecord
from connector.ledger.aside import EMPTIED, SetAside
from connector.ledger.database import unpack
from connector.ledger.links import Moved
from connector.ledger.losses import Loss
from connector.ledger.mirror import News
from connector.model import Link, Record
from connector.sync.session import Order, Report, Session

#: So many records must have lost the same field before anybody is asked.
MANY = 50

#: Such a share of the others must have lost it too.
NEARLY_ALL = 0.9

#: So many of the others are asked: one call.
SAMPLE = 100

#: What got lost longer ago is no news.
WINDOW = timedelta(hours=24)

#: For so long a released field may go on emptying.
RELEASED = timedelta(days=30)

#: Kinds whose fields decide; activities come and go.
WATCHED = ("contact", "company", "deal")

_LINKS = "links:"

#: A field of a kind of record, or "links:<kind>" of contacts.
Field = tuple[str, str]


class Lost:
    """Notes what records lose and get back while they are stored."""

    def __init__(self, session: Session, report: Report) -> None:
        self._session = session
        self._run = report.run
        self._losses = session.ledger.losses
        own = {(one.kind, one.property) for one in session.agreement.wiring.own}
        #: what we write ourselves is nobody's fact: (kind, field)
        self._ours = {
            (kind, field)
            for kind, specs in session.agreement.wiring.fields.items()
            for field, spec in specs.items()
            if (kind, spec.property) in own
        }

    def values(self, kind: str, news: Sequence[News]) -> None:
        """Fields of these records that are empty now, and those that are filled again."""
        if kind not in WATCHED:
            return
        lost: list[Loss] = []
        again: list[Loss] = []
        read = self._session.fields.names(kind)
        for one in news:
            if one.before is None or one.back:
                continue
            before, now = filled(unpack(one.before)), filled(one.seen.facts)
            gone = (before - now) & read
            lost += [Loss(kind, one.seen.id, field) for field in gone if (kind, field) not in self._ours]
            again += [Loss(kind, one.seen.id, field) for field in now - before]
        self._note(lost, again)

    def links(self, kind: str, found: Mapping[str, Sequence[Link]], to: str, moved: Sequence[Moved]) -> None:
        """Contacts left without any link to a kind, and those that have one again."""
        other = to if kind == "contact" else kind
        if other not in WATCHED or not moved:
            return
        if kind == "contact":
            there = {(id, to, link.to_id) for id, those in found.items() for link in those}
        else:
            there = {(link.to_id, kind, id) for id, those in found.items() for link in those}
        bereft = sorted({contact for contact, kind_, id in moved if (contact, kind_, id) not in there})
        linked = self._session.ledger.mirror.links.linked(other, bereft)
        lost = [Loss("contact", id, _LINKS + other) for id in bereft if id not in linked]
        again = [
            Loss("contact", id, _LINKS + other) for id in sorted({contact for contact, _, _ in moved} - set(bereft))
        ]
        self._note(lost, again)

    def _note(self, lost: Sequence[Loss], again: Sequence[Loss]) -> None:
        if lost or (again and self._losses.any()):
            self._losses.note(lost, again, self._run, self._session.now())


class Emptied:
    """Asks, after reading and before anybody is looked at, which fields cannot be believed at present."""

    def __init__(self, session: Session, order: Order, report: Report, pull: Any) -> None:
        self._session = session
        self._order = order
        self._report = report
        self._pull = pull
        self._ledger = session.ledger
        self._losses = session.ledger.losses
        self._state = _State(session)
        self._now = session.now()
        self.why: dict[str, str] = {}  # cause of a group that waits -> the reason, for whoever tells

    def look(self) -> frozenset[str]:
        """The people who wait because of such a field. They are set aside, and not looked at by this run."""
        counts = self._losses.counts(self._now - WINDOW)
        self._state.still(self._watched)
        many = {one for one, number in counts.items() if number >= MANY and self._watched(*one)}
        for kind, field in sorted(many | set(self._state.open)):
            self._judge(kind, field, counts.get((kind, field), 0))
        with self._ledger.transaction():
            self._losses.prune(self._now - WINDOW, self._state.open)
            self._state.keep()
            return self._wait()

    def release(self, people: Sequence[str]) -> None:
        """A person looked at it: what these wait for is empty, and that is as it should be."""
        fields = {one.cause for one in self._ledger.aside.of(people) if one.code == EMPTIED}
        with self._ledger.transaction():
            for kind, field in [one for one in self._state.open if cause(*one) in fields]:
                self._losses.forget(kind, field)
                self._ledger.aside.call_back(cause(kind, field), EMPTIED)
                self._state.release(kind, field, self._now + RELEASED)
            self._state.keep()

    # -- judging ---------------------------------------------------------------------------------------------------

    def _judge(self, kind: str, field: str, lost: int) -> None:
        if (kind, field) in self._state.open:
            self._back_again(kind, field)
            return
        asks = not self._state.is_released(kind, field, self._now) and self._state.ask(kind, field, lost)
        if asks and self._is_emptied(kind, field):
            self._state.open.append((kind, field))

    def _is_emptied(self, kind: str, field: str) -> bool:
        """Whether those lost it as well whom nobody touched. Where nobody is left who had it, all have lost it."""
        others = self._others(kind, field)
        if not others:
            return True
        answers = self._still_filled(kind, field, others)
        return bool(answers) and sum(not one for one in answers.values()) >= NEARLY_ALL * len(answers)

    def _back_again(self, kind: str, field: str) -> None:
        """Where those who lost it have it again, all of them are read anew."""
        lost = self._losses.ids(kind, field)
        answers = self._still_filled(kind, field, lost[:SAMPLE])
        if lost and answers and sum(answers.values()) <= (1 - NEARLY_ALL) * len(answers):
            return
        self._state.open.remove((kind, field))
        for start in range(0, len(lost), 1000):
            self._session.go_on()
            self._pull.read(kind, lost[start : start + 1000], counted=False)
        self._losses.forget(kind, field)
        self._ledger.aside.call_back(cause(kind, field), EMPTIED)

    def _others(self, kind: str, field: str) -> list[str]:
        """Some of the records that hold the field as far as we know."""
        if field.startswith(_LINKS):
            return self._ledger.mirror.links.some_linked(field.removeprefix(_LINKS), SAMPLE)
        found: list[str] = []
        for id, facts in self._everybody(kind):
            if field in filled(facts):
                found.append(id)
                if len(found) == SAMPLE:
                    break
        return found

    def _everybody(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        after = ""
        while page := self._ledger.mirror.page(kind, after, 1000):
            yield from page
            after = page[-1][0]

    def _still_filled(self, kind: str, field: str, ids: Sequence[str]) -> dict[str, bool]:
        """What the CRM says of these now, without keeping it; who is gone does not answer. Whoever writes to them reads
        them again: an adapter takes a write for decided on what it read last."""
        if not ids:
            return {}
        if field.startswith(_LINKS):
            links = self._session.crm.links(kind, ids, field.removeprefix(_LINKS))
            return {id: bool(those) for id, those in links.items()}
        records = self._session.crm.read(kind, ids, self._session.fields.properties(kind))
        answers = {one.id: field in self._filled(one) for one in records}
        self._ledger.mirror.distrust(kind, tuple(answers))
        return answers

    def _filled(self, record: Record) -> set[str]:
        try:
            return filled(self._session.fields.facts(record))
        except MalformedRecord:
            return set()

    # -- waiting ---------------------------------------------------------------------------------------------------

    def _wait(self) -> frozenset[str]:
        """Set aside whoever would be decided on by such a field. A plan only says so; observing holds nobody up, since
        nobody could release them."""
        waiting: set[str] = set()
        for kind, field in self._state.open:
            people = [id for id in self._losses.waiting(kind, field) if id not in waiting]
            self.why[cause(kind, field)] = _why(kind, field, self._losses.number(kind, field))
            if not self._order.write or self._session.mode == "observe":
                self._report.warnings.append(self.why[cause(kind, field)])
                continue
            waiting.update(people)
            group = [SetAside(id, self._report.run, cause(kind, field), EMPTIED) for id in people]
            self._ledger.aside.put(group, self._now)
            self._ledger.mirror.settle(people)
        return frozenset(waiting)

    def _watched(self, kind: str, field: str) -> bool:
        """Whether the agreement still asks for it: what nobody reads any more is no loss."""
        return field.startswith(_LINKS) or field in self._session.fields.names(kind)


class _State:
    """Which fields cannot be believed, of which the others were asked, which were released: kept between runs."""

    def __init__(self, session: Session) -> None:
        self._cursors = session.ledger.cursors
        kept = orjson.loads(self._cursors.of("emptied") or "{}")
        self.open: list[Field] = [(kind, field) for kind, field in kept.get("open", ())]
        self._asked: dict[str, int] = kept.get("asked", {})
        self._released: dict[str, str] = kept.get("released", {})
        self._before = self._packed()

    def still(self, watched: Callable[[str, str], bool]) -> None:
        """Forget the fields that nobody reads any more."""
        self.open = [one for one in self.open if watched(*one)]

    def ask(self, kind: str, field: str, lost: int) -> bool:
        """Whether to ask: once for each number of losses, so that an edit of many costs one call and not one a run."""
        name = cause(kind, field)
        news = self._asked.get(name) != lost
        self._asked[name] = lost
        return news

    def release(self, kind: str, field: str, until: datetime) -> None:
        """Somebody looked at it; it may go on emptying for a while."""
        self.open.remove((kind, field))
        self._released[cause(kind, field)] = until.isoformat()

    def is_released(self, kind: str, field: str, now: datetime) -> bool:
        """Whether somebody looked at it not long ago."""
        until = self._released.get(cause(kind, field))
        return until is not None and now < datetime.fromisoformat(until)

    def keep(self) -> None:
        """Into the ledger, where anything changed."""
        packed = self._packed()
        if packed != self._before:
            self._cursors.move("emptied", packed)
            self._before = packed

    def _packed(self) -> str:
        return orjson.dumps({"open": self.open, "asked": self._asked, "released": self._released}).decode()


def _why(kind: str, field: str, lost: int) -> str:
    what = f"links to {field.removeprefix(_LINKS)} records" if field.startswith(_LINKS) else field
    return (
        f"{what} of {lost:,} {kind} records can be read no more, those that nobody edited included. Nobody is decided"
        " on by that: look whether the property was deleted or renamed, or hidden from this token. When the values are"
        " back, these people go on by themselves; if it is meant so, release them"
    )


def filled(facts: Mapping[str, Any]) -> set[str]:
    """The fields of a record that hold anything, be it a value without a name."""
    return {*facts["f"], *facts.get("u", ())}


def cause(kind: str, field: str) -> str:
    """The group of people who wait for a field."""
    return f"emptied.{kind}.{field}"
