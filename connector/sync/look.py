"""
Look: ask the agreement about people, and set the answer against what the CRM holds. What it comes to is remembered or
planned by `look.settling`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from connector.decide.tracks import track_from_json
from connector.errors import ConnectorError
from connector.ledger.holds import Reversal
from connector.ledger.memories import NOTHING, Memory
from connector.ledger.mirror import Kept
from connector.ledger.rejects import Reject
from connector.ledger.tables import CHANGED, ROUTE_DUE
from connector.log import unforeseen
from connector.model import Decision, Person
from connector.plan import Difference, Echo, Held, diff
from connector.sync.assembling import Assembly, Ours
from connector.sync.echoes import Echoes
from connector.sync.garbage import uncollected
from connector.sync.mending import Mending
from connector.sync.quarantine import Quarantine
from connector.sync.reversals import Found, Reversals
from connector.sync.session import Order, Report, Session
from connector.sync.settling import Settling
from connector.sync.who import ASKING, Who

#: How far back a dry run looks to say how many would be handed over a day.
REHEARSED = timedelta(days=30)

#: For people whose stage or status has a value that the mapping does not name: read, reported, never written (G11).
UNTOUCHED = Difference(None)


@dataclass(frozen=True, slots=True)
class Looked:
    """One person looked at: who, what is remembered, what the agreement says, what it comes to."""

    person: Person
    kept: Kept
    memory: Memory
    decision: Decision
    difference: Difference
    adopted: bool
    postponed: bool = False  # scores that only aged, to be written at their hour of the day
    mark: int = CHANGED  # why they were looked at
    holds: Mapping[str, Held] = dataclasses.field(default_factory=dict)  # property -> what we leave alone there
    #: property whose value came across from another account of ours -> what we wrote there last (None: nothing yet)
    echoes: Mapping[str, Echo] = dataclasses.field(default_factory=dict)
    reversals: tuple[Reversal, ...] = ()  # values of ours that another system set back since
    left_out: tuple[str, ...] = ()  # properties that were refused before and are not sent again
    stands_back: bool = False  # the whole change was refused before and is not sent again


class Look:
    """Looking at people for one run."""

    def __init__(self, session: Session, order: Order, report: Report) -> None:
        self._session = session
        self._order = order
        self._report = report
        self._ledger = session.ledger
        self._terms = session.terms()
        self._memory = session.memory
        self._go_live = session.go_live(order.as_of)
        self.admitted = self.left_out = 0  # people inside and outside the connection's scope
        self.would_hand_over = 0  # of a dry run: by the facts of the last 30 days alone
        self.who = Who(session, order, report)
        echoes = Echoes(session)
        self.reversals = Reversals(session, order, report, self.who, echoes, self._terms)
        self._assembly = Assembly(session, order, report, self.who, echoes)
        self._quarantine = Quarantine(session)
        self._mending = Mending(session, report)
        self.settling = Settling(session, order, report, self._assembly, self._mending, self._reject)

    # -- one chunk of people -------------------------------------------------------------------------------------

    @uncollected()
    def at(self, ids: Sequence[str], marks: Mapping[str, int] | None = None) -> list[Looked]:
        """Decide and diff these people; those that cannot be decided on are rejected alone. `marks`: why they are
        looked at, where it is not a fact."""
        rejects = self._rejects(ids)
        people, kept, memories, holds = self._assembly.people(self._readable(ids, rejects), self._reject)
        looked = []
        for person in self._in_scope(people):
            memory = memories.get(person.id, NOTHING)
            try:
                one = self._one(
                    person,
                    kept[person.id],
                    memory,
                    holds.get(person.id, {}),
                    mark=marks.get(person.id, CHANGED) if marks else CHANGED,
                )
                looked.append(one)
            except Exception as error:  # noqa: BLE001 - whatever one person's data does to a rule, the others go on
                self._reject(person.id, error)
        settled = self.reversals.settle(looked, self._again)
        return [self._without_refused(one, rejects.get(one.person.id)) for one in settled]

    def _rejects(self, ids: Sequence[str]) -> dict[str, Reject]:
        """What was refused of these people and is not to be tried again yet."""
        return {} if self._order.verb in ASKING else self._quarantine.of(ids)

    def _readable(self, ids: Sequence[str], rejects: Mapping[str, Reject]) -> Sequence[str]:
        """Those whose records are as the CRM has them; what the mirror holds of the others is of the past."""
        unreadable = [id for id in ids if id in rejects and rejects[id].unreadable]
        if not unreadable:
            return ids
        self._report.end(unreadable, "rejected")
        if self._order.verb != "plan":
            self._mending.put_by(unreadable)
        return [id for id in ids if id not in set(unreadable)]

    def _without_refused(self, one: Looked, reject: Reject | None) -> Looked:
        """What is left to write once what the CRM refuses is left out."""
        if reject is None or self._session.mode == "observe":
            return one
        left = self._quarantine.remainder(reject, one.difference.change)
        retaken = () if left.change is None else one.difference.retaken
        return replace(
            one,
            difference=replace(one.difference, change=left.change, retaken=retaken),
            left_out=left.left_out,
            stands_back=left.stands_back,
        )

    def people(self, ids: Sequence[str]) -> list[Person]:
        """These people put together, for who asks other questions than the agreement's decision."""
        return self._assembly.people(ids)[0]

    def _in_scope(self, people: Sequence[Person]) -> Sequence[Person]:
        """Those this connection may speak about; the others are left as they are, on every run anew. Whoever asks about
        one person is answered, whoever that is."""
        if self._order.verb == "explain":
            return people
        inside = [person for person in people if self._session.scope.admits(person)]
        if self._order.verb == "report":
            return inside
        self.admitted += len(inside)
        if len(inside) < len(people):
            chosen = {person.id for person in inside}
            outside = [person.id for person in people if person.id not in chosen]
            self.left_out += len(outside)
            self._end_outside(outside)
            if self._order.verb != "plan":
                with self._ledger.transaction():
                    self._ledger.mirror.settle(outside)
                    self._ledger.aside.drop(outside)
                    self._ledger.rejects.release("contact", outside)
        return inside

    def _end_outside(self, ids: Sequence[str]) -> None:
        """They are looked at, and that is all; the set of those who have an end is kept for the few it is about."""
        fresh = [id for id in ids if id not in self._report.counted]
        self._report.count("looked_at", len(fresh))
        self._report.count("unchanged", len(fresh))

    def _one(self, person: Person, kept: Kept, memory: Memory, holds: Mapping[str, Held], *, mark: int) -> Looked:
        tracks = tuple(track_from_json(table) for table in memory.tracks)
        came_across = self._assembly.echoed.get(person.id, {})
        decision = self._session.decider.decide(
            person,
            tracks,
            as_of=self._order.as_of,
            run=self._report.run,
            go_live=self._go_live,
            route=self._session.mode != "scores" and not any(came_across.values()),
            hand_over=self._order.tasks,
            clean_up=self._order.clean_up,
            newer_than=self._session.settings.only_signals_newer_than,
        )
        if self._order.rehearses:
            self._rehearse(person)
        adopted = not tracks and decision.tracks[0].adopted
        if person.unmapped:
            return Looked(person, kept, memory, decision, UNTOUCHED, adopted, mark=mark, holds=holds)
        echoes = _with_last(memory, came_across)
        difference, postponed = self._compared(person, kept, decision, holds, Ours(memory), mark, echoes)
        return Looked(person, kept, memory, decision, difference, adopted, postponed, mark, holds, echoes)

    def _compared(
        self,
        person: Person,
        kept: Kept,
        decision: Decision,
        holds: Mapping[str, Held],
        ours: Mapping[str, frozenset[str]],
        mark: int,
        echoes: Mapping[str, Echo],
    ) -> tuple[Difference, bool]:
        """The decision against the record as it stands, and whether it can wait for the hour of displayed scores."""
        difference = diff(
            decision,
            kept.facts,
            ours=ours,
            holds=holds,
            echoes=echoes,
            fields=self._session.fields,
            terms=self._terms,
            as_of=self._order.as_of,
            owner_id=self._session.task_owner(person.owner_id),
            by_time=mark != CHANGED,
            leads={id: lead.facts for id, lead in kept.leads.items()} if kept.leads else None,
        )
        change = difference.change
        if mark == ROUTE_DUE and change is not None and change.only_scores:
            return replace(difference, change=None, retaken=()), True
        if change is not None and person.id in self._assembly.left_alone and not (change.counted or change.moves):
            # only what follows from where the undone run left them
            return replace(difference, change=None, retaken=()), False
        return difference, False

    def _again(self, one: Looked, found: Found) -> Looked:
        mine = {**Ours(one.memory), **{name: frozenset((live,)) for name, live in found.ours.items()}}
        echoes = {**one.echoes, **_with_last(one.memory, found.echoes)}
        difference, postponed = self._compared(one.person, one.kept, one.decision, found.holds, mine, one.mark, echoes)
        return replace(
            one,
            difference=difference,
            postponed=postponed,
            holds=found.holds,
            echoes=echoes,
            reversals=found.reversals,
        )

    def _rehearse(self, person: Person) -> None:
        """Would the facts of the last 30 days have handed this person over?"""
        as_of = self._order.as_of
        then = self._session.decider.decide(
            person,
            (),
            as_of=as_of,
            run=self._report.run,
            go_live=as_of - REHEARSED,
            newer_than=self._session.settings.only_signals_newer_than,
        )
        self.would_hand_over += bool(then.tasks)

    def _reject(self, person_id: str, error: Exception) -> None:
        """One person's data the agreement cannot digest: set aside with the reason, the run goes on."""
        if self._order.verb == "explain":
            raise error
        if self._order.verb == "report":
            self._report.count("rejected")
            return
        message = str(error) if isinstance(error, ConnectorError) else f"{unforeseen(error)} while deciding"
        if self._order.verb != "plan":
            self._mending.undecidable(person_id, message)
        self._report.end((person_id,), "rejected")


def _with_last(memory: Memory, places: Mapping[str, bool]) -> dict[str, Echo]:
    """These places (place -> whether it waits), each with what we wrote there last."""
    return {place: Echo(memory.base.get(place), waits) for place, waits in places.items()}
