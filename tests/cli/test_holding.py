"""The verb holds: what is held and until when, and letting go of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.ledger import open_ledger
from connector.ledger.holds import Hold, Reversal
from connector.model import CONFLICT
from connector.sandbox.records import Source
from tests.cli.desk import Desk

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
STAGE = "lifecyclestage"


@pytest.fixture
def held(desk: Desk) -> Desk:
    """A rep's score on one person, and a quarrel with a workflow over two; nobody has made a call."""
    ledger = open_ledger(f"sqlite:///{desk.ledger}", "acme")
    flow = {"code": CONFLICT, "by": "automation", "source": "AUTOMATION_PLATFORM 12345", "name": "Reset status"}
    edit = Hold("3", "cx_fit_score", "11", "85", SINCE, SINCE + timedelta(days=30), by="person", source="CRM_UI 7")
    quarrel = [Hold(id, STAGE, "lead", "marketingqualifiedlead", SINCE, None, **flow) for id in ("1", "2")]  # type: ignore[arg-type]  # texts all
    ledger.holds.put([edit, *quarrel], 1)
    ledger.reversals.note(
        [Reversal(id, STAGE, 2, True, "automation", flow["source"], last_at=SINCE) for id in ("1", "2")], 1
    )
    ledger.database.close()
    return desk


def test_holds_say_who_until_when_and_what_then(held: Desk) -> None:
    """By number and without values; each says what happens at its end."""
    told = held("holds", "list").out
    rows = held("holds", "--output", "json").json["holds"]

    assert "user 7" in told
    assert "the agreement's value is written again" in told
    assert 'automation 12345 "Reset status"' in told
    assert [(one["id"], one["property"], one["kind"]) for one in rows] == [
        ("1", STAGE, "conflict"),
        ("2", STAGE, "conflict"),
        ("3", "cx_fit_score", "edit"),
    ]
    assert rows[2]["until"] == "2026-03-31T00:00:00Z"
    assert "theirs" not in rows[0]


def test_g14_values_are_shown_to_who_asks_for_them(held: Desk) -> None:
    """Ids only, unless --show-values."""
    plain, shown = held("holds", "list").out, held("holds", "list", "--show-values").out
    row = held("holds", "list", "--show-values", "--person", "3", "--output", "json").json["holds"][0]

    assert "marketingqualifiedlead" not in plain
    assert "marketingqualifiedlead" in shown
    assert (row["theirs"], row["ours"]) == ("11", "85")


def test_holds_are_let_go_one_by_one_or_by_property(held: Desk) -> None:
    """What is let go is no longer there, and counting of reversals begins anew."""
    for words, left in (
        (("3", "cx_fit_score"), ["1", "2"]),
        (("1", "--property", STAGE), ["2"]),
        (("--all", "--property", STAGE), []),
    ):
        assert "the next run writes what was agreed" in held("holds", "release", *words).out
        assert [one["id"] for one in held("holds", "list", "--output", "json").json["holds"]] == left
    ledger = open_ledger(f"sqlite:///{held.ledger}", "acme")
    assert ledger.reversals.every() == []
    ledger.database.close()


def test_letting_go_of_nothing_is_a_mistake(held: Desk) -> None:
    """64, and nothing is changed."""
    for words in (
        (),
        ("--all",),
        ("3", "--all"),
        ("9",),
        ("3", STAGE),
        ("--all", "--property", "x"),
        ("3", "a", "--property", "b"),
    ):
        assert held("holds", "release", *words).code == 64, words
    assert len(held("holds", "list", "--output", "json").json["holds"]) == 3


def test_somebody_elses_value_is_held_explained_and_released(synced: Desk) -> None:
    """A score that a person overwrites stays; `explain` says whose it is and what happens; released, ours is back."""
    synced.world.edit("contacts", "3", {"cx_fit_score": "11"})
    assert synced("sync", "--output", "json").json["counts"]["held"] == 1
    assert synced.contact("3")["cx_fit_score"] == "11"
    told = synced("explain", "3").out
    assert "cx_fit_score: set by user 7001 on" in told
    assert "the agreement's value is written again" in told
    assert synced("explain", "3", "--output", "json").json["holds"][0]["set_by"] == "user 7001"

    assert "let go" in synced("holds", "release", "3").out
    assert synced("sync").code == 0
    assert synced.contact("3")["cx_fit_score"] == "85"
    assert "Nothing is held" in synced("holds").out


def test_a_quarrel_is_told_once_and_stands_in_status_and_report(synced: Desk) -> None:
    """The second time a workflow sets the stage back the run says so, then `status` and `report conflicts` do."""
    said = ""
    for _ in range(3):
        synced.world.write("contacts", "2", {STAGE: "lead"}, Source("AUTOMATION_PLATFORM", "12345"))
        said += synced("sync").out

    assert said.count("set our value back 2 times") == 1
    assert "automation 12345 set our value back 2 times" in synced("status").out
    assert "people wait for a review" not in synced("status").out
    report = synced("report", "conflicts").out
    assert "automation 12345" in report
    assert "Our values set back by other systems" in report


def test_letting_go_waits_for_a_run_under_way(held: Desk) -> None:
    """A run that has somebody in hand would hold the value anew; so nothing is let go of before it has ended."""
    ledger = open_ledger(f"sqlite:///{held.ledger}", "acme")
    fence = ledger.runs.take_lease("elsewhere:1:ab", datetime.now(UTC))

    refused = held("holds", "release", "3")
    assert (refused.code, "being worked on by elsewhere:1:ab" in refused.err) == (6, True)
    assert len(held("holds", "list", "--output", "json").json["holds"]) == 3

    ledger.runs.drop_lease(fence)
    assert held("holds", "release", "3").code == 0
    ledger.database.close()
