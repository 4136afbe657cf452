"""
How engagement goes on if nothing happens: the first instant at which it leaves a band.

Nothing is estimated. Which signals count is settled: the newest count first, so time only takes the oldest away.
Every counted signal then loses points at its own whole days, and silence begins to count at one instant. Over a
stretch of days engagement lies between what is left of all points for, less all points against, and the reverse;
long stretches that cannot leave the band are passed over at once, and a day that could is gone through step by
step. Points are whole hundredths here and times are microseconds, so that nothing is rounded twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import NamedTuple

from connector.agreement.terms import Scoring
from connector.decide.scoring import Limits, Scored

_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000
_DAYS_BY_STEPS = 100  # so many days are gone through step by step at most: then it is time to look anyway
_MOST = 10_000
_NO_LIMIT = 1 << 40

#: One signal as one rule counts it: how far into its day it is, the points by age while any are left, its age, its
#: group. A plain tuple: there are many.
Ageing = tuple[int, Sequence[int], int, int]
_rest = itemgetter(0)


class Band(NamedTuple):
    """Hundredths of points between which engagement makes no difference, both included."""

    low: int
    high: int


class Engagement:
    """What the agreement says of engagement, in hundredths."""

    def __init__(self, scoring: Scoring) -> None:
        self._limits = [
            (number, _bounded(limits.low * 100), _bounded(limits.high * 100))
            for number, group in enumerate(scoring.groups)
            if group.side == "engagement"
            for limits in (Limits.of(group),)
        ]
        self.silences = [
            (timedelta(days=each.days), number, round(each.points * 100))
            for number, group in enumerate(scoring.groups)
            for each in group.inactivity
        ]

    def total(self, sums: Sequence[int]) -> int:
        """What the sums of the groups come to (A8, A9)."""
        total = 0
        for group, low, high in self._limits:
            points = sums[group]
            total += low if points < low else high if points > high else points
        return 0 if total < 0 else _MOST if total > _MOST else total


def _bounded(cents: float) -> int:
    return round(max(-_NO_LIMIT, min(_NO_LIMIT, cents)))


class Forecast:
    """One person's engagement from `as_of` on."""

    def __init__(self, engagement: Engagement, scored: Scored, as_of: datetime) -> None:
        self._engagement = engagement
        self._as_of = as_of
        self._base = base = [round(points * 100) for points in scored.standing]
        self._ageing: list[Ageing] = []
        for rule, _, age in scored.counted:
            if not rule.ages:
                base[rule.group] += round(rule.rule.points * 100)
                continue
            cents, days = rule.cents(), age.days
            if days < len(cents):
                self._ageing.append((age.seconds * 1_000_000 + age.microseconds, cents, days, rule.group))
        self._to_come: list[tuple[int, int, int]] = []  # when silence begins to count, in which group, its points
        for silent_for, group, cents_lost in engagement.silences:
            begins = scored.silent_from(silent_for)
            if begins is None or begins <= as_of:
                base[group] += cents_lost
            else:
                self._to_come.append(((begins - as_of) // _MICROSECOND, group, cents_lost))

    def first_outside(self, band: Band, since: datetime, until: datetime | None) -> datetime | None:
        """The first instant after now, from `since` on and before `until`, with engagement outside the band."""
        begin = (since - self._as_of) // _MICROSECOND
        end = None if until is None else (until - self._as_of) // _MICROSECOND
        for stop in (*sorted(begins for begins, _, _ in self._to_come if begins > begin), None):
            last = stop if end is None else end if stop is None or stop > end else stop
            stretch = _Stretch(self._engagement, self._base_at(begin), self._aged(begin), band)
            found = stretch.leaves(begin, last)
            if found is not None:
                return self._as_of + timedelta(microseconds=found)
            if last is None or last == end:
                return None
            begin = last
        return None

    def _base_at(self, instant: int) -> list[int]:
        base = self._base.copy()
        for begins, group, cents in self._to_come:
            if begins <= instant:
                base[group] += cents
        return base

    def _aged(self, by: int) -> list[Ageing]:
        """The signals as they will be then, without those of which nothing is left."""
        if not by:
            return self._ageing
        found = []
        for rest, cents, age, group in self._ageing:
            days, into = divmod(rest + by, _DAY)
            if age + days < len(cents):
                found.append((into, cents, age + days, group))
        return found


class _Stretch:
    """A time in which signals grow older and nothing else changes."""

    def __init__(self, engagement: Engagement, base: list[int], ageing: list[Ageing], band: Band) -> None:
        self._total = engagement.total
        self._base = base
        self._ageing = ageing
        self._band = band
        self._in_turn: list[Ageing] | None = None

    def leaves(self, begin: int, end: int | None) -> int | None:
        """The first instant outside the band, the beginning included unless it is now."""
        if begin and self._is_outside(self._sums(0)):
            return begin
        over = max([len(cents) - age for _, cents, age, _ in self._ageing], default=0)
        days = over if end is None else min(over, -((begin - end) // _DAY))
        day = by_steps = 0
        while day < days:
            passed = self._passes(day, days)
            if not passed:
                found = self._steps(day)
                if found is not None:
                    return begin + found if end is None or begin + found < end else None
                passed, by_steps = 1, by_steps + 1
            day += passed
            if by_steps > _DAYS_BY_STEPS:
                return begin + day * _DAY if day < days else None
        return None

    def _passes(self, day: int, days: int) -> int:
        """How many days from this one on cannot leave the band; 0 where that has to be looked at closely."""
        if self._keeps(day, days):
            return days - day
        if day + 2 >= days or not self._keeps(day, day + 2):
            return 0
        safe, unsafe = 2, 4
        while day + unsafe < days and self._keeps(day, day + unsafe):
            safe, unsafe = unsafe, 2 * unsafe
        unsafe = min(unsafe, days - day)
        while unsafe - safe > 1:
            middle = (safe + unsafe) // 2
            if self._keeps(day, day + middle):
                safe = middle
            else:
                unsafe = middle
        return safe

    def _keeps(self, day: int, until: int) -> bool:
        """Whether no order of steps between these days could leave the band."""
        low, high = self._base.copy(), self._base.copy()
        for _, cents, age, group in self._ageing:
            left, length = age + day, len(cents)
            before = cents[left] if left < length else 0
            left = age + until
            after = cents[left] if left < length else 0
            if before > after:
                low[group] += after
                high[group] += before
            else:
                low[group] += before
                high[group] += after
        return self._band.low <= self._total(low) and self._total(high) <= self._band.high

    def _steps(self, day: int) -> int | None:
        """One day, signal by signal in the order in which they grow older."""
        if self._in_turn is None:
            self._in_turn = sorted(self._ageing, key=_rest, reverse=True)
        sums, stepped = self._sums(day), None
        for rest, cents, age, group in self._in_turn:
            now = age + day
            if now >= len(cents):
                continue
            if stepped is not None and stepped != rest and self._is_outside(sums):
                return (day + 1) * _DAY - stepped
            sums[group] += (cents[now + 1] if now + 1 < len(cents) else 0) - cents[now]
            stepped = rest
        return (day + 1) * _DAY - stepped if stepped is not None and self._is_outside(sums) else None

    def _sums(self, day: int) -> list[int]:
        sums = self._base.copy()
        for _, cents, age, group in self._ageing:
            if age + day < len(cents):
                sums[group] += cents[age + day]
        return sums

    def _is_outside(self, sums: Sequence[int]) -> bool:
        return not self._band.low <= self._total(sums) <= self._band.high
