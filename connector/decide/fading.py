"""How points lose weight with age (A6, A7), and a rule about a signal compiled by age: one finished line per day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from connector.agreement.terms import Fading, Rule
from connector.decide.calendar import BUCKETS, LONGEST
from connector.model import Line

_NO_LIMIT = 1_000_000


@dataclass(slots=True)
class SignalRule:
    """A rule about a signal, with the lines it has spoken so far, by age."""

    number: int
    group: int
    rule: Rule
    bucket: Callable[[date], object] | None
    apart: timedelta  # signals so far apart are never in one bucket
    times: int
    window: int
    ages: bool  # whether its lines change with time
    positive: bool
    hundredths: int  # of a signal of today
    lines: dict[int, Line | None] = field(default_factory=dict)
    cents: list[int] = field(default_factory=list)  # see in_cents; worked out when first needed
    steps: list[int] = field(default_factory=list)  # what each whole day changes of the cents

    @classmethod
    def of(cls, rule: Rule, number: int, group: int) -> SignalRule:
        """The rule, ready to count."""
        bucket = BUCKETS[rule.once_per] if rule.once_per else None
        apart = LONGEST[rule.once_per] if rule.once_per else timedelta(0)
        ages = rule.fading.kind != "never" or rule.within_days is not None
        times, window = rule.times_at_most or _NO_LIMIT, rule.within_days or _NO_LIMIT
        return cls(number, group, rule, bucket, apart, times, window, ages, rule.points > 0, round(rule.points * 100))

    def line_at(self, age: int) -> Line | None:
        """What the rule says of a signal so many days old; None where nothing is left of it."""
        points = faded(self.rule.points, self.rule.fading, age)
        line = Line(self.rule.path, points, f"{self.rule.label} {ago(age)}") if points else None
        self.lines[age] = line
        return line

    def in_cents(self) -> list[int]:
        """Of a rule that ages: its points in hundredths by age in days, as long as something is left of them."""
        left, age = [], 0
        while age <= self.window and (points := faded(self.rule.points, self.rule.fading, age)):
            left.append(round(points * 100))
            age += 1
        self.cents, self.steps = left, [after - before for before, after in zip(left, [*left[1:], 0], strict=True)]
        return left


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
