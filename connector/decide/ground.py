"""
The ground that a person's path begins on: the stage and status that somebody set, and the status that the facts of a
hand-off say.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from connector.agreement.terms import Agreement
from connector.decide.sla import paused_for
from connector.decide.walk import ADOPTED_FROM, Stages, Walk

#: Statuses that what sales does moves on by itself.
BY_FACTS = (None, "new", "attempting")

#: Who set a value, in a sentence.
_WRITERS = {
    "crm": "the CRM",
    "import": "an import",
    "unknown": "somebody",
    "automation": "an automation",
    "integration": "an integration",
    "other": "another system",
}


class Ground:
    """What is taken over before anything moves."""

    def __init__(self, agreement: Agreement, stages: Stages) -> None:
        self._stages = stages
        self._attempts = agreement.attempts

    def adopt(self, walk: Walk) -> None:
        """Stage and status as people set them; what a machine set of the stage is not followed."""
        self._adopt_stage(walk)
        self._adopt_status(walk)

    def _adopt_stage(self, walk: Walk) -> None:
        edit = walk.edit("stage")
        if edit is None or edit.after == walk.track.stage or not (edit.after is None or isinstance(edit.after, str)):
            return
        if edit.by not in ADOPTED_FROM:
            walk.warnings.append(f"stage was set by {_whom(edit.by)}; it is not followed")
            return
        at = edit.at or walk.as_of
        cause = edit.by if edit.by in ("crm", "import") else "person"
        walk.move(edit.after, cause, f"set to {self._stages.label(edit.after)} by {_whom(edit.by)}", at)
        walk.track = replace(walk.track, edited_at=at)
        walk.answer(at)
        if edit.by == "crm" and walk.facts.deals.says is None:
            walk.warnings.append("the CRM raised the stage for a deal that is not counted; it is kept")
        ended = self._stages.is_side(edit.after) or self._stages.level(edit.after) < self._stages.first_handed_over
        if ended and walk.track.handed_over:
            walk.end_cycle(at)

    def _adopt_status(self, walk: Walk) -> None:
        edit = walk.edit("status")
        if edit is None or edit.by not in ADOPTED_FROM or edit.after == walk.track.status:
            return
        if edit.after is None or isinstance(edit.after, str):
            cause = "import" if edit.by == "import" else "person"
            took_back = edit.after in BY_FACTS and walk.track.status not in BY_FACTS
            walk.set_status(edit.after, cause, f"status set by {_whom(edit.by)}")
            at = edit.at or walk.as_of
            walk.track = replace(walk.track, edited_at=max(at, walk.track.edited_at or at))
            if took_back:
                walk.track = replace(walk.track, set_back_at=at)
            walk.answer(at)

    def status_from_facts(self, walk: Walk) -> None:
        """new, attempting, connected, exhausted: only forward, only inside a hand-off, never over a judgement."""
        track, tried = walk.track, walk.tried
        if not track.handed_over or track.status not in BY_FACTS:
            return
        if track.set_back_at and not tried.goes_on_after(track.set_back_at):
            return
        if tried.contact_at:
            walk.set_status("connected", "attempts.connects", "there was a contact")
        elif self._is_exhausted(walk):
            walk.set_status("attempts_exhausted", "attempts.exhausted_after", f"{tried.count} attempts, no contact")
        elif tried.advancing and track.status != "attempting":
            walk.set_status("attempting", "attempts.counts", "sales made an attempt")

    def _is_exhausted(self, walk: Walk) -> bool:
        """So many attempts in so many days, of which those on hold are none; the agreed sequence, where asked for."""
        agreed, since = self._attempts, walk.track.handed_over_at
        if agreed.exhausted_attempts is None or since is None or walk.facts.deals.on_hold:
            return False
        if agreed.exhausted_by_whole_cadence and walk.tried.cadence_at is None:
            return False
        paused = paused_for(walk.track, walk.as_of)
        return walk.tried.count >= agreed.exhausted_attempts and walk.as_of - since - paused >= timedelta(
            days=agreed.exhausted_days
        )


def _whom(by: str) -> str:
    return _WRITERS.get(by, "a person")
