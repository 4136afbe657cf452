"""What counts as following up, and by when it is promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Literal
from zoneinfo import ZoneInfo


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
