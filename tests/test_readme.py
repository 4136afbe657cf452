"""The README tells the truth: its commands exist, its tests exist, its files exist."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import typer.main

from connector.agreement import load_agreement
from connector.agreement.examples import load_examples, run_examples
from connector.cli.app import app
from connector.decide import Decider

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_command_in_the_readme_exists_and_has_help() -> None:
    """Whoever follows the first hour word by word never meets an unknown verb."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group, by its verbs
    named = set(re.findall(r"`connector ([a-z]+)", README)) | set(
        re.findall(r"^\s+connector ([a-z]+)", README, re.MULTILINE)
    )

    assert {"init", "check", "plan", "sync", "explain"} <= named
    assert named <= set(commands)
    assert all(command.help for command in commands.values())


def test_every_verb_is_in_the_readme() -> None:
    """Nothing the program can do stays untold."""
    table = README.split("## Commands")[1].split("## How")[0]

    assert all(f"`{name}`" in table for name in typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # a group has commands


@pytest.mark.parametrize("group", ["agreement", "holds", "report"])
def test_every_verb_below_a_verb_is_in_the_readme_and_no_other(group: str) -> None:
    """The story of the agreement and of the reports is told to the end."""
    known = set(typer.main.get_command(app).commands[group].commands)  # type: ignore[attr-defined]  # a group has commands
    row = next(line for line in README.splitlines() if line.startswith(f"| `{group}` |"))

    assert set(re.findall(rf"connector {group} ([a-z]+)", README)) <= known
    assert [name for name in known if f"`{name}`" not in row] == []


def test_every_link_in_the_readme_and_the_docs_leads_somewhere() -> None:
    """And every page of docs/ is linked from the README."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    links = [
        (page, target) for page in pages for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    ]

    assert [target for page, target in links if not (page.parent / target).exists()] == []
    assert {page.resolve() for page in pages[1:]} <= {
        (ROOT / target).resolve() for page, target in links if page == pages[0]
    }


def test_the_change_that_the_readme_walks_through_does_what_it_says(tmp_path: Path) -> None:
    """Thirty points instead of forty: one of the examples comes out differently."""
    folder = Path(shutil.copytree(ROOT / "mappings", tmp_path / "mappings"))
    lifecycle = folder / "lifecycle.toml"
    text = lifecycle.read_text(encoding="utf-8")
    lifecycle.write_text(text.replace("engagement_at_least = 40", "engagement_at_least = 30", 1), encoding="utf-8")
    agreement = load_agreement(folder, "hubspot")
    told = run_examples(load_examples(folder, agreement), Decider(agreement))

    assert "30 points of engagement instead of 40" in README
    assert "One of them differs now, who was 0.40 points short of 40" in " ".join(README.split())
    assert [one.name for one in told if one.differences] == ["case_04_almost_enough"]


def test_every_promise_names_tests_that_exist() -> None:
    """A guarantee without its test is an advertisement."""
    written = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    promised = re.findall(r"`(test_\w+)`", README)

    assert len(promised) > 10
    assert [name for name in promised if f"def {name}(" not in written] == []


def test_every_path_in_the_readme_exists() -> None:
    """Links into the tree lead somewhere."""
    paths = re.findall(r"`((?:connector|mappings|tests|docs)/[\w./]*)`", README)

    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_make_target_in_the_readme_exists() -> None:
    """The two commands on top, and the others."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert set(re.findall(r"\bmake ([a-z]+)\b", README)) <= targets
