"""
Following a hand-off up: what sales did since, and the clocks that tell whether it was in time.

Every clock begins with a fact of the track (the signal, the hand-off, an owner, the first touch) and is due at an
instant that is worked out once and kept. While all open deals are on hold the clocks stand still; when it goes on,
each is due after the time that was left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from connector.agreement.terms import Agreement, Sla
from connector.decide.attempts import NOTHING_TRIED, AttemptCounter
from connector.decide.calendar import BusinessHours
from connector.decide.office import Office
from connector.decide.walk import Walk
from connector.model import Track

#: A follow-up of which nothing has happened yet.
_UNTOUCHED = Track("", "")


class _Running(NamedTuple):
    """A clock that may still be moved: the field that holds when it is due, and what it counts."""

    field: str
    start_at: datetime
    due_at: datetime
    all_hours: bool


class FollowUp:
    """The agreement's attempts, SLA and calendars, compiled."""

    def __init__(self, agreement: Agreement, office: Office) -> None:
        self._slas = agreement.slas
        self._counter = AttemptCounter(agreement.attempts, office.teams, agreement.zone)
        self._cadence = agreement.attempts.cadence
        self._teams = office.teams
        self._hours = BusinessHours(agreement.calendar, agreement.zone)
        self._named = {
            name: BusinessHours(calendar, calendar.zone or agreement.zone)
            for name, calendar in agreement.calendars.items()
        }
        self._kept_by = [(frozenset(each.teams), name) for name, each in agreement.calendars.items() if each.teams]

    # -- what sales did ------------------------------------------------------------------------------------------

    def look(self, walk: Walk) -> None:
        """Count what sales did since the hand-off."""
        track = walk.track
        if not track.handed_over or track.handed_over_at is None:
            return
        tried = walk.tried = self._counter.since(walk.person, track.handed_over_at, walk.as_of, track.owners)
        walk.track = replace(
            track,
            attempts=tried.count,
            first_attempt_at=tried.first_at,
            contact_at=tried.contact_at,
            cadence_at=tried.cadence_at,
            touched_at=_earliest(tried.touched_at, track.answered_at),
        )
        walk.warnings += [f"call outcome {outcome.partition(':')[2]} is not mapped" for outcome in tried.unmapped]
        walk.warnings += tried.warns

    # -- the clocks ------------------------------------------------------------------------------------------------

    def begin(self, walk: Walk, sla: str | None, triggered_at: datetime) -> None:
        """A new hand-off: the lead has waited since the signal, routing begins now."""
        as_of, walk.tried = walk.as_of, NOTHING_TRIED
        agreed = self._slas.get(sla or "")
        walk.track = replace(
            walk.track,
            **{name: getattr(_UNTOUCHED, name) for name in _OF_ONE_HAND_OFF},
            handed_over=True,
            handed_over_at=as_of,
            sla_class=sla,
            triggered_at=min(triggered_at, as_of),
            lead_due_at=self._lead_due(walk, agreed, min(triggered_at, as_of)),
            unowned_at=as_of,
            owner_due_at=self._due(walk, agreed, agreed.owner_within_hours if agreed else None, as_of),
            paused_at=as_of if walk.facts.deals.on_hold else None,
        )
        self.look(walk)
        self.keep(walk)

    def keep(self, walk: Walk) -> None:
        """Let the clocks of the hand-off under way follow what is true now."""
        track = walk.track
        if not track.handed_over or track.handed_over_at is None:
            return
        self._pause(walk)
        self._own(walk)
        self._note_decision(walk)
        self._converse(walk)
        if (due := walk.track.owner_due_at) and walk.track.assigned_at is None and due < walk.as_of:
            walk.warnings.append(f"{UNROUTED} {walk.track.unowned_at:%Y-%m-%d %H:%M} UTC, longer than agreed")

    def first_attempt_due(self, walk: Walk) -> datetime | None:
        """When the first attempt would be due if the rep's clock began now."""
        agreed = self._agreed(walk)
        return self._due(walk, agreed, agreed.first_attempt_within_hours if agreed else None, walk.as_of)

    def _own(self, walk: Walk) -> None:
        """The rep's clock begins with an owner, and again with the next one where the owner left before anything was
        done (case 64). Whoever takes a person over takes over the clock, too (case 49)."""
        track, owner = walk.track, walk.person.owner_id
        if owner is None:
            if track.assigned_at is not None and track.touched_at is None:
                agreed = self._agreed(walk)
                due = self._due(walk, agreed, agreed.owner_within_hours if agreed else None, walk.as_of)
                blank: dict[str, Any] = dict.fromkeys(_OF_ONE_OWNER)
                walk.track = replace(track, **blank, unowned_at=walk.as_of, owner_due_at=due)
            return
        if owner not in track.owners:
            track = walk.track = replace(track, owners=(*track.owners, owner))
        if track.assigned_at is None:
            agreed = self._agreed(walk)
            days = self._cadence.within_days if self._cadence else None
            walk.track = replace(
                track,
                assigned_at=walk.as_of,
                sla_due_at=self.first_attempt_due(walk),
                answer_due_at=self._due(walk, agreed, agreed.answer_within_hours if agreed else None, walk.as_of),
                cadence_due_at=walk.as_of + timedelta(days=days) if days else None,
            )

    def _note_decision(self, walk: Walk) -> None:
        """Sales' answer: what somebody set on the record, or a stage beyond the hand-off that facts led to."""
        track, stages = walk.track, walk.stages
        further = [
            at
            for name, at in track.entered.items()
            if track.handed_over_at and at > track.handed_over_at and stages.level(name) > stages.first_handed_over
        ]
        decided_at = _earliest(track.answered_at, *further)
        touched_at = _earliest(walk.tried.touched_at, track.answered_at)
        if (decided_at, touched_at) != (track.decided_at, track.touched_at):
            walk.track = replace(track, decided_at=decided_at, touched_at=touched_at)

    def _converse(self, walk: Walk) -> None:
        """From the first touch on the conversation is awaited. A promise that is new says nothing of an old touch."""
        track, agreed = walk.track, self._agreed(walk)
        hours = agreed.conversation_within_hours if agreed else None
        began = track.touched_at
        if began is None or hours is None:
            due = None
        elif began == walk.before.touched_at:
            return
        else:
            goes_on = walk.before.paused_at if track.paused_at is None else None
            due = self._due(walk, agreed, hours, walk.as_of if goes_on and goes_on <= began else began)
        if due != track.conversation_due_at:
            walk.track = replace(track, conversation_due_at=due)

    # -- on hold ---------------------------------------------------------------------------------------------------

    def _pause(self, walk: Walk) -> None:
        track, on_hold = walk.track, walk.facts.deals.on_hold
        if on_hold and track.paused_at is None:
            walk.track = replace(track, paused_at=walk.as_of)
        elif not on_hold and track.paused_at is not None:
            lasted = (walk.as_of - track.paused_at).total_seconds()
            moved: dict[str, Any] = {
                each.field: self._moved(walk, each, track.paused_at) for each in _running(track, self._agreed(walk))
            }
            walk.track = replace(track, **moved, paused_at=None, paused_seconds=track.paused_seconds + lasted)

    def _moved(self, walk: Walk, clock: _Running, paused_at: datetime) -> datetime:
        """When a clock that stood still is due: after what was left when it stopped."""
        stopped_at = max(paused_at, clock.start_at)
        if clock.all_hours:
            return walk.as_of + (clock.due_at - stopped_at)
        hours = self._hours_of(walk, self._agreed(walk))
        return hours.after(walk.as_of, hours.between(stopped_at, clock.due_at))

    # -- business hours ----------------------------------------------------------------------------------------------

    def _agreed(self, walk: Walk) -> Sla | None:
        return self._slas.get(walk.track.sla_class or "")

    def _due(self, walk: Walk, agreed: Sla | None, hours: float | None, start: datetime) -> datetime | None:
        return None if hours is None else self._hours_of(walk, agreed).due(start, hours)

    def _lead_due(self, walk: Walk, agreed: Sla | None, start: datetime) -> datetime | None:
        if agreed is None or agreed.lead_to_touch_within_hours is None:
            return None
        if agreed.lead_counts == "all_hours":
            return start + timedelta(hours=agreed.lead_to_touch_within_hours)
        return self._due(walk, agreed, agreed.lead_to_touch_within_hours, start)

    def _hours_of(self, walk: Walk, agreed: Sla | None) -> BusinessHours:
        """The calendar that the SLA class names, else that of the owner's team, else everybody's."""
        if agreed is not None and agreed.calendar is not None:
            return self._named[agreed.calendar]
        teams = self._teams.get(walk.person.owner_id or "", frozenset())
        return next((self._named[name] for whose, name in self._kept_by if teams & whose), self._hours)


#: How the warning begins that a person handed over has been nobody's for longer than agreed.
UNROUTED = "no owner since"

#: What begins anew with every hand-off.
_OF_ONE_HAND_OFF = (
    "assigned_at", "answered_at", "sla_due_at", "owners", "attempts", "first_attempt_at", "contact_at", "touched_at",
    "conversation_due_at", "decided_at", "answer_due_at", "cadence_at", "cadence_due_at", "paused_seconds",
)  # fmt: skip

#: What begins anew with an owner after the last one left.
_OF_ONE_OWNER = ("assigned_at", "sla_due_at", "answer_due_at", "cadence_due_at")


def _running(track: Track, agreed: Sla | None) -> Iterator[_Running]:
    """The clocks that ran when the pause began: neither over nor kept by then."""
    paused_at = track.paused_at
    lead_in_all_hours = agreed is None or agreed.lead_counts == "all_hours"
    for name, start, done, all_hours in (
        ("owner_due_at", track.unowned_at, track.assigned_at, False),
        ("lead_due_at", track.triggered_at, track.touched_at, lead_in_all_hours),
        ("sla_due_at", track.assigned_at, track.touched_at, False),
        ("answer_due_at", track.assigned_at, track.decided_at, False),
        ("conversation_due_at", track.touched_at, track.contact_at, False),
        ("cadence_due_at", track.assigned_at, track.cadence_at, True),
    ):
        due: datetime | None = getattr(track, name)
        if start is None or due is None or paused_at is None:
            continue
        if due >= paused_at and (done is None or done >= paused_at):
            yield _Running(name, start, due, all_hours)


def _earliest(*instants: datetime | None) -> datetime | None:
    return min((each for each in instants if each), default=None)
