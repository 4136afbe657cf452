"""agreement lint and agreement render: on a folder alone, and on the agreement of a connection."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from connector.cli import run
from connector.config import shipped_mappings
from tests.cli.desk import Desk


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped agreement, with no configuration anywhere near."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(shipped_mappings(), tmp_path / "mappings"))


def change(file: Path, old: str, new: str) -> None:
    """Replace a text that must be there."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_lint_of_a_sound_folder_ends_well(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings alone are no failure; no configuration is needed."""
    assert run(["agreement", "lint", "mappings"]) == 0
    told = capsys.readouterr().out

    assert "marketing has not signed these rules." in told
    assert told.splitlines()[-1].startswith("● 0 errors, 3 warnings")


def test_lint_ends_with_4_where_there_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Something that cannot be meant stops a pipeline, like a file that does not load."""
    soon = 'soon = { signal = "demo_request", to = "mql", requires = ["email"] }'
    change(folder / "lifecycle.toml", "trial = {", f"{soon}\ntrial = {{")

    assert run(["agreement", "lint", "mappings"]) == 4
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("✗ mappings/lifecycle.toml:")
    assert "fast_track.soon: is never taken: demo takes everybody before it. Move it above demo." in first


def test_lint_tells_every_problem_of_a_folder_that_does_not_load(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The loader's complaints come first, all of them, with exit code 4."""
    change(folder / "scoring.toml", 'field = "revenue"', 'field = "revenu"')
    change(folder / "lifecycle.toml", 'in_list = "competitors"', 'in_list = "competitor"')

    assert run(["agreement", "lint", "mappings"]) == 4
    told = capsys.readouterr().err
    assert 'unknown field "revenu"' in told
    assert "2 problems; nothing was written." in told


def test_lint_reads_every_rule_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Chapter by chapter, in plain English."""
    assert run(["agreement", "lint", "mappings", "--read-back"]) == 0
    told = capsys.readouterr().out.splitlines()

    chapter = told.index("Stages")
    assert "- MQL goes to Nurture when engagement falls below 25 and nobody in sales is at work." in told[chapter:]
    promised = next(line for line in told if '"Accepted"' in line and "promises" in line)
    assert promised.startswith('- Marketing promises at least 60 % "Accepted" a quarter (hand-offs that sales accepted')


def test_lint_answers_programs_with_one_object(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts, findings with their places, and the sentences where they were asked for."""
    change(folder / "lifecycle.toml", 'label = "SQL"\nowner = "sales"', 'label = "SQL"')
    assert run(["agreement", "lint", "mappings", "--read-back", "--output", "json", "--as-of", "2027-02-01"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert told["status"] == "done"
    assert told["counts"]["warning"] == 5
    assert {each["what"] for each in told["findings"]} >= {
        "nobody owns SQL, so its people are nobody's.",
        "the review was due on 2026-12-31, 32 days ago.",
    }
    assert {"path", "chapter", "text"} == set(told["sentences"][0])


def test_lint_takes_the_agreement_of_the_connection(desk: Desk) -> None:
    """Without a folder it is about what the daemon follows."""
    told = desk("agreement", "lint", "--output", "json").without_traceback()

    assert (told.code, told.json["status"]) == (0, "done")


def test_a_folder_that_is_not_there_is_a_slip_of_the_caller(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Said in words, with code 64."""
    assert run(["agreement", "lint", "mapings"]) == 64
    assert "mapings is no folder" in capsys.readouterr().err


def test_the_examples_of_a_folder_are_tried_without_a_configuration(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever has the files can try them."""
    assert run(["agreement", "test", "mappings"]) == 0
    assert "examples come out as agreed." in capsys.readouterr().out
    change(folder / "lifecycle.toml", "engagement_at_least = 40", "engagement_at_least = 30")
    assert run(["agreement", "test", "mappings"]) == 1
    assert "✗ case_04_almost_enough" in capsys.readouterr().out


def test_render_writes_markdown_or_a_page_by_the_name_of_the_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ending says which; --format decides where there is none."""
    assert run(["agreement", "render", "mappings", "-o", "sla.md"]) == 0
    assert run(["agreement", "render", "mappings", "-o", "sla.html"]) == 0
    assert run(["agreement", "render", "mappings", "-o", "paper", "--format", "html"]) == 0
    assert Path("sla.md").read_text(encoding="utf-8").startswith("# Service level agreement")
    assert Path("sla.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert Path("sla.html").read_bytes() == Path("paper").read_bytes()
    assert "version 1.0 written to sla.html" in capsys.readouterr().out


def test_render_without_a_file_prints_the_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To look at it, or to pipe it on."""
    assert run(["agreement", "render", "mappings"]) == 0
    assert capsys.readouterr().out.startswith("# Service level agreement")


def test_render_refuses_an_ending_that_says_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody gets a PDF that is a text."""
    assert run(["agreement", "render", "mappings", "-o", "sla.pdf"]) == 64
    assert "name it .md or .html" in capsys.readouterr().err


def test_render_says_where_it_cannot_write(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file where a folder should be is a slip, not a mistake of ours."""
    Path("taken").write_text("a file", encoding="utf-8")
    assert run(["agreement", "render", "mappings", "-o", "taken/sla.md"]) == 4
    assert "taken/sla.md: cannot be written: its folder is missing" in capsys.readouterr().err


def test_render_shows_what_changed_since_both_sides_signed(desk: Desk) -> None:
    """Signed, then changed: the document sets the two side by side and the new meaning is unsigned."""
    folder = Path(shutil.copytree(shipped_mappings(), desk.folder / "mine"))
    desk.configure(mapping='"mine"')
    for side, name in (("marketing", "Ann Lee"), ("sales", "Bo Ek")):
        assert desk("agreement", "approve", "--as", side, "--name", name, "--yes").code == 0
    signed = desk("agreement", "render").out
    change(folder / "lifecycle.toml", "stay_at_least_days = 7", "stay_at_least_days = 10")
    told = desk("agreement", "render").out

    assert "| sales | the rules | Bo Ek |" in signed
    assert "Nothing has changed since version 1.0, signed" in signed
    assert "in the first 7 days. | Nobody leaves MQL by a falling score in the first 10 days. |" in told
    assert "| sales | the rules |  |  | not signed yet |" in told
