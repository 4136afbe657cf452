"""
What marketing and sales agreed, as frozen plain data: the terms that `connector.decide` compiles and follows.

Loaded and checked by `connector.agreement.load`; nothing here reads files or knows a CRM. Where the order of a
tuple means something (stages, personas, ICP bands, fast tracks, exclusions, deal stages) it is the order in the
file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Literal
from zoneinfo import ZoneInfo

from connector.agreement.wiring import Wiring, WriteBack

Operator = Literal[
    "is", "is_any_of", "contains_any_of", "at_least", "at_most", "between", "is_known", "is_unknown", "in_list"
]
Plain = str | float | bool
Strength = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One question about one field. A field that is unknown answers neither yes nor no, except to is_unknown."""

    field: str
    operator: Operator
    values: tuple[Plain, ...] = ()
    unless: tuple[str, ...] = ()
    entries: frozenset[str] = frozenset()  # what `in_list` resolved to, folded


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


@dataclass(frozen=True, slots=True)
class Persona:
    """A kind of person inside a customer. The first persona with a matching condition is the person's."""

    name: str
    label: str
    match: tuple[Condition, ...]
    describes: Mapping[str, str] = field(default_factory=dict)  # bio, needs, pains, say ...


@dataclass(frozen=True, slots=True)
class Journey:
    """How dated signals tell where a buyer is; fewer of them than this within the days tell nothing."""

    rule: Literal["highest", "latest"] = "highest"
    within_days: int = 90
    signals_at_least: int = 2


@dataclass(frozen=True, slots=True)
class NurtureTrack:
    """What a marketing tool sends to somebody, under a name that both know."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Stop:
    """What withdraws consent to be nurtured: a field that says so, or a signal that ever happened."""

    name: str
    signal: str | None = None
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Nurture:
    """Who is in which nurture track. What is named nearer to the person's own history goes first: how they came
    back (statuses, lost reasons), then where they are (stages), then who they are (personas), then `otherwise`."""

    tracks: tuple[NurtureTrack, ...] = ()
    otherwise: str | None = None
    stops: tuple[Stop, ...] = ()
    statuses: Mapping[str, str] = field(default_factory=dict)
    lost_reasons: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)
    personas: Mapping[str, str] = field(default_factory=dict)
    goes_on: Mapping[str, bool] = field(default_factory=dict)  # stage -> whether; not named: until a hand-off


@dataclass(frozen=True, slots=True)
class Role:
    """A role that a deal needs somebody in; `said_as` are buying roles and labels on the deal that say it, folded."""

    name: str
    said_as: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Expiry:
    """An answer that may be asked for again when it was last confirmed too long ago."""

    field: str
    after_days: int
    confirmed_on: str


@dataclass(frozen=True, slots=True)
class Questions:
    """Which question comes first for whom, before the usual order (Agreement.ask_next)."""

    by_persona: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_lead_type: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    expires: tuple[Expiry, ...] = ()


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom we talk to and what we say, beyond scores and stages."""

    journey: Journey | None = None
    nurture: Nurture = Nurture()
    buying_group: tuple[Role, ...] = ()
    questions: Questions = Questions()


@dataclass(frozen=True, slots=True)
class Band:
    """A class of companies. The first band all of whose conditions hold is the company's."""

    name: str
    label: str
    needs: tuple[Condition, ...]


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
class Touch:
    """One kind of activity that counts, as an attempt or as a contact."""

    name: str
    kind: str
    direction: str | None = None
    outcomes: tuple[str, ...] = ()
    seconds_at_least: float = 0.0
    automation: bool = False
    unless: tuple[str, ...] = ()  # outcomes that do not count
    channel: str = ""  # "phone", "email" ...
    once: bool = False  # at most once per hand-off
    warns: str = ""  # said as a warning when it happened


@dataclass(frozen=True, slots=True)
class Cadence:
    """The full sequence both sides agreed on: with all of it done a person counts as fully worked."""

    attempts_at_least: int = 1
    distinct_days_at_least: int = 1
    channels_at_least: int = 1
    each_channel_at_least: Mapping[str, int] = field(default_factory=dict)
    within_days: int | None = None  # of having an owner


@dataclass(frozen=True, slots=True)
class Attempts:
    """What counts as a connect attempt, what as a contact, and when it has been tried enough.

    The first of `counts` that fits an activity decides what it is.
    """

    counts: tuple[Touch, ...] = ()
    connects: tuple[Touch, ...] = ()
    gap_minutes: int = 30
    by: Literal["anyone", "owner", "team"] = "anyone"
    exhausted_attempts: int | None = None
    exhausted_days: int = 0
    exhausted_by_whole_cadence: bool = False
    cadence: Cadence | None = None
    sequences: Literal["first_step", "all_steps", "none"] = "first_step"  # of those that somebody started by hand

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of activity that could be an attempt or a contact at all."""
        return frozenset(touch.kind for touch in (*self.counts, *self.connects))


@dataclass(frozen=True, slots=True)
class Calendar:
    """Business hours, and the days on which nobody works."""

    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    opens: time = time(9)
    closes: time = time(17)
    country: str | None = None
    subdivision: str | None = None
    days_off: frozenset[date] = frozenset()
    zone: ZoneInfo | None = None  # None: the agreement's
    teams: tuple[str, ...] = ()  # whose owners keep these hours, where an SLA names no calendar


@dataclass(frozen=True, slots=True)
class Sla:
    """One class of follow-up, in business hours: until somebody owns the person, and from then to the first attempt and
    to sales' answer; from the first attempt to a contact. The lead waits from the signal on, in `lead_counts`."""

    name: str
    first_attempt_within_hours: float
    lead_to_touch_within_hours: float | None = None
    lead_counts: Literal["all_hours", "business_hours"] = "all_hours"
    owner_within_hours: float | None = None
    conversation_within_hours: float | None = None
    answer_within_hours: float | None = None
    calendar: str | None = None


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


@dataclass(frozen=True, slots=True)
class Agreement:
    """One folder of mapping files, checked: everything a decision needs, and the wiring to one CRM.

    `fingerprint` is of the meaning of the definitions: comments, dates, signatures and texts do not change it;
    the wiring has its own. `fields_used` names, per kind of record, our fields that a rule, an output or a
    signal needs, which is all that is asked of the CRM.
    """

    version: str
    zone: ZoneInfo
    language: str
    apply_to: Literal["new_facts", "everyone"]
    scoring: Scoring
    stages: tuple[Stage, ...]
    statuses: Mapping[str, Status]
    signals: Mapping[str, SignalKind]
    bots: Bots
    personas: tuple[Persona, ...]
    bands: tuple[Band, ...]
    minimum_information: Mapping[str, tuple[tuple[str, ...], ...]]  # all of: any of
    ask_next: tuple[str, ...]
    fast_tracks: tuple[FastTrack, ...]
    exclusions: tuple[Exclusion, ...]
    evidence: tuple[Evidence, ...]
    answers: Mapping[str, Answer]
    rejection_reasons: tuple[Reason, ...]
    lead_types: tuple[LeadType, ...]
    deals: DealRules
    backwards: tuple[Backward, ...]
    attempts: Attempts
    calendar: Calendar
    slas: Mapping[str, Sla]
    texts: Texts
    paper: Paper
    wiring: Wiring
    write_back: WriteBack
    audience: Audience = Audience()
    fingerprint: str = ""
    fields_used: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)  # beside the one everybody keeps

    @property
    def lead_type(self) -> str:
        """The lead type of a track that nothing else tells."""
        return next((each.name for each in self.lead_types if each.default), self.lead_types[0].name)
