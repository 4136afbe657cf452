"""
The nouns of the connector: frozen values that pass from room to room.

`Record`, `Occurrence` and `Link` are what a CRM said, in its words. `Person`, `Deal`, `Signal` and `Activity`
are the same in ours (connector.fields translates). `Track` is what we remember of a person between runs,
`Decision` what the agreement says about that person at one instant. Instants are aware and end in `_at`,
except `as_of`, the one instant a run evaluates everybody at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from connector.frozen import quickly_made

#: What a field can hold once it is in our words. Numbers are never text, blanks are None or absent.
Value = str | int | float | bool | datetime | tuple[str, ...] | None

#: `go_live = "always"`: everyone counts as new, since nobody was created before the beginning of time.
ALWAYS = datetime.min.replace(tzinfo=UTC)

#: The label of a link to the company that is a person's first of all, in every CRM and language.
PRIMARY = "primary"

#: Why a value of others is left alone: somebody set it, or another system sets ours back again and again.
EDIT, CONFLICT = "edit", "conflict"


# -- what the CRM said, in its words ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """What the CRM said of one object. `kind` is ours: contact, company, deal, call, email, meeting, task, lead."""

    kind: str
    id: str
    properties: Mapping[str, str | None]
    created_at: datetime | None = None
    changed_at: datetime | None = None
    archived: bool = False
    merged_ids: tuple[str, ...] = ()  # ids that were merged into this record
    other_emails: tuple[str, ...] = ()  # a contact's further addresses, which forms know people by as well
    closed: bool = False  # it is there and tells what it told, and takes no writes any more
    form: str = ""  # what the CRM calls it, where records of this kind have several forms and this is not the usual one


def page_at(address: str, id: str, form: str = "") -> str:
    """Where people open a record: `address` has {id} in it, and {form:NAME} where records of its kind have several
    forms, of which NAME is the usual one; "" where no address is known."""
    return _FORM.sub(lambda usual: form or usual[1], address).replace("{id}", id)


_FORM = re.compile(r"\{form:(\w+)\}")


@dataclass(frozen=True, slots=True)
class Link:
    """One association, seen from the record that was asked; labels as the CRM names them from a person's end, whichever
    end was asked, and PRIMARY."""

    to_id: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One dated thing the CRM knows of a person, with an id that stays the same however often it is read.

    `source` says where it was seen: "call", "email", "meeting", "task", "list:<name>", "form:<id>",
    "counter:<property>", "date:<property>". `details` holds the mapped properties of an activity in our field
    names, or whatever the source adds. `person_id` is the contact's record id, or None while only the hashed
    e-mail address of a form submission is known (`email_hash`).
    """

    id: str
    source: str
    at: datetime
    person_id: str | None = None
    email_hash: str | None = None
    details: Mapping[str, Value] = field(default_factory=dict)
    seen: int = 0  # the number of the run that first saw it; a higher number is news


# -- the same in our words -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signal:
    """A dated fact about a person that a rule may score: `kind` is a name from signals.toml.

    `actor` is "person", "rep", "automation" or "bot"; `seen` is the run that first saw it (see Track.used).
    """

    id: str
    kind: str
    at: datetime
    seen: int = 0
    asset: str | None = None
    actor: str = "person"


@quickly_made
@dataclass(frozen=True, slots=True)
class Activity:
    """One call, e-mail, meeting or task of sales with a person, raw material for connect attempts.

    `direction` is "outbound" or "inbound"; `outcome` is a canonical outcome (attempts.toml), None where nothing
    was logged, or "unmapped:<value>" where the CRM's value has no name in the mapping. `actor` is "rep" or
    "automation"; `sequence` names the sequence that sent it, None for what somebody sent by hand.
    """

    id: str
    kind: str
    at: datetime
    direction: str | None = None
    outcome: str | None = None
    actor: str = "rep"
    owner_id: str | None = None
    duration_s: float | None = None
    sequence: str | None = None


@quickly_made
@dataclass(frozen=True, slots=True)
class Deal:
    """One deal of a person. `state` is open, won, lost or on_hold; `counted` says whether its pipeline counts."""

    id: str
    state: str
    deal_stage: str | None = None  # canonical: discovery, proposal_in_preparation, ... or None where unmapped
    pipeline: str | None = None
    counted: bool = True
    amount: float | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    lost_reason: str | None = None
    lead_type: str | None = None
    labels: tuple[str, ...] = ()  # this person's role on the deal


@dataclass(frozen=True, slots=True)
class Edit:
    """Somebody other than us changed a field since we last wrote it.

    `by` is "person", "automation", "crm", "integration", "import", "other" (a source that nobody has classed: no
    person, not us) or "unknown" (the history says nothing); `at` is None where the CRM's history does not say. `source`
    is the writer in the CRM's own words, `name` what it is called there.
    """

    field: str
    before: Value
    after: Value
    at: datetime | None
    by: str
    source: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Lead:
    """One of a person's leads: a statement of interest that the CRM keeps as a record of its own, beside the person's.

    `fields` are its own, blanks absent; `unmapped` and `edits` as of a person. One that is not open was answered by
    sales, or led to a deal: nothing is written to it.
    """

    id: str
    is_open: bool
    fields: Mapping[str, Value]
    opened_at: datetime | None = None
    unmapped: Mapping[str, str] = field(default_factory=dict)
    edits: Mapping[str, Edit] = field(default_factory=dict)

    @property
    def lead_type(self) -> str | None:
        """What it says it is about, where it does."""
        said = self.fields.get("lead_type")
        return said if isinstance(said, str) else None

    @property
    def stage(self) -> str | None:
        """The stage that stands on it."""
        said = self.fields.get("stage")
        return said if isinstance(said, str) else None

    @property
    def status(self) -> str | None:
        """The lead status that stands on it."""
        said = self.fields.get("status")
        return said if isinstance(said, str) else None


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody else on an open deal of a person; `fields` is None of a contact that nobody has read yet."""

    id: str
    fields: Mapping[str, Value] | None
    deals: Mapping[str, tuple[str, ...]]  # deal -> the labels there


@quickly_made
@dataclass(frozen=True, slots=True)
class Person:
    """A contact with company, deals, signals and activities: the unit of decision.

    `fields` holds the person's fields and the linked company's (the company's known value wins), blanks absent;
    the live CRM stage and status are `stage` and `status` (canonical, None when blank). `unmapped` names the
    fields whose live value the mapping has no word for, with that value; `edits` what others changed. `colleagues`
    are the others on the person's open deals, where the agreement asks who is there.
    """

    id: str
    fields: Mapping[str, Value]
    stage: str | None = None
    status: str | None = None
    owner_id: str | None = None
    created_at: datetime | None = None
    company_id: str | None = None
    deals: tuple[Deal, ...] = ()
    signals: tuple[Signal, ...] = ()
    activities: tuple[Activity, ...] = ()
    unmapped: Mapping[str, str] = field(default_factory=dict)
    edits: Mapping[str, Edit] = field(default_factory=dict)
    entered: Mapping[str, datetime] = field(default_factory=dict)  # stage -> when, as far as the CRM itself remembers
    colleagues: tuple[Colleague, ...] = ()
    leads: tuple[Lead, ...] = ()
    closed: bool = False  # their record takes no writes any more: what stands on it stays
    form: str = ""  # as of a Record


# -- what we remember, and what the agreement says ---------------------------------------------------------


@quickly_made
@dataclass(frozen=True, slots=True)
class Track:
    """A person's path for one lead type, as far as it is confirmed in the CRM or needed no write.

    `id` is fixed at first sight and survives merges. `used` is the number of the last run whose facts this
    track's stage already answers to: a signal is news when `signal.seen > used` or it happened after
    `evaluated_at` (A12). `facts` digests the scored and required field values then, `fingerprint` the agreement;
    `lowered` is of whom a changed agreement would else have made fall (decide.leaving).
    `entered` holds the last entry instant per stage, `passed_through` the stages only stamped on a jump.
    Unknown instants (adopted people) are absent, never invented. What follows `facts` and `fingerprint` is the
    follow-up of the latest hand-off: when each clock began, when it is due, what sales did (decide.follow_up).
    """

    id: str
    lead_type: str
    stage: str | None = None
    furthest: str | None = None
    status: str | None = None
    cycle: int = 0  # hand-offs made so far
    handed_over: bool = False  # inside a cycle that we handed over and that has not ended
    handed_over_at: datetime | None = None
    assigned_at: datetime | None = None  # since when the hand-off has had an owner: the rep's clock
    answered_at: datetime | None = None  # when sales first answered this hand-off on the record itself
    answer: str | None = None  # the sales answer that this track already answers to; another one is news
    call_back_at: datetime | None = None  # the day on which sales promised to be back, from its beginning
    sla_class: str | None = None
    sla_due_at: datetime | None = None
    entered: Mapping[str, datetime] = field(default_factory=dict)
    passed_through: tuple[str, ...] = ()
    stage_since: datetime | None = None
    cause: str | None = None  # why the stage is what it is: rule id, "adopted", "person", "deal:<id>"
    left_at: datetime | None = None  # last leaving or return: only positive signals after it count as news
    wait_until: datetime | None = None
    returned_count: int = 0
    adopted: bool = False
    edited_at: datetime | None = None  # a person's last edit of stage or status, adopted into this track
    evaluated_at: datetime | None = None
    used: int = 0
    facts: str = ""
    fingerprint: str = ""
    lowered: Mapping[str, float] = field(default_factory=dict)  # values of leaving that hold instead of the stage's own
    triggered_at: datetime | None = None  # the signal, or the day, that led to the hand-off: the lead waits since then
    lead_due_at: datetime | None = None
    unowned_at: datetime | None = None  # since when the hand-off was nobody's: at its beginning, or when the owner left
    owner_due_at: datetime | None = None
    owners: tuple[str, ...] = ()  # everybody whose this hand-off has been, in order
    attempts: int = 0
    first_attempt_at: datetime | None = None
    contact_at: datetime | None = None
    touched_at: datetime | None = None  # what stopped the rep's clock: an attempt, the person's own contact, an answer
    conversation_due_at: datetime | None = None
    decided_at: datetime | None = None  # when sales said, or the path showed, what becomes of the person
    answer_due_at: datetime | None = None
    cadence_at: datetime | None = None  # when all of the agreed sequence was done
    cadence_due_at: datetime | None = None
    paused_at: datetime | None = None  # since when all open deals are on hold
    paused_seconds: float = 0.0  # of the pauses that are over
    set_back_at: datetime | None = None  # when somebody, or a revert, took the status back: older attempts are known


@dataclass(frozen=True, slots=True)
class Line:
    """One rule that spoke about a person, or one limit that cut: the lines of a score add up to it (A13)."""

    rule: str  # "engagement.high_intent.pricing_page", or "engagement.content.limit"
    points: float  # two decimals
    because: str  # "pricing page 10 days ago"; shown in explain


@dataclass(frozen=True, slots=True)
class Score:
    """Fit and engagement with the lines behind them, 0 to 100, two decimals; the shown integer is half-up."""

    fit: float
    engagement: float
    grade: str  # "A2"
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """One step of a track, for the transition log: what moved (`stage` or `status`), from, to, and why."""

    what: str
    before: str | None
    after: str | None
    cause: str  # a rule id such as "stages.mql.enter_when", "fast_track.demo", "person", "deal:17"
    because: str  # one sentence for explain
    passed_through: tuple[str, ...] = ()
    track_id: str = ""


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """The one task of a hand-off. Identity is (track, cycle, rule); text is final except for the marker."""

    track_id: str
    lead_type: str
    cycle: int
    rule: str
    subject: str
    body: str
    due_at: datetime
    priority: str = "HIGH"
    urgency: float = 0.0  # larger goes first when the task budget is short


@quickly_made
@dataclass(frozen=True, slots=True)
class Decision:
    """What the agreement says about one person at one instant.

    `tracks` are the tracks as they will be once everything is confirmed in the CRM. `outputs` maps our field
    names to wanted values (None: blank); a field absent from it is left as it is. `cause` names the rule that
    moved the person ("" when nothing moved), which is what the guard counts by. `blocked` says in plain
    sentences why the next stage is not reached, `also` which other rules would have matched (domain 3.3),
    `warnings` what a human should look at. `leads` has, by id, what the person's open leads should say: the outputs of
    the track that each belongs to. `route_next_at` / `score_next_at`: when this would next change by
    itself, None for never.
    """

    person_id: str
    tracks: tuple[Track, ...]
    outputs: Mapping[str, Value]
    score: Score
    moves: tuple[Move, ...] = ()
    tasks: tuple[TaskDraft, ...] = ()
    cause: str = ""
    reason: str = ""
    blocked: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    route_next_at: datetime | None = None
    score_next_at: datetime | None = None
    held_until: datetime | None = None  # somebody holds this person from inside the CRM: only scores are written
    leads: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
