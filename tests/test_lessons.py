"""
Every complaint about other tools, and every trap of HubSpot's API, that concerns us has a test that carries its number.

The complaints are section 3 of the lessons, the traps section 14 of the HubSpot reference. A test says which ones it
shows in its name: `test_lesson_36_trap_20_...`, several numbers one after the other.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

LESSONS, TRAPS = range(1, 55), range(1, 27)

#: What is about Dataverse alone, and comes with its adapter.
ELSEWHERE = {
    8: "pages of 5,000 and next links",
    9: "tables without a modified-on column or change tracking",
    10: "an expired delta token",
    30: "lookups and choices between HubSpot and Dynamics",
    41: "the three facets of Dataverse's service protection",
}


def names() -> Iterator[str]:
    """The names of all tests."""
    for file in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name


def shown(word: str) -> set[int]:
    """The numbers that stand behind this word in the name of a test."""
    return {
        int(number)
        for name in names()
        for run in re.findall(rf"_{word}((?:_\d\d)+)(?!\d)", name)
        for number in run.strip("_").split("_")
    }


def test_every_lesson_that_concerns_us_has_a_test() -> None:
    """Whoever takes one of these tests away takes a promise away."""
    assert set(LESSONS) - set(ELSEWHERE) - shown("lesson") == set()


def test_every_trap_of_the_api_has_a_test() -> None:
    """All of them: they are about HubSpot."""
    assert set(TRAPS) - shown("trap") == set()


@pytest.mark.parametrize(("word", "most"), [("lesson", LESSONS), ("trap", TRAPS)])
def test_no_test_names_a_number_there_is_not(word: str, most: range) -> None:
    """A slip in a name would count for nothing."""
    assert shown(word) <= set(most)
