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
_FIRST_STRETCH = 8  # days
_NARROW = 200  # a band of so few hundredths is left within days: no use to look far ahead first
_MOST = 10_000
_NO_LIMIT = 1 << 40

#: One signal as one rule counts it: how far into its day it is, the points by age while any are left, its age, its
#: group, and what each whole day takes. A plain tuple: there are many.
Ageing = tuple[int, Sequence[int], int, int, Sequence[int]]
_rest = itemgetter(0)


class Band(NamedTuple):
    """Hundredths of points between which engagement makes no difference, both included."""

    low: int
    high: int

    @property
    def is_narrow(self) -> bool:
        """Whether engagement that fades is out of it within days."""
        return self.low > 0 and self.high - self.low <= _NARROW


class Engagement:
    """What the agreement says of engagement, in hundredths."""

    def __init__(self, scoring: Scoring) -> None:
        limits = [Limits.of(group) for group in scoring.groups]
        self.groups = [number for number, group in enumerate(scoring.groups) if group.side == "engagement"]
        self.lows = [_bounded(each.low * 100) for each in limits]
        self.highs = [_bounded(each.high * 100) for each in limits]
        self._limits = [(group, self.lows[group], self.highs[group]) for group in self.groups]
        self.silences = [
            (timedelta(days=each.days), number, round(each.points * 100))
            for number, group in enumerate(scoring.groups)
            for each in group.inactivity
        ]

    def whole(self, sums: Sequence[int]) -> int:
        """What the sums of the groups come to inside their limits (A8)."""
        whole = 0
        for group, low, high in self._limits:
            points = sums[group]
            whole += low if points < low else min(points, high)
        return whole


def _bounded(cents: float) -> int:
    return round(max(-_NO_LIMIT, min(_NO_LIMIT, cents)))


class Forecast:
    """One person's engagement from `as_of` on."""

    def __init__(self, engagement: Engagement, scored: Scored, as_of: datetime) -> None:
        self._engagement = engagement
        self._as_of = as_of
        self._base = base = scored.standing.copy()
        self._ageing: list[Ageing] = []
        self._rises = False  # whether anything against the person fades
        ages = self._ageing.append
        for rule, _, age in scored.counted:
            if not rule.ages:
                base[rule.group] += rule.hundredths
                continue
            cents, days = rule.cents or rule.in_cents(), age.days
            if days < len(cents):
                ages((age.seconds * 1_000_000 + age.microseconds, cents, days, rule.group, rule.steps))
                if not rule.positive:
                    self._rises = True
        self._to_come: list[tuple[int, int, int]] = []  # when silence begins to count, in which group, its points
        for silent_for, group, points in engagement.silences:
            begins = scored.silent_from(silent_for)
            if begins is None or begins <= as_of:
                base[group] += points
            else:
                self._to_come.append(((begins - as_of) // _MICROSECOND, group, points))
                self._rises = self._rises or points > 0
        self._from_now: _Stretch | None = None
        self._ever: int | None = None

    def first_outside(self, band: Band, since: datetime, until: datetime | None) -> datetime | None:
        """The first instant after now, from `since` on and before `until`, with engagement outside the band."""
        if not self._ageing and not self._to_come:
            return None
        if band.low <= 0 and (band.high >= _MOST or not self._rises or self._most() <= band.high):
            return None
        begin = 0 if since is self._as_of else (since - self._as_of) // _MICROSECOND
        end = None if until is None else (until - self._as_of) // _MICROSECOND
        ahead = [each[0] for each in self._to_come if each[0] > begin and (end is None or each[0] < end)]
        for last in (*sorted(ahead), end) if ahead else (end,):
            found = self._stretch(begin).leaves(band, begin, last)
            if found is not None:
                return self._as_of + timedelta(microseconds=found)
            begin = last or 0
        return None

    def _most(self) -> int:
        """More than engagement will ever be: all that speaks for the person, and nothing against."""
        if self._ever is not None:
            return self._ever
        most = self._base.copy()
        for _, cents, age, group, _ in self._ageing:
            if cents[age] > 0:
                most[group] += cents[age]
        for _, group, points in self._to_come:
            most[group] += max(points, 0)
        self._ever = self._engagement.whole(most)
        return self._ever

    def _stretch(self, begin: int) -> _Stretch:
        """What begins at an instant ahead: silence that counts by then, signals so much older."""
        if not begin:
            self._from_now = self._from_now or _Stretch(self._engagement, self._base, self._ageing)
            return self._from_now
        base = self._base.copy()
        for begins, group, points in self._to_come:
            if begins <= begin:
                base[group] += points
        ageing = []
        for rest, cents, age, group, steps in self._ageing:
            days, into = divmod(rest + begin, _DAY)
            if age + days < len(cents):
                ageing.append((into, cents, age + days, group, steps))
        return _Stretch(self._engagement, base, ageing)


class _Stretch:
    """A time in which signals grow older and nothing else changes."""

    __slots__ = ("_ageing", "_base", "_days", "_engagement", "_in_turn", "_rises")

    def __init__(self, engagement: Engagement, base: list[int], ageing: list[Ageing]) -> None:
        self._engagement = engagement
        self._base = base
        self._ageing = ageing
        self._days = max([len(cents) - age for _, cents, age, _, _ in ageing], default=0)  # until nothing ages any more
        self._rises = min([cents[0] for _, cents, _, _, _ in ageing], default=0) < 0
        self._in_turn: list[Ageing] = []

    def leaves(self, band: Band, begin: int, end: int | None) -> int | None:
        """The first instant outside the band, the beginning included unless it is now."""
        if begin and not band.low <= self._at(0) <= band.high:
            return begin
        days = self._days
        if end is not None:
            days = min(days, -((begin - end) // _DAY))
        if not days:
            return None
        day = by_steps = 0
        if not band.is_narrow:
            day = self._passes(band, 0, days)
        while day < days:
            found = self._steps(band, day)
            if found is not None:
                return begin + found if end is None or begin + found < end else None
            day, by_steps = day + 1, by_steps + 1
            if by_steps > _DAYS_BY_STEPS:
                return begin + day * _DAY if day < days else None
            if by_steps > 1 and day < days:
                day += self._passes(band, day, days)
        return None

    def _passes(self, band: Band, day: int, days: int) -> int:
        """How many days from this one on cannot leave the band."""
        if self._rises:
            return self._passes_by_bounds(band, day, days)
        return self._falls_after(band.low, day, days) if band.low > 0 else days - day

    def _falls_after(self, low: int, day: int, days: int) -> int:
        """For how many days engagement, which only falls here, stays this high: as regula falsi finds it."""
        safe, unsafe = day, days
        above, below = self._at(day) - low, self._at(days) - low
        if below >= 0:
            return days - day
        tries = 0
        while unsafe - safe > 1:
            tries += 1
            guess = (safe + unsafe) // 2 if tries % 3 == 0 else safe + above * (unsafe - safe) // (above - below)
            guess = min(max(guess, safe + 1), unsafe - 1)
            found = self._at(guess) - low
            if found >= 0:
                safe, above = guess, found
            else:
                unsafe, below = guess, found
        return safe - day

    def _passes_by_bounds(self, band: Band, day: int, days: int) -> int:
        """How many days surely, where points for and points against fade together."""
        left, narrow = days - day, band.is_narrow
        if not narrow and self._surely_keeps(band, day, left):
            return left
        safe, unsafe = 0, 1 if narrow else _FIRST_STRETCH
        while unsafe < left and self._surely_keeps(band, day, unsafe):
            safe, unsafe = unsafe, 2 * unsafe
        if unsafe >= left:
            if narrow and self._surely_keeps(band, day, left):
                return left
            unsafe = left
        while unsafe - safe > 1:
            middle = (safe + unsafe) // 2
            if self._surely_keeps(band, day, middle):
                safe = middle
            else:
                unsafe = middle
        return safe

    def _surely_keeps(self, band: Band, day: int, after: int) -> bool:
        """Whether no order of steps within so many days could leave the band."""
        low, high = self._base.copy(), self._base.copy()
        for _, cents, age, group, _ in self._ageing:
            left, length = age + day, len(cents)
            before = cents[left] if left < length else 0
            left += after
            later = cents[left] if left < length else 0
            if before > later:
                low[group] += later
                high[group] += before
            else:
                low[group] += before
                high[group] += later
        whole = self._engagement.whole
        return (band.low <= 0 or whole(low) >= band.low) and (band.high >= _MOST or whole(high) <= band.high)

    def _steps(self, band: Band, day: int) -> int | None:
        """One day, signal by signal in the order in which they grow older."""
        in_turn = self._in_turn = self._in_turn or sorted(self._ageing, key=_rest, reverse=True)
        lows, highs, sums = self._engagement.lows, self._engagement.highs, self._sums(day)
        whole, stepped = self._engagement.whole(sums), -1
        least, most = band.low if band.low > 0 else -_NO_LIMIT, band.high if band.high < _MOST else _NO_LIMIT
        for rest, _, age, group, steps in in_turn:
            now = age + day
            if now >= len(steps):
                continue
            if stepped != rest and not least <= whole <= most and stepped >= 0:
                return (day + 1) * _DAY - stepped
            before, low, high = sums[group], lows[group], highs[group]
            sums[group] = after = before + steps[now]
            if low <= before <= high and low <= after <= high:
                whole += steps[now]
            else:
                whole += (low if after < low else min(after, high)) - (low if before < low else min(before, high))
            stepped = rest
        return None if least <= whole <= most or stepped < 0 else (day + 1) * _DAY - stepped

    def _at(self, day: int) -> int:
        whole = self._engagement.whole(self._sums(day))
        return 0 if whole < 0 else min(whole, _MOST)

    def _sums(self, day: int) -> list[int]:
        sums = self._base.copy()
        for _, cents, age, group, _ in self._ageing:
            left = age + day
            if left < len(cents):
                sums[group] += cents[left]
        return sums
