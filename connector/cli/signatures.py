"""How verbs tell where the signatures under an agreement stand."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connector.cli import show
from connector.cli.opening import choose
from connector.cli.sessions import signatures_of
from connector.errors import ConfigError

if TYPE_CHECKING:
    from connector.agreement.approvals import Approval, Standing
    from connector.sync import Signatures


def tell(signatures: Signatures, at: datetime) -> None:
    """Where the signatures stand, in a line or two."""
    found = signatures.standing(at)
    for text in signatures.notes(at) if found.signed else ():
        show.say(text, "●")
    if found.signed and found.emergency is None:
        show.say(f"signed by {_signed_by(found)}", "✓")
    if not found.signed:
        by = f"; signed by {_signed_by(found)}" if found.by else ""
        refused = "mode live writes nothing before: " if signatures.required else "before mode live: "
        todo = refused + (signatures.missing(at) or signatures.commands(found))
        show.say(f"not signed yet by {', '.join(found.missing)}{by}", "✗" if signatures.required else "note")
        show.say(todo, indent=2)


def one_line(signatures: Signatures, at: datetime) -> str:
    """The same as the cell of a table."""
    found = signatures.standing(at)
    if found.emergency is not None:
        return signatures.notes(at)[0]
    if found.signed:
        return f"signed by {_signed_by(found)}"
    live = ", so mode live writes nothing" if signatures.required else ""
    return f"not signed by {', '.join(found.missing)}{live}: {signatures.commands(found)}"


def as_json(signatures: Signatures, at: datetime) -> dict[str, Any]:
    """The same for programs."""
    found = signatures.standing(at)
    return {
        "signed": found.signed,
        "required": signatures.required,
        "missing": list(found.missing),
        "emergency": found.emergency is not None,
        "emergency_until": found.emergency_until,
        "definitions": signatures.definitions,
        "wiring": signatures.wiring,
        "by": [
            {"side": one.side, "name": one.name, "at": one.at, "emergency": one.emergency, "why": one.why}
            for one in found.by
        ],
    }


def _signed_by(found: Standing) -> str:
    return ", ".join(f"{one.side} ({signature(one)})" for one in found.by)


def signature(one: Approval) -> str:
    """Who signed, and on which day."""
    return f"{one.name}, {one.at:%Y-%m-%d}"


def of_connection(config: Path, connection: str | None) -> Signatures | str:
    """The signatures under a connection's agreement for verbs that do without the agreement, or why they cannot be
    told."""
    try:
        return signatures_of(choose(config, connection))
    except ConfigError as error:
        count = len(error.problems)
        return f"unknown, the files have {count} problem{'s' if count != 1 else ''}: connector check"
