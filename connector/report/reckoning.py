"""
Hand-offs reckoned: what the log of hand-offs says of a stretch of time, metric by metric (connector.agreement.metrics).

Which hand-offs count: the follow-up by the day on which it was due, endings by the day they ended, everything else by
the day of the hand-off. What was known when the period closed is one reckoning, what is known now another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from connector.ledger.handoffs import MERGED, TURNED_DOWN, UNDONE, HandOff
from connector.report.numbers import MOST_IDS, Named
from connector.report.sheet import Figure, count, share_of

#: A period's books close so long after its end: what is learned later is told apart.
CLOSES_AFTER = timedelta(days=1)

State = Literal["met", "late", "running", "paused", "no_owner", "ended", "not_measurable", "no_sla"]
STATES: tuple[State, ...] = ("met", "late", "running", "paused", "no_owner", "not_measurable", "ended")


@dataclass(frozen=True, slots=True)
class Span:
    """From an instant to another, which is no part of it."""

    begins: datetime
    ends: datetime

    def has(self, at: datetime | None) -> bool:
        """Whether an instant lies in it."""
        return at is not None and self.begins <= at < self.ends


def closing(span: Span, as_of: datetime) -> datetime:
    """Up to when the books of a span take in what is learned; now, while it is open."""
    return min(as_of, span.ends + CLOSES_AFTER)


class Reckoning:
    """The hand-offs that count in one span, as they were known at one instant."""

    def __init__(
        self,
        hand_offs: Iterable[HandOff],
        span: Span,
        known_at: datetime,
        active: frozenset[str] | None = None,
    ) -> None:
        """`active`: the owners who logged anything in the span; None where nobody asked, and all count as active."""
        every = [one for one in hand_offs if one.handed_over_at <= known_at]
        self._known_at = known_at
        self._active = None if active is None else active | _at_work(every, span)
        self.begun = [one for one in every if span.has(one.handed_over_at)]
        self.ended = [one for one in every if span.has(one.ended_at)]
        self.due = [one for one in every if one.sla_class and span.has(one.due_at or one.handed_over_at)]
        self._states = {one.key: self.state(one) for one in self.due}
        self._made: Mapping[str, Callable[[str], Figure]] = {
            "hand_offs": lambda key: _people(key, self.begun),
            "acceptance_rate": lambda key: _share(key, self._accepted(), self._decided()),
            "completeness": lambda key: _share(key, [one for one in self.begun if one.complete], self.begun),
            "first_attempt_in_time": lambda key: _share(key, self.of("met"), [*self.of("met"), *self.of("late")]),
            "decided_rate": lambda key: _share(key, *self._decided_of_due()),
            "answer_in_time": lambda key: _share(key, *self._answered()),
            "reason_given": lambda key: _share(key, self.with_reason(), self.turned_down()),
            "connect_rate": lambda key: _share(key, [one for one in self._tried() if one.contact_at], self._tried()),
            "never_worked": lambda key: _people(key, self.never_worked()),
            "returned": lambda key: _people(key, [one for one in self.ended if one.outcome == "returned"]),
            "rejected": lambda key: _people(key, [one for one in self.ended if one.outcome == "rejected"]),
            "routing_hours": lambda key: _hours(key, self.begun, routing),
            "speed_to_lead": lambda key: _hours(key, self.begun, speed),
            "sla_hours": lambda key: _hours(key, self.begun, own_time),
            "wasted_attempts": self._wasted,
        }  # fmt: skip

    def figure(self, metric: str, key: str = "") -> Figure:
        """One metric of the log of hand-offs."""
        return self._made[metric](key or metric)

    def of(self, state: State) -> list[HandOff]:
        """The follow-ups in one state."""
        return [one for one in self.due if self._states[one.key] == state]

    def states(self, key: str) -> dict[State, Figure]:
        """How many follow-ups are in each state."""
        return {state: _people(f"{key}.{state}", self.of(state)) for state in STATES}

    def state(self, one: HandOff) -> State:
        """Where a follow-up stood when this was known. At the due instant is in time."""
        touched = one.touched_at
        if one.sla_class is None:
            return "no_sla"
        if one.assigned_at is None or one.due_at is None:
            return "met" if touched else "ended" if one.ended_at else "no_owner"
        if touched is not None:
            waited = one.paused_at is not None and one.paused_at <= min(one.due_at, touched)
            return "met" if touched <= one.due_at or waited else "late"
        if one.ended_at is not None and one.ended_at <= one.due_at:
            return "ended"
        if one.paused_at is not None and one.paused_at <= one.due_at:
            return "paused"
        if self._known_at <= one.due_at:
            return "running"
        idle = self._active is not None and one.owner_id not in self._active
        return "not_measurable" if idle else "late"

    def turned_down(self) -> list[HandOff]:
        """Returned or rejected."""
        return [one for one in self.ended if one.outcome in TURNED_DOWN]

    def with_reason(self) -> list[HandOff]:
        """Of those, the ones that say why."""
        return [one for one in self.turned_down() if one.rejection]

    def never_worked(self) -> list[HandOff]:
        """Ended without anybody having done anything; what nobody can measure is not counted against anybody."""
        return [
            one
            for one in self.ended
            if not one.worked
            and one.outcome not in (*TURNED_DOWN, MERGED, UNDONE)
            and (self._active is None or one.owner_id is None or one.owner_id in self._active)
        ]

    def _accepted(self) -> list[HandOff]:
        return [one for one in self.begun if one.accepted_at is not None]

    def _decided(self) -> list[HandOff]:
        return [one for one in self.begun if one.decided]

    def _decided_of_due(self) -> tuple[list[HandOff], list[HandOff]]:
        over = [one for one in self.due if self._states[one.key] in ("met", "late")]
        return [one for one in over if one.decided], over

    def _answered(self) -> tuple[list[HandOff], list[HandOff]]:
        """Answers by their due time, of those that were given or are overdue; nobody waits for what ended before."""
        over: list[HandOff] = []
        in_time: list[HandOff] = []
        for one in self.begun:
            if (due := one.answer_due_at) is None:
                continue
            if one.decided_at is not None or _open_until(one, self._known_at) > due:
                over.append(one)
            if one.decided_at is not None and one.decided_at <= due:
                in_time.append(one)
        return in_time, over

    def _tried(self) -> list[HandOff]:
        return [one for one in self.begun if one.attempts or one.contact_at]

    def _wasted(self, key: str) -> Figure:
        those = [one for one in self.begun if one.excluded and one.attempts]
        return Figure(key, sum(one.attempts for one in those), _people(key, those).people, "number")

    # -- rows of their own -------------------------------------------------------------------------------------------

    def by_reason(self, key: str) -> list[tuple[str, Figure]]:
        """How many were turned down for each reason; no reason is a row of its own."""
        groups: dict[str, list[HandOff]] = {}
        for one in self.turned_down():
            groups.setdefault(one.rejection or "", []).append(one)
        ranked = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
        return [(reason, _people(f"{key}.{reason or 'no_reason'}", those)) for reason, those in ranked]

    def by(self, what: Callable[[HandOff], str], key: str) -> list[tuple[str, Figure, Figure, Figure, Figure]]:
        """Hand-offs of the span by rule or source: how many, accepted, turned down, undecided."""
        groups: dict[str, list[HandOff]] = {}
        for one in self.begun:
            groups.setdefault(what(one), []).append(one)
        return [
            (
                name,
                _people(f"{key}.{name}", those),
                _people(f"{key}.{name}.accepted", [one for one in those if one.accepted_at]),
                _people(f"{key}.{name}.turned_down", [one for one in those if one.decided and not one.accepted_at]),
                _people(f"{key}.{name}.undecided", [one for one in those if not one.decided]),
            )
            for name, those in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
        ]


def _open_until(one: HandOff, known_at: datetime) -> datetime:
    """Until when somebody could wait for sales."""
    return known_at if one.ended_at is None else min(known_at, one.ended_at)


def _at_work(hand_offs: Sequence[HandOff], span: Span) -> frozenset[str]:
    return frozenset(one.owner_id for one in hand_offs if one.owner_id and span.has(one.touched_at))


def routing(one: HandOff) -> timedelta | None:
    """From being nobody's to having an owner."""
    return None if one.assigned_at is None else one.assigned_at - (one.unowned_at or one.handed_over_at)


def speed(one: HandOff) -> timedelta | None:
    """From the signal to the first attempt, as the person lives it."""
    started = one.triggered_at or one.handed_over_at
    return None if one.first_attempt_at is None else one.first_attempt_at - started


def own_time(one: HandOff) -> timedelta | None:
    """From having an owner to the first attempt, as the owner lives it."""
    if one.first_attempt_at is None or one.assigned_at is None:
        return None
    return max(timedelta(0), one.first_attempt_at - one.assigned_at)


def to_decide(one: HandOff) -> timedelta | None:
    """From the hand-off to the yes of sales."""
    return None if one.accepted_at is None else one.accepted_at - one.handed_over_at


def quantile(values: Sequence[float], part: float) -> float | None:
    """The smallest value that this part of all does not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * int(part * 100) // 100) - 1)] if ranked else None


def spans(those: Iterable[HandOff], of: Callable[[HandOff], timedelta | None]) -> list[float]:
    """Hours, where they are known."""
    return [span.total_seconds() / 3600 for one in those if (span := of(one)) is not None]


def _hours(key: str, those: Sequence[HandOff], of: Callable[[HandOff], timedelta | None], part: float = 0.5) -> Figure:
    known = [one for one in those if of(one) is not None]
    return Figure(key, quantile(spans(known, of), part), _people(key, known).people, "hours")


def quantiles(key: str, those: Sequence[HandOff], of: Callable[[HandOff], timedelta | None]) -> tuple[Figure, Figure]:
    """Median and 90th percentile in hours."""
    return _hours(f"{key}.median", those, of), _hours(f"{key}.p90", those, of, 0.9)


def _people(key: str, those: Sequence[HandOff]) -> Figure:
    return count(key, (one.person_id for one in those))


def _share(key: str, part: Sequence[HandOff], whole: Sequence[HandOff]) -> Figure:
    return share_of(key, (one.person_id for one in part), len(whole))


def named(those: Iterable[HandOff]) -> Named:
    """The people of these hand-offs."""
    ids = tuple(one.person_id for one in those)
    return Named(len(ids), ids[:MOST_IDS])
