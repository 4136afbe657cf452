"""
Days that people write into the record: a hold until a day, a call back on a day.

A CRM sends a date without a time as midnight UTC, so midnight UTC means that day, in the agreement's time zone.
Anything else is an instant.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from connector.model import Value

_MIDNIGHT = time(tzinfo=UTC)


def begins(value: Value, zone: ZoneInfo) -> datetime | None:
    """The beginning (UTC) of the day that is meant; None where no day is."""
    return _start(_day(value, zone), zone) if isinstance(value, datetime) else None


def ends(value: Value, zone: ZoneInfo) -> datetime | None:
    """When it is over: a day with its last moment, an instant at once; None where nothing is meant."""
    if not isinstance(value, datetime):
        return None
    return _start(_day(value, zone) + timedelta(days=1), zone) if _is_day(value) else value


def said(value: Value, zone: ZoneInfo) -> str:
    """The day or instant as a person reads it."""
    if not isinstance(value, datetime):
        return ""
    return f"{value:%Y-%m-%d}" if _is_day(value) else f"{value.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"


def _is_day(value: datetime) -> bool:
    return value.astimezone(UTC).timetz() == _MIDNIGHT


def _day(value: datetime, zone: ZoneInfo) -> date:
    return value.astimezone(UTC).date() if _is_day(value) else value.astimezone(zone).date()


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)
