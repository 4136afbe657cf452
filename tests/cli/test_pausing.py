"""Pause and resume as somebody types them, and how status tells what the daemon left word of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.ledger import Ledger, open_ledger
from tests.cli.desk import Desk


def ledger(desk: Desk) -> Ledger:
    """The state behind the desk."""
    return open_ledger(f"sqlite:///{desk.ledger}", "acme")


def test_a_pause_holds_until_somebody_resumes(desk: Desk) -> None:
    """Each says what is true now; status and programs know it too."""
    told = desk("pause", "acme", "--reason", "import under way")
    assert (told.code, told.err) == (0, "")
    assert "acme: paused until somebody resumes it (import under way)" in told.out
    assert "connector resume acme" in told.out
    paused = desk("status", "--output", "json").json["paused"]
    assert (paused["until"], paused["reason"]) == (None, "import under way")
    assert "paused until somebody resumes it (import under way)" in desk("status").out

    assert "acme writes again" in desk("resume", "acme").out
    assert desk("status", "--output", "json").json["paused"] is None
    assert "nothing had to change" in desk("resume", "acme").out


def test_a_pause_ends_by_itself(desk: Desk) -> None:
    """A duration from now, or an instant; a new pause replaces the old one."""
    until = desk("pause", "acme", "--until", "2h", "--output", "json").json["paused"]["until"]
    length = datetime.fromisoformat(until) - datetime.now(UTC)
    assert timedelta(minutes=119) < length <= timedelta(hours=2)

    assert "paused until 2999-03-31 12:00 UTC" in desk("pause", "acme", "--until", "2999-03-31T14:00:00+02:00").out

    with_end = ledger(desk)
    now = datetime.now(UTC)
    with_end.runs.pause(now - timedelta(hours=2), now - timedelta(hours=1), "")
    with_end.database.close()
    assert desk("status", "--output", "json").json["paused"] is None


def test_a_pause_needs_no_lease(desk: Desk) -> None:
    """While a run is under way it is taken at once, and says when it counts."""
    held = ledger(desk)
    held.runs.take_lease("elsewhere:1:a", datetime.now(UTC))
    held.database.close()

    told = desk("pause", "acme", "--until", "1h")

    assert (told.code, "ends with the batch" in told.out) == (0, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pause", "acne"), "no connection acne; it has: acme"),
        (("resume", "acne"), "no connection acne; it has: acme"),
        (("pause", "acme", "--until", "2020-01-01T00:00:00Z"), "is no time to come"),
        (("pause", "acme", "--until", "0s"), "is no time to come"),
        (("pause", "acme", "--until", "tomorrow"), "neither an instant nor a duration"),
        (("pause", "acme", "--until", "999999w"), "too far away"),
        (("pause",), "Missing argument"),
    ],
)
def test_what_cannot_be_is_told_and_changes_nothing(desk: Desk, words: tuple[str, ...], said: str) -> None:
    """Usage: 64, a sentence, and the connection as it was."""
    told = desk(*words)

    assert told.code == 64
    assert said in told.err
    assert desk("status", "--output", "json").json["paused"] is None


def noted(desk: Desk, **more: Any) -> None:
    """The daemon left word."""
    blank = dict.fromkeys(
        ("cron", "stopped_at", "missed_at", "last_error", "last_error_at", "waiting_for", "refused_at"), None
    )
    word = {"daemon": "host:7", "every": "5m", "missed": 0, "refused": [], **blank, **more}
    word = {name: f"{one:%Y-%m-%dT%H:%M:%SZ}" if isinstance(one, datetime) else one for name, one in word.items()}
    state = ledger(desk)
    state.runs.note_schedule(word)
    state.database.close()


def test_status_tells_when_the_next_run_is_due(synced: Desk) -> None:
    """Without a daemon it says so; with one, when and how often."""
    assert "no daemon has served this connection" in synced("status").out
    assert synced("status", "--output", "json").json["schedule"] is None

    at = datetime.now(UTC) + timedelta(minutes=4)
    noted(synced, next_run_at=at, late_after=at + timedelta(minutes=5))

    assert f"{at:%H:%M:%S} UTC (every 5m; host:7)" in synced("status").out
    assert synced("status", "--output", "json").json["schedule"]["overdue"] is False


def test_lesson_50_status_never_believes_that_the_daemon_lives(synced: Desk) -> None:
    """A planned run that is more than an interval late is a question; an orderly stop is told as one."""
    at = datetime.now(UTC) - timedelta(minutes=40)
    noted(synced, next_run_at=at, late_after=at + timedelta(minutes=5))
    assert f"a run was due at {at:%Y-%m-%d %H:%M} UTC, 40 minutes ago: is the daemon running?" in synced("status").out
    assert synced("status", "--output", "json").json["schedule"]["overdue"] is True

    noted(synced, next_run_at=at, late_after=at + timedelta(minutes=5), stopped_at=at)
    assert f"it stopped at {at:%Y-%m-%d %H:%M} UTC" in synced("status").out


def test_status_tells_what_went_wrong(desk: Desk) -> None:
    """What it waits for, what was left out, how it failed, which configuration was refused."""
    now = datetime.now(UTC)
    noted(
        desk,
        next_run_at=now,
        late_after=now + timedelta(minutes=5),
        waiting_for="a person to agree to the first run",
        missed=3,
        missed_at=now,
        last_error="The token was refused.",
        last_error_at=now,
        refused=["config.toml:3: is wrong."],
        refused_at=now,
    )
    told = desk("status").out

    for text in ("for a person to agree", "3 planned runs were left out", "The token was refused.", "config.toml:3"):
        assert text in told
