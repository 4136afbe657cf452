"""
A desk with a terminal on it: a HubSpot account on loopback, a folder with a configuration, and the command line.

Verbs run inside the test's process, through the same `connector.cli.run` that the command calls; a handful of tests
start the real command instead.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from connector.agreement import Agreement, load_agreement
from connector.cli import run
from connector.config import shipped_mappings
from connector.sandbox import Sandbox, World
from connector.sandbox.schema import Definition, Option
from tests.sync.world import empty_ledger

TOKEN = "pat-eu1-0f9d8c7b-tests-only"
FIRST, LAST, COMPANY, DOMAIN = "Annabella", "Quibbleworth", "Northmill Looms", "northmill.example"
PERSONAL = (FIRST, LAST, COMPANY, DOMAIN, "+48 600")

#: Hand-off, hot but short of a hand-off, and four nobody hears of.
PEOPLE = ("1", "2", "3", "4", "5", "6")

LISTS = (
    "Visited pricing",
    "Visited careers",
    "Attended webinar",
    "Read case study",
    "Read comparison guide",
    "Started trial",
    "Unsubscribed",
)


@cache
def shipped() -> Agreement:
    """The shipped agreement."""
    return load_agreement(shipped_mappings())


def account(*, with_own: bool = True) -> World:
    """Six people of one company that fits; the second asked for a demo, the first looked at the prices."""
    world = World()
    for name in LISTS:
        world.audience.add_list(name)
    world.audience.add_form("demo-request")
    if with_own:
        for own in shipped().wiring.own:
            options = tuple(Option(value, label) for value, label in own.options)
            definition = Definition(own.property, own.type, label=own.label, options=options, stock=False)
            world.definitions["contacts"][own.property] = definition
    company = {"name": COMPANY, "industry": "MANUFACTURING", "numberofemployees": "420", "country": "Poland"}
    world.add("companies", {**company, "annualrevenue": "38000000", "domain": DOMAIN}, id="900")
    for id in PEOPLE:
        someone(world, id)
    world.join_list("Visited pricing", "1")
    world.submit_form("demo-request", {"email": f"p2@{DOMAIN}"})
    return world


def someone(world: World, id: str, **properties: str) -> None:
    """One more person, with everything a hand-off asks for."""
    usual = {
        "email": f"p{id}@{DOMAIN}",
        "firstname": FIRST,
        "lastname": LAST,
        "phone": f"+48 600 {id:>06}",
        "jobtitle": "Director of Operations",
        "lifecyclestage": "lead",
        "hubspot_owner_id": "501",
    }
    created = datetime.now(UTC) - timedelta(days=100 + int(id))
    world.add("contacts", {**usual, **properties}, id=id, created_at=created)
    world.associate("contacts", id, "companies", "900", primary=True)


@dataclass(frozen=True, slots=True)
class Told:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        return json.loads(self.out)

    def without_traceback(self) -> Told:
        """Itself, once it is certain that nobody met Python."""
        assert "Traceback" not in self.out + self.err
        assert "This should not happen" not in self.err, self.err
        return self


@dataclass
class Desk:
    """A configuration beside an account, and hands to type."""

    folder: Path
    sandbox: Sandbox
    capsys: pytest.CaptureFixture[str]
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ledger.touch(mode=0o600)
        self.ledger.write_bytes(empty_ledger())
        self.configure()

    @property
    def world(self) -> World:
        return self.sandbox.world

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def ledger(self) -> Path:
        return self.folder / "connector.db"

    def without_state(self) -> None:
        """As on the very first day: there is no ledger yet."""
        self.ledger.unlink()

    def configure(self, **changes: str | None) -> None:
        """Write the configuration; a change is a TOML value, None leaves the key out."""
        self.settings = {
            "crm": '"hubspot"',
            "token": '"env:DESK_TOKEN"',
            "base_url": f'"{self.sandbox.url}"',
            "mapping": '"shipped"',
            "mode": '"live"',
            "go_live": '"always"',
            "require_approval": "false",
            "read": '{ settle = "0s" }',
            **{name: value for name, value in changes.items() if value is not None},
        }
        for name in [name for name, value in changes.items() if value is None]:
            self.settings.pop(name, None)
        lines = "\n".join(f"{name} = {value}" for name, value in self.settings.items())
        self.config.write_text(f'[state]\nurl = "sqlite:///{self.ledger.name}"\n\n[connections.acme]\n{lines}\n')

    def mapping(self, *changes: tuple[str, str, str]) -> list[str]:
        """An agreement of one's own: the shipped one with some (file, text, other text).

        Gives each changed place as messages name it, mappings/FILE:LINE.
        """
        folder = self.folder / "mappings"
        if not folder.exists():
            for path in shipped_mappings().rglob("*"):
                copy = folder / path.relative_to(shipped_mappings())
                if path.is_file() and "examples" not in path.parts:
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    copy.write_bytes(path.read_bytes())
        places = []
        for name, old, new in changes:
            text = (folder / name).read_text(encoding="utf-8")
            before, found, after = text.partition(old)
            assert found, f"{name} does not say {old}"
            (folder / name).write_text(before + new + after, encoding="utf-8")
            places.append(f"mappings/{name}:{before.count(chr(10)) + 1},")
        self.configure(mapping='"mappings"')
        return places

    def __call__(self, *words: str, config: bool = True) -> Told:
        """Type a command; `--config` is added unless told otherwise."""
        self.capsys.readouterr()
        code = run([*words, "--config", str(self.config)] if config else list(words))
        said = self.capsys.readouterr()
        return Told(code, said.out, said.err).without_traceback()

    def process(self, *words: str, **more: Any) -> Told:
        """Start the real command, with nobody at its standard input."""
        ended = subprocess.run(
            [sys.executable, "-m", "connector", *words, "--config", str(self.config)],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
            **more,
        )
        return Told(ended.returncode, ended.stdout, ended.stderr).without_traceback()

    # -- what became of it ---------------------------------------------------------------------------------------

    @property
    def writes(self) -> int:
        """Records written by calls."""
        return self.world.writes

    def tasks(self) -> int:
        """Tasks in the account."""
        return self.world.count("tasks")

    def contact(self, id: str) -> Mapping[str, str]:
        """One contact's properties as they stand in the account."""
        return self.world.get("contacts", id)
