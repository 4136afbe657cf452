"""
What time it is where the records are dated.

Windows of an incremental read are bounded by instants that the CRM's own clock stamps on records. Where ours goes
before it, a window that ends by ours ends in the future, and what is edited until then would be in no window. So
every answer is asked for its time, and nothing is taken for read that lies beyond it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

#: A clock that differs by more is no clock.
BELIEVED = timedelta(days=1)


class TheirClock:
    """The CRM's clock, as the latest answer told it. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told: tuple[datetime, float] | None = None  # what it showed, and when that was by our own pace

    def learn(self, date: str | None) -> None:
        """An answer came with this Date header."""
        try:
            told = parsedate_to_datetime(date) if date else None
        except ValueError:
            return
        if told is not None:
            self._told = (told if told.tzinfo else told.replace(tzinfo=UTC)), self._clock()

    def ahead(self, now: datetime) -> timedelta:
        """By how much our clock, which shows `now`, goes before the CRM's; nothing where it has not told."""
        if self._told is None:
            return timedelta(0)
        told, at = self._told
        ahead = now - (told + timedelta(seconds=self._clock() - at))
        return ahead if abs(ahead) < BELIEVED else timedelta(0)

    def now(self, ours: datetime) -> datetime:
        """The earlier of both: beyond it nothing can have been seen."""
        return ours - max(timedelta(0), self.ahead(ours))
