"""How `status` tells what the daemon left word of: when the next run is due, what was missed, what it waits for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any


def as_json(schedule: Mapping[str, Any] | None, now: datetime) -> dict[str, Any] | None:
    """The schedule for programs; `overdue` where a planned run should have begun more than one interval ago."""
    if schedule is None:
        return None
    return {**schedule, "overdue": _overdue(schedule, now)}


def rows(schedule: Mapping[str, Any] | None, now: datetime) -> list[tuple[str, str]]:
    """The same for people. A daemon is never believed to live: only what it left word of is told."""
    if schedule is None:
        return [("next run at", "when somebody runs connector sync; no daemon has served this connection")]
    told = [("next run at", _next(schedule, now))]
    if schedule["waiting_for"]:
        told.append(("the daemon waits", f"for {schedule['waiting_for']}"))
    if schedule["missed"]:
        noun = "planned run was" if schedule["missed"] == 1 else "planned runs were"
        told.append(("missed", f"{schedule['missed']:,} {noun} left out, the last {_at(schedule['missed_at'])}"))
    if schedule["last_error"]:
        told.append(("last failure", f"{_at(schedule['last_error_at'])}: {schedule['last_error']}"))
    if schedule["refused"]:
        told.append(("new configuration", f"refused {_at(schedule['refused_at'])}, the one before holds:"))
        told += [("", one) for one in schedule["refused"]]
    return told


def _next(schedule: Mapping[str, Any], now: datetime) -> str:
    due = _moment(schedule["next_run_at"])
    stopped = _moment(schedule["stopped_at"])
    if stopped is not None:
        return f"when the daemon is started again; it stopped at {stopped:%Y-%m-%d %H:%M} UTC"
    if due is None:
        return "not planned"
    if _overdue(schedule, now):
        return f"a run was due at {due:%Y-%m-%d %H:%M} UTC, {span(now - due)} ago: is the daemon running?"
    rhythm = f"cron {schedule['cron']}" if schedule["cron"] else f"every {schedule['every']}"
    return f"{due:%Y-%m-%d %H:%M:%S} UTC ({rhythm}; {schedule['daemon']})"


def _overdue(schedule: Mapping[str, Any], now: datetime) -> bool:
    late_after = _moment(schedule["late_after"])
    return schedule["stopped_at"] is None and late_after is not None and now > late_after


def _at(text: str | None) -> str:
    moment = _moment(text)
    return "at an unknown time" if moment is None else f"at {moment:%Y-%m-%d %H:%M} UTC"


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def span(length: timedelta) -> str:
    """A length of time in its largest unit: 40 minutes, 3 hours, 2 days."""
    seconds = int(length.total_seconds())
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size:,} {unit}"
    return f"{seconds} seconds"
