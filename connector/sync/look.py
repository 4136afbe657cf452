"""
Look: put people together from the mirror, ask the agreement, and set the answer against what the CRM holds.

Whoever needs no write is settled at once: the track moves, its facts count as used. Whoever does is planned: the
change goes to the ledger, where the guard sees the whole run before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from connector.crm import ACTIVITIES
from connector.decide import ON_HOLD
from connector.decide.tracks import track_from_json, track_to_json
from connector.errors import ConnectorError, CrmError, Denied
from connector.fields import STRICT, Linked
from connector.ledger.mirror import Kept, LinkRow, Surroundings
from connector.ledger.observing import Observed
from connector.ledger.people import NOTHING, Memory, Settled
from connector.ledger.tables import CHANGED, ROUTE_DUE
from connector.ledger.work import OBSERVED, PLANNED, Hold, PlannedChange, Reject
from connector.model import Decision, Edit, Person
from connector.plan import Change, Difference, Held, diff, to_json
from connector.sync.garbage import uncollected
from connector.sync.session import Order, Report, Session

#: Verbs that only ask: nothing of what they find is kept.
ASKING = ("explain", "report")

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
        #: field -> property of what may be written back: stage and status, and what the agreement names
        self._written = {
            field: spec.property
            for field in (*STRICT, *session.agreement.write_back.rules)
            if (spec := session.fields.spec(field)) is not None
        }

    # -- one chunk of people -------------------------------------------------------------------------------------

    @uncollected()
    def at(self, ids: Sequence[str], marks: Mapping[str, int] | None = None) -> list[Looked]:
        """Decide and diff these people; those that cannot be decided on are rejected alone. `marks`: why they are
        looked at, where it is not a fact."""
        people, kept, memories, holds = self._assemble(ids)
        looked = []
        for person in self._in_scope(people):
            memory = memories.get(person.id, NOTHING)
            try:
                looked.append(
                    self._one(
                        person,
                        kept[person.id],
                        memory,
                        holds.get(person.id, {}),
                        mark=marks.get(person.id, CHANGED) if marks else CHANGED,
                    )
                )
            except (ConnectorError, ValueError, KeyError, TypeError, ArithmeticError) as error:
                self._reject(person.id, error)
        return looked

    def people(self, ids: Sequence[str]) -> list[Person]:
        """These people put together, for who asks other questions than the agreement's decision."""
        return self._assemble(ids)[0]

    def _in_scope(self, people: Sequence[Person]) -> Sequence[Person]:
        """Those this connection may speak about; the others are left as they are, on every run anew."""
        if self._order.verb in ASKING:
            return people
        inside = [person for person in people if self._session.scope.admits(person)]
        self.admitted += len(inside)
        if len(inside) < len(people):
            chosen = {person.id for person in inside}
            outside = [person.id for person in people if person.id not in chosen]
            self.left_out += len(outside)
            self._report.count("looked_at", len(outside))
            self._report.count("unchanged", len(outside))
            if self._order.verb != "plan":
                with self._ledger.transaction():
                    self._ledger.mirror.settle(outside)
                    self._ledger.aside.drop(outside)
        return inside

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
        if person.unmapped:
            return Looked(person, kept, memory, decision, UNTOUCHED, not tracks and decision.tracks[0].adopted)
        difference = diff(
            decision,
            kept.facts,
            ours=Ours(memory),
            holds=holds,
            fields=self._session.fields,
            terms=self._terms,
            as_of=self._order.as_of,
            owner_id=self._session.task_owner(person.owner_id),
            by_time=mark != CHANGED,
        )
        change = difference.change
        postponed = mark == ROUTE_DUE and change is not None and change.only_scores
        if postponed:
            difference = replace(difference, change=None)
        adopted = not tracks and decision.tracks[0].adopted
        return Looked(person, kept, memory, decision, difference, adopted, postponed)

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
        message = str(error) if isinstance(error, ConnectorError) else f"{type(error).__name__} while deciding"
        reject = Reject("contact", person_id, "undecidable", message, fingerprint=self._session.agreement.fingerprint)
        with self._ledger.transaction():
            self._ledger.work.reject([reject], self._report.run, self._session.now())
            self._ledger.mirror.settle([person_id])
            self._ledger.aside.drop([person_id])
        self._report.count("looked_at")
        self._report.count("rejected")

    # -- settling and planning -------------------------------------------------------------------------------------

    @uncollected()
    def settle_or_plan(self, looked: Iterable[Looked]) -> None:
        """Remember those who need no write, plan those who do; one transaction."""
        settled: list[Settled] = []
        planned: list[PlannedChange] = []
        with self._ledger.transaction():
            looked = tuple(looked)
            self._keep_holds(looked)
            for one in looked:
                change = self._wanted(one)
                self._count(one, change)
                if change is None and self._order.clean_up is not None:
                    continue  # a clean-up says nothing about the others
                if change is None:
                    settled.append(self.settled(one))
                else:
                    planned.append(self.planned(one, change))
            if self._order.verb == "plan":
                self._ledger.work.plan(self._report.run, planned)
            elif self._session.mode == "observe":
                self._observe(looked, planned)
            else:
                self._settle(settled)
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
        self._ledger.work.plan(self._report.run, [one for one in planned if one.body["moves"] or one.body["tasks"]])
        self._ledger.observations.note([self._observed(one) for one in looked if one.decision.tasks])

    def _shadowed(self, one: Looked) -> Settled:
        """Whatever stands in the CRM is what others made of it, and is measured from there."""
        live = {name: self._live(one, field) for field, name in self._written.items()}
        return replace(self.settled(one), base=live)

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
            decision.tracks[0].stage,
            draft.due_at,
        )

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
        told = [text for text in one.decision.warnings if not text.startswith(ON_HOLD)]
        if told and len(report.warnings) < 20:
            report.warnings.append(f"contact {one.person.id}: {told[0]}")

    def _keep_holds(self, looked: Sequence[Looked]) -> None:
        if self._order.verb == "plan" or self._session.mode == "observe":
            return
        holds = [
            Hold(one.person.id, held.property, held.live, held.ours, held.since, held.until)
            for one in looked
            for held in one.difference.held
        ]
        self._ledger.work.hold(holds, self._report.run)
        self._ledger.work.drop_holds([(one.person.id, name) for one in looked for name in one.difference.released])

    def settled(self, one: Looked) -> Settled:
        """What to remember of a person once the decision stands; what is still to be written is not in its base."""
        decision = one.decision
        return Settled(
            person_id=one.person.id,
            tracks=tuple(track_to_json(track) for track in decision.tracks),
            base=self._base(one),
            route_next_at=decision.route_next_at,
            score_next_at=self._order.as_of if one.postponed else decision.score_next_at,
            moves=decision.moves,
            track_id=decision.tracks[0].id,
            fingerprint=self._session.agreement.fingerprint,
        )

    def _base(self, one: Looked) -> dict[str, str]:
        """What counts as ours from now on: what we wrote before, what already stood as we want it, and a stage or
        status of others that the decision has just adopted."""
        fields, facts, outputs = self._session.fields, one.kept.facts, one.decision.outputs
        change = one.difference.change
        apart = {held.property for held in one.difference.held}
        apart |= {pending.property for pending in change.sets} if change else set()
        base = dict(one.memory.base)
        for field, name in self._written.items():
            live = fields.encode(field, fields.live(facts, field))
            if base.get(name) == live or name in apart or (field not in outputs and field not in STRICT):
                continue
            arrived = live == one.memory.intended.get(name, ("", None))[1]  # our write that was never confirmed
            if self._left_alone(one) and field in STRICT and name in base and not arrived:
                continue  # what people set meanwhile is adopted once this person is routed again
            if field in STRICT or arrived or fields.encode(field, outputs[field]) == live:
                base[name] = live
        return base

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
            "after": _settled_json(self.settled(one)),
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

    # -- putting people together ---------------------------------------------------------------------------------

    def _assemble(
        self, ids: Sequence[str]
    ) -> tuple[list[Person], dict[str, Kept], dict[str, Memory], dict[str, dict[str, Held]]]:
        with self._ledger.transaction():
            kept = self._kept(ids)
            around = self._ledger.mirror.around(tuple(kept))
            others = self._others(around.values())
            memories = self._memory.remember(tuple(kept))
            holds = self._holds(tuple(kept))
        edits = self._edits(kept, memories)
        people = [
            self._person(self._undone(one, memories.get(id, NOTHING)), around[id], others, edits.get(id, {}))
            for id, one in kept.items()
        ]
        return people, kept, memories, holds

    def _kept(self, ids: Sequence[str]) -> dict[str, Kept]:
        """The records of these people that are there, and within what was ordered."""
        within = self._order.within
        return {
            id: one
            for id, one in self._ledger.mirror.kept("contact", ids).items()
            if not one.gone and (within is None or within(one.facts, one.created_at))
        }

    def _holds(self, ids: Sequence[str]) -> dict[str, dict[str, Held]]:
        """Per person and property, the values of others that we leave alone."""
        holds: dict[str, dict[str, Held]] = {}
        for hold in self._ledger.work.holds(ids):
            held = Held(hold.property, hold.live, hold.ours, hold.since, hold.until)
            holds.setdefault(hold.person_id, {})[hold.property] = held
        return holds

    def _undone(self, kept: Kept, memory: Memory) -> Kept:
        """The record without a write of ours that was never confirmed: the agreement is asked what it was asked
        then, and the difference to what stands there now is what is left to do."""
        if not memory.intended:
            return kept
        fields = self._session.fields
        before: dict[str, str] = {}
        for field, name in self._written.items():
            pair = memory.intended.get(name)
            if pair is not None and fields.encode(field, fields.live(kept.facts, field)) == pair[1]:
                before[field] = pair[0]
        return replace(kept, facts=fields.with_written(kept.facts, before))

    def _others(self, around: Iterable[Surroundings]) -> dict[str, dict[str, Kept]]:
        """The records linked to these people, by kind."""
        wanted: dict[str, set[str]] = {}
        for one in around:
            for link in one.links:
                wanted.setdefault(link.kind, set()).add(link.id)
        return {kind: self._ledger.mirror.kept(kind, sorted(ids)) for kind, ids in wanted.items()}

    def _person(
        self, kept: Kept, around: Surroundings, others: Mapping[str, Mapping[str, Kept]], edits: Mapping[str, Edit]
    ) -> Person:
        linked: dict[str, list[Linked]] = {}
        for link in sorted(around.links, key=lambda link: link.id):
            there = _linked(link, others[link.kind].get(link.id))
            if there is not None:
                linked.setdefault(link.kind, []).append(there)
        companies = sorted(linked.get("company", ()), key=lambda one: ("primary" not in one.labels, _number(one.id)))
        person = self._session.fields.person(
            Linked(kept.id, kept.facts, (), kept.seen),
            created_at=kept.created_at,
            company=companies[0] if companies else None,
            deals=linked.get("deal", ()),
            activities=[(kind, one) for kind in ACTIVITIES for one in linked.get(kind, ())],
            occurrences=around.occurrences,
            edits=edits,
        )
        return person if self._session.is_active(person.owner_id) else replace(person, owner_id=None)

    # -- who changed stage or status since we wrote them -----------------------------------------------------------

    def _edits(self, kept: Mapping[str, Kept], memories: Mapping[str, Memory]) -> dict[str, dict[str, Edit]]:
        found: dict[str, dict[str, Edit]] = {}
        for id, memory in memories.items():
            for field in STRICT:
                edit = self._edit(field, kept[id], memory)
                if edit is not None:
                    found.setdefault(id, {})[field] = edit
            if (answer := _answer(kept[id], memory)) is not None:
                found.setdefault(id, {})[answer.field] = answer
        return self._dated(found) if found and self._order.verb not in ASKING else found

    def _edit(self, field: str, kept: Kept, memory: Memory) -> Edit | None:
        fields = self._session.fields
        spec = fields.spec(field)
        if spec is None or field in kept.facts.get("u", {}):
            return None
        live = fields.encode(field, fields.live(kept.facts, field))
        if live == memory.base.get(spec.property):
            return None
        ours = Ours(memory).get(spec.property)
        if ours is None or live in ours:
            return None
        before = fields.decode(field, memory.base.get(spec.property, ""))
        return Edit(field, before, fields.live(kept.facts, field), None, "unknown")

    def _dated(self, found: dict[str, dict[str, Edit]]) -> dict[str, dict[str, Edit]]:
        """Ask the CRM's history who made these edits and when; without an answer they stay undated."""
        asked = {field for edits in found.values() for field in edits}
        specs = {
            field: spec
            for field in (*STRICT, *sorted(asked - set(STRICT)))
            if (spec := self._session.fields.spec(field)) is not None
        }
        names = sorted(spec.property for spec in specs.values())
        try:
            history = self._session.crm.history("contact", sorted(found), names)
        except Denied:
            raise
        except CrmError as error:
            self._report.warnings.append(f"who changed stage or status could not be read: {error}")
            return found
        for id, edits in found.items():
            for field, edit in edits.items():
                versions = history.get(id, {}).get(specs[field].property, ())
                if versions:
                    edits[field] = replace(edit, at=versions[0].at, by=versions[0].by)
        return found


def _answer(kept: Kept, memory: Memory) -> Edit | None:
    """An answer of sales to a hand-off under way that the track does not answer to yet: when was it given?"""
    live, track = kept.facts["f"].get("sales_answer"), memory.tracks[0] if memory.tracks else {}
    if live is None or not track.get("handed_over") or live == track.get("answer"):
        return None
    return Edit("sales_answer", track.get("answer"), live, None, "unknown")


def _linked(link: LinkRow, kept: Kept | None) -> Linked | None:
    if kept is None or kept.gone:
        return None
    return Linked(link.id, kept.facts, link.labels, max(link.seen, kept.seen))


def _number(id: str) -> tuple[int, str]:
    """Ids in the order in which the CRM gave them out."""
    return (int(id), id) if id.isdigit() else (0, id)


class Ours(Mapping[str, frozenset[str]]):
    """Per property, the texts that are no edit of others: the base, and both ends of a write under way.

    Worked out when asked for: of most people nothing differs, and nothing is asked.
    """

    def __init__(self, memory: Memory) -> None:
        self._base, self._intended = memory.base, memory.intended

    def __getitem__(self, name: str) -> frozenset[str]:
        if name in self._intended:
            before, after = self._intended[name]
            return frozenset((self._base.get(name, before), after))
        return frozenset((self._base[name],))

    def __iter__(self) -> Iterator[str]:
        return iter({**self._base, **self._intended})

    def __len__(self) -> int:
        return len({**self._base, **self._intended})


def _settled_json(one: Settled) -> dict[str, Any]:
    return {
        "tracks": list(one.tracks),
        "base": dict(one.base),
        "route_next_at": one.route_next_at.isoformat() if one.route_next_at else None,
        "score_next_at": one.score_next_at.isoformat() if one.score_next_at else None,
        "track_id": one.track_id,
        "fingerprint": one.fingerprint,
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
