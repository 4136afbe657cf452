"""
Values that come across from another account which follows the agreement as well: echoes, and no owners (G4).

Whoever lets the two CRMs copy values to each other copies ours along. What another connection of this state has made of
the same person, arriving here by whatever copies, is nobody's edit: it is not adopted, not held and no reversal of
anybody's. It is left as it is as long as the decision here is the one that was written here last, and a new decision is
written over it, once. So each decision is written at most once on either side, and two accounts that do not agree come
to rest with whatever was decided last.

Which values are the other's own is a matter of what it decided and wrote, and not of what stands there. A person who
sets the same value here acts as a person, unless it was written over there shortly before: some copy under the name of
a user. Whoever brought an echo once copies for a living: of such an integration also a value counts that the other
connection has not read yet, for it may be a person's over there. A value of which the CRM does not say who set it waits
as long, a day at most: until then it is neither adopted nor written over, and of stage and status nothing follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson

from connector.crm import PropertyVersion
from connector.fields import STRICT, FieldMap, Words
from connector.fields.places import PERSON, place_of
from connector.ledger import Ledger
from connector.ledger.counterparts import Counterpart
from connector.ledger.holds import Hold
from connector.ledger.memories import NOTHING, Memory
from connector.ledger.work import WRITTEN, Work
from connector.ledger.writers import id_of
from connector.model import Value
from connector.sync.session import Session
from connector.sync.who import CLOSE, newest_of

#: So long a copy may take, at most; and so soon somebody with an echo on the record is looked at again.
ACROSS = timedelta(days=1)

#: How soon somebody is looked at again of whom a value waits.
SOON = timedelta(hours=1)

#: Person -> place -> versions, newest first.
Histories = Mapping[str, Mapping[str, Sequence[PropertyVersion]]]

#: Person -> place whose value is an echo -> whether it waits: it may as well be a person's, which time will tell.
Echoed = Mapping[str, Mapping[str, bool]]

_COPIERS = "copying sources"

_PEOPLE = ("person", "import")


class Standing(NamedTuple):
    """What stands at a place: of which field, and the CRM's text."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class _Other:
    """What another connection made of one of our people; `told_until`: up to when it knows of all that was edited."""

    counterpart: Counterpart
    told_until: datetime | None
    memory: Memory
    holds: tuple[Hold, ...]
    fields: FieldMap

    def knows_of(self, until: datetime) -> bool:
        """Whether it has heard of whatever was edited there until then: because it has read the record, or all that
        was told to have changed."""
        return any(at is not None and at >= until for at in (self.counterpart.read_at, self.told_until))


class Echoes:
    """Tells them, for one run."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ledger: Ledger = session.ledger
        self._copiers: frozenset[str] | None = None

    def among(self, live: Mapping[str, Mapping[str, Standing]], histories: Histories) -> Echoed:
        """Of these values that are not what we wrote here (person -> place -> what stands there), the places that hold
        an echo: of the person's own record, and of their leads."""
        neighbours = self._session.neighbours() if live else {}
        if not neighbours:
            return {}
        others = self._others(list(live), neighbours)
        found = {
            id: {
                place: waits
                for place, standing in values.items()
                for waits in self._told(place, standing, others[id], histories.get(id, {}).get(place, ()))
            }
            for id, values in live.items()
            if id in others
        }
        return {id: places for id, places in found.items() if places}

    def _others(self, ids: Sequence[str], neighbours: Mapping[str, FieldMap]) -> dict[str, list[_Other]]:
        counterparts = self._ledger.counterparts.of(ids, list(neighbours))
        wanted: dict[str, set[str]] = {}
        for several in counterparts.values():
            for one in several:
                wanted.setdefault(one.connection, set()).add(one.id)
        there = {name: Ledger(self._ledger.database, name) for name in wanted}
        memories = {name: there[name].people.remember(sorted(those)) for name, those in wanted.items()}
        holds = {name: there[name].holds.of(sorted(those)) for name, those in wanted.items()}
        told_until = {name: ledger.cursors.told_until(PERSON) for name, ledger in there.items()}
        return {
            id: [
                _Other(
                    one,
                    told_until[one.connection],
                    memories[one.connection].get(one.id, NOTHING),
                    tuple(hold for hold in holds[one.connection] if hold.person_id == one.id),
                    neighbours[one.connection],
                )
                for one in several
            ]
            for id, several in counterparts.items()
        }

    # -- one value ----------------------------------------------------------------------------------------------------

    def _told(
        self, place: str, standing: Standing, others: Sequence[_Other], versions: Sequence[PropertyVersion]
    ) -> Iterator[bool]:
        """Of an echo, whether it waits; nothing of any other value."""
        words = self._session.fields.words_at(place)
        version = newest_of(versions, standing.text)
        if self._is_echo(words, standing, others, version):
            yield False
        elif version is not None and self._may_be_of_there(version, others):
            yield version.by == "unknown"

    def _is_echo(
        self, words: Words, standing: Standing, others: Sequence[_Other], version: PropertyVersion | None
    ) -> bool:
        for one in others:
            is_theirs = any(_says(words, value, standing) for value in _own(standing.field, one))
            if (is_theirs and (version is None or version.by != "person")) or (
                version is not None and self._wrote_before(words, standing, one, version)
            ):
                self._learn(version)
                return True
        return False

    def _wrote_before(self, words: Words, standing: Standing, one: _Other, version: PropertyVersion) -> bool:
        """Whether the connector set this value over there before somebody's name came by it here."""
        changes = Work(self._ledger.database, one.counterpart.connection).changes_of(one.counterpart.id)
        written = (
            (one.fields.words_at(place), after)
            for change in changes
            if change.state == WRITTEN and change.at is not None
            if change.at - CLOSE <= version.at <= change.at + ACROSS
            for named, place, _before, after in change.body["sets"]
            if named == standing.field
        )
        return any(
            _says(words, theirs.decode(standing.field, after), standing)
            for theirs, after in written
            if theirs.spec(standing.field) is not None
        )

    def _may_be_of_there(self, version: PropertyVersion, others: Sequence[_Other]) -> bool:
        """Whether it came by an integration, and the other side has not been read since: of one that is known to copy
        not for as long as a copy may take, of any other not for as long as clocks may differ. Where the CRM does not
        say by whom (without a log, of what a program wrote last), it may be a copy as well, or a person's
        before it: of such a value nobody doubts for longer than a copy may take."""
        if version.by == "unknown":
            until = version.at + CLOSE
            return self._session.now() < version.at + ACROSS and any(not one.knows_of(until) for one in others)
        if version.by != "integration":
            return False
        latest = version.at + (ACROSS if version.source in self._known() else CLOSE)
        return any(one.counterpart.read_at is None or one.counterpart.read_at < latest for one in others)

    # -- who copies ---------------------------------------------------------------------------------------------------

    def _known(self) -> frozenset[str]:
        if self._copiers is None:
            self._copiers = frozenset(orjson.loads(self._ledger.cursors.of(_COPIERS) or "[]"))
        return self._copiers

    def _learn(self, version: PropertyVersion | None) -> None:
        """An integration that gives its number is known from now on."""
        if version is None or version.by != "integration" or not id_of(version.source):
            return
        if version.source not in self._known():
            self._copiers = self._known() | {version.source}
            self._ledger.cursors.move(_COPIERS, orjson.dumps(sorted(self._copiers)).decode())


def _says(words: Words, value: Value, standing: Standing) -> bool:
    """Whether a value of the other side, in words of this one, is what stands here."""
    return words.alike(standing.field, words.encode(standing.field, value), standing.text)


def _own(field: str, one: _Other) -> Iterator[Value]:
    """What another connection itself says of a field: of stage and status by its tracks, which an echo does not move;
    of all else by what it wrote, to the person or to a lead, or by what a person set there and it leaves alone."""
    if field in STRICT:
        names = ("stage", "furthest") if field == "stage" else ("status",)
        yield from (value for track in one.memory.tracks for name in names if (value := track.get(name)) is not None)
        return
    memory = one.memory
    texts = [
        *memory.base.items(),
        *((place, text) for place, intended in memory.intended.items() for text in intended[1:]),
        *((hold.property, hold.live) for hold in one.holds if hold.by in _PEOPLE),
    ]
    for place, text in texts:
        words = one.fields.words_at(place)
        spec = words.spec(field)
        if spec is not None and spec.property == place_of(place).property:
            yield words.decode(field, text)
