"""Plan, review, apply: what is shown is what is written, or nothing is."""

from __future__ import annotations

import json

from tests.cli.desk import DOMAIN, FIRST, PEOPLE, Desk

KEYS = {
    "run",
    "connection",
    "status",
    "mode",
    "started_at",
    "finished_at",
    "as_of",
    "fingerprint",
    "counts",
    "tasks_created",
    "calls",
    "retries",
    "throttled",
    "complete_until",
    "drift",
    "seconds",
}
#: What DESIGN section 7 does not name: how complete the picture is, how many stand blank for a moment, and what a human
#: should read.
MORE = {
    *("incomplete", "reconciled_as_of", "associations_as_of", "archived_as_of", "completeness"),
    *("blank_for_a_moment", "parked", "alerts", "conflicts", "accepted_unchanged", "would_hand_over_a_day"),
    *("unseen", "set_aside", "code", "warnings", "message", "error", "problems"),
}
COUNTS = {
    "looked_at",
    "read",
    "adopted",
    "decided",
    "changed",
    "written",
    "unchanged",
    "held",
    "parked",
    "rejected",
    "gone",
    "unknown",
}


def test_a_plan_shows_causes_and_reasons_and_writes_nothing(desk: Desk) -> None:
    """Before and after of each field with the reason; the account is as it was."""
    told = desk("plan")
    assert told.code == 0
    assert "6 of 6 people looked at would change. Nothing was written." in told.out
    assert "lifecyclestage: lead → marketingqualifiedlead" in told.out
    assert "demo request: fast track" in told.out
    assert "+ task for owner 501" in told.out
    assert (desk.writes, desk.tasks()) == (0, 0)


def test_a_plan_shows_as_many_people_as_asked(desk: Desk) -> None:
    """`--show 1` shows the most urgent one and says how to see the others."""
    told = desk("plan", "--show", "1")
    assert [line for line in told.out.splitlines() if line.startswith("contact ")] == [
        "contact 2  grade A2, fit 85, engagement 40"
    ]
    assert "and 5 more people" in told.out


def test_the_exit_code_says_that_there_are_changes_when_asked(desk: Desk) -> None:
    """`plan --exit-code` ends with 2 before and with 0 after the run; without the option always with 0."""
    assert desk("plan", "--exit-code").code == 2
    assert desk("sync", "--yes").code == 0
    assert desk("plan", "--exit-code").code == 0


def test_the_object_of_a_plan_has_the_agreed_keys(desk: Desk) -> None:
    """DESIGN section 7's keys, the changes, and no name of anybody unless --show-values asks for texts."""
    told = desk("plan", "--output", "json")
    assert set(told.json) == KEYS | MORE | {"calls_to_write", "changes", "file"}
    assert set(told.json["counts"]) == COUNTS
    assert {one["id"] for one in told.json["changes"]} == set(PEOPLE)
    assert FIRST not in told.out
    assert FIRST in desk("plan", "--output", "json", "--show-values").out


def test_apply_writes_exactly_the_plan(desk: Desk) -> None:
    """What a plan file says is what stands in the account afterwards, for those people and no others."""
    assert desk("plan", "--ids", "2,3", "-o", "plan.json").code == 0
    plan = json.loads((desk.folder / "plan.json").read_text())
    told = desk("apply", "plan.json", "--yes", "--output", "json")
    assert (told.code, set(told.json), told.json["counts"]["written"]) == (0, KEYS | MORE, 2)
    assert (desk.writes - desk.tasks(), desk.tasks()) == (2, 1)
    for id, change in plan["changes"].items():
        stands = {name: value.replace(".000Z", "Z") for name, value in desk.contact(id).items()}
        planned = {name: after for _field, name, _before, after in change["sets"]}
        assert {name: stands[name] for name in planned} == planned
    assert "cx_fit_score" not in desk.contact("1")


def test_apply_refuses_a_plan_the_world_has_moved_away_from(desk: Desk) -> None:
    """A record that changed since the review: exit 5, and not even the others are written."""
    desk("plan", "-o", "plan.json")
    desk.world.edit("contacts", "2", {"lifecyclestage": "opportunity"})
    told = desk("apply", "plan.json", "--yes")
    assert (told.code, desk.writes, desk.tasks()) == (5, 0, 0)
    assert "no longer as they were reviewed" in told.err
    assert "connector plan -o FILE" in told.err


def test_apply_refuses_a_plan_made_for_something_else(desk: Desk) -> None:
    """Another account or another agreement: exit 5 before anything is written, naming what differs."""
    desk("plan", "-o", "plan.json")
    plan = json.loads((desk.folder / "plan.json").read_text())
    for key, said in (("account", "another account"), ("fingerprint", "another agreement")):
        (desk.folder / "other.json").write_text(json.dumps({**plan, key: "999"}))
        told = desk("apply", "other.json", "--yes")
        assert (told.code, desk.writes) == (5, 0)
        assert said in told.err


def test_apply_wants_a_yes(desk: Desk) -> None:
    """Without a terminal and without --yes nothing is written, and the question is told."""
    desk("plan", "-o", "plan.json")
    told = desk("apply", "plan.json")
    assert (told.code, desk.writes) == (64, 0)
    assert "Write to 6 people of account 4242?" in told.err


def test_apply_needs_a_plan_or_a_run_and_not_both(desk: Desk) -> None:
    """Neither, both, or a run that parked nothing is bad usage."""
    assert desk("apply").code == 64
    assert desk("apply", "plan.json", "--run", "1").code == 64
    told = desk("apply", "--run", "7", "--yes")
    assert (told.code, "Run 7 is not known" in told.err) == (64, True)


def test_what_the_guard_parked_is_written_after_a_review(desk: Desk) -> None:
    """A budget of nothing parks the hand-off, the others go on; parked again is no new alarm; --run releases."""
    desk.configure(guard="{ changes_per_run = 0 }")
    parked = desk("sync", "--yes", "--output", "json")
    assert (parked.code, parked.json["status"]) == (3, "partial")
    assert (parked.json["counts"]["parked"], parked.json["counts"]["written"], desk.tasks()) == (1, 5, 0)
    again = desk("sync")
    assert (again.code, desk.tasks()) == (3, 0)
    assert "connector apply --run 1 --yes" in again.out
    released = desk("apply", "--run", "2", "--yes", "--output", "json")
    assert (released.code, released.json["counts"]["written"], desk.tasks()) == (0, 1, 1)
    assert desk.contact("2")["lifecyclestage"] == "marketingqualifiedlead"
    assert desk("sync", "--output", "json").json["counts"]["written"] == 0


def test_an_observing_connection_applies_nothing(desk: Desk) -> None:
    """`apply` in mode observe says what to set instead of pretending."""
    desk("plan", "-o", "plan.json")
    desk.configure(mode='"observe"', go_live=None)
    told = desk("apply", "plan.json", "--yes")
    assert (told.code, desk.writes) == (64, 0)
    assert 'mode = "live"' in told.err


def test_lesson_54_a_changed_weight_plans_only_whom_it_can_move_and_says_what_it_costs(synced: Desk) -> None:
    """One weight less: of six people only the one who looked at the prices is planned; the calls are told first."""
    synced.mapping(("scoring.toml", "pricing_page = { points = 15", "pricing_page = { points = 5"))
    told = synced("plan", "--output", "json").json
    assert told["counts"]["looked_at"] == 6
    scored = {one["id"] for one in told["changes"] if any(s["property"] == "cx_engagement_score" for s in one["sets"])}
    assert scored == {"1"}
    assert {one["id"] for one in told["changes"]} == {"1"}
    assert told["calls"].get("list", 0) == 0  # nobody is read again for it
    assert told["calls_to_write"] == 2
    assert "To write it takes about 2 calls." in synced("plan").out
    applied = synced("sync", "--output", "json").json
    assert (applied["counts"]["written"], applied["calls"]["write"]) == (1, 1)


def test_lesson_19_a_first_run_asks_and_one_above_the_cap_writes_nothing(desk: Desk) -> None:
    """Without a yes nothing at all; then everything that is too much waits, and the exit code is not zero."""
    first = desk("sync")
    assert (first.code, desk.writes, "First run against account 4242" in first.err) == (64, 0, True)
    people = desk.world.count("contacts")
    assert desk("sync", "--yes").code == 0
    assert desk.world.count("contacts") == people  # nobody is ever created
    desk.configure(guard="{ changes_per_run = 1 }")
    for id in ("3", "4"):
        desk.world.submit_form("demo-request", {"email": f"p{id}@{DOMAIN}"})
    writes = desk.writes
    capped = desk("sync", "--output", "json")
    assert (capped.code, capped.json["status"], desk.writes) == (5, "refused", writes)
    assert capped.json["counts"]["parked"] == 2
