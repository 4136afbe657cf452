"""Sync and backfill as somebody types them: confirmation, exit codes, slices, what is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.ledger import open_ledger
from tests.cli.desk import PEOPLE, Desk, someone
from tests.cli.test_plan_and_apply import KEYS, MORE


def test_the_first_run_needs_a_yes(desk: Desk) -> None:
    """Nobody at the terminal: the first run names account and mode, writes nothing and ends with 64."""
    told = desk("sync")
    assert (told.code, told.out, desk.writes) == (64, "", 0)
    assert 'First run against account 4242 in mode "live"' in told.err
    assert "--yes" in told.err


def test_a_second_run_asks_nothing_and_writes_nothing(desk: Desk) -> None:
    """After `sync --yes` everybody is written; the next `sync` needs no yes and writes nobody."""
    first = desk("sync", "--yes", "--output", "json")
    assert (first.code, set(first.json), first.json["counts"]["written"]) == (0, KEYS | MORE, 6)
    assert desk.contact("2")["cx_stage"] == "sal"
    before = desk.writes
    told = desk("sync")
    assert (told.code, desk.writes, desk.tasks()) == (0, before, 1)
    assert "nobody to look at" in told.out
    assert "0 of them to write" in told.out


def test_only_who_changed_is_looked_at(synced: Desk) -> None:
    """A new title on one person: that person is decided again, nobody else."""
    synced.world.edit("contacts", "3", {"jobtitle": "Student"})
    told = synced("sync", "--output", "json")
    assert (told.code, told.json["counts"]["looked_at"], told.json["counts"]["written"]) == (0, 1, 1)
    assert synced.contact("3")["cx_fit_score"] != synced.contact("4")["cx_fit_score"]


def test_observing_never_asks_and_never_writes(desk: Desk) -> None:
    """In mode observe a first `sync` runs without a yes, says what would change, and leaves the account alone."""
    desk.configure(mode='"observe"', go_live=None)
    told = desk("sync")
    assert (told.code, desk.writes, desk.tasks()) == (0, 0, 0)
    assert "mode observe" in told.out
    assert "would change, nothing was written" in told.out


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-31T12:00:00Z", "2026-03-31T12:00:00Z"),
        ("2026-03-31T14:00:00+02:00", "2026-03-31T12:00:00Z"),
        ("2026-03-31 12:00", "2026-03-31T12:00:00Z"),
        ("2026-03-31", "2026-03-31T00:00:00Z"),
    ],
)
def test_as_of_is_an_instant(desk: Desk, text: str, instant: str) -> None:
    """With a zone, without one (then it is UTC), or a day's beginning."""
    assert desk("plan", "--as-of", text, "--output", "json").json["as_of"] == instant


def test_as_of_that_is_no_instant_is_told_before_anything_is_opened(desk: Desk) -> None:
    """Each verb that takes --as-of says so with 64, without a single call."""
    for words in (("sync", "--yes"), ("plan",), ("backfill", "--yes"), ("explain", "1")):
        told = desk(*words, "--as-of", "yesterday")
        assert (told.code, told.out) == (64, "")
        assert "--as-of yesterday is no instant" in told.err
    assert sum(desk.sandbox.hubspot.calls.values()) == 0


def test_a_dry_run_writes_nothing_and_needs_no_yes(desk: Desk) -> None:
    """`backfill --dry-run` shows what would change."""
    told = desk("backfill", "--dry-run", "--show", "0")
    assert (told.code, desk.writes, desk.tasks()) == (0, 0, 0)
    assert "6 of 6 people looked at would change. Nothing was written." in told.out


def test_a_backfill_creates_tasks_only_when_told_to(desk: Desk) -> None:
    """Without --tasks a hand-off is written without its task; with it, exactly one is made."""
    without = desk("backfill", "--yes", "--ids", "2", "--output", "json")
    assert (without.code, without.json["tasks_created"], desk.tasks()) == (0, 0, 0)


def test_a_backfill_with_tasks_makes_exactly_one(desk: Desk) -> None:
    """With --tasks the one hand-off gets its task, and a second backfill adds none."""
    assert desk("backfill", "--yes", "--tasks", "--output", "json").json["tasks_created"] == 1
    assert desk("backfill", "--tasks", "--output", "json").json["counts"]["written"] == 0
    assert desk.tasks() == 1


def test_a_backfill_of_some_ids_touches_nobody_else(desk: Desk) -> None:
    """`--ids 3,4` writes two people, and naming nobody is bad usage."""
    told = desk("backfill", "--yes", "--ids", " 3, 4,3 ", "--output", "json")
    assert (told.code, told.json["counts"]["looked_at"], desk.writes) == (0, 2, 2)
    assert desk("backfill", "--yes", "--ids", ",").code == 64


def test_a_backfill_of_one_stage_touches_nobody_else(desk: Desk) -> None:
    """`--stage subscriber` writes subscribers; an unknown stage is named beside those there are."""
    someone(desk.world, "7", lifecyclestage="subscriber")
    told = desk("backfill", "--yes", "--stage", "subscriber", "--output", "json")
    assert (told.code, told.json["counts"]["looked_at"], desk.writes) == (0, 1, 1)
    unknown = desk("backfill", "--yes", "--stage", "suspect")
    assert (unknown.code, "it has: subscriber, lead" in unknown.err) == (64, True)


def test_a_backfill_of_a_time_touches_those_created_in_it(desk: Desk) -> None:
    """Since is inclusive, until is not: of six people born a day apart, two lie in between."""
    now = datetime.now(UTC)
    since, until = (f"{now - timedelta(days=days, hours=12):%Y-%m-%dT%H:%M}" for days in (103, 101))
    told = desk("backfill", "--yes", "--since", since, "--until", until, "--output", "json")
    assert (told.code, told.json["counts"]["looked_at"], desk.writes) == (0, 2, 2)
    assert {id for id in PEOPLE if "cx_fit_score" in desk.contact(id)} == {"2", "3"}


def test_lesson_37_a_canary_goes_first_and_the_rest_follows(desk: Desk) -> None:
    """`--canary 2` writes two and ends with 3; the next run writes the other four."""
    told = desk("backfill", "--yes", "--canary", "2")
    assert (told.code, desk.writes) == (3, 2)
    assert "--canary 2: the rest waits" in told.out
    assert desk("sync", "--output", "json").json["counts"]["written"] == 4


def test_a_busy_connection_is_left_alone(synced: Desk) -> None:
    """While another run holds the lease, `sync` ends with 6 and says who; nothing is read into the ledger."""
    ledger = open_ledger(f"sqlite:///{synced.ledger}", "acme")
    ledger.runs.take_lease("the-other-machine:17", datetime.now(UTC))
    told = synced("sync")
    ledger.database.close()
    assert (told.code, told.out) == (6, "")
    assert "the-other-machine:17" in told.err
    assert "being worked on by" in synced("status").out


def test_a_spent_day_defers_and_the_next_run_goes_on(desk: Desk) -> None:
    """The quota ends in the middle: 75, still an object on stdout; with a new day the run is finished."""
    desk.configure(budget="{ share = 1.0, daily_floor = 0 }")
    desk.sandbox.switch(daily=30)
    told = desk("sync", "--yes", "--output", "json")
    assert (told.code, told.json["status"]) == (75, "deferred")
    desk.sandbox.switch(daily=250_000)
    assert desk("sync").code == 0
    assert all(desk.contact(id)["cx_fit_score"] == "85" for id in PEOPLE)


def test_a_day_spent_before_the_first_call_defers_too(desk: Desk) -> None:
    """Nothing left at all: 75, and the message says when the work goes on."""
    desk.sandbox.hubspot.limits.spend_daily(250_000)
    told = desk("sync", "--yes", "--output", "json")
    assert (told.code, told.json["status"], desk.writes) == (75, "deferred", 0)
    assert "midnight" in told.err
