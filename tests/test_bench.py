"""How a measure ends: what misses its target is said last, and makes `make bench` fail."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def table() -> ModuleType:
    """The room of figures beside targets, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("benchmarks_table", BENCHMARKS / "table.py")
    assert spec is not None
    assert spec.loader is not None
    found = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize(
    ("figure", "more_is_better", "code"),
    [(10, False, 0), (15, False, 0), (20.1, False, 1), (98, True, 0), (20, True, 0), (19.9, True, 1)],
)
def test_a_missed_target_ends_with_1_and_a_missed_goal_does_not(
    table: ModuleType, figure: float, more_is_better: bool, code: int
) -> None:
    """Whichever direction is the better one; and a yardstick, which has no target, misses none."""
    told: list[str] = []
    row = table.Row("memory", figure, "MB", 20, 10 if not more_is_better else 50, more_is_better=more_is_better)

    assert table.missed([table.Row("yardstick", 1e9, "s CPU"), row], told.append) == code
    assert told == ([f"missed: memory, {figure:,.2f} MB where 20 is asked for"] if code else [])


@pytest.mark.parametrize("name", ["run.py", "full.py"])
def test_both_measures_end_with_what_their_table_says(name: str) -> None:
    """After the table, and as the code of the process."""
    text = (BENCHMARKS / name).read_text(encoding="utf-8")
    shown, missed = text.index("table.show(found, say)"), text.index("return table.missed(found, say)")

    assert shown < missed < text.index("sys.exit(main())")
