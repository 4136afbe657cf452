"""
Every complaint about other tools, and every trap of the APIs, that concerns us has a test that carries its number.

The complaints are section 3 of the lessons, the traps section 14 of the HubSpot reference and section 9 of the
Dataverse reference. A test says which ones it shows in its name: `test_lesson_36_trap_20_...`,
`test_dataverse_trap_03_...`, several numbers one after the other.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

LESSONS = range(1, 55)

#: Whose traps they are, as names of tests say it -> the traps.
TRAPS = {"trap": range(1, 27), "dataverse_trap": range(1, 21)}


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
        for run in re.findall(rf"(?<!dataverse)_{word}((?:_\d\d)+)(?!\d)", name)
        for number in run.strip("_").split("_")
    }


def test_every_lesson_has_a_test() -> None:
    """Whoever takes one of these tests away takes a promise away."""
    assert set(LESSONS) - shown("lesson") == set()


@pytest.mark.parametrize("word", TRAPS)
def test_every_trap_of_an_api_has_a_test(word: str) -> None:
    """Each API by its own numbers."""
    assert set(TRAPS[word]) - shown(word) == set()


@pytest.mark.parametrize(("word", "most"), [("lesson", LESSONS), *TRAPS.items()])
def test_no_test_names_a_number_there_is_not(word: str, most: range) -> None:
    """A slip in a name would count for nothing."""
    assert shown(word) <= set(most)
