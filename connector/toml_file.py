"""
TOML files that remember the line of every key, so that a complaint can say where to look.

The standard library's parser forgets positions. A file is therefore read twice: `tomllib` says what it means, and
`_Lines` walks the same text, which is valid by then, and notes where each key stands. Files saved on Windows (byte
order mark, CRLF) read the same as any other.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connector.errors import ConfigError, Problem

#: The keys that lead to a value; items of lists are counted from "0".
KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TomlFile:
    """One file: its name as the caller gave it, what it says, and on which line each key stands."""

    name: str
    table: dict[str, Any]
    lines: Mapping[KeyPath, int]

    def line(self, path: Sequence[str | int]) -> int:
        """The line of a key, or of the nearest table around a key that is not there; 0 for none."""
        keys = tuple(str(key) for key in path)
        return next((self.lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in self.lines), 0)

    def place(self, path: Sequence[str | int]) -> str:
        """How a complaint names a key: "config.toml:14, connections.acme.mode"."""
        line = self.line(path)
        return f"{self.name}:{line}, {dotted(path)}" if line else f"{self.name}, {dotted(path)}"


def dotted(path: Sequence[str | int]) -> str:
    """A key path as people write it."""
    return ".".join(str(key) for key in path)


def read_toml(path: Path) -> TomlFile:
    """Read and parse one file. Raises ConfigError when it is missing, unreadable or no TOML."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise _unreadable(str(path), "there is no such file.", "Check the path; `connector init` writes one.") from None
    except OSError as error:
        raise _unreadable(str(path), f"cannot be read: {error.strerror}.", "Check the path and its rights.") from None
    return parse_toml(str(path), raw)


def parse_toml(name: str, raw: bytes) -> TomlFile:
    """Parse the bytes of a file. Raises ConfigError naming line and column of what is not TOML."""
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _unreadable(f"{name}:{line}", "is not UTF-8 text.", "Save the file as UTF-8.") from None
    try:
        return TomlFile(name, tomllib.loads(text), _Lines(text).walk())
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(name, text, str(error)) from None


def value_spans(text: str) -> Mapping[KeyPath, tuple[int, int]]:
    """Where each plain value of a valid TOML text begins and ends, for whoever changes one and nothing else. Line
    endings must be bare newlines."""
    walk = _Lines(text)
    walk.walk()
    return walk.spans


def _unreadable(where: str, what: str, fix: str) -> ConfigError:
    return ConfigError([Problem(where, what, fix)])


#: What a version control leaves where two people changed the same lines, what to say of it, and what to do.
MERGE_MARKS = re.compile(r"^(?:<{7}|={7}|>{7})(?: |$)", re.MULTILINE)
UNMERGED = "holds the marks of a merge (<<<<<<<, =======, >>>>>>>) that nobody has resolved."
RESOLVE = "Keep what is to stay of both sides, and remove the three lines."


def _syntax_error(name: str, text: str, message: str) -> ConfigError:
    """Turn the parser's "(at line 3, column 5)" into a place in front of the message."""
    if marks := MERGE_MARKS.search(text):
        return _unreadable(f"{name}:{text.count(chr(10), 0, marks.start()) + 1}", UNMERGED, RESOLVE)
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    line, column = found.groups() if found else (str(text.count("\n") + 1), "")
    complaint = re.sub(r"\s*\(at [^)]*\)", "" if found else " at the end of the file", message)
    where = f"{name}:{line}" + (f", column {column}" if column else "")
    return ConfigError([Problem(where, f"is not valid TOML: {complaint}.", "Text needs quotes, lists need [ ].")])


_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?""""{0,2}'  # up to two quotes may stand right before the closing three
    r"|'''.*?''''{0,2}"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[^\s.=\]]+")
# A date and its time may be parted by a space; everything else ends at the first separator.
_BARE_VALUE = re.compile(r"\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]*|[^\s,\]}#]+")
_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BLANK_OR_COMMA = re.compile(r"(?:[ \t\n,]|#[^\n]*)*")


@dataclass(slots=True)
class _Lines:
    """A walk over valid TOML that notes the line of every table, key and list item."""

    text: str
    at: int = 0
    lines: dict[KeyPath, int] = field(default_factory=dict)
    listed: dict[KeyPath, int] = field(default_factory=dict)  # [[tables]] seen so far
    starts: list[int] = field(default_factory=list)
    spans: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)  # of plain values

    def walk(self) -> Mapping[KeyPath, int]:
        self.starts = [match.end() for match in re.finditer("\n", self.text)]
        table: KeyPath = ()
        self.skip(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip(_BLANK)
        return self.lines

    def skip(self, pattern: re.Pattern[str]) -> str:
        """Step over what matches here, and return it."""
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match.group()

    def note(self, path: KeyPath) -> None:
        self.lines.setdefault(path, bisect_right(self.starts, self.at) + 1)

    def header(self) -> KeyPath:
        """`[a.b]` or `[[a.b]]`; a table inside a list of tables belongs to its last item."""
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        *parents, last = self.key()
        path: KeyPath = ()
        for key in parents:
            path = self.latest((*path, key))
            self.note(path)
        path = (*path, last)
        self.note(path)
        if brackets == 2:
            self.listed[path] = self.listed.get(path, 0) + 1
        path = self.latest(path)
        self.note(path)
        self.skip(_BLANK)
        self.at += brackets
        return path

    def latest(self, path: KeyPath) -> KeyPath:
        return (*path, str(self.listed[path] - 1)) if path in self.listed else path

    def key(self) -> KeyPath:
        """A dotted key, its quoted parts unquoted; stops at what follows it."""
        parts: list[str] = []
        while True:
            self.skip(_BLANK)
            quoted = self.skip(_STRING)
            parts.append(next(iter(tomllib.loads(f"{quoted} = 0"))) if quoted else self.skip(_BARE_KEY))
            self.skip(_BLANK)
            if not self.text.startswith(".", self.at):
                return tuple(parts)
            self.at += 1

    def pair(self, table: KeyPath) -> None:
        started = self.at
        path = table
        for key in self.key():
            path = (*path, key)
            self.lines.setdefault(path, bisect_right(self.starts, started) + 1)
        self.at += 1  # the equals sign
        self.skip(_BLANK)
        self.value(path)

    def value(self, path: KeyPath) -> None:
        opening, started = self.text[self.at], self.at
        if opening in "[{":
            self.at += 1
            self.inside(path, closing="]" if opening == "[" else "}")
            return
        if not self.skip(_STRING):
            self.skip(_BARE_VALUE)
        self.spans[path] = started, self.at

    def inside(self, path: KeyPath, closing: str) -> None:
        """The items of a list, or the pairs of an inline table, up to the closing bracket."""
        count = 0
        self.skip(_BLANK_OR_COMMA)
        while not self.text.startswith(closing, self.at):
            if closing == "}":
                self.pair(path)
            else:
                self.note((*path, str(count)))
                self.value((*path, str(count)))
                count += 1
            self.skip(_BLANK_OR_COMMA)
        self.at += 1
