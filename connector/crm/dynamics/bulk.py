"""
UpdateMultiple: many rows in one transaction, without a word about what anybody else did to them meanwhile.

Only in a backfill, and only into columns that nobody else sets: which these are the agreement says, and the settings
allow it for those whose names begin so. A stage, a status or an answer that a person sets meanwhile would be
overwritten without anybody ever knowing; so what may be theirs goes out with its ETag, and all that is set beside it.
One row that is refused takes all others of its transaction with it, and the answer does not say which it was; it is
found by halving, and sent alone like any other write. So is everything whose answer was lost: with its ETag nothing is
written twice.
Source: "Use bulk operation messages" of Microsoft's documentation.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector import codes
from connector.crm import Outcome
from connector.crm.dynamics.api import Call
from connector.crm.dynamics.drafting import Draft
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.refusals import Refused
from connector.errors import Deferred, Denied, NotFound, OutcomeUnknown, Transient

_MESSAGE = "Microsoft.Dynamics.CRM."

#: Fewer rows than this are written one by one: a refusal is told of each, and little is gained.
_WORTH_IT = 2

#: Outcomes by id, and what is still to be written by the ordinary way.
Sent = tuple[dict[str, Outcome], list[Draft]]


def by_bulk(env: Environment) -> bool:
    """Whether this is a write for which the settings allow it."""
    return bool(env.writing.bulk) and env.api.allowance.priority == "backfill"


def sent_in_bulk(env: Environment, drafts: Sequence[Draft]) -> Sent:
    """Those of the drafts that set our own columns alone; what was not written so is left."""
    fit = [one for one in drafts if _may_go(env, one)]
    outcomes, left = dict[str, Outcome](), [one for one in drafts if not _may_go(env, one)]
    size = env.writing.bulk_rows
    parts = [
        theirs[start : start + size]
        for table in dict.fromkeys(one.table for one in fit)
        for theirs in [[one for one in fit if one.table == table]]
        for start in range(0, len(theirs), size)
    ]
    for done, rest in env.api.each(lambda part: _sent(env, part), parts, writing=True):
        outcomes |= done
        left += rest
    return outcomes, left


def _may_go(env: Environment, draft: Draft) -> bool:
    return draft.ours_alone and all(column.name.startswith(env.writing.bulk) for column in draft.columns.values())


def _sent(env: Environment, drafts: Sequence[Draft]) -> Sent:
    """One transaction, halved as often as it is refused."""
    if len(drafts) < _WORTH_IT:
        return {}, list(drafts)
    try:
        env.api.send(_call(drafts))
    except OutcomeUnknown:
        return {}, list(drafts)  # whose rows have changed meanwhile is met by their ETags
    except (Deferred, Transient) as error:
        message = str(error)
        return {one.id: Outcome(one.id, "deferred", code=codes.of(error), message=message) for one in drafts}, []
    except Refused as error:
        return ({}, list(drafts)) if error.code == "not_supported" else _halved(env, drafts)
    except NotFound:
        return _halved(env, drafts)
    except Denied as error:
        if error.code != "scope":
            raise
        return {}, list(drafts)  # one row that is not ours to write is told by itself
    for one in drafts:
        env.versions.forget(one.id)  # the answer tells no new ones
    return {one.id: Outcome(one.id, "written") for one in drafts}, []


def _halved(env: Environment, drafts: Sequence[Draft]) -> Sent:
    middle = len(drafts) // 2
    first, second = _sent(env, drafts[:middle]), _sent(env, drafts[middle:])
    return first[0] | second[0], first[1] + second[1]


def _call(drafts: Sequence[Draft]) -> Call:
    table = drafts[0].table
    targets = [{"@odata.type": _MESSAGE + table.name, table.key: one.id, **one.body} for one in drafts]
    path = f"{table.set_name}/{_MESSAGE}UpdateMultiple"
    return Call(path, "write", "POST", body={"Targets": targets}, rows=len(drafts))
