"""
Apply: write what was planned, verify what the CRM stored, and only then remember it.

The order is the guarantee (G2): the intent commits, the call goes out, the outcome commits with its evidence. A
crash before the last step leaves the person dirty and the facts unused, so the next run decides the same again and
finds its own half-done work by value and by task marker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from connector.crm import Outcome
from connector.errors import Deferred, Transient
from connector.fields.owning import ours_alone
from connector.ledger.work import UNDOING, PlannedChange
from connector.log import carried
from connector.plan import Change, leaving_out
from connector.sync import parts
from connector.sync.freshness import Freshness
from connector.sync.garbage import uncollected
from connector.sync.half_written import to_send
from connector.sync.handoff import HandOff
from connector.sync.look import Look
from connector.sync.pull import Pull
from connector.sync.quarantine import only_tells
from connector.sync.recording import Recording
from connector.sync.refreshing import Refreshing
from connector.sync.results import Result
from connector.sync.reverting.planning import Reverting
from connector.sync.session import Report, Session
from connector.sync.verifying import Verdict, Verifying
from connector.wording import people

#: The code of an outcome that was not sent because the quota's share is spent.
QUOTA = "quota"

#: Whoever is changed by others between reading and writing is written so often; then that is told.
TRIES = 3


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
        self._pull = pull
        self._ledger = session.ledger
        self._freshness = Freshness(session, report, look, pull, reviewed=reviewed, reverting=reverting)
        self._verifying = Verifying(session, report, look.who, look.reversals)
        self._hand_off = HandOff(session, report)
        self._recording = Recording(session, report, reverting=reverting)
        self._reverting = reverting
        self._ours_alone = ours_alone(session.agreement)
        self._coming: list[PlannedChange] = []  # who comes next, as far as that was read already

    def everything(self, total: int, still: Callable[[], None]) -> None:
        """Write the planned changes, most urgent first, until none is left. Raises Deferred when the quota is spent,
        the connection was paused, or the program is to stop, and whatever `still` raises between batches."""
        done = 0
        with Refreshing(self._session, self._report, self._pull) as refreshing:
            while True:
                self._session.go_on(writing=True)
                still()
                batch = self._next()
                if not batch:
                    return
                refreshing.expect()
                self._write_out(self._freshness.with_fresh_base(batch, read_ahead=refreshing.coming()))
                done += len(batch)
                self._session.progress("written", done, total)

    def _next(self) -> list[PlannedChange]:
        """Who is to be written next."""
        coming, self._coming = self._coming, []
        ids = self._ledger.work.planned_ids(self._report.run, self._session.settings.write_chunk)
        if coming and [one.person_id for one in coming] == ids:
            return coming
        return self._ledger.work.planned(self._report.run, limit=self._session.settings.write_chunk)

    def carry_on(self, batch: Sequence[PlannedChange]) -> None:
        """Write these, whose writing had begun before."""
        self._write_out(batch)

    # -- intend, write, verify, record --------------------------------------------------------------------------------

    def _write_out(self, batch: Sequence[PlannedChange]) -> None:
        """Write these; whoever moved under our hands is read and decided again at once, and written if still to be."""
        left = batch
        for _ in range(TRIES - 1):
            moved = self._write(left)
            if not moved:
                return
            left = self._freshness.read_again(moved, [one.person_id for one in moved], begun=True)
            if not left:
                return
        self._write(left, last=True)

    @uncollected()
    def _write(self, batch: Sequence[PlannedChange], *, last: bool = False) -> list[PlannedChange]:
        """Those of whom something moved before it was written; the `last` time that is a refusal."""
        changes = [(one, to_send(one)) for one in batch]
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
        results += self._sent(with_sets, len(batch))
        moved = [] if last else [one for one in results if one.state == "moved"]
        results = [_given_up(one) if one.state == "moved" else one for one in results if one not in moved]
        results = self._hand_off.after(results)
        self._recording.record(results)
        _stop_if_deferred(results)
        return [one.planned for one in moved]

    def _sent(self, changes: Sequence[tuple[PlannedChange, Change]], under_way: int) -> list[Result]:
        """Each change as far as the CRM took it: where it refuses a property that only tells, the rest goes out again
        without it. `under_way` are as many as stand first among the planned ones until they are recorded."""
        if not changes:
            return []
        sent_at = self._session.now()
        outcomes = self._answers([change for _, change in changes], under_way)
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
            results += [_less(result, without[result.change.person_id]) for result in self._sent(again, under_way)]
        return results

    def _answers(self, changes: Sequence[Change], under_way: int) -> list[Outcome]:
        """What the CRM says of these. Until it does, what recording and the next batch will need is made ready."""
        with ThreadPoolExecutor(1, thread_name_prefix="sending") as sending:
            answer = sending.submit(carried(parts.write), self._session.crm, changes, self._ours_alone)
            self._recording.expect(changes)
            self._coming = self._coming or self._ledger.work.planned(
                self._report.run, limit=self._session.settings.write_chunk, after=under_way
            )
            return answer.result()

    def _without_refused(self, change: Change, outcome: Outcome) -> Change | None:
        """What can still be written of a refused change; None where nothing can, or where it would mean nothing."""
        refused = [one for one in change.sets if one.property in outcome.refused]
        if outcome.state != "rejected" or not refused or not only_tells(refused):
            return None
        return leaving_out(change, outcome.refused, self._session.agreement.write_back.rules)


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
        stood = tuple(one for one in change.sets if outcome.state == "rejected" and one.property in outcome.properties)
        return Result(planned, change, outcome.state, outcome.code, outcome.message, False, outcome.refused, stood)
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
        f"The CRM did not take the writes for {people(len(deferred))}, after every retry ({deferred[0].code}). They did"
        " not arrive; the next run decides them anew.",
        code=deferred[0].code,
    )
