"""Long work says how far it is; short work says nothing."""

from __future__ import annotations

import pytest

from connector.cli import show
from connector.cli.bar import EVERY, out_of_the_way, plain_lines


class Clock:
    """Seconds, told by the test."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_without_a_terminal_there_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """Rate and time left stand in each line, and there is none before the first five seconds are over."""
    clock = Clock()
    tell = plain_lines(lambda _phase: 4_000, clock)
    for done in (0, 100, 200, 1_000, 1_100):
        tell("contact", done, None)
        clock.at += EVERY / 3
    assert capsys.readouterr().err == "reading people: 1,000 of 4,000, 200 a second, 15 s left\n"


def test_how_many_there_are_is_asked_only_when_somebody_waits(capsys: pytest.CaptureFixture[str]) -> None:
    """The count costs a call, so short work does not make it."""
    asked: list[str] = []
    tell = plain_lines(asked.append, Clock())
    for done in range(50):
        tell("contact", done, None)
    assert (asked, capsys.readouterr().err) == ([], "")


def test_what_is_said_of_many_people_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A note about three people is one line with their number and an example."""
    show.notes(["contact 1: no employer", "contact 2: no employer", "a list is missing", "contact 3: alone"])
    assert capsys.readouterr().out == (
        "  note 2 people, for example contact 1: no employer\n  note a list is missing\n  note contact 3: alone\n"
    )


def test_lesson_42_a_run_that_goes_on_counts_its_own_pace(capsys: pytest.CaptureFixture[str]) -> None:
    """What an earlier life read is done, but not by this one: the time left is told by what is read now."""
    clock = Clock()
    tell = plain_lines(lambda _phase: None, clock)
    for done in (90_000, 90_500, 91_000):
        tell("contact", done, 1_000_000)
        clock.at += EVERY / 2
    assert capsys.readouterr().err == "reading people: 91,000 of 1,000,000, 200 a second, 76 min left\n"


def test_no_bar_moves_while_somebody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be drawn over the question ten times a second."""
    said: list[str] = []

    class Bar:
        def start(self) -> None:
            said.append("goes on")

        def stop(self) -> None:
            said.append("stops")

    monkeypatch.setattr("connector.cli.bar._SHOWN", [Bar()])
    with out_of_the_way():
        said.append("asked")

    assert said == ["stops", "asked", "goes on"]
