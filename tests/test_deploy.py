"""The files to deploy with name verbs, flags and files that exist; neither systemd nor Docker runs here."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer.main

from connector.cli.app import app
from connector.config.values import duration

ROOT = Path(__file__).parent.parent
UNIT = (ROOT / "deploy/connector.service").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
COMMANDS = typer.main.get_command(app)


def options(command: object) -> set[str]:
    """Every flag that a command takes."""
    return {name for one in command.params for name in one.opts}  # type: ignore[attr-defined]


def understood(words: list[str]) -> str:
    """The verb of a command line, once it is certain that it and all its flags exist."""
    at = next(index for index, word in enumerate(words) if word in COMMANDS.commands)  # type: ignore[attr-defined]
    verb = COMMANDS.commands[words[at]]  # type: ignore[attr-defined]
    assert {word for word in words[:at] if word.startswith("-")} <= options(COMMANDS)
    assert {word for word in words[at:] if word.startswith("-")} <= options(verb)
    return words[at]


def setting(name: str) -> list[str]:
    """The values of a key in the unit."""
    return re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)


def instruction(name: str) -> list[str]:
    """The arguments of an instruction in the Dockerfile."""
    return re.findall(rf"^{name}\s+(.*)$", DOCKERFILE, re.MULTILINE)


def test_the_unit_starts_the_daemon_as_it_is() -> None:
    """Program, verb and flags; the service manager waits longer than the grace time and learns when we are ready."""
    (line,) = setting("ExecStart")
    program, *words = shlex.split(line)

    assert program.endswith("/.venv/bin/connector")
    assert understood(words) == "daemon"
    grace = duration(words[words.index("--grace") + 1]).total_seconds()
    assert int(setting("TimeoutStopSec")[0]) > grace
    assert setting("Type") == ["notify"]
    assert "-HUP" in setting("ExecReload")[0]


def test_the_unit_keeps_secret_and_state_where_it_says() -> None:
    """The credential's name stands in the hint for config.toml; the state is inside the state directory."""
    (credential,) = setting("LoadCredential")
    (directory,) = setting("StateDirectory")

    assert f"file:/run/credentials/connector.service/{credential.partition(':')[0]}" in UNIT
    assert setting("Environment") == [f"CONNECTOR_STATE__URL=sqlite:////var/lib/{directory}/connector.db"]
    assert setting("DynamicUser") == ["yes"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """Every line, with a program in place of ours."""
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT, flags=re.MULTILINE)
    (tmp_path / "connector.service").write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "connector.service")]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert "connector.service" not in told.stderr, told.stderr


def test_the_image_runs_the_daemon_as_it_is() -> None:
    """Entry point and command make a command line that the program understands, and a stop reaches it."""
    words = [*json.loads(instruction("ENTRYPOINT")[0]), *json.loads(instruction("CMD")[0])]

    assert words[0] == "connector"
    assert understood(words[1:]) == "daemon"
    assert instruction("STOPSIGNAL") == ["SIGTERM"]
    assert instruction("USER") == ["connector"]
    assert len(instruction("VOLUME")) == 1


def test_the_image_is_made_of_files_that_exist_and_are_not_ignored() -> None:
    """All that is copied from the tree is there and let through; packages come by hash, from nobody's index."""
    copied = [path for line in instruction("COPY") if "--from" not in line for path in shlex.split(line)[:-1]]
    let_through = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]

    assert sorted(copied) == sorted(let_through)
    assert [path for path in copied if not (ROOT / path).exists()] == []
    assert "--require-hashes --requirement deploy/locks/runtime.txt" in DOCKERFILE
    assert "--no-deps" in DOCKERFILE
    assert not re.search(r"index-url|https?://", DOCKERFILE)


def test_the_verbs_in_the_hints_exist() -> None:
    """Whoever copies the lines at the top meets no unknown verb."""
    said = re.findall(r"^#\s+docker exec -it connector connector (.*?)(?:\s{2,}#|$)", DOCKERFILE, re.MULTILINE)

    assert [understood(shlex.split(line)) for line in said] == ["sync"]
