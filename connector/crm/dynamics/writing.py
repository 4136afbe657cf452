"""
Property updates: a PATCH for each record, only if it is still as it was read; many in one batch, one outcome for each.

A record that is another than the one that was read is told as moved, and nothing of it is written. After a lost answer
we look what arrived: whose ETag is still the one that was sent was not written, and is sent again. Even if the first
arrives later than that, only one of the two finds its ETag.
Sources: "Perform conditional operations", "Execute batch operations", "Use bulk operation messages" of Microsoft's
documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connector import codes
from connector.crm import Outcome, Update
from connector.crm.dynamics.api import parsed
from connector.crm.dynamics.asking import questions, rows_of
from connector.crm.dynamics.batch import Missing
from connector.crm.dynamics.bulk import by_bulk, sent_in_bulk
from connector.crm.dynamics.derived import Row
from connector.crm.dynamics.drafting import Draft, Drafter
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.names import TABLES
from connector.crm.dynamics.predicting import shown_first
from connector.crm.dynamics.records import ETAG, id_of
from connector.crm.dynamics.refusals import Refused, error_of
from connector.crm.lost_answers import NOT_APPLIED, settle
from connector.crm.wire import Answer
from connector.errors import CrmError, Deferred, Denied, NotFound, OutcomeUnknown, Transient

Outcomes = dict[str, Outcome]

_GONE = "not in Dynamics any more"

#: Of a part that an answer does not mention.
_SILENT = "not_in_answer"


def write(env: Environment, kind: str, updates: Sequence[Update]) -> list[Outcome]:
    """Set properties, several batches at once; outcomes in the order of the updates."""
    if len({update.id for update in updates}) < len(updates):
        raise ValueError("an id stands twice in one write; the second would meet the row that the first has changed")
    if not updates:
        return []
    drafts, outcomes = _drafted(env, kind, updates)
    if kind == "contact":
        waiting, drafts = shown_first(env, drafts)
        outcomes |= waiting
    if by_bulk(env):
        many, drafts = sent_in_bulk(env, drafts)
        outcomes |= many
    size = env.reading.batch
    parts = [drafts[start : start + size] for start in range(0, len(drafts), size)]
    for settled in env.api.each(lambda part: _settled(env, part), parts, writing=True):
        outcomes |= settled
    _raise_if_nobody_may(outcomes)
    return [outcomes[update.id] for update in updates]


def _drafted(env: Environment, kind: str, updates: Sequence[Update]) -> tuple[list[Draft], Outcomes]:
    """What is to go out, and the outcomes of those whose updates cannot."""
    drafters: dict[str, Drafter] = {}
    drafts: list[Draft] = []
    outcomes: Outcomes = {}
    for update in updates:
        version = env.versions.of(update.id)
        if version is None or version.table.name not in {table.name for table in TABLES[kind]}:
            _raise_if_none_are_told(env, kind)
            outcomes[update.id] = _moved(update.id, "it was not read, or too long ago")
            continue
        name = version.table.name
        drafter = drafters.get(name) or drafters.setdefault(name, _drafter(env, kind, updates, version.table))
        found = drafter.draft(update, version)
        if isinstance(found, Draft):
            drafts.append(found)
        else:
            outcomes[update.id] = found
    return drafts, outcomes


def _raise_if_none_are_told(env: Environment, kind: str) -> None:
    """Whose table has no ETags would be read again and again."""
    for table in TABLES[kind]:
        shape = env.schema.of(table)
        if shape is not None and not (shape.versioned and env.versions.are_told(table)):
            told = "has no optimistic concurrency" if not shape.versioned else "tells no versions of its rows"
            raise Denied(
                f"The table {table.name} {told}, so nobody's change would be noticed before it"
                " is overwritten. Let the environment's administrator enable optimistic concurrency for it.",
                code="no_versions",
            )


def _drafter(env: Environment, kind: str, updates: Sequence[Update], table: Any) -> Drafter:
    """By the table as it is known; where that lacks a column, as it is now."""
    for attempt in range(2):
        shape = env.schema.of(table)
        if shape is None:
            raise NotFound(f"The environment has no table {table.name} any more.", code="not_found")
        drafter = Drafter(env, kind, table, shape)
        if attempt or not drafter.lacks(updates):
            break
        env.schema.forget(table)
    return drafter


def _settled(env: Environment, drafts: Sequence[Draft]) -> Outcomes:
    """Write one batch and account for every row in it."""
    outcomes = settle(
        drafts,
        send=lambda part: _sent(env, part),
        look=lambda left, before: looked(env, left, before),
        rest=lambda vain: env.api.policy.sleep(env.api.policy.wait(vain)),
    )
    return {id: _never_begun(one) for id, one in outcomes.items()}


def _never_begun(outcome: Outcome) -> Outcome:
    """An answer that was whole has passed it over each time, and the row is untouched: it was not attempted."""
    if (outcome.state, outcome.code) != ("unknown", NOT_APPLIED):
        return outcome
    return Outcome(outcome.id, "deferred", code="unavailable", message="Dataverse did not go through with the batch.")


def _sent(env: Environment, drafts: Sequence[Draft]) -> Outcomes:
    """One batch, halved as often as it is refused as a whole."""
    try:
        answers = env.api.batch([one.call for one in drafts], "write")
    except OutcomeUnknown as error:
        return _all(drafts, "unknown", codes.of(error), "the answer was lost")
    except (Deferred, Transient) as error:  # retried already, and certainly not applied
        return _all(drafts, "deferred", codes.of(error), str(error))
    except Refused as error:
        if len(drafts) == 1:
            return {drafts[0].id: _rejected(drafts[0], error)}
        middle = len(drafts) // 2
        return _sent(env, drafts[:middle]) | _sent(env, drafts[middle:])
    return {one.id: _told(env, one, answer) for one, answer in zip(drafts, answers, strict=True)}


# -- reading the answer ----------------------------------------------------------------------------------


def _told(env: Environment, draft: Draft, answer: Answer | Missing) -> Outcome:
    if isinstance(answer, Missing):
        lost = answer is Missing.UNKNOWN
        return Outcome(draft.id, "unknown", code="no_answer" if lost else _SILENT, message="the answer was lost")
    if answer.status < 300:
        return _written(env, draft, parsed(answer.body) or {}, answer.headers.get("ETag"))
    call = draft.call
    outcome = _refusal(draft, error_of(str(call.request), answer, call.headers))
    if outcome.state in ("gone", "moved"):
        env.versions.forget(draft.id)
    if outcome.code == "property_missing":  # the table is another than it was
        env.schema.forget(draft.table)
        env.bindings.forget(draft.table)
    return outcome


def _written(env: Environment, draft: Draft, row: Row, etag: str | None) -> Outcome:
    if version := row.get(ETAG) or etag:
        env.versions.remember(draft.id, draft.table, version)
    else:
        env.versions.forget(draft.id)
    return Outcome(draft.id, "written", draft.stored(row))


def _refusal(draft: Draft, error: CrmError) -> Outcome:
    """What the status of one part says of its row."""
    if isinstance(error, OutcomeUnknown):
        return Outcome(draft.id, "unknown", code=codes.of(error), message="the answer was lost")
    if isinstance(error, Transient):
        return Outcome(draft.id, "deferred", code=codes.of(error), message=str(error))
    if isinstance(error, NotFound):
        return Outcome(draft.id, "gone", code="gone", message=_GONE)
    if isinstance(error, Refused):
        return _moved(draft.id) if error.code == "moved_meanwhile" else _rejected(draft, error)
    if isinstance(error, Denied) and error.code == "scope":
        return Outcome(draft.id, "rejected", code="scope", message=str(error))
    raise error


def _rejected(draft: Draft, error: Refused) -> Outcome:
    names = draft.named_by(error) if error.code in _ABOUT_COLUMNS else ()
    message = ": ".join(filter(None, (error.sentence, ", ".join(names))))
    return Outcome(draft.id, "rejected", {}, error.code, message, names)


#: What is refused for a column, where the message names one. A plug-in's message may name any.
_ABOUT_COLUMNS = frozenset(
    {
        "value_not_allowed",
        "value_invalid",
        "property_missing",
        "property_read_only",
        "required_missing",
        "target_missing",
        "refused",
    }
)


def _moved(id: str, why: str = "somebody changed it since it was read") -> Outcome:
    return Outcome(id, "moved", code="moved_meanwhile", message=why)


def _all(drafts: Iterable[Draft], state: Any, code: str, message: str) -> Outcomes:
    return {one.id: Outcome(one.id, state, code=code, message=message) for one in drafts}


def _raise_if_nobody_may(outcomes: Outcomes) -> None:
    """What nobody's record lets us is not about one record."""
    denied = [one for one in outcomes.values() if one.code == "scope"]
    if len(denied) == len(outcomes) > 1:
        raise Denied(denied[0].message, code="scope")


# -- looking what arrived --------------------------------------------------------------------------------


def looked(env: Environment, drafts: Sequence[Draft], outcomes: Mapping[str, Outcome]) -> Outcomes:
    """After a lost answer: what stands in Dynamics now. Whose row is untouched stays unknown."""
    rows: dict[str, Row] = {}
    for table in {one.table for one in drafts}:
        theirs = [one for one in drafts if one.table == table]
        select = ",".join(dict.fromkeys([table.key, *(key for one in theirs for key in one.keys)]))
        asked = questions(env, table.set_name, select, (table.key,), [one.id for one in theirs])
        rows |= {id_of(table, row): row for row in rows_of(env, asked)}
    return {one.id: _seen(env, one, rows.get(one.id), outcomes[one.id]) for one in drafts}


def _seen(env: Environment, draft: Draft, row: Row | None, before: Outcome) -> Outcome:
    if row is not None and draft.untouched_in(row):
        return replace(before, code=NOT_APPLIED) if before.code == _SILENT else before
    env.versions.forget(draft.id)  # whoever else changed it is not known to whom decided
    if row is None:
        return Outcome(draft.id, "gone", code="gone", message=_GONE)
    return Outcome(draft.id, "written", draft.stored(row)) if draft.stands_in(row) else _moved(draft.id)
