"""
Where the follow-up of a hand-off stands: several clocks, never one (domain 4.1).

The lead waits from the signal to the first touch; routing has until somebody owns the person; from then the rep has
until the first attempt and until an answer, and from the first touch until a conversation. Everything here is read
off the track: when each clock began and is due stands there (decide.follow_up).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from connector.model import Track

State = Literal["running", "met", "late", "paused"]

#: The clocks that the rep answers for: of them, the one that runs now is shown on the record.
REP = ("first_attempt", "answer", "conversation")

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """One promise of a hand-off: since when, until when, when it was kept, and how it stands."""

    name: str  # lead_to_touch, owner, first_attempt, answer, conversation, cadence
    start_at: datetime
    due_at: datetime
    done_at: datetime | None
    state: State

    @property
    def is_open(self) -> bool:
        """Whether it still waits to be kept."""
        return self.done_at is None


def clocks(track: Track, as_of: datetime) -> tuple[Clock, ...]:
    """The clocks of the hand-off under way that are agreed and have begun, in the order in which they usually end."""
    if not track.handed_over or track.handed_over_at is None:
        return ()
    rep = track.assigned_at
    told: tuple[tuple[str, datetime | None, datetime | None, datetime | None], ...] = (
        ("owner", track.unowned_at, track.owner_due_at, rep),
        ("first_attempt", rep, track.sla_due_at, track.touched_at),
        ("lead_to_touch", track.triggered_at, track.lead_due_at, track.touched_at),
        ("conversation", track.touched_at, track.conversation_due_at, track.contact_at),
        ("answer", rep, track.answer_due_at, track.decided_at),
        ("cadence", rep, track.cadence_due_at, track.cadence_at),
    )
    return tuple(
        Clock(name, start, due, done, _state(due, done, track.paused_at, as_of))
        for name, start, due, done in told
        if start is not None and due is not None
    )


def _state(due: datetime, done: datetime | None, paused_at: datetime | None, as_of: datetime) -> State:
    """What happens at the due instant is in time, and so is what happens while the clock is paused."""
    waits = paused_at is not None and paused_at <= due
    if done is not None:
        return "met" if done <= due or (waits and paused_at is not None and paused_at <= done) else "late"
    if waits:
        return "paused"
    return "late" if as_of > due else "running"


def clock_now(track: Track, as_of: datetime) -> tuple[datetime | None, str | None]:
    """The rep's clock that runs now: when it is due, and how it stands.

    First the first attempt, then, where agreed, the answer or the conversation, whichever is due sooner; once all are
    kept, the last of them, "late" if any was. "no_owner" until the person has one; nothing outside a hand-off or where
    no follow-up time is agreed.
    """
    if not track.handed_over or track.handed_over_at is None or track.sla_class is None:
        return None, None
    mine = [each for each in clocks(track, as_of) if each.name in REP]
    if track.assigned_at is None and track.touched_at is None:
        return None, "no_owner"
    if not mine:
        return None, "met" if track.assigned_at is None else None
    waiting = [each for each in mine if each.is_open]
    if waiting:
        now = min(waiting, key=lambda each: each.due_at)
        return now.due_at, now.state
    last = max(mine, key=lambda each: each.due_at)
    return last.due_at, "late" if any(each.state == "late" for each in mine) else "met"


def paused_for(track: Track, as_of: datetime) -> timedelta:
    """For how long the clocks of this hand-off have stood still."""
    paused = timedelta(seconds=track.paused_seconds)
    return paused + (as_of - track.paused_at) if track.paused_at is not None else paused


def runs_out_at(track: Track, as_of: datetime) -> datetime | None:
    """When the next of the running clocks is over: the first instant that is too late."""
    return soonest(each.due_at + _TICK for each in clocks(track, as_of) if each.state == "running")


def soonest(instants: Iterable[datetime]) -> datetime | None:
    """The earliest of some instants."""
    return min(instants, default=None)
