"""
The base of a write is fresh: whoever was read too long ago is read again right before, and decided again where that
shows something new.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from connector.fields.places import LEAD, by_lead
from connector.ledger.people import Settled
from connector.ledger.work import PlannedChange
from connector.plan import Change, Set, from_json
from connector.sync.garbage import uncollected
from connector.sync.half_written import as_a_whole, standing, with_stood
from connector.sync.look import Look, Looked
from connector.sync.pull import Pull
from connector.sync.reverting.planning import Reverting
from connector.sync.session import Report, Session


class Freshness:
    """Reading and deciding again for one run's writing."""

    def __init__(
        self,
        session: Session,
        report: Report,
        look: Look,
        pull: Pull,
        *,
        reviewed: Mapping[str, Any] | None = None,
        reverting: Reverting | None = None,
    ) -> None:
        """`reviewed` are the only changes that may be written, as a person saw them; `reverting` tells what is still to
        be undone of somebody whose record changed."""
        self._session = session
        self._report = report
        self._look = look
        self._pull = pull
        self._ledger = session.ledger
        self._reviewed = reviewed
        self._reverting = reverting

    @uncollected()
    def with_fresh_base(self, batch: Sequence[PlannedChange], *, read_ahead: AbstractSet[str]) -> list[PlannedChange]:
        """Read again whoever was read too long ago; where that shows something new, decide again first. Whoever was
        `read_ahead` is as they were read then, however young the base is: the adapter takes a write for decided on
        what it read last."""
        ids = [one.person_id for one in batch]
        oldest = self._session.now() - self._session.settings.max_age
        old = {*self._ledger.mirror.stale("contact", ids, oldest), *read_ahead}
        if leads := _leads_of(batch):
            old |= {leads[id] for id in self._ledger.mirror.stale(LEAD, list(leads), oldest)}
        stale = [id for id in ids if id in old]
        if not stale:
            return list(batch)
        return self.read_again(batch, stale)

    def read_again(
        self, batch: Sequence[PlannedChange], stale: Sequence[str], *, begun: bool = False
    ) -> list[PlannedChange]:
        """These, as they stand now. `begun`: of some of them a part was written, before another one moved."""
        self._report.counted.update(stale)  # their ends stand with the planned changes
        try:
            return self._as_read_now(batch, stale, begun)
        finally:
            self._report.counted.difference_update(stale)

    def _as_read_now(self, batch: Sequence[PlannedChange], stale: Sequence[str], begun: bool) -> list[PlannedChange]:
        kept = self._ledger.mirror.kept("contact", stale)
        links = self._ledger.mirror.links.of(stale)
        asked = set(stale)
        other_leads = self._leads_that_moved([one for one in batch if one.person_id in asked])
        self._pull.read("contact", stale, counted=False)
        now = self._ledger.mirror.kept("contact", stale)
        links_now = self._ledger.mirror.links.of(stale)
        gone = {id for id in stale if id not in now or now[id].gone}
        unreadable = {id for id, one in self._ledger.rejects.of("contact", stale).items() if one.unreadable} - gone
        moved = {
            id
            for id in stale
            if id not in gone and (now[id].facts != kept[id].facts or links_now.get(id) != links.get(id))
        } | other_leads
        moved -= gone | unreadable
        moved |= self._taken_over(batch, gone)
        self._conclude(gone, "gone", "deleted or merged away")
        self._conclude(unreadable, "rejected", "the record cannot be understood any more")
        again = self._decide_again([one for one in batch if one.person_id in moved], begun)
        return [one for one in batch if one.person_id not in gone | unreadable | moved] + again

    def _leads_that_moved(self, batch: Sequence[PlannedChange]) -> set[str]:
        """The people one of whose leads is another than it was, now that these have been read again."""
        leads = _leads_of(batch)
        kept = self._ledger.mirror.kept(LEAD, list(leads))
        if leads:
            self._pull.read(LEAD, list(leads), counted=False)
        now = self._ledger.mirror.kept(LEAD, list(leads))
        return {
            person
            for id, person in leads.items()
            if id not in kept or id not in now or now[id].gone or now[id].facts != kept[id].facts
        }

    def _taken_over(self, batch: Sequence[PlannedChange], gone: Collection[str]) -> set[str]:
        """Whoever of a batch has just taken over the history of one who is gone: their plan knows nothing of it."""
        survivors = set(self._ledger.folding.survivors("contact", sorted(gone)).values())
        return {one.person_id for one in batch if one.person_id in survivors} - set(gone)

    def _decide_again(self, moved: Sequence[PlannedChange], begun: bool) -> list[PlannedChange]:
        """New plans for people who changed under our hands; those with a cause the guard has not seen wait."""
        if not moved:
            return []
        stood = standing(self._ledger, self._session.fields, moved) if begun else {}
        if self._reverting is not None:
            return self._undo_again(moved, stood, self._reverting)
        rows = {one.person_id: one for one in moved}
        outside = ("unchanged", "", "no longer in the scope of this connection")
        ends = dict.fromkeys(rows, outside)
        again: list[PlannedChange] = []
        settled: list[Settled] = []
        looked = self._look.at(tuple(rows))
        for one in looked:
            id = one.person.id
            change = _whole(one, rows[id], stood.get(id, ()))
            if one.stands_back:
                ends[id] = ("rejected", "", "would write again what the CRM refused before")
            elif change is None:
                settled.append(self._look.settling.settled(one))
                ends[id] = ("unchanged", "", "the record changed before the write")
            elif self._reviewed is not None and not as_reviewed(change, self._reviewed.get(id)):
                ends[id] = ("superseded", "plan_moved", "the record changed after the review")
            elif change.counted and change.cause != rows[id].cause:
                ends[id] = ("superseded", "", "decided anew in the next run")
            else:
                again.append(with_stood(self._look.settling.planned(one, change), rows[id], stood.get(id, ())))
                del ends[id]
        undecided = [id for id, end in ends.items() if end == outside]
        for id, reject in self._ledger.rejects.of("contact", undecided).items():
            ends[id] = ("rejected", reject.code, reject.message)
        ends |= {id: ("unknown", *end[1:]) for id, end in ends.items() if id in stood}  # part of it is written
        with self._ledger.transaction():
            self._look.settling.keep_holds(looked)
            self._ledger.people.settle(settled, as_of=self._report.as_of, run=self._report.run)
            self._ledger.mirror.settle([one.person_id for one in settled])
            self._ledger.aside.drop([one.person_id for one in settled])
            results = [(id, *end) for id, end in ends.items()]
            self._ledger.work.conclude(self._report.run, results, self._session.now())
            self._ledger.work.plan(self._report.run, again)
        return again

    def _undo_again(
        self, moved: Sequence[PlannedChange], stood: Mapping[str, Sequence[Set]], reverting: Reverting
    ) -> list[PlannedChange]:
        again, ends = reverting.again(moved)
        rest = {one.person_id: one for one in again}
        for row in moved:
            if there := stood.get(row.person_id):
                still = from_json(rest[row.person_id].body).sets if row.person_id in rest else ()
                sets = [list(one) for one in as_a_whole(row, there, still)]
                rest[row.person_id] = with_stood(replace(row, body={**row.body, "sets": sets}), row, there)
                ends.pop(row.person_id, None)
        again = list(rest.values())
        with self._ledger.transaction():
            results = [(id, *end) for id, end in ends.items()]
            self._ledger.work.conclude(self._report.run, results, self._session.now())
            self._ledger.work.plan(self._report.run, again)
        return again

    def _conclude(self, ids: Iterable[str], state: str, message: str) -> None:
        results = [(id, state, "", message) for id in sorted(ids)]
        self._ledger.work.conclude(self._report.run, results, self._session.now())


def _leads_of(batch: Sequence[PlannedChange]) -> dict[str, str]:
    """The leads that these changes are written to, each with its person."""
    return {id: one.person_id for one in batch for id in by_lead(name for _, name, *_ in one.body["sets"])}


def _whole(one: Looked, before: PlannedChange, stood: Sequence[Set]) -> Change | None:
    """What is still to be written of somebody, with what stands of it already."""
    rest = one.difference.change
    if not stood:
        return rest
    begun = rest or replace(from_json(before.body), tasks=(), moves=one.decision.moves)
    cause = rest.cause if rest is not None and rest.counted else before.cause
    return replace(begun, sets=as_a_whole(before, stood, rest.sets if rest else ()), cause=cause)


def as_reviewed(change: Change, reviewed: Mapping[str, Any] | None) -> bool:
    """Whether a person has seen exactly this: the values and the task, not the wording of reasons."""
    return reviewed is not None and essence(change) == essence(from_json(reviewed))


def essence(change: Change) -> object:
    """What a reviewer agrees to."""
    tasks = [(task.lead_type, task.cycle, task.rule) for task in change.tasks]
    return [(one.property, one.before, one.after) for one in change.sets], tasks
