"""
Look: ask the agreement about people, and set the answer against what the CRM holds.

Whoever needs no write is settled at once: the track moves, its facts count as used. Whoever does is planned: the
change goes to the ledger, where the guard sees the whole run before anything is written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connector.agreement.goals import SOURCE
from connector.decide import ON_HOLD
from connector.decide.follow_up import UNROUTED
from connector.decide.tracks import track_from_json, track_to_json
from connector.errors import ConnectorError
from connector.fields import STRICT
from connector.ledger import handoffs
from connector.ledger.holds import Reversal
from connector.ledger.mirror import Kept
from connector.ledger.observing import Observed
from connector.ledger.people import NOTHING, Memory, Settled
from connector.ledger.rejects import Reject
from connector.ledger.tables import CHANGED, ROUTE_DUE
from connector.ledger.work import OBSERVED, PLANNED, PlannedChange
from connector.log import unforeseen
from connector.model import Decision, Person
from connector.plan import Change, Difference, Held, diff, to_json
from connector.sync.assembling import Assembly, Ours
from connector.sync.garbage import uncollected
from connector.sync.mending import Mending
from connector.sync.noting import Noting
from connector.sync.quarantine import Quarantine
from connector.sync.reversals import Reversals, as_hold
from connector.sync.session import Order, Report, Session
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
        self.unrouted: list[str] = []  # handed over, and nobody's for longer than agreed
        self.who = Who(session, order, report)
        self.reversals = Reversals(session, order, report, self.who, self._terms)
        self._assembly = Assembly(session, order, report, self.who)
        self._noting = Noting(session.agreement, session.office.teams)
        self._quarantine = Quarantine(session)
        self._mending = Mending(session, report)

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
        verdict = self._quarantine.verdict(reject, one.difference.change)
        retaken = () if verdict.change is None else one.difference.retaken
        return replace(
            one,
            difference=replace(one.difference, change=verdict.change, retaken=retaken),
            left_out=verdict.left_out,
            stands_back=verdict.stands_back,
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
        decision = self._session.decider.decide(
            person,
            tracks,
            as_of=self._order.as_of,
            run=self._report.run,
            go_live=self._go_live,
            route=self._session.mode != "scores",
            hand_over=self._order.tasks,
            clean_up=self._order.clean_up,
            newer_than=self._session.settings.only_signals_newer_than,
        )
        if self._order.rehearses:
            self._rehearse(person)
        adopted = not tracks and decision.tracks[0].adopted
        if person.unmapped:
            return Looked(person, kept, memory, decision, UNTOUCHED, adopted, mark=mark, holds=holds)
        difference, postponed = self._compared(person, kept, decision, holds, Ours(memory), mark)
        return Looked(person, kept, memory, decision, difference, adopted, postponed, mark, holds)

    def _compared(
        self,
        person: Person,
        kept: Kept,
        decision: Decision,
        holds: Mapping[str, Held],
        ours: Mapping[str, frozenset[str]],
        mark: int,
    ) -> tuple[Difference, bool]:
        """The decision against the record as it stands, and whether it can wait for the hour of displayed scores."""
        difference = diff(
            decision,
            kept.facts,
            ours=ours,
            holds=holds,
            fields=self._session.fields,
            terms=self._terms,
            as_of=self._order.as_of,
            owner_id=self._session.task_owner(person.owner_id),
            by_time=mark != CHANGED,
        )
        change = difference.change
        if mark == ROUTE_DUE and change is not None and change.only_scores:
            return replace(difference, change=None, retaken=()), True
        if change is not None and person.id in self._assembly.left_alone and not (change.counted or change.moves):
            # only what follows from where the undone run left them
            return replace(difference, change=None, retaken=()), False
        return difference, False

    def _again(
        self, one: Looked, holds: Mapping[str, Held], ours: Mapping[str, str], found: tuple[Reversal, ...]
    ) -> Looked:
        mine = {**Ours(one.memory), **{name: frozenset((live,)) for name, live in ours.items()}}
        difference, postponed = self._compared(one.person, one.kept, one.decision, holds, mine, one.mark)
        return replace(one, difference=difference, postponed=postponed, holds=holds, reversals=found)

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

    # -- settling and planning -------------------------------------------------------------------------------------

    @uncollected()
    def settle_or_plan(self, looked: Iterable[Looked]) -> None:
        """Remember those who need no write, plan those who do; one transaction."""
        settled: list[Settled] = []
        planned: list[PlannedChange] = []
        observes = self._session.mode == "observe" and self._order.verb != "plan"
        with self._ledger.transaction():
            looked = tuple(looked)
            self.keep_holds(looked)
            for one in looked:
                if one.stands_back:
                    self._count_back()
                    continue
                change = self._wanted(one)
                self._count(one, change)
                if change is None and self._order.clean_up is not None:
                    continue  # a clean-up says nothing about the others
                if change is None and not observes:
                    settled.append(self.settled(one))
                elif change is not None and (not observes or change.moves or change.tasks):
                    planned.append(self.planned(one, change))
            if self._order.verb == "plan":
                self._ledger.work.plan(self._report.run, planned)
            elif observes:
                self._observe(looked, planned)
                self._mending.fine(looked)
            else:
                self._settle(settled)
                self._mending.fine([one for one in looked if not one.stands_back and one.difference.change is None])
                self._mending.stand_back([one for one in looked if one.stands_back])
                self._ledger.work.plan(self._report.run, planned)

    def _wanted(self, one: Looked) -> Change | None:
        """The change to plan; of a clean-up, only what cleans up."""
        change = one.difference.change
        if change is None or self._order.clean_up is None:
            return change
        return change if change.cause == f"clean_up.{self._order.clean_up}" else None

    def _settle(self, settled: Sequence[Settled]) -> None:
        ids = [one.person_id for one in settled]
        self._memory.settle(settled, as_of=self._order.as_of, run=self._report.run)
        self._ledger.mirror.settle(ids)
        self._ledger.aside.drop(ids)

    def _observe(self, looked: Sequence[Looked], planned: Sequence[PlannedChange]) -> None:
        """Observing remembers how it would have gone on, in a memory of its own: a hand-off would be made once, not
        at every look. Rows are kept of moves and hand-offs only: what scores would read says the next look anew."""
        self._settle([self._shadowed(one) for one in looked])
        self._ledger.work.plan(self._report.run, planned)
        self._ledger.observations.note([self._observed(one) for one in looked if one.decision.tasks])

    def _shadowed(self, one: Looked) -> Settled:
        """Whatever stands in the CRM is what others made of it, and is measured from there."""
        live = {name: self._live(one, field) for field, name in self._assembly.written.items()}
        return self.settled(one, live)

    def _live(self, one: Looked, field: str) -> str:
        fields = self._session.fields
        return fields.encode(field, fields.live(one.kept.facts, field))

    def _observed(self, one: Looked) -> Observed:
        decision, draft = one.decision, one.decision.tasks[0]
        return Observed(
            one.person.id,
            draft.track_id,
            draft.cycle,
            self._report.run,
            self._order.as_of,
            decision.cause,
            decision.reason,
            self._session.task_owner(one.person.owner_id),
            next(track.stage for track in decision.tracks if track.id == draft.track_id),
            draft.due_at,
        )

    def _count_back(self) -> None:
        """One who stands back: looked at, decided on, and rejected as before."""
        for name in ("looked_at", "decided", "rejected"):
            self._report.count(name)

    def _count(self, one: Looked, change: Change | None) -> None:
        report = self._report
        report.count("looked_at")
        report.count("decided")
        report.count("adopted", int(one.adopted))
        if change is not None:
            report.count("changed")
        elif one.difference.held or one.person.unmapped or one.decision.held_until is not None:
            report.count("held")
        else:
            report.count("unchanged")
        # A hold is counted, and its reason is whatever somebody typed: that stays out of reports (G14).
        told = [text for text in one.decision.warnings if not text.startswith((ON_HOLD, UNROUTED))]
        if any(text.startswith(UNROUTED) for text in one.decision.warnings):
            self.unrouted.append(one.person.id)
        if told and len(report.warnings) < 20:
            report.warnings.append(f"contact {one.person.id}: {told[0]}")

    def keep_holds(self, looked: Sequence[Looked]) -> None:
        """What is left alone from now on, what is not any more, and what was set back."""
        if self._order.verb == "plan" or self._session.mode == "observe":
            return
        ledger, run = self._ledger, self._report.run
        ledger.holds.put([as_hold(one.person.id, held) for one in looked for held in one.difference.held], run)
        over = [(one.person.id, name) for one in looked for name in one.difference.released]
        ledger.holds.drop(over)
        ledger.reversals.note([found for one in looked for found in one.reversals], run)
        ledger.reversals.restored(
            [*over, *(key for one in looked if one.memory.intended for key in self._arrivals(one))]
        )

    def settled(self, one: Looked, base: dict[str, str] | None = None) -> Settled:
        """What to remember of a person once the decision stands; what is still to be written is not in its base."""
        decision, source = one.decision, one.person.fields.get(SOURCE)
        return Settled(
            person_id=one.person.id,
            tracks=tuple(track_to_json(track) for track in decision.tracks),
            base=self._base(one) if base is None else base,
            route_next_at=_soonest(decision.route_next_at, *(held.until for held in one.difference.held)),
            score_next_at=self._order.as_of if one.postponed else decision.score_next_at,
            moves=decision.moves,
            track_id=decision.tracks[0].id,
            fingerprint=self._session.agreement.fingerprint,
            source=None if source is None else str(source),
            hand_offs=self._noting.hand_offs(one.person, decision, one.memory.tracks, self._order.as_of),
            lets_go=one.person.id in self._assembly.let_go,
        )

    def _base(self, one: Looked) -> dict[str, str]:
        """What counts as ours from now on: what we wrote before, what already stood as we want it, and a stage or
        status of others that the decision has just adopted."""
        fields, facts, outputs = self._session.fields, one.kept.facts, one.decision.outputs
        change = one.difference.change
        apart = {held.property for held in one.difference.held}
        apart |= {pending.property for pending in change.sets} if change else set()
        base = dict(one.memory.base)
        for field, name in self._assembly.written.items():
            live = fields.encode(field, fields.live(facts, field))
            if base.get(name) == live or name in apart or (field not in outputs and field not in STRICT):
                continue
            arrived = self._arrived(one, field, name, live)
            if self._left_alone(one) and field in STRICT and name in base and not arrived:
                continue  # what people set meanwhile is adopted once this person is routed again
            if field in STRICT or arrived or fields.encode(field, outputs[field]) == live:
                base[name] = live
        return base

    def _arrivals(self, one: Looked) -> Iterator[tuple[str, str]]:
        """Our own writes that arrived and were never confirmed, because the run before died: (person id, property)."""
        for field, name in self._assembly.written.items():
            if self._arrived(one, field, name, self._live(one, field)):
                yield one.person.id, name

    def _arrived(self, one: Looked, field: str, name: str, live: str) -> bool:
        """Whether this is our own write that was never confirmed."""
        intended = one.memory.intended.get(name)
        return intended is not None and any(self._session.fields.alike(field, live, each) for each in intended[1:])

    def _left_alone(self, one: Looked) -> bool:
        """Whether this person is scored and nothing more: held, unmapped, or in mode scores."""
        return one.decision.held_until is not None or bool(one.person.unmapped) or self._session.mode == "scores"

    def planned(self, one: Looked, change: Change) -> PlannedChange:
        """The ledger's row of a planned change, with everything that must be remembered if it comes true."""
        body = {
            **to_json(change),
            "backwards": self._backwards(one.decision),
            "score": [one.decision.score.fit, one.decision.score.engagement, one.decision.score.grade],
            "reason": one.decision.reason,
            "after": settled_json(self.settled(one)),
            **({"before": {"tracks": list(one.memory.tracks)}} if change.moves else {}),  # for `revert`
            **({"retaken": list(one.difference.retaken)} if one.difference.retaken else {}),
            **({"left_out": list(one.left_out)} if one.left_out else {}),
        }
        return PlannedChange(
            change.person_id,
            change.cause,
            change.counted,
            change.overwrites,
            change.urgency,
            body,
            state=OBSERVED if self._session.mode == "observe" else PLANNED,
        )

    def _backwards(self, decision: Decision) -> bool:
        """Whether the agreement lets this move empty the CRM's stage in order to set an earlier one (G5)."""
        return any(
            move.what == "stage" and move.before in one.from_stages and move.after == one.to
            for move in decision.moves
            for one in self._session.agreement.backwards
        )


def _soonest(*moments: datetime | None) -> datetime | None:
    """When to look again: the decision changes, or a hold is over."""
    return min((at for at in moments if at is not None), default=None)


def settled_json(one: Settled) -> dict[str, Any]:
    """What is to be remembered, as the ledger keeps it with a planned change."""
    return {
        "tracks": list(one.tracks),
        "base": dict(one.base),
        "route_next_at": one.route_next_at.isoformat() if one.route_next_at else None,
        "score_next_at": one.score_next_at.isoformat() if one.score_next_at else None,
        "track_id": one.track_id,
        "fingerprint": one.fingerprint,
        "source": one.source,
        "lets_go": one.lets_go,
        "hand_offs": [handoffs.to_json(each) for each in one.hand_offs],
    }


def candidates(session: Session, order: Order) -> Iterator[dict[str, int]]:
    """Chunks of people to look at: those named, a slice, or everybody who is dirty; a plan also shows those who
    wait. Each with the reason to look."""
    size = session.settings.chunk
    if order.only is not None:
        for start in range(0, len(order.only), size):
            yield dict.fromkeys(order.only[start : start + size], CHANGED)
        return
    yield from _dirty_or_everybody(session, order, size)
    if not order.write and order.within is None:
        waiting = [one.person_id for one in session.ledger.aside.every()]
        for start in range(0, len(waiting), size):
            yield dict.fromkeys(waiting[start : start + size], CHANGED)


def _dirty_or_everybody(session: Session, order: Order, size: int) -> Iterator[dict[str, int]]:
    mirror = session.ledger.mirror
    after = ""
    while True:
        everyone = order.within is not None
        chunk = dict.fromkeys(mirror.contacts(after, size), CHANGED) if everyone else mirror.dirty(after, size)
        if not chunk:
            return
        yield chunk
        after = max(chunk)
