"""Verbs that only look, over all connections of a configuration: one after the other, then what that comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connector.cli import show
from connector.errors import ConfigError, ConnectorError

if TYPE_CHECKING:
    from connector.survey import Delivered


@dataclass(frozen=True, slots=True)
class Told:
    """What a verb came to for one connection: exit code, the object for programs, the signals that can be seen."""

    name: str
    code: int
    json: Mapping[str, Any]
    delivered: Delivered | None = None
    signals: Sequence[str] = field(default=())  # all that the agreement has


def names_of(config: Path, name: str | None) -> list[str]:
    """The connection that was named; without a name, all of them. Raises like `opening.choose`."""
    if name is not None:
        return [name]
    import os  # noqa: PLC0415 - --help does without

    from connector.config import load_config  # noqa: PLC0415 - the same

    return list(load_config(config, os.environ).connections)


def each(names: Sequence[str], tell: Callable[[str], Told], *, aloud: bool) -> list[Told]:
    """One after the other. Where there are several, one that fails is told, and the others go on."""
    if len(names) == 1:
        return [tell(names[0])]
    told = []
    for name in names:
        if aloud:
            show.heading(name)
        try:
            told.append(tell(name))
        except ConnectorError as error:
            told.append(_failed(name, error, aloud=aloud))
    return told


def _failed(name: str, error: ConnectorError, *, aloud: bool) -> Told:
    from connector.codes import of  # noqa: PLC0415 - only when something went wrong
    from connector.log import redact_text  # noqa: PLC0415 - the same

    problems = [redact_text(str(one)) for one in error.problems] if isinstance(error, ConfigError) else []
    message = redact_text(str(error))
    if aloud:
        for line in problems or [message]:
            show.say(line, "✗")
    failed = {"connection": name, "status": "failed", "code": of(error), "message": message, "problems": problems}
    return Told(name, error.exit_code, failed)


def as_json(told: Sequence[Told]) -> Mapping[str, Any]:
    """One object: the connection's own where there is one, else a list of them, with the signals seen apart."""
    if len(told) == 1:
        return told[0].json
    found: dict[str, Any] = {"connections": [one.json for one in told]}
    apart = seen_apart(told)
    return {**found, "seen_apart": {name: dict(seen) for name, seen in apart.items()}} if _delivered(told) else found


def tell_signals(told: Sequence[Told]) -> None:
    """Which signals one connection sees and another does not: whoever is known by those is decided on unlike."""
    if not _delivered(told):
        return
    apart = seen_apart(told)
    show.heading("all connections")
    if not apart:
        show.say("every connection sees the same signals", "✓")
        return
    show.say("signals that not every connection sees; whoever is known by one of them is decided on unlike:", "note")
    names = [one.name for one in told if one.delivered is not None]
    rows = [(signal, *("seen" if seen[name] else "cannot be seen" for name in names)) for signal, seen in apart.items()]
    show.table(("signal", *names), rows)


def seen_apart(told: Sequence[Told]) -> dict[str, dict[str, bool]]:
    """Signal -> connection -> whether it is seen there, of those that only some connections see."""
    seen = {one.name: one.delivered.names for one in told if one.delivered is not None}
    signals = sorted({name for one in told for name in one.signals})
    found = {signal: {name: signal in names for name, names in seen.items()} for signal in signals}
    return {signal: where for signal, where in found.items() if len(set(where.values())) > 1}


def _delivered(told: Sequence[Told]) -> bool:
    return len(told) > 1 and any(one.delivered is not None for one in told)
