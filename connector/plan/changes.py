"""
One person's change as a value: what is to be set, what is left alone, and why; and the same as plain JSON, for the
ledger and for plan files.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from connector.agreement.vocabulary import ANSWERS
from connector.fields import STRICT
from connector.model import CONFLICT, EDIT, Move, TaskDraft

#: What moves with age alone, and what is written along with it.
SHOWN_SCORES = frozenset(
    ("fit_score", "engagement_score", "combined_score", "score_reasons", "scored_at", "agreement_version")
)

#: What a person's way hangs on: what sales sees first, and what a lost ledger is restored from. Where the CRM refuses
#: one of these, nothing of the decision counts as done; the other outputs only tell.
ROUTE = frozenset(
    (*STRICT, "current_stage", "furthest_stage", "lead_type", "cycle", "wait_until", "returned_count", *ANSWERS)
)

#: The cause under which changes are counted that no single rule stands behind.
SCORES = "scores"


class Set(NamedTuple):
    """One property to set, before and after as the CRM's own text ("" is blank). A tuple, because it is stored and
    read back as one, a score of them per person. `property` names the place: of a lead's, the lead as well
    (fields.places)."""

    field: str
    property: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Held:
    """A value somebody else set and that we leave alone until `until` (None: until a person releases it)."""

    property: str
    live: str
    ours: str
    since: datetime
    until: datetime | None
    code: str = EDIT
    by: str = "unknown"  # as in model.Edit
    source: str = ""  # the writer in the CRM's own words
    name: str = ""
    set_at: datetime | None = None

    @builtins.property  # a field here has the name of the decorator
    def frozen(self) -> bool:
        """Whether this is a quarrel between systems, in which nothing more is written until a person decides."""
        return self.code == CONFLICT


@dataclass(frozen=True, slots=True)
class Change:
    """One person: only the properties that differ, the task of a hand-off, and why."""

    person_id: str
    sets: tuple[Set, ...]
    tasks: tuple[TaskDraft, ...]
    moves: tuple[Move, ...]
    cause: str
    owner_id: str | None = None
    by_time: bool = False

    @property
    def counted(self) -> bool:
        """Stage, status and tasks always count toward the change budget; a first stage of our own is a blank filled."""
        return bool(self.tasks) or any(
            one.field in STRICT or (one.field == "current_stage" and one.before) for one in self.sets
        )

    @property
    def only_scores(self) -> bool:
        """Whether nothing but shown numbers moved: no stage, no grade, no flag."""
        return not self.tasks and not self.moves and all(one.field in SHOWN_SCORES for one in self.sets)

    @property
    def overwrites(self) -> bool:
        """Replacing a value that is not empty counts toward the share, unless only time did it."""
        return not self.by_time and any(one.before for one in self.sets)

    @property
    def urgency(self) -> float:
        """Larger goes first when a budget is short."""
        return max((task.urgency for task in self.tasks), default=-1.0)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a decision comes to against the live record. `change` is None when nothing is to be written."""

    change: Change | None
    held: tuple[Held, ...] = ()
    released: tuple[str, ...] = ()  # properties whose hold is over, with nothing left to write
    retaken: tuple[str, ...] = ()  # properties in which this change, once written, ends what others set
    echoed: tuple[str, ...] = ()  # properties that keep what came across from another account of ours


# -- as JSON -----------------------------------------------------------------------------------------------------------


def to_json(change: Change) -> dict[str, Any]:
    """A change as plain JSON; `from_json` gives it back."""
    return {
        "person_id": change.person_id,
        "sets": [list(one) for one in change.sets],
        "tasks": [_task_json(task) for task in change.tasks],
        "moves": [
            [one.what, one.before, one.after, one.cause, one.because, list(one.passed_through), one.track_id]
            for one in change.moves
        ],
        "cause": change.cause,
        "owner_id": change.owner_id,
        "by_time": change.by_time,
    }


def _task_json(task: TaskDraft) -> dict[str, Any]:
    plain = {name: getattr(task, name) for name in TaskDraft.__slots__}
    return {**plain, "due_at": task.due_at.isoformat()}


def from_json(table: Mapping[str, Any]) -> Change:
    """The change behind `to_json`."""
    return Change(
        person_id=table["person_id"],
        sets=tuple(map(Set._make, table["sets"])),
        tasks=tuple(TaskDraft(**{**task, "due_at": datetime.fromisoformat(task["due_at"])}) for task in table["tasks"]),
        moves=tuple(
            Move(what, before, after, cause, because, tuple(passed), *track)
            for what, before, after, cause, because, passed, *track in table["moves"]
        ),
        cause=table["cause"],
        owner_id=table["owner_id"],
        by_time=table["by_time"],
    )
