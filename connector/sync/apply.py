"""
Apply: write what was planned, verify what the CRM stored, and only then remember it.

The order is the guarantee (G2): the intent commits, the call goes out, the outcome commits with its evidence. A
crash before the last step leaves the person dirty and the facts unused, so the next run decides the same again and
finds its own half-done work by value and by task marker.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connector.crm import Outcome, Update, accounting
from connector.errors import Deferred, Transient
from connector.fields import FieldMap
from connector.ledger import handoffs
from connector.ledger.people import Settled
from connector.ledger.work import UNDOING, PlannedChange
from connector.model import Move
from connector.plan import Change, Set, from_json, leaving_out
from connector.sync.colleagues import Colleagues
from connector.sync.garbage import uncollected
from connector.sync.handoff import HandOff
from connector.sync.look import Look
from connector.sync.mending import Mending
from connector.sync.pull import Pull
from connector.sync.quarantine import only_tells
from connector.sync.refreshing import Refreshing
from connector.sync.reverting.planning import Reverting, holds_of, undone_of
from connector.sync.session import Report, Session
from connector.sync.verifying import Verdict, Verifying

#: The code of an outcome that was not sent because the quota's share is spent.
QUOTA = "quota"

#: Whoever is changed by others between reading and writing is written so often; then that is told.
TRIES = 3


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one planned change: a state of connector.crm.Outcome, with the reason. `change` is what was
    written in the end, without the properties that were refused."""

    planned: PlannedChange
    change: Change
    state: str
    code: str = ""
    message: str = ""
    stands: bool = False  # the properties are written, whatever became of the task
    refused: tuple[str, ...] = ()  # the properties the CRM named; of a written change: those left out of it


class Apply:
    """One run's writing."""

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
        self._verifying = Verifying(session, report, look.who, look.reversals)
        self._hand_off = HandOff(session, report)
        self._reviewed = reviewed
        self._reverting = reverting
        self._mending = Mending(session, report)

    def everything(self, total: int, still: Callable[[], None]) -> None:
        """Write the planned changes, most urgent first, until none is left. Raises Deferred when the quota is spent,
        the connection was paused, or the program is to stop, and whatever `still` raises between batches."""
        done = 0
        with Refreshing(self._session, self._report, self._pull) as refreshing:
            while True:
                self._session.go_on(writing=True)
                still()
                batch = self._ledger.work.planned(self._report.run, limit=self._session.settings.write_chunk)
                if not batch:
                    return
                refreshing.expect()
                self._write_out(self._with_fresh_base(batch))
                done += len(batch)
                self._session.progress("written", done, total)

    # -- the base of a write is fresh -------------------------------------------------------------------------------

    @uncollected()
    def _with_fresh_base(self, batch: Sequence[PlannedChange]) -> list[PlannedChange]:
        """Read again whoever was read too long ago; where that shows something new, decide again first."""
        ids = [one.person_id for one in batch]
        oldest = self._session.now() - self._session.settings.max_age
        stale = self._ledger.mirror.stale("contact", ids, oldest)
        if not stale:
            return list(batch)
        return self._read_again(batch, stale)

    def _read_again(self, batch: Sequence[PlannedChange], stale: Sequence[str]) -> list[PlannedChange]:
        self._report.counted.update(stale)  # their ends stand with the planned changes
        try:
            return self._as_read_now(batch, stale)
        finally:
            self._report.counted.difference_update(stale)

    def _as_read_now(self, batch: Sequence[PlannedChange], stale: Sequence[str]) -> list[PlannedChange]:
        kept = self._ledger.mirror.kept("contact", stale)
        around = self._ledger.mirror.around(stale)
        self._pull.read("contact", stale, counted=False)
        now = self._ledger.mirror.kept("contact", stale)
        around_now = self._ledger.mirror.around(stale)
        gone = {id for id in stale if id not in now or now[id].gone}
        unreadable = {id for id, one in self._ledger.rejects.of("contact", stale).items() if one.unreadable} - gone
        moved = {
            id
            for id in stale
            if id not in gone and (now[id].facts != kept[id].facts or around_now[id].links != around[id].links)
        } - unreadable
        moved |= self._taken_over(batch, gone)
        self._conclude(gone, "gone", "deleted or merged away")
        self._conclude(unreadable, "rejected", "the record cannot be understood any more")
        again = self._decide_again([one for one in batch if one.person_id in moved])
        return [one for one in batch if one.person_id not in gone | unreadable | moved] + again

    def _taken_over(self, batch: Sequence[PlannedChange], gone: Collection[str]) -> set[str]:
        """Whoever of a batch has just taken over the history of one who is gone: their plan knows nothing of it."""
        survivors = set(self._ledger.folding.survivors("contact", sorted(gone)).values())
        return {one.person_id for one in batch if one.person_id in survivors} - set(gone)

    def _decide_again(self, moved: Sequence[PlannedChange]) -> list[PlannedChange]:
        """New plans for people who changed under our hands; those with a cause the guard has not seen wait."""
        if not moved:
            return []
        if self._reverting is not None:
            return self._undo_again(moved, self._reverting)
        causes = {one.person_id: one.cause for one in moved}
        outside = ("unchanged", "", "no longer in the scope of this connection")
        ends = dict.fromkeys(causes, outside)
        again: list[PlannedChange] = []
        settled: list[Settled] = []
        looked = self._look.at(tuple(causes))
        for one in looked:
            change = one.difference.change
            if one.stands_back:
                ends[one.person.id] = ("rejected", "", "would write again what the CRM refused before")
            elif change is None:
                settled.append(self._look.settling.settled(one))
                ends[one.person.id] = ("unchanged", "", "the record changed before the write")
            elif self._reviewed is not None and not as_reviewed(change, self._reviewed.get(one.person.id)):
                ends[one.person.id] = ("superseded", "plan_moved", "the record changed after the review")
            elif change.counted and change.cause != causes[one.person.id]:
                ends[one.person.id] = ("superseded", "", "decided anew in the next run")
            else:
                again.append(self._look.settling.planned(one, change))
                del ends[one.person.id]
        undecided = [id for id, end in ends.items() if end == outside]
        for id, reject in self._ledger.rejects.of("contact", undecided).items():
            ends[id] = ("rejected", reject.code, reject.message)
        with self._ledger.transaction():
            self._look.settling.keep_holds(looked)
            self._ledger.people.settle(settled, as_of=self._report.as_of, run=self._report.run)
            self._ledger.mirror.settle([one.person_id for one in settled])
            self._ledger.aside.drop([one.person_id for one in settled])
            results = [(id, *end) for id, end in ends.items()]
            self._ledger.work.conclude(self._report.run, results, self._session.now())
            self._ledger.work.plan(self._report.run, again)
        return again

    def _undo_again(self, moved: Sequence[PlannedChange], reverting: Reverting) -> list[PlannedChange]:
        again, ends = reverting.again(moved)
        with self._ledger.transaction():
            results = [(id, *end) for id, end in ends.items()]
            self._ledger.work.conclude(self._report.run, results, self._session.now())
            self._ledger.work.plan(self._report.run, again)
        return again

    def carry_on(self, batch: Sequence[PlannedChange]) -> None:
        """Write these, whose writing had begun before."""
        self._write_out(batch)

    def _conclude(self, ids: Iterable[str], state: str, message: str) -> None:
        results = [(id, state, "", message) for id in sorted(ids)]
        self._ledger.work.conclude(self._report.run, results, self._session.now())

    # -- intend, write, verify, record --------------------------------------------------------------------------------

    def _write_out(self, batch: Sequence[PlannedChange]) -> None:
        """Write these; whoever moved under our hands is read and decided again at once, and written if still to be."""
        left = batch
        for _ in range(TRIES - 1):
            moved = self._write(left)
            if not moved:
                return
            left = self._read_again(moved, [one.person_id for one in moved])
            if not left:
                return
        self._write(left, last=True)

    @uncollected()
    def _write(self, batch: Sequence[PlannedChange], *, last: bool = False) -> list[PlannedChange]:
        """Those who moved, of whom nothing was written; the `last` time that is a refusal."""
        changes = [(one, from_json(one.body)) for one in batch]
        with_sets = [(one, change) for one, change in changes if change.sets]
        with self._ledger.transaction():
            self._session.still_mine()
            self._ledger.people.intend(
                {
                    change.person_id: {one.property: (one.before, one.after) for one in change.sets}
                    for _, change in with_sets
                }
            )
            if self._reverting is not None:
                begun = [(one.person_id, UNDOING, "", "") for one, _ in with_sets]
                self._ledger.work.conclude(self._report.run, begun, self._session.now())
        results = [Result(one, change, "written") for one, change in changes if not change.sets]
        results += self._sent(with_sets)
        moved = [] if last else [one for one in results if one.state == "moved"]
        results = [_given_up(one) if one.state == "moved" else one for one in results if one not in moved]
        results = self._hand_off.after(results)
        self._record(results)
        _stop_if_deferred(results)
        return [one.planned for one in moved]

    def _sent(self, changes: Sequence[tuple[PlannedChange, Change]]) -> list[Result]:
        """Each change as far as the CRM took it: where it refuses a property that only tells, the rest goes out again
        without it."""
        updates = [Update(change.person_id, {one.property: one.after for one in change.sets}) for _, change in changes]
        sent_at = self._session.now()
        outcomes = accounting.write(self._session.crm, "contact", updates)
        answered = [(*pair, outcome) for pair, outcome in zip(changes, outcomes, strict=True)]
        verdicts = self._verifying.verdicts([one for one in answered if one[2].state == "written"], sent_at)
        results: list[Result] = []
        again: list[tuple[PlannedChange, Change]] = []
        without: dict[str, Outcome] = {}
        for one, change, outcome in answered:
            rest = self._without_refused(change, outcome)
            if rest is None:
                results.append(_result(one, change, outcome, verdicts.get(change.person_id)))
            elif not rest.sets:
                results.append(_less(Result(one, rest, "written", stands=True), outcome))
            else:
                again.append((one, rest))
                without[change.person_id] = outcome
        if again:
            results += [_less(result, without[result.change.person_id]) for result in self._sent(again)]
        return results

    def _without_refused(self, change: Change, outcome: Outcome) -> Change | None:
        """What can still be written of a refused change; None where nothing can, or where it would mean nothing."""
        refused = [one for one in change.sets if one.property in outcome.refused]
        if outcome.state != "rejected" or not refused or not only_tells(refused):
            return None
        return leaving_out(change, outcome.refused, self._session.agreement.write_back.rules)

    # -- recording -----------------------------------------------------------------------------------------------------

    def _record(self, results: Sequence[Result]) -> None:
        """Tracks, values, moves, log and plan rows in one transaction; the rest stays dirty for the next run."""
        now = self._session.now()
        written = [result for result in results if result.state == "written"]
        with self._ledger.transaction():
            self._session.still_mine()
            settled = [_settled(result) for result in written]
            self._ledger.people.settle(settled, as_of=self._report.as_of, run=self._report.run)
            self._mirror_what_was_written([result for result in results if result.stands])
            if self._reverting is not None:
                self._leave_alone(written, self._reverting.met, now)
            else:
                self._ledger.mirror.settle([one.person_id for one in settled])
                self._retake([result for result in results if result.stands])
                over = ("written", "rejected", "gone")
                self._ledger.aside.drop([result.change.person_id for result in results if result.state in over])
                self._mending.refused([result for result in results if result.state == "rejected"], now)
                self._mending.written(written, now)
            self._ledger.mirror.distrust("contact", [one.change.person_id for one in results if one.state == "unknown"])
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

    def _mirror_what_was_written(self, written: Sequence[Result]) -> None:
        """So that the echo of our own write is met as known and costs nothing."""
        ids = [result.change.person_id for result in written]
        kept = self._ledger.mirror.kept("contact", ids)
        fields = self._session.fields
        facts = {
            result.change.person_id: fields.with_written(
                kept[result.change.person_id].facts,
                {one.field: one.after for one in result.change.sets if _is_mapped(fields, one)},
            )
            for result in written
            if result.change.person_id in kept and result.change.sets and not kept[result.change.person_id].gone
        }
        self._ledger.mirror.overwrite("contact", facts)

    def _retake(self, written: Sequence[Result]) -> None:
        """What others had set in these properties is replaced: their holds are over, and whoever sets ours back from
        now on does so anew."""
        keys = [(one.change.person_id, name) for one in written for name in one.planned.body.get("retaken", ())]
        self._ledger.holds.drop(keys)
        self._ledger.reversals.restored(keys)


def _less(result: Result, outcome: Outcome) -> Result:
    """A result reached without the properties that were refused at first."""
    if result.state != "written":
        return result
    refused = (*outcome.refused, *result.refused)
    message = f"written without {', '.join(refused)}: {outcome.message}"
    return replace(result, code=outcome.code, message=message, refused=refused)


def _given_up(result: Result) -> Result:
    """Others change the record faster than it can be written."""
    message = f"changed by others right before the write, {TRIES} times in a row"
    return replace(result, state="rejected", code="keeps_moving", message=message)


def _result(planned: PlannedChange, change: Change, outcome: Outcome, verdict: Verdict | None) -> Result:
    """What became of a change that sets something: the CRM's word, verified."""
    if outcome.state != "written":
        return Result(planned, change, outcome.state, outcome.code, outcome.message, refused=outcome.refused)
    if verdict is None:
        return Result(planned, change, "written", stands=True)
    state, code, message, refused = verdict
    kept_out = [one for one in change.sets if one.property in refused]
    if state == "rejected" and kept_out and only_tells(kept_out):
        taken = replace(change, sets=tuple(one for one in change.sets if one not in kept_out))
        return Result(planned, taken, "written", code, message, stands=True, refused=refused)
    return Result(planned, change, state, code, message, refused=refused)


def _stop_if_deferred(results: Sequence[Result]) -> None:
    """Some writes did not go out: because the quota's share is spent, or because the CRM cannot be reached."""
    deferred = [result for result in results if result.state == "deferred"]
    if not deferred:
        return
    spent = next((result for result in deferred if result.code == QUOTA), None)
    if spent is not None:
        raise Deferred(f"{spent.message} What is left is decided anew by the next run.".strip())
    raise Transient(
        f"The CRM did not take the writes for {len(deferred)} people, after every retry ({deferred[0].code}). They did"
        " not arrive; the next run decides them anew.",
        code=deferred[0].code,
    )


def _is_mapped(fields: FieldMap, one: Set) -> bool:
    spec = fields.spec(one.field)
    return spec is not None and spec.property == one.property


def as_reviewed(change: Change, reviewed: Mapping[str, Any] | None) -> bool:
    """Whether a person has seen exactly this: the values and the task, not the wording of reasons."""
    return reviewed is not None and essence(change) == essence(from_json(reviewed))


def essence(change: Change) -> object:
    """What a reviewer agrees to."""
    tasks = [(task.lead_type, task.cycle, task.rule) for task in change.tasks]
    return [(one.property, one.before, one.after) for one in change.sets], tasks


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
