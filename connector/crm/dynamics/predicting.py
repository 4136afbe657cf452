"""
Scores where Dynamics' own pages show them: in the table of predictive scores, a row for each open lead and opportunity.

Whoever is written takes their open leads and deals along: these show the score, and the grade, that stand on the person
or are about to. It is done first, by comparing with what the rows hold: if it cannot be, the person waits, and is
decided again by the next run. What the environment refuses there is told in the log and holds nobody up.
Sources: "Populate predictive scores using custom scoring model" and "Use alternate keys" of Microsoft's documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from connector import codes
from connector.crm import Finding, Outcome
from connector.crm.dynamics.api import Call
from connector.crm.dynamics.asking import questions, rows_of
from connector.crm.dynamics.batch import Missing
from connector.crm.dynamics.derived import Row
from connector.crm.dynamics.drafting import Draft
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.names import ALIASES, CONTACT, DEAL, LEAD, SCORES, STATE, Table, looked_up
from connector.crm.dynamics.records import id_of
from connector.crm.dynamics.refusals import Refused, error_of
from connector.crm.dynamics.schema import Column
from connector.crm.wire import Answer
from connector.errors import CrmError, Deferred, Denied, NotFound, Transient
from connector.log import get_logger

_SCORE, _GRADE = "msdyn_score", "msdyn_grade"
_ID, _TYPE = "msdyn_entityid", "msdyn_entitytype"
_OPEN = f"{STATE} eq 0"
_LETTERS = "ABCD"

#: Column of the table of scores -> value.
Shown = Mapping[str, int]

#: A lead or a deal: its id, and the name of its table.
Target = tuple[str, str]

#: A person, and a call that lets a lead or a deal of theirs show what stands on them.
Change = tuple[str, Call]

log = get_logger("connector.crm")


def shown_first(env: Environment, drafts: Sequence[Draft]) -> tuple[dict[str, Outcome], list[Draft]]:
    """Let the open leads and deals of these people show their scores; the outcomes of those who must wait because that
    came to nothing, and the drafts of all others."""
    if not env.writing.predictive_score or not drafts or env.schema.of(SCORES) is None:
        return {}, list(drafts)
    try:
        changes = _changes(env, drafts)
    except (Transient, Deferred) as error:
        return {one.id: _waits(one.id, error) for one in drafts}, []
    except (Refused, NotFound, Denied) as error:
        if isinstance(error, Denied) and error.code != "scope":
            raise
        _refused(error, len(drafts))
        return {}, list(drafts)
    waiting = {person: _waits(person, error) for person, error in _failed(env, changes)}
    return waiting, [one for one in drafts if one.id not in waiting]


def _changes(env: Environment, drafts: Sequence[Draft]) -> list[Change]:
    """What is to be made or changed, each with the person whose it is."""
    wanted = _wanted(env, drafts)
    whose = dict(_targets(env, [one for one in drafts if wanted[one.id]]))
    standing = _standing(env, whose)
    changes: list[Change] = []
    for target, person in whose.items():
        row = standing.get(target, {})
        if news := {name: value for name, value in wanted[person].items() if row.get(name) != value}:
            changes.append((person, _call(target, news)))
    return changes


def findings(env: Environment) -> Iterator[Finding]:
    """What keeps scores from being shown, where they are to be."""
    named = (("predictive_score", env.writing.predictive_score), ("predictive_grade", env.writing.predictive_grade))
    if not env.writing.predictive_score:
        return
    if env.schema.of(SCORES) is None:
        what = f"this environment has no table {SCORES.name}, so no scores are shown on leads and deals."
        yield Finding(what, "It comes with Dynamics 365 Sales Enterprise; or remove write.predictive_score.")
    for setting, name in named:
        if name and not any(_column(env, table, name) for table in (CONTACT, LEAD)):
            yield Finding(
                f"write.{setting} names {name}, which people have no column for.", "Correct it, or remove it."
            )


# -- what is to be shown ---------------------------------------------------------------------------------


def _wanted(env: Environment, drafts: Sequence[Draft]) -> dict[str, Shown]:
    """Of each of these people, what their update sets, or else what stands on them."""
    found: dict[str, dict[str, int]] = {}
    for table in dict.fromkeys(one.table for one in drafts):
        theirs = [one for one in drafts if one.table == table]
        columns = dict(_columns(env, table))
        select = ",".join(dict.fromkeys([table.key, *(column.key for column, _ in columns.values())]))
        asked = questions(env, table.set_name, select, (table.key,), [one.id for one in theirs])
        rows = {id_of(table, row): row for row in rows_of(env, asked)}
        for draft in theirs:
            told = {**rows.get(draft.id, {}), **draft.body}
            values = {name: read(told.get(column.name)) for name, (column, read) in columns.items()}
            found[draft.id] = {name: value for name, value in values.items() if value is not None}
    return dict(found)


def _columns(env: Environment, table: Table) -> Iterator[tuple[str, tuple[Column, Callable[[Any], int | None]]]]:
    settings = ((_SCORE, env.writing.predictive_score, _points), (_GRADE, env.writing.predictive_grade, _letter))
    for name, setting, read in settings:
        if setting and (column := _column(env, table, setting)) is not None:
            yield name, (column, read)


def _column(env: Environment, table: Table, name: str) -> Column | None:
    shape = env.schema.of(table)
    return shape.columns.get(ALIASES.get((table.name, name), name)) if shape else None


def _points(value: Any) -> int | None:
    try:
        return None if value is None else round(float(value))
    except (TypeError, ValueError):
        return None


def _letter(value: Any) -> int | None:
    """A grade by its letter: "B3" is the second."""
    letter = str(value or "")[:1].upper()
    return _LETTERS.index(letter) if letter and letter in _LETTERS else None


# -- where it is shown -----------------------------------------------------------------------------------


def _targets(env: Environment, people: Sequence[Draft]) -> Iterator[tuple[Target, str]]:
    """The open leads and deals of these people, each with the person whose it is. A deal is its parent contact's, or
    else its customer's."""
    yield from (((one.id, LEAD.name), one.id) for one in people if one.table == LEAD)
    contacts = [one.id for one in people if one.table == CONTACT]
    for table, lookups in ((LEAD, (LEAD.parent,)), (DEAL, DEAL.links)):
        keys = [looked_up(name) for name in lookups if _column(env, table, name) is not None]
        asked = questions(env, table.set_name, ",".join([table.key, *keys]), keys, contacts, only=_OPEN) if keys else []
        for row in rows_of(env, asked):
            whose = next((str(row[key]).lower() for key in keys if row.get(key)), "")
            if whose in contacts:
                yield (id_of(table, row), table.name), whose


def _standing(env: Environment, targets: Iterable[Target]) -> dict[Target, Row]:
    """What these show now; whatever shows nothing is missing."""
    select = ",".join((_ID, _TYPE, _SCORE, _GRADE))
    ids = [f"'{id}'" for id, _ in targets]
    rows = rows_of(env, questions(env, SCORES.set_name, select, (_ID,), ids)) if ids else ()
    return {(str(row.get(_ID)).lower(), str(row.get(_TYPE))): row for row in rows}


def _call(target: Target, news: Shown) -> Call:
    """Made or changed, by the key that is not repeated in the body: twice is as good as once."""
    id, table = target
    path = f"{SCORES.set_name}({_ID}='{id}',{_TYPE}='{table}')"
    return Call(path, "write", "PATCH", body=dict(news), repeatable=True)


# -- what becomes of it ----------------------------------------------------------------------------------


def _failed(env: Environment, changes: Sequence[Change]) -> Iterator[tuple[str, Exception | None]]:
    """Those whose leads and deals may not show what they are to, for a reason that passes."""
    size = env.reading.batch
    parts = [changes[start : start + size] for start in range(0, len(changes), size)]
    for failed in env.api.each(lambda part: list(_sent(env, part)), parts, writing=True):
        yield from failed


def _sent(env: Environment, changes: Sequence[Change]) -> Iterator[tuple[str, Exception | None]]:
    answers: Sequence[Answer | Missing]
    try:
        answers = env.api.batch([call for _, call in changes], "write")
    except (Transient, Deferred) as error:
        yield from ((person, error) for person, _ in changes)
        return
    except Refused as error:
        _refused(error, len(changes))
        return
    for (person, call), answer in zip(changes, answers, strict=True):
        if isinstance(answer, Missing):
            yield person, None
        elif answer.status >= 300:
            refusal = error_of(str(call.request), answer, call.headers)
            if isinstance(refusal, Transient):
                yield person, refusal
            elif isinstance(refusal, Refused | NotFound) or refusal.code == "scope":
                _refused(refusal, 1)
            else:
                raise refusal


def _refused(error: CrmError, rows: int) -> None:
    log.warning("scores are not shown on leads and deals: the environment refuses them", code=error.code, rows=rows)


def _waits(person: str, error: Exception | None) -> Outcome:
    code = codes.of(error) if isinstance(error, CrmError | Deferred) else "unavailable"
    message = str(error) if error else "Dataverse did not go through with the batch."
    return Outcome(person, "deferred", code=code, message=message)
