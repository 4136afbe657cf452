"""
All manners of the sandbox in one place: what `connector sandbox --manners` prints, told by the code that obeys them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from connector.sandbox.control import CALLS, LOOKS
from connector.sandbox.faults import ACTIONS
from connector.sandbox.switches import Switches
from connector.sandbox.tokens import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN

Row = tuple[str, ...]


def manners() -> str:
    """Every switch, fault and control call with its sentence, as a page of Markdown."""
    return "\n".join(
        [
            *_part("Switches", SWITCHES, ("switch", "unless turned", "what it means"), switches()),
            *_part("Faults", FAULTS, ("action", "what it does"), actions()),
            *_part("Control calls", CONTROLS, ("call", "what it does"), calls()),
        ]
    )


SWITCHES = """\
How the account behaves all the time. Constructor: `Sandbox(index_lag_s=30)`; command line: `--set index_lag_s=30`;
while it runs: `POST /_sandbox/switches {"index_lag_s": 30}`."""
FAULTS = """\
What happens to single calls. Constructor: `Sandbox(faults=[{...}])`; test: `sandbox.fault("drop_after", nth=2)`;
command line: `--fault "drop_after path=/tasks nth=2"` or `--fault '{...}'`; while it runs: `POST /_sandbox/faults
{"faults": [{"action": "drop_after", "path": "/tasks", "nth": 2}]}`, with `"add": true` beside those there are.

Every fault takes `method` and `path` (regular expressions; both empty: every call), `nth` (from 1), and `times` (1; 0:
all that follow) or `for_s` (seconds of the sandbox's clock from the first hit)."""
CONTROLS = f"""\
What happens in the account. Constructor: `Sandbox(controls=[("archive", {{"kind": "contacts", "id": "7"}})])`; test:
`sandbox.do("archive", {{...}})`; command line: `--do 'archive={{"kind": "contacts", "id": "7"}}'`; while it runs:
`POST /_sandbox/archive {{...}}`; in the middle of a run: the fault `do`. `GET` calls only look.

The OAuth app of the account: client id `{CLIENT_ID}`, secret `{CLIENT_SECRET}`, refresh token `{REFRESH_TOKEN}`; its
access tokens come from `POST /oauth/2026-03/token`."""


def switches() -> list[Row]:
    """Name, default and sentence of every switch."""
    return [(f"`{one.name}`", _value(one), one.metadata["says"]) for one in fields(Switches)]


def actions() -> list[Row]:
    """Name and sentence of every action of a fault."""
    return [(f"`{name}`", says) for name, says in ACTIONS.items()]


def calls() -> list[Row]:
    """Name and sentence of every control call; the words in backticks are the keys of its body."""
    acts: list[Row] = [(f"`{name}`", _doc(call)) for name, call in CALLS.items()]
    looks: list[Row] = [(f"`GET {name}`", _doc(look)) for name, look in LOOKS.items()]
    return [*acts, *looks]


def _part(title: str, intro: str, head: Row, rows: Sequence[Row]) -> list[str]:
    table = [_line(head), _line(("---",) * len(head)), *map(_line, rows)]
    return [f"## {title}", "", intro, "", *table, ""]


def _line(cells: Row) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _value(one: Any) -> str:
    """A switch's default as a command line would say it, and what else it may be."""
    default = one.default
    text = ",".join(default) if isinstance(default, tuple) else str(default).lower().removesuffix(".0")
    others = [choice for choice in one.metadata["choices"] if choice != text]
    if isinstance(default, tuple):
        return f"`{text}`" if text else f"none of `{','.join(others)}`"
    return f"`{text}`" + (f" (or `{'`, `'.join(others)}`)" if others else "")


def _doc(call: Callable[..., Any]) -> str:
    """The docstring as one line."""
    return " ".join((inspect.getdoc(call) or "").split())
