"""scoring.toml, signals.toml, icp.toml and personas.toml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from connector.agreement.shapes.base import TEN_YEARS, ConditionShape, Rows, Shape

Days = Field(default=None, ge=1, le=TEN_YEARS)
Limit = Field(default=None, ge=-1000, le=1000)


class RuleShape(ConditionShape):
    """One rule on one line."""

    points: float = Field(ge=-1000, le=1000)
    signal: str | None = None
    once_per: Literal["day", "week", "month"] | None = None
    times_at_most: int | None = Field(default=None, ge=1, le=1000)
    within_days: int | None = Days
    points_halve_every_days: int | None = Days
    points_fade_evenly_over_days: int | None = Days
    points_end_after_days: int | None = Days
    no_positive_signal_for_days: int | None = Days
    label: str | None = None
    why: str = ""


class GroupShape(Rows):
    """Rules that share limits and fading; every other key is a rule."""

    __pydantic_extra__: dict[str, RuleShape]
    group_total_at_most: float | None = Limit
    group_total_never_below: float | None = Limit
    points_halve_every_days: int | None = Days
    points_fade_evenly_over_days: int | None = Days
    points_end_after_days: int | None = Days
    once_per: Literal["day", "week", "month"] | None = None
    times_at_most: int | None = Field(default=None, ge=1, le=1000)
    within_days: int | None = Days
    lead_types: list[str] = Field(default=[])
    label: str | None = None
    why: str = ""


class GradesShape(Shape):
    """Letters for fit and numbers for engagement, each with the score from which it is given."""

    fit: dict[str, float] = Field(default={})
    engagement: dict[str, float] = Field(default={})


class CombinedShape(Shape):
    """How much of the combined score is fit."""

    fit_share: float = Field(default=0.5, ge=0, le=1)


class ScoringShape(Shape):
    """scoring.toml"""

    fit: dict[str, GroupShape] = Field(default={})
    engagement: dict[str, GroupShape] = Field(default={})
    grades: GradesShape = GradesShape()
    combined: CombinedShape = CombinedShape()
    freeze_in: list[str] = Field(default=[])


class SignalShape(Shape):
    """One kind of signal."""

    label: str | None = None
    strength: Literal["high", "medium", "low"] = "medium"
    positive: bool | None = None
    journey_stage: Literal["awareness", "consideration", "decision"] | None = None
    human_only: bool = False
    duplicates_within_minutes: int = Field(default=0, ge=0, le=525_600)
    not_scored_assets: str | list[str] = Field(default=[])
    why: str = ""


class BotsShape(Shape):
    """How clicks of mail scanners are recognised."""

    clicks: list[str] = Field(default=[])
    opened_by_click: list[str] = Field(default=[])
    clicks_at_least: int = Field(default=3, ge=2, le=1000)
    within_seconds: float = Field(default=2, gt=0, le=86_400)
    opened_within_seconds: float = Field(default=10, ge=0, le=86_400)
    delivered: str | None = None
    seconds_after_delivery: float = Field(default=0, ge=0, le=86_400)


class JourneyShape(Shape):
    """How signals tell the stage of the buyer's journey."""

    rule: Literal["highest", "latest"] = "highest"
    within_days: int = Field(default=90, ge=1, le=3650)
    signals_at_least: int = Field(default=2, ge=1, le=100)
    why: str = ""


class SignalsShape(Shape):
    """signals.toml"""

    signals: dict[str, SignalShape] = Field(default={})
    journey: JourneyShape | None = None
    bots: BotsShape = BotsShape()


class BandShape(Shape):
    """One ICP band: all its needs must hold."""

    label: str | None = None
    needs: dict[str, ConditionShape] = Field(default={})
    why: str = ""


class IcpShape(Shape):
    """icp.toml"""

    bands: dict[str, BandShape] = Field(default={})


class PersonaShape(Shape):
    """One persona: any line of `match` is enough; the rest describes."""

    label: str | None = None
    match: dict[str, ConditionShape] = Field(default={})
    name: str = ""
    bio: str = ""
    demographics: str = ""
    behaviour: str = ""
    interests: str = ""
    needs: str = ""
    pains: str = ""
    say: str = ""
    role: str = ""
    evidence: str = ""
    nurture_track: str = ""


class BuyingGroupShape(Shape):
    """The roles that a deal needs, and what else says that somebody has one."""

    roles: list[str] = Field(default=[])
    said_as: dict[str, list[str]] = Field(default={})
    why: str = ""


class PersonasShape(Shape):
    """personas.toml"""

    personas: dict[str, PersonaShape] = Field(default={})
    buying_group: BuyingGroupShape = BuyingGroupShape()
