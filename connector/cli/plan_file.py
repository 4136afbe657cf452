"""
A plan on disk, between `plan -o FILE` and `apply FILE`.

It holds personal data (a task's text names the person), so only its owner may read it. What is read back is proved
to be whole before anything is opened: a plan is often mailed around, and sometimes edited.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from connector.cli import keeping, show
from connector.errors import ConfigError, GuardRefused, Problem, UsageError

if TYPE_CHECKING:
    from connector.sync import Order, Report, Session

#: The layout of a plan file; another number is refused.
VERSION = 1


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
    """The plan in a file. Raises ConfigError for whatever is not a whole plan of this version."""
    try:
        content = orjson.loads(file.read_bytes())
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
        what = f"is a damaged plan ({type(error).__name__})."
        raise ConfigError([Problem(str(file), what, _MAKE)]) from None
    return content


_MAKE = "Make one: connector plan -o FILE"


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
