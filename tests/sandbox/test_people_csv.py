"""CSV files become a world, and every mistake in them is told with file and line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from connector.errors import ConfigError
from connector.sandbox import World
from connector.sandbox.__main__ import main
from connector.sandbox.clock import Clock
from connector.sandbox.people_csv import Loaded, load_files
from tests.sandbox.conftest import NINE

COLUMNS = """
[companies.columns]
"Account" = "name"

[contacts]
delimiter = ";"
created = { column = "Since", format = "%d/%m/%Y" }
[contacts.columns]
"Mail" = "email"
"Won" = { property = "lifecyclestage", values = { "1" = "customer", "0" = "lead" } }
"Visits" = { property = "hs_analytics_num_visits", type = "number" }
"Town" = { property = "city", blank = ["Select"] }
"Segment" = { property = "segment", type = "enumeration" }
[contacts.constants]
hs_lead_status = "NEW"
[contacts.compose]
company = "{Account} ({Town})"
[contacts.link]
companies = { column = "Account", property = "name" }

[activities]
kind = { column = "Type", values = { Call = "calls", Lunch = "" } }
[activities.columns]
"When" = { property = "hs_timestamp", type = "datetime" }
[activities.link]
contacts = { column = "Mail", property = "email" }
"""
PEOPLE = "Mail;Won;Visits;Town;Segment;Account;Since\r\nada@company.example;1;3;Select;B;Amber;05/11/2026\r\n"


def loaded(folder: Path, columns: str = COLUMNS, **files: str) -> tuple[World, Loaded]:
    (folder / "columns.toml").write_text(columns, encoding="utf-8")
    for name, text in files.items():
        (folder / f"{name}.csv").write_bytes(text.encode())
    world = World(clock=Clock(NINE))
    paths = {name: folder / f"{name}.csv" for name in files}
    return world, load_files(paths, folder / "columns.toml", world)


def problems(folder: Path, columns: str = COLUMNS, **files: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, columns, **files)
    return str(caught.value)


def test_rows_become_linked_records(tmp_path: Path) -> None:
    """Values are mapped, blanks stay blank, types are made, dates are read, partners are found."""
    world, report = loaded(
        tmp_path,
        companies="Account\nAmber\n",
        contacts=PEOPLE,
        activities="Type,When,Mail\nCall,2026-11-20,ADA@company.example\nLunch,2026-11-20,\n",
    )

    assert world.get("contacts", "1") == {
        "email": "ada@company.example",
        "lifecyclestage": "customer",
        "hs_analytics_num_visits": "3",
        "segment": "B",
        "hs_lead_status": "NEW",
        "company": "Amber (Select)",
    }
    assert report.records == {"companies": 1, "contacts": 1, "calls": 1}
    assert world.links.primary("contacts", "1", "companies") == "1"
    assert list(world.links.of("calls", "1", "contacts")) == ["1"]
    assert [one.value for one in world.definitions["contacts"]["segment"].options] == ["B"]
    row = world.living("contacts", "1")
    assert row is not None
    assert Clock(NINE).now() - row.created_at == (16 * 24 + 9) * 3_600_000


def test_packed_files_with_a_byte_order_mark_load_alike(tmp_path: Path) -> None:
    """`.csv.gz`, BOM and CRLF change nothing."""
    (tmp_path / "columns.toml").write_bytes(b"\xef\xbb\xbf" + COLUMNS.replace("\n", "\r\n").encode())
    packed = tmp_path / "people.csv.gz"
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf" + PEOPLE.encode()))
    world = World(clock=Clock(NINE))
    load_files({"contacts": packed}, tmp_path / "columns.toml", world)

    assert world.get("contacts", "1")["email"] == "ada@company.example"


def test_a_missing_column_names_the_file_and_what_there_is(tmp_path: Path) -> None:
    """Which section wanted it, which file lacks it, which columns it has."""
    told = problems(tmp_path, companies="Name,Town\nAmber,Kiel\n")

    assert told == 'columns.toml, [companies]: companies.csv has no column "Account". Its columns are: Name, Town.'


def test_a_row_with_a_wrong_number_of_cells_is_refused_with_its_line(tmp_path: Path) -> None:
    """The line in the file, the two numbers, and what to do."""
    told = problems(tmp_path, contacts=PEOPLE + "\r\nx;y\r\n")

    assert told.startswith("contacts.csv:4: has 2 cells where the header has 7.")
    assert 'bad_rows = "skip"' in told


def test_such_rows_are_skipped_and_reported_when_asked(tmp_path: Path) -> None:
    """`bad_rows = "skip"` keeps the others."""
    columns = COLUMNS.replace('delimiter = ";"', 'delimiter = ";"\nbad_rows = "skip"')

    world, report = loaded(tmp_path, columns, contacts=PEOPLE + "x;y\r\n")

    assert world.count("contacts") == 1
    assert [problem.where for problem in report.skipped] == ["contacts.csv:3"]


def test_values_that_do_not_fit_are_told_without_quoting_them(tmp_path: Path) -> None:
    """A number that is none and an unknown option: file, line, column and property, never the cell."""
    told = problems(tmp_path, contacts=PEOPLE.replace(";1;3;", ";7;many;"))

    assert 'contacts.csv:2: column "Won" does not fit property lifecyclestage (enumeration).' in told
    assert 'column "Visits" does not fit property hs_analytics_num_visits (number).' in told
    assert "many" not in told


def test_all_mistakes_of_a_columns_file_are_told_at_once(tmp_path: Path) -> None:
    """Unknown section, key and type, a kind that is none."""
    wrong = (
        '[people]\n[activities]\n[contacts]\nseparator = ";"\n[contacts.columns]\nA = {property = "a", type = "int"}'
    )

    told = problems(tmp_path, wrong, contacts="A\n1\n")

    assert len(told.splitlines()) == 4
    for part in ("[people]: is no section", "activities] kind", "unknown key 'separator'", "type 'int' is unknown"):
        assert part in told


def test_the_command_line_ends_with_code_4_and_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there is told on stderr."""
    columns = tmp_path / "columns.toml"
    columns.write_text(COLUMNS, encoding="utf-8")

    assert main(["--people", str(tmp_path / "none.csv"), "--columns", str(columns)]) == 4
    assert "none.csv: cannot be read" in capsys.readouterr().err
    assert main(["--people", "none.csv"]) == 64
