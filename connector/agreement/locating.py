"""
On which line of a mapping file a key stands.

The text is read line by line as TOML is written (tables, keys, arrays over several lines); what stands inside an
inline table is on its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Key = tuple[str, ...]

HEADER = re.compile(r"^\s*\[{1,2}\s*([^\]]+?)\s*\]{1,2}\s*(?:#.*)?$")
KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def locate(text: str) -> dict[Key, int]:
    """The line (from 1) on which each table and key of a TOML text stands; several [[tables]] are numbered."""
    found: dict[Key, int] = {}
    several: dict[Key, int] = {}
    table: Key = ()
    for number, line in statements(text):
        if header := HEADER.match(line):
            table = _numbered(parts(header[1]), several, another=line.lstrip().startswith("[["))
            found.setdefault(table, number)
        elif key := KEY.match(line):
            path = (*table, *parts(key[1]))
            found.setdefault(path, number)
            _locate_inline(line[key.end() :], path, number, found)
    return found


def _numbered(header: Key, several: dict[Key, int], *, another: bool) -> Key:
    """A header with the number of each of several tables it stands in: "x.then.1.expect"."""
    path: Key = ()
    for place, name in enumerate(header):
        path = (*path, name)
        if another and place == len(header) - 1:
            several[path] = several.get(path, -1) + 1
        if path in several:
            path = (*path, str(several[path]))
    return path


def _locate_inline(value: str, path: Key, number: int, found: dict[Key, int]) -> None:
    """Keys of an inline table stand on its line; nested ones are not told apart."""
    if value.lstrip().startswith("{"):
        for key in re.finditer(r"([A-Za-z0-9_-]+)\s*=", STRINGS.sub('""', value)):
            found.setdefault((*path, key[1]), number)


def statements(text: str) -> Iterator[tuple[int, str]]:
    """The lines that begin a table or a key: not those inside an array or a text of several lines."""
    depth, fence = 0, ""
    for number, line in enumerate(text.split("\n"), start=1):
        if fence:
            fence = "" if fence in line else fence
            continue
        if depth == 0:
            if line.strip():
                yield number, line
            if line.lstrip().startswith("["):
                continue
        bare = STRINGS.sub('""', line).split("#")[0]
        depth = max(0, depth + bare.count("[") - bare.count("]"))
        fence = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")


def parts(dotted: str) -> Key:
    """The names of a dotted key, without their quotes."""
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))
