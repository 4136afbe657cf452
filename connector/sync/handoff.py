"""
The one task of a hand-off: sent once, whatever dies on the way (G2).

A task carries a marker in its body, made from account, track, cycle and rule. Before a task is created it is looked
for in the outbox, under whichever rule it was begun there, then in the CRM by association and batch read (the search
index lags and would invite a double).
One that may have been sent and is not found is made again only after the settle time, and only when a search for it,
which goes another way than by association, does not find it either; until then its outcome, and so the person's, is
unknown: the track stays, its facts stay unused, the next run comes back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from connector.crm import Task, accounting
from connector.decide.tracks import track_id
from connector.errors import CrmError, Denied
from connector.ledger.outbox import SentTask
from connector.model import TaskDraft
from connector.plan import Change
from connector.sync.session import Report, Session

if TYPE_CHECKING:
    from connector.sync.results import Result


def marker(account: str, draft: TaskDraft) -> str:
    """The task's identity, the same in every life of the ledger."""
    identity = "\x1f".join((account, draft.track_id, draft.lead_type, str(draft.cycle), draft.rule))
    return "cx-" + hashlib.sha256(identity.encode()).hexdigest()[:20]


_CREATED = ("created", "", "")
_UNCONFIRMED = ("unknown", "task_unconfirmed", "a task may have been created; it is looked for again")


class HandOff:
    """Task creation for one run."""

    def __init__(self, session: Session, report: Report) -> None:
        self._session = session
        self._report = report
        self._outbox = session.ledger.outbox

    def after(self, results: Sequence[Result]) -> list[Result]:
        """Create the tasks of the people whose properties are written; their results tell the whole outcome."""
        wanted = {
            marker(self._session.account, draft): (result.change, draft)
            for result in results
            if result.state == "written"
            for draft in result.change.tasks
        }
        if not wanted:
            return list(results)
        states = self._create(wanted)
        return [self._with_tasks(result, states) for result in results]

    def _with_tasks(self, result: Result, states: dict[str, tuple[str, str, str]]) -> Result:
        for draft in result.change.tasks:
            state, code, message = states.get(marker(self._session.account, draft), ("created", "", ""))
            if state != "created":
                said = f"the properties are written, the task is not: {message}" if result.stands else message
                return replace(result, state=state, code=code, message=said)
        return result

    def _create(self, wanted: dict[str, tuple[Change, TaskDraft]]) -> dict[str, tuple[str, str, str]]:
        begun = self._begun(wanted)
        there = {mark for mark in wanted if any(one.state == "created" for one in begun[mark])}
        there |= self._found({mark: pair for mark, pair in wanted.items() if mark not in there}, begun)
        waits = {mark for mark in wanted if mark not in there and any(map(self._may_be_under_way, begun[mark]))}
        sent = {mark: pair for mark, pair in wanted.items() if mark not in there | waits and _was_sent(begun[mark])}
        more, unknown = self._witnessed(sent, begun)
        there, waits = there | more, waits | unknown
        states = {mark: _CREATED if mark in there else _UNCONFIRMED for mark in wanted if mark in there | waits}
        return {**states, **self._send([(mark, *pair) for mark, pair in wanted.items() if mark not in states])}

    def _begun(self, wanted: Mapping[str, tuple[Change, TaskDraft]]) -> dict[str, list[SentTask]]:
        """What is known of each hand-off's task, also under another name: begun by another rule, because something new
        was learned before anybody heard what became of it; or for a record which is part of this person since."""
        ids = sorted({change.person_id for change, _ in wanted.values()})
        outbox, sent, losers = self._outbox.known(tuple(wanted)), self._outbox.sent_to(ids), self._losers(ids)
        begun: dict[str, list[SentTask]] = {}
        for mark, (change, draft) in wanted.items():
            names = {draft.track_id, *(track_id(id, draft.lead_type) for id in losers.get(change.person_id, ()))}
            theirs = sent.get(change.person_id, ())
            begun[mark] = [one for one in theirs if one.track_id in names and one.cycle == draft.cycle]
            begun[mark] += [outbox[mark]] if mark in outbox else []
        return begun

    def _losers(self, ids: Sequence[str]) -> dict[str, list[str]]:
        """Who became part of these people."""
        folding = self._session.ledger.folding
        return {id: folding.losers("contact", id) for id in folding.with_losers("contact", ids)}

    def _found(self, wanted: dict[str, tuple[Change, TaskDraft]], begun: Mapping[str, Sequence[SentTask]]) -> set[str]:
        """Our tasks that already hang on these people, whoever of our former lives made them."""
        if not wanted:
            return set()
        tasks = self._session.crm.find_tasks(sorted({change.person_id for change, _ in wanted.values()}))
        names = {mark: {mark, *(one.marker for one in begun[mark])} for mark in wanted}
        by_mark = {mark: task.id for task in tasks for mark in wanted if any(one in task.body for one in names[mark])}
        self._outbox.note([self._row(mark, *wanted[mark], "created", id) for mark, id in by_mark.items()])
        return set(by_mark)

    def _witnessed(
        self, sent: Mapping[str, tuple[Change, TaskDraft]], begun: Mapping[str, Sequence[SentTask]]
    ) -> tuple[set[str], set[str]]:
        """Of tasks that were sent and that no association tells: those that are there, and those of which nobody can
        say. An account that tells of no associations for a while must not get every task once more."""
        asked = {one.marker: one.at for mark in sent for one in begun[mark] if one.state == "sending" and one.at}
        if not asked:
            return set(), set()
        try:
            found = self._session.crm.tasks_marked(asked)
        except CrmError as error:
            if isinstance(error, Denied) and error.code != "scope":
                raise
            self._report.warnings.append(
                f"{len(sent)} tasks that were sent are neither found nor known to be missing, and wait: {error}"
            )
            return set(), set(sent)
        ids = {mark: found[one.marker] for mark in sent for one in begun[mark] if one.marker in found}
        self._outbox.note([self._row(mark, *sent[mark], "created", id) for mark, id in ids.items()])
        return set(ids), set()

    def _may_be_under_way(self, sent: SentTask) -> bool:
        if sent.state != "sending" or sent.at is None:
            return False
        return self._session.now() - sent.at < self._session.settings.task_settle

    def _send(self, drafts: Sequence[tuple[str, Change, TaskDraft]]) -> dict[str, tuple[str, str, str]]:
        if not drafts:
            return {}

        def about_to_send(index: int) -> None:
            self._session.still_mine()
            self._outbox.note([self._row(*drafts[index], "sending", None)])

        tasks = [
            Task(
                change.person_id,
                draft.subject,
                f"{draft.body}\n\n[{mark}]",
                draft.due_at,
                draft.priority,
                change.owner_id,
                mark,
            )
            for mark, change, draft in drafts
        ]
        self._outbox.note([self._row(*one, "intended", None) for one in drafts])
        outcomes = accounting.create_tasks(self._session.crm, tasks, about_to_send)
        states: dict[str, tuple[str, str, str]] = {}
        for one, outcome in zip(drafts, outcomes, strict=True):
            if outcome.state == "written":
                self._outbox.note([self._row(*one, "created", outcome.id)])
                self._report.tasks_created += 1
                states[one[0]] = ("created", "", "")
            else:
                if outcome.state in ("rejected", "deferred"):
                    self._outbox.note([self._row(*one, "intended", None)])
                states[one[0]] = (
                    outcome.state,
                    outcome.code or "refused",
                    outcome.message or "the task was not created",
                )
        return states

    def _row(self, mark: str, change: Change, draft: TaskDraft, state: str, task_id: str | None) -> SentTask:
        return SentTask(
            mark,
            change.person_id,
            draft.track_id,
            draft.cycle,
            draft.rule,
            self._report.run,
            change.owner_id,
            state,
            task_id,
            self._session.now(),
        )


def _was_sent(begun: Sequence[SentTask]) -> bool:
    return any(one.state == "sending" for one in begun)
