"""Rates by grade, and the honesty of few."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.ledger.handoffs import HandOff
from connector.report.bands import by_grade, wilson
from tests.report.house import april


def _many(grade: str, accepted: int, rejected: int) -> list[HandOff]:
    one = HandOff("1", "t", 1, april(1), rule="stages.mql.enter_when", grade=grade, ended_at=april(2))
    yes, no = replace(one, accepted_at=april(2)), replace(one, outcome="rejected")
    return [replace(yes, person_id=f"{grade}{n}") for n in range(accepted)] + [
        replace(no, person_id=f"{grade}-{n}") for n in range(rejected)
    ]


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (80, 100, 0.7112, 0.8666), (0, 0, 0.0, 1.0)],
)
def test_wilson_against_published_values(part: int, whole: int, low: float, high: float) -> None:
    """Never below nothing, never above everybody, and wide where there are few."""
    assert wilson(part, whole) == pytest.approx((low, high), abs=5e-4)


def test_few_outcomes_give_no_rate() -> None:
    """39 accepted and 60 turned down are too few; with one more accepted each grade has its rate and range."""
    few = by_grade([*_many("A1", 30, 10), *_many("B2", 9, 50)])
    assert [row[3] for row in few.rows] == ["too few", "too few"]
    enough = by_grade([*_many("A1", 30, 10), *_many("B2", 10, 50)])
    assert [(row[0], row[3], row[4]) for row in enough.rows] == [
        ("A1", "75%", "60% to 86%"),
        ("B2", "17%", "9% to 28%"),
    ]


def test_who_is_undecided_is_in_no_grade() -> None:
    """Nobody has said anything of them yet."""
    assert by_grade([HandOff("1", "t", 1, april(1), rule="x", grade="A1")]).rows == ()
