"""
Real input: other people's lead lists and CRM exports, each through an agreement of its own and the real verbs.

The files stand beside the repository and are never part of it; CONNECTOR_REAL_DATA names another folder. Each set
is loaded into a sandbox over real HTTP, written once, and looked at again. Large ones are taken every n-th row.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from connector.agreement import load_agreement
from connector.cli import run
from connector.sandbox import Sandbox, World, stock
from connector.sandbox.columns import load_columns
from connector.sandbox.people_csv import load_files
from connector.sandbox.schema import SINGULAR

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "mappings" / "examples"
DATA = Path(os.environ.get("CONNECTOR_REAL_DATA", ROOT.parent / "shared" / "data"))

TOKEN = "CONNECTOR_REAL_DATA_TOKEN"
CONFIG = """\
[state]
url = "sqlite:///state.db"

[connections.real]
crm = "hubspot"
token = "env:CONNECTOR_REAL_DATA_TOKEN"
base_url = "{url}"
mapping = "{mapping}"
mode = "live"
go_live = "always"
require_approval = false
guard = {{ changes_per_run = 100000, changes_per_day = 100000, max_share = 1.0 }}
budget = {{ share = 1.0, daily_floor = 0 }}
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A data set: which file is which section; of the sampled ones every n-th row is taken."""

    files: Mapping[str, str]
    every: int = 1
    sampled: tuple[str, ...] = ("contacts",)


ACCOUNTS = {
    "course_leads": Account({"contacts": "x_education/leads_train.csv.gz"}, every=10),
    "marketplace_sellers": Account(
        {
            "contacts": "olist_funnel/olist_marketing_qualified_leads_dataset.csv",
            "deals": "olist_funnel/olist_closed_deals_dataset.csv",
        },
        every=12,
    ),
    "crm_export": Account(
        {kind: f"hubspot_dummy/hubspot_{kind}.csv" for kind in ("companies", "contacts", "deals", "activities")}
    ),
    "leads_10000": Account(
        dict.fromkeys(("contacts", "deals"), "datablist/leads-10000.csv.gz"),
        every=12,
        sampled=("contacts", "deals"),
    ),
}
NORTHWIND = "northwind/customers.csv"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an account: exit codes by verb, the report of each run, who was there before and after."""

    codes: Mapping[str, int]
    first: Mapping[str, Any]
    second: Mapping[str, Any]
    again: Mapping[str, Any]  # everybody read and decided a second time
    writes: tuple[int, int]  # records the sandbox counted as written, after the first run and in the end
    before: Mapping[str, Mapping[str, str]]
    world: World

    def left_alone(self) -> set[str]:
        """People whose stage the agreement knows and never touches."""
        return {id for id, one in self.before.items() if one.get("lifecyclestage") in ("evangelist", "other")}

    def contacts(self) -> Mapping[str, Mapping[str, str]]:
        """What every contact holds in the end."""
        return self.world.snapshot(("contacts",))["contacts"]


@cache
def outcome(name: str) -> Outcome:
    """Load, set up, check, write, and look again; once per data set, whichever tests ask."""
    _need(*ACCOUNTS[name].files.values())
    world = World()
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        files = {kind: _taken(ACCOUNTS[name], kind, Path(folder)) for kind in ACCOUNTS[name].files}
        load_files(files, EXAMPLES / name / "sandbox" / "columns.toml", world)
        before = world.snapshot(("contacts",))["contacts"]
        # A generous burst limit: this is about what is written, and waiting for a quota would only take time.
        with Sandbox(world, burst=100_000, associations_burst=100_000) as sandbox:
            patch.setenv(TOKEN, sandbox.hubspot.token)
            config = Path(folder) / "config.toml"
            config.write_text(CONFIG.format(url=sandbox.url, mapping=(EXAMPLES / name).as_posix()), "utf-8")
            codes: dict[str, int] = {}
            codes["setup"], _ = _verb("setup", "--yes", "--config", str(config))
            codes["check"], _ = _verb("check", "--config", str(config))
            codes["backfill"], first = _verb("backfill", "--yes", "--config", str(config))
            written = world.writes
            codes["sync"], second = _verb("sync", "--config", str(config))
            codes["again"], again = _verb("backfill", "--config", str(config))
    return Outcome(codes, first, second, again, (written, world.writes), before, world)


def _verb(*arguments: str) -> tuple[int, Mapping[str, Any]]:
    """One command as it would be typed: its exit code and the object it prints."""
    printed = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(printed, encoding="utf-8", write_through=True)) as stream:
        code = run([*arguments, "--output", "json"])
        stream.flush()
        said = json.loads(printed.getvalue() or b"{}")
    return code, said


def _need(*paths: str) -> None:
    missing = [path for path in paths if not (DATA / path).exists()]
    if missing:
        pytest.skip(f"the public data sets are not beside the repository: no {missing[0]} (CONNECTOR_REAL_DATA)")


def _taken(account: Account, kind: str, folder: Path) -> Path:
    """The file of a section, or a copy with every n-th of its rows."""
    source = DATA / account.files[kind]
    if account.every == 1 or kind not in account.sampled:
        return source
    target = folder / f"{kind}.csv"
    rows = (row for number, row in enumerate(_lines(source)) if number % account.every == 0)  # the header is row 0
    with target.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(rows)
    return target


def _lines(source: Path) -> Iterator[list[str]]:
    with gzip.open(source, "rt", encoding="utf-8") if source.suffix == ".gz" else source.open(encoding="utf-8") as text:
        yield from csv.reader(text)


# -- the job, on every account ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACCOUNTS)
def test_everybody_of_a_real_account_is_read_decided_and_written(name: str) -> None:
    """Setup, check and backfill succeed on data nobody here made up, with no Python but the verbs: only mappings."""
    done = outcome(name)
    people = len(done.before)
    assert people > 600
    assert done.codes == {"setup": 0, "check": 0, "backfill": 0, "sync": 0, "again": 0}
    counts = done.first["counts"]
    assert (counts["read"], counts["decided"], counts["rejected"]) == (people, people, 0)
    left_alone = done.left_alone()
    assert counts["held"] == len(left_alone)
    assert counts["written"] == done.writes[0] == people - len(left_alone)
    assert {id for id, one in done.contacts().items() if not one.get("cx_score_grade")} == left_alone


@pytest.mark.parametrize("name", ACCOUNTS)
def test_the_second_run_on_a_real_account_writes_nothing(name: str) -> None:
    """What changed is met as known, and deciding everybody once more finds nothing: by our count and by the CRM's."""
    done = outcome(name)
    assert (done.second["status"], done.second["counts"]["written"], done.second["counts"]["changed"]) == ("done", 0, 0)
    counts, people = done.again["counts"], len(done.before)
    assert (counts["decided"], counts["unchanged"] + counts["held"]) == (people, people)
    assert done.writes[1] == done.writes[0]


# -- does it make sense ----------------------------------------------------------------------------------------------


def test_the_best_grade_of_course_leads_enrols_more_often_than_the_worst() -> None:
    """The outcome, which no rule has seen, is at least half as frequent again in the top grade as in the bottom."""
    grades: dict[str, list[int]] = defaultdict(list)
    contacts = outcome("course_leads").contacts()
    for row in _tables("course_leads", "contacts"):
        if row["Lead Number"] in contacts:
            grades[contacts[row["Lead Number"]]["cx_score_grade"]].append(int(row["Converted"]))
    rates = {grade: sum(converted) / len(converted) for grade, converted in grades.items()}
    assert len(grades["A1"]) > 50
    assert len(grades["C3"]) > 50
    assert rates["A1"] > 1.5 * rates["C3"]


def test_course_leads_worth_a_call_enrol_more_often_than_the_others() -> None:
    """The stage that costs a caller's time finds those who enrol, not only the grade."""
    enrolled: dict[str, list[int]] = defaultdict(list)
    contacts = outcome("course_leads").contacts()
    for row in _tables("course_leads", "contacts"):
        if row["Lead Number"] in contacts:
            enrolled[contacts[row["Lead Number"]]["cx_stage"]].append(int(row["Converted"]))
    worth, other = enrolled["mql"], enrolled["lead"]
    assert sum(worth) / len(worth) > 1.5 * sum(other) / len(other)


def test_outcome_and_later_opinions_of_course_leads_are_not_in_the_account() -> None:
    """Neither whether somebody enrolled nor what callers noted afterwards can have been an input."""
    section = load_columns(EXAMPLES / "course_leads" / "sandbox" / "columns.toml")["contacts"]
    later = {"Converted", "Tags", "Lead Quality", "Lead Profile", "Last Notable Activity"}
    assert not later & set(section.needed())


def test_every_shop_with_a_won_deal_becomes_a_customer_and_no_other() -> None:
    """A won deal makes its contact a customer in HubSpot's own stage, whatever the score says."""
    contacts = outcome("marketplace_sellers").contacts()
    won = {row["mql_id"] for row in _tables("marketplace_sellers", "deals")}
    customers = {one["mql_id"] for one in contacts.values() if one["lifecyclestage"] == "customer"}
    assert len(customers) > 30
    assert customers == {one["mql_id"] for one in contacts.values()} & won


def test_no_stage_of_an_exported_crm_goes_back() -> None:
    """Stages set by hand in the old CRM are kept or raised by facts; those we do not know are not touched."""
    order = list(stock.STAGES)
    done = outcome("crm_export")
    contacts = done.contacts()
    for id, old in done.before.items():
        before, after = old["lifecyclestage"], contacts[id]["lifecyclestage"]
        assert order.index(after) >= order.index(before)
        if before in ("evangelist", "other"):
            assert after == before


def test_people_with_an_open_deal_in_an_exported_crm_are_at_least_opportunities() -> None:
    """Deals are found through their contact's e-mail address, and speak for it."""
    done = outcome("crm_export")
    contacts, links = done.contacts(), done.world.links
    open_deals = [
        id
        for id, deal in done.world.snapshot(("deals",))["deals"].items()
        if deal["dealstage"] not in ("closedwon", "closedlost")
    ]
    people = {contact for deal in open_deals for contact in links.of("deals", deal, "contacts")}
    stages = {contacts[id]["lifecyclestage"] for id in people}
    assert len(people) > 100
    assert stages <= {"opportunity", "customer", "evangelist", "other"}


def _tables(name: str, kind: str) -> Iterator[Mapping[str, str]]:
    """The rows of a file as they were published, by column."""
    rows = _lines(DATA / ACCOUNTS[name].files[kind])
    header = next(rows)
    return (dict(zip(header, row, strict=True)) for row in rows)


# -- bad input --------------------------------------------------------------------------------------------------------

CUSTOMERS = """
[contacts]
bad_rows = "{bad_rows}"
[contacts.columns]
contactName = "lastname"
companyName = "company"
phone = {{ property = "phone", blank = ["NULL"] }}
[contacts.compose]
email = "{{customerID}}@customers.example"
"""


def test_a_broken_export_is_refused_with_the_line_of_every_bad_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows torn by an unquoted comma stop the import: file and line are named, no cell is quoted, nothing starts."""
    _need(NORTHWIND)
    columns = tmp_path / "columns.toml"
    columns.write_text(CUSTOMERS.format(bad_rows="refuse"), "utf-8")
    code = run(["sandbox", "--people", str(DATA / NORTHWIND), "--columns", str(columns)])
    said = capsys.readouterr().err
    torn = [number for number, row in enumerate(_lines(DATA / NORTHWIND), start=1) if len(row) != 11]
    assert code == 4
    assert all(f"customers.csv:{number}:" in said or f"customers.csv:{number} " in said for number in torn[:20])
    assert not any(row[2] in said for row in _lines(DATA / NORTHWIND) if row[2] != "contactName")


def test_a_broken_export_loads_without_its_bad_rows_when_told_so(tmp_path: Path) -> None:
    """With bad_rows = "skip" the sound rows are there, and each row left out is named."""
    _need(NORTHWIND)
    columns, world = tmp_path / "columns.toml", World()
    columns.write_text(CUSTOMERS.format(bad_rows="skip"), "utf-8")
    loaded = load_files({"contacts": DATA / NORTHWIND}, columns, world)
    assert (loaded.records["contacts"], len(loaded.skipped)) == (67, 24)
    assert not any(contact.get("phone") == "NULL" for contact in world.snapshot(("contacts",))["contacts"].values())


# -- the examples themselves, wherever the data is ------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(folder.name for folder in EXAMPLES.iterdir() if folder.is_dir()))
def test_an_example_asks_only_for_properties_that_its_account_has(name: str) -> None:
    """Every example loads, and what it reads is HubSpot's own, created by its columns file, or ours to create."""
    agreement = load_agreement(EXAMPLES / name)
    sections = load_columns(EXAMPLES / name / "sandbox" / "columns.toml")
    loaded = {column.property for section in sections.values() for column in section.columns}
    for kind, definitions in stock.definitions().items():
        specs = agreement.wiring.fields.get(SINGULAR[kind], {})
        foreign = {one.property for one in specs.values() if not one.property.startswith(agreement.wiring.own_prefix)}
        assert foreign <= set(definitions) | loaded
