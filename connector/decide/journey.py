"""
Where a buyer is on the buyer's journey (awareness, consideration, decision): their view, beside the lifecycle, which
is ours. It rests on dated signals alone, and too few of them say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from connector.agreement.terms import Journey, SignalKind
from connector.agreement.vocabulary import JOURNEY_STAGES
from connector.decide.signals import Heard
from connector.model import Signal


class JourneyReader:
    """The agreement's rule about the journey, compiled."""

    def __init__(self, journey: Journey | None, kinds: Mapping[str, SignalKind]) -> None:
        self._journey = journey
        self._ranks = {
            name: JOURNEY_STAGES.index(kind.journey_stage) for name, kind in kinds.items() if kind.journey_stage
        }

    def read(self, heard: Heard, as_of: datetime) -> tuple[str | None, datetime | None]:
        """The stage at `as_of`, None where it is unknown, and when it would next change if nothing happened."""
        journey = self._journey
        if journey is None:
            return None, None
        # A signal of so many whole days still counts (A2), so it leaves when the next day is complete.
        span = timedelta(days=journey.within_days + 1)
        steps = self._steps(heard.signals, as_of - span)
        if len(steps) < journey.signals_at_least:
            return None, heard.future_at
        chosen = steps[0] if journey.rule == "latest" else max(steps, key=lambda step: step[1])
        too_few_at = steps[journey.signals_at_least - 1][0] + span
        last_of_it = too_few_at if journey.rule == "latest" else chosen[0] + span
        instants = (too_few_at, last_of_it, heard.future_at)
        return JOURNEY_STAGES[chosen[1]], min(each for each in instants if each)

    def _steps(self, signals: Sequence[Signal], after: datetime) -> list[tuple[datetime, int]]:
        """When and how far, newest first. Of equal steps the newest stands first, which `max` therefore finds."""
        ranks = self._ranks
        return [(each.at, ranks[each.kind]) for each in signals if each.kind in ranks and each.at > after]
