"""What goes wrong for everybody once: each ends with what, where and what to do, the right code, nothing written."""

from __future__ import annotations

import os
import re
import resource
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from connector.sandbox.schema import Definition
from tests.cli.desk import TOKEN, Desk

#: File, what stands there, what somebody typed instead.
FIVE_MISTAKES = (
    ("scoring.toml", "points = 25, label", 'points = "many", label'),
    ("scoring.toml", "between = [200, 1000]", "betwen = [200, 1000]"),
    ("scoring.toml", 'once_per = "day", times_at_most = 3 }', 'once_per = "fortnight", times_at_most = 3 }'),
    ("scoring.toml", 'label = "high intent"', 'lable = "high intent"'),
    ("scoring.toml", "careers_page = { points = -20, ", "careers_page = { pionts = -20, "),
)


def refused(desk: Desk, code: int, *said: str, words: tuple[str, ...] = ("sync", "--yes")) -> None:
    """The command ends with this code, says all this on stderr, and the account is untouched."""
    told = desk(*words)
    assert told.code == code, told.err
    for text in said:
        assert text in told.err
    assert (desk.writes, desk.tasks()) == (0, 0)


# -- the account ------------------------------------------------------------------------------------------------------


def test_a_wrong_token_names_the_setting_and_not_the_token(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """401: the setting, what HubSpot said, what to check; the token itself stays out."""
    monkeypatch.setenv("DESK_TOKEN", "pat-eu1-wrong-secret")
    refused(desk, 1, "connections.acme.token (env:DESK_TOKEN)", "401", "Check that the token is complete")
    assert "wrong-secret" not in desk("check").err


def test_a_token_that_is_not_set_names_the_variable(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty environment: which variable, and that it must hold the secret."""
    monkeypatch.delenv("DESK_TOKEN")
    refused(desk, 4, "DESK_TOKEN", "not set")


def test_a_missing_scope_is_named(desk: Desk) -> None:
    """403: which scope the token lacks, and where to add it."""
    desk.sandbox.hubspot.scopes = frozenset({"crm.objects.contacts.read"})
    refused(desk, 1, "lacks a scope", "crm.schemas")


def test_the_wrong_account_is_not_touched(desk: Desk) -> None:
    """The file names one account, the token opens another: both are told."""
    desk.configure(account='"777"')
    refused(desk, 1, "account is 777", "opens account 4242")


def test_a_state_of_another_account_is_not_used(synced: Desk) -> None:
    """A ledger that belongs to account 4242 is never measured against account 9."""
    before = synced.writes
    with sqlite3.connect(synced.ledger) as database:
        database.execute("UPDATE connections SET account = '9'")
    told = synced("sync")
    assert (told.code, synced.writes) == (1, before)
    assert "This state belongs to account 9" in told.err


def test_an_unknown_property_is_told_with_file_line_and_a_guess(desk: Desk) -> None:
    """`jobtitel` is not there; did you mean `jobtitle`?"""
    places = desk.mapping(("hubspot.toml", 'job_title = "jobtitle"', 'job_title = "jobtitel"'))
    refused(desk, 4, *places, "contact has no property jobtitel", "jobtitle")


def test_an_unknown_option_is_told_with_those_there_are(desk: Desk) -> None:
    """A stage is mapped to an option the account does not have: its options are listed."""
    desk.mapping(("hubspot.toml", 'customer = "customer"', 'customer = "kunde"'))
    refused(desk, 4, "mappings/hubspot.toml", "'kunde', which is no option of lifecyclestage", "Its options:")


def test_a_read_only_property_is_refused_as_a_target(desk: Desk) -> None:
    """What the CRM calculates cannot be written: said before anything is."""
    for definition, what in (
        (Definition("cx_fit_score", "number", calculated=True), "calculated by the CRM"),
        (Definition("cx_fit_score", "number", read_only=True), "read-only"),
    ):
        desk.world.definitions["contacts"]["cx_fit_score"] = definition
        refused(desk, 4, "cx_fit_score is", what, "take the field out of write_back.toml")


def test_missing_properties_of_ours_point_at_setup(desk: Desk) -> None:
    """Our own property is not there yet: run setup."""
    del desk.world.definitions["contacts"]["cx_persona"]
    refused(desk, 4, "contact has no property cx_persona", "connector setup")


# -- the network ---------------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_told_within_seconds(desk: Desk) -> None:
    """Nothing listens: a few tries, then the address and what to check."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        desk.configure(base_url=f'"http://127.0.0.1:{taken.getsockname()[1]}"')
        told = desk("--log-level", "debug", "sync", "--yes")
    waits = re.findall(r"in_seconds=([\d.]+)", told.err)
    assert (told.code, told.out, len(waits)) == (1, "", 2)
    assert "connections.acme.base_url" in told.err
    assert "cannot reach 127.0.0.1" in told.err
    assert sum(float(wait) for wait in waits) < 5


def test_tls_to_a_plain_port_is_told_at_once(desk: Desk) -> None:
    """https where plain http is spoken: no retry helps, so none is made."""
    desk.configure(base_url=f'"{desk.sandbox.url.replace("http:", "https:")}"')
    refused(desk, 1, "connections.acme.base_url", "no trusted TLS connection")


def test_a_page_instead_of_an_api_is_told(desk: Desk) -> None:
    """base_url answers HTML with 200: not the API, is a proxy in between?"""
    desk.sandbox.fault("malformed", times=0)
    refused(desk, 1, "connections.acme.base_url", "not with a JSON object")


def test_too_many_calls_are_no_settings_fault(desk: Desk) -> None:
    """A 429 that does not end during the first calls: what it is, and not where the address stands in the file."""
    desk.sandbox.fault("throttle", times=0)
    told = desk("sync", "--yes")
    assert told.code == 1
    assert "429" in told.err
    assert "connections.acme" not in told.err


# -- the files ------------------------------------------------------------------------------------------------------


def test_five_mistakes_are_told_at_once(desk: Desk) -> None:
    """Five slips in one file come together, each with file, line and key; then their number; no call is made."""
    places = desk.mapping(*FIVE_MISTAKES)
    told = desk("check")
    assert (told.code, told.out) == (4, "")
    assert [place for place in places if place not in told.err] == []
    for key in ("industry.points", "betwen", "once_per", "lable", "pionts"):
        assert key in told.err
    assert "problems; nothing was written." in told.err
    assert sum(desk.sandbox.hubspot.calls.values()) == 0


def test_mistakes_come_as_one_object_where_json_is_asked_for(desk: Desk) -> None:
    """A program finds the same problems in a list."""
    desk.mapping(*FIVE_MISTAKES)
    told = desk("sync", "--output", "json")
    assert (told.code, told.json["status"], told.json["error"]) == (4, "failed", "ConfigError")
    assert len(told.json["problems"]) >= 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[state\n", "config.toml:1"),
        ('[connections.acme]\ncrm = "hubspot"\ntokn = "env:X"\n', "config.toml:3"),
        ('[connections.acme]\ncrm = "hubspot"\ntoken = "pat-eu1-hunter2"\n', "config.toml:3"),
        ("", "connections"),
        ("\x00\x01", "config.toml"),
    ],
)
def test_a_broken_configuration_is_told_with_its_line(desk: Desk, text: str, said: str) -> None:
    """Broken TOML, an unknown key, a secret in the file, nothing at all: 4, and where."""
    desk.config.write_text(text)
    told = desk("sync", "--yes")
    assert (told.code, told.out) == (4, "")
    assert said in told.err
    assert "hunter2" not in told.err


def test_no_configuration_points_at_init(desk: Desk) -> None:
    """No config.toml here: `connector init` writes one."""
    desk.config.unlink()
    refused(desk, 4, "there is no such file", "connector init")


def test_an_unknown_connection_names_those_there_are(desk: Desk) -> None:
    """`--connection nordic` is bad usage; acme is there."""
    refused(desk, 64, "no connection nordic", "acme", words=("sync", "--connection", "nordic"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x00\xff", "it is not JSON"),
        (b"[]", "is no plan"),
        (b'{"plan": 7}', "layout 7"),
        (b'{"plan": 1, "changes": 3}', "damaged"),
        (b'{"plan":1,"as_of":"x","connection":"a","account":"b","fingerprint":"c","changes":{}}', "damaged"),
        (None, "No such file"),
    ],
)
def test_a_plan_file_that_is_garbage_is_told(desk: Desk, content: bytes | None, said: str) -> None:
    """Whatever stands in it: 4, the file, and how to make a plan; no call is made."""
    if content is not None:
        (desk.folder / "plan.json").write_bytes(content)
    refused(desk, 4, "plan.json", said, "connector plan -o FILE", words=("apply", "plan.json", "--yes"))
    assert sum(desk.sandbox.hubspot.calls.values()) == 0


def test_a_plan_that_cannot_be_kept_is_told_before_anybody_is_read(desk: Desk) -> None:
    """-o into a folder that is not there, or onto a folder."""
    for place in ("nowhere/plan.json", "."):
        refused(desk, 4, place, "Choose another place", words=("plan", "-o", place))
    assert sum(desk.sandbox.hubspot.calls.values()) == 0


def test_a_csv_with_a_missing_column_is_told(desk: Desk) -> None:
    """`sandbox --people` names file and column, and nothing starts."""
    (desk.folder / "people.csv").write_text("Mail,Town\nx,y\n")
    (desk.folder / "columns.toml").write_text('[contacts.columns]\n"Mail" = "email"\n"Post" = "jobtitle"\n')
    told = desk("sandbox", "--people", "people.csv", "--columns", "columns.toml", config=False)
    assert (told.code, told.out) == (4, "")
    assert "people.csv" in told.err
    assert "Post" in told.err


@pytest.mark.parametrize("words", [("--bogus",), ("--people", "some.csv"), ("--set", "foo"), ("--set", "foo=1")])
def test_bad_options_of_the_sandbox_are_bad_usage(desk: Desk, words: tuple[str, ...]) -> None:
    """What it cannot do is told with 64; its help is help."""
    told = desk("sandbox", *words, config=False)
    assert (told.code, told.out, bool(told.err)) == (64, "", True)
    helped = desk("sandbox", "--help", config=False)
    assert (helped.code, helped.out.startswith("usage: connector sandbox")) == (0, True)


# -- the state --------------------------------------------------------------------------------------------------------


def _no_database(path: Path) -> None:
    path.write_bytes(b"this is no database, and long enough to be looked at" * 20)


def _newer_schema(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")


def _a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "said"),
    [(_no_database, "not a database"), (_newer_schema, "newer connector"), (_a_folder, "cannot be")],
)
def test_a_state_that_is_none_is_told(desk: Desk, damage: Callable[[Path], None], said: str) -> None:
    """Garbage, a schema of tomorrow, a folder: 1, which state, what to do."""
    desk.without_state()
    damage(desk.ledger)
    refused(desk, 1, said, "state")
    assert desk("status").code == 1


def test_a_state_folder_that_cannot_be_made_is_told(desk: Desk) -> None:
    """The folder of the state is a file: 1, and which state."""
    (desk.folder / "blocked").write_text("")
    text = desk.config.read_text().replace("sqlite:///connector.db", "sqlite:///blocked/connector.db")
    desk.config.write_text(text)
    refused(desk, 1, "blocked/connector.db", "cannot be opened")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_state_folder_is_told(desk: Desk) -> None:
    """No right to write there: 1, and what to check."""
    desk.folder.chmod(0o500)
    try:
        refused(desk, 1, "state")
    finally:
        desk.folder.chmod(0o700)


def test_a_full_disk_writes_nothing_and_the_next_run_goes_on(desk: Desk) -> None:
    """The ledger can grow no further: 1 with what to check; with room again the same command does everything."""
    told = desk.process("sync", "--yes", preexec_fn=_hardly_any_room, env={**os.environ, "DESK_TOKEN": TOKEN})
    assert (told.code, told.out, desk.writes) == (1, "", 0)
    assert "Check free disk space" in told.err
    assert desk("sync", "--yes", "--output", "json").json["counts"]["written"] == 6


def _hardly_any_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_setup_needs_no_scope_for_what_it_does_not_look_at(desk: Desk) -> None:
    """Owners and deals are none of its business; without the properties of contacts it says which scope is missing."""
    del desk.world.definitions["contacts"]["cx_persona"]
    contacts = {"crm.schemas.contacts.read", "crm.schemas.contacts.write", "crm.objects.contacts.read"}
    desk.sandbox.hubspot.scopes = frozenset(contacts)
    made = desk("setup", "--yes", "--output", "json")
    assert (made.code, made.json["created"]) == (0, ["cx_persona"])
    refused(desk, 1, "lacks a scope", "crm.objects.owners.read")

    desk.sandbox.hubspot.scopes = frozenset({"crm.objects.owners.read"})
    shut = desk("setup", "--yes")
    assert (shut.code, "crm.schemas.contacts.read" in shut.err, "owners" in shut.err) == (1, True, False)
