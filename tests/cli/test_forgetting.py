"""`connector forget ID` as somebody types it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import pytest

from connector.ledger import open_ledger
from connector.ledger.database import Database
from tests.cli.desk import DOMAIN, Desk


def test_a_person_is_erased_after_a_yes(synced: Desk) -> None:
    """Asked first; then told what went, what stays, and which plan names them; nothing is asked of the CRM."""
    assert synced("plan", "-o", str(synced.folder / "old.json"), "--ids", "2,3").code == 0
    asked = synced("forget", "2")
    assert (asked.code, "Erase contact 2 from the state of connection acme, for good?" in asked.err) == (64, True)

    synced.sandbox.stop()
    told = synced("forget", "2", "--yes")
    assert told.code == 0, told.err
    assert "Erased:" in told.out
    assert "never read, scored or written again" in told.out
    assert "The CRM still has the person" in told.out
    assert "old.json" not in told.out  # nothing was to be written: the plan names nobody
    assert synced("explain", "2").code == 64
    assert synced("runs", "--output", "json").json["runs"][0]["verb"] == "forget"


def test_traces_that_another_program_keeps_in_the_file_are_told(synced: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Erased all the same, and what is still to be done stands there and in the object."""
    monkeypatch.setattr(Database.scrub, "__kwdefaults__", {"patience": 0.0})
    beside = sqlite3.connect(synced.ledger, isolation_level=None)
    beside.execute("BEGIN")
    beside.execute("SELECT count(*) FROM records").fetchone()
    told = synced("forget", "2", "--yes")
    again = synced("forget", "2", "--yes", "--output", "json").json
    beside.close()

    assert "another program has the state open" in " ".join(told.out.split())
    assert "written anew." not in told.out
    assert (again["written_anew"], again["known"]) == (False, False)
    assert synced("forget", "2", "--yes", "--output", "json").json["written_anew"]


def test_a_plan_that_names_the_person_is_named(desk: Desk) -> None:
    """Files are nobody's but theirs who made them."""
    file = desk.folder / "review.json"
    assert desk("plan", "-o", str(file)).code == 0
    told = desk("forget", "2", "--yes", "--output", "json").json
    assert (told["plan_files"], told["known"], told["status"]) == ([str(file)], True, "done")
    assert told["erased"]["records"] == 1


def test_whoever_is_forgotten_is_left_alone_until_it_is_lifted(synced: Desk) -> None:
    """A sync reads them no more; the id and the address can be taken off the list."""
    assert synced("forget", "2", "--yes").code == 0
    synced.world.edit("contacts", "2", {"jobtitle": "CEO"})
    assert synced("sync", "--output", "json").json["counts"]["looked_at"] == 0
    again = synced("forget", "2", "--yes", "--output", "json").json
    assert (again["known"], again["erased"]) == (False, {})

    assert synced("forget", "2", "--lift", "--output", "json").json["lifted"] == 1
    lifted = synced("forget", f"p2@{DOMAIN}", "--lift")
    assert (lifted.code, "It may be read again" in lifted.out) == (0, True)
    assert "was not on the list" in synced("forget", "2", "--lift").out
    assert synced("backfill", "--output", "json").json["counts"]["looked_at"] == 6


def test_nothing_is_erased_while_a_run_is_under_way(synced: Desk) -> None:
    """It would write back what it has in hand: exit code 6, and everything as it was."""
    held = open_ledger(f"sqlite:///{synced.ledger}", "acme")
    held.runs.take_lease("elsewhere:1:a", datetime.now(UTC))
    told = synced("forget", "2", "--yes")
    assert told.code == 6
    assert held.people.remember(["2"])
    held.database.close()


def test_an_address_is_no_id(synced: Desk) -> None:
    """And nobody is forgotten by a blank."""
    assert "not the address" in synced("forget", f"p2@{DOMAIN}", "--yes").err
    assert synced("forget", " ", "--yes").code == 64
