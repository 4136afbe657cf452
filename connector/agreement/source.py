"""
The text of one mapping file: read, parsed, and able to say on which line a key stands.

The locator reads the text line by line as TOML is written (tables, keys, arrays over several lines). It finds
the line where the longest known part of a path is defined; what stands inside an inline table is on its line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connector.errors import Problem

_HEADER = re.compile(r"^\s*\[{1,2}\s*([^\]]+?)\s*\]{1,2}\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One mapping file. `name` is how messages call it; a file that is not there is an empty table."""

    name: str
    table: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[Key, int] = field(default_factory=dict)
    exists: bool = True

    def where(self, path: Sequence[str | int] = ()) -> str:
        """The place of a key for a message: "mappings/scoring.toml:12, engagement.high_intent"."""
        keys = tuple(str(part) for part in path if not isinstance(part, int))
        line = next((self.lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in self.lines), None)
        place = f"{self.name}:{line}" if line else self.name
        return f"{place}, {'.'.join(keys)}" if keys else place

    def problem(self, path: Sequence[str | int], what: str, fix: str = "") -> Problem:
        """What is wrong with a key of this file."""
        return Problem(self.where(path), what, fix)


def read_source(folder: Path, file: str, problems: list[Problem]) -> Source:
    """Read one file as it is saved anywhere: UTF-8 with or without BOM, any line ending."""
    name = f"{shown(folder)}/{file}"
    path = folder / file
    if not path.is_file():
        return Source(name, exists=False)
    try:
        text = path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
        return Source(name, tomllib.loads(text), locate(text))
    except UnicodeDecodeError as error:
        problems.append(Problem(name, f"is not UTF-8 text (byte {error.start}).", "Save it as UTF-8."))
    except OSError as error:
        problems.append(Problem(name, f"cannot be read: {error.strerror}.", "Check that you may read the file."))
    except tomllib.TOMLDecodeError as error:
        problems.append(_syntax_problem(name, text, str(error)))
    return Source(name)


def shown(folder: Path) -> str:
    """The folder as messages name it: as it was given, or its last part where the path is absolute."""
    return folder.name if folder.is_absolute() else folder.as_posix()


def locate(text: str) -> dict[Key, int]:
    """The line (from 1) on which each table and key of a TOML text stands."""
    found: dict[Key, int] = {}
    table: Key = ()
    for number, line in _statements(text):
        if header := _HEADER.match(line):
            table = _parts(header[1])
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            path = (*table, *_parts(key[1]))
            found.setdefault(path, number)
            _locate_inline(line[key.end() :], path, number, found)
    return found


def _locate_inline(value: str, path: Key, number: int, found: dict[Key, int]) -> None:
    """Keys of an inline table stand on its line; nested ones are not told apart."""
    if value.lstrip().startswith("{"):
        for key in re.finditer(r"([A-Za-z0-9_-]+)\s*=", _STRINGS.sub('""', value)):
            found.setdefault((*path, key[1]), number)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """The lines that begin a table or a key: not those inside an array or a text of several lines."""
    depth, fence = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if fence:
            fence = "" if fence in line else fence
            continue
        if depth == 0:
            yield number, line
        bare = _STRINGS.sub('""', line).split("#")[0]
        if not _HEADER.match(line) or depth:
            depth = max(0, depth + bare.count("[") - bare.count("]"))
        fence = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")


def _parts(dotted: str) -> Key:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _syntax_problem(name: str, text: str, message: str) -> Problem:
    """What a person most likely did when a file is not TOML, said at the line where it shows."""
    at = _AT_LINE.search(message)
    lines = text.splitlines()
    number = int(at[1]) if at else len(lines)
    line = lines[number - 1] if 0 < number <= len(lines) else ""
    what = _AT_LINE.sub("", message).strip().rstrip(".")
    return Problem(f"{name}:{number}", f"is not valid TOML: {what[:1].lower()}{what[1:]}.", _syntax_fix(line, what))


def _syntax_fix(line: str, what: str) -> str:
    if re.search("[\u201c\u201d\u2018\u2019\u201e]", line):
        return "There is a curly quote on this line; write straight quotes."
    if re.search(r"=\s*-?\d+,\d", line):
        return "Write decimals with a point: 0.5, not 0,5."
    if "overwrite" in what or "declare" in what:
        return "This name is there twice; give one of them another name or remove it."
    if line.count("{") != line.count("}"):
        return "A brace is missing: a rule is written name = { points = 5 } on one line."
    if line.count('"') % 2:
        return "A quote is missing."
    return "Look at this line and the one before it."
