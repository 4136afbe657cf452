"""
How much may change: `guard` looks at a whole run, cause by cause, before its first write (G8); tasks have a budget of
their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connector.plan.changes import SCORES
from connector.wording import people


def guarded_by(cause: str) -> str:
    """The cause the guard counts by: a rule, not the single deal that fulfilled it, so that an import of a thousand
    deals is one flood and not a thousand causes."""
    return cause.partition(":")[0] or SCORES


@dataclass(frozen=True, slots=True)
class CauseCount:
    """How many planned changes of a run one cause stands behind."""

    cause: str
    counted: int
    overwrites: int
    people: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The change budget: people whose stage, status or tasks may change, the share that may be overwritten, and the
    people a run whose scores only aged."""

    changes_per_run: int = 200
    changes_per_day: int = 500
    max_share: float = 0.3
    share_from: int = 200
    max_score_writes: int = 50_000


@dataclass(frozen=True, slots=True)
class Parking:
    """One cause whose people are set aside for review, with the sentence that says why."""

    cause: str
    code: str
    message: str


def guard(causes: Sequence[CauseCount], limits: Limits, *, looked_at: int, written_today: int) -> list[Parking]:
    """Which causes exceed the budget. The small ones go through first, so a flood never holds up a demo request."""
    left = max(0, min(limits.changes_per_run, limits.changes_per_day - written_today))
    parked: list[Parking] = []
    for one in sorted(causes, key=lambda one: (one.counted, one.cause)):
        if one.counted > left:
            parked.append(Parking(one.cause, "change_budget", _over_budget(one, limits, written_today, left)))
        else:
            left -= one.counted
    set_aside = {one.cause for one in parked}
    return parked + _over_share([one for one in causes if one.cause not in set_aside], limits, looked_at)


def _over_budget(one: CauseCount, limits: Limits, written_today: int, left: int) -> str:
    return (
        f"{one.cause} would change {people(one.counted)}; {left} left of guard.changes_per_run ="
        f" {limits.changes_per_run} and guard.changes_per_day = {limits.changes_per_day}"
        f" ({written_today} in the last 24 hours)"
    )


def _over_share(causes: Sequence[CauseCount], limits: Limits, looked_at: int) -> list[Parking]:
    if looked_at < limits.share_from:
        return []
    overwrites = sum(one.overwrites for one in causes)
    message = (
        f"{overwrites} of {people(looked_at)} looked at would have a value overwritten, more than guard.max_share ="
        f" {limits.max_share:g} allows"
    )
    parked = []
    for one in sorted(causes, key=lambda one: (-one.overwrites, one.cause)):  # the few go on, as ever
        if overwrites <= limits.max_share * looked_at:
            break
        parked.append(Parking(one.cause, "max_share", f"{message}; {one.cause} is the largest part"))
        overwrites -= one.overwrites
    return parked


@dataclass(frozen=True, slots=True)
class TaskBudget:
    """How many hand-off tasks a day: per owner, and in all."""

    per_owner_per_day: int = 15
    per_day: int = 150


def over_task_budget(
    wanted: Iterable[tuple[str, str | None, int]], sent: Mapping[str, int], budget: TaskBudget
) -> list[str]:
    """People whose hand-off must wait for another day. `wanted` is (person id, owner id, tasks), most urgent
    first; `sent` counts today's tasks per owner, "" for none."""
    counts = dict(sent)
    total = sum(counts.values())
    waiting = []
    for person_id, owner_id, tasks in wanted:
        owner = owner_id or ""
        if total + tasks > budget.per_day or counts.get(owner, 0) + tasks > budget.per_owner_per_day:
            waiting.append(person_id)
            continue
        counts[owner] = counts.get(owner, 0) + tasks
        total += tasks
    return waiting
