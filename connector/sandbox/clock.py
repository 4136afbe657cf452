"""
The sandbox's own time, in whole milliseconds since 1970, as HubSpot keeps it.

Rate-limit windows, index lag, history and modified dates all ask the same clock, so a test may let an hour pass at
once. It runs with the real time, stands still at an instant, or runs on from an instant.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache

DAY_MS = 86_400_000


class Clock:
    """Tells the sandbox what time it is; real until it is set."""

    def __init__(self, at: datetime | None = None) -> None:
        self._stands_at: int | None = None
        self._ahead = 0
        if at is not None:
            self.set(at)

    def now(self) -> int:
        """The present instant in milliseconds."""
        return self._real() + self._ahead if self._stands_at is None else self._stands_at

    def set(self, at: datetime, *, ticking: bool = False) -> None:
        """Stand still at `at`, or run on from there when `ticking`."""
        wanted = to_ms(at)
        self._ahead = wanted - self._real()
        self._stands_at = None if ticking else wanted

    def advance(self, seconds: float) -> None:
        """Let time pass, whether the clock stands or runs."""
        step = round(seconds * 1000)
        self._ahead += step
        if self._stands_at is not None:
            self._stands_at += step

    def follow_real_time(self) -> None:
        """Back to the real time."""
        self._stands_at, self._ahead = None, 0

    @staticmethod
    def _real() -> int:
        return time.time_ns() // 1_000_000


def to_ms(at: datetime) -> int:
    """An aware instant in milliseconds."""
    return round(at.timestamp() * 1000)


@lru_cache(maxsize=4096)
def _date_text(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%d")


#: Numbers as they are printed in an instant; looking them up is twice as quick as formatting them.
_MINUTES = tuple(f"T{minute // 60:02}:{minute % 60:02}:" for minute in range(24 * 60))
_SECONDS = tuple(f"{second:02}." for second in range(60))
_MILLISECONDS = tuple(f"{ms:03}Z" for ms in range(1000))


def iso(ms: int) -> str:
    """The instant as HubSpot prints it, "2026-11-21T10:00:00.000Z"; hand-made because pages hold thousands."""
    day, rest = divmod(ms, DAY_MS)
    minute, rest = divmod(rest, 60_000)
    seconds, ms = divmod(rest, 1000)
    return _date_text(day) + _MINUTES[minute] + _SECONDS[seconds] + _MILLISECONDS[ms]


def iso_date(ms: int) -> str:
    """The UTC date of an instant, "2026-11-21"."""
    return _date_text(ms // DAY_MS)


def parse_ms(text: str) -> int:
    """Milliseconds of an ISO instant, an ISO date (midnight UTC) or a number of milliseconds; else ValueError."""
    if text.lstrip("-").isdigit():
        return int(text)
    at = datetime.fromisoformat(text)
    return to_ms(at if at.tzinfo else at.replace(tzinfo=UTC))
