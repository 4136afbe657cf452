"""
What would change on a person, as a value that can be shown, counted, refused and only then applied.

`diff` sets the decision against what the CRM holds and what we last wrote: a three-way merge per property (G4).
`guard` looks at a whole run, cause by cause, before its first write (G8). Both are pure.
"""

from __future__ import annotations

import builtins
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from connector.agreement.vocabulary import ANSWERS
from connector.agreement.wiring import WriteBack, WriteRule
from connector.fields import CLOSED, STRICT, Facts, FieldMap, Words
from connector.fields.places import on_lead, place_of
from connector.model import CONFLICT, EDIT, Decision, Move, TaskDraft, Value
from connector.wording import people

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


class Echo(NamedTuple):
    """A value that came across from another account of ours: what we wrote there last, and whether it `waits`, because
    it may as well be a person's: then nothing is written over it, whatever is decided."""

    written: str | None
    waits: bool = False


#: Nothing came across.
NO_ECHOES: Mapping[str, Echo] = {}


class Set(NamedTuple):
    """One property to set, before and after as the CRM's own text ("" is blank). A tuple, because it is stored and
    read back as one, a score of them per person. `property` names the place: of a lead's, the lead as well
    (fields.places)."""

    field: str
    property: str
    before: str
    after: str


#: Writers that are people, or act for one: what they set holds for good under `never_after_human`. Where the CRM does
#: not say who it was, it may have been one.
PEOPLE = ("person", "import", "unknown")


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


@dataclass(frozen=True, slots=True)
class Terms:
    """How a connection writes back: everything `diff` must know beside the person."""

    write_back: WriteBack
    mode: str  # observe, scores or live
    hold: timedelta
    own_prefix: str


@dataclass(frozen=True, slots=True)
class _Told:
    """What is known of a person's values beside the decision and the record. `ours` names, per place, the texts we
    wrote or were about to write; `holds` the values of others that are left alone; `echoes` as `diff` says."""

    ours: Mapping[str, frozenset[str]]
    holds: Mapping[str, Held]
    echoes: Mapping[str, Echo]


@dataclass(slots=True)
class _Found:
    """What comparing a person's records has found so far."""

    sets: list[Set] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    edited: set[str] = field(default_factory=set)
    echoed: list[str] = field(default_factory=list)


def diff(
    decision: Decision,
    facts: Facts,
    *,
    ours: Mapping[str, frozenset[str]],
    holds: Mapping[str, Held],
    fields: FieldMap,
    terms: Terms,
    as_of: datetime,
    echoes: Mapping[str, Echo] = NO_ECHOES,
    owner_id: str | None = None,
    by_time: bool = False,
    leads: Mapping[str, Facts] | None = None,
) -> Difference:
    """Only what differs, and only what is ours to write, on the person's record and on their leads (id -> facts).

    `ours` names, per place, the texts we wrote or were about to write: any other live value is somebody's edit, and is
    held rather than overwritten (stage and status excepted: the decision has already adopted those edits; and what
    sales answered in an earlier cycle, which a new hand-off clears). `echoes` are the places whose value came across
    from another account of ours: only another decision is written over it, and none while it waits.
    """
    found = _Found()
    told = _Told(ours, holds, echoes)
    _compare(found, decision.outputs, facts, fields, told, terms, as_of)
    for id, outputs in decision.leads.items():
        if leads and id in leads:
            _compare(found, outputs, leads[id], fields.leads, told, terms, as_of, lead=id)
    if not found.sets and not decision.tasks:
        return Difference(None, tuple(found.held), tuple(found.released), echoed=tuple(found.echoed))
    chosen = tuple(found.sets)
    cause = guarded_by(_root(decision))
    change = Change(decision.person_id, chosen, decision.tasks, decision.moves, cause, owner_id, by_time)
    retaken = tuple(one.property for one in chosen if one.property in found.edited or one.property in holds)
    return Difference(change, tuple(found.held), tuple(found.released), retaken, tuple(found.echoed))


def _compare(
    found: _Found,
    outputs: Mapping[str, Value],
    facts: Facts,
    words: Words,
    told: _Told,
    terms: Terms,
    as_of: datetime,
    *,
    lead: str | None = None,
) -> None:
    """One record against what it should say. Nothing is written to one that takes no writes any more."""
    if facts.get(CLOSED):
        return
    sets: list[tuple[WriteRule, Set]] = []
    for name, value in outputs.items():
        if not told.holds and words.holds(facts, name, value):
            continue
        rule = terms.write_back.rules.get(name)
        spec = words.spec(name)
        if rule is None or spec is None or not _allowed(spec.property, terms):
            continue
        place = spec.property if lead is None else on_lead(lead, spec.property)
        wanted = words.encode(name, value)
        live = words.encode(name, words.live(facts, name))
        hold = told.holds.get(place)
        if words.alike(name, wanted, live):
            if hold is not None and not hold.frozen:
                found.released.append(place)
            continue
        one = Set(name, place, live, wanted)
        if hold is not None and hold.frozen:
            found.held.append(replace(hold, live=live, ours=wanted))
            continue
        mine = _is_among(told.ours.get(place), name, live, words)
        if _led_by_others(rule, live, ours=bool(mine)):
            continue
        if place in told.echoes:
            echo = told.echoes[place]
            if echo.waits or (echo.written is not None and words.alike(name, echo.written, wanted)):
                found.echoed.append(place)
                continue
        elif mine is False or (mine is None and hold is not None and hold.live == live):  # held before our first write
            if name not in STRICT and rule.policy != "clear" and not _over(hold, rule, live, as_of):
                found.held.append(_hold(rule, one, hold, terms, as_of))
                continue
            found.edited.add(place)
        sets.append((rule, one))
    found.sets += _worth_writing(sets)


def _is_among(texts: frozenset[str] | None, field: str, live: str, words: Words) -> bool | None:
    """Whether a live value is one of ours, however the CRM spells it; None where we never wrote one."""
    if texts is None:
        return None
    return live in texts or any(words.alike(field, text, live) for text in texts)


def leaving_out(change: Change, names: Collection[str], rules: Mapping[str, WriteRule]) -> Change | None:
    """The change without these properties; None where nothing is left that is worth a write."""
    rest: dict[str, list[tuple[WriteRule, Set]]] = {}
    for one in change.sets:
        if one.property not in names:
            rest.setdefault(place_of(one.property).id, []).append((rules[one.field], one))
    chosen = tuple(one for those in rest.values() for one in _worth_writing(those))
    return replace(change, sets=chosen) if chosen or change.tasks else None


def _root(decision: Decision) -> str:
    """What set a person going: whoever a changed rule carries through two stages belongs to that rule's flood, and not
    to the second stage's few. What people and the CRM did themselves sets nobody going."""
    ours = (move.cause for move in decision.moves if move.cause not in ("person", "crm"))
    return next(ours, decision.cause)


def guarded_by(cause: str) -> str:
    """The cause the guard counts by: a rule, not the single deal that fulfilled it, so that an import of a thousand
    deals is one flood and not a thousand causes."""
    return cause.partition(":")[0] or SCORES


def _allowed(name: str, terms: Terms) -> bool:
    """In mode scores only our own properties are written."""
    return terms.mode != "scores" or name.startswith(terms.own_prefix)


def _led_by_others(rule: WriteRule, live: str, *, ours: bool) -> bool:
    if not live or ours or rule.policy == "clear":
        return False
    return rule.policy == "if_empty" or rule.leads in ("people", "crm")


def _over(hold: Held | None, rule: WriteRule, live: str, as_of: datetime) -> bool:
    """Whether this very value has been left alone for as long as agreed."""
    if hold is None or hold.live != live or hold.until is None:
        return False
    return hold.until <= as_of and not _for_good(rule, hold.by)


def _hold(rule: WriteRule, one: Set, hold: Held | None, terms: Terms, as_of: datetime) -> Held:
    """The hold that keeps us from overwriting somebody's edit: the one that stands, or a new one."""
    if hold is not None and hold.live == one.before:
        return replace(hold, until=None) if _for_good(rule, hold.by) else hold
    return Held(one.property, one.before, one.after, as_of, _until(rule, "unknown", terms, as_of))


def set_by(held: Held, rule: WriteRule, by: str, terms: Terms) -> Held:
    """A hold of which we have learned whose value it is. What a machine set, it did not set after a human."""
    return replace(held, by=by, until=_until(rule, by, terms, held.since))


def _until(rule: WriteRule, by: str, terms: Terms, since: datetime) -> datetime | None:
    return None if _for_good(rule, by) else since + terms.hold


def _for_good(rule: WriteRule, by: str) -> bool:
    return rule.policy == "never_after_human" and by in PEOPLE


def _worth_writing(sets: Sequence[tuple[WriteRule, Set]]) -> tuple[Set, ...]:
    """Texts and stamps never cause a write (A14), nor does a number that moved too little; they go along."""
    if any(rule.alone and not _too_small(rule, one) for rule, one in sets):
        return tuple(one for _, one in sets)
    return ()


def _too_small(rule: WriteRule, one: Set) -> bool:
    if not rule.smallest_change or not one.before or not one.after:
        return False
    try:
        return abs(float(one.after) - float(one.before)) < rule.smallest_change
    except ValueError:
        return False


# -- the guard ------------------------------------------------------------------------------------------------


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


# -- a change as JSON, for the ledger and for plan files --------------------------------------------------------


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
