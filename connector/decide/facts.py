"""
What is true of a person at one instant, before anybody asks what it means for the stage.

Scores, persona, ICP band, exclusions, what is unknown, what the deals say: everything here depends on the person,
the agreement and `as_of` alone, never on the track.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connector.agreement.terms import Agreement, Condition, Exclusion, Persona
from connector.agreement.vocabulary import DERIVED, asked_for
from connector.decide.committee import Committee
from connector.decide.conditions import Questions, Values, compile_condition, email_domain
from connector.decide.deals import DealReader, DealView
from connector.decide.journey import JourneyReader
from connector.decide.personas import Personas
from connector.decide.scoring import Scored, Scorer, Standing
from connector.decide.signals import Heard, Listener
from connector.model import Person, Score, Signal, Value

#: How many letters of a digest tell which fields it is of.
QUESTION = 4

#: What follows from other fields, whatever the record says.
_WORKED_OUT = ("persona", "icp_band")

_REMEMBERED = 16_384


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """What kind of person this is: the same for everybody of whom the same is true.

    One object for all of them, so that other rooms may remember by it what follows from fields alone.
    """

    persona: Persona | None
    band: str | None
    exclusions: tuple[Exclusion, ...]
    unknown: tuple[str, ...]
    lacks: Mapping[str, tuple[str, ...]]  # minimum information -> fields nobody knows
    standing: Standing


@dataclass(slots=True)
class Facts:
    """One person at one instant, as far as the agreement looks."""

    values: dict[str, Value]
    persona: Persona | None
    band: str | None
    scored: Scored
    heard: Heard
    exclusions: tuple[Exclusion, ...]
    unknown: tuple[str, ...]  # fields that rules ask about and nobody knows
    deals: DealView
    digest: str  # of the scored and required fields: another one is a new fact (A12)
    newest: dict[str, Signal]  # kind -> its newest signal
    traits: Traits
    turns: list[datetime] = field(default_factory=list)  # when one of these facts turns by itself (Walk.turns_at)
    journey_stage: str | None = None
    buying_group_missing: str | None = None

    @property
    def score(self) -> Score:
        """Fit and engagement."""
        return self.scored.score


class Observer:
    """Everything the agreement looks at, compiled."""

    def __init__(self, agreement: Agreement) -> None:
        positive = frozenset(name for name, kind in agreement.signals.items() if kind.positive)
        self._listener = Listener(agreement.signals, agreement.bots)
        self._scorer = Scorer(agreement.scoring, positive, agreement.zone)
        self._deals = DealReader(agreement.deals)
        self.deals = self._deals
        self._personas = Personas(agreement.personas)
        self._journey = JourneyReader(agreement.audience.journey, agreement.signals)
        self._committee = Committee(agreement.audience.buying_group, self._personas)
        self._bands = [(each.name, tuple(map(compile_condition, each.needs))) for each in agreement.bands]
        self._exclusions = [(each, compile_condition(each.condition)) for each in agreement.exclusions]
        self._asked = _asked_about(agreement)
        self._known = [Condition(name, "is_known") for name in _whether_known(agreement, self._asked)]
        self._minimum = agreement.minimum_information
        self._questions = Questions([*_conditions(agreement), *_scored(agreement), *self._known])
        self._traits: dict[tuple[int, ...], Traits] = {}
        self._digested = _digested(agreement, self._asked)
        self._asking = hashlib.blake2b(repr(self._digested).encode(), digest_size=QUESTION // 2).hexdigest()
        self._uses_domain = any(each.field == "email_domain" for each in (*_conditions(agreement), *_scored(agreement)))

    def observe(self, person: Person, as_of: datetime) -> Facts:
        """The facts of one person at `as_of`."""
        values = dict(person.fields)
        if self._uses_domain and (domain := email_domain(values.get("email"))):
            values["email_domain"] = domain
        verdicts = self._questions.verdicts(values)
        traits = self._traits.get(verdicts) or self._look_at(verdicts, values)
        values["persona"] = traits.persona.name if traits.persona else None
        values["icp_band"] = traits.band
        heard = self._listener.hear(person.signals, as_of)
        deals = self._deals.view(person.deals)
        facts = Facts(
            values,
            traits.persona,
            traits.band,
            self._scorer.score_from(traits.standing, heard.signals, as_of),
            heard,
            traits.exclusions,
            traits.unknown,
            deals,
            self._digest(values),
            {signal.kind: signal for signal in reversed(heard.signals)},
            traits,
        )
        facts.journey_stage, turns_at = self._journey.read(heard, as_of)
        if turns_at is not None:
            facts.turns.append(turns_at)
        if deals.going is not None:
            facts.buying_group_missing = self._committee.missing(person, deals.going)
        return facts

    def _look_at(self, verdicts: tuple[int, ...], values: Values) -> Traits:
        """The traits, worked out once for all of whom the same is true."""
        persona, band = self._personas.find(values).persona, self._band(values)
        known = {**values, "persona": persona.name if persona else None, "icp_band": band}
        exclusions = tuple([each for each, holds in self._exclusions if holds(known)])
        unknown = tuple([name for name in self._asked if known.get(name) is None])
        if len(self._traits) >= _REMEMBERED:
            self._traits.clear()
        lacks = {
            name: tuple([need[0] for need in needs if need and all(known.get(each) is None for each in need)])
            for name, needs in self._minimum.items()
        }
        traits = self._traits[verdicts] = Traits(
            persona, band, exclusions, unknown, lacks, self._scorer.standing(known)
        )
        return traits

    def _band(self, values: Values) -> str | None:
        """The first band whose needs all hold; unknown as soon as one that might hold cannot be judged."""
        for name, tests in self._bands:
            answers = [test(values) for test in tests]
            if False in answers:
                continue
            return None if None in answers else name
        return None

    def _digest(self, values: Values) -> str:
        said = repr([values.get(name) for name in self._digested])
        return self._asking + hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


def _conditions(agreement: Agreement) -> list[Condition]:
    """Everything asked of a person to tell persona, band and exclusions."""
    return [
        *(condition for each in agreement.personas for condition in each.match),
        *(condition for each in agreement.bands for condition in each.needs),
        *(each.condition for each in agreement.exclusions),
    ]


def _scored(agreement: Agreement) -> list[Condition]:
    return [rule.condition for group in agreement.scoring.groups for rule in group.rules if rule.condition]


def _asked_about(agreement: Agreement) -> tuple[str, ...]:
    """The fields that scoring and exclusions look at, each once, derived ones by what they need (A11)."""
    conditions: list[Condition] = [
        *(each.condition for each in agreement.exclusions),
        *_scored(agreement),
    ]
    names = [each.field for each in conditions if each.operator not in ("is_known", "is_unknown")]
    return tuple(dict.fromkeys(base for name in names for base in DERIVED.get(name, (name,))))


def _whether_known(agreement: Agreement, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The fields of which it matters whether anybody knows them: to rules, to stages, and to who asks for more."""
    questions = agreement.audience.questions
    orders = [agreement.ask_next, *questions.by_persona.values(), *questions.by_lead_type.values()]
    needs = [need for block in agreement.minimum_information.values() for need in block]
    names = [name for order in (*orders, *needs) for each in order for name in (each, *asked_for(each))]
    return tuple(dict.fromkeys((*asked, *[name for name in names if name not in _WORKED_OUT])))


def _digested(agreement: Agreement, asked: tuple[str, ...]) -> tuple[str, ...]:
    required = [name for needs in agreement.minimum_information.values() for need in needs for name in need]
    proofs = [each.condition.field for each in agreement.evidence if each.condition]
    return tuple(dict.fromkeys([*asked, *required, *proofs]))
