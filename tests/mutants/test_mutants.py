"""The list of mutations is true: each can be made, each is noticed by the test that it names."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Literal

import pytest

from connector.errors import Transient
from tests.mutants.catalogue import MUTANTS, ROOT, TABLE, Mutant, table
from tests.mutants.run import Failures
from tests.sync.crashing import EVERYTHING

#: Those that `make check` makes; `make crash` makes all.
ALWAYS = {
    "the look-back is zero",
    "`>` for `>=` where a window begins",
    "recorded before anything is sent",
    "the diff is skipped",
    "one outcome of a batch is ignored",
    "no intent before the write",
    "no fence",
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name.replace(" ", "_"))
def test_the_text_of_a_mutation_stands_where_it_says(mutant: Mutant) -> None:
    """Exactly once, so that the change is the one that is meant."""
    assert mutant.text() != (ROOT / mutant.file).read_text(encoding="utf-8")


def test_every_mutation_makes_its_test_fail() -> None:
    """Each in a process of its own, with nothing but the test that it names."""
    those = [one.name for one in MUTANTS if EVERYTHING or one.name in ALWAYS]
    command = [sys.executable, "-m", "tests.mutants.run", *those]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert ended.stdout, ended.stderr
    assert {name: end for name, end in json.loads(ended.stdout).items() if end != "failed"} == {}


def _fails() -> None:
    pytest.fail("nothing was refused")


def _asserts() -> None:
    raise AssertionError


def _refuses() -> None:
    raise Transient("gone")


def _is_no_program() -> None:
    repr(1, 2)  # type: ignore[call-arg]  # as a mutation may be that replaces half a call


@pytest.mark.parametrize(
    ("ends", "when", "told"),
    [
        (_asserts, "call", []),
        (_fails, "call", []),
        (_refuses, "call", []),
        (_is_no_program, "call", ["call: TypeError: repr() takes exactly one argument (2 given)"]),
        (_asserts, "setup", ["setup: AssertionError: "]),
    ],
)
def test_a_test_that_ends_by_a_mistake_has_noticed_nothing(
    ends: Callable[[], None], when: Literal["setup", "call"], told: list[str]
) -> None:
    """An assertion or a refusal of the connector counts; a TypeError would come whatever the law says."""
    failures = Failures()
    failures.pytest_exception_interact(pytest.CallInfo.from_call(ends, when))
    assert failures.other == told


def test_the_page_shows_the_list() -> None:
    """docs/mutations.md is written by hand from here: print(table())."""
    assert TABLE.read_text(encoding="utf-8") == table()
