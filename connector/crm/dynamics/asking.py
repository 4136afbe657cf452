"""
Questions for many rows at once: by their ids, or by whom they point to, some ids each, many in one batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connector.crm.dynamics.api import NEXT, Call, listed, no_answer_of, parsed
from connector.crm.dynamics.batch import Missing
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.refusals import Refused, error_of
from connector.crm.wire import Answer
from connector.errors import Transient

Row = dict[str, Any]

#: Tells of lookups that may point to several tables which it is. Not for reads whose changes are tracked: an answer
#: with annotations lacks the link to them.
ANNOTATED = "Microsoft.Dynamics.CRM.lookuplogicalname"

#: Too many conditions, links or parameters; and addresses that are too long.
_TOO_COMPLEX = frozenset({"0x8004430C", "0x8004430D", "0x8004430E"})
_TOO_LONG = frozenset({413, 414})


@dataclass(frozen=True, slots=True)
class Question:
    """The rows of a set where one of these keys holds one of these ids, and which fulfil a further condition."""

    set_name: str
    select: str
    keys: tuple[str, ...]
    ids: tuple[str, ...]
    annotated: bool = False
    only: str = ""

    @property
    def call(self) -> Call:
        """As a request."""
        conditions = " or ".join(f"{key} eq {id}" for id in self.ids for key in self.keys)
        wanted = f"({conditions}) and {self.only}" if self.only else conditions
        query = (("$select", self.select), ("$filter", wanted))
        return Call(self.set_name, "read", query=query, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        """Its preferences, which the pages that follow need as well."""
        return {"Prefer": f'odata.include-annotations="{ANNOTATED}"'} if self.annotated else {}

    def halves(self) -> tuple[Question, Question]:
        """The same in two."""
        middle = len(self.ids) // 2
        return replace(self, ids=self.ids[:middle]), replace(self, ids=self.ids[middle:])


def questions(
    env: Environment,
    set_name: str,
    select: str,
    keys: Sequence[str],
    ids: Iterable[str],
    *,
    annotated: bool = False,
    only: str = "",
) -> list[Question]:
    """For all of these ids."""
    every, size = tuple(ids), env.reading.ids
    return [
        Question(set_name, select, tuple(keys), every[start : start + size], annotated, only)
        for start in range(0, len(every), size)
    ]


def answered(env: Environment, asked: Sequence[Question]) -> Iterator[tuple[Question, list[Row]]]:
    """The rows that answer each question, in order; a question that was too much may come in parts."""
    if len(asked) <= 1:
        for question in asked:
            yield from _alone(env, question)
        return
    size = env.reading.batch
    groups = [asked[start : start + size] for start in range(0, len(asked), size)]
    for group in env.api.each(lambda group: list(_together(env, group)), groups):
        yield from group


def rows_of(env: Environment, asked: Sequence[Question]) -> Iterator[Row]:
    """The same, without saying which question a row answers."""
    return (row for _, rows in answered(env, asked) for row in rows)


def _followed(env: Environment, call: Call, rows: list[Row], beside: Mapping[str, Any]) -> list[Row]:
    """The rows of an answer and of the pages that follow it."""
    found, link = list(rows), beside.get(NEXT)
    while isinstance(link, str):
        more, beside = env.api.page(Call(link, call.counted_as, headers=call.headers))
        found, link = found + more, beside.get(NEXT)
    return found


def _alone(env: Environment, question: Question) -> Iterator[tuple[Question, list[Row]]]:
    call = question.call
    try:
        rows, beside = env.api.page(call)
    except Refused as error:
        yield from _in_halves(env, question, error)
    else:
        yield question, _followed(env, call, rows, beside)


def _together(env: Environment, group: Sequence[Question]) -> Iterator[tuple[Question, list[Row]]]:
    if len(group) == 1:
        yield from _alone(env, group[0])
        return
    calls = [question.call for question in group]
    for question, call, answer in zip(group, calls, env.api.batch(calls, "batch_read"), strict=True):
        if isinstance(answer, Missing):
            yield from _alone(env, question)
        elif answer.status >= 300:
            error = error_of(str(call.request), answer, call.headers)
            if isinstance(error, Transient):
                yield from _alone(env, question)  # which tries it again, as patiently as any other request
            elif isinstance(error, Refused):
                yield from _in_halves(env, question, error)
            else:
                raise error
        else:
            body = _body(call, answer)
            yield question, _followed(env, call, listed(call, body), body)


def _in_halves(env: Environment, question: Question, error: Refused) -> Iterator[tuple[Question, list[Row]]]:
    """A question that is too long or too complex is asked in two; any other refusal stands."""
    if len(question.ids) < 2 or not (error.status in _TOO_LONG or error.theirs in _TOO_COMPLEX):
        raise error
    for half in question.halves():
        yield from _alone(env, half)


def _body(call: Call, answer: Answer) -> dict[str, Any]:
    body = parsed(answer.body)
    if not body:
        raise no_answer_of(call, f"answered {answer.status} in a batch, but not with a JSON object")
    return body
