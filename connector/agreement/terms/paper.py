"""What people read and sign: goals and their corrections, the words of a task, the glossary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal


@dataclass(frozen=True, slots=True)
class Correction:
    """What a goal came down or up to for the period that `on` lies in, and why. The number before stays readable."""

    on: date
    at_least: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """How many are promised per period, by which side; of one lead type or source, where one is named."""

    name: str
    metric: str  # a name of connector.agreement.metrics
    period: Literal["month", "quarter", "year"]
    at_least: float
    owner: str = ""
    lead_type: str | None = None
    source: str | None = None  # as the field source_first says it
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True)
class Texts:
    """The words of the hand-off task in one language; {places} are filled in, a line with an empty one is left out.

    `why` holds the reason by kind of cause (score, fast_track, call_back); for others the decision's own is said.
    """

    subject: str
    body: str
    no_name: str
    weekdays: tuple[str, ...]  # from Monday
    why: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)  # field -> what to ask the person
    labels: Mapping[str, str] = field(default_factory=dict)  # own property's field -> what it is called


@dataclass(frozen=True, slots=True)
class Paper:
    """The parts of the agreement that people read and sign; no decision depends on them."""

    summary: str = ""
    effective_from: date | None = None
    review_by: date | None = None
    fiscal_year_starts: int = 1
    signers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # side -> who may sign for it; none: anybody
    glossary: Mapping[str, str] = field(default_factory=dict)
    goals: tuple[Goal, ...] = ()
