"""Goals set beside what became of them: what held in a period, what was reached by now, and at which pace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from connector.agreement import Agreement
from connector.agreement.goals import correction_in, held
from connector.agreement.metrics import HAND_OFFS, known
from connector.agreement.periods import Period, period_of
from connector.agreement.terms import Correction, Goal
from connector.decide.calendar import BusinessHours
from connector.ledger.handoffs import HandOff
from connector.report.entries import Log
from connector.report.reckoning import Reckoning, Span, closing
from connector.report.sheet import Figure, Setting, count

#: Owners with an instant of each day on which they logged anything.
AtWork = frozenset[tuple[str, datetime]]


@dataclass(frozen=True, slots=True)
class Promise:
    """One goal in one period. `later` is what was learned after the books closed, where it makes a difference."""

    goal: Goal
    label: str
    period: Period
    asked: float
    correction: Correction | None
    reached: Figure
    attained: float | None
    pace: float | None  # reached against what was due by now; None for shares and closed periods
    projected: float | None
    later: float | None
    open: bool


class Books:
    """The two logs of a connection: as they are known now, and as they were known when a period closed."""

    def __init__(
        self,
        setting: Setting,
        log: Log,
        hand_offs: Sequence[HandOff],
        known_by: Callable[[datetime], Sequence[HandOff]] | None = None,
        active: AtWork | None = None,
    ) -> None:
        """`known_by` gives the hand-offs as they were known at an instant; without it nothing was ever learned late."""
        self.setting, self.log, self.now, self.active = setting, log, hand_offs, active
        self._known_by = known_by
        self._as_closed: dict[datetime, Sequence[HandOff]] = {}

    def reckon(self, span: Span, *, late: bool = False, of: Goal | None = None) -> Reckoning:
        """The hand-offs of a span, as known when it closed; `late` takes in what was learned afterwards."""
        known_at = self.setting.as_of if late else closing(span, self.setting.as_of)
        return Reckoning(_of_goal(self._known(known_at), of), span, known_at, self._at_work(span))

    def _at_work(self, span: Span) -> frozenset[str] | None:
        return None if self.active is None else frozenset(owner for owner, at in self.active if span.has(at))

    def _known(self, at: datetime) -> Sequence[HandOff]:
        if self._known_by is None or at >= self.setting.as_of:
            return self.now
        if at not in self._as_closed:
            self._as_closed[at] = self._known_by(at)
        return self._as_closed[at]


def _of_goal(hand_offs: Iterable[HandOff], goal: Goal | None) -> list[HandOff]:
    return [
        one
        for one in hand_offs
        if goal is None or (goal.lead_type in (None, one.lead_type) and goal.source in (None, one.source))
    ]


def span_of(period: Period, agreement: Agreement) -> Span:
    """The instants of a period in the business time zone."""
    return Span(period.starts_at(agreement.zone), period.ends_at(agreement.zone))


def promises(books: Books, day: date, owner: str | None = None) -> list[Promise]:
    """Every goal, in the period of its own kind that a day lies in."""
    agreement = books.setting.agreement
    starts = agreement.paper.fiscal_year_starts
    return [
        _promise(books, goal, period_of(day, goal.period, starts))
        for goal in agreement.paper.goals
        if owner in (None, goal.owner)
    ]


def _promise(books: Books, goal: Goal, period: Period) -> Promise:
    agreement, as_of = books.setting.agreement, books.setting.as_of
    span, asked = span_of(period, agreement), held(goal, period)
    reached, later = _reached(books, goal, span), None
    if goal.metric in HAND_OFFS and as_of > closing(span, as_of):
        now = books.reckon(span, late=True, of=goal).figure(goal.metric, reached.key)
        later = None if now.value == reached.value else now.value
    attained = None if reached.value is None or not asked else reached.value / asked
    running = as_of < span.ends
    passed = _passed(period, span, books) if running and reached.unit != "share" else None
    pace = attained / passed if attained is not None and passed else None
    projected = reached.value / passed if reached.value is not None and passed else None
    label = known(agreement.stages)[goal.metric].label
    return Promise(
        goal, label, period, asked, correction_in(goal, period), reached, attained, pace, projected, later, running
    )  # fmt: skip


def _reached(books: Books, goal: Goal, span: Span) -> Figure:
    key = f"goals.{goal.name}"
    if goal.metric in HAND_OFFS:
        return books.reckon(span, of=goal).figure(goal.metric, key)
    until = Span(span.begins, min(span.ends, books.setting.as_of + timedelta(microseconds=1)))
    return count(key, (one.person_id for one in books.log.counted(goal.metric, until, goal.lead_type, goal.source)))


def _passed(period: Period, span: Span, books: Books) -> float | None:
    """The share of the period's business days that is over, today included; None before the first."""
    agreement = books.setting.agreement
    hours = BusinessHours(agreement.calendar, agreement.zone)
    today = books.setting.as_of.astimezone(agreement.zone).date()
    days = [period.begins + timedelta(days=n) for n in range((period.ends - period.begins).days)]
    working = [day for day in days if hours.works_on(day)]
    over = [day for day in working if day <= today]
    return len(over) / len(working) if working and over and span.begins <= books.setting.as_of else None
