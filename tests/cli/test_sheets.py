"""`connector report scorecard | sla | funnel | blocked | conflicts`: from the ledger alone, in every form."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.config import shipped_mappings
from connector.sandbox.schema import Team
from tests.cli.desk import PERSONAL, Desk

KINDS = ("scorecard", "sla", "funnel", "blocked", "conflicts")


@pytest.mark.parametrize("kind", KINDS)
def test_no_report_makes_a_call_or_changes_anything(synced: Desk, kind: str) -> None:
    """The token could do nothing: the ledger alone is asked, and the account stays as it was."""
    synced.sandbox.hubspot.scopes = frozenset()
    writes = synced.writes
    told = synced("report", kind)
    assert (told.code, told.err, synced.writes) == (0, "", writes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["text", "json", "html", "csv"])
def test_no_personal_value_is_in_a_sheet(synced: Desk, kind: str, form: str) -> None:
    """Names, company, domain, phone: none of it, in no form (G14)."""
    told = synced("report", kind, "--output", form, "--file", "out")
    shown = Path("out").read_text(encoding="utf-8") + told.out + told.err
    assert told.code == 0
    assert [one for one in PERSONAL if one in shown] == []


def test_the_demo_request_is_in_every_number_it_belongs_to(synced: Desk) -> None:
    """Person 2 was handed over: in the list of hand-offs, of MQLs on the way, and of the funnel's SALs."""
    assert synced("report", "scorecard", "--list", "hand_offs").out.split() == ["2"]
    assert synced("report", "scorecard", "--list", "goals.mqls").out.split() == ["2"]
    assert synced("report", "funnel", "--list", "funnel.sal").out.split() == ["2"]
    told = synced("report", "scorecard", "--list", "hand_ofs")
    assert (told.code, told.out) == (64, "")
    assert 'This report has no number hand_ofs. Did you mean "hand_offs"?' in told.err


def test_json_names_the_people_behind_every_number(synced: Desk) -> None:
    """Rows by their columns; a number is its value, its unit and its people."""
    one = synced("report", "scorecard", "--output", "json").json
    assert one["kind"] == "scorecard"
    part = next(part for part in one["parts"] if part["name"] == "marketing")
    handed = next(row["value"] for row in part["rows"] if row["value"]["key"] == "hand_offs")
    assert (handed["value"], handed["unit"], handed["people"]["ids"]) == (1, "people", ["2"])


def test_csv_has_a_line_for_every_number(synced: Desk) -> None:
    """Key, value and ids: what a spreadsheet needs."""
    rows = list(csv.DictReader(io.StringIO(synced("report", "scorecard", "--output", "csv").out)))
    by_key = {row["key"]: row for row in rows}
    assert (by_key["hand_offs"]["value"], by_key["hand_offs"]["people"]) == ("1", "2")
    assert (by_key["completeness"]["unit"], by_key["completeness"]["of"]) == ("share", "1")
    assert all(row["part"] and row["key"] for row in rows)
    assert by_key["goals.mqls"]["row"].startswith("MQL / 20")
    assert by_key["goals.mqls"]["row"].endswith(" / 40")  # what was promised names the goal, what came of it does not


def test_a_page_goes_to_its_own_file(synced: Desk) -> None:
    """scorecard.html by itself; whole, and for its owner only."""
    assert synced("report", "scorecard", "--output", "html").out.strip() == "✓ written to scorecard.html"
    page = Path("scorecard.html")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert page.stat().st_mode & 0o777 == 0o600
    assert synced("report", "funnel", "--output", "json", "--file", "f.json").code == 0
    assert json.loads(Path("f.json").read_text())["kind"] == "funnel"


def test_a_period_is_named_by_a_day_in_it(synced: Desk) -> None:
    """Last year's quarter has nothing in it and says so by its name; a day that is none is bad usage."""
    told = synced("report", "scorecard", "--period", "quarter", "--day", "2025-05-20")
    assert "Both promises, 2025 Q2." in told.out
    assert synced("report", "scorecard", "--day", "20.5.2025").code == 64
    assert synced("report", "funnel", "--since", "2999-01-01").code == 64
    assert synced("report", "funnel", "--since", "2001-01-01").code == 64
    assert synced("report", "funnel", "--period", "year", "--since", "2024-01-01").code == 0


def test_an_overdue_review_stands_on_the_scorecard(desk: Desk) -> None:
    """Both sides promised to look at it again by a day that is past."""
    desk.mapping(("agreement.toml", "effective_from = 2026-01-01", "effective_from = 2020-01-01"))
    desk.mapping(("agreement.toml", "review_by = 2026-12-31", "review_by = 2021-12-31"))
    assert desk("sync", "--yes").code == 0
    assert "was to be reviewed by 2021-12-31" in desk("report", "scorecard").out


def test_the_scope_of_a_connection_is_noted(desk: Desk) -> None:
    """Who is outside of it is in no number, and the report says so."""
    desk.world.edit("contacts", "2", {"hubspot_owner_id": "502"})
    desk.configure(scope='{ owner = ["501"] }')
    assert desk("sync", "--yes").code == 0
    for kind in KINDS:
        assert "Only people within the connection's scope: owner 501." in desk("report", kind).out
    assert desk("report", "scorecard", "--list", "hand_offs").out == ""


@pytest.mark.parametrize(
    "scope", ['{ owner = ["501"] }', '{ team = ["Nordic"] }', '{ list = ["Pilot"] }'], ids=["field", "team", "list"]
)
def test_who_is_outside_the_scope_is_in_no_list(desk: Desk, scope: str) -> None:
    """Neither among the blocked nor among those whom another version of the rules would move; no call is made."""
    desk.world.owners[:] = [
        replace(one, teams=(Team("7", "Nordic"),) if one.id == "501" else ()) for one in desk.world.owners
    ]
    for id in ("1", "3", "4", "5", "6"):
        desk.world.join_list("Pilot", id)
    desk.world.edit("contacts", "2", {"hubspot_owner_id": "502"})
    desk.configure(scope=scope)
    assert desk("sync", "--yes").code == 0
    calls = desk.sandbox.hubspot.scopes
    desk.sandbox.hubspot.scopes = frozenset()
    told = json.loads(desk("report", "blocked", "--output", "json").out)
    listed = {id for figure in _figures(told) for id in figure["people"]["ids"]}  # type: ignore[index]  # JSON
    desk.sandbox.hubspot.scopes = calls
    desk.mapping(("scoring.toml", "pricing_page = { points = 15", "pricing_page = { points = 14"))
    desk.configure(mapping='"mappings"', scope=scope)
    diff = desk("agreement", "diff", str(shipped_mappings()), "mappings", "--output", "json").json
    assert listed == {"1", "3", "4", "5", "6"}
    assert diff["effect"]["people"] == 5


def test_before_the_first_reading_every_report_says_how_to_begin(desk: Desk) -> None:
    """Bad usage with the next step."""
    for kind in KINDS:
        told = desk("report", kind)
        assert told.code == 64
        assert "connector plan" in told.err


def test_after_a_later_period_begins_the_closed_one_is_told_again(synced: Desk) -> None:
    """As of a day two months from now, this month is closed and has the same hand-off."""
    now = datetime.now(UTC)
    later = now.replace(year=now.year + 1).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = synced("report", "scorecard", "--day", f"{now:%Y-%m-%d}", "--as-of", later, "--output", "json").json
    assert "so far" not in told["when"]
    assert any(figure["key"] == "hand_offs" and figure["value"] == 1 for figure in _figures(told))


def _figures(told: dict[str, object]) -> list[dict[str, object]]:
    parts = told["parts"]
    assert isinstance(parts, list)
    return [cell for part in parts for row in part["rows"] for cell in row.values() if isinstance(cell, dict)]
