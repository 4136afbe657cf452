"""
`columns.toml`: which column of a CSV file is which property.

    [contacts]
    delimiter = ";"                 # default ","
    bad_rows = "skip"               # a row with a wrong number of cells: "refuse" (default) or "skip"
    id = "Lead Number"              # optional, digits; otherwise records are numbered
    created = { column = "First Contact", format = "%d/%m/%Y" }

    [contacts.columns]
    "Job" = "jobtitle"
    "Converted" = { property = "lifecyclestage", values = { "1" = "customer", "0" = "lead" } }
    "City" = { property = "city", blank = ["Select"] }
    "Tenure" = { property = "tenure_months", type = "number", label = "Tenure" }
    "Segment" = { property = "segment", type = "enumeration", options = ["A", "B"] }

    [contacts.constants]
    hs_lead_status = "NEW"

    [contacts.compose]
    email = "lead-{Lead Number}@people.example"

    [contacts.link]
    companies = { column = "Account", property = "name" }

`[companies]`, `[deals]` and `[activities]` alike; activities say which kind they are: `kind = "calls"` or
`kind = { column = "Type", values = { Call = "calls" } }`. A property the account lacks is created with the type given.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any, Literal

from connector.errors import ConfigError, Problem
from connector.sandbox.schema import ACTIVITIES

SECTIONS = ("companies", "contacts", "deals", "activities")
TYPES = ("string", "number", "bool", "date", "datetime", "enumeration")
_SECTION_KEYS = {"delimiter", "bad_rows", "id", "created", "kind", "columns", "constants", "compose", "link"}
_COLUMN_KEYS = {"property", "column", "type", "options", "values", "blank", "format", "label"}


@dataclass(frozen=True, slots=True)
class Column:
    """How one column is read. Options may be left out: then every value that occurs is one."""

    name: str
    property: str
    type: str = "string"
    options: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    blank: tuple[str, ...] = ()
    format: str = ""  # of a date, as strptime reads it; ISO when empty
    label: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """The records of another kind whose `property` holds what this `column` says."""

    to: str
    column: str
    property: str


@dataclass(frozen=True, slots=True)
class Section:
    """How one CSV file becomes records."""

    name: str
    where: str
    columns: tuple[Column, ...]
    kind: str | Column = ""
    constants: Mapping[str, str] = field(default_factory=dict)
    compose: Mapping[str, str] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    delimiter: str = ","
    bad_rows: Literal["refuse", "skip"] = "refuse"
    id: str = ""
    created: Column | None = None

    def needed(self) -> list[str]:
        """Every column of the file that this section speaks of."""
        composed = [name for text in self.compose.values() for name in _named_in(text)]
        kind = [self.kind.name] if isinstance(self.kind, Column) else []
        created = [self.created.name] if self.created else []
        own = [column.name for column in self.columns]
        links = [link.column for link in self.links]
        return list(dict.fromkeys([*own, *composed, *kind, *created, *links, *filter(None, [self.id])]))


def load_columns(path: Path) -> dict[str, Section]:
    """The sections of a columns file; ConfigError with everything that is wrong with it."""
    try:
        table = tomllib.loads(path.read_text("utf-8-sig").replace("\r\n", "\n"))
    except OSError as error:
        raise ConfigError([Problem(path.name, f"cannot be read: {error.strerror}.", "Check the path.")]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem(path.name, f"is not valid TOML: {error}.")]) from None
    problems: list[Problem] = []
    sections = {name: _section(path.name, name, part, problems) for name, part in table.items()}
    if problems:
        raise ConfigError(problems)
    return sections


def _section(file: str, name: str, part: Mapping[str, Any], problems: list[Problem]) -> Section:
    where = f"{file}, [{name}]"
    if name not in SECTIONS:
        problems.append(Problem(where, "is no section.", f"There are {', '.join(SECTIONS)}."))
    _only_known(where, part, _SECTION_KEYS, problems)
    if part.get("bad_rows", "refuse") not in ("refuse", "skip"):
        problems.append(Problem(where, 'bad_rows is "refuse" or "skip".'))
    if len(part.get("delimiter", ",")) != 1:
        problems.append(Problem(where, "delimiter is one character."))
    columns = part.get("columns", {})
    return Section(
        name,
        where,
        tuple(_column(f"{where} columns", column, said, problems) for column, said in columns.items()),
        kind=_kind(where, name, part.get("kind"), problems),
        constants={key: str(value) for key, value in part.get("constants", {}).items()},
        compose=part.get("compose", {}),
        links=tuple(_link(where, to, said, problems) for to, said in part.get("link", {}).items()),
        delimiter=part.get("delimiter", ","),
        bad_rows=part.get("bad_rows", "refuse"),
        id=part.get("id", ""),
        created=_created(where, part.get("created"), problems),
    )


def _column(where: str, name: str, said: Any, problems: list[Problem]) -> Column:
    if isinstance(said, str):
        return Column(name, said)
    here = f'{where} "{name}"'
    _only_known(here, said, _COLUMN_KEYS, problems)
    if not said.get("property"):
        problems.append(Problem(here, "names no property.", 'Write { property = "..." }.'))
    if said.get("type", "string") not in TYPES:
        problems.append(Problem(here, f"type {said['type']!r} is unknown.", f"There are {', '.join(TYPES)}."))
    return Column(
        name,
        said.get("property", ""),
        said.get("type", "string"),
        tuple(map(str, said.get("options", ()))),
        {key: str(value) for key, value in said.get("values", {}).items()},
        tuple(said.get("blank", ())),
        said.get("format", ""),
        said.get("label", ""),
    )


def _created(where: str, said: Any, problems: list[Problem]) -> Column | None:
    if said is None:
        return None
    if isinstance(said, str):
        return Column(said, "createdate", "datetime")
    if "column" not in said:
        problems.append(Problem(f"{where} created", "names no column.", 'Write { column = "..." }.'))
    return Column(said.get("column", ""), "createdate", "datetime", format=said.get("format", ""))


def _kind(where: str, section: str, said: Any, problems: list[Problem]) -> str | Column:
    if section != "activities":
        return section
    if isinstance(said, str) and said in ACTIVITIES:
        return said
    if isinstance(said, dict) and said.get("column"):
        return Column(said["column"], "kind", values=said.get("values", {}))
    fix = f"It is one of {', '.join(ACTIVITIES)}, or {{ column = ..., values = {{ ... }} }}."
    problems.append(Problem(f"{where} kind", "does not say which activity a row is.", fix))
    return ""


def _link(where: str, to: str, said: Mapping[str, Any], problems: list[Problem]) -> Link:
    if to not in ("contacts", "companies", "deals") or not {"column", "property"} <= set(said):
        fix = 'Write contacts = { column = "...", property = "email" }.'
        problems.append(Problem(f"{where} link {to}", "is not complete.", fix))
    return Link(to, said.get("column", ""), said.get("property", ""))


def _only_known(where: str, part: Mapping[str, Any], known: set[str], problems: list[Problem]) -> None:
    there = f"There are {', '.join(sorted(known))}."
    problems.extend(Problem(where, f"unknown key {key!r}.", there) for key in sorted(set(part) - known))


def _named_in(text: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(text) if name]
