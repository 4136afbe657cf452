"""
When a decision would next change by itself, if nothing happened.

Never too late, and for now often earlier than needed: every day a counted signal grows older may change score,
grade and stage, so that is when to look again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from connector.agreement.terms import Agreement
from connector.decide.sla import paused_for, runs_out_at
from connector.decide.walk import Walk

_TICK = timedelta(microseconds=1)


class Foresight:
    """Finds the next instant worth a look."""

    def __init__(self, agreement: Agreement) -> None:
        self._stay = {stage.name: timedelta(days=stage.stay_at_least_days) for stage in agreement.stages}
        self._exhausted_days = timedelta(days=agreement.attempts.exhausted_days)

    def score_next_at(self, walk: Walk) -> datetime | None:
        """When a displayed score may next change: a signal grows a day older, or a future one comes to pass."""
        facts = walk.facts
        return _soonest(walk.as_of, facts.scored.step_at, facts.heard.future_at)

    def route_next_at(self, walk: Walk, score_next_at: datetime | None) -> datetime | None:
        """When stage, status, flags, grade or follow-up state may next change; with the scores at the latest."""
        track = walk.track
        stay = track.stage_since + self._stay.get(track.stage or "", timedelta(0)) if track.stage_since else None
        due = runs_out_at(track, walk.as_of)
        tried_enough = None
        if track.handed_over and track.handed_over_at and track.paused_at is None:
            tried_enough = track.handed_over_at + self._exhausted_days + paused_for(track, walk.as_of)
        if walk.held_until is not None:
            return _soonest(walk.as_of, score_next_at, walk.held_until)
        promised = track.call_back_at
        if promised and promised <= walk.as_of and not walk.hands_over:
            promised = walk.as_of + _TICK  # the next run that may hand people over keeps it
        return _soonest(walk.as_of, score_next_at, track.wait_until, promised, stay, due, tried_enough)


def _soonest(as_of: datetime, *instants: datetime | None) -> datetime | None:
    return min([each for each in instants if each and each > as_of], default=None)
