"""
How a plan looks: the causes first, then some people field by field, each with the reason.

A hand-off task's text names the person; it is part of a plan file and of `--output json --show-values` only (G14).
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connector.cli import show
from connector.wording import people

if TYPE_CHECKING:
    from connector.ledger.work import PlannedChange
    from connector.sync import Report

#: A field, and a text that the CRM keeps in it -> how a person reads it.
InWords = Callable[[str, str], str]


@dataclass(slots=True)
class Gist:
    """What is told of a plan's changes: gone through once, of which the first few are kept."""

    people: int = 0
    tasks: int = 0
    touched: Counter[str] = dataclasses.field(default_factory=Counter)  # field -> people it changes for
    causes: Counter[str] = dataclasses.field(default_factory=Counter)  # cause in words -> people
    counted: Counter[str] = dataclasses.field(default_factory=Counter)  # the same, of those who count toward the budget
    tasks_by: Counter[str] = dataclasses.field(default_factory=Counter)  # the same, tasks
    to_write: int = 0  # people who do not wait
    to_hand_over: int = 0
    tasks_to_create: int = 0
    first: list[PlannedChange] = dataclasses.field(
        default_factory=list
    )  # what matters most, in the order in which it is told

    def take(self, change: PlannedChange) -> None:
        """One change more."""
        cause, tasks = _cause(change), len(change.body["tasks"])
        self.people += 1
        self.tasks += tasks
        self.touched.update({field for field, *_ in change.body["sets"]})
        self.causes[cause] += 1
        self.counted[cause] += change.counted
        self.tasks_by[cause] += tasks
        if change.state == "planned":
            self.to_write += 1
            self.to_hand_over += bool(tasks)
            self.tasks_to_create += tasks

    def calls_to_write(self, batch: int) -> int:
        """About how many calls it takes to write these."""
        return calls_to_write(self.to_write, self.to_hand_over, self.tasks_to_create, batch)


def gist(changes: Iterable[PlannedChange], most: int) -> Gist:
    """What is told of these, and the first `most` of them: as many as there are people are never held."""
    found = Gist()
    for change in changes:
        found.take(change)
        found.first.append(change)
        if len(found.first) >= 2 * most + _AT_ONCE:
            found.first = _first(found.first, most)
    found.first = _first(found.first, most)
    return found


#: Changes that are held beside the first ones until they are sorted.
_AT_ONCE = 1000


def _first(changes: Iterable[PlannedChange], most: int) -> list[PlannedChange]:
    return sorted(changes, key=lambda one: (not one.counted, -one.urgency, one.person_id))[:most]


def plan(one: Report, changes: Gist, calls: int, in_words: InWords) -> None:
    """What would change: by cause, then the first people, with their values `in_words`."""
    looked_at = one.counts["looked_at"]
    if not changes.people:
        show.say(f"Nothing to write: {people(looked_at)} looked at, all as agreed.", "✓")
    else:
        show.say(f"{changes.people:,} of {people(looked_at)} looked at would change. Nothing was written.")
        _first_day(one, changes)
        if calls:
            show.say(f"To write it takes about {calls:,} call{'s' if calls != 1 else ''}.")
        _causes(changes)
        _people(changes, in_words)
    show.parked(one)
    if one.blank_for_a_moment:
        who = _counted(one.blank_for_a_moment, "person", "people")
        show.say(f"{who} will have no stage for a moment (cleared, then set).")
    for text in one.conflicts:
        show.say(text, "●", indent=2)
    show.notes(one.warnings)


def _first_day(one: Report, changes: Gist) -> None:
    """What an account with a past wants to know first: what happens to those who were there before."""
    if not one.counts["adopted"]:
        return
    touched = changes.touched
    said = f"{one.counts['adopted']:,} adopted as they stand; {_counted(touched['stage'], 'stage')}"
    said += f", {_counted(touched['status'], 'status', 'statuses')}, {_counted(changes.tasks, 'task')}"
    if one.would_hand_over_a_day is not None:
        said += f"; by the facts of the last 30 days it would hand over {_pace(one.would_hand_over_a_day)}"
    show.say(said)


def _pace(a_day: float) -> str:
    return f"{a_day:,.0f} a day" if a_day >= 1 else f"{a_day * 30:.0f} in 30 days"


def _counted(number: int, noun: str, several: str = "") -> str:
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def calls_to_write(people: int, handed_over: int, tasks: int, batch: int) -> int:
    """About how many calls it takes to write to so many: batches of people, read afresh and written, and for every task
    a call of its own after a look whether it is there."""
    return 2 * _batches(people, batch) + 2 * _batches(handed_over, batch) + tasks


def _batches(people: int, batch: int) -> int:
    return -(-people // batch)


def as_json(one: PlannedChange, *, with_texts: bool) -> dict[str, Any]:
    """A change as `plan --output json` prints it."""
    return {
        "id": one.person_id,
        "cause": one.cause,
        "reason": one.body["reason"],
        "state": one.state,
        "sets": [
            {"property": name, "before": before, "after": after} for _field, name, before, after in one.body["sets"]
        ],
        "tasks": [_task(task, one.body["owner_id"], with_texts=with_texts) for task in one.body["tasks"]],
    }


def _task(task: dict[str, Any], owner_id: str | None, *, with_texts: bool) -> dict[str, Any]:
    texts = {"subject": task["subject"], "body": task["body"]} if with_texts else {}
    return {"owner": owner_id, "due_at": task["due_at"], "rule": task["rule"], "cycle": task["cycle"], **texts}


def _causes(changes: Gist) -> None:
    """How many people each cause stands behind."""
    rows = [
        (cause, number, changes.counted[cause], changes.tasks_by[cause])
        for cause, number in changes.causes.most_common()
    ]
    show.out.print()
    show.table(("because of", "people", "stage or status", "tasks"), rows)


def _cause(change: PlannedChange) -> str:
    """The cause in words."""
    words = {"scores": "scores only", "person": "somebody's edit", "import": "an import", "deal": "their deals"}
    return words.get(change.cause, change.cause)


def _people(changes: Gist, in_words: InWords) -> None:
    for change in changes.first:
        _person(change, in_words)
    rest = changes.people - len(changes.first)
    if rest:
        show.out.print()
        show.say(f"and {rest:,} more people. All: connector plan --show {changes.people}, or --output json")


def _person(change: PlannedChange, in_words: InWords) -> None:
    """What replaces a value stands on lines of its own, blanks that are filled stand together."""
    from connector.fields import STRICT  # noqa: PLC0415 - --help does without

    body = change.body
    fit, engagement, grade = body["score"]
    show.title(f"contact {change.person_id}  grade {grade}, fit {fit:.0f}, engagement {engagement:.0f}")
    if body["reason"]:
        show.say(body["reason"], indent=2)
    plain = []
    for field, name, *values in body["sets"]:
        before, after = (in_words(field, value) for value in values)
        if before or field in STRICT:
            show.say(f"{name}: {show.shown(before)} → {show.shown(after)}", indent=2)
        else:
            plain.append(f"{name} = {show.shown(after, 40)}")
    if plain:
        show.say(f"blank until now: {', '.join(plain)}", indent=2)
    for task in body["tasks"]:
        due = datetime.fromisoformat(task["due_at"])
        owner = f"owner {body['owner_id']}" if body["owner_id"] else "nobody yet (no owner)"
        show.say(f"+ task for {owner}, due {due:%a %Y-%m-%d %H:%M} UTC", indent=2)
