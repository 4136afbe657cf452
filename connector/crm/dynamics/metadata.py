"""
Questions about the environment itself: many in one request, and lists page by page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.crm.dynamics.api import NEXT, Call, parsed
from connector.crm.dynamics.batch import Missing
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.plainly import NOT_UNDERSTOOD
from connector.crm.dynamics.refusals import Refused
from connector.errors import NotFound

#: The namespace of types and functions.
CRM = "Microsoft.Dynamics.CRM."

Fact = Mapping[str, Any]


def answers(env: Environment, calls: Sequence[Call], *, spared: bool = False) -> list[dict[str, Any] | None]:
    """The object that answers each call, in order; None where what was asked for is not there, or is `spared` and not
    understood. What a batch does not answer is asked alone, so that whatever is wrong is told as of any other call."""
    size = env.reading.batch
    parts = [calls[start : start + size] for start in range(0, len(calls), size)]
    return [one for part in env.api.each(lambda part: _together(env, part, spared), parts) for one in part]


def _together(env: Environment, calls: Sequence[Call], spared: bool) -> list[dict[str, Any] | None]:
    if len(calls) == 1:
        return [_alone(env, calls[0], spared)]
    found: list[dict[str, Any] | None] = []
    for call, answer in zip(calls, env.api.batch(calls, "describe"), strict=True):
        body = None if isinstance(answer, Missing) or answer.status >= 300 else parsed(answer.body)
        found.append(body or _alone(env, call, spared))
    return found


def _alone(env: Environment, call: Call, spared: bool) -> dict[str, Any] | None:
    try:
        return env.api.ask(call)
    except NotFound:
        return None
    except Refused as error:
        if spared and error.status in NOT_UNDERSTOOD:
            return None
        raise


def rows(env: Environment, call: Call) -> Iterator[Fact]:
    """Every row of a list, page by page."""
    found, beside = env.api.page(call)
    yield from found
    while isinstance(link := beside.get(NEXT), str):
        found, beside = env.api.page(Call(link, call.counted_as, headers=call.headers))
        yield from found


def value_in(fact: Any) -> Any:
    """Metadata wraps some values: {"Value": "DateOnly"}."""
    return fact.get("Value") if isinstance(fact, Mapping) else None


def text_of(label: Any) -> str:
    """What people read, in their language or else in the first one there is."""
    if not isinstance(label, Mapping):
        return ""
    told = [label.get("UserLocalizedLabel"), *(label.get("LocalizedLabels") or ())]
    return next((str(one["Label"]) for one in told if isinstance(one, Mapping) and one.get("Label")), "")
