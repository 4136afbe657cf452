"""The control path of any sandboxed CRM: one call by its name, from a test, over HTTP or by a fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from connector.sandbox.exchange import Answer, Call, Refusal, invalid, not_found

Body = Mapping[str, Any]
Act = Callable[[Any, Body], dict[str, Any]]
Look = Callable[[Any, str, Call], dict[str, Any]]

PREFIX = "/_sandbox/"


@cache
def known_keys(call: Callable[..., Any]) -> frozenset[str]:
    """What the body of a control call may hold: the words in backticks of its docstring."""
    return frozenset(re.findall(r"`(\w+)`", call.__doc__ or ""))


def control(sandbox: Any, calls: Mapping[str, Act], looks: Mapping[str, Look], call: Call) -> Answer:
    """Answer one control call; what is wrong with it comes back as a 400 that says so."""
    name, _, rest = call.path.removeprefix(PREFIX).partition("/")
    try:
        if call.method == "GET" and name in looks:
            return Answer(200, looks[name](sandbox, rest, call))
        if call.method == "POST" and name in calls:
            return Answer(200, perform(sandbox, calls, name, call.json()))
    except Refusal as refused:
        return refused.answer
    except ValueError as wrong:
        return invalid(str(wrong)).answer
    return not_found(f"there are GET {', GET '.join(looks)} and POST {', '.join(calls)}").answer


def perform(sandbox: Any, calls: Mapping[str, Act], name: str, body: Body) -> dict[str, Any]:
    """Make one control call; ValueError says what is wrong with it."""
    if name not in calls:
        raise ValueError(f"unknown control call {name!r}; there are {', '.join(calls)}")
    known = known_keys(calls[name])
    if known and (unknown := sorted(set(body) - known)):
        raise ValueError(f"{name}: unknown key {unknown[0]!r}; there are {', '.join(sorted(known))}")
    try:
        return calls[name](sandbox, body)
    except KeyError as missing:
        raise ValueError(f"{name}: missing or unknown: {missing.args[0]}") from None
    except (ValueError, TypeError) as wrong:
        raise ValueError(f"{name}: {wrong}") from None
