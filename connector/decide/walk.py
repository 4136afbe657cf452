"""
One person's walk through one decision: the track as it stands, and what has happened to it so far.

Rooms that move people (path, hand-off) change a walk only by `move`, `set_status` and `track`; what it gathers
becomes the decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connector.agreement.terms import Stage
from connector.decide.attempts import NOTHING_TRIED, Tried
from connector.decide.facts import QUESTION, Facts
from connector.model import ALWAYS, Edit, Move, Person, Signal, TaskDraft, Track

#: Mark behind a digest of an adopted track that already met the next stage's rule: only high strength moves it.
ABOVE = "^"

#: Mark behind a digest of a track whose score was below the value of leaving, and that stayed all the same.
BELOW = "_"

#: Mark behind a digest, before those above: the deal that decides is closed, on a day that lies ahead.
AHEAD = "+"

#: How causes begin that are rules of the agreement, and not a person, the CRM, a deal or the adoption.
RULES = ("stages.", "fast_track.")

#: Who may set a stage or status so that it is adopted; what other software writes is the sync layer's affair.
ADOPTED_FROM = ("person", "unknown", "import", "crm")

#: The cause of a hand-off that sales itself agreed on with the person: a promise, and no rule about scores.
CALL_BACK = "call_back"

#: How causes begin that are an answer of sales on the record.
ANSWERED = "sales_answers."

#: Why a stage was left by score. The second counts against sales' promise: nobody made one counted attempt.
FADED = "score faded"
NEVER_WORKED = "score faded, never worked"


class Stages:
    """The order of stages: ranks, what is passed on a jump, and where side stages stand."""

    def __init__(self, stages: tuple[Stage, ...]) -> None:
        self.by_name: Mapping[str, Stage] = {stage.name: stage for stage in stages}
        self.main = tuple(stage for stage in stages if not stage.side)
        self.used = tuple(stage for stage in self.main if stage.used)
        self.ranks = {stage.name: rank for rank, stage in enumerate(self.main)}
        self.by_deal = {stage.enter.deal: stage for stage in self.used if stage.enter and stage.enter.deal}
        self.by_deal_names = frozenset(stage.name for stage in self.by_deal.values())
        self._next: dict[str | None, Stage | None] = {}
        before_score = next((r for r, stage in enumerate(self.main) if stage.enter and stage.enter.by_score), 0) - 1
        self._levels = {
            stage.name: self.ranks.get(stage.counts_as or "", before_score) for stage in stages if stage.side
        } | self.ranks
        self.first_handed_over = min(
            (self.ranks[stage.name] for stage in self.used if stage.hands_over), default=len(self.main)
        )

    def level(self, name: str | None) -> int:
        """How far a stage is; a side stage is as far as the stage it counts as, none at all is -1."""
        return self._levels.get(name or "", -1)

    def is_side(self, name: str | None) -> bool:
        """Whether this is nurture, disqualified or another stage beside the order."""
        stage = self.by_name.get(name or "")
        return stage is not None and stage.side

    def between(self, before: str | None, after: str) -> tuple[str, ...]:
        """The used stages that a jump passes."""
        if self.is_side(after):
            return ()
        low, high = self.level(before), self.level(after)
        return tuple(stage.name for stage in self.used if low < self.ranks[stage.name] < high)

    def further(self, one: str | None, other: str | None) -> str | None:
        """The further of two main stages; side stages are no progress."""
        known = [name for name in (one, other) if name is not None and name in self.ranks]
        return max(known, key=self.ranks.__getitem__, default=None)

    def next_by_rule(self, name: str | None) -> Stage | None:
        """The nearest stage that rules lead to from this one, if they do."""
        if name not in self._next:
            self._next[name] = self._find_next(name)
        return self._next[name]

    def _find_next(self, name: str | None) -> Stage | None:
        stage = self.by_name.get(name or "")
        if stage is not None and stage.side and not stage.may_return:
            return None
        level = self.level(name)
        by_rule = (each for each in self.used if each.enter and not each.enter.deal)
        return next((each for each in by_rule if self.ranks[each.name] > level), None)

    def label(self, name: str | None) -> str:
        """What people call a stage."""
        stage = self.by_name.get(name or "")
        return stage.label if stage else (name or "no stage")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person in sales said of the person, as a lead status, and when; `answer` where it was said as one."""

    status: str
    at: datetime
    answer: str | None = None

    @property
    def cause(self) -> str:
        """How a move that follows from this is called."""
        return f"{ANSWERED}{self.answer}" if self.answer else f"statuses.{self.status}"


@dataclass(slots=True)
class Walk:
    """The state of one decision; `before` is the track as it was remembered."""

    person: Person
    facts: Facts
    before: Track
    track: Track
    as_of: datetime
    go_live: datetime
    fingerprint: str
    stages: Stages
    everyone: bool = False  # an approved rule change is a new fact for everybody
    hands_over: bool = True  # False: people are placed, and nobody is handed to sales
    clean_up: str | None = None  # a stage that adopted people may leave by score, in this decision
    newer_than: timedelta | None = None  # nobody is handed over for a signal older than this
    held_until: datetime | None = None
    answer_on_record: str | None = None  # what sales answered to a hand-off, of this track or another
    is_spoken_to: bool = True  # whether it is this track's
    answered: Judgement | None = None  # what sales answered on the record, taken in by this walk
    kept_back: bool = False  # would have been handed over, had this run handed anybody over
    tried: Tried = NOTHING_TRIED
    moves: list[Move] = field(default_factory=list)
    tasks: list[TaskDraft] = field(default_factory=list)
    also: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    cause: str = ""
    reason: str = ""
    fast_track: str | None = None
    above: bool = False  # adopted, and remembered as one who meets a rule further on already (ABOVE)
    followed: bool = False  # whether the path was followed: else the track stays as it was, and is only spoken of
    turns: list[datetime] = field(default_factory=list)

    def turns_at(self, at: datetime) -> None:
        """Something that was just said of this person turns at this instant, if nothing happens until then. Whoever
        compares with `as_of` says so here, and the person is looked at again; an instant that is past is no matter."""
        self.turns.append(at)

    @property
    def rules_changed(self) -> bool:
        """Whether the agreement is another one than at the last look. Whoever was never looked at has no rules that
        changed: a first look is no new fact for the adopted."""
        return self.before.fingerprint not in ("", self.fingerprint)

    @property
    def first(self) -> bool:
        """Whether a new person is evaluated for the first time, which is a new fact."""
        return self.before.evaluated_at is None and not self.track.adopted

    def move(self, to: str | None, cause: str, because: str, at: datetime | None = None) -> None:
        """Go to a stage now (or when somebody else put the person there), stamping what is passed."""
        before, at = self.track.stage, at or self.as_of
        passed = self.stages.between(before, to) if to else ()
        entered = {**self.track.entered, **dict.fromkeys(passed, at)}
        only_passed = (set(self.track.passed_through) | (set(passed) - set(self.track.entered))) - {to}
        if to:
            entered[to] = at
        self.track = replace(
            self.track,
            stage=to,
            furthest=self.stages.further(self.track.furthest, to),
            entered=entered,
            passed_through=tuple(stage.name for stage in self.stages.main if stage.name in only_passed),
            stage_since=at,
            cause=cause,
            lowered={},
        )
        self.moves.append(Move("stage", before, to, cause, because, passed, self.track.id))
        self.cause, self.reason = cause, because

    def set_status(self, status: str | None, cause: str, because: str) -> None:
        """Take a lead status, by a rule or because a person set it."""
        if status != self.track.status:
            self.moves.append(Move("status", self.track.status, status, cause, because, (), self.track.id))
            self.track = replace(self.track, status=status)
            self.cause, self.reason = self.cause or cause, self.reason or because

    def answer(self, at: datetime) -> None:
        """Sales answered the hand-off on the record itself; the first answer counts."""
        since = self.track.handed_over_at
        if self.track.handed_over and self.track.answered_at is None and (since is None or at >= since):
            self.track = replace(self.track, answered_at=at)

    def end_cycle(self, at: datetime | None = None) -> None:
        """Sales is done with this hand-off: only what is newer brings the person back."""
        self.track = replace(self.track, handed_over=False, left_at=at or self.as_of)

    def edit(self, name: str) -> Edit | None:
        """What somebody else did to a field since we last wrote it."""
        return self.person.edits.get(name)

    # -- what is news (A12, G15) -----------------------------------------------------------------------------

    def is_news(self, signal: Signal) -> bool:
        """Whether the track does not answer to this signal yet, and it is newer than whatever set the track."""
        if not self.is_ours(signal):
            return False
        evaluated_at = self.before.evaluated_at
        return evaluated_at is None or signal.seen > self.before.used or signal.at > evaluated_at

    def is_ours(self, signal: Signal) -> bool:
        """Whether this signal is newer than whatever set the track: a person's edit, the end of a cycle, or, for the
        adopted, the go-live. Before that it was not ours to answer, and no changed rule makes it so."""
        track = self.track
        if track.edited_at and signal.at <= track.edited_at:
            return False
        if track.left_at and signal.at <= track.left_at:
            return False
        return not (track.adopted and signal.at <= self.lived_until)

    def is_new_at(self, at: datetime | None) -> bool:
        """Whether a dated fact is newer than a person's edit, and than the go-live of an adopted person. People type
        dates that lie ahead: such a fact counts from its day on, or at once where the last look did not meet it yet."""
        floors = [self.track.edited_at, self.lived_until if self.track.adopted else None]
        floor = max((each for each in floors if each), default=None)
        if floor is None or at is None or at <= floor:
            return floor is None
        if at > self.as_of and not self._came_after(floor):
            self.turns_at(at)
            return False
        return True

    def _came_after(self, floor: datetime) -> bool:
        """Whether a deal that is closed by now, on a day that lies ahead, was not so at a look after this instant."""
        looked_at, marks = self.before.evaluated_at, self.before.facts.rstrip(ABOVE + BELOW)
        return looked_at is not None and looked_at >= floor and not marks.endswith(AHEAD)

    @property
    def lived_until(self) -> datetime:
        """Until when an adopted person's history is taken as given."""
        if self.go_live == ALWAYS and self.before.evaluated_at is None:
            return self.as_of
        return self.go_live

    @property
    def wait_over(self) -> bool:
        """Whether a wait ended since the last evaluation."""
        until, evaluated_at = self.track.wait_until, self.before.evaluated_at
        return until is not None and until <= self.as_of and (evaluated_at is None or evaluated_at < until)

    @property
    def fields_changed(self) -> bool:
        """Whether a scored or required field changed since the last evaluation, and not in the run of an edit. A rule
        that asks for another field changes nothing about the person."""
        known = self.before.facts.rstrip(ABOVE + BELOW + AHEAD)
        edited_now = self.track.edited_at != self.before.edited_at
        same_question = known[:QUESTION] == self.facts.digest[:QUESTION]
        return bool(known) and same_question and not edited_now and known != self.facts.digest
