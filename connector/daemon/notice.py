"""What the daemon leaves word of in the ledger: when a connection runs next, what was missed, what it waits for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from connector.daemon.schedule import Schedule, span


@dataclass(slots=True)
class Notice:
    """One connection's notice, as `connector status` reads it; the daemon may be dead by then."""

    daemon: str  # host:process
    started_at: datetime
    every: str | None = None
    cron: str | None = None
    next_run_at: datetime | None = None
    late_after: datetime | None = None  # by then even the run after that was planned
    seen_at: datetime | None = None  # when the daemon last left word
    stopped_at: datetime | None = None
    missed: int = 0  # planned runs that were left out since it started, and while none ran before
    missed_at: datetime | None = None
    last_error: str | None = None  # of the latest run, if it failed
    last_error_at: datetime | None = None
    waiting_for: str | None = None
    refused: tuple[str, ...] = ()  # what is wrong with the configuration that a reload refused
    refused_at: datetime | None = None

    def plan(self, schedule: Schedule, next_run_at: datetime | None) -> None:
        """Another schedule, or the next instant of the same."""
        self.every = None if schedule.every is None else span(schedule.every)
        self.cron = schedule.cron
        self.next_run_at = next_run_at
        following = None if next_run_at is None else schedule.after(next_run_at)
        self.late_after = None if following is None else following + schedule.jitter

    def miss(self, count: int, at: datetime) -> None:
        """So many planned runs were left out."""
        if count:
            self.missed += count
            self.missed_at = at

    def fail(self, message: str | None, at: datetime) -> None:
        """How the latest run failed, or that it did not."""
        self.last_error, self.last_error_at = message, at if message else None

    def refuse(self, problems: tuple[str, ...], at: datetime) -> None:
        """What is wrong with the new configuration, or that nothing is."""
        self.refused, self.refused_at = problems, at if problems else None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, instants as text in UTC to the second."""
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return list(value) if isinstance(value, tuple) else value
