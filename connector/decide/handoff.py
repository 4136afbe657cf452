"""The hand-off to sales: the cycle begins, the clock starts with an owner, one task says who and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from connector.agreement.terms import Agreement
from connector.decide.follow_up import FollowUp
from connector.decide.office import Office
from connector.decide.task_text import TaskWriter
from connector.decide.walk import CALL_BACK, Walk
from connector.model import TaskDraft

_FAST = 1000.0  # any fast track is more urgent than any score


class Dispatch:
    """Hands people over, by the agreement's SLA, calendar and texts."""

    def __init__(self, agreement: Agreement, office: Office) -> None:
        self._agreement = agreement
        self._writer = TaskWriter(agreement, office)
        self._asked_for = {each.name: each.signal for each in agreement.fast_tracks}
        self.follow_up = FollowUp(agreement, office)
        #: what sales said in an earlier cycle is blanked where the agreement lets us, else remembered as old
        self._blanks_answer = "sales_answer" in agreement.write_back.rules

    def hand_over(self, walk: Walk, sla: str | None) -> None:
        """Begin a cycle: status new, one task, and the clocks of the follow-up, the rep's if there is a rep.

        A status that says sales is at work stands: a new interest is no reason to call it new.
        """
        if self._too_old(walk):
            return
        if not walk.hands_over:
            walk.kept_back = True
            return
        triggered_at = self._triggered_at(walk)
        walk.track = replace(
            walk.track,
            cycle=walk.track.cycle + 1,
            answer=None if self._blanks_answer and not walk.person.closed else walk.answer_on_record,
            call_back_at=None,
            wait_until=None,
        )
        self.follow_up.begin(walk, sla, triggered_at)
        if not self.is_working(walk):
            walk.set_status("new", walk.cause, "handed over to sales")
        walk.tasks = [self._task(walk)]

    def is_working(self, walk: Walk) -> bool:
        """Whether the lead status says that somebody in sales is at it."""
        status = self._agreement.statuses.get(walk.track.status or "")
        return status is not None and status.working

    def _triggered_at(self, walk: Walk) -> datetime:
        """Since when the person has waited: the signal that asked for us or was news, the day agreed for a call back;
        now, where something else led to the hand-off, such as a field that became known or a wait that is over."""
        if walk.fast_track:
            return walk.facts.newest[self._asked_for[walk.fast_track]].at
        if walk.cause == CALL_BACK:
            return walk.track.call_back_at or walk.as_of
        return next((each.at for each in walk.facts.scored.positive if walk.is_news(each)), walk.as_of)

    def _task(self, walk: Walk) -> TaskDraft:
        due = walk.track.sla_due_at or self.follow_up.first_attempt_due(walk) or walk.as_of
        subject, body = self._writer.write(walk, due)
        score = walk.facts.score
        return TaskDraft(
            walk.track.id,
            walk.track.lead_type,
            walk.track.cycle,
            walk.cause,
            subject,
            body,
            due,
            "HIGH",
            (_FAST if walk.fast_track else 0.0) + score.engagement + score.fit / 100,
        )

    def _too_old(self, walk: Walk) -> bool:
        """Whether the newest signal that speaks for the person is older than the connection hands people over for."""
        counted = [signal.at for signal in walk.facts.scored.positive[:1]]
        if walk.fast_track:
            counted += [walk.facts.newest[self._asked_for[walk.fast_track]].at]
        if walk.newer_than is None or walk.cause == CALL_BACK or not counted:
            return False
        age = walk.as_of - max(counted)
        if age <= walk.newer_than:
            return False
        walk.warnings.append(
            f"not handed over: the newest signal is {age.days} days old, and only those of the last"
            f" {walk.newer_than.days} days count (tasks.only_signals_newer_than_days)"
        )
        return True
