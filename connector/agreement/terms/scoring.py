"""Points: rules in groups with limits, how they fade, and the signals they are given for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from connector.agreement.terms.conditions import Condition

Strength = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Fading:
    """How points lose weight with age in whole days (A6)."""

    kind: Literal["never", "after", "evenly", "by_half"] = "never"
    days: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """Points for a signal or for a field; exactly one of `signal` and `condition` is set."""

    id: str
    path: str  # "engagement.high_intent.pricing_page"
    points: float
    label: str
    signal: str | None = None
    condition: Condition | None = None
    fading: Fading = Fading()
    once_per: Literal["day", "week", "month"] | None = None
    times_at_most: int | None = None
    within_days: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Inactivity:
    """Points for the silence of somebody who gave no positive signal for so many days."""

    path: str
    points: float
    days: int
    label: str


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that share limits: the sum of their lines never leaves [never_below, at_most]."""

    name: str
    side: Literal["fit", "engagement"]
    label: str
    rules: tuple[Rule, ...]
    at_most: float | None = None
    never_below: float | None = None
    inactivity: tuple[Inactivity, ...] = ()
    lead_types: tuple[str, ...] = ()  # it counts for these only; empty: for all


@dataclass(frozen=True, slots=True)
class Scoring:
    """All groups, the grade letters and numbers (highest threshold first), and fit's share of the combined score."""

    groups: tuple[Group, ...]
    fit_grades: tuple[tuple[str, float], ...]
    engagement_grades: tuple[tuple[str, float], ...]
    fit_share: float = 0.5
    freeze_in: tuple[str, ...] = ()  # stages in which the scores on the record stay as they were on entering


@dataclass(frozen=True, slots=True)
class SignalKind:
    """What a signal is called, how much it says, and which points of the buyer's journey it belongs to."""

    name: str
    label: str
    strength: Strength = "medium"
    positive: bool = False
    journey_stage: str | None = None
    human_only: bool = False
    duplicates_within_minutes: int = 0
    not_scored: frozenset[str] = frozenset()  # assets that earn nothing, as `words.asset_of` says them


@dataclass(frozen=True, slots=True)
class Bots:
    """How the clicks of a mail scanner are told from a person's, and what such a click opens."""

    clicks: tuple[str, ...] = ()
    opened_by_click: tuple[str, ...] = ()
    clicks_at_least: int = 3
    within_seconds: float = 2.0
    opened_within_seconds: float = 10.0
    delivered: str | None = None
    seconds_after_delivery: float = 0.0
