"""
Whether the score says anything: how many hand-offs of each grade sales accepted, with the uncertainty of few.

The grade is the one at the hand-off, never today's: a score compared with what is known since flatters itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from connector.ledger.handoffs import HandOff
from connector.report.sheet import Cell, Part, count

#: Below so many accepted, or so many not, in all, a rate by grade says nothing.
ENOUGH = 40

_Z = 1.96  # 95 of 100 times the interval holds the true rate


def by_grade(hand_offs: Iterable[HandOff]) -> Part:
    """Accepted of decided, by the grade at the hand-off."""
    decided = [one for one in hand_offs if one.decided]
    accepted = sum(one.accepted_at is not None for one in decided)
    enough = min(accepted, len(decided) - accepted) >= ENOUGH
    grades = sorted({one.grade or "none" for one in decided})
    rows = tuple(_row(grade, [one for one in decided if (one.grade or "none") == grade], enough) for grade in grades)
    says = (
        "By the grade at the hand-off. The range holds the true rate 95 times of 100."
        if enough
        else f"By the grade at the hand-off. Too few for rates: they need {ENOUGH} accepted and {ENOUGH} turned down."
    )
    return Part("by_grade", "Does the score tell", ("grade", "decided", "accepted", "rate", "range"), rows, says)


def _row(grade: str, those: list[HandOff], enough: bool) -> tuple[Cell, ...]:
    yes = [one.person_id for one in those if one.accepted_at is not None]
    low, high = wilson(len(yes), len(those))
    return (
        grade,
        count(f"by_grade.{grade}", (one.person_id for one in those)),
        count(f"by_grade.{grade}.accepted", yes),
        f"{len(yes) / len(those):.0%}" if enough else "too few",
        f"{low:.0%} to {high:.0%}" if enough else "",
    )


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The range in which the rate behind `part` of `whole` lies (Wilson's score interval); nothing is known of none."""
    if not whole:
        return 0.0, 1.0
    rate, square = part / whole, _Z * _Z
    middle = (rate + square / (2 * whole)) / (1 + square / whole)
    reach = _Z * math.sqrt(rate * (1 - rate) / whole + square / (4 * whole * whole)) / (1 + square / whole)
    return max(0.0, middle - reach), min(1.0, middle + reach)
