"""
A plan on disk, between `plan -o FILE` and `apply FILE`.

It holds personal data (a task's text names the person), so only its owner may read it. What is read back is proved
to be whole before anything is opened: a plan is often mailed around, and sometimes edited.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from connector.cli import keeping, show
from connector.errors import ConfigError, GuardRefused, Problem, UsageError

if TYPE_CHECKING:
    from connector.sync import Order, Report, Session

#: The layout of a plan file; another number is refused.
VERSION = 1

#: Bytes of a file that is laid out otherwise, from which on nobody looks whether it is a plan.
LARGEST = 200_000_000


def write(
    file: Path,
    session: Session,
    report: Report,
    changes: Iterable[tuple[str, Mapping[str, Any]]],
    *,
    clean_up: str | None = None,
) -> None:
    """Keep a plan, whole or not at all: `changes` by person id, one after the other, for they may be as many as there
    are people. Raises ConfigError where the file cannot be written."""
    content = {
        "plan": VERSION,
        "connection": session.ledger.connection,
        "account": session.account,
        "fingerprint": session.agreement.fingerprint,
        "as_of": report.as_of.isoformat(),
        "run": report.run,
        "clean_up": clean_up,
    }
    lines = (orjson.dumps(id) + b": " + orjson.dumps(body) for id, body in changes)
    keeping.keep(file, show.object_with(content, "changes", "{}", lines), what="the plan", option="-o")


def writable(file: Path) -> None:
    """Fail before an hour of reading rather than after it. Raises ConfigError."""
    keeping.writable(file, option="-o")


def read(file: Path) -> Mapping[str, Any]:
    """The plan in a file; its `changes` stay there, and each is read when it is asked for. Raises ConfigError for
    whatever is not a whole plan of this version."""
    try:
        content = _as_written(file) or _as_edited(file)
    except OSError as error:
        raise ConfigError([Problem(str(file), f"cannot be read: {error.strerror}.", _MAKE)]) from error
    except ValueError:
        raise ConfigError([Problem(str(file), "is no plan: it is not JSON.", _MAKE)]) from None
    if not isinstance(content, dict) or "plan" not in content:
        raise ConfigError([Problem(str(file), "is no plan.", _MAKE)])
    if content["plan"] != VERSION:
        raise ConfigError([Problem(str(file), f"is a plan of layout {content['plan']}, not {VERSION}.", _MAKE)])
    try:
        _prove(content)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(file, error) from None
    return content


_MAKE = "Make one: connector plan -o FILE"


def _damaged(file: Path, error: Exception) -> ConfigError:
    return ConfigError([Problem(str(file), f"is a damaged plan ({type(error).__name__}).", _MAKE)])


def _as_edited(file: Path) -> Any:
    """A plan that some program has laid out anew: it is held as a whole."""
    return orjson.loads(file.read_bytes())


def _as_written(file: Path) -> dict[str, Any] | None:
    """A plan in the layout of `write`, one person on a line; None for any other file."""
    try:
        with file.open("rb") as lines:
            head = b"".join(takewhile(lambda line: line != _OPENS, (lines.readline(_WIDEST) for _ in range(_WIDEST))))
            content = orjson.loads(head.rstrip().removesuffix(b",") + b"}")
            return {**content, "changes": Changes(file, _places(lines))} if isinstance(content, dict) else None
    except ValueError:
        return None


#: Bytes of a line above the people, and lines there, at most.
_WIDEST = 1000

#: The line above the first person, and those below the last one, as `show.object_with` lays them out.
_OPENS, _CLOSES = b'  "changes": {\n', (b"  }\n", b"}")


def _places(lines: BinaryIO) -> dict[str, int]:
    """Where each person's line begins. Raises ValueError where it is not one person a line to the end."""
    found: dict[str, int] = {}
    more = True  # the line before ended with a comma, or was the first
    while (begins := lines.tell()) >= 0 and (line := lines.readline()) != _CLOSES[0]:
        ((id, _),) = _entry(line).items()
        if not more or id in found:
            raise ValueError(id)
        found[id], more = begins, line.endswith(b",\n")
    if (found and more) or lines.read() != _CLOSES[1]:
        raise ValueError("not closed")
    return found


def _entry(line: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = orjson.loads(b"{" + line.rstrip(b",\n") + b"}")
    return entry


class Changes(Mapping[str, Any]):
    """What a plan file says of each person: as many as there are people are never held, only where they stand."""

    def __init__(self, file: Path, places: Mapping[str, int]) -> None:
        self._file, self._places = file, places
        self._lines = file.open("rb")
        self._lock = threading.Lock()
        weakref.finalize(self, self._lines.close)

    def __getitem__(self, id: str) -> Any:
        place = self._places[id]
        try:
            with self._lock:
                self._lines.seek(place)
                return _entry(self._lines.readline())[id]
        except (KeyError, ValueError) as error:  # it is another file by now
            raise _damaged(self._file, error) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def names(file: Path, ids: Iterable[str]) -> bool:
    """Whether this is a plan that says something of one of these people. What nobody can read is no plan."""
    try:
        content = _as_written(file) or (_as_edited(file) if file.stat().st_size <= LARGEST else None)
    except (OSError, ValueError):
        return False
    changes = content.get("changes") if isinstance(content, dict) and "plan" in content else None
    return isinstance(changes, Mapping) and not changes.keys().isdisjoint(ids)


def _prove(content: Mapping[str, Any]) -> None:
    """Raises what Python raises when something is missing or of another kind."""
    from connector.plan import from_json  # noqa: PLC0415 - --help does without

    datetime.fromisoformat(content["as_of"])
    for name in ("connection", "account", "fingerprint"):
        if not isinstance(content[name], str):
            raise TypeError(name)
    for id, body in content["changes"].items():
        if from_json(body).person_id != id:
            raise ValueError(id)


def order(session: Session, plan: Mapping[str, Any], per_day: int | None = None) -> Order:
    """Write exactly this plan, a clean-up at so many a day. Raises GuardRefused when it was made for something else."""
    from connector.sync import Order  # noqa: PLC0415 - --help does without

    for name, mine in (
        ("connection", session.ledger.connection),
        ("account", session.account),
        ("agreement", session.agreement.fingerprint),
    ):
        theirs = plan["fingerprint" if name == "agreement" else name]
        if theirs != mine:
            raise GuardRefused(
                f"The plan was made for another {name} ({theirs}, now {mine}). Nothing was written."
                " Make and review a new plan: connector plan -o FILE"
            )
    changes, clean_up = plan["changes"], plan.get("clean_up")
    moment = session.now() if clean_up else datetime.fromisoformat(plan["as_of"])
    if per_day is not None and clean_up is None:
        raise UsageError("--per-day is for a plan that cleans up a stage; any other is written as a whole.")
    return Order("apply", moment, only=tuple(changes), expected=changes, clean_up=clean_up, per_day=per_day)
