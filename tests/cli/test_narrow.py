"""How tables look on a terminal that is too narrow for them."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from connector.cli import show

COLUMNS = ("class", "met", "running", "not measurable", "in time")
ROWS = [("fast, owner 501", 0, 12, None, "none yet"), ("fast, owner 502", 3, 0, None, "75%")]


def told(monkeypatch: pytest.MonkeyPatch, width: int) -> list[str]:
    """The table on a terminal of this width."""
    screen = io.StringIO()
    monkeypatch.setattr(show, "out", Console(file=screen, force_terminal=True, width=width, color_system=None))
    show.table(COLUMNS, ROWS)
    return [line.rstrip() for line in screen.getvalue().splitlines()]


def test_where_the_words_of_the_columns_fit_it_is_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row is a line, or a few."""
    assert any("class" in line and "running" in line for line in told(monkeypatch, 80))


def test_where_they_would_break_every_row_is_told_in_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """No word is cut in its middle, and every number has its name beside it."""
    assert told(monkeypatch, 30) == [
        "fast, owner 501",
        "  met: 0",
        "  running: 12",
        "  in time: none yet",
        "fast, owner 502",
        "  met: 3",
        "  running: 0",
        "  in time: 75%",
    ]
