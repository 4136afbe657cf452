"""Business days and hours: when a deadline falls, and on which local day something happened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays

from connector.agreement.terms import Calendar

_QUARTER = 900  # seconds; every offset of the world changes at a quarter of an hour
_REMEMBERED = 50_000


class BusinessHours:
    """Counts business time in one zone; local hours are wall-clock hours, whatever the clocks do at night."""

    def __init__(self, calendar: Calendar, zone: ZoneInfo) -> None:
        self._calendar = calendar
        self._zone = zone
        self._holidays = (
            holidays.country_holidays(calendar.country, subdiv=calendar.subdivision) if calendar.country else None
        )

    def works_on(self, day: date) -> bool:
        """Whether this is a business day."""
        if day.weekday() not in self._calendar.days or day in self._calendar.days_off:
            return False
        return self._holidays is None or day not in self._holidays

    def due(self, start: datetime, hours: float) -> datetime:
        """The instant (UTC) at which so many business hours after `start` are over."""
        return self.after(start, timedelta(hours=hours))

    def after(self, start: datetime, left: timedelta) -> datetime:
        """The instant (UTC) at which so much business time after `start` is over."""
        day, now = self._local(start)
        for _ in range(3660):  # ten years without a business day is a calendar nobody meant
            if self.works_on(day):
                opens = max(now, self._calendar.opens)
                open_for = _between(opens, self._calendar.closes)
                if left <= open_for:
                    return self._at(day, opens, left)
                left -= max(open_for, timedelta(0))
            day, now = day + timedelta(days=1), time.min
        return self._at(day, time.min, timedelta(0))

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The business time from `start` to `end`: with it `after` leads from the one to the other."""
        (day, now), (last, until) = self._local(start), self._local(end)
        spent = timedelta(0)
        while day <= last:
            if self.works_on(day):
                closes = min(self._calendar.closes, until) if day == last else self._calendar.closes
                spent += max(_between(max(now, self._calendar.opens), closes), timedelta(0))
            day, now = day + timedelta(days=1), time.min
        return spent

    def _local(self, at: datetime) -> tuple[date, time]:
        local = at.astimezone(self._zone)
        return local.date(), local.timetz().replace(tzinfo=None)

    def _at(self, day: date, opens: time, after: timedelta) -> datetime:
        wall = datetime.combine(day, opens.replace(tzinfo=None)) + after
        return wall.replace(tzinfo=self._zone).astimezone(UTC)


def _between(start: time, end: time) -> timedelta:
    day = date(2000, 1, 1)
    return datetime.combine(day, end.replace(tzinfo=None)) - datetime.combine(day, start.replace(tzinfo=None))


def local_days(zone: ZoneInfo) -> Callable[[datetime], date]:
    """The local date of an instant, remembered per quarter of an hour: zone arithmetic costs more than scoring."""
    known: dict[int, date] = {}

    def day(at: datetime) -> date:
        quarter = int(at.timestamp()) // _QUARTER
        found = known.get(quarter)
        if found is None:
            if len(known) > _REMEMBERED:
                known.clear()
            found = known[quarter] = at.astimezone(zone).date()
        return found

    return day


#: What "once per ..." counts by: two signals with the same bucket count once.
BUCKETS: dict[str, Callable[[date], object]] = {
    "day": lambda day: day,
    "week": lambda day: day.isocalendar()[:2],
    "month": lambda day: (day.year, day.month),
}

#: Two instants at least this far apart are never in one bucket, whatever the clocks do.
LONGEST: dict[str, timedelta] = {"day": timedelta(days=2), "week": timedelta(days=8), "month": timedelta(days=32)}
