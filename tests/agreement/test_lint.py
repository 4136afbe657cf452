"""Lint: what is odd about an agreement that loads. One change to the shipped one, one finding with place and advice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.agreement import load_agreement
from connector.agreement.approvals import Approval
from connector.agreement.highest import highest
from connector.agreement.lint import Finding, lint
from connector.agreement.places import read_places

from .conftest import SHIPPED, Folder
from .oddities import ODD

TODAY = datetime(2026, 6, 1, 12, tzinfo=UTC)


def found(folder: Folder, as_of: datetime = TODAY) -> list[Finding]:
    """What lint says of a folder that loads, less what it says of signatures."""
    said = lint(folder.load(), read_places(folder.path, "hubspot"), as_of=as_of)
    return [each for each in said if not each.where.endswith(", approvals")]


def of_signatures(folder: Folder, *approvals: Approval, as_of: datetime = TODAY) -> list[tuple[str, str]]:
    """What lint says of signatures."""
    said = lint(folder.load(), read_places(folder.path, "hubspot"), as_of=as_of, approvals=approvals)
    return [(each.severity, each.what) for each in said if each.where.endswith(", approvals")]


def test_the_shipped_agreement_is_clean(folder: Folder) -> None:
    """Nobody has signed it yet; there is nothing else to say."""
    said = lint(load_agreement(SHIPPED), read_places(SHIPPED, "hubspot"), as_of=TODAY)

    assert [each.what for each in said if each.severity != "remark"] == [
        "marketing has not signed these rules.",
        "sales has not signed these rules.",
        "admin has not signed this wiring.",
    ]


@pytest.mark.parametrize("name", sorted(path.name for path in (SHIPPED / "examples").iterdir() if path.is_dir()))
def test_the_examples_for_other_data_hold_no_error(name: str) -> None:
    """Who begins with one of them begins with rules that can all be meant."""
    folder = SHIPPED / "examples" / name
    said = lint(load_agreement(folder), read_places(folder, "hubspot"), as_of=TODAY)

    assert [str(each) for each in said if each.severity == "error"] == []


def test_signatures_that_are_missing_or_for_now_are_told(folder: Folder) -> None:
    """Signed by all there is nothing to say; an emergency is told as long as it stands in for a side."""
    agreement = folder.load()
    marketing = Approval("marketing", "Ann Lee", TODAY, agreement.fingerprint)
    sales = Approval("sales", "Bo Ek", TODAY, agreement.fingerprint)
    admin = Approval("admin", "Cy Oh", TODAY, agreement.wiring.fingerprint)
    alone = Approval("sales", "Bo Ek", TODAY, agreement.fingerprint, emergency=True, why="a wrong threshold")
    anybody = [("remark", "anybody may sign for marketing."), ("remark", "anybody may sign for sales.")]
    missing = ("warning", "marketing has not signed these rules.")

    assert of_signatures(folder, marketing, sales, admin) == anybody
    assert of_signatures(folder, sales, admin) == [missing, *anybody]
    assert of_signatures(folder, alone, admin) == [
        missing,
        ("warning", "one side signed alone, in an emergency: that holds until 2026-06-06 12:00 UTC."),
        *anybody,
    ]
    assert of_signatures(folder, alone, admin, as_of=TODAY + timedelta(days=6))[1] == (
        "warning",
        "one side signed alone, in an emergency: that ended on 2026-06-06 12:00 UTC.",
    )


def test_one_person_for_both_sides_is_an_error(folder: Folder) -> None:
    """Nobody signs for both, so an agreement that lets only one person sign can never be signed."""
    folder.change("agreement.toml", 'marketing = { name = "" }', 'marketing = { name = "Ann Lee" }')
    folder.change("agreement.toml", 'sales = { name = "" }', 'sales = { name = "ANN LEE" }')

    assert of_signatures(folder)[0] == (
        "error",
        "Ann Lee alone may sign for marketing and for sales, and nobody signs for both.",
    )


@pytest.mark.parametrize(
    ("changes", "severity", "where", "says"), ODD, ids=[row[2] + ": " + row[3][:40] for row in ODD]
)
def test_an_oddity_is_told_with_its_place(
    folder: Folder, changes: list[tuple[str, str, str]], severity: str, where: str, says: str
) -> None:
    """The shipped agreement says nothing of the kind, the changed one says it once, at the line of the key."""
    for file, old, new in changes:
        folder.change(file, old, new) if old else folder.add(file, new)
    fitting = [each for each in found(folder) if each.where.endswith(f", {where}") and says in each.what]

    assert [(each.severity, bool(each.fix)) for each in fitting] == [(severity, True)], list(map(str, found(folder)))
    assert fitting[0].where.split(",")[0].rpartition(":")[2].isdigit()


def test_a_finding_points_at_the_line(folder: Folder) -> None:
    """Whoever opens the file there finds the rule."""
    folder.change("scoring.toml", "email_click = { points = 3", "email_click = { points = 13")
    line = folder.line("scoring.toml", "email_click = { points = 13")

    assert [each.where for each in found(folder)] == [f"mappings/scoring.toml:{line}, engagement.content.email_click"]


def test_the_review_is_overdue_the_day_after(folder: Folder) -> None:
    """Today is an argument: on the day itself there is still time."""
    assert found(folder, datetime(2026, 12, 31, 23, tzinfo=UTC)) == []
    assert [each.what for each in found(folder, datetime(2027, 1, 2, 1, tzinfo=UTC))] == [
        "the review was due on 2026-12-31, 2 days ago."
    ]


def test_a_threshold_counts_what_this_crm_shows(folder: Folder) -> None:
    """Without its signals in the CRM's file the engagement of the hand-off cannot be reached."""
    folder.change("hubspot.toml", 'pricing_page = { list = "Visited pricing", when = "added" }\n', "")
    folder.change("lifecycle.toml", "demo = { signal", "demo_off = { signal")
    assert not [each for each in found(folder) if each.severity == "error"]

    for line in ("webinar_attended", "case_study", "comparison_guide"):
        text = (folder.path / "hubspot.toml").read_text(encoding="utf-8")
        folder.change("hubspot.toml", next(row for row in text.splitlines() if row.startswith(f"{line} = {{ list")), "")
    folder.change("scoring.toml", "group_total_at_most = 60\npoints_halve", "group_total_at_most = 39\npoints_halve")
    folder.change("scoring.toml", "email_click = { points = 3", "email_click = { points = 0")
    errors = [each.what for each in found(folder) if each.severity == "error"]

    assert errors == ["asks for engagement of at least 40, and the rules give no more than 39."]


def test_sizes_that_exclude_each_other_are_not_added_up(folder: Folder) -> None:
    """Nobody has 100 and 300 colleagues, or two personas: only the better line counts for the highest score."""
    folder.change("scoring.toml", "[fit.company]\ngroup_total_at_most = 60", "[fit.company]")
    folder.change("scoring.toml", "[fit.person]\ngroup_total_at_most = 40", "[fit.person]")

    assert highest(folder.load(), "fit", ()) == 25 + 20 + 10 + 10 + 20 + 5


def test_the_worst_comes_first(folder: Folder) -> None:
    """Errors, then warnings, then remarks."""
    folder.change("scoring.toml", "email_click = { points = 3", "email_click = { points = 13")
    folder.change("scoring.toml", "case_study = { points = 6", "case_study = { points = 0")
    soon = 'soon = { signal = "demo_request", to = "mql", requires = ["email"] }'
    folder.change("lifecycle.toml", "trial = {", f"{soon}\ntrial = {{")

    assert [each.severity for each in found(folder)] == ["error", "warning", "remark"]
