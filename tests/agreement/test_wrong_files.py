"""Every way a mapping file can be wrong, with the message a marketer gets: file, line, key, what, what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.agreement import load_agreement
from connector.errors import ConfigError

from .conftest import Folder
from .mistakes import PRICING, WRONG
from .more_mistakes import MORE


@pytest.mark.parametrize(("file", "old", "new", "where", "says"), [*WRONG, *MORE])
def test_a_mistake_is_told_with_file_line_and_key(
    folder: Folder, file: str, old: str, new: str, where: str, says: list[str]
) -> None:
    """One change makes one file wrong; some complaint points at it and says what to do."""
    folder.change(file, old, new)
    problems = folder.problems()

    fitting = [each for each in problems if where in each.split(": ")[0] and all(part in each for part in says)]
    assert fitting, problems
    assert fitting[0].startswith("mappings/")


def test_the_line_of_a_mistake_is_the_line_in_the_file(folder: Folder) -> None:
    """Whoever opens the file finds the mistake where the message says."""
    folder.change("scoring.toml", PRICING, "pricing_page = { pionts = 15")
    line = folder.line("scoring.toml", "pionts")

    place = f"mappings/scoring.toml:{line}, engagement.high_intent.pricing_page.pionts: "
    assert any(problem.startswith(place) for problem in folder.problems())


def test_all_mistakes_are_told_at_once(folder: Folder) -> None:
    """Five mistakes in three files: five complaints in one go."""
    folder.change("scoring.toml", 'field = "revenue"', 'field = "revenu"')
    folder.change("scoring.toml", 'is = "economic_buyer"', 'is = "economic_byuer"')
    folder.change("lifecycle.toml", 'in_list = "competitors"', 'in_list = "competitor"')
    folder.change("lifecycle.toml", "engagement_below = 25", "engagement_below = 40")
    folder.change("agreement.toml", 'time_zone = "UTC"', 'time_zone = "Moon/Crater"')

    assert len(folder.problems()) == 5


@pytest.mark.parametrize(
    ("new", "says"),
    [
        ("pricing_page = { points = 15,5", "decimals with a point"),
        ("pricing_page = { points = \u201c15\u201d", "curly quote"),
        ("pricing_page = points = 15", "a brace } too many"),
        ('pricing_page = { why = "x, points = 15', "quote is missing"),
        ("pricing_page = { points = 15 }\npricing_page = { points = 15", "twice"),
    ],
)
def test_a_file_that_is_no_toml_says_at_which_line_and_why(folder: Folder, new: str, says: str) -> None:
    """The usual slips of the pen are recognised."""
    folder.change("scoring.toml", PRICING, new)
    problem = folder.problems()[0]

    assert problem.startswith("mappings/scoring.toml:")
    assert says in problem


def test_a_missing_brace_is_named(folder: Folder) -> None:
    """A rule whose brace is not closed."""
    lines = (folder.path / "scoring.toml").read_text(encoding="utf-8").splitlines()
    careers = next(line for line in lines if line.startswith("careers_page"))
    folder.change("scoring.toml", careers, "careers_page = { points = -20")

    assert "brace" in folder.problems()[0]


@pytest.mark.parametrize(
    "file", ["agreement.toml", "scoring.toml", "lifecycle.toml", "write_back.toml", "hubspot.toml"]
)
def test_a_missing_file_is_named(folder: Folder, file: str) -> None:
    """Five files must be there."""
    (folder.path / file).unlink()

    assert folder.problems() == [f"mappings/{file}: is missing. Every agreement has this file."]


@pytest.mark.parametrize("file", ["icp.toml", "signals.toml", "texts.en.toml", "examples.toml"])
def test_other_files_may_be_left_out(folder: Folder, file: str) -> None:
    """A file that is not there says nothing, which is fine."""
    (folder.path / file).unlink()

    assert folder.load().version == "1.0"


def test_a_file_with_a_mistyped_name_is_found(folder: Folder) -> None:
    """scroing.toml would silently be nothing."""
    (folder.path / "persona.toml").write_text("", encoding="utf-8")

    assert folder.problems() == ['mappings/persona.toml: is no file of an agreement. Did you mean "personas.toml"?']


def test_a_file_that_is_not_utf8_is_named(folder: Folder) -> None:
    """Saved by an old editor."""
    (folder.path / "icp.toml").write_bytes("# Größe".encode("latin-1"))

    assert "mappings/icp.toml:1: is not UTF-8 text" in folder.problems()[0]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Before anything else."""
    with pytest.raises(ConfigError, match="there is no such folder"):
        load_agreement(tmp_path / "nowhere")


def test_case_23_a_fast_track_to_an_unused_stage_is_refused(folder: Folder) -> None:
    """SAL not used and the fast track still goes there: said at load, never silently sent elsewhere."""
    folder.change("lifecycle.toml", "used = true ", "used = false ")
    problems = folder.problems()

    assert any('goes to "sal", which is not used. Send people to another stage' in each for each in problems)


def test_case_23_sent_to_sql_the_agreement_without_sal_loads(folder: Folder) -> None:
    """SAL is optional: whoever says where the fast track goes may leave it out."""
    folder.change("lifecycle.toml", "used = true ", "used = false ")
    folder.change("lifecycle.toml", 'to = "sal", requires', 'to = "sql", requires')
    folder.change("lifecycle.toml", 'to = "sal", requires', 'to = "sql", requires')

    assert [track.to for track in folder.load().fast_tracks] == ["sql", "sql"]


def test_stages_that_wait_for_each_other_are_refused(folder: Folder) -> None:
    """Warm only from hot, hot only from warm: both are told, once."""
    folder.add(
        "lifecycle.toml",
        "\n[stages.warm]\nside = true\ncounts_as = 'lead'\nenter_when = { fit_at_least = 1, from_stages = ['hot'] }\n"
        "[stages.hot]\nside = true\ncounts_as = 'lead'\nenter_when = { fit_at_least = 1, from_stages = ['warm'] }\n",
    )
    problems = [each for each in folder.problems() if "nobody ever gets there" in each]

    assert [each.split(": ")[1].split(". ")[0] for each in problems] == [
        "warm is entered only from hot, and nobody ever gets there",
        "hot is entered only from warm, and nobody ever gets there",
    ]
