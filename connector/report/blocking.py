"""
Which unknown fields keep people from the first stage that a score decides (as shipped: MQL).

Asked of everybody who is not there yet and may get there. A person counts as held up when the interest asked for is
there, and the fit could be, if every unknown field turned out as well as the rules allow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connector.agreement import Agreement
from connector.agreement.terms import Entry, Stage
from connector.agreement.vocabulary import DERIVED
from connector.agreement.words import label_of
from connector.decide.facts import Facts
from connector.decide.walk import Stages
from connector.model import Person
from connector.report.numbers import Named, Naming
from connector.report.standing import reaches


@dataclass(frozen=True, slots=True)
class BlockingField:
    """One field that nobody knows of so many people."""

    name: str
    label: str
    required: bool  # by the minimum information; else it only adds to the score
    points: float  # what it could add to the fit at most
    holds_up: Named  # interested people who could reach the stage if it were known
    frees: int  # of these, the ones who lack nothing else
    unknown: int  # of everybody not yet there


@dataclass(frozen=True, slots=True)
class Blocking:
    """How many wait before a stage, and for what."""

    stage: str
    label: str
    not_yet: int = 0
    interested: int = 0
    held_up: int = 0
    ready: Named = field(default_factory=Named)  # meet the rule today, and are not there in the CRM
    fields: tuple[BlockingField, ...] = ()


class Holding:
    """Gathers what holds people up."""

    def __init__(self, agreement: Agreement, stage: Stage, entry: Entry) -> None:
        self._stage, self._entry = stage, entry
        self._stages = Stages(agreement.stages)
        self._rank = self._stages.ranks[stage.name]
        self._fit_share = agreement.scoring.fit_share
        self._gains = _gains(agreement)
        self._not_yet = self._interested = self._held_up = 0
        self._ready = Naming()
        self._holds: dict[str, Naming] = {}
        self._frees: dict[str, int] = {}
        self._unknown: dict[str, int] = {}
        self._needs = agreement.minimum_information.get(entry.minimum_information or "", ())
        self._required = frozenset(name for need in self._needs for name in need)

    def add(self, person: Person, facts: Facts) -> None:
        """One more person; who is there already, or never will be, is passed over."""
        if not self._may_come(person, facts):
            return
        self._not_yet += 1
        missing = [need[0] for need in self._needs if all(facts.values.get(name) is None for name in need)]
        scored = tuple(name for name in facts.unknown if name in self._gains)
        for name in dict.fromkeys((*missing, *scored)):
            self._unknown[name] = self._unknown.get(name, 0) + 1
        interested = self._entry.engagement_at_least is None or (
            facts.score.engagement >= self._entry.engagement_at_least
        )
        self._interested += interested
        if not interested:
            return
        if reaches(self._stage, facts):
            self._hold(person.id, facts, missing, ()) if missing else self._ready.add(person.id)
        elif self._fits_with(facts, scored):
            self._hold(person.id, facts, missing, scored)

    def _may_come(self, person: Person, facts: Facts) -> bool:
        stage = self._stages.by_name.get(person.stage or "")
        if person.unmapped or self._stages.level(person.stage) >= self._rank:
            return False
        if stage is not None and stage.side and not stage.may_return:
            return False
        return not any(self._stages.level(each.blocks) <= self._rank for each in facts.exclusions)

    def _hold(self, id: str, facts: Facts, missing: Sequence[str], scored: Sequence[str]) -> None:
        names = dict.fromkeys((*missing, *scored))
        self._held_up += 1
        for name in names:
            self._holds.setdefault(name, Naming()).add(id)
            if set(missing) <= {name} and self._fits_with(facts, [name] if name in self._gains else []):
                self._frees[name] = self._frees.get(name, 0) + 1

    def _fits_with(self, facts: Facts, names: Sequence[str]) -> bool:
        """Whether the thresholds could be met if these fields turned out at their best."""
        entry, score = self._entry, facts.score
        fit = min(100.0, score.fit + sum(self._gains[name] for name in names))
        combined = self._fit_share * fit + (1 - self._fit_share) * score.engagement
        return (entry.fit_at_least is None or fit >= entry.fit_at_least) and (
            entry.combined_at_least is None or combined >= entry.combined_at_least
        )

    def blocking(self) -> Blocking:
        """What holds up most comes first."""
        fields = [
            BlockingField(
                name,
                label_of(name),
                name in self._required,
                self._gains.get(name, 0.0),
                self._holds.get(name, Naming()).named(),
                self._frees.get(name, 0),
                unknown,
            )
            for name, unknown in self._unknown.items()
        ]
        fields.sort(key=lambda one: (-one.holds_up.count, -one.unknown, one.name))
        return Blocking(
            self._stage.name,
            self._stage.label,
            self._not_yet,
            self._interested,
            self._held_up,
            self._ready.named(),
            tuple(fields),
        )


def first_by_score(agreement: Agreement) -> Holding | None:
    """For the first stage that a score decides, where there is one."""
    for stage in agreement.stages:
        if stage.used and not stage.side and stage.enter and stage.enter.by_score:
            return Holding(agreement, stage, stage.enter)
    return None


def _gains(agreement: Agreement) -> dict[str, float]:
    """What each field could add to the fit at most: the best rule about it in each group, never beyond the group."""
    gains: dict[str, float] = {}
    for group in agreement.scoring.groups:
        best: dict[str, float] = {}
        for rule in group.rules:
            if group.side == "fit" and rule.condition is not None:
                best[rule.condition.field] = max(best.get(rule.condition.field, 0.0), rule.points)
        here: dict[str, float] = {}
        for asked, points in best.items():
            for name in DERIVED.get(asked, (asked,)) if points > 0 else ():
                here[name] = here.get(name, 0.0) + points
        for name, points in here.items():
            gains[name] = gains.get(name, 0.0) + min(points, points if group.at_most is None else group.at_most)
    return gains
