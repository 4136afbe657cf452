"""A promise of a running period is corrected, not rewritten: lint says so, and nobody can sign the rewriting."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from connector.config import shipped_mappings
from tests.cli.desk import Desk

GOAL = 'mqls = { metric = "mql", period = "month", at_least = 40, owner = "marketing"'


@pytest.fixture
def signed(desk: Desk) -> Path:
    """An agreement that both sides signed; gives its file with the goals."""
    folder = Path(shutil.copytree(shipped_mappings(), desk.folder / "mine"))
    desk.configure(mapping='"mine"')
    for side, name in (("marketing", "Ann Lee"), ("sales", "Bo Ek")):
        assert desk("agreement", "approve", "--as", side, "--name", name, "--yes").code == 0
    return folder / "agreement.toml"


def _rewrite(file: Path, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert GOAL in text
    file.write_text(text.replace(GOAL, new), encoding="utf-8")


def test_a_goal_rewritten_while_its_period_runs_is_an_error(desk: Desk, signed: Path) -> None:
    """Lint ends with 4 and points at the line; approve refuses, and nothing is signed."""
    _rewrite(signed, GOAL.replace("40", "35"))
    told = desk("agreement", "lint")
    assert told.code == 4
    line = next(at for at, text in enumerate(signed.read_text().splitlines(), 1) if text.startswith("mqls"))
    assert f"mine/agreement.toml:{line}, goals.mqls: asks for 35 where 40 was signed, and no correction" in told.out
    refused = desk("agreement", "approve", "--as", "sales", "--name", "Bo Ek", "--yes")
    assert refused.code == 4
    assert "corrections = [" in refused.err
    assert "sales" in desk("agreement", "lint", "--output", "json").out


def test_the_same_change_with_its_correction_is_signed(desk: Desk, signed: Path) -> None:
    """The line that lint proposes is enough for both."""
    _rewrite(signed, GOAL.replace("40", "35"))
    proposed = re.search(r"corrections = \[.*?\]", desk("agreement", "lint").out)
    assert proposed is not None
    again = GOAL.replace("40", "35")
    text = signed.read_text(encoding="utf-8")
    signed.write_text(text.replace(again, f"{again}, {proposed[0]}"), encoding="utf-8")
    assert "goals.mqls" not in desk("agreement", "lint").out
    assert desk("agreement", "approve", "--as", "sales", "--name", "Bo Ek", "--yes").code == 0


def test_before_anybody_signed_goals_are_free(desk: Desk) -> None:
    """Nothing was promised yet."""
    folder = Path(shutil.copytree(shipped_mappings(), desk.folder / "mine"))
    desk.configure(mapping='"mine"')
    _rewrite(folder / "agreement.toml", GOAL.replace("40", "35"))
    assert "goals.mqls" not in desk("agreement", "lint").out
