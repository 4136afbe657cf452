"""
What a look comes to: whoever needs no write is settled at once, whoever does is planned.

Settled means that the track moves and its facts count as used. A planned change goes to the ledger with everything that
must be remembered if it comes true; the guard sees the whole run there before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connector.agreement.goals import SOURCE
from connector.decide import ON_HOLD
from connector.decide.follow_up import UNROUTED
from connector.decide.tracks import track_to_json
from connector.fields import STRICT, Facts
from connector.fields.places import is_on_lead, on_lead, place_of
from connector.ledger import handoffs
from connector.ledger.observing import Observed
from connector.ledger.people import Settled
from connector.ledger.work import OBSERVED, PLANNED, PlannedChange
from connector.model import Decision
from connector.plan import Change, to_json
from connector.sync.assembling import FOLLOWED_ON_LEADS, Assembly
from connector.sync.echoes import ACROSS, SOON
from connector.sync.garbage import uncollected
from connector.sync.mending import Mending
from connector.sync.noting import Noting
from connector.sync.reversals import as_hold
from connector.sync.session import Order, Report, Session

if TYPE_CHECKING:
    from connector.sync.look import Looked

#: Told to: whose data this was, and what went wrong with it.
Failed = Callable[[str, Exception], None]


class Settling:
    """Remembering and planning for one run; `failed` hears of people whose data cannot be digested."""

    def __init__(
        self, session: Session, order: Order, report: Report, assembly: Assembly, mending: Mending, failed: Failed
    ) -> None:
        self._session = session
        self._order = order
        self._report = report
        self._ledger = session.ledger
        self._memory = session.memory
        self._assembly = assembly
        self._mending = mending
        self._failed = failed
        self._noting = Noting(session.agreement, session.office.teams)
        self.unrouted: list[str] = []  # handed over, and nobody's for longer than agreed

    @uncollected()
    def settle_or_plan(self, looked: Iterable[Looked]) -> None:
        """Remember those who need no write, plan those who do; one transaction."""
        settled: list[Settled] = []
        planned: list[PlannedChange] = []
        with self._ledger.transaction():
            looked = [one for one in looked if self._is_digested(one, settled, planned)]
            self.keep_holds(looked)
            if self._order.verb == "plan":
                self._ledger.work.plan(self._report.run, planned)
            elif self._observes:
                self._observe(looked, settled, planned)
                self._mending.fine(looked)
            else:
                self._settle(settled)
                self._mending.fine([one for one in looked if not one.stands_back and one.difference.change is None])
                self._mending.stand_back([one for one in looked if one.stands_back])
                self._ledger.work.plan(self._report.run, planned)

    @property
    def _observes(self) -> bool:
        return self._session.mode == "observe" and self._order.verb != "plan"

    def _is_digested(self, one: Looked, settled: list[Settled], planned: list[PlannedChange]) -> bool:
        """Add what is to be kept of one person; False for whom that cannot be said, who is rejected alone."""
        try:
            self._digest(one, settled, planned)
        except Exception as error:  # noqa: BLE001 - whatever one person's data does to a room of ours, the others go on
            self._failed(one.person.id, error)
            return False
        return True

    def _digest(self, one: Looked, settled: list[Settled], planned: list[PlannedChange]) -> None:
        if one.stands_back:
            self._count_back()
            return
        change = self._wanted(one)
        if change is not None and (not self._observes or change.moves or change.tasks):
            planned.append(self.planned(one, change))
        if self._observes:
            settled.append(self._shadowed(one))
        elif change is None and self._order.clean_up is None:  # a clean-up says nothing about the others
            settled.append(self.settled(one))
        self._count(one, change)

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

    def _observe(self, looked: Sequence[Looked], settled: Sequence[Settled], planned: Sequence[PlannedChange]) -> None:
        """Observing remembers how it would have gone on, in a memory of its own: a hand-off would be made once, not
        at every look. Rows are kept of moves and hand-offs only: what scores would read says the next look anew."""
        self._settle(settled)
        self._ledger.work.plan(self._report.run, planned)
        self._ledger.observations.note([self._observed(one) for one in looked if one.decision.tasks])

    def _shadowed(self, one: Looked) -> Settled:
        """Whatever stands in the CRM is what others made of it, and is measured from there."""
        live = {name: self._live(one, field) for field, name in self._assembly.written.items()}
        live |= {place: text for place, _, text, _ in self._on_leads(one)}
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
        over = [(one.person.id, name) for one in looked for name in (*one.difference.released, *_elsewhere(one))]
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
            route_next_at=_soonest(
                decision.route_next_at,
                *(held.until for held in one.difference.held),
                self._echoes_end(one),
            ),
            score_next_at=self._order.as_of if one.postponed else decision.score_next_at,
            moves=decision.moves,
            track_id=decision.tracks[0].id,
            fingerprint=self._session.agreement.fingerprint,
            source=None if source is None else str(source),
            hand_offs=self._noting.hand_offs(one.person, decision, one.memory.tracks, self._order.as_of),
            lets_go=one.person.id in self._assembly.let_go,
        )

    def _echoes_end(self, one: Looked) -> datetime | None:
        """When to look again at what came across: soon, where it may as well be a person's."""
        if any(echo.waits for echo in one.echoes.values()):
            return self._order.as_of + SOON
        return self._order.as_of + ACROSS if one.difference.echoed else None

    def _base(self, one: Looked) -> dict[str, str]:
        """What counts as ours from now on: what we wrote before, what already stood as we want it, and a stage or
        status of others that the decision has just adopted."""
        fields, facts, outputs = self._session.fields, one.kept.facts, one.decision.outputs
        change = one.difference.change
        apart = {held.property for held in one.difference.held} | set(one.difference.echoed)
        apart |= {name for name, echo in one.echoes.items() if echo.waits}
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
        return self._with_leads(one, base, apart) if one.kept.leads else base

    def _with_leads(self, one: Looked, base: dict[str, str], apart: Collection[str]) -> dict[str, str]:
        """The same of each lead there is; what stood on one that is gone is forgotten."""
        words, decision = self._session.fields.leads, one.decision
        base = {
            name: text for name, text in base.items() if not is_on_lead(name) or place_of(name).id in one.kept.leads
        }
        for place, field, live, facts in self._on_leads(one):
            outputs = decision.leads.get(place_of(place).id, {})
            followed = field in FOLLOWED_ON_LEADS
            if base.get(place) == live or place in apart or (field not in outputs and not followed):
                continue
            arrived = self._arrived(one, field, place, live)
            if (
                followed
                and not arrived
                and (
                    (self._left_alone(one) and place in base)
                    or not _is_followed(field, words.live(facts, field), decision)
                )
            ):
                continue
            if followed or arrived or words.encode(field, outputs[field]) == live:
                base[place] = live
        return base

    def _on_leads(self, one: Looked) -> Iterator[tuple[str, str, str, Facts]]:
        """What stands on a person's leads of all that may be written there: (place, field, text, facts of the lead)."""
        words = self._session.fields.leads
        for id, lead in one.kept.leads.items():
            for field, name in self._assembly.written_on_leads.items():
                yield on_lead(id, name), field, words.encode(field, words.live(lead.facts, field)), lead.facts

    def _arrivals(self, one: Looked) -> Iterator[tuple[str, str]]:
        """Our own writes that arrived and were never confirmed, because the run before died: (person id, place)."""
        for field, name in self._assembly.written.items():
            if self._arrived(one, field, name, self._live(one, field)):
                yield one.person.id, name
        for place, field, live, _ in self._on_leads(one):
            if self._arrived(one, field, place, live):
                yield one.person.id, place

    def _arrived(self, one: Looked, field: str, name: str, live: str) -> bool:
        """Whether this is our own write that was never confirmed."""
        intended = one.memory.intended.get(name)
        words = self._session.fields.words_at(name)
        return intended is not None and any(words.alike(field, live, each) for each in intended[1:])

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


def _elsewhere(one: Looked) -> Iterator[str]:
    """What is held on leads that are gone, or somebody else's by now."""
    return (name for name in one.holds if is_on_lead(name) and place_of(name).id not in one.kept.leads)


def _is_followed(field: str, live: object, decision: Decision) -> bool:
    """Whether what stands on a lead has been taken in: an answer is, once a track answers to it, or none is being
    worked on; until then it is still news."""
    if field in STRICT or live is None:
        return True
    under_way = [track for track in decision.tracks if track.handed_over]
    return not under_way or any(track.answer == live for track in decision.tracks)


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
