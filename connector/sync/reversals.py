"""
Our values, set back by others: who did, how often, and when it is time to stop (G4).

A person's edit is adopted or held, never fought. Another system may err once: the agreement's value is written again,
when its hold is over or, of a stage, at once. When it sets the value back a second time, nothing more is written into
that property of that person until somebody decides; the writer is named, once, however many people it quarrels over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from connector.agreement.wiring import WriteRule
from connector.errors import CrmError
from connector.fields import STRICT
from connector.fields.places import LEAD, place_of
from connector.ledger.holds import Frozen, Hold, Key, Reversal
from connector.ledger.writers import id_of, writer
from connector.log import get_logger
from connector.model import CONFLICT
from connector.plan import Held, Set, Terms, set_by
from connector.sync.echoes import Echoes, Standing
from connector.sync.session import Order, Report, Session
from connector.sync.who import Versions, Who, newest_of
from connector.wording import people

if TYPE_CHECKING:
    from connector.sync.look import Looked

#: Writers that are no people: what they set back is a quarrel between systems.
SYSTEMS = ("automation", "integration", "crm", "other")

#: Reversals of one property of one person after which we stop.
STOP_AFTER = 2

#: How the keys of these alerts begin.
ALERT = "conflict"

log = get_logger("connector.sync")


@dataclass(frozen=True, slots=True)
class Found:
    """What came out about the values of one person that are not what we wrote."""

    holds: Mapping[str, Held]  # property -> what is left alone, with whose it is
    ours: Mapping[str, str]  # property -> a value that our own token wrote
    echoes: Mapping[str, bool]  # places whose value came across from another account of ours -> whether it waits
    reversals: tuple[Reversal, ...]


class Again(Protocol):
    """Sets the same decision against the same record, with what was found out since."""

    def __call__(self, one: Looked, found: Found) -> Looked:
        """Looked at again."""


class Reversals:
    """Who set what back, for one run."""

    def __init__(self, session: Session, order: Order, report: Report, who: Who, echoes: Echoes, terms: Terms) -> None:
        self._session = session
        self._order = order
        self._report = report
        self._who = who
        self._echoes = echoes
        self._terms = terms
        self._ledger = session.ledger
        self._stopped: set[tuple[str, str]] = set()  # (person id, property) that this run stopped at
        self._has_told = False
        self._groups: dict[tuple[str, str, str, str], int] = {}  # (property, by, source, name) -> people of those

    # -- looking ----------------------------------------------------------------------------------------------------

    def settle(self, looked: Sequence[Looked], again: Again) -> list[Looked]:
        """Find out whose the values are that others set since, and stop where it was enough."""
        disputed = {one.person.id: those for one in looked if (those := self._disputed(one))}
        if not disputed or self._session.mode == "observe":
            return list(looked)
        asked = {id: [one.property for one in those if _is_open(one)] for id, those in disputed.items()}
        histories = self._who.histories({id: names for id, names in asked.items() if names})
        known = self._ledger.reversals.of(list(disputed))
        echoed = self._echoes.among({id: self._open_values(those) for id, those in disputed.items()}, histories)
        return [
            again(one, self._settled(id, one, disputed[id], histories.get(id, {}), known, echoed.get(id, {})))
            if id in disputed
            else one
            for one in looked
            for id in (one.person.id,)
        ]

    def _open_values(self, disputed: Sequence[Held]) -> dict[str, Standing]:
        """Place -> what stands there, of values nobody has been found for yet."""
        return {one.property: Standing(self._rule(one.property).field, one.live) for one in disputed if _is_open(one)}

    def _disputed(self, one: Looked) -> list[Held]:
        """Values that are news: held from now on, or a stage or status that a system set and that we would set back."""
        found = [held for held in one.difference.held if not held.frozen and not _is_known(held, one.holds)]
        change = one.difference.change
        if change is None or not (one.person.edits or any(lead.edits for lead in one.person.leads)):
            return found
        edits = {"": one.person.edits, **{lead.id: lead.edits for lead in one.person.leads}}
        for ours in change.sets:
            edit = edits.get(place_of(ours.property).id, {}).get(ours.field) if ours.field in STRICT else None
            if edit is not None and edit.by in SYSTEMS:
                theirs = Held(ours.property, ours.before, ours.after, self._order.as_of, None)
                found.append(replace(theirs, by=edit.by, source=edit.source, name=edit.name, set_at=edit.at))
        return found

    def _settled(
        self,
        id: str,
        one: Looked,
        disputed: Sequence[Held],
        histories: Mapping[str, Versions],
        known: Mapping[Key, Reversal],
        echoes: Mapping[str, bool],
    ) -> Found:
        """Who stands behind each value of one person."""
        holds = dict(one.holds)
        ours: dict[str, str] = {}
        found: list[Reversal] = []
        for held in disputed:
            versions = histories.get(held.property, ())
            if _is_open(held) and self._who.is_us(id, held.property, versions):
                ours[held.property] = held.live
                continue
            if held.property in echoes:
                continue
            told = self._told(held, versions)
            before = known.get((id, held.property))
            reversal = _counted(id, told, before, self._session.now())
            if reversal is not None:
                found.append(reversal)
            latest = reversal or before
            if told.by in SYSTEMS and latest is not None and latest.times >= STOP_AFTER:
                told = replace(told, code=CONFLICT, until=None)
                self._stop(id, told)
            holds[held.property] = told
        told_apart = {place: waits for place, waits in echoes.items() if place not in ours}
        return Found(holds, ours, told_apart, tuple(found))

    def _told(self, held: Held, versions: Versions) -> Held:
        """With the name of whoever set it, where the history tells."""
        version = newest_of(versions, held.live)
        if version is None or not _is_open(held):
            return held
        known = replace(held, source=version.source, name=version.name, set_at=version.at)
        return set_by(known, self._rule(held.property), version.by, self._terms)

    def _rule(self, name: str) -> WriteRule:
        words, property = self._session.fields.words_at(name), place_of(name).property
        specs = ((rule, words.spec(field)) for field, rule in self._terms.write_back.rules.items())
        return next(rule for rule, spec in specs if spec is not None and spec.property == property)

    # -- writing ----------------------------------------------------------------------------------------------------

    def set_back_at_once(self, found: Mapping[str, Set]) -> None:
        """An earlier stage did not stay for as long as it takes to read it: no write of ours was confirmed, and each
        attempt counts."""
        if not found:
            return
        histories = self._who.histories({id: [one.property] for id, one in found.items()})
        known = self._ledger.reversals.of(list(found))
        now, run = self._session.now(), self._report.run
        noted, holds = [], []
        for id, one in found.items():
            theirs = Held(one.property, one.before, one.after, now, None)
            theirs = self._told(theirs, histories.get(id, {}).get(one.property, ()))
            by = theirs.by if theirs.by in SYSTEMS else "other"
            before = known.get((id, one.property))
            times = (before.times if before else 0) + 1
            noted.append(Reversal(id, one.property, times, False, by, theirs.source, theirs.name, theirs.set_at or now))
            if times >= STOP_AFTER:
                stopped = replace(theirs, by=by, code=CONFLICT, until=None)
                self._stop(id, stopped)
                holds.append(as_hold(id, stopped))
        with self._ledger.transaction():
            self._ledger.reversals.note(noted, run)
            self._ledger.holds.put(holds, run)

    # -- telling ----------------------------------------------------------------------------------------------------

    def _stop(self, id: str, held: Held) -> None:
        if (id, held.property) not in self._stopped:
            self._stopped.add((id, held.property))
            group = (place_of(held.property).property, held.by, held.source, held.name)
            self._groups[group] = self._groups.get(group, 0) + 1

    def tell(self) -> None:
        """Name every writer that we stopped fighting, once; those whose conflicts were released are forgotten."""
        if self._order.verb in ("explain", "report"):
            return
        if not self._order.write or self._session.mode == "observe":
            for (property, by, source, name), people in self._groups.items():
                self._report.conflicts.append(_sentence(Frozen(property, by, source, name, people, self._order.as_of)))
            return
        if self._has_told and not self._groups:
            return  # nothing new since
        self._has_told = True
        ledger, now = self._ledger, self._session.now()
        if self._groups:
            ledger.holds.name(self._names())
            self._groups.clear()
        still = ledger.holds.frozen()
        with ledger.transaction():
            for one in still:
                if ledger.aside.alert(_key(one), _sentence(one), one.people, self._report.run, now):
                    self._report.conflicts.append(_sentence(one))
                    log.warning(
                        "another system sets our value back", property=one.property, by=one.by, people=one.people
                    )
            ledger.aside.close_alerts([_key(one) for one in still], now, codes=(ALERT,))

    def _names(self) -> dict[tuple[str, str], str]:
        """What automations are called of which the history gives only the id; where they may not be seen, nothing."""
        wanted = {(name, source) for name, by, source, called in self._groups if by == "automation" and not called}
        if not wanted:
            return {}
        try:
            names = sorted({name for name, _ in wanted})
            on_leads = {LEAD: names} if self._session.fields.leads.properties_mapped else {}
            there = self._session.crm.automations({"contact": names, **on_leads})
        except CrmError:  # Denied and NotFound among them: the id has to do
            return {}
        called = {one.id: one.name for one in there}
        return {(name, source): told for name, source in wanted if (told := called.get(id_of(source), ""))}


def as_hold(id: str, one: Held) -> Hold:
    """A held value as the ledger keeps it."""
    return Hold(
        id,
        one.property,
        one.live,
        one.ours,
        one.since,
        one.until,
        one.code,
        one.by,
        one.source.partition(" ")[0] if "@" in one.source else one.source,  # no addresses
        one.name,
        one.set_at,
    )


def _is_open(held: Held) -> bool:
    """Whether it is still to be asked whose value it is."""
    return held.by == "unknown"


def _is_known(held: Held, holds: Mapping[str, Held]) -> bool:
    return held.property in holds and holds[held.property].live == held.live


def _counted(id: str, held: Held, before: Reversal | None, now: datetime) -> Reversal | None:
    """One reversal more, unless it is the one that stands already."""
    if held.by not in SYSTEMS or (before is not None and before.standing):
        return None
    times = (before.times if before else 0) + 1
    return Reversal(id, held.property, times, True, held.by, held.source, held.name, held.set_at or now)


def _key(one: Frozen) -> str:
    property, by, whose = one.key
    return f"{ALERT}:{property}:{whose or by}"


def _sentence(one: Frozen) -> str:
    return (
        f"{one.property} of {people(one.people)}: {writer(one.by, one.source, one.name)} set our value back"
        f" {STOP_AFTER} times. It is left as it is; once that is settled: connector holds release --all --property"
        f" {one.property}"
    )
