"""Months, quarters and years as a business counts them: in its own fiscal year, by local dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

Kind = Literal["month", "quarter", "year"]

_MONTHS: dict[Kind, int] = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """From the beginning of one local day to the beginning of another, which is no part of it."""

    begins: date
    ends: date
    kind: Kind
    label: str

    def starts_at(self, zone: ZoneInfo) -> datetime:
        """Its first instant."""
        return _midnight(self.begins, zone)

    def ends_at(self, zone: ZoneInfo) -> datetime:
        """The instant at which it is over."""
        return _midnight(self.ends, zone)


def period_of(day: date, kind: Kind, fiscal_year_starts: int = 1) -> Period:
    """The period a local day lies in."""
    length = _MONTHS[kind]
    into = (day.month - fiscal_year_starts) % 12 // length * length  # months from the year's first to the period's
    first = (day.month - fiscal_year_starts) % 12
    begins = _months_later(date(day.year, day.month, 1), into - first)
    return Period(begins, _months_later(begins, length), kind, _label(begins, kind, into, fiscal_year_starts))


def periods(since: date, until: date, kind: Kind, fiscal_year_starts: int = 1) -> Iterator[Period]:
    """Every period that a day from `since` to `until` lies in, oldest first."""
    one = period_of(since, kind, fiscal_year_starts)
    while one.begins <= until:
        yield one
        one = period_of(one.ends, kind, fiscal_year_starts)


def _label(begins: date, kind: Kind, into: int, fiscal_year_starts: int) -> str:
    if kind == "month":
        return f"{begins:%Y-%m}"
    year = _months_later(begins, -into)
    told = f"{year.year}" if fiscal_year_starts == 1 else f"{year.year}/{(year.year + 1) % 100:02}"
    return f"{told} Q{into // 3 + 1}" if kind == "quarter" else told


def _months_later(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)
