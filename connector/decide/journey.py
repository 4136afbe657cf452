"""
Where a buyer is on the buyer's journey (awareness, consideration, decision): their view, beside the lifecycle, which
is ours. It rests on dated signals alone, and too few of them say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from connector.agreement.terms import Journey, SignalKind
from connector.agreement.vocabulary import JOURNEY_STAGES
from connector.decide.signals import Heard


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
        ranks, after, least = self._ranks, as_of - span, journey.signals_at_least
        count, chosen_at, chosen = 0, as_of, -1
        too_few_at = as_of
        for signal in heard.signals:  # newest first; of equal steps the newest is the one
            if signal.at <= after:
                break
            rank = ranks.get(signal.kind)
            if rank is None:
                continue
            count += 1
            if count == least:
                too_few_at = signal.at + span
            if chosen < 0 or (rank > chosen and journey.rule == "highest"):
                chosen_at, chosen = signal.at, rank
        if count < least:
            return None, heard.future_at
        turns_at = too_few_at if journey.rule == "latest" else min(too_few_at, chosen_at + span)
        return JOURNEY_STAGES[chosen], turns_at if heard.future_at is None else min(turns_at, heard.future_at)
