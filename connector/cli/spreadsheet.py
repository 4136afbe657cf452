"""The verbs agreement export and agreement import: the numbers of the rules in a spreadsheet, and back as a diff."""

from __future__ import annotations

import difflib
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connector.cli import show
from connector.cli.app import CONFIG, ConfigOption, ConnectionOption, Output, OutputOption, agreements
from connector.cli.opening import Chosen, choose
from connector.errors import ConfigError, Problem, UsageError

if TYPE_CHECKING:
    from connector.agreement.rules_csv import Edit

_SEPARATORS = (",", ";")


@agreements.command("export")
def agreement_export(
    file: Annotated[Path | None, typer.Option("-o", "--out", help="Where to write it; default: stdout.")] = None,
    separator: Annotated[
        str, typer.Option("--separator", help='"," with decimal points, or ";" with decimal commas.')
    ] = ",",
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
) -> None:
    """All numbers of the rules as CSV for a spreadsheet: points, limits, days, thresholds, hours, goals."""
    from connector.agreement.numbers import numbers  # noqa: PLC0415 - --help does without
    from connector.agreement.rules_csv import export  # noqa: PLC0415 - the same
    from connector.agreement.sentences import read_back  # noqa: PLC0415 - the same

    if separator not in _SEPARATORS:
        raise UsageError(f'--separator is "," or ";", not "{separator}".')
    chosen = choose(config, connection)
    found = numbers(chosen.connection.mapping)
    content = export(found, read_back(chosen.agreement), separator)
    if file is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    _save(file, content)
    show.say(f"{file}: {len(found)} numbers; change the column value, then: connector agreement import {file}", "✓")


def _save(file: Path, content: bytes) -> None:
    from connector.agreement.saving import replace_files  # noqa: PLC0415 - --help does without

    if file.is_dir():
        raise UsageError(f"{file} is a folder; name a file with -o.")
    replace_files(file.parent, {file.name: content})


@agreements.command("import")
def agreement_import(
    file: Annotated[Path, typer.Argument(help="The CSV file that `connector agreement export` made.")],
    write: Annotated[bool, typer.Option("--write", help="Change the files; otherwise only show the diff.")] = False,
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
) -> None:
    """Show what a changed export changes in the files, as a diff, and with --write change them."""
    from connector.agreement.numbers import numbers, with_numbers  # noqa: PLC0415 - --help does without
    from connector.agreement.rules_csv import read  # noqa: PLC0415 - the same
    from connector.agreement.saving import replace_files  # noqa: PLC0415 - the same
    from connector.config import shipped_mappings  # noqa: PLC0415 - the same

    chosen = choose(config, connection)
    folder = chosen.connection.mapping
    if write and folder == shipped_mappings():
        raise UsageError("The agreement that comes with the program is not changed; copy it first: connector init")
    edits = read(_bytes(file), str(file), numbers(folder))
    contents = with_numbers(folder, {(one.number.file, one.number.keys): one.value for one in edits})
    _prove(chosen, file, edits, contents)
    diff = _diff(folder, contents)
    if write:
        replace_files(folder, contents)
    _tell(edits, diff, contents, output, write=write)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        fix = "Name the file that was exported: connector agreement export -o rules.csv"
        raise ConfigError([Problem(str(file), f"cannot be read: {error.strerror}.", fix)]) from error


def _prove(chosen: Chosen, file: Path, edits: Sequence[Edit], contents: Mapping[str, bytes]) -> None:
    """The agreement must load with these numbers. Raises ConfigError that names the rows of the spreadsheet."""
    from connector.agreement import load_agreement  # noqa: PLC0415 - --help does without
    from connector.agreement.saving import agreement_files  # noqa: PLC0415 - the same

    if not contents:
        return
    mine = chosen.connection
    with tempfile.TemporaryDirectory(prefix="connector-import-") as place:
        trial = Path(place) / mine.mapping.name
        for path in agreement_files(mine.mapping):
            copy = trial / path.relative_to(mine.mapping)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        for name, content in contents.items():
            (trial / name).write_bytes(content)
        try:
            load_agreement(trial, mine.crm, mine.language)
        except ConfigError as error:
            raise ConfigError([_at_row(one, file, edits) for one in error.problems]) from None


def _at_row(problem: Problem, file: Path, edits: Sequence[Edit]) -> Problem:
    """A complaint about a line of the files, with the row that changed that line."""
    place, _, path = problem.where.partition(", ")
    rows = [
        one
        for one in edits
        if place.endswith(f"/{one.number.file}:{one.number.line}") or _within(one, place, path.split("."))
    ]
    said = ", ".join(f"line {one.line}" for one in rows)
    return replace(problem, where=f"{file}, {said} ({problem.where})") if rows else problem


def _within(one: Edit, place: str, path: Sequence[str]) -> bool:
    return f"/{one.number.file}" in place and tuple(path) == one.number.keys[: len(path)]


def _diff(folder: Path, contents: Mapping[str, bytes]) -> str:
    """What changes, as `diff -u` shows it."""
    lines: list[str] = []
    for name, content in contents.items():
        before, after = (_lines(raw) for raw in ((folder / name).read_bytes(), content))
        place = f"{folder.name}/{name}"
        lines += difflib.unified_diff(before, after, f"a/{place}", f"b/{place}", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _lines(raw: bytes) -> list[str]:
    return raw.decode("utf-8-sig").replace("\r\n", "\n").split("\n")


def _tell(edits: Sequence[Edit], diff: str, contents: Mapping[str, bytes], output: Output, *, write: bool) -> None:
    if output == "json":
        show.json(
            {
                "status": "done",
                "written": write and bool(edits),
                "files": sorted(contents),
                "changes": [
                    {
                        "file": one.number.file,
                        "path": one.number.path,
                        "line": one.number.line,
                        "before": one.number.value,
                        "after": one.value,
                        "row": one.line,
                    }
                    for one in edits
                ],
                "diff": diff,
            }
        )
        return
    if not edits:
        show.say("Nothing is changed: the files say these numbers already.", "✓")
        return
    sys.stdout.write(diff)
    count = f"{len(edits)} number{'s' if len(edits) != 1 else ''}"
    if write:
        show.say(f"{count} changed in {', '.join(sorted(contents))}; whom it moves: connector agreement diff", "✓")
    else:
        show.say(f"{count} would change; nothing was written. Change the files: the same with --write")
