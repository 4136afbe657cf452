"""
When tasks and stage writes wait: quiet hours of the week, and freezes with a beginning and an end.

Asked before the first write of a run. What waits goes on by itself afterwards; a fast track may be exempt. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from connector.config import Freeze
from connector.config import Quiet as QuietHours

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Silence:
    """Why stage writes and tasks wait now, until when, and whether a fast track may pass."""

    reason: str  # "quiet hours", or the freeze's own
    until: datetime
    except_fast_track: bool
    frozen: bool = False  # a freeze, which holds for reviewed plans too


class Quiet:
    """The quiet hours and freezes of one connection, in the agreement's time zone."""

    def __init__(self, hours: QuietHours, freezes: tuple[Freeze, ...], zone: tzinfo) -> None:
        self._hours = hours
        self._zone = zone
        self._freezes = [(_start(one.begins, zone), _end(one.ends, zone), one) for one in freezes]

    def at(self, now: datetime) -> Silence | None:
        """What keeps quiet at this instant. Several at once: the strictest speaks, the last to end says until when."""
        found = [*self._frozen(now), *self._resting(now)]
        if not found:
            return None
        strictest = min(found, key=lambda one: one.except_fast_track)
        alike = [one.until for one in found if one.except_fast_track == strictest.except_fast_track]
        return Silence(strictest.reason, max(alike), strictest.except_fast_track, any(one.frozen for one in found))

    def _frozen(self, now: datetime) -> Iterator[Silence]:
        for begins, ends, freeze in self._freezes:
            if begins <= now < ends:
                yield Silence(f"freeze ({freeze.reason})", ends, freeze.except_fast_track, frozen=True)

    def _resting(self, now: datetime) -> Iterator[Silence]:
        """Hours that begin in the evening and end in the morning belong to two days."""
        today = now.astimezone(self._zone).date()
        for day in (today - timedelta(days=1), today):
            for begins, ends in self._hours_of(day):
                if begins <= now < ends:
                    yield Silence("quiet hours", ends, self._hours.except_fast_track)

    def _hours_of(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        if _DAYS[day.weekday()] in self._hours.days:
            yield self._at(day, time.min), self._at(day + timedelta(days=1), time.min)
        begins, ends = self._hours.begins, self._hours.ends
        if begins is not None and ends is not None:
            yield self._at(day, begins), self._at(day if begins < ends else day + timedelta(days=1), ends)

    def _at(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self._zone).astimezone(UTC)


def _start(begins: date | datetime, zone: tzinfo) -> datetime:
    return begins if isinstance(begins, datetime) else datetime.combine(begins, time.min, zone)


def _end(ends: date | datetime, zone: tzinfo) -> datetime:
    return ends if isinstance(ends, datetime) else datetime.combine(ends + timedelta(days=1), time.min, zone)
