"""
The numbers of an agreement as a spreadsheet, and back: comma or semicolon, whatever a spreadsheet made of it.

One row is one number. `was` is the number at the export: a row whose value is still what it was changes nothing, and
one that both the spreadsheet and the files changed since is refused rather than decided here. Rows and columns may
come back in any order, and rows may be left out.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from connector.agreement.complaints import did_you_mean
from connector.agreement.numbers import Number, literal
from connector.agreement.sentences import Sentence
from connector.agreement.words import fold, label_of
from connector.errors import ConfigError, Problem
from connector.toml_file import KeyPath

#: The columns of an export; those that an import cannot do without, and the one it uses where it is there.
COLUMNS = ("file", "path", "label", "value", "was", "means")
NEEDED = ("file", "path", "value")
WAS = "was"

_SEPARATORS = (",", ";", "\t")
_AGAIN = "Make a new one: connector agreement export"

#: Beginnings by which a spreadsheet takes text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_DIGITS = re.compile(r"[+-]?(\d+|\d{1,3}( \d{3})+)([.,]\d+)?([eE][+-]?\d{1,3})?")
_GROUPED = re.compile(r"([+-]?\d{1,3})((?:[.,]\d{3})+)([.,])(\d+)")
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([.,])\d{3}(\1\d{3})+")
_SPACES = re.compile("[\u00a0\u202f\u2009' ]")


# -- out ------------------------------------------------------------------------------------------------------------


def export(found: Iterable[Number], sentences: Sequence[Sentence], separator: str) -> bytes:
    """The numbers as a file that a spreadsheet opens: with a semicolon, decimals have a comma."""
    said = {one.path: one.text for one in sentences}
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in found:
        shown = _shown(one.value, separator)
        writer.writerow([one.file, _safe(one.path), _safe(_label(one)), shown, shown, _safe(_means(one, said))])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _shown(value: float, separator: str) -> str:
    plain = literal(value)
    return plain.replace(".", ",") if separator == ";" else plain


def _safe(text: str) -> str:
    """Text that no spreadsheet runs as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _label(one: Number) -> str:
    last = one.keys[-3:] if one.keys[-1].isdigit() else one.keys[-2:]
    return ": ".join(map(label_of, last))


def _means(one: Number, said: Mapping[str, str]) -> str:
    """The sentence of the rule that the number belongs to: the longest path that has one, else those of its table."""
    paths = (".".join(one.keys[:end]) for end in range(len(one.keys), 0, -1))
    of_table = " ".join(text for path, text in said.items() if path.startswith(f"{one.keys[0]}."))
    return next((said[path] for path in paths if path in said), of_table)


# -- in -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edit:
    """One number that the spreadsheet changes; `line` is the spreadsheet's."""

    number: Number
    value: float
    line: int


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: Mapping[str, str]


def read(raw: bytes, name: str, found: Sequence[Number]) -> tuple[Edit, ...]:
    """What the spreadsheet changes. Raises ConfigError with everything that is wrong with it."""
    problems: list[Problem] = []
    known = {(one.file, one.path): one for one in found}
    edits: dict[tuple[str, KeyPath], Edit] = {}
    seen: dict[tuple[str, str], int] = {}
    for row in _rows(_text(raw), name, problems):
        place = (row.cells["file"], row.cells["path"].removeprefix("'"))
        where = f"{name}:{row.line}, {place[1]}"
        number = known.get(place)
        if number is None:
            problems.append(Problem(f"{name}:{row.line}", *_unknown(*place, found)))
        elif place in seen:
            what = f"is there twice: line {seen[place]} says it too."
            problems.append(Problem(where, what, "Remove one of the two rows."))
        else:
            edit = _edit(row, number, where, problems)
            if edit is not None:
                edits[number.file, number.keys] = edit
        seen.setdefault(place, row.line)
    if problems:
        raise ConfigError(problems)
    return tuple(edits.values())


def _edit(row: _Row, number: Number, where: str, problems: list[Problem]) -> Edit | None:
    """The change of one row, or None where it changes nothing or something is wrong with it."""
    if row.cells["value"] == row.cells.get(WAS):
        return None
    value = _number(row.cells["value"], where, problems, expected=number.value)
    was = None
    if row.cells.get(WAS):
        was = _number(row.cells[WAS], f"{where}, {WAS}", problems, expected=number.value)
    if value is None or value in (number.value, was):
        return None
    if was is not None and was != number.value:
        what = f"is {literal(value)} here and {literal(number.value)} in {number.file} by now; it was {literal(was)}."
        problems.append(Problem(where, what, f"Agree on one of them. {_AGAIN}"))
        return None
    return Edit(number, value, row.line)


def _unknown(file: str, path: str, found: Sequence[Number]) -> tuple[str, str]:
    files = {one.file for one in found}
    if file not in files:
        return f'there are no numbers in a file "{file}".', did_you_mean(file, files)
    what = f'there is no number "{path}" in {file}.'
    return what, did_you_mean(path, [one.path for one in found if one.file == file])


def _text(raw: bytes) -> str:
    """As spreadsheets save it: UTF-8 with or without a mark, "Unicode text", or the code page of a Windows PC, whose
    letters stand in columns that nobody reads back."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _rows(text: str, name: str, problems: list[Problem]) -> Iterator[_Row]:
    """The rows by the names of their columns; what is wrong with the table itself is told first."""
    lines = text.splitlines(keepends=True)
    first = 1 if lines and fold(lines[0]).startswith("sep") and len(lines[0].strip()) <= len('"sep=;"') else 0
    header = lines[first] if len(lines) > first else ""
    separator = max(_SEPARATORS, key=header.count)
    reader = csv.reader(io.StringIO("".join(lines[first:]), newline=""), delimiter=separator)
    try:
        columns = [fold(each) for each in next(reader, [])]
        if not _columns(columns, f"{name}:{first + 1}", problems):
            return
        started = reader.line_num
        for cells in reader:
            line, started = first + started + 1, reader.line_num
            if not any(each.strip() for each in cells):
                continue
            if len(cells) < len(columns) and any(columns[at] in NEEDED for at in range(len(cells), len(columns))):
                what = f"has {len(cells)} cells, and the first line names {len(columns)} columns."
                problems.append(Problem(f"{name}:{line}", what, "Look at the quotes and separators of this row."))
                continue
            yield _Row(line, {column: cell.strip() for column, cell in zip(columns, cells, strict=False)})
    except csv.Error as error:
        problems.append(Problem(f"{name}:{first + reader.line_num}", f"is no CSV: {error}.", _AGAIN))


def _columns(columns: Sequence[str], where: str, problems: list[Problem]) -> bool:
    """Whether the first line names what is needed, each once."""
    known = len(problems)
    if not any(columns):
        problems.append(Problem(where, "is empty.", _AGAIN))
        return False
    for needed in NEEDED:
        if needed not in columns:
            fix = f"The first line names the columns: {', '.join(COLUMNS)}. {_AGAIN}"
            problems.append(Problem(where, f'the column "{needed}" is missing.', fix))
    problems += [
        Problem(where, f'the column "{each}" is there twice.', "Remove one of them.")
        for each in (*NEEDED, WAS)
        if columns.count(each) > 1
    ]
    return len(problems) == known


def _number(cell: str, where: str, problems: list[Problem], *, expected: float) -> float | None:
    """A number as people in different countries and their spreadsheets write it; what may be read in two ways is the
    number that is `expected`, or refused."""
    said = cell.replace("\u2212", "-")
    plain = _SPACES.sub(" ", said)
    if not said:
        what, fix = "has no value.", "Write a number, or remove the row; a rule is removed in its file."
    elif _DIGITS.fullmatch(plain) and not _AMBIGUOUS.fullmatch(plain):
        return float(plain.replace(" ", "").replace(",", "."))
    elif (parts := _GROUPED.fullmatch(plain)) and parts[3] not in parts[2]:
        return float(f"{parts[1]}{re.sub('[.,]', '', parts[2])}.{parts[4]}")
    elif _THOUSANDS.fullmatch(plain):
        return float(re.sub("[.,]", "", plain))
    elif _AMBIGUOUS.fullmatch(plain) and expected in (readings := _readings(plain)):
        return readings[readings.index(expected)]
    elif said.startswith(_FORMULA):
        what, fix = "holds a formula.", "Put the number itself into the cell."
    elif _AMBIGUOUS.fullmatch(plain):
        whole, fraction = map(literal, _readings(plain))
        what, fix = f'"{cell}" may mean {whole} or {fraction}.', f"Write {whole}, or {fraction}."
    else:
        what, fix = f'"{cell[:40]}" is no number.', "Write digits only, with a point or a comma for decimals."
    problems.append(Problem(where, what, fix))
    return None


def _readings(plain: str) -> tuple[float, float]:
    """One separator and three digits: thousands, or a fraction."""
    return float(re.sub("[.,]", "", plain)), float(plain.replace(",", "."))
