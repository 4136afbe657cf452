"""The first hour: help, init, schema, check, discover, setup."""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector import __version__, cli
from connector.agreement import load_agreement
from connector.cli.account import _cost
from connector.sandbox import Sandbox
from connector.sandbox.workflows import Workflow
from connector.survey import FirstRead
from tests.cli.desk import TOKEN, Desk, account, shipped


def test_help_lists_every_verb_with_a_whole_sentence(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """`connector --help` names the verbs in the order one meets them, and no sentence is cut off."""
    monkeypatch.setenv("COLUMNS", "80")
    told = desk("--help", config=False)
    verbs = ["demo", "init", "check", "discover", "setup", "plan", "apply", "sync", "backfill", "status", "runs"]
    verbs += ["explain", "rejects", "holds", "sandbox", "schema"]
    lines = [line.split(maxsplit=1) for line in told.out.splitlines() if line.startswith("  ")]
    listed = [words for words in lines if words and words[0] in verbs]
    assert (told.code, [words[0] for words in listed]) == (0, verbs)
    assert all(words[1].endswith(".") and "..." not in words[1] for words in listed)


@pytest.mark.parametrize("group", ["agreement", "report"])
def test_the_verbs_below_a_verb_are_told_in_whole_sentences_too(
    desk: Desk, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is cut off, however narrow the terminal."""
    monkeypatch.setenv("COLUMNS", "60")
    told = desk(group, "--help", config=False)
    assert told.code == 0
    assert "..." not in told.out.split("Verbs:")[1]
    assert all(name in told.out for name in (("approve", "diff") if group == "agreement" else ("scorecard", "sla")))


def test_a_wrong_option_points_at_the_help_of_its_own_verb(desk: Desk) -> None:
    """And is told in our words."""
    told = desk("agreement", "approve", "--as", "boss", "--name", "Ann", config=False)
    assert told.code == 64
    assert told.err.strip() == (
        "✗ Invalid value for '--as': 'boss' is not one of 'marketing', 'sales', 'admin'."
        " See: connector agreement approve --help"
    )


def test_version_is_printed(desk: Desk) -> None:
    """`connector --version` says which one this is."""
    told = desk("--version", config=False)
    assert (told.code, told.out) == (0, f"connector {__version__}\n")


@pytest.mark.parametrize("words", [("snyc",), ("sync", "--nope"), ("sync", "--output", "yaml"), ("explain",), ()])
def test_what_is_not_there_is_bad_usage(desk: Desk, words: tuple[str, ...]) -> None:
    """An unknown verb or option, a missing argument, or nothing at all ends with 64 and points at the help."""
    told = desk(*words, config=False)
    assert (told.code, told.out) == (64, "")
    assert "--help" in told.err


def test_init_writes_what_check_can_read_and_never_overwrites(desk: Desk) -> None:
    """`init` lays out a configuration that only observes and a whole agreement; a second time it refuses."""
    told = desk("init", "new", config=False)
    config = desk.folder / "new" / "config.toml"
    assert told.code == 0
    assert tomllib.loads(config.read_text())["connections"]["acme"]["mode"] == "observe"
    assert load_agreement(desk.folder / "new" / "mappings").fingerprint == shipped().fingerprint
    config.write_text("mine")
    again = desk("init", "new", config=False)
    assert (again.code, again.out, config.read_text()) == (64, "", "mine")
    assert "config.toml exists already" in again.err


def test_schemas_come_as_one_object_or_as_files(desk: Desk) -> None:
    """`schema` prints the JSON Schemas of the mapping files, or writes one file each."""
    printed = desk("schema", config=False)
    written = desk("schema", "schemas", config=False)
    files = {path.name.removesuffix(".schema.json") for path in Path("schemas").iterdir()}
    assert (printed.code, written.code) == (0, 0)
    assert set(printed.json) == files
    assert {"scoring", "lifecycle"} <= files


def test_check_proves_a_healthy_account_and_writes_nothing(desk: Desk) -> None:
    """Token, account, agreement and the cost of the first read are told; exit 0, no write, no ledger."""
    desk.without_state()
    told = desk("check")
    assert told.code == 0
    assert "token accepted; account 4242" in told.out
    assert "everything fits" in told.out
    assert (desk.writes, desk.ledger.exists()) == (0, False)


def test_check_as_json_carries_problems_and_cost(desk: Desk) -> None:
    """`check --output json` is one object with problems, remarks, signals and the price of the first read."""
    told = desk("check", "--output", "json")
    keys = {"connection", "account", "status", "problems", "remarks", "first_read", "signals", "unseen", "automations"}
    keys |= {"signatures", "told", "bulk"}
    assert set(told.json) == keys
    assert (told.code, told.json["status"], told.json["problems"]) == (0, "done", [])
    assert told.json["first_read"]["records"] == 7


def test_check_compares_the_clocks_as_runs_do(desk: Desk) -> None:
    """Half an hour ahead of the account's: nothing that stops a run, and what goes by this machine's clock is told."""
    desk.sandbox.switch(tells_time=True)
    desk.world.clock.set(datetime.now(UTC) - timedelta(minutes=30))
    told = desk("check")
    assert told.code == 0
    assert "its clock is 30 min ahead of the CRM's" in " ".join(told.out.split())
    desk.world.clock.set(datetime.now(UTC))
    assert "clock" not in desk("check").out


def test_check_counts_the_people_behind_an_option_nobody_mapped(desk: Desk) -> None:
    """A stage that people stand in and the mapping does not name is a problem with their number."""
    desk.mapping(("hubspot.toml", 'stage = ["evangelist", "other"]', 'stage = ["other"]'))
    desk.world.edit("contacts", "6", {"lifecyclestage": "evangelist"})
    told = desk("check")
    assert told.code == 4
    assert "1 person has lifecyclestage = 'evangelist'" in told.out
    assert 'leave_alone.stage = ["evangelist"]' in told.out


def test_discover_tells_what_is_mapped(desk: Desk) -> None:
    """Properties stand beside the field they are mapped to; deal stages and owners follow."""
    told = desk("discover", "--output", "json")
    contact = {one["property"]: one["field"] for one in told.json["properties"]["contact"]}
    assert (told.code, contact["jobtitle"], contact["website"]) == (0, "job_title", None)
    assert {"id": "501", "active": True} in told.json["owners"]
    assert desk("discover").code == 0


def test_setup_asks_then_creates_then_has_nothing_left(desk: Desk) -> None:
    """Without a terminal `setup` wants --yes; with it every property is created; a second time nothing is."""
    with Sandbox(account(with_own=False), token=TOKEN, burst=10_000) as bare:
        desk.configure(base_url=f'"{bare.url}"')
        before = set(bare.world.definitions["contacts"])
        asked = desk("setup")
        assert (asked.code, set(bare.world.definitions["contacts"])) == (64, before)
        assert "--yes" in asked.err
        done = desk("setup", "--yes", "--output", "json")
        assert (done.code, len(done.json["created"])) == (0, len(shipped().wiring.own))
        assert set(bare.world.definitions["contacts"]) - before == {one.property for one in shipped().wiring.own}
        again = desk("setup")
        assert (again.code, again.err) == (0, "")
        assert "Nothing is missing" in again.out


def test_state_and_plan_files_are_for_their_owner_only(desk: Desk) -> None:
    """Whatever the umask says: ledger and plan file are 0600 (G14)."""
    before = os.umask(0)
    try:
        desk("plan", "-o", "plan.json")
    finally:
        os.umask(before)
    files = [path for path in desk.folder.iterdir() if path.name.startswith(("connector.db", "plan.json"))]
    assert {"connector.db", "plan.json"} <= {path.name for path in files}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert json.loads((desk.folder / "plan.json").read_text())["plan"] == 1


def test_check_names_the_automations_that_set_what_we_write(desk: Desk) -> None:
    """One that is on is remarked with its id and name; without the scope it is said which scope would show them."""
    desk.world.add_workflow(Workflow("77", "Raise", "jobtitle", None, "lifecyclestage", "customer"))
    desk.world.add_workflow(Workflow("78", "Tag", "jobtitle", None, "city", "x"))
    told = desk("check", "--output", "json").json
    assert told["automations"] == {
        "known": True,
        "unknown": None,
        "found": [{"id": "77", "name": "Raise", "property": "lifecyclestage", "enabled": True}],
    }
    assert any(one.startswith("automation 77, 'Raise'") for one in told["remarks"])
    kinds = ("contacts", "companies", "deals", "owners")
    read = (*(f"crm.objects.{kind}.read" for kind in kinds), "crm.schemas.contacts.read", "crm.lists.read")
    desk.sandbox.hubspot.scopes = frozenset({*read, "forms", "sales-email-read"})
    assert "the scope automation would show them" in desk("check").out


@pytest.mark.parametrize(
    ("minutes", "said"), [(0.2, "under a minute"), (90, "about 90 minutes"), (600, "about 10.0 hours")]
)
def test_the_first_read_is_told_in_minutes_or_hours(minutes: float, said: str) -> None:
    """Ten hours are not 600 minutes, and a share of the day and how far back it goes stand beside them."""
    back = datetime(2018, 3, 1, tzinfo=UTC)
    told = _cost(FirstRead({"contact": 1}, 1, 1, minutes, 0.5, back))
    assert told.endswith(f"{said}, 50.0% of the day's quota; it goes back to 2018-03-01")


def test_the_list_of_files_at_the_door_of_the_command_line_is_complete() -> None:
    """Whoever looks for a verb, or for how something is told, finds the file there."""
    folder = Path(cli.__file__).parent
    named = re.findall(r"^    (\w+(?:\.py|/)) ", cli.__doc__ or "", re.MULTILINE)
    rooms = [f"{path.parent.name}/" for path in folder.glob("*/__init__.py")]

    assert sorted(named) == sorted([*rooms, *(path.name for path in folder.glob("*.py"))])
