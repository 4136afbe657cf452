"""Numbers that reports are made of: spans in whole days with their median, and lists that end while counts go on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: Ids that a list of a report names at most; its count is always the true one.
MOST_IDS = 1000

YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Named:
    """So many people, the first of them by record id."""

    count: int = 0
    ids: tuple[str, ...] = ()


@dataclass(slots=True)
class Naming:
    """Gathers a `Named`."""

    count: int = 0
    ids: list[str] = field(default_factory=list)

    def add(self, id: str) -> None:
        """One more."""
        self.count += 1
        if len(self.ids) < MOST_IDS:
            self.ids.append(id)

    def named(self) -> Named:
        """All of it."""
        return Named(self.count, tuple(self.ids))


@dataclass(frozen=True, slots=True)
class Spans:
    """How long something lasts, over many: median and 90th percentile in whole days (nearest rank)."""

    known: int = 0
    median_days: int | None = None
    p90_days: int | None = None
    over_a_year: int = 0


class Spanning:
    """Gathers spans in whole days: memory grows with the days there are, not with the people."""

    def __init__(self) -> None:
        self._days: Counter[int] = Counter()

    def add(self, span: timedelta) -> None:
        """One more; what lies in the future lasts no time."""
        self._days[max(0, span.days)] += 1

    def spans(self) -> Spans:
        """All of them."""
        return Spans(
            self._days.total(),
            self.quantile(0.5),
            self.quantile(0.9),
            sum(number for days, number in self._days.items() if days > YEAR.days),
        )

    def quantile(self, share: float) -> int | None:
        """The smallest number of days that this share of all does not exceed."""
        left = share * self._days.total()
        for days in sorted(self._days):
            left -= self._days[days]
            if left <= 1e-9:
                return days
        return None


def share(part: float, whole: float) -> str:
    """A share in whole percent; almost none and almost all are neither 0 nor 100."""
    if not whole:
        return ""
    of = part / whole
    return "<1%" if 0 < of < 0.01 else ">99%" if 0.99 < of < 1 else f"{of:.0%}"


def times(number: int) -> str:
    """How often, in the words of a sentence."""
    return "once" if number == 1 else "twice" if number == 2 else f"{number:,} times"


def median(values: list[float]) -> float | None:
    """The middle value, the lower one of two."""
    return sorted(values)[(len(values) - 1) // 2] if values else None


def since(at: datetime, as_of: datetime) -> str:
    """An age in the words of a table."""
    span = as_of - at
    if span < timedelta(hours=48):
        return f"{max(0, int(span.total_seconds() // 3600))} h"
    return f"{span.days} days"


def hours(number: float) -> str:
    """A span of hours in the words of a sentence."""
    if number < 1:
        return f"{number * 60:.0f} minutes"
    return f"{number:.1f} hours" if number < 48 else f"{number / 24:.0f} days"
