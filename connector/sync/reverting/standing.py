"""
What of a run can be put back, person by person: each value that is still the one the run wrote, and why the others are
left as they are. Nothing is asked of the CRM here and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.decide.walk import Stages
from connector.fields.places import is_on_lead, place_of
from connector.ledger.work import PlannedChange
from connector.model import Move
from connector.plan import Set

#: The cause of every move and change that undoes one.
REVERT = "revert"

#: Why a value is left as it is, in the order in which they are told.
CHANGED, SET_AGAIN, LATER, HELD = "changed", "set_again", "later", "held"
ON_HOLD, SCOPE, MODE, FORWARD, GONE, UNSURE = "on_hold", "scope", "mode", "forward_only", "gone", "unsure"
LEAD_OVER = "lead_over"

REASONS: Mapping[str, str] = {
    GONE: "deleted since",
    CHANGED: "changed since by somebody else, and theirs now",
    SET_AGAIN: "set to the same value by somebody else since, and theirs now",
    LATER: "written again by a later run of ours; undo that one first",
    HELD: "held: somebody else's value",
    ON_HOLD: "on hold in the CRM: nothing of them is written until it is over",
    SCOPE: "outside the scope of this connection, or in never_touch, by now",
    LEAD_OVER: "on a lead that is closed, or somebody else's, by now",
    MODE: 'not written in mode "scores"',
    FORWARD: "a stage further back, which the agreement does not write to the CRM's own stage property"
    " (backwards); our own properties step back",
    UNSURE: "the CRM could not say who set it last, and the records were merged",
}

#: Counts hand-offs of all times: stepping back, it would let a later hand-off pass for the task that is there.
KEPT = ("cycle",)


@dataclass(frozen=True, slots=True)
class Left:
    """One value that is not undone, and why (a key of REASONS)."""

    person_id: str
    property: str
    why: str


@dataclass(slots=True)
class Survey:
    """What undoing a run comes to: told before anything is written."""

    run: int
    people: int = 0  # written to by the run
    undoes: int = 0  # people with something to put back
    values: dict[str, int] = field(default_factory=dict)  # property -> people
    left: list[Left] = field(default_factory=list)
    tasks: list[tuple[str, str]] = field(default_factory=list)  # (task, contact) that stay
    stages_entered: int = 0  # people whose dates of entering a stage stay in the CRM
    merged: int = 0  # people who are part of another record by now
    same_agreement: bool = True  # the agreement in force is the one the run followed

    def whys(self) -> dict[str, list[Left]]:
        """What is left as it is, by reason."""
        found: dict[str, list[Left]] = {why: [] for why in REASONS}
        for one in self.left:
            found[one.why].append(one)
        return {why: those for why, those in found.items() if those}


@dataclass(frozen=True, slots=True)
class Standing:
    """One person as they stand now. `newest` is (value, who) per property, as far as the CRM's history told; None where
    it was not asked or did not answer."""

    person_id: str
    live: Mapping[str, str]
    held: frozenset[str]
    merged: bool = False
    shut: str | None = None  # a reason that holds for everything of this person
    newest: Mapping[str, tuple[str, str]] | None = None
    leads: frozenset[str] = frozenset()  # their open ones
    ours: Mapping[str, frozenset[str]] | None = None  # what counts as ours, where the run's own write was not confirmed


Same = Callable[[Set, str, str], bool]


def last_writers(rows: Iterable[PlannedChange]) -> dict[str, int]:
    """Per property, the run whose value is the latest of ours, oldest row first; what was undone does not count."""
    written: dict[str, list[int]] = {}
    for row in rows:
        undoes = row.body.get("undoes")
        for _field, name, _before, _after in row.body["sets"]:
            runs = written.setdefault(name, [])
            if undoes is None:
                runs.append(row.run)
            elif undoes["run"] in runs:
                runs.remove(undoes["run"])
    return {name: runs[-1] for name, runs in written.items() if runs}


class PuttingBack:
    """Sets one person's part of a run against what stands now."""

    def __init__(self, run: int, *, mode: str, own_prefix: str, backwards: Any, stages: Stages, same: Same) -> None:
        self._run = run
        self._mode = mode
        self._own_prefix = own_prefix
        self._backwards = backwards
        self._stages = stages
        self._same = same

    def of(
        self, row: PlannedChange, standing: Standing, writers: Mapping[str, int]
    ) -> tuple[tuple[Set, ...], tuple[Left, ...]]:
        """What to put back, and what is left with why. `writers` as `last_writers` tells them of this person."""
        back: list[Set] = []
        left: list[Left] = []
        handed_over = bool(row.body["tasks"])
        for one in map(Set._make, row.body["sets"]):
            if one.field in KEPT and handed_over:
                continue
            if writers.get(one.property) is None:
                continue  # undone already
            why = self._why_not(row, one, standing, writers)
            if why is None:
                back.append(Set(one.field, one.property, standing.live.get(one.property, one.after), one.before))
            elif why != _AS_BEFORE:
                left.append(Left(standing.person_id, one.property, why))
        return tuple(back), tuple(left)

    def arrived(self, row: PlannedChange, standing: Standing) -> bool:
        """Whether something of a change stands whose own outcome does not say so."""
        ours = standing.ours or {}
        return any(
            one.after in ours.get(one.property, ()) and self._same(one, standing.live.get(one.property, ""), one.after)
            for one in map(Set._make, row.body["sets"])
        )

    def _why_not(self, row: PlannedChange, one: Set, standing: Standing, writers: Mapping[str, int]) -> str | None:
        if standing.shut is not None:
            return standing.shut
        live = standing.live.get(one.property, "")
        if standing.ours is not None and one.after not in standing.ours.get(one.property, ()):
            return _AS_BEFORE  # it never arrived
        if writers[one.property] != self._run:
            return LATER
        if one.property in standing.held:
            return HELD
        if not self._same(one, live, one.after):
            return _AS_BEFORE if self._same(one, live, one.before) else CHANGED
        if is_on_lead(one.property) and place_of(one.property).id not in standing.leads:
            return LEAD_OVER
        if (why := self._by_history(one, standing)) is not None:
            return why
        if self._mode == "scores" and not place_of(one.property).property.startswith(self._own_prefix):
            return MODE
        if one.field == "stage" and not self._may_go_back(row, one):
            return FORWARD
        return None

    def _by_history(self, one: Set, standing: Standing) -> str | None:
        newest = None if standing.newest is None else standing.newest.get(one.property)
        if newest is None:
            return UNSURE if standing.merged else None
        value, who = newest
        return SET_AGAIN if who in _OTHERS and self._same(one, value, one.after) else None

    def _may_go_back(self, row: PlannedChange, one: Set) -> bool:
        """By default the CRM's own stage property shows the furthest stage; a blank is never put there (G5)."""
        if not one.before:
            return False
        if not self.steps_back(row):
            return True
        return any(
            move.after in each.from_stages and move.before == each.to
            for move in moves_of(row)
            for each in self._backwards
            if move.what == "stage"
        )

    def steps_back(self, row: PlannedChange) -> bool:
        """Whether undoing this means a stage further back."""
        moves = [move for move in moves_of(row) if move.what == "stage"]
        return any(self._stages.level(move.before) < self._stages.level(move.after) for move in moves)


#: Not a reason to tell: the value of before stands there again.
_AS_BEFORE = "as_before"

#: Whoever else sets a value; what software writes under our own source type cannot be told from us.
_OTHERS = ("person", "import", "automation")


def moves_of(row: PlannedChange) -> list[Move]:
    """The moves that a change made."""
    return [
        Move(what, before, after, cause, because, tuple(passed), *track)
        for what, before, after, cause, because, passed, *track in row.body["moves"]
    ]
