"""
`diff` sets a decision against what the CRM holds and what we last wrote: a three-way merge per property (G4).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from connector.agreement.wiring import WriteBack, WriteRule
from connector.fields import CLOSED, STRICT, Facts, FieldMap, Words
from connector.fields.places import on_lead, place_of
from connector.model import Decision, Value
from connector.plan.budgets import guarded_by
from connector.plan.changes import Change, Difference, Held, Set

#: Writers that are people, or act for one: what they set holds for good under `never_after_human`. Where the CRM does
#: not say who it was, it may have been one.
PEOPLE = ("person", "import", "unknown")


class Echo(NamedTuple):
    """A value that came across from another account of ours: what we wrote there last, and whether it `waits`, because
    it may as well be a person's: then nothing is written over it, whatever is decided."""

    written: str | None
    waits: bool = False


#: Nothing came across.
NO_ECHOES: Mapping[str, Echo] = {}


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
