"""The text of one mapping file: read, parsed, and able to say on which line a key stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connector.agreement.locating import Key
from connector.agreement.syntax import understand
from connector.errors import Problem

#: No agreement written by people is larger; whatever is has been put there by mistake.
LARGEST = 2_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """One mapping file. `name` is how messages call it; a file that is not there is an empty table.

    `lost` holds the names that could not be read: nobody should be told that they are missing.
    """

    name: str
    table: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[Key, int] = field(default_factory=dict)
    exists: bool = True
    lost: frozenset[str] = frozenset()
    unread: bool = False  # it is there, and nothing of it could be read

    def where(self, path: Sequence[str | int] = ()) -> str:
        """The place of a key for a message: "mappings/scoring.toml:12, engagement.high_intent"."""
        keys = tuple(str(part) for part in path if not isinstance(part, int))
        whole = tuple(map(str, path))
        line = next((self.lines[whole[:n]] for n in range(len(whole), 0, -1) if whole[:n] in self.lines), None)
        place = f"{self.name}:{line}" if line else self.name
        return f"{place}, {'.'.join(keys)}" if keys else place

    def problem(self, path: Sequence[str | int], what: str, fix: str = "") -> Problem:
        """What is wrong with a key of this file."""
        return Problem(self.where(path), what, fix)


def read_source(folder: Path, file: str, problems: list[Problem]) -> Source:
    """Read one file as it is saved anywhere: UTF-8 with or without BOM, any line ending."""
    name = f"{shown(folder)}/{file}"
    text = read_text(folder / file, name, problems)
    if text is None:
        return Source(name, exists=False) if not _there(folder / file) else Source(name, unread=True)
    read = understand(text)
    problems += [Problem(f"{name}:{slip.line}", slip.what, slip.fix) for slip in read.slips]
    return Source(name, read.table, read.lines, lost=frozenset(read.lost))


def read_text(path: Path, name: str, problems: list[Problem], *, largest: int = LARGEST) -> str | None:
    """The text of a file that people write, its lines ending alike; None where there is none, after a complaint
    where there should be one."""
    if not _there(path):
        return None
    problem = None
    try:
        if path.is_dir():
            problem = Problem(name, "is a folder.", "It should be a text file; move the folder away.")
        elif path.stat().st_size > largest:
            problem = Problem(name, f"is {path.stat().st_size // 1_000_000} MB large.", "Is this the right file?")
        else:
            return _decoded(path.read_bytes(), name, problems)
    except OSError as error:
        problem = _unreadable(name, error)
    problems.append(problem)
    return None


def _there(path: Path) -> bool:
    """Whether something stands at this path, and be it a link that leads nowhere."""
    return path.is_symlink() or path.exists()


def _unreadable(name: str, error: OSError) -> Problem:
    if isinstance(error, FileNotFoundError):
        return Problem(name, "is a link to a file that is not there.", "Put the file itself here.")
    return Problem(name, f"cannot be read: {error.strerror}.", "Check that it is a file and that you may read it.")


def _decoded(raw: bytes, name: str, problems: list[Problem]) -> str | None:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in raw[:4]:
        problems.append(Problem(name, "is saved as UTF-16.", "Save it as UTF-8; editors ask for it under Save as."))
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = "is not UTF-8 text: this line holds a letter saved the old way."
        problems.append(Problem(f"{name}:{line}", what, "Save the file as UTF-8; editors ask for it under Save as."))
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def shown(folder: Path) -> str:
    """The folder as messages name it: as it was given, or its last part where the path is absolute."""
    return folder.name if folder.is_absolute() else folder.as_posix()
