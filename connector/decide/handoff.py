"""The hand-off to sales: the cycle begins, the clock starts with an owner, one task says who and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from connector.agreement.terms import Agreement
from connector.decide.calendar import BusinessHours
from connector.decide.office import Office
from connector.decide.task_text import TaskWriter
from connector.decide.walk import CALL_BACK, Walk
from connector.model import TaskDraft

_FAST = 1000.0  # any fast track is more urgent than any score


class Desk:
    """Hands people over, by the agreement's SLA, calendar and texts."""

    def __init__(self, agreement: Agreement, office: Office) -> None:
        self._agreement = agreement
        self._writer = TaskWriter(agreement, office)
        self._asked_for = {each.name: each.signal for each in agreement.fast_tracks}
        self._hours = BusinessHours(agreement.calendar, agreement.zone)
        #: what sales said in an earlier cycle is blanked where the agreement lets us, else remembered as old
        self._blanks_answer = "sales_answer" in agreement.write_back.rules

    def hand_over(self, walk: Walk, sla: str | None) -> None:
        """Begin a cycle: status new, one task, and the rep's clock if there is a rep.

        A status that says sales is at work stands: a new interest is no reason to call it new.
        """
        if self._too_old(walk):
            return
        if not walk.hands_over:
            walk.kept_back = True
            return
        answer = walk.facts.values.get("sales_answer")
        track = replace(
            walk.track,
            cycle=walk.track.cycle + 1,
            handed_over=True,
            handed_over_at=walk.as_of,
            assigned_at=None,
            answered_at=None,
            answer=None if self._blanks_answer or answer is None else str(answer),
            call_back_at=None,
            sla_class=sla,
            sla_due_at=None,
            wait_until=None,
        )
        walk.track = track
        if not self.is_working(walk):
            walk.set_status("new", walk.cause, "handed over to sales")
        self.assign(walk)
        walk.tasks = [self._task(walk)]

    def is_working(self, walk: Walk) -> bool:
        """Whether the lead status says that somebody in sales is at it."""
        status = self._agreement.statuses.get(walk.track.status or "")
        return status is not None and status.working

    def assign(self, walk: Walk) -> None:
        """Start the rep's clock once a handed-over person has an owner."""
        track = walk.track
        if track.handed_over and track.handed_over_at and track.assigned_at is None and walk.person.owner_id:
            due = self._due(track.sla_class, walk.as_of)
            walk.track = replace(track, assigned_at=walk.as_of, sla_due_at=due)

    def _due(self, sla: str | None, start: datetime) -> datetime | None:
        agreed = self._agreement.slas.get(sla or "")
        return self._hours.due(start, agreed.first_attempt_within_hours) if agreed else None

    def _task(self, walk: Walk) -> TaskDraft:
        due = walk.track.sla_due_at or self._due(walk.track.sla_class, walk.as_of) or walk.as_of
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
