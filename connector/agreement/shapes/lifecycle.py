"""lifecycle.toml and attempts.toml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from connector.agreement.shapes.base import TEN_YEARS, ConditionShape, Shape

Score = Field(default=None, ge=0, le=100)


class EnterShape(Shape):
    """What must hold to enter a stage."""

    fit_at_least: float | None = Score
    engagement_at_least: float | None = Score
    combined_at_least: float | None = Score
    minimum_information: str | None = None
    known_any_of: list[str] = Field(default=[])
    any_positive_signal: bool = False
    accepted_by_sales: bool = False
    evidence_at_least: int = Field(default=0, ge=0, le=100)
    evidence: list[str] = Field(default=[])
    deal: Literal["open", "won"] | None = None
    from_stages: list[str] = Field(default=[])


class LeaveShape(Shape):
    """Below which score a stage is left, and where to."""

    to: str = "nurture"
    fit_below: float | None = Score
    engagement_below: float | None = Score
    combined_below: float | None = Score


class StageShape(Shape):
    """One lifecycle stage; main stages stand in the order of the funnel."""

    label: str | None = None
    owner: str = ""
    means: str = ""
    side: bool = False
    used: bool = True
    may_return: bool = True
    counts_as: str | None = None
    enter_when: EnterShape | None = None
    leave_when: LeaveShape | None = None
    stay_at_least_days: int = Field(default=0, ge=0, le=TEN_YEARS)
    notify: Literal["sales_task", "nobody"] = "nobody"
    sla: str | None = None
    nurture: Literal["continue", "pause"] | None = None
    nurture_track: str | None = None
    why: str = ""


class FastTrackShape(Shape):
    """A signal that skips the queue."""

    signal: str
    to: str
    requires: list[str] = Field(default=[])
    sla: str | None = None
    within_days: int = Field(default=30, ge=1, le=TEN_YEARS)
    why: str = ""


class ExclusionShape(ConditionShape):
    """A trait that keeps people out."""

    blocks: str
    reason: str
    beats_fast_track: bool = False
    flag: str = ""
    why: str = ""


class EvidenceShape(ConditionShape):
    """One proof for a qualified talk."""

    label: str | None = None
    signal: str | None = None
    within_days: int | None = Field(default=None, ge=1, le=TEN_YEARS)
    why: str = ""


class StatusShape(Shape):
    """A lead status."""

    label: str | None = None
    working: bool = False
    accepts: bool = False
    moves_to: str | None = None
    wait_days: int | None = Field(default=None, ge=0, le=TEN_YEARS)
    returned: bool = False
    reason_required: Literal["no", "ask", "block"] = "no"
    nurture_track: str | None = None
    why: str = ""


class AnswerShape(Shape):
    """What sales may answer on the record, and the lead status that stands for it."""

    label: str | None = None
    status: str
    status_if_may_return: str | None = None
    why: str = ""


class ReasonShape(Shape):
    """A rejection reason."""

    label: str | None = None
    fixed_by: str = ""
    may_return: bool = False


class OwnStageShape(Shape):
    """What is different in a stage for one lead type; what is left out is as for everybody."""

    enter_when: EnterShape | None = None
    leave_when: LeaveShape | None = None
    stay_at_least_days: int | None = Field(default=None, ge=0, le=TEN_YEARS)
    notify: Literal["sales_task", "nobody"] | None = None
    sla: str | None = None
    why: str = ""


class LeadTypeShape(Shape):
    """A lead type: how it is recognised, and what is different for it."""

    label: str | None = None
    means: str = ""
    default: bool = False
    when: ConditionShape | None = None
    signals: list[str] = Field(default=[])
    from_customers: bool = False
    skips: list[str] = Field(default=[])
    sla: str | None = None
    stages: dict[str, OwnStageShape] = Field(default={})
    why: str = ""


class DealStageShape(Shape):
    """A deal stage, in the order of progress."""

    label: str | None = None
    state: Literal["open", "won", "lost", "on_hold"] = "open"


class LostReasonShape(Shape):
    """What a deal lost for this reason does to its people; without phrases: all the others."""

    contains_any_of: list[str] = Field(default=[])
    to: str
    wait_days: int | None = Field(default=None, ge=0, le=TEN_YEARS)
    nurture_track: str | None = None
    why: str = ""


class DealsShape(Shape):
    """Which people a deal speaks for."""

    counted_roles: list[str] = Field(default=[])


class MoveShape(Shape):
    """A move that is also made backwards in the CRM."""

    from_stages: list[str]
    to: str
    backwards: Literal["keep_furthest", "clear_then_set"] = "keep_furthest"
    why: str = ""


class ExpiryShape(Shape):
    """When a known answer may be asked for again, counted from the day on which somebody last confirmed it."""

    after_days: int = Field(ge=1, le=3650)
    confirmed_on: str
    why: str = ""


class AskNextShape(Shape):
    """Which question to ask first."""

    order: list[str] = Field(default=[])
    by_persona: dict[str, list[str]] = Field(default={})
    by_lead_type: dict[str, list[str]] = Field(default={})
    expires: dict[str, ExpiryShape] = Field(default={})


class NurtureTrackShape(Shape):
    """A nurture track, by the name that the marketing tool knows."""

    label: str | None = None
    why: str = ""


class StopShape(ConditionShape):
    """What withdraws consent: a condition on a field, or a signal."""

    signal: str | None = None
    why: str = ""


class NurtureShape(Shape):
    """The nurture tracks there are, and who is in none."""

    otherwise: str | None = None
    tracks: dict[str, NurtureTrackShape] = Field(default={})
    stops_when: dict[str, StopShape] = Field(default={})


class LifecycleShape(Shape):
    """lifecycle.toml"""

    stages: dict[str, StageShape]
    fast_track: dict[str, FastTrackShape] = Field(default={})
    exclusions: dict[str, ExclusionShape] = Field(default={})
    minimum_information: dict[str, list[str | list[str]]] = Field(default={})
    ask_next: AskNextShape = AskNextShape()
    nurture: NurtureShape = NurtureShape()
    evidence: dict[str, EvidenceShape] = Field(default={})
    statuses: dict[str, StatusShape] = Field(default={})
    sales_answers: dict[str, AnswerShape] = Field(default={})
    rejection_reasons: dict[str, ReasonShape] = Field(default={})
    lead_types: dict[str, LeadTypeShape] = Field(default={})
    deals: DealsShape = DealsShape()
    deal_stages: dict[str, DealStageShape] = Field(default={})
    lost_reasons: dict[str, LostReasonShape] = Field(default={})
    moves: dict[str, MoveShape] = Field(default={})


class TouchShape(Shape):
    """One kind of activity that counts."""

    kind: Literal["call", "email", "meeting", "task"]
    direction: Literal["outbound", "inbound"] | None = None
    outcome_any_of: list[str] = Field(default=[])
    unless_outcome_any_of: list[str] = Field(default=[])
    seconds_at_least: float = Field(default=0, ge=0, le=86_400)
    automation: bool = False
    channel: str | None = Field(default=None, min_length=1)
    once: bool = False
    warns: str = ""
    why: str = ""


class CadenceShape(Shape):
    """The full sequence that sales promises to go through."""

    attempts_at_least: int = Field(default=1, ge=1, le=1000)
    distinct_days_at_least: int = Field(default=1, ge=1, le=TEN_YEARS)
    channels_at_least: int = Field(default=1, ge=1, le=100)
    each_channel_at_least: dict[str, Annotated[int, Field(ge=1, le=1000)]] = Field(default={})
    within_days: int | None = Field(default=None, ge=1, le=TEN_YEARS)


class ExhaustedShape(Shape):
    """When it has been tried enough."""

    attempts: int = Field(ge=1, le=1000)
    days: int = Field(default=0, ge=0, le=TEN_YEARS)
    whole_cadence: bool = False


class AttemptsShape(Shape):
    """attempts.toml"""

    gap_minutes: int = Field(default=30, ge=0, le=10_080)
    by: Literal["anyone", "owner", "team"] = "anyone"
    sequence_started_by_hand: Literal["first_step", "all_steps", "none"] = "first_step"
    counts: dict[str, TouchShape] = Field(default={})
    connects: dict[str, TouchShape] = Field(default={})
    cadence: CadenceShape | None = None
    exhausted_after: ExhaustedShape | None = None
