"""The hand-off to sales: the cycle begins, the clock starts with an owner, one task says who and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from connector.agreement.terms import Agreement
from connector.agreement.words import label_of
from connector.decide.calendar import BusinessHours
from connector.decide.reasons import ReasonWriter
from connector.decide.scoring import shown
from connector.decide.walk import Walk
from connector.model import TaskDraft

_FAST = 1000.0  # any fast track is more urgent than any score


class Desk:
    """Hands people over, by the agreement's SLA, calendar and texts."""

    def __init__(self, agreement: Agreement) -> None:
        self._agreement = agreement
        self._hours = BusinessHours(agreement.calendar, agreement.zone)
        self._reasons = ReasonWriter(agreement.scoring.groups)

    def hand_over(self, walk: Walk, sla: str | None) -> None:
        """Begin a cycle: status new, one task, and the rep's clock if there is a rep.

        A status that says sales is at work stands: a new interest is no reason to call it new.
        """
        if not walk.hands_over:
            return
        track = replace(
            walk.track,
            cycle=walk.track.cycle + 1,
            handed_over=True,
            handed_over_at=walk.as_of,
            assigned_at=None,
            answered_at=None,
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
        said = self._fill_in(walk, due)
        texts = self._agreement.texts
        body = "\n".join(line.rstrip() for line in texts["task_body"].format_map(said).strip().splitlines())
        score = walk.facts.score
        return TaskDraft(
            walk.track.id,
            walk.track.lead_type,
            walk.track.cycle,
            walk.cause,
            texts["task_subject"].format_map(said).strip(" ,"),
            body,
            due,
            "HIGH",
            (_FAST if walk.fast_track else 0.0) + score.engagement + score.fit / 100,
        )

    def _fill_in(self, walk: Walk, due: datetime) -> dict[str, str]:
        values, facts, texts = walk.facts.values, walk.facts, self._agreement.texts
        name = " ".join(str(values[part]) for part in ("first_name", "last_name") if values.get(part))
        ask = next((each for each in self._agreement.ask_next if values.get(each) is None), None)
        persona = facts.persona
        return {
            "name": name or texts["task_no_name"],
            "title": str(values.get("job_title") or "?"),
            "company": str(values.get("company_name") or "?"),
            "persona": persona.label if persona else "?",
            "say": (persona.describes.get("say") if persona else None) or "-",
            "stage": walk.stages.label(walk.track.stage),
            "why": walk.reason[:1].upper() + walk.reason[1:],
            "reasons": self._reasons.text(facts.scored),
            "fit": str(shown(facts.score.fit)),
            "engagement": str(shown(facts.score.engagement)),
            "grade": facts.score.grade,
            "ask_next": label_of(ask) if ask else texts["task_nothing_to_ask"],
            "due": f"{due.astimezone(self._agreement.zone):%a %Y-%m-%d %H:%M} ({self._agreement.zone.key})",
        }
