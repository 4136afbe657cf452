"""Texts of the CRM as values of ours, in the one spelling that facts keep, and values as its texts."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from typing import Any

from connector.model import Value

#: An epoch below this is in seconds, above in milliseconds: it is 1973 in milliseconds and 5138 in seconds.
_MILLISECONDS_FROM = 100_000_000_000

#: Whole numbers up to here are the same as float and as int.
_EXACT_BELOW = 2**53

#: Numbers and instants whose reading is remembered: scores and times of a run are the same for thousands of people.
_REMEMBERED = 4096

_MIDNIGHT = time(tzinfo=UTC)

#: The length of an instant without a fraction, as `iso` spells it.
_TO_THE_SECOND = len("2026-11-28T09:00:00Z")


def text(raw: str) -> str | None:
    """text"""
    return raw.strip() or None


@lru_cache(maxsize=_REMEMBERED)
def number(raw: str) -> int | float:
    """a number"""
    value = float(raw.strip())
    if not math.isfinite(value) or "_" in raw:  # Python would read 1_000
        raise ValueError(raw)
    # Beyond this a float holds no whole number exactly, and JSON no integer for long.
    return int(value) if value.is_integer() and abs(value) < _EXACT_BELOW else value


def flag(raw: str) -> bool:
    """true or false"""
    word = raw.strip().lower()
    if word in ("true", "yes", "1"):
        return True
    if word in ("false", "no", "0"):
        return False
    raise ValueError(raw)


@lru_cache(maxsize=_REMEMBERED)
def moment(raw: str) -> str:
    """a date"""
    said = raw.strip()
    try:
        return iso(_of_epoch(int(said)) if said.lstrip("-").isdecimal() else _of_text(said))
    except (OverflowError, OSError) as error:  # a year that no calendar has
        raise ValueError(raw) from error


def _of_epoch(passed: int) -> datetime:
    """Seconds or milliseconds, told apart by their size."""
    return datetime.fromtimestamp(passed / 1000 if abs(passed) >= _MILLISECONDS_FROM else passed, UTC)


def _of_text(said: str) -> datetime:
    at = datetime.fromisoformat(said)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def choices(raw: str) -> list[str] | None:
    """choices"""
    return sorted(part.strip() for part in raw.split(";") if part.strip()) or None


PARSERS: dict[str, Callable[[str], Any]] = {
    "text": text,
    "number": number,
    "bool": flag,
    "datetime": moment,
    "list": choices,
}


@lru_cache(maxsize=_REMEMBERED)
def iso(at: datetime) -> str:
    """An instant in the one spelling we keep, to the millisecond and no further."""
    at = at.astimezone(UTC)
    precision = "milliseconds" if at.microsecond >= 1000 else "seconds"
    return at.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def instant(kept: Any) -> datetime | None:
    """The instant behind `iso`."""
    return datetime.fromisoformat(kept) if isinstance(kept, str) else None


def same_instant(one: Any, other: Any) -> bool:
    """Whether two instants as `iso` spells them are one: some CRMs keep no more than whole seconds."""
    if not isinstance(one, str) or not isinstance(other, str):
        return one is other
    whole = min(len(one), len(other)) == _TO_THE_SECOND
    return one == other or (whole and one[: _TO_THE_SECOND - 1] == other[: _TO_THE_SECOND - 1])


def day(at: datetime, zone: tzinfo) -> date:
    """The calendar day of an instant where the account is; midnight UTC is how a CRM spells a bare day."""
    in_utc = at.astimezone(UTC)
    return in_utc.date() if in_utc.timetz() == _MIDNIGHT else at.astimezone(zone).date()


def plain(value: Value) -> str:
    """A value as the CRM's text, where neither the mapping nor a calendar has a say."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, tuple):
        return ";".join(value)
    return str(value)


def read_as(parse: Callable[[str], Any], raw: str | None) -> Any:
    """A value of the past; one that cannot be read tells nothing."""
    try:
        return parse(raw) if raw else None
    except ValueError:
        return None
