"""The README tells the truth: its commands exist, its tests exist, its files exist."""

from __future__ import annotations

import re
from pathlib import Path

import typer.main

from connector.cli.app import app

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

    assert all(f"`{name}`" in table for name in typer.main.get_command(app).commands)  # type: ignore[attr-defined]


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
