"""
The numbers of an agreement: found in its files, and changed in place.

Only the digits of a number are replaced. Comments, order, spaces and line endings of the file stay as they are.
"""

from __future__ import annotations

import json
import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.agreement.source import shown
from connector.errors import ConfigError, Problem
from connector.toml_file import KeyPath, parse_toml, value_spans

#: The files whose numbers are rules, in the order in which they are read, and the tables of them that are.
_FILES: Mapping[str, tuple[str, ...]] = {
    "scoring.toml": (),
    "icp.toml": (),
    "lifecycle.toml": (),
    "attempts.toml": (),
    "signals.toml": (),
    "agreement.toml": ("sla", "goals"),
}
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Number:
    """One number of one file."""

    file: str
    keys: KeyPath
    value: float
    line: int

    @property
    def path(self) -> str:
        """The keys as people write them; the places of a list are counted from 0."""
        return ".".join(key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False) for key in self.keys)


def numbers(folder: Path) -> tuple[Number, ...]:
    """Every number that is a rule, file by file, in the order of the file. Raises ConfigError."""
    return tuple(one for file in _FILES for one in _numbers_of(folder, file))


def _numbers_of(folder: Path, file: str) -> Iterator[Number]:
    if not (folder / file).is_file():
        return
    parsed = parse_toml(f"{shown(folder)}/{file}", _read(folder, file))
    only = _FILES[file]
    found = {keys: value for keys, value in _walk(parsed.table, ()) if not only or keys[0] in only}
    lines = {keys: parsed.line(keys) for keys in found}
    places = value_spans(_text(_read(folder, file)))
    for keys in sorted(found, key=lambda keys: places[keys]):
        yield Number(file, keys, found[keys], lines[keys])


def _walk(value: Any, keys: KeyPath) -> Iterator[tuple[KeyPath, float]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _walk(each, (*keys, key))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _walk(each, (*keys, str(place)))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield keys, value


def _read(folder: Path, file: str) -> bytes:
    try:
        return (folder / file).read_bytes()
    except OSError as error:
        where = f"{shown(folder)}/{file}"
        raise ConfigError(
            [Problem(where, f"cannot be read: {error.strerror}.", "Check that you may read the file.")]
        ) from error


def _text(raw: bytes) -> str:
    return raw.decode("utf-8-sig").replace("\r\n", "\n")


def with_numbers(folder: Path, changes: Mapping[tuple[str, KeyPath], float]) -> dict[str, bytes]:
    """The files that change when these numbers become others, by name, whole."""
    files: dict[str, dict[KeyPath, float]] = {}
    for (file, keys), value in changes.items():
        files.setdefault(file, {})[keys] = value
    return {file: edited(_read(folder, file), edits) for file, edits in files.items()}


def edited(raw: bytes, edits: Mapping[KeyPath, float]) -> bytes:
    """A TOML file with other numbers at these keys, and every other byte as it was."""
    text = _text(raw)
    spans = value_spans(text)
    bom = _BOM if raw.startswith(_BOM) else b""
    kept = raw.removeprefix(_BOM).decode("utf-8")
    original = _positions(kept)
    for keys in sorted(edits, key=lambda keys: spans[keys], reverse=True):
        start, end = (original(place) for place in spans[keys])
        kept = kept[:start] + literal(edits[keys], like=kept[start:end]) + kept[end:]
    new = bom + kept.encode()
    _prove(text, _text(new), edits)
    return new


def _positions(kept: str) -> Any:
    """From a place in the text with bare newlines to the place in the text as it is saved."""
    folded = [match.start() - number for number, match in enumerate(re.finditer("\r\n", kept))]
    return lambda place: place + bisect_right(folded, place - 1)


def literal(value: float, *, like: str = "") -> str:
    """A number as TOML writes it, in the manner of what stood there: whole ones without a point unless it had one."""
    whole = float(value).is_integer() and abs(value) < 1e15
    if not whole:
        return repr(float(value))
    digits = f"{int(value):_}" if "_" in like else str(int(value))
    return f"{digits}.0" if "." in like else digits


def _prove(before: str, after: str, edits: Mapping[KeyPath, float]) -> None:
    """Nothing but these numbers may have changed: else the walk over the file was wrong, and nothing is written."""
    wanted = {**dict(_leaves(tomllib.loads(before), ())), **{keys: float(value) for keys, value in edits.items()}}
    if dict(_leaves(tomllib.loads(after), ())) != wanted:
        raise AssertionError("editing numbers changed something else")


def _leaves(value: Any, keys: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _leaves(each, (*keys, key))
    elif isinstance(value, list) and value:
        for place, each in enumerate(value):
            yield from _leaves(each, (*keys, str(place)))
    else:
        plain = isinstance(value, (int, float)) and not isinstance(value, bool)
        yield keys, float(value) if plain else value
