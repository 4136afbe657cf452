"""Every manner in one place: told, documented, and reachable from the constructor, over HTTP, on the command line."""

from __future__ import annotations

import re
import shlex
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox import Sandbox
from connector.sandbox.__main__ import build, main
from connector.sandbox.curtain import known_keys
from connector.sandbox.switches import Switches
from connector.sandbox.telling import BOOKS, manners
from tests.sandbox.conftest import Api

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"


def part_about(crm: str) -> str:
    """What the page says about one CRM: HubSpot first, each part with a heading of its own."""
    _, hubspot, dynamics = re.split(r"^# .*\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {"hubspot": hubspot.removesuffix("\n"), "dynamics": dynamics}[crm]


@pytest.mark.parametrize("crm", BOOKS)
def test_the_page_about_the_sandbox_is_what_the_code_does(crm: str) -> None:
    """Each part of docs/sandbox.md ends with what `connector sandbox --manners` prints; paste it after a change."""
    assert part_about(crm).endswith(manners(crm))


@pytest.mark.parametrize("crm", BOOKS)
def test_every_command_of_the_page_can_be_typed(crm: str) -> None:
    """The examples before the tables start a sandbox as they stand."""
    spans = re.findall(r"`(--[^`]+)`", part_about(crm).partition("## Switches")[0])

    assert len(spans) >= 10
    for one in spans:
        build(["--crm", crm, "--people", "200", "--no-activities", *shlex.split(one)])


@pytest.mark.parametrize("crm", BOOKS)
def test_the_command_prints_every_manner_with_a_sentence(crm: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Switches, faults and control calls, and runs nothing."""
    assert main(["--crm", crm, "--manners"]) == 0

    told = dict(row.split(" | ")[::2] for row in _rows(capsys.readouterr().out, 3))
    assert set(told) == {f"| `{one.name}`" for one in fields(BOOKS[crm].switches)}
    assert all(len(says) > 15 for says in told.values())


@pytest.mark.parametrize("crm", BOOKS)
def test_every_fault_and_control_call_is_told(crm: str) -> None:
    """By name, with its keys."""
    told, book = dict(row.split(" | ", 1) for row in _rows(manners(crm), 2)), BOOKS[crm]

    assert set(told) == {f"| `{name}`" for name in [*book.actions, *book.calls, *(f"GET {one}" for one in book.looks)]}
    assert all(f"`{key}`" in told[f"| `{name}`"] for name, call in book.calls.items() for key in known_keys(call))


def _rows(page: str, columns: int) -> list[str]:
    return [line for line in page.splitlines() if line.startswith("| `") and line.count(" | ") == columns - 1]


#: Another value than the default for every switch, as a command line says it.
OTHERWISE = {
    **{
        one.name: "true" if one.default is False else "false"
        for one in fields(Switches)
        if isinstance(one.default, bool)
    },
    **{one.name: "3" for one in fields(Switches) if type(one.default) in (int, float)},
    "throttle_body": "bare",
    "batch_errors": "partial",
    "lifecycle": "any",
    "associations_omitted": "deals,tasks",
    "chaos": "0.5",
    "chaos_of": "locked",
}


@pytest.mark.parametrize("name", [one.name for one in fields(Switches)])
def test_every_switch_is_turned_in_three_places(sandbox: Sandbox, name: str) -> None:
    """Constructor, control path and command line mean the same, and it is not what it was before."""
    value = OTHERWISE[name]
    before = asdict(Switches())
    turned = sandbox.do("switches", {name: value})

    assert turned[name] != before[name]
    assert asdict(Sandbox(**{name: value}).world.switches) == turned
    assert asdict(build(["--people", "0", "--set", f"{name}={value}"]).world.switches) == turned


def test_control_calls_are_made_at_the_start_again_after_a_reset(api: Api) -> None:
    """By the constructor and by the command line; over HTTP the same body does the same."""
    body: dict[str, Any] = {"kind": "contacts", "id": "7", "properties": {"city": "Brno"}}
    text = 'create={"kind": "contacts", "id": "7", "properties": {"city": "Brno"}}'
    api("POST", "/_sandbox/create", body)
    made = Sandbox(controls=[("create", body)])
    made.do("archive", {"kind": "contacts", "id": "7"})
    made.reset()

    told = {"7": {"city": "Brno"}}
    assert api.get("/_sandbox/records/contacts") == told
    assert made.world.snapshot(("contacts",))["contacts"] == told
    assert build(["--people", "0", "--do", text]).world.snapshot(("contacts",))["contacts"] == told


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--do", "dance={}"], "merge"),
        (["--do", "archive={"], "--do archive"),
        (["--do", 'archive={"kind": "contacts", "ids": "1"}'], "unknown key 'ids'"),
        (["--fault", "explode"], "drop_after"),
        (["--fault", "slow latency"], "key=value"),
        (["--fault", "{slow}"], "--fault {slow}"),
        (["--set", "chaos_of=weather"], "edge_error"),
        (["--set", "batch_errors=some"], "partial"),
        (["--set", "burst"], "name=value"),
        (["--set", "chaos=2"], "up to 1"),
        (["--set", "time_grain_ms=0"], "1 or more"),
        (["--do", 'poison={"ids": ["1"]}'], "no record 1"),
        (["--do", 'poison={"ids": [], "status": 500}'], "400 or 409"),
        (["--do", 'robot={"kind": "contacts", "ids": [], "property": "hat", "values": ["x"], "every_s": 1}'], "hat"),
    ],
)
def test_mistakes_on_the_command_line_are_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    """Exit code 64, and what would be right."""
    assert main(["--people", "0", *arguments]) == 64
    assert says in capsys.readouterr().err
