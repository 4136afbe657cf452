"""Stages and what moves people between them: entries, fast tracks, exclusions, statuses, deals, lead types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from connector.agreement.terms.conditions import Condition


@dataclass(frozen=True, slots=True)
class Entry:
    """What must hold to enter a stage; everything that is set must hold."""

    fit_at_least: float | None = None
    engagement_at_least: float | None = None
    combined_at_least: float | None = None
    minimum_information: str | None = None
    known_any_of: tuple[str, ...] = ()
    any_positive_signal: bool = False
    accepted_by_sales: bool = False
    evidence_at_least: int = 0
    evidence: tuple[str, ...] = ()  # empty: any of the agreement's evidence
    deal: Literal["open", "won"] | None = None
    from_stages: tuple[str, ...] = ()

    @property
    def by_score(self) -> bool:
        """Whether a threshold decides, so that A12 applies: fading alone never promotes."""
        return (self.fit_at_least, self.engagement_at_least, self.combined_at_least) != (None, None, None)


@dataclass(frozen=True, slots=True)
class Leaving:
    """When a stage is left because the score fell, and where to."""

    to: str
    fit_below: float | None = None
    engagement_below: float | None = None
    combined_below: float | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One lifecycle stage. A side stage (nurture, disqualified) stands beside the order and `counts_as` one in it."""

    name: str
    label: str
    owner: str = ""
    means: str = ""
    side: bool = False
    used: bool = True
    may_return: bool = True
    counts_as: str | None = None
    enter: Entry | None = None
    leave: Leaving | None = None
    stay_at_least_days: int = 0
    hands_over: bool = False  # notify = "sales_task"
    sla: str | None = None


@dataclass(frozen=True, slots=True)
class FastTrack:
    """A signal that goes straight to a stage when the fields it requires are known."""

    name: str
    signal: str
    to: str
    requires: tuple[str, ...] = ()
    sla: str | None = None
    within_days: int = 30


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A trait that keeps a person below the stage it blocks; a hard one also stops a fast track."""

    name: str
    condition: Condition
    blocks: str
    reason: str
    beats_fast_track: bool = False
    flag: str = ""  # said as a warning when a fast track went past it


@dataclass(frozen=True, slots=True)
class Evidence:
    """One proof that a talk is serious: a signal that happened or a field that says so."""

    name: str
    label: str
    signal: str | None = None
    condition: Condition | None = None
    within_days: int | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """A lead status and what it does to the stage when a person sets it."""

    name: str
    label: str
    working: bool = False  # somebody in sales is at it: the score does not take the person away
    accepts: bool = False  # counts as acceptance by sales
    to: str | None = None
    wait_days: int | None = None
    returned: bool = False
    reason_required: Literal["no", "ask", "block"] = "no"


@dataclass(frozen=True, slots=True)
class Answer:
    """What sales may answer to a hand-off on the record itself, and the lead status that stands for it."""

    name: str
    label: str
    status: str
    status_if_may_return: str | None = None  # instead, where the rejection reason given may_return


@dataclass(frozen=True, slots=True)
class Reason:
    """A rejection reason sales may give."""

    name: str
    label: str
    fixed_by: str = ""
    may_return: bool = False


@dataclass(frozen=True, slots=True)
class DealStage:
    """One of our deal stages, in the order of progress."""

    name: str
    label: str
    state: Literal["open", "won", "lost", "on_hold"]


@dataclass(frozen=True, slots=True)
class LostReason:
    """What a lost deal does to its people; the first reason with a matching phrase decides."""

    name: str
    phrases: tuple[str, ...]
    to: str
    wait_days: int | None = None


@dataclass(frozen=True, slots=True)
class DealRules:
    """How deals speak about people. Empty `counted_roles`: everybody on the deal."""

    stages: tuple[DealStage, ...] = ()
    lost_reasons: tuple[LostReason, ...] = ()
    counted_roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Backward:
    """A move back that is also made in the CRM's own stage property (G5)."""

    name: str
    from_stages: tuple[str, ...]
    to: str
    by: str = "clear_then_set"


@dataclass(frozen=True, slots=True)
class LeadType:
    """One kind of interest a person can have; each has its own track, with its own stages, scores and follow-up.

    `when` makes it the type of a person seen for the first time, `signals` speak of nothing else, and with
    `from_customers` it is what customers are interested in next. `stages` holds those that differ.
    """

    name: str
    label: str
    default: bool = False
    means: str = ""
    when: Condition | None = None
    signals: tuple[str, ...] = ()
    from_customers: bool = False
    skips: tuple[str, ...] = ()
    sla: str | None = None
    stages: tuple[Stage, ...] = ()
