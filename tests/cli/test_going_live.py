"""Going live from the command line: go_live, scopes, clean-ups, alerts; every mistake told, nothing done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.desk import Desk, someone


def in_days(days: float) -> str:
    """An instant as TOML has it; 0 is after everything that happened so far."""
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def test_go_live_in_the_future_is_no_way_to_write(desk: Desk) -> None:
    """Named with its value and the way on; observing may look ahead to the day."""
    coming = in_days(9)
    desk.configure(go_live=coming)

    refused = desk("sync", "--yes")

    assert (refused.code, desk.writes) == (4, 0)
    assert "connections.acme.go_live: is" in refused.err
    assert "still to come" in refused.err
    assert 'Keep mode = "observe" until that day' in refused.err
    desk.configure(go_live=coming, mode='"observe"')
    assert desk("sync").code == 0


@pytest.mark.parametrize("verb", [("check",), ("sync", "--yes"), ("plan",)])
def test_go_live_before_the_account_existed_would_make_everybody_new(desk: Desk, verb: tuple[str, ...]) -> None:
    """The oldest contact is the account's witness."""
    desk.configure(go_live="2001-01-01T00:00:00Z")

    told = desk(*verb)

    assert (told.code, desk.writes) == (4, 0)
    assert "before the oldest contact of the account" in told.out + told.err
    assert 'write "always"' in told.out + told.err


def test_a_scope_that_matches_nobody_is_refused_every_time(desk: Desk) -> None:
    """Once is not enough: until the file is mended, no run is called done."""
    desk.configure(scope='{ country = ["Atlantis"] }')

    for _ in range(2):
        told = desk("sync", "--yes")

        assert (told.code, desk.writes) == (4, 0)
        assert "connections.acme.scope: matches nobody: all 6 people" in told.err
    desk.configure(scope='{ country = ["Poland"] }')
    assert desk("sync").code == 0
    assert desk.writes > 0


def test_a_scope_may_name_a_team_or_a_list_of_the_crm(desk: Desk) -> None:
    """Owners of a team, members of a segment; who leaves the list is no longer written."""
    desk.world.join_list("Pilot", "3")
    desk.configure(scope='{ list = ["Pilot"] }')
    assert desk("sync", "--yes").code == 0
    assert [id for id in ("1", "2", "3") if "cx_fit_score" in desk.contact(id)] == ["3"]

    desk.world.join_list("Pilot", "2")
    desk("sync")
    team = next(team for owner in desk.world.owners if owner.id == "501" for team in owner.teams)
    desk.configure(scope=f'{{ team = ["{team.name}"] }}')
    desk("sync")

    assert all("cx_fit_score" in desk.contact(id) for id in ("1", "2", "3"))


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ('{ team = ["Nobody knows"] }', "no owner is in a team Nobody knows"),
        ('{ list = ["Nobody knows"] }', "the list Nobody knows is not there"),
    ],
)
def test_an_unknown_team_or_list_is_told(desk: Desk, scope: str, said: str) -> None:
    """Before anything is read."""
    desk.configure(scope=scope)

    told = desk("sync", "--yes")

    assert (told.code, desk.writes) == (4, 0)
    assert said in told.err


def test_a_queue_that_is_no_owner_is_told(desk: Desk) -> None:
    """The people without an owner would have nobody."""
    desk.configure(tasks='{ no_owner = "sdr-queue" }')

    told = desk("sync", "--yes")

    assert (told.code, desk.writes) == (4, 0)
    assert "tasks.no_owner: sdr-queue is no active owner" in told.err


def test_a_freeze_that_ends_before_it_begins_is_told_with_its_line(desk: Desk) -> None:
    """By the file alone, without a call."""
    desk.configure(freezes='[{ begins = 2026-12-24, ends = 2026-12-20, reason = "holidays" }]')

    told = desk("sync", "--yes")

    assert (told.code, desk.writes) == (4, 0)
    assert "freezes: number 1 ends (2026-12-20) before it begins (2026-12-24)" in told.err
    assert "config.toml:" in told.err


def _stale_mqls(desk: Desk) -> None:
    """Three MQLs of two years ago, and one who is still keen; then we go live."""
    for number in range(20, 23):
        someone(desk.world, str(number), lifecyclestage="marketingqualifiedlead")
    someone(desk.world, "30", lifecyclestage="marketingqualifiedlead")
    for name in ("Visited pricing", "Attended webinar", "Read case study", "Read comparison guide"):
        desk.world.join_list(name, "30")
    desk.configure(go_live=in_days(0))


def test_a_clean_up_is_a_plan_of_its_own_written_at_n_a_day(desk: Desk) -> None:
    """Adopted MQLs never fall by themselves; reviewed, they go to nurture, two a day, and the keen one stays."""
    _stale_mqls(desk)
    assert desk("sync", "--yes").code == 0
    assert "cx_stage" not in desk.contact("20")
    file = desk.folder / "clean.json"

    planned = desk("plan", "--clean-up", "mql", "-o", str(file), "--output", "json")
    first = desk("apply", str(file), "--per-day", "2", "--yes", "--output", "json")
    again = desk("apply", str(file), "--per-day", "2", "--yes", "--output", "json")

    assert sorted(one["id"] for one in planned.json["changes"]) == ["20", "21", "22"]
    assert {one["cause"] for one in planned.json["changes"]} == {"clean_up.mql"}
    assert (first.json["counts"]["written"], again.json["counts"]["written"]) == (2, 0)
    assert [desk.contact(id).get("cx_stage") for id in ("20", "21", "22", "30")].count("nurture") == 2
    assert desk.contact("20")["lifecyclestage"] == "marketingqualifiedlead"
    desk("apply", str(file), "--per-day", "9", "--yes")
    assert [desk.contact(id).get("cx_stage") for id in ("20", "21", "22", "30")] == ["nurture"] * 3 + [None]
    assert desk.tasks() == 0


def test_only_a_stage_that_is_left_by_score_can_be_cleaned_up(desk: Desk) -> None:
    """The message names those that are."""
    told = desk("plan", "--clean-up", "customer")

    assert told.code == 64
    assert "only stages with leave_when can be cleaned up; here: mql" in told.err


def test_per_day_is_for_clean_ups(desk: Desk) -> None:
    """Any other plan is written as a whole, or not at all."""
    file = desk.folder / "plan.json"
    desk("plan", "-o", str(file))

    told = desk("apply", str(file), "--per-day", "2", "--yes")

    assert (told.code, desk.writes) == (64, 0)
    assert "--per-day is for a plan that cleans up" in told.err


def test_a_dry_run_says_what_the_first_day_would_bring(desk: Desk) -> None:
    """Adopted, no stage, no status, no task; and how many a day it would hand over."""
    desk.configure(go_live=in_days(0))

    told = desk("backfill", "--dry-run")
    read = desk("backfill", "--dry-run", "--output", "json")

    assert "6 adopted as they stand; 0 stages, 0 statuses, 0 tasks" in told.out
    assert "by the facts of the last 30 days it would hand over 1 in 30 days" in told.out
    assert read.json["would_hand_over_a_day"] == 0.03
    assert desk.writes == 0


def test_status_tells_alerts_and_who_waits(desk: Desk) -> None:
    """One alert with the way to release it, and the queue one by one with its clock."""
    desk.configure(guard="{ changes_per_run = 0 }")
    desk("sync", "--yes")

    text, read = desk("status"), desk("status", "--waiting", "--output", "json")

    assert "1 person waits for a review" in text.out
    assert "connector apply --run 1 --yes" in text.out
    assert [one["people"] for one in read.json["alerts"]] == [1]
    assert [(one["contact"], one["owner"]) for one in read.json["queue"]] == [("2", "501")]
