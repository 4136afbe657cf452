"""Connect attempts since a hand-off: how many, when the first, and whether somebody was reached (domain 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.agreement.terms import Attempts, Touch
from connector.model import Activity, Person


@dataclass(frozen=True, slots=True)
class Tried:
    """What sales has done since `since`; `advancing` leaves out attempts whose outcome nobody can name."""

    count: int = 0
    advancing: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    contact_at: datetime | None = None
    unmapped: tuple[str, ...] = ()

    @property
    def touched_at(self) -> datetime | None:
        """When the follow-up happened: the first attempt, or the person's own contact before it."""
        times = [at for at in (self.first_at, self.contact_at) if at]
        return min(times, default=None)


NOTHING_TRIED = Tried()


class AttemptCounter:
    """Counts by the agreement's definition of an attempt and of a contact."""

    def __init__(self, attempts: Attempts) -> None:
        self._counts, self._connects = attempts.counts, attempts.connects
        self._gap = timedelta(minutes=attempts.gap_minutes)
        self._owner_only = attempts.by == "owner"

    def since(self, person: Person, since: datetime, as_of: datetime) -> Tried:
        """Attempts and contacts after `since`, up to `as_of`; dials closer than the gap are one attempt."""
        counted: list[datetime] = []
        advancing = 0
        contact_at: datetime | None = None
        unmapped: list[str] = []
        for activity in self._between(person.activities, since, as_of):
            if contact_at is None and any(_matches(touch, activity) for touch in self._connects):
                contact_at = activity.at
            unknown = bool(activity.outcome and activity.outcome.startswith("unmapped:"))
            if not self._is_attempt(activity, person, unknown):
                continue
            if unknown and activity.outcome:
                unmapped.append(activity.outcome)
            if counted and activity.at - counted[-1] < self._gap:
                continue
            counted.append(activity.at)
            advancing += not unknown
        first, last = (counted[0], counted[-1]) if counted else (None, None)
        return Tried(len(counted), advancing, first, last, contact_at, tuple(unmapped))

    def next_after(self, person: Person, as_of: datetime) -> datetime | None:
        """When the next activity that the CRM dates ahead, such as a meeting, will count."""
        ahead = [each for each in person.activities if each.at > as_of]
        return min([each.at for each in ahead if self._matters(each, person)], default=None)

    def _matters(self, activity: Activity, person: Person) -> bool:
        unknown = bool(activity.outcome and activity.outcome.startswith("unmapped:"))
        return self._is_attempt(activity, person, unknown) or any(_matches(each, activity) for each in self._connects)

    def _between(self, activities: Sequence[Activity], since: datetime, as_of: datetime) -> list[Activity]:
        return sorted((each for each in activities if since <= each.at <= as_of), key=lambda each: (each.at, each.id))

    def _is_attempt(self, activity: Activity, person: Person, unknown: bool) -> bool:
        if self._owner_only and activity.owner_id != person.owner_id:
            return False
        return any(_matches(touch, activity, any_outcome=unknown) for touch in self._counts)


def _matches(touch: Touch, activity: Activity, *, any_outcome: bool = False) -> bool:
    return (
        activity.kind == touch.kind
        and (touch.direction is None or activity.direction == touch.direction)
        and (not touch.outcomes or any_outcome or activity.outcome in touch.outcomes)
        and activity.outcome not in touch.unless
        and (activity.duration_s or 0.0) >= touch.seconds_at_least
        and (activity.actor != "automation" or touch.automation)
    )
