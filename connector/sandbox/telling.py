"""
All manners of a sandbox in one place: what `connector sandbox --manners` prints, told by the code that obeys them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from connector.sandbox import control, faults
from connector.sandbox import dataverse as dynamics
from connector.sandbox.curtain import Act, Look
from connector.sandbox.dataverse import control as dynamics_control
from connector.sandbox.dataverse import trouble as dynamics_trouble
from connector.sandbox.dataverse.known import CLIENT_ID as DYNAMICS_CLIENT_ID
from connector.sandbox.dataverse.known import TENANT
from connector.sandbox.dataverse.login import CLIENT_SECRET as DYNAMICS_SECRET
from connector.sandbox.switches import Switches
from connector.sandbox.tokens import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from connector.sandbox.turning import Turnable

Row = tuple[str, ...]


class Book(NamedTuple):
    """What a page about the manners of one CRM is made from, with an example of each sort."""

    sandbox: str  # the class
    switches: type[Turnable]
    actions: Mapping[str, str]
    calls: Mapping[str, Act]
    looks: Mapping[str, Look]
    access: str  # how its login is opened
    switch: tuple[str, str]  # name and value
    path: str  # that a fault means
    call: tuple[str, str]  # name and body


BOOKS = {
    "hubspot": Book(
        "Sandbox",
        Switches,
        faults.ACTIONS,
        control.CALLS,
        control.LOOKS,
        f"""\
The OAuth app of the account: client id `{CLIENT_ID}`, secret `{CLIENT_SECRET}`, refresh token `{REFRESH_TOKEN}`; its
access tokens come from `POST /oauth/2026-03/token`.""",
        ("index_lag_s", "30"),
        "/tasks",
        ("archive", '{"kind": "contacts", "id": "7"}'),
    ),
    "dynamics": Book(
        "DataverseSandbox",
        dynamics.Switches,
        dynamics_trouble.ACTIONS,
        dynamics_control.CALLS,
        dynamics_control.LOOKS,
        f"""\
The app of the environment: tenant `{TENANT}`, client id `{DYNAMICS_CLIENT_ID}`, secret
`{DYNAMICS_SECRET}`; its access tokens come from `POST /<tenant>/oauth2/v2.0/token`.""",
        ("dop_hint", "4"),
        "/tasks",
        ("delete", '{"table": "contacts", "id": "..."}'),
    ),
}


def manners(crm: str = "hubspot") -> str:
    """Every switch, fault and control call with its sentence, as a page of Markdown."""
    book = BOOKS[crm]
    return "\n".join(
        [
            *_part("Switches", _of_switches(book), ("switch", "unless turned", "what it means"), switches(book)),
            *_part("Faults", _of_faults(book), ("action", "what it does"), actions(book)),
            *_part("Control calls", _of_calls(book), ("call", "what it does"), calls(book)),
        ]
    )


def _of_switches(book: Book) -> str:
    name, value = book.switch
    return f"""\
How the account behaves all the time. Constructor: `{book.sandbox}({name}={value})`; command line:
`--set {name}={value}`; while it runs: `POST /_sandbox/switches {{"{name}": {value}}}`."""


def _of_faults(book: Book) -> str:
    return f"""\
What happens to single calls. Constructor: `{book.sandbox}(faults=[{{...}}])`; test:
`sandbox.fault("drop_after", nth=2)`; command line: `--fault "drop_after path={book.path} nth=2"` or
`--fault '{{...}}'`; while it runs: `POST /_sandbox/faults
{{"faults": [{{"action": "drop_after", "path": "{book.path}", "nth": 2}}]}}`, with `"add": true` beside those there are.

Every fault takes `method` and `path` (regular expressions; both empty: every call), `nth` (from 1), and `times` (1; 0:
all that follow) or `for_s` (seconds of the sandbox's clock from the first hit)."""


def _of_calls(book: Book) -> str:
    name, body = book.call
    return f"""\
What happens in the account. Constructor: `{book.sandbox}(controls=[("{name}", {body})])`; test:
`sandbox.do("{name}", {{...}})`; command line: `--do '{name}={body}'`; while it runs:
`POST /_sandbox/{name} {{...}}`; in the middle of a run: the fault `do`. `GET` calls only look.

{book.access}"""


def switches(book: Book) -> list[Row]:
    """Name, default and sentence of every switch."""
    return [(f"`{one.name}`", _value(one), one.metadata["says"]) for one in fields(book.switches)]


def actions(book: Book) -> list[Row]:
    """Name and sentence of every action of a fault."""
    return [(f"`{name}`", says) for name, says in book.actions.items()]


def calls(book: Book) -> list[Row]:
    """Name and sentence of every control call; the words in backticks are the keys of its body."""
    acts: list[Row] = [(f"`{name}`", _doc(call)) for name, call in book.calls.items()]
    looks: list[Row] = [(f"`GET {name}`", _doc(look)) for name, look in book.looks.items()]
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
