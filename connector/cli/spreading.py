"""How a sheet is told: tables on a terminal, one JSON object, CSV, an HTML page; or the ids behind one number."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import orjson

from connector.cli import show
from connector.cli.reporting import put
from connector.errors import UsageError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from connector.report.sheet import Sheet

SheetForm = Literal["text", "json", "html", "csv"]


def tell(one: Sheet, output: SheetForm, place: Path | None, listed: str | None, zone: ZoneInfo) -> None:
    """In the form that is asked for; or only the ids behind one number."""
    if listed is not None:
        _list(one, listed)
    elif output == "html":
        from connector.report.page import sheet_page  # noqa: PLC0415 - text and JSON do without

        put(sheet_page(one, zone).encode(), place, one.kind)
    elif output == "text":
        _as_text(one, place)
    else:
        content = _csv(one) if output == "csv" else _json(one)
        _out(content, place, one.kind)


def _list(one: Sheet, key: str) -> None:
    """The ids behind one number, for a program or a spreadsheet. Raises UsageError for a number that is not there."""
    from connector.agreement.complaints import did_you_mean  # noqa: PLC0415 - --help does without

    figures = {figure.key: figure for figure in one.figures()}
    if key not in figures:
        raise UsageError(f"This report has no number {key}. {did_you_mean(key, figures)}")
    for id in figures[key].people.ids:
        show.out.print(id)


def _csv(one: Sheet) -> bytes:
    from connector.report.sheet import csv_rows  # noqa: PLC0415 - --help does without

    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(csv_rows(one))
    return text.getvalue().encode()


def _json(one: Sheet) -> bytes:
    from connector.report.page import as_json  # noqa: PLC0415 - --help does without

    told = as_json(one)
    for part, kept in zip(one.parts, told["parts"], strict=True):
        names = [name or f"column_{number}" for number, name in enumerate(part.columns, 1)]
        kept["rows"] = [dict(zip(names, row, strict=True)) for row in kept["rows"]]
    return orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z) + b"\n"


def _out(content: bytes, place: Path | None, kind: str) -> None:
    if place is None:
        show.raw(content)
        return
    put(content, place, kind)


def _as_text(one: Sheet, place: Path | None) -> None:
    from rich.text import Text  # noqa: PLC0415 - only for a file

    if place is None:
        _say(one)
        return
    with show.out.capture() as kept:
        _say(one)
    put((Text.from_ansi(kept.get()).plain + "\n").encode(), place, one.kind)


def _say(one: Sheet) -> None:
    show.say(f"{one.title}, {one.when}. Account {one.account}, connection {one.connection}, agreement {one.agreement}.")
    if one.scope:
        show.say(f"Only people within the connection's scope: {one.scope}.")
    if one.headlines:
        show.title("In short")
        for text in one.headlines:
            show.say(text, "●", indent=2)
    for part in one.parts:
        show.title(part.title)
        if part.says:
            show.say(part.says, indent=2)
        show.table(part.columns, [tuple(_cell(cell) for cell in row) for row in part.rows])
    if one.unknown:
        show.title("What these numbers do not know")
        for text in one.unknown:
            show.say(text, "note", indent=2)
    if example := next((figure.key for figure in one.figures() if figure.people.ids), None):
        show.out.print()
        show.say(f"Who is behind a number: --list KEY, for example --list {example}; all of it: --output json or html")


def _cell(cell: object) -> object:
    from connector.report.sheet import Figure  # noqa: PLC0415 - --help does without

    if not isinstance(cell, Figure):
        return cell
    whole = cell.value is not None and cell.unit in ("people", "number") and float(cell.value).is_integer()
    return int(cell.value or 0) if whole and not cell.note else cell.text
