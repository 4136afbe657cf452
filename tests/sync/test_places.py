"""The tables of where tests are done name tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

from tests.sync.places import NOT_ON_DYNAMICS, ON_DYNAMICS, ON_MEMORY

BUILDING = re.compile(r"^def (test_\w+)\([^)]*\bbuild\b", re.MULTILINE)


def test_every_name_in_the_tables_is_that_of_a_test_which_builds_worlds() -> None:
    """A test that was renamed would be done elsewhere than was meant, without a word."""
    files = {path.stem.removeprefix("test_"): path.read_text(encoding="utf-8") for path in _tests()}
    building = {name for text in files.values() for name in BUILDING.findall(text)}

    assert building >= ON_DYNAMICS
    assert building >= set(NOT_ON_DYNAMICS)
    assert files.keys() >= ON_MEMORY
    assert ON_DYNAMICS.isdisjoint(NOT_ON_DYNAMICS)


def _tests() -> list[Path]:
    return [*Path(__file__).parent.glob("test_*.py")]
