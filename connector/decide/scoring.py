"""
The two scores, by the arithmetic of A1 to A13: a sum that can be argued with, line by line.

Everything that does not depend on the person is worked out when the agreement is compiled: a rule keeps one
finished line per age in days, so scoring is looking up, limiting and adding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from math import inf
from zoneinfo import ZoneInfo

from connector.agreement.terms import Condition, Group, Inactivity, Scoring
from connector.decide.calendar import local_days
from connector.decide.conditions import Questions, Test, Values, compile_condition
from connector.decide.fading import SignalRule
from connector.model import Line, Score, Signal

_REMEMBERED = 16_384


@dataclass(frozen=True, slots=True)
class Limits:
    """Between what a group's total stays, and the line that says so."""

    low: float
    high: float
    path: str
    label: str

    @classmethod
    def of(cls, group: Group) -> Limits:
        """The limits of a group; none is infinite."""
        low = -inf if group.never_below is None else float(group.never_below)
        high = inf if group.at_most is None else float(group.at_most)
        return cls(low, high, f"{group.side}.{group.name}.limit", f"{group.label} limit")


@dataclass(slots=True)
class Standing:
    """What fields alone give: it stays as it is while time passes."""

    sums: list[float]
    hundredths: list[int]
    spoken: list[list[Line]]
    fit: float
    fit_lines: tuple[Line, ...]
    fit_grade: str


@dataclass(slots=True)
class Scored:
    """A score, and what the decision needs to know of how it came about."""

    score: Score
    combined: float
    spoken: list[list[Line]]  # per group of the agreement, with the line of its limit
    positive: list[Signal]  # counted signals that gave points, newest first
    newest_positive_at: datetime | None  # of all that ever gave points, however faded
    counted: list[tuple[SignalRule, Signal, timedelta]]  # every signal that a rule counted, with its age, newest first
    standing: list[int]  # per group what the fields alone give, in hundredths
    unscored: frozenset[str]  # kinds that speak for a person although no rule scores them

    def is_unscored(self, signal: Signal) -> bool:
        """Whether a signal speaks for a person although no rule scores it."""
        return signal.kind in self.unscored

    def silent_from(self, silent_for: timedelta) -> datetime | None:
        """When there will have been no positive signal for so long; None where there is none at all."""
        begins: datetime | None = None
        for rule, signal, _ in self.counted:
            if rule.positive:
                ends = signal.at + min(silent_for, timedelta(days=rule.window + 1))
                begins = ends if begins is None or ends > begins else begins
                if rule.window >= silent_for.days:
                    break  # older ones end sooner
        for signal in self.positive:
            if self.is_unscored(signal):
                begins = signal.at + silent_for if begins is None else max(begins, signal.at + silent_for)
                break
        return begins


class Scorer:
    """The agreement's scoring, compiled."""

    def __init__(self, scoring: Scoring, positive_kinds: frozenset[str], zone: ZoneInfo) -> None:
        self._limits = [Limits.of(group) for group in scoring.groups]
        self._fit = [number for number, group in enumerate(scoring.groups) if group.side == "fit"]
        self._engagement = [number for number, group in enumerate(scoring.groups) if group.side == "engagement"]
        self._fit_grades, self._engagement_grades = scoring.fit_grades, scoring.engagement_grades
        self._fit_share = scoring.fit_share
        self._day = local_days(zone)
        self._by_kind: dict[str, list[SignalRule]] = {}
        self._by_field: list[tuple[Test, int, Line]] = []
        self._silence: list[tuple[Inactivity, int, Line]] = []
        self._count = 0
        asked: list[Condition] = []
        for number, group in enumerate(scoring.groups):
            asked += [rule.condition for rule in group.rules if rule.condition]
            self._compile(group, number)
        self._unscored = positive_kinds - self._by_kind.keys()
        self._questions = Questions(asked)
        self._standing: dict[tuple[int, ...], Standing] = {}

    def _compile(self, group: Group, number: int) -> None:
        for rule in group.rules:
            if rule.condition:
                line = Line(rule.path, round(rule.points, 2), rule.label)
                self._by_field.append((compile_condition(rule.condition), number, line))
            elif rule.signal:
                self._by_kind.setdefault(rule.signal, []).append(SignalRule.of(rule, self._count, number))
                self._count += 1
        for silence in group.inactivity:
            self._silence.append((silence, number, Line(silence.path, silence.points, silence.label)))

    def score(self, values: Values, signals: Sequence[Signal], as_of: datetime) -> Scored:
        """Fit and engagement of a person with these fields and these signals (newest first) at `as_of`."""
        return self.score_from(self.standing(values), signals, as_of)

    def standing(self, values: Values) -> Standing:
        """What these fields give, worked out once for all of whom the same is true."""
        verdicts = self._questions.verdicts(values)
        return self._standing.get(verdicts) or self._stand(verdicts, values)

    def score_from(self, still: Standing, signals: Sequence[Signal], as_of: datetime) -> Scored:
        """Fit and engagement of a person of whom it is known what their fields give."""
        sums, spoken = still.sums.copy(), still.spoken.copy()
        for group in self._engagement:
            spoken[group] = still.spoken[group].copy()
        positive, newest, counted = self._count_signals(signals, as_of, sums, spoken)
        for silence, group, line in self._silence:
            if newest is None or (as_of - newest).days >= silence.days:
                sums[group] += line.points
                spoken[group].append(line)
        engagement, lines = self._total("engagement", self._engagement, sums, spoken)
        grade = still.fit_grade + grade_of(engagement, self._engagement_grades)
        score = Score(still.fit, engagement, grade, (*still.fit_lines, *lines))
        combined = combined_of(still.fit, engagement, self._fit_share)
        return Scored(score, combined, spoken, positive, newest, counted, still.hundredths, self._unscored)

    def _stand(self, verdicts: tuple[int, ...], values: Values) -> Standing:
        sums = [0.0] * len(self._limits)
        spoken: list[list[Line]] = [[] for _ in self._limits]
        for test, group, line in self._by_field:
            if test(values):
                sums[group] += line.points
                spoken[group].append(line)
        fit, lines = self._total("fit", self._fit, sums, spoken)
        if len(self._standing) >= _REMEMBERED:
            self._standing.clear()
        still = Standing(
            sums, [round(each * 100) for each in sums], spoken, fit, tuple(lines), grade_of(fit, self._fit_grades)
        )
        self._standing[verdicts] = still
        return still

    def _count_signals(
        self, signals: Sequence[Signal], as_of: datetime, sums: list[float], spoken: list[list[Line]]
    ) -> tuple[list[Signal], datetime | None, list[tuple[SignalRule, Signal, timedelta]]]:
        """A5 to A7: newest first, once per day, so often at most, then the weight of age."""
        times = [0] * self._count
        last: list[Signal | None] = [None] * self._count
        positive: list[Signal] = []
        counted: list[tuple[SignalRule, Signal, timedelta]] = []
        newest: datetime | None = None
        by_kind = self._by_kind
        for signal in signals:
            rules = by_kind.get(signal.kind)
            if rules is None:
                if signal.kind in self._unscored:
                    positive.append(signal)
                    newest = newest or signal.at
                continue
            age = as_of - signal.at
            days = age.days
            gave = False
            for plan in rules:
                number = plan.number
                if days > plan.window or times[number] >= plan.times:
                    continue
                if (newer := last[number]) is not None and plan.bucket and self._same_bucket(plan, newer, signal):
                    continue
                last[number] = signal
                times[number] += 1
                counted.append((plan, signal, age))
                if newest is None and plan.positive:
                    newest = signal.at
                lines = plan.lines
                if line := (lines[days] if days in lines else plan.line_at(days)):
                    sums[plan.group] += line.points
                    spoken[plan.group].append(line)
                    gave = gave or plan.positive
            if gave:
                positive.append(signal)
        return positive, newest, counted

    def _same_bucket(self, plan: SignalRule, newer: Signal, signal: Signal) -> bool:
        if plan.bucket is None or newer.at - signal.at >= plan.apart:
            return False
        return plan.bucket(self._day(newer.at)) == plan.bucket(self._day(signal.at))

    def _total(
        self, side: str, groups: Sequence[int], sums: Sequence[float], spoken: Sequence[list[Line]]
    ) -> tuple[float, list[Line]]:
        """A8, A9, A13: every limit that cuts is a line of its own, so that the lines add up."""
        whole = 0.0
        lines: list[Line] = []
        for number in groups:
            said = spoken[number]
            if not said:
                continue
            limits = self._limits[number]
            total = round(sums[number], 2)
            if not limits.low <= total <= limits.high:
                limited = limits.high if total > limits.high else limits.low
                said.append(_limit_line(limits.path, round(limited - total, 2), limits.label))
                total = limited
            whole += total
            lines += said
        return _clamped(side, round(whole, 2), lines), lines


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


def grade_of(score: float, grades: Sequence[tuple[str, float]]) -> str:
    """The letter or number of one score."""
    for name, threshold in grades:
        if score >= threshold:
            return name
    return ""


def combined_of(fit: float, engagement: float, fit_share: float) -> float:
    """Both scores together."""
    return round(fit_share * fit + (1 - fit_share) * engagement, 4)


def shown(score: float) -> int:
    """The whole number on the record: half-up (A10)."""
    return int(score + 0.5)
