"""
The two scores, by the arithmetic of A1 to A13: a sum that can be argued with, line by line.

Everything that does not depend on the person is worked out when the agreement is compiled: a rule keeps one
finished line per age in days, so scoring is looking up, limiting and adding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from math import inf
from zoneinfo import ZoneInfo

from connector.agreement.terms import Fading, Group, Inactivity, Rule, Scoring
from connector.decide.calendar import BUCKETS, local_days
from connector.decide.conditions import Test, Values, compile_condition
from connector.model import Line, Score, Signal

_DAY = timedelta(days=1)
_NO_LIMIT = 1_000_000


@dataclass(slots=True)
class _SignalRule:
    """A rule about a signal, with the lines it has spoken so far, by age."""

    number: int
    group: int
    rule: Rule
    bucket: Callable[[date], object] | None
    times: int
    window: int
    by_day: bool
    ages: bool  # whether its lines change with time
    lines: dict[int, Line | None] = field(default_factory=dict)

    def line_at(self, age: int) -> Line | None:
        """What the rule says of a signal so many days old; None where nothing is left of it."""
        points = faded(self.rule.points, self.rule.fading, age)
        line = Line(self.rule.path, points, f"{self.rule.label} {ago(age)}") if points else None
        self.lines[age] = line
        return line


@dataclass(frozen=True, slots=True)
class _Limits:
    """Between what a group's total stays, and the line that says so."""

    fit: bool
    low: float
    high: float
    path: str
    label: str

    @classmethod
    def of(cls, group: Group) -> _Limits:
        """The limits of a group; none is infinite."""
        low = -inf if group.never_below is None else float(group.never_below)
        high = inf if group.at_most is None else float(group.at_most)
        return cls(group.side == "fit", low, high, f"{group.side}.{group.name}.limit", f"{group.label} limit")


@dataclass(slots=True)
class Scored:
    """A score, and what the decision needs to know of how it came about."""

    score: Score
    combined: float
    spoken: list[list[Line]]  # per group of the agreement, with the line of its limit
    positive: list[Signal]  # counted signals that gave points, newest first
    newest_positive_at: datetime | None  # of all that ever gave points, however faded
    step_at: datetime | None  # when a line next changes: a signal grows a day older, or silence begins to count


class Scorer:
    """The agreement's scoring, compiled."""

    def __init__(self, scoring: Scoring, positive_kinds: frozenset[str], zone: ZoneInfo) -> None:
        self._limits = [_Limits.of(group) for group in scoring.groups]
        self._fit_grades, self._engagement_grades = scoring.fit_grades, scoring.engagement_grades
        self._fit_share = scoring.fit_share
        self._positive = positive_kinds
        self._day = local_days(zone)
        self._by_kind: dict[str, list[_SignalRule]] = {}
        self._by_field: list[tuple[Test, int, Line]] = []
        self._silence: list[tuple[Inactivity, int, Line]] = []
        self._count = 0
        for number, group in enumerate(scoring.groups):
            self._compile(group, number)

    def _compile(self, group: Group, number: int) -> None:
        for rule in group.rules:
            if rule.condition:
                line = Line(rule.path, round(rule.points, 2), rule.label)
                self._by_field.append((compile_condition(rule.condition), number, line))
            elif rule.signal:
                bucket = BUCKETS[rule.once_per] if rule.once_per else None
                ages = rule.fading.kind != "never" or rule.within_days is not None
                times, window = rule.times_at_most or _NO_LIMIT, rule.within_days or _NO_LIMIT
                plan = _SignalRule(self._count, number, rule, bucket, times, window, rule.once_per == "day", ages)
                self._by_kind.setdefault(rule.signal, []).append(plan)
                self._count += 1
        for silence in group.inactivity:
            self._silence.append((silence, number, Line(silence.path, silence.points, silence.label)))

    def score(self, values: Values, signals: Sequence[Signal], as_of: datetime) -> Scored:
        """Fit and engagement of a person with these fields and these signals (newest first) at `as_of`."""
        sums = [0.0] * len(self._limits)
        spoken: list[list[Line]] = [[] for _ in self._limits]
        for test, group, line in self._by_field:
            if test(values):
                sums[group] += line.points
                spoken[group].append(line)
        positive, newest, step_at = self._count_signals(signals, as_of, sums, spoken)
        for silence, group, line in self._silence:
            if newest is None or (as_of - newest).days >= silence.days:
                sums[group] += line.points
                spoken[group].append(line)
            else:
                begins = newest + timedelta(days=silence.days)
                step_at = min(step_at or begins, begins)
        score = self._total(sums, spoken)
        combined = self._fit_share * score.fit + (1 - self._fit_share) * score.engagement
        return Scored(score, round(combined, 4), spoken, positive, newest, step_at)

    def _count_signals(
        self, signals: Sequence[Signal], as_of: datetime, sums: list[float], spoken: list[list[Line]]
    ) -> tuple[list[Signal], datetime | None, datetime | None]:
        """A5 to A7: newest first, once per day, so often at most, then the weight of age."""
        counted = [0] * self._count
        last: list[object] = [None] * self._count
        positive: list[Signal] = []
        newest: datetime | None = None
        oldest_rest: timedelta | None = None  # the largest part of a day any signal is into
        for signal in signals:
            rules = self._by_kind.get(signal.kind)
            age = as_of - signal.at
            days = age.days
            gave = rules is None and signal.kind in self._positive
            ages = False
            for plan in rules or ():
                if days > plan.window or counted[plan.number] >= plan.times:
                    continue
                if plan.bucket:
                    day = self._day(signal.at)
                    bucket = day if plan.by_day else plan.bucket(day)
                    if bucket == last[plan.number]:
                        continue
                    last[plan.number] = bucket
                counted[plan.number] += 1
                if plan.rule.points > 0 and newest is None:
                    newest = signal.at
                line = plan.lines[days] if days in plan.lines else plan.line_at(days)
                if line:
                    sums[plan.group] += line.points
                    spoken[plan.group].append(line)
                    gave, ages = gave or line.points > 0, ages or plan.ages
            if ages:
                rest = age - days * _DAY
                oldest_rest = rest if oldest_rest is None or rest > oldest_rest else oldest_rest
            if gave:
                positive.append(signal)
                newest = newest or signal.at
        return positive, newest, None if oldest_rest is None else as_of + (_DAY - oldest_rest)

    def _total(self, sums: list[float], spoken: list[list[Line]]) -> Score:
        """A8, A9, A13: every limit that cuts is a line of its own, so that the lines add up."""
        totals = [0.0, 0.0]  # engagement, fit
        lines: tuple[list[Line], list[Line]] = ([], [])
        for limits, raw, said in zip(self._limits, sums, spoken, strict=True):
            if not said:
                continue
            total = round(raw, 2)
            if not limits.low <= total <= limits.high:
                limited = limits.high if total > limits.high else limits.low
                said.append(_limit_line(limits.path, round(limited - total, 2), limits.label))
                total = limited
            totals[limits.fit] += total
            lines[limits.fit].extend(said)
        engagement = _clamped("engagement", round(totals[0], 2), lines[0])
        fit = _clamped("fit", round(totals[1], 2), lines[1])
        grade = _grade(fit, self._fit_grades) + _grade(engagement, self._engagement_grades)
        return Score(fit, engagement, grade, (*lines[1], *lines[0]))


@lru_cache(maxsize=8192)
def _limit_line(path: str, cut: float, label: str) -> Line:
    """The line of a limit, remembered: the same cuts come again and again."""
    return Line(path, cut, label)


def _clamped(side: str, total: float, lines: list[Line]) -> float:
    if 0.0 < total <= 100.0:
        return total
    inside = 100.0 if total > 0.0 else 0.0
    if inside != total:
        lines.append(_limit_line(f"{side}.limit", round(inside - total, 2), f"{side} is 0 to 100"))
    return inside


def _grade(score: float, grades: Sequence[tuple[str, float]]) -> str:
    for name, threshold in grades:
        if score >= threshold:
            return name
    return ""


def faded(points: float, fading: Fading, age: int) -> float:
    """What is left of points at an age in whole days (A6), two decimals, half-even (A7)."""
    if fading.kind == "never":
        return round(points, 2)
    if fading.kind == "after":
        return round(points, 2) if age <= fading.days else 0.0
    exact = Fraction(str(points))
    if fading.kind == "evenly":
        return float(round(exact * max(Fraction(0), 1 - Fraction(age, fading.days)), 2))
    if age % fading.days == 0:  # exact, so that a half is a half before it is rounded
        return float(round(exact / 2 ** (age // fading.days), 2))
    return round(points * 2 ** (-age / fading.days), 2)


def ago(days: int) -> str:
    """An age in words."""
    return "today" if days == 0 else "1 day ago" if days == 1 else f"{days} days ago"


def shown(score: float) -> int:
    """The whole number on the record: half-up (A10)."""
    return int(score + 0.5)
