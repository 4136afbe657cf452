"""When a connection's runs are planned: every so often, or at cron's instants in the agreement's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

#: Beyond so many missed instants of a cron schedule nobody counts on.
MANY = 1_000


@dataclass(frozen=True, slots=True)
class Schedule:
    """One of `every` and `cron`. A run begins up to `jitter` later than planned, so that not all begin at once."""

    every: timedelta | None = None
    cron: str | None = None
    zone: tzinfo = UTC
    jitter: timedelta = timedelta()

    def trigger(self) -> Any:
        """The schedule as APScheduler has it."""
        trigger = self._exact()
        trigger.jitter = self.jitter.total_seconds()
        return trigger

    def after(self, at: datetime) -> datetime | None:
        """The planned instant after this one."""
        if self.every is not None:
            return at + self.every
        found: datetime | None = self._exact().get_next_fire_time(at, at)
        return found

    def between(self, first: datetime, last: datetime) -> int:
        """How many runs were planned from `first` on and before `last`, each of which may have begun late."""
        if self.every is not None:
            return max(0, (last - first + self.jitter) // self.every)
        count, at = 0, first
        while at is not None and at < last - self.jitter and count < MANY:
            count, at = count + 1, self.after(at) or last
        return count

    def _exact(self) -> Any:
        if self.every is not None:
            return _Interval(seconds=self.every.total_seconds(), start_date=datetime.now(UTC), timezone=UTC)
        return CronTrigger.from_crontab(self.cron, timezone=self.zone)


class _Interval(IntervalTrigger):  # type: ignore[misc]  # APScheduler has no types
    """APScheduler's own adds each run's jitter to all later ones, so that a day drifts by minutes; this keeps time."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The next multiple of the interval since the start, late by the jitter."""
        passed = (previous_fire_time or now) - self.start_date
        planned = self.start_date + (passed // self.interval + 1) * self.interval
        late: datetime = self._apply_jitter(planned, self.jitter, now)
        return late


def usual_jitter(every: timedelta | None) -> timedelta:
    """A tenth of the interval, at most half a minute; whoever writes cron means its minute."""
    return timedelta() if every is None else min(every / 10, timedelta(seconds=30))


def span(every: timedelta) -> str:
    """An interval as the configuration would write it: 5m, 2h, 90s."""
    seconds = int(every.total_seconds())
    for size, unit in ((604_800, "w"), (86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
