"""
Every input has its outcome (G6), checked on every batch of every adapter, before anything of it is believed.

An adapter that loses an id, names one twice or invents one would make us remember what never happened. Whoever writes
therefore writes through here: an answer that does not add up ends the run, and the ledger keeps the intents, so that
the next run reads back what arrived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from connector.crm import CRM, Outcome, Task, Update
from connector.errors import Unaccounted

#: How many ids a message names.
_NAMED = 3


def write(crm: CRM, kind: str, updates: Sequence[Update]) -> list[Outcome]:
    """As CRM.write, of any adapter. Raises Unaccounted unless there is one outcome for each update, in its order."""
    if not updates:
        return []
    outcomes = crm.write(kind, updates)
    sent, told = [one.id for one in updates], [one.id for one in outcomes]
    if sent != told:
        raise Unaccounted(
            f"{len(sent)} {kind} updates went out and {len(told)} outcomes came back: {_odd(sent, told)}."
        )
    return outcomes


def create_tasks(crm: CRM, tasks: Sequence[Task], about_to_send: Callable[[int], None]) -> list[Outcome]:
    """As CRM.create_tasks. Raises Unaccounted unless each has an outcome, and each created one an id of its own."""
    outcomes = crm.create_tasks(tasks, about_to_send)
    ids = [one.id for one in outcomes if one.state == "written"]
    if len(outcomes) != len(tasks) or len({*ids, ""}) != len(ids) + 1:
        raise Unaccounted(f"{len(tasks)} tasks went out, {len(outcomes)} outcomes with {len(set(ids))} ids came back.")
    return outcomes


def _odd(sent: Sequence[str], told: Sequence[str]) -> str:
    """Which ids do not add up, in a few words."""
    wanted, got = Counter(sent), Counter(told)
    lost, extra = list((wanted - got).elements()), list((got - wanted).elements())
    parts = [f"{word} {', '.join(ids[:_NAMED])}" for word, ids in (("missing", lost), ("unasked", extra)) if ids]
    return "; ".join(parts) or "not in the order of the updates"
