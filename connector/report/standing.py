"""
Where people stand in the CRM: per stage how many, since when, with whose name on them, and with what proof.

Stages are those that the CRM shows today. Values which the mapping leaves alone or does not name are rows of their
own; so are blanks. Since when somebody stands there is what the CRM remembers, or unknown, never the day we looked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from connector.agreement import Agreement
from connector.agreement.terms import Evidence, Stage
from connector.crm import PropertyVersion
from connector.decide.attempts import AttemptCounter
from connector.decide.conditions import Test, compile_condition
from connector.decide.facts import Facts
from connector.model import ALWAYS, Person
from connector.report.numbers import Named, Naming, Spanning, Spans

#: A positive signal older than this says nothing about today.
HORIZON = timedelta(days=400)

Mapped = Literal["mapped", "left alone", "unmapped", "blank"]
Owned = Literal["active", "left", "none"]


@dataclass(frozen=True, slots=True)
class StageRow:
    """One value of the CRM's stage, and the people who have it."""

    stage: str  # ours, or the CRM's own value where the mapping has no name for it, or ""
    label: str
    mapped: Mapped
    people: int
    spans: Spans
    without_owner: int
    owner_left: int


@dataclass(frozen=True, slots=True)
class Gap:
    """People in a stage whose proof is missing."""

    stage: str
    label: str
    what: str
    says: str  # "have no won deal", continuing "12 of 80 in Customer"
    of: int
    people: Named


@dataclass(slots=True)
class _Row:
    people: int = 0
    spanning: Spanning = field(default_factory=Spanning)
    without_owner: int = 0
    owner_left: int = 0


@dataclass(frozen=True, slots=True)
class _Proof:
    """One thing a stage asks for, by which people in it can be found lacking."""

    what: str
    says: str


class Standing:
    """Gathers stage rows and gaps."""

    def __init__(
        self, agreement: Agreement, labels: Mapping[str, str], owners: frozenset[str], as_of: datetime
    ) -> None:
        self._agreement = agreement
        self._stages = {stage.name: stage for stage in agreement.stages}
        self._labels = labels  # the CRM's value of the stage -> the CRM's label
        self._owners = owners
        self._as_of = as_of
        self._rows: dict[tuple[Mapped, str], _Row] = {}
        self._proofs = Proofs(agreement, as_of)
        self._gaps: dict[tuple[str, str], Naming] = {}
        self.dated_by_history = 0

    def add(self, person: Person, facts: Facts, versions: Sequence[PropertyVersion]) -> None:
        """One more person; `versions` is the history of the stage property, where it was read."""
        mapped, stage = _where(person, self._agreement)
        row = self._rows.setdefault((mapped, stage), _Row())
        row.people += 1
        entered = person.entered.get(stage)
        if entered is None and (entered := last_entry(versions)) is not None:
            self.dated_by_history += 1
        if entered is not None:
            row.spanning.add(self._as_of - entered)
        owned = owned_by(person, self._owners)
        row.without_owner += owned == "none"
        row.owner_left += owned == "left"
        if mapped == "mapped" and stage in self._stages:
            for proof in self._proofs.lacking(self._stages[stage], person, facts):
                self._gaps.setdefault((stage, proof.what), Naming()).add(person.id)

    def rows(self) -> tuple[StageRow, ...]:
        """In the order of the agreement, then the CRM's other values by size, then blanks."""
        order = {stage.name: place for place, stage in enumerate(self._agreement.stages)}
        kinds = ("mapped", "left alone", "unmapped", "blank")
        found = sorted(
            self._rows.items(),
            key=lambda one: (kinds.index(one[0][0]), order.get(one[0][1], 0), -one[1].people, one[0][1]),
        )
        return tuple(
            StageRow(
                stage, self._label(kind, stage), kind, row.people, row.spanning.spans(), row.without_owner,
                row.owner_left,
            )
            for (kind, stage), row in found
        )  # fmt: skip

    def gaps(self) -> tuple[Gap, ...]:
        """In the order of the stages; those nobody has are left out."""
        return tuple(
            Gap(stage.name, stage.label, proof.what, proof.says, row.people, people.named())
            for stage in self._agreement.stages
            if (row := self._rows.get(("mapped", stage.name))) is not None
            for proof in self._proofs.asked(stage)
            if (people := self._gaps.get((stage.name, proof.what))) is not None
        )

    def _label(self, kind: Mapped, stage: str) -> str:
        if kind == "mapped":
            return self._stages[stage].label if stage in self._stages else stage
        return "(no stage)" if kind == "blank" else self._labels.get(stage) or stage


def _where(person: Person, agreement: Agreement) -> tuple[Mapped, str]:
    raw = person.unmapped.get("stage")
    if raw is not None:
        return "left alone" if raw in agreement.wiring.leave_alone.get("stage", ()) else "unmapped", raw
    return ("mapped", person.stage) if person.stage else ("blank", "")


def owned_by(person: Person, owners: frozenset[str]) -> Owned:
    """Whether the owner is still with us. Where owners cannot be read, every owner counts as one."""
    owner = person.fields.get("owner_id")
    if not owner:
        return "none"
    return "active" if not owners or owner in owners else "left"


def last_entry(versions: Sequence[PropertyVersion]) -> datetime | None:
    """Since when the newest value of a history stands; versions come newest first."""
    entered = None
    for version in versions:
        if not version.value or version.value != versions[0].value:
            break
        entered = version.at
    return entered


class Proofs:
    """What stands behind a stage by the agreement: a deal, interest and score, a talk."""

    def __init__(self, agreement: Agreement, as_of: datetime) -> None:
        self._agreement = agreement
        self._as_of = as_of
        self._stages = {stage.name: stage for stage in agreement.stages}
        self._counter = AttemptCounter(agreement.attempts)
        self._positive = frozenset(name for name, kind in agreement.signals.items() if kind.positive)
        self._evidence: dict[str, tuple[Evidence, Test | None]] = {
            each.name: (each, compile_condition(each.condition) if each.condition else None)
            for each in agreement.evidence
        }

    def asked(self, stage: Stage) -> tuple[_Proof, ...]:
        """What people in this stage can be found lacking."""
        entry = stage.enter
        if entry is None:
            return ()
        if entry.deal:
            return (_Proof(f"no_{entry.deal}_deal", f"have no {entry.deal} deal"),)
        if entry.evidence_at_least:
            names = [self._evidence[name][0].label for name in entry.evidence or self._evidence]
            several = f"have fewer than {entry.evidence_at_least} of the agreed proofs ({', '.join(names)})"
            return _Proof("no_talk", "have no held talk and no answer on record"), _Proof("few_proofs", several)
        if scored := self._scored(stage):
            return (
                _Proof("no_interest", f"show no positive signal in {HORIZON.days} days"),
                _Proof("low_score", f"do not reach the score of {scored.label} today ({_rule(scored)})"),
            )
        return ()

    def lacking(self, stage: Stage, person: Person, facts: Facts) -> list[_Proof]:
        """What this person in this stage lacks."""
        return [proof for proof in self.asked(stage) if self._lacks(proof.what, stage, person, facts)]

    def _lacks(self, what: str, stage: Stage, person: Person, facts: Facts) -> bool:
        if what == "no_won_deal":
            return facts.deals.says != "won"
        if what == "no_open_deal":
            open_too = any(deal.counted and deal.state in ("open", "on_hold") for deal in person.deals)
            return facts.deals.says != "open" and not (facts.deals.says == "won" and open_too)
        if what == "no_talk":
            return not self._talked(person, facts)
        if what == "few_proofs":
            return stage.enter is not None and self._proved(stage, facts) < stage.enter.evidence_at_least
        if what == "no_interest":
            return not any(
                signal.kind in self._positive and self._as_of - signal.at <= HORIZON for signal in facts.heard.signals
            )
        scored = self._scored(stage)
        return scored is not None and not reaches(scored, facts)

    def _scored(self, stage: Stage) -> Stage | None:
        """The stage whose score rule people in `stage` once had to meet: its own, or that of where they came from."""
        if stage.enter is None:
            return None
        before = [self._stages[name] for name in stage.enter.from_stages if name in self._stages]
        candidates = [stage, *(before if stage.enter.accepted_by_sales else ())]
        return next((one for one in candidates if one.enter and one.enter.by_score), None)

    def _talked(self, person: Person, facts: Facts) -> bool:
        proofs = {proof.signal for proof, _ in self._evidence.values() if proof.signal}
        return bool(proofs & facts.newest.keys()) or (
            self._counter.since(person, ALWAYS, self._as_of).contact_at is not None
        )

    def _proved(self, stage: Stage, facts: Facts) -> int:
        names = (stage.enter.evidence if stage.enter else ()) or self._evidence
        return sum(self._proves(name, facts) for name in names)

    def _proves(self, name: str, facts: Facts) -> bool:
        proof, test = self._evidence[name]
        if test:
            return bool(test(facts.values))
        signal = facts.newest.get(proof.signal or "")
        return signal is not None and (proof.within_days is None or (self._as_of - signal.at).days <= proof.within_days)


def reaches(stage: Stage, facts: Facts) -> bool:
    """Whether the score today meets the thresholds of a stage; other conditions are not asked."""
    entry, score = stage.enter, facts.score
    return (
        entry is not None
        and (entry.fit_at_least is None or score.fit >= entry.fit_at_least)
        and (entry.engagement_at_least is None or score.engagement >= entry.engagement_at_least)
        and (entry.combined_at_least is None or facts.scored.combined >= entry.combined_at_least)
    )


def _rule(stage: Stage) -> str:
    entry = stage.enter
    wanted = (
        ("fit", entry.fit_at_least if entry else None),
        ("engagement", entry.engagement_at_least if entry else None),
        ("combined", entry.combined_at_least if entry else None),
    )
    return ", ".join(f"{name} {value:g}" for name, value in wanted if value is not None)
