"""The numbers of an agreement in a spreadsheet, and back."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from connector.agreement import load_agreement
from connector.agreement.numbers import Number, edited, numbers, with_numbers
from connector.agreement.rules_csv import COLUMNS, export, read
from connector.agreement.sentences import read_back
from connector.errors import ConfigError
from tests.agreement.conftest import SHIPPED, Folder

FOLDERS = [SHIPPED, *sorted(path for path in (SHIPPED / "examples").glob("*") if (path / "scoring.toml").exists())]


def exported(folder: Path, separator: str) -> bytes:
    return export(numbers(folder), read_back(load_agreement(folder)), separator)


def table(raw: bytes, separator: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(raw.decode("utf-8-sig")), delimiter=separator))


def saved(rows: list[list[str]], separator: str, *, quoting: int = csv.QUOTE_MINIMAL, ending: str = "\r\n") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, quoting=quoting, lineterminator=ending).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue()


def by_path(folder: Path, path: str) -> Number:
    return next(one for one in numbers(folder) if one.path == path)


SAVINGS: dict[str, Callable[[list[list[str]], str], bytes]] = {
    "as it was made": lambda rows, separator: b"\xef\xbb\xbf" + saved(rows, separator).encode(),
    "without a mark": lambda rows, separator: saved(rows, separator, ending="\n").encode(),
    "every cell quoted": lambda rows, separator: saved(rows, separator, quoting=csv.QUOTE_ALL).encode(),
    "in a Windows code page": lambda rows, separator: saved(rows, separator).encode("cp1252", errors="replace"),
    "as Unicode text": lambda rows, _: saved(rows, "\t").encode("utf-16"),
    "with a separator line": lambda rows, separator: (f"sep={separator}\r\n" + saved(rows, separator)).encode(),
    "with other rows first": lambda rows, separator: saved([rows[0], *reversed(rows[1:])], separator).encode(),
    "with other columns first": lambda rows, separator: saved([row[::-1] for row in rows], separator).encode(),
    "with empty lines": lambda rows, separator: saved([*rows, [""] * len(rows[0]), []], separator).encode(),
    "without what it was": lambda rows, separator: saved([[*row[:4], row[5]] for row in rows], separator).encode(),
    "with points for commas": lambda rows, _: saved(
        [rows[0], *([*row[:3], *(cell.replace(",", ".") for cell in row[3:5]), row[5]] for row in rows[1:])], ";"
    ).encode(),
}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("saving", SAVINGS)
def test_an_untouched_export_imports_as_nothing_however_it_was_saved(folder: Path, separator: str, saving: str) -> None:
    found = numbers(folder)
    rows = table(exported(folder, separator), separator)
    assert len(rows) == len(found) + 1 > 10

    assert read(SAVINGS[saving](rows, separator), "rules.csv", found) == ()


def test_every_row_says_what_its_number_means() -> None:
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in table(exported(SHIPPED, ","), ",")[1:]]

    silent = [row["path"] for row in rows if not row["means"]]
    assert silent == []
    price = next(row for row in rows if row["path"] == "engagement.high_intent.pricing_page.points")
    assert (price["file"], price["label"], price["value"]) == ("scoring.toml", "pricing page: points", "15")
    assert "15 points" in price["means"]
    threshold = next(row for row in rows if row["path"] == "stages.mql.enter_when.engagement_at_least")
    assert "40" in threshold["means"]


def test_the_numbers_that_both_sides_argue_about_are_all_there() -> None:
    found = {(one.file, one.path) for one in numbers(SHIPPED)}

    assert found >= {
        ("scoring.toml", "engagement.high_intent.pricing_page.points"),
        ("scoring.toml", "engagement.high_intent.pricing_page.times_at_most"),
        ("scoring.toml", "engagement.high_intent.group_total_at_most"),
        ("scoring.toml", "engagement.high_intent.points_halve_every_days"),
        ("lifecycle.toml", "stages.mql.enter_when.fit_at_least"),
        ("lifecycle.toml", "statuses.bad_timing.wait_days"),
        ("attempts.toml", "gap_minutes"),
        ("agreement.toml", "sla.fast.first_attempt_within_hours"),
        ("agreement.toml", "goals.mqls.at_least"),
    }
    assert not any(one.path.startswith("fiscal_year") for one in numbers(SHIPPED))


PRICE = "engagement.high_intent.pricing_page.points"


def one_row(value: str, was: str = "15", path: str = PRICE, file: str = "scoring.toml") -> bytes:
    return saved([["file", "path", "value", "was"], [file, path, value, was]], ";").encode()


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        *[("17", 17), ("17,5", 17.5), ("17.5", 17.5), ("-3", -3), ("+3", 3), ("\u22123", -3), ("0,125", 0.125)],
        *[("1 000", 1000), ("1\u00a0000,5", 1000.5), ("1'000.5", 1000.5), ("1.000,50", 1000.5), ("1,000.50", 1000.5)],
        *[("1.000.000", 1_000_000), ("1E+05", 100_000), (" 17 ", 17), ("17.0", 17)],
    ],
)
def test_a_number_is_understood_as_its_country_writes_it(cell: str, value: float) -> None:
    (edit,) = read(one_row(cell), "rules.csv", numbers(SHIPPED))

    assert (edit.number.path, edit.value, edit.line) == (PRICE, value, 2)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (one_row("=A1*2"), "rules.csv:2, {path}: holds a formula. Put the number itself into the cell."),
        (one_row("@SUM(A1)"), "rules.csv:2, {path}: holds a formula."),
        (one_row("-A1"), "rules.csv:2, {path}: holds a formula."),
        (one_row(""), "rules.csv:2, {path}: has no value. Write a number, or remove the row"),
        (one_row("lots"), 'rules.csv:2, {path}: "lots" is no number.'),
        (one_row("15.Jan"), 'rules.csv:2, {path}: "15.Jan" is no number.'),
        (one_row("nan"), 'rules.csv:2, {path}: "nan" is no number.'),
        (one_row("50%"), 'rules.csv:2, {path}: "50%" is no number.'),
        (one_row("1.500"), 'rules.csv:2, {path}: "1.500" may mean 1500 or 1.5. Write 1500, or 1.5.'),
        (one_row("17", was="14"), "rules.csv:2, {path}: is 17 here and 15 in scoring.toml by now; it was 14. Agree"),
        (
            one_row("17", path="engagement.high_intent.price_page.points"),
            'rules.csv:2: there is no number "engagement.',
        ),
        (one_row("17", file="scores.toml"), 'rules.csv:2: there are no numbers in a file "scores.toml". Did you mean'),
        (one_row("17") + one_row("18").split(b"\r\n", 1)[1], "rules.csv:3, {path}: is there twice: line 2 says it"),
        (b"file;path\r\nscoring.toml;a\r\n", 'rules.csv:1: the column "value" is missing. The first line names'),
        (b"file;path;value;value\r\n", 'rules.csv:1: the column "value" is there twice.'),
        (b"file;path;value\r\nscoring.toml;a\r\n", "rules.csv:2: has 2 cells, and the first line names 3 columns."),
        (b"", "rules.csv:1: is empty. Make a new one: connector agreement export"),
        (b"PK\x03\x04\x00\x00\x00", 'rules.csv:1: the column "file" is missing.'),
    ],
)
def test_what_cannot_be_taken_over_is_told_with_its_line_and_what_to_do(raw: bytes, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(raw, "rules.csv", numbers(SHIPPED))

    assert str(caught.value.problems[0]).startswith(told.format(path=PRICE))


def test_all_problems_are_told_in_one_go() -> None:
    rows = table(exported(SHIPPED, ";"), ";")
    for line, cell in ((3, "=B2"), (5, "many"), (9, "1.500")):
        rows[line - 1][3] = cell
    rows[10][1] = "fit.nobody.points"

    with pytest.raises(ConfigError) as caught:
        read(saved(rows, ";").encode(), "rules.csv", numbers(SHIPPED))

    assert [str(one).partition(",")[0].partition(": ")[0] for one in caught.value.problems] == [
        f"rules.csv:{line}" for line in (3, 5, 9, 11)
    ]


def test_text_that_a_spreadsheet_would_run_is_made_harmless_and_found_again(folder: Folder) -> None:
    folder.add("scoring.toml", '\n[fit."=HYPERLINK(1)"]\nlabel_one = { field = "country", is = "x", points = 3 }\n')
    (folder.path / "plain").mkdir()
    found = numbers(folder.path)
    rows = table(export(found, (), ","), ",")

    assert not [cell for row in rows for cell in row if cell.startswith("=")]
    mine = next(row for row in rows if "HYPERLINK" in row[1])
    mine[3] = "4"
    (edit,) = read(saved(rows, ",").encode(), "rules.csv", found)
    assert edit.value == 4


def test_only_the_digits_of_a_changed_number_change(folder: Folder) -> None:
    before = (folder.path / "scoring.toml").read_bytes()
    one = by_path(folder.path, PRICE)

    (name, after), *_ = with_numbers(folder.path, {(one.file, one.keys): 17.5}).items()

    assert name == "scoring.toml"
    assert after == before.replace(b"pricing_page = { points = 15,", b"pricing_page = { points = 17.5,")
    assert after != before


def test_any_numbers_changed_in_files_of_any_making_leave_every_other_byte(folder: Folder) -> None:
    """A law: comments, order, line endings, marks and all other values stay; changing back gives the same bytes."""
    chance = random.Random(7)
    made: list[Callable[[bytes], bytes]] = [
        lambda raw: raw,
        lambda raw: raw.replace(b"\n", b"\r\n"),
        lambda raw: b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n", 9),
    ]
    for file in {one.file for one in numbers(folder.path)}:
        plain = (folder.path / file).read_bytes()
        for make in made:
            raw = make("# Łódź, 5 = five\n".encode() + plain)
            (folder.path / file).write_bytes(raw)
            mine = [one for one in numbers(folder.path) if one.file == file]
            some = chance.sample(mine, k=(len(mine) + 1) // 2)
            after = edited(raw, {one.keys: one.value + 3 for one in some})
            assert after.count(b"\r\n") == raw.count(b"\r\n")
            assert after.count(b"#") == raw.count(b"#")
            assert edited(after, {one.keys: one.value for one in some}) == raw
        (folder.path / file).write_bytes(plain)


def test_a_number_keeps_the_manner_in_which_it_was_written() -> None:
    raw = b"a = 0.5 # half\nb = [1, 2_000]\n"

    assert edited(raw, {("a",): 1, ("b", "1"): 3000}) == b"a = 1.0 # half\nb = [1, 3_000]\n"
