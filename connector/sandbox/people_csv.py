"""
Real input: CSV files of people, companies, deals and activities become a world, as `columns.toml` says.

Reads `.csv` and `.csv.gz`, with or without byte-order mark, any line ends. Everything that is wrong is told at once,
with file and line; cells are never quoted in messages, since they hold people.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from connector.errors import ConfigError, Problem
from connector.sandbox.clock import iso, parse_ms, to_ms
from connector.sandbox.columns import Column, Link, Section, load_columns
from connector.sandbox.schema import ACTIVITIES, Definition, Option
from connector.sandbox.validation import Unfit, fitted
from connector.sandbox.world import World

MOST_PROBLEMS = 20  # told at once; the rest would only repeat them
_FIELD_TYPES = {"number": "number", "bool": "booleancheckbox", "date": "date", "datetime": "date"}

Row = Mapping[str, str]


@dataclass(slots=True)
class Loaded:
    """What came of the files: records by kind, rows left out, links that found nobody."""

    records: dict[str, int] = field(default_factory=dict)
    skipped: list[Problem] = field(default_factory=list)
    unlinked: int = 0


def load_files(files: Mapping[str, Path], columns: Path, world: World) -> Loaded:
    """Fill a world from files, named by section ("contacts", "deals" ...); ConfigError tells what is wrong."""
    sections = load_columns(columns)
    missing = [name for name in files if name not in sections]
    if missing:
        fix = f"Add [{missing[0]}] with its columns."
        raise ConfigError([Problem(columns.name, f"has no section for the file of {missing[0]}.", fix)])
    loader = _Loader(world)
    for name, section in sorted(sections.items(), key=lambda pair: _ORDER.index(pair[0])):
        if name in files:
            loader.load(files[name], section)
    return loader.loaded


_ORDER = ("companies", "contacts", "deals", "activities")  # partners before those who point at them


class _Loader:
    """One load: remembers what later files link to."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._problems: list[Problem] = []
        self._known: dict[tuple[str, str], dict[str, str]] = {}  # kind and property -> value -> record id
        self.loaded = Loaded()

    def load(self, path: Path, section: Section) -> None:
        """Every row of one file; ConfigError once some of them are wrong."""
        with _opened(path) as stream:
            rows = csv.reader(stream, delimiter=section.delimiter)
            header = [name.strip() for name in next(rows, [])]
            _check_header(path, section, header)
            self._define(section)
            for line, row in self._rows(path, section, header, rows):
                self._add(f"{path.name}:{line}", section, row)
        self._collect_options(section)
        if self._problems:
            raise ConfigError(self._problems)

    def _rows(
        self, path: Path, section: Section, header: list[str], rows: Iterator[list[str]]
    ) -> Iterator[tuple[int, Row]]:
        """Rows with as many cells as the header; the others are skipped or refused, as the section says."""
        reader_line = getattr(rows, "line_num", 0)
        for cells in rows:
            line, reader_line = reader_line + 1, getattr(rows, "line_num", 0)
            if not cells:
                continue
            if len(cells) == len(header):
                yield line, dict(zip(header, cells, strict=True))
                continue
            what = f"has {len(cells)} cells where the header has {len(header)}."
            if section.bad_rows == "skip":
                self.loaded.skipped.append(Problem(f"{path.name}:{line}", what))
            else:
                fix = 'Mend the row (an unquoted delimiter?), or set bad_rows = "skip".'
                self._complain(Problem(f"{path.name}:{line}", what, fix))

    def _add(self, where: str, section: Section, row: Row) -> None:
        kind = self._kind(where, section, row)
        if not kind:
            return
        properties = dict(section.constants)
        properties |= {name: text.format_map(row) for name, text in section.compose.items()}
        for column in section.columns:
            properties[column.property] = self._cell(where, kind, column, row[column.name])
        id = self._id(where, section, kind, row)
        if id is None:
            return
        created = self._created(where, section, row)
        self._world.add(kind, properties, id=id, created_at=created)
        self.loaded.records[kind] = self.loaded.records.get(kind, 0) + 1
        for link in section.links:
            self._link(kind, id, link, row[link.column].strip())

    def _kind(self, where: str, section: Section, row: Row) -> str:
        if isinstance(section.kind, str):
            return section.kind
        named = row[section.kind.name].strip()
        kind = section.kind.values.get(named, named)
        if kind in ACTIVITIES:
            return kind
        if kind:  # mapped to nothing: a kind of activity nobody wants
            fix = f'Map it under {section.where} kind, to one of {", ".join(ACTIVITIES)} or to "".'
            self._complain(Problem(where, f'column "{section.kind.name}" names an unknown activity.', fix))
        return ""

    def _id(self, where: str, section: Section, kind: str, row: Row) -> str | None:
        if not section.id:
            return str(self.loaded.records.get(kind, 0) + 1)
        id = row[section.id].strip()
        if id.isdigit() and self._world.row(kind, id) is None:
            return id
        what = f'column "{section.id}" is the record id and must be digits, each once.'
        self._complain(Problem(where, what, "Leave id out to have the records numbered."))
        return None

    def _created(self, where: str, section: Section, row: Row) -> datetime | None:
        if section.created is None or not row[section.created.name].strip():
            return None
        text = self._cell(where, "", section.created, row[section.created.name])
        return datetime.fromisoformat(text) if text else None

    def _cell(self, where: str, kind: str, column: Column, cell: str) -> str:
        """The value of a cell; what does not fit is reported and left blank."""
        text = cell.strip()
        text = column.values.get(text, text)
        if not text or text in column.blank:
            return ""
        definition = self._world.definitions.get(kind, {}).get(column.property)
        definition = definition or Definition(column.property, column.type)
        try:
            return fitted(definition, _reformatted(column, text))
        except (Unfit, ValueError):
            fix = "Map it with values, name it under blank, or give another type or format."
            what = f'column "{column.name}" does not fit property {column.property} ({definition.type}).'
            self._complain(Problem(where, what, fix))
            return ""

    def _link(self, kind: str, id: str, link: Link, value: str) -> None:
        if not value:
            return
        to_id = self._index(link.to, link.property).get(value.lower())
        if to_id is None:
            self.loaded.unlinked += 1
        else:
            self._world.associate(kind, id, link.to, to_id)

    def _index(self, kind: str, name: str) -> dict[str, str]:
        if (kind, name) not in self._known:
            self._known[kind, name] = {
                value.lower(): row.id
                for row in self._world.rows(kind)
                if (value := self._world.values(kind, row).get(name))
            }
        return self._known[kind, name]

    def _define(self, section: Section) -> None:
        """Create the properties that the account lacks."""
        kinds = ACTIVITIES if section.name == "activities" else (section.name,)
        for kind in kinds:
            for column in section.columns:
                known = self._world.definitions[kind]
                if column.property not in known:
                    known[column.property] = _definition(column)
                    self._known.pop((kind, column.property), None)

    def _collect_options(self, section: Section) -> None:
        """An enumeration whose options nobody named has those that occur."""
        kinds = ACTIVITIES if section.name == "activities" else (section.name,)
        for kind in kinds:
            for column in section.columns:
                definition = self._world.definitions[kind][column.property]
                if definition.type == "enumeration" and not definition.stock and not column.options:
                    options = tuple(Option(value, value) for value in self._occurring(kind, column.property))
                    self._world.definitions[kind][column.property] = replace(definition, options=options)

    def _occurring(self, kind: str, name: str) -> list[str]:
        values = (self._world.values(kind, row).get(name) for row in self._world.rows(kind))
        return sorted({value for value in values if value})

    def _complain(self, problem: Problem) -> None:
        self._problems.append(problem)
        if len(self._problems) >= MOST_PROBLEMS:
            raise ConfigError(self._problems)


def _opened(path: Path) -> TextIO:
    """The file as text, unpacked where it is packed, without its byte-order mark."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as raw:
            text = raw.read().decode("utf-8-sig")
    except OSError as error:
        what = f"cannot be read: {error.strerror or 'not a gzip file'}."
        raise ConfigError([Problem(path.name, what, "Check the path.")]) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem(path.name, "is not UTF-8 text.", "Save it as UTF-8.")]) from None
    return io.StringIO(text, newline="")


def _check_header(path: Path, section: Section, header: list[str]) -> None:
    missing = [name for name in section.needed() if name not in header]
    if missing:
        available = ", ".join(header)
        raise ConfigError(
            [
                Problem(section.where, f'{path.name} has no column "{name}".', f"Its columns are: {available}.")
                for name in missing
            ]
        )


def _definition(column: Column) -> Definition:
    options = tuple(Option(value, value) for value in column.options)
    field_type = "select" if column.type == "enumeration" else _FIELD_TYPES.get(column.type, "text")
    if column.type == "bool":
        options = (Option("true", "Yes"), Option("false", "No"))
    elif column.type != "enumeration":
        options = ()
    return Definition(column.property, column.type, field_type, label=column.label, options=options, stock=False)


def _reformatted(column: Column, text: str) -> str:
    """A date in its own format as ISO; anything else as it stands."""
    if column.format:
        return iso(to_ms(datetime.strptime(text, column.format).replace(tzinfo=UTC)))
    return iso(parse_ms(text)) if column.type == "datetime" else text
