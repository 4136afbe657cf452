"""What changed between two versions of the agreement, and whom it would move."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.cli.desk import PERSONAL, Desk

#: One line of the shipped rules, and another version of it.
PRICE = ("scoring.toml", "pricing_page = { points = 15", "pricing_page = { points = 14")


@pytest.fixture
def own(desk: Desk) -> Desk:
    """A desk with an agreement of its own."""
    desk.mapping()
    return desk


def sign(desk: Desk) -> None:
    for side, name in (("marketing", "Ann"), ("sales", "Ben"), ("admin", "Cy")):
        assert desk("agreement", "approve", "--as", side, "--name", name, "--yes").code == 0


def copy(desk: Desk, name: str) -> Path:
    return Path(shutil.copytree(desk.folder / "mappings", desk.folder / name))


def everything(desk: Desk) -> list[str]:
    """All rows of the ledger."""
    with sqlite3.connect(desk.ledger) as ledger:
        return list(ledger.iterdump())


def test_without_arguments_it_is_what_was_signed_against_the_folder(own: Desk) -> None:
    sign(own)
    own.mapping(PRICE)

    told = own("agreement", "diff")

    assert told.code == 0
    assert "from: version 1.0, signed 20" in told.out
    assert "  - Pricing page: +15 points" in told.out
    assert "  + Pricing page: +14 points" in told.out
    assert told.out.count("  - ") == told.out.count("  + ") == 1
    assert "To be signed anew by marketing, sales: connector agreement approve" in told.out


def test_it_names_the_sides_that_have_still_to_sign(own: Desk) -> None:
    """The one who has signed already is not asked again."""
    sign(own)
    own.mapping(PRICE)
    own("agreement", "approve", "--as", "marketing", "--name", "Ann", "--yes")

    told = own("agreement", "diff").out

    assert "To be signed anew by sales: connector agreement approve; signed already by marketing" in told


def test_where_nothing_was_signed_it_asks_for_a_folder(own: Desk) -> None:
    told = own("agreement", "diff")

    assert told.code == 64
    assert "No signed version is kept to compare with." in told.err
    assert "is no folder. Name the folder of an agreement" in own("agreement", "diff", "nowhere").err


def test_one_folder_is_set_against_the_connection_s_and_two_against_each_other(own: Desk) -> None:
    copy(own, "old")
    own.mapping(PRICE)
    copy(own, "new")
    own.mapping((PRICE[0], PRICE[2], PRICE[1]))

    forth = own("agreement", "diff", "old", "new", "--output", "json").json
    back = own("agreement", "diff", "new", "--output", "json").json
    none = own("agreement", "diff", "old", "--output", "json", "--exit-code")

    (one,), (other,) = forth["changed"], back["changed"]
    assert (one["path"], one["kind"]) == ("engagement.high_intent.pricing_page", "changed")
    assert (one["before"], one["after"]) == (other["after"], other["before"])
    assert forth["signatures"] == {"definitions": True, "wiring": False}
    assert (none.code, none.json["differ"], none.json["changed"]) == (0, False, [])
    assert "They say the same." in own("agreement", "diff", "old").out


def test_two_folders_need_no_configuration(own: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    copy(own, "old")
    own.mapping(PRICE)
    own.config.unlink()

    told = own("agreement", "diff", "old", "mappings", "--exit-code")

    assert (told.code, "+ Pricing page: +14 points" in told.out) == (2, True)
    assert "Whom it would move is not known: there is no configuration" in told.out


def test_the_exit_code_says_whether_they_differ_where_it_is_asked_for(own: Desk) -> None:
    copy(own, "old")
    own.mapping(PRICE)

    assert own("agreement", "diff", "old").code == 0
    assert own("agreement", "diff", "old", "--exit-code").code == 2


def test_every_kind_of_change_is_told_in_its_chapter(own: Desk) -> None:
    copy(own, "old")
    own.mapping(
        ("scoring.toml", "case_study = {", 'white_paper = { signal = "case_study",'),
        ("write_back.toml", 'scores_at = "06:00"', 'scores_at = "07:00"'),
        ("agreement.toml", "at_least = 40", "at_least = 44"),
    )

    found = own("agreement", "diff", "old", "--output", "json").json

    kinds = {one["path"]: one["kind"] for one in found["changed"]}
    assert kinds["engagement.content.case_study"] == "gone"
    assert kinds["engagement.content.white_paper"] == "new"
    assert kinds["write_back.scores_at"] == "changed"
    assert kinds["goals.mqls"] == "changed"
    assert found["signatures"] == {"definitions": True, "wiring": True}


def test_an_order_that_is_agreed_is_a_change_too(own: Desk) -> None:
    """Personas are tried one after the other: the same two in another order are another agreement."""
    old = copy(own, "old")
    text = (own.folder / "mappings" / "personas.toml").read_text(encoding="utf-8")
    first, second, third = (
        text.index(f"[personas.{name}]") for name in ("support_role", "economic_buyer", "daily_user")
    )
    swapped = text[:first] + text[second:third] + text[first:second] + text[third:]
    (own.folder / "mappings" / "personas.toml").write_text(swapped, encoding="utf-8")

    found = own("agreement", "diff", old.name, "--output", "json").json

    assert found["differ"]
    assert found["changed"]


# -- whom it would move -------------------------------------------------------------------------------------------


def lower(desk: Desk) -> None:
    """Everybody who fits and did anything would be an MQL."""
    desk.mapping(
        ("lifecycle.toml", "engagement_at_least = 40", "engagement_at_least = 10"),
        ("lifecycle.toml", "engagement_below = 25", "engagement_below = 5"),
    )


def test_it_counts_whom_the_change_would_move_and_writes_nothing(own: Desk) -> None:
    """Person 1 looked at prices once (15 points) and is short of 40; with 10 they are an MQL at their next fact."""
    assert own("sync", "--yes").code == 0
    copy(own, "old")
    lower(own)
    before, writes = everything(own), own.writes

    found = own("agreement", "diff", "old", "--output", "json").json["effect"]
    text = own("agreement", "diff", "old").out

    assert found["people"] == 6
    assert (found["new_facts"]["people"], found["new_facts"]["tasks"]) == (0, 0)
    assert found["everyone"]["moves"] == [
        {"lead_type": "new_business", "from": "lead", "to": "mql", "people": 1, "examples": ["1"]}
    ]
    assert found["everyone"]["tasks"] == 1
    assert "lead -> mql: 1 (contact 1)" in text
    assert 'by the next run (a changed rule is no new fact: apply_to = "new_facts"): 0 people move' in text
    assert 'at once with apply_to = "everyone": 1 person moves, 1 hand-off task; 1 person is written to' in text
    assert found["everyone"]["calls_to_write"] == 5  # read and written; a look for the task, its body, and the task
    assert not [word for word in PERSONAL if word in text]
    assert (everything(own), own.writes) == (before, writes)


def test_what_it_says_is_what_the_run_then_does(own: Desk) -> None:
    """A law: with apply_to = everyone, those whom the diff names are those whom the next run moves."""
    assert own("sync", "--yes").code == 0
    copy(own, "old")
    lower(own)
    own.mapping(("agreement.toml", 'apply_to = "new_facts"', 'apply_to = "everyone"'))

    said = own("agreement", "diff", "old", "--output", "json").json["effect"]
    stages = {id: own.contact(id)["cx_stage"] for id in "123456"}
    done = own("sync", "--output", "json")
    assert (done.code, done.json["counts"]["written"]) == (0, said["everyone"]["written"])
    now = {id: own.contact(id)["cx_stage"] for id in "123456"}

    moved = {(stages[id], now[id], id) for id in now if now[id] != stages[id]}
    assert moved == {(each["from"], each["to"], id) for each in said["everyone"]["moves"] for id in each["examples"]}
    assert len(moved) == 1


def test_a_field_that_nobody_has_read_yet_is_named(own: Desk) -> None:
    assert own("sync", "--yes").code == 0
    copy(own, "old")
    own.mapping(
        ("hubspot.toml", 'job_title = "jobtitle"', 'job_title = "jobtitle"\nseniority = "seniority"'),
        (
            "scoring.toml",
            "[fit.person]",
            '[fit.person]\nsenior = { field = "seniority", is = "executive", points = 9 }',
        ),
    )

    told = own("agreement", "diff", "old")
    said = own("agreement", "diff", "old", "--output", "json").json["effect"]

    assert "not read yet, and taken as unknown: contact seniority" in told.out
    assert f"the next run reads everything anew first, in about {said['calls_to_read']} calls" in told.out
    calls = own("sync", "--output", "json").json["calls"]
    assert said["calls_to_read"] == calls["list"] + calls["links"] == 8


def test_a_rule_that_asks_for_nothing_new_costs_no_reading(own: Desk) -> None:
    """Everything it needs is kept: the diff says so, and the run reads what changed alone."""
    assert own("sync", "--yes").code == 0
    copy(own, "old")
    lower(own)

    assert own("agreement", "diff", "old", "--output", "json").json["effect"]["calls_to_read"] == 0
    assert "reads everything anew" not in own("agreement", "diff", "old").out
    assert "list" not in own("sync", "--output", "json").json["calls"]


def test_before_the_first_read_it_says_the_rules_alone_and_makes_no_ledger(own: Desk) -> None:
    own.without_state()
    copy(own, "old")
    own.mapping(PRICE)

    told = own("agreement", "diff", "old")

    assert "Whom it would move is not known: nothing has been read yet" in told.out
    assert not own.ledger.exists()


def test_the_ledger_is_left_alone_where_one_asks_for_the_rules_only(own: Desk) -> None:
    assert own("sync", "--yes").code == 0
    copy(own, "old")
    lower(own)

    told = own("agreement", "diff", "old", "--rules-only", "--output", "json")

    assert (told.json["effect"], told.json["differ"]) == (None, True)


def test_a_version_that_does_not_load_is_told_as_what_it_is(own: Desk) -> None:
    old = copy(own, "old")
    (old / "scoring.toml").write_text("[fit\n")

    told = own("agreement", "diff", "old")

    assert (told.code, "old/scoring.toml:1: a bracket is missing" in told.err) == (4, True)
