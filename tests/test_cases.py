"""
Every acceptance case of the domain reference (section 7.6) and every vector (7.5) has a test or an example that carries
its number, standing where it belongs. What has none is listed here, with the reason.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parent
EXAMPLES = TESTS.parent / "mappings" / "examples.toml"

CASES = [f"{number:02}" for number in range(1, 69)]
VECTORS = ["v1a", "v1b", "v1c", "v1d", "v1e"]

#: Cases that need a part which does not exist yet: remove the line together with the reason.
NOT_YET: dict[str, str] = {}

_CASE = re.compile(r"case_(\d\d(?:(?:_and)?_\d\d(?!\d))*)")
_VECTOR = re.compile(r"(?:^|_)(v1[a-e])(?:_|$)")


def covered() -> dict[str, list[str]]:
    """Case or vector -> the tests and examples that carry its number."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in [*_tests(), *_examples()]:
        for numbers in _CASE.findall(name):
            for number in re.findall(r"\d\d", numbers):
                found[number].append(name)
        for vector in _VECTOR.findall(name):
            found[vector].append(name)
    return found


def _tests() -> list[str]:
    """The name of every test there is."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in sorted(TESTS.rglob("test_*.py")))
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return [node.name for node in nodes if node.name.startswith("test_")]


def _examples() -> list[str]:
    """The id of every example of the shipped agreement."""
    return list(tomllib.loads(EXAMPLES.read_text(encoding="utf-8")))


def test_every_acceptance_case_has_a_test_that_carries_its_number() -> None:
    """A case without one is on the list above, and what is on the list has none."""
    found = covered()
    missing = {case for case in [*CASES, *VECTORS] if case not in found}

    assert missing == NOT_YET.keys(), sorted(missing ^ NOT_YET.keys())


def test_no_test_carries_the_number_of_a_case_that_does_not_exist() -> None:
    """A slip of the pen would prove nothing."""
    assert covered().keys() <= {*CASES, *VECTORS}


def test_the_examples_a_salesperson_reads_say_what_they_are_about() -> None:
    """Each has a sentence, and no two have the same."""
    rows = tomllib.loads(EXAMPLES.read_text(encoding="utf-8"))
    said = [row.get("says", "") for row in rows.values()]

    assert all(sentence.endswith((".", "?", "!")) for sentence in said)
    repeated = {sentence for sentence in said if said.count(sentence) > 1}
    assert not repeated
