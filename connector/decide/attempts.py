"""Connect attempts since a hand-off: how many, when the first, and whether somebody was reached (domain 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from connector.agreement.terms import Attempts, Cadence, Touch
from connector.decide.calendar import local_days
from connector.model import Activity, Person

_UTC = ZoneInfo("UTC")

#: A CRM says which sequence sent a step, not which enrolment: after so long a silence it is another one.
_ANOTHER_ENROLMENT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Tried:
    """What sales has done since `since`; `advancing` leaves out attempts whose outcome nobody can name.

    `count` is of those whose attempts count today, `first_at` of everybody whose the hand-off has been: a new owner
    undoes no first attempt (case 49).
    """

    count: int = 0
    advancing: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    contact_at: datetime | None = None
    unmapped: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    cadence_at: datetime | None = None  # when all of the agreed sequence was done

    @property
    def touched_at(self) -> datetime | None:
        """When the follow-up happened: the first attempt, or the person's own contact before it."""
        times = [at for at in (self.first_at, self.contact_at) if at]
        return min(times, default=None)

    def goes_on_after(self, moment: datetime) -> bool:
        """Whether anything of it happened later."""
        return any(at > moment for at in (self.last_at, self.contact_at) if at)


NOTHING_TRIED = Tried()


@dataclass(slots=True)
class _Tally:
    """The attempts of some owners, in order; dials closer than the gap are one."""

    gap: timedelta
    last_at: datetime | None = None
    first_at: datetime | None = None
    count: int = 0
    advancing: int = 0
    once: set[str] = field(default_factory=set)

    def add(self, activity: Activity, touch: Touch, *, unknown: bool) -> bool:
        """Whether this is one more attempt."""
        if touch.once and touch.name in self.once:
            return False
        self.once.add(touch.name)
        if self.last_at is not None and activity.at - self.last_at < self.gap:
            return False
        self.first_at = self.first_at or activity.at
        self.last_at = activity.at
        self.count += 1
        self.advancing += not unknown
        return True


@dataclass(slots=True)
class _Progress:
    """How much of the cadence is done. A channel counts even where its touch is one attempt with another one's."""

    cadence: Cadence
    days: set[date] = field(default_factory=set)
    channels: Counter[str] = field(default_factory=Counter)
    last_on: dict[str, datetime] = field(default_factory=dict)

    def add(self, activity: Activity, channel: str, day: date, gap: timedelta) -> None:
        """One more touch."""
        last = self.last_on.get(channel)
        if last is not None and activity.at - last < gap:
            return
        self.last_on[channel] = activity.at
        self.channels[channel] += 1
        self.days.add(day)

    def is_done(self, attempts: int) -> bool:
        """Whether nothing of it is left to do."""
        asked = self.cadence
        return (
            attempts >= asked.attempts_at_least
            and len(self.days) >= asked.distinct_days_at_least
            and len(self.channels) >= asked.channels_at_least
            and all(self.channels[name] >= least for name, least in asked.each_channel_at_least.items())
        )


class AttemptCounter:
    """Counts by the agreement's definition of an attempt and of a contact; `teams` tells who works with whom."""

    def __init__(
        self, attempts: Attempts, teams: Mapping[str, frozenset[str]] | None = None, zone: ZoneInfo = _UTC
    ) -> None:
        self._counts, self._connects = attempts.counts, attempts.connects
        self._gap = timedelta(minutes=attempts.gap_minutes)
        self._by, self._sequences, self._cadence = attempts.by, attempts.sequences, attempts.cadence
        self._teams = teams or {}
        self._day = local_days(zone)

    def since(self, person: Person, since: datetime, as_of: datetime, owners: Sequence[str] = ()) -> Tried:
        """Attempts and contacts after `since`, up to `as_of`; `owners` are all whose the hand-off has been."""
        if not person.activities:
            return NOTHING_TRIED
        now = self._colleagues([person.owner_id] if person.owner_id else owners)
        ever = self._colleagues({*owners, *([person.owner_id] if person.owner_id else [])})
        steps = _first_steps(person.activities)
        today, before = _Tally(self._gap), _Tally(self._gap)
        progress = _Progress(self._cadence) if self._cadence else None
        found = Tried()
        for activity in _between(person.activities, since, as_of):
            if found.contact_at is None and any(_matches(touch, activity) for touch in self._connects):
                found = replace(found, contact_at=activity.at)
            unknown = bool(activity.outcome and activity.outcome.startswith("unmapped:"))
            touch = self._touch(activity, steps, unknown=unknown)
            if touch is None or not self._is_by(activity, ever):
                continue
            if unknown and activity.outcome:
                found = replace(found, unmapped=(*found.unmapped, activity.outcome))
            if touch.warns and (said := _said(touch)) not in found.warns:
                found = replace(found, warns=(*found.warns, said))
            before.add(activity, touch, unknown=unknown)
            if progress and not found.cadence_at:
                progress.add(activity, touch.channel, self._day(activity.at), self._gap)
                if progress.is_done(before.count):
                    found = replace(found, cadence_at=activity.at)
            if self._is_by(activity, now):
                today.add(activity, touch, unknown=unknown)
        return replace(
            found, count=today.count, advancing=today.advancing, first_at=before.first_at, last_at=before.last_at
        )

    def _touch(self, activity: Activity, first_steps: Collection[str], *, unknown: bool) -> Touch | None:
        """What kind of attempt this is: the first line that fits. An outcome without a name fits any line that speaks
        of outcomes, except those that say what went wrong."""
        for touch in self._counts:
            if not _matches(touch, activity, any_outcome=unknown and not (touch.once or touch.warns)):
                continue
            if activity.sequence is None or touch.automation or self._sequences == "all_steps":
                return touch
            return touch if self._sequences == "first_step" and activity.id in first_steps else None
        return None

    def _colleagues(self, owners: Iterable[str]) -> frozenset[str] | None:
        """Whose attempts count for these owners; None for everybody's."""
        if self._by == "anyone":
            return None
        mine = frozenset(owners)
        if self._by == "owner":
            return mine
        teams = frozenset().union(*(self._teams.get(each, frozenset()) for each in mine))
        return mine | {owner for owner, theirs in self._teams.items() if teams & theirs}

    @staticmethod
    def _is_by(activity: Activity, owners: frozenset[str] | None) -> bool:
        return owners is None or activity.owner_id in owners


def _between(activities: Iterable[Activity], since: datetime, as_of: datetime) -> list[Activity]:
    return sorted((each for each in activities if since <= each.at <= as_of), key=lambda each: (each.at, each.id))


def _first_steps(activities: Iterable[Activity]) -> frozenset[str]:
    """The steps with which somebody began a sequence; all later ones went out by themselves."""
    last: dict[str, datetime] = {}
    first: set[str] = set()
    for step in sorted((each for each in activities if each.sequence), key=lambda each: (each.at, each.id)):
        name = step.sequence or ""
        if name not in last or step.at - last[name] > _ANOTHER_ENROLMENT:
            first.add(step.id)
        last[name] = step.at
    return frozenset(first)


def _said(touch: Touch) -> str:
    return f"{touch.warns}: {touch.name.replace('_', ' ')}"


def _matches(touch: Touch, activity: Activity, *, any_outcome: bool = False) -> bool:
    return (
        activity.kind == touch.kind
        and (touch.direction is None or activity.direction == touch.direction)
        and (not touch.outcomes or any_outcome or activity.outcome in touch.outcomes)
        and activity.outcome not in touch.unless
        and (activity.duration_s or 0.0) >= touch.seconds_at_least
        and (activity.actor != "automation" or touch.automation)
    )
