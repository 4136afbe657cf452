"""Recording: what the CRM confirmed becomes what we remember, in one transaction; the rest stays dirty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connector.fields import Facts, Words
from connector.fields.places import LEAD, place_of
from connector.ledger import handoffs
from connector.ledger.people import Settled
from connector.ledger.work import UNDOING
from connector.model import Move
from connector.plan import Change, Set
from connector.sync.colleagues import Colleagues
from connector.sync.mending import Mending
from connector.sync.parts import leads_of, own_sets
from connector.sync.results import Result
from connector.sync.reverting.planning import Reverting, holds_of, undone_of
from connector.sync.session import Report, Session


@dataclass(frozen=True, slots=True)
class _Written:
    """What was sent of one person's change, and the facts with it: of their record, and of their leads by id."""

    sets: tuple[Set, ...]
    facts: Facts
    leads: Mapping[str, Facts]


class Recording:
    """The ledger's side of one run's writing."""

    def __init__(self, session: Session, report: Report, *, reverting: Reverting | None = None) -> None:
        self._session = session
        self._report = report
        self._ledger = session.ledger
        self._reverting = reverting
        self._mending = Mending(session, report)
        self._expected: dict[str, _Written] = {}  # by contact id

    def expect(self, changes: Sequence[Change]) -> None:
        """Make ready what the mirror will hold once these are written; for the time in which the CRM's answer is
        awaited."""
        self._expected |= self._as_written(changes)

    def record(self, results: Sequence[Result]) -> None:
        """Tracks, values, moves, log and plan rows in one transaction; the rest stays dirty for the next run."""
        now = self._session.now()
        written = [result for result in results if result.state == "written"]
        with self._ledger.transaction():
            self._session.still_mine()
            settled = [_settled(result) for result in written]
            self._ledger.people.settle(settled, as_of=self._report.as_of, run=self._report.run)
            self._mirror_what_was_written([one for result in results if (one := _standing(result)) is not None])
            if self._reverting is not None:
                self._leave_alone(written, self._reverting.met, now)
            else:
                self._ledger.mirror.settle([one.person_id for one in settled])
                self._retake([result for result in results if result.stands])
                over = ("written", "rejected", "gone")
                self._ledger.aside.drop([result.change.person_id for result in results if result.state in over])
                self._mending.refused([result for result in results if result.state == "rejected"], now)
                self._mending.written(written, now)
            unknown = [one.change for one in results if one.state == "unknown"]
            self._ledger.mirror.distrust("contact", [one.person_id for one in unknown])
            self._ledger.mirror.distrust(LEAD, [id for one in unknown for id in leads_of(one)])
            gone = [result.change.person_id for result in results if result.state == "gone"]
            self._ledger.mirror.mark_gone("contact", gone)
            Colleagues(self._session).left("contact", gone)
            self._ledger.work.conclude(
                self._report.run,
                [(result.change.person_id, self._end(result), result.code, result.message) for result in results],
                now,
            )

    def _end(self, result: Result) -> str:
        """What nobody knows whether it was undone is carried to its end by the next run."""
        return UNDOING if self._reverting is not None and result.state == "unknown" else result.state

    def _leave_alone(self, written: Sequence[Result], met: int, now: datetime) -> None:
        """What was put back stands until something new is known; everybody is looked at again, waiting or not."""
        fingerprint = self._session.agreement.fingerprint
        undone = [undone_of(result.planned, met, now, fingerprint) for result in written]
        undone = [one for one in undone if one.values or one.tracks is not None]
        self._ledger.undone.note(undone)
        self._ledger.holds.put(holds_of(undone), self._report.run)
        self._ledger.mirror.mark_dirty([result.change.person_id for result in written])

    def _mirror_what_was_written(self, written: Sequence[Change]) -> None:
        """So that the echo of our own write is met as known and costs nothing."""
        expected, self._expected = self._expected, {}
        ready = {
            one.person_id: expected[one.person_id]
            for one in written
            if one.person_id in expected and expected[one.person_id].sets == one.sets
        }
        ready |= self._as_written([one for one in written if one.person_id not in ready])
        self._ledger.mirror.overwrite("contact", {id: one.facts for id, one in ready.items()})
        self._ledger.mirror.overwrite(LEAD, {id: facts for one in ready.values() for id, facts in one.leads.items()})

    def _as_written(self, changes: Sequence[Change]) -> dict[str, _Written]:
        kept = self._ledger.mirror.kept("contact", [one.person_id for one in changes if one.sets])
        leads = self._ledger.mirror.kept(LEAD, [id for one in changes for id in leads_of(one)])
        return {
            one.person_id: _Written(
                one.sets,
                self._with(kept[one.person_id].facts, own_sets(one)),
                {
                    id: self._with(leads[id].facts, [each for each in one.sets if place_of(each.property).id == id])
                    for id in leads_of(one)
                    if id in leads and not leads[id].gone
                },
            )
            for one in changes
            if one.sets and one.person_id in kept and not kept[one.person_id].gone
        }

    def _with(self, facts: Facts, sets: Sequence[Set]) -> Facts:
        """The facts of a record once these stand in it."""
        if not sets:
            return facts
        words = self._session.fields.words_at(sets[0].property)
        return words.with_written(facts, {each.field: each.after for each in sets if _is_mapped(words, each)})

    def _retake(self, written: Sequence[Result]) -> None:
        """What others had set in these properties is replaced: their holds are over, and whoever sets ours back from
        now on does so anew."""
        keys = [(one.change.person_id, name) for one in written for name in one.planned.body.get("retaken", ())]
        self._ledger.holds.drop(keys)
        self._ledger.reversals.restored(keys)


def _standing(result: Result) -> Change | None:
    """What of a change stands in the CRM now; None for nothing."""
    if result.stands:
        return result.change
    return replace(result.change, sets=result.stood) if result.stood else None


def _is_mapped(words: Words, one: Set) -> bool:
    spec = words.spec(one.field)
    return spec is not None and spec.property == place_of(one.property).property


def _settled(result: Result) -> Settled:
    body: Mapping[str, Any] = result.planned.body
    after = body["after"]
    written = {} if "undoes" in body else {one.property: one.after for one in result.change.sets}
    moves: tuple[Move, ...] = result.change.moves
    return Settled(
        person_id=result.change.person_id,
        tracks=tuple(after["tracks"]),
        base={**after["base"], **written},  # of what is undone, what was agreed before stays the base
        route_next_at=_moment(after["route_next_at"]),
        score_next_at=_moment(after["score_next_at"]),
        moves=moves,
        track_id=after["track_id"],
        fingerprint=after["fingerprint"],
        source=after.get("source"),  # plans of an earlier version do not say it
        lets_go=after.get("lets_go", False),
        hand_offs=tuple(map(handoffs.from_json, after.get("hand_offs", ()))),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
