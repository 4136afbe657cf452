"""
Hand-offs that were only observed, beside what people really did: the case for going live, or against it.

Each hand-off that would have been made is set against what happened since: an attempt in time, later, or not yet. Who
was being worked already is told apart, since the connector would have told nobody anything new. Where nobody logged
any activity in the whole period, nothing can be said of anybody's speed, and nothing is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from connector.agreement import Agreement
from connector.agreement.terms import FastTrack
from connector.agreement.words import label_of
from connector.decide.attempts import AttemptCounter
from connector.ledger.observing import Observed
from connector.model import Deal, Person, page_at
from connector.report.numbers import MOST_IDS, Named, Naming
from connector.wording import people

#: Sales was at it already when there was an attempt or a contact within this time before, or an open deal.
WORKED_WITHIN = timedelta(days=30)

Ending = Literal["in time", "later", "never", "waiting", "no clock", "gone", "not measurable"]
ENDINGS: tuple[Ending, ...] = ("in time", "later", "never", "waiting", "no clock", "gone", "not measurable")


@dataclass(frozen=True, slots=True)
class HandOff:
    """One hand-off that would have been made, and what came of the person."""

    person_id: str
    at: datetime
    cause: str
    reason: str
    owner_id: str | None
    due_at: datetime | None
    ending: Ending
    first_attempt_at: datetime | None
    worked_before: bool
    deal_since: datetime | None
    stage: str | None  # in the CRM, now
    status: str | None


@dataclass(frozen=True, slots=True)
class ByCause:
    """How the hand-offs of one cause went."""

    cause: str
    label: str
    hand_offs: int
    endings: Mapping[str, int]
    worked_before: int
    deals_since: int


@dataclass(frozen=True, slots=True)
class Observations:
    """What would have been, beside what was."""

    connection: str
    account: str
    since: datetime
    as_of: datetime
    agreement: str
    fingerprint: str
    contact_page: str
    count: int
    endings: Mapping[str, int]
    worked_before: int
    deals_since: int
    by_cause: tuple[ByCause, ...]
    hand_offs: tuple[HandOff, ...]  # the newest, at most MOST_IDS
    unnoticed_deals: Named  # people with a deal opened in the period whom we would not have handed over before it
    measurable: bool
    due_dates: bool  # whether any of them had a due date at all
    #: Whose records are of another form than the usual one (model.page_at); for addresses only.
    forms: Mapping[str, str] = field(default_factory=dict, metadata={"untold": True})

    @property
    def days(self) -> float:
        """The length of the period."""
        return (self.as_of - self.since).total_seconds() / 86400

    def page_of(self, id: str) -> str:
        """Where a person opens this contact; "" where that is not known."""
        return page_at(self.contact_page, id, self.forms.get(id, ""))


def observations(
    noted: Sequence[Observed],
    everybody: Iterable[Person],
    agreement: Agreement,
    *,
    since: datetime,
    as_of: datetime,
    connection: str = "",
    account: str = "",
    contact_page: str = "",
) -> Observations:
    """Compute it; `everybody` is gone through once, whoever of it was observed is kept."""
    within = [one for one in noted if since <= one.at <= as_of]
    wanted = {one.person_id: one.at for one in reversed(within)}  # the earliest counts
    people: dict[str, Person] = {}
    unnoticed = Naming()
    kinds = agreement.attempts.kinds
    logged = False
    forms: dict[str, str] = {}
    for person in everybody:
        if person.form:
            forms[person.id] = person.form
        logged = logged or any(
            activity.kind in kinds and since <= activity.at <= as_of for activity in person.activities
        )
        first = wanted.get(person.id)
        if first is not None:
            people[person.id] = person
        opened = _first_deal(person.deals, since, as_of)
        if opened is not None and (first is None or opened < first):
            unnoticed.add(person.id)
    reader = _Reader(agreement, as_of, measurable=logged)
    found = [reader.hand_off(one, people.get(one.person_id)) for one in within]
    found.sort(key=lambda one: (one.at, one.person_id), reverse=True)
    return Observations(
        connection=connection,
        account=account,
        since=since,
        as_of=as_of,
        agreement=agreement.version,
        fingerprint=agreement.fingerprint,
        contact_page=contact_page,
        forms=forms,
        count=len(found),
        endings=_endings(found),
        worked_before=sum(one.worked_before for one in found),
        deals_since=sum(one.deal_since is not None for one in found),
        by_cause=_by_cause(found, agreement),
        hand_offs=tuple(found[:MOST_IDS]),
        unnoticed_deals=unnoticed.named(),
        measurable=logged,
        due_dates=any(one.due_at for one in found),
    )


def _first_deal(deals: Sequence[Deal], after: datetime, until: datetime) -> datetime | None:
    opened = [deal.opened_at for deal in deals if deal.counted and deal.opened_at and after < deal.opened_at <= until]
    return min(opened, default=None)


class _Reader:
    """Sets one hand-off against one person."""

    def __init__(self, agreement: Agreement, as_of: datetime, *, measurable: bool) -> None:
        self._counter = AttemptCounter(agreement.attempts)
        self._as_of = as_of
        self._measurable = measurable

    def hand_off(self, one: Observed, person: Person | None) -> HandOff:
        tried = None if person is None else self._counter.since(person, one.at, self._as_of).touched_at
        return HandOff(
            one.person_id,
            one.at,
            one.cause,
            one.reason,
            one.owner_id,
            one.due_at,
            "gone" if person is None else self._ending(one.due_at, tried),
            tried,
            person is not None and self._worked(person, one.at),
            None if person is None else _first_deal(person.deals, one.at, self._as_of),
            None if person is None else person.stage or person.unmapped.get("stage"),
            None if person is None else person.status or person.unmapped.get("status"),
        )

    def _ending(self, due_at: datetime | None, tried: datetime | None) -> Ending:
        if not self._measurable:
            return "not measurable"
        if due_at is None:
            return "no clock"  # nobody owned the person, so nobody was late
        if tried is not None:
            return "in time" if tried <= due_at else "later"
        return "waiting" if self._as_of <= due_at else "never"

    def _worked(self, person: Person, at: datetime) -> bool:
        moment = at - timedelta(microseconds=1)  # what came of the hand-off is no reason for it
        if self._counter.since(person, at - WORKED_WITHIN, moment).touched_at is not None:
            return True
        return any(
            deal.counted
            and deal.opened_at is not None
            and deal.opened_at <= at
            and (deal.state in ("open", "on_hold") or (deal.closed_at is not None and deal.closed_at > at))
            for deal in person.deals
        )


def _endings(found: Sequence[HandOff]) -> dict[str, int]:
    counts = Counter(one.ending for one in found)
    return {ending: counts[ending] for ending in ENDINGS if counts[ending]}


def _by_cause(found: Sequence[HandOff], agreement: Agreement) -> tuple[ByCause, ...]:
    causes: dict[str, list[HandOff]] = {}
    for one in found:
        causes.setdefault(one.cause, []).append(one)
    rows = [
        ByCause(
            cause,
            cause_label(cause, agreement),
            len(those),
            _endings(those),
            sum(one.worked_before for one in those),
            sum(one.deal_since is not None for one in those),
        )
        for cause, those in causes.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.hand_offs, row.cause)))


def cause_label(cause: str, agreement: Agreement) -> str:
    """A cause as people say it: the rule of a stage, the signal of a fast track."""
    kind, _, rest = cause.partition(".")
    name = rest.split(".", 1)[0]
    if kind == "stages":
        return next((f"score and rule of {stage.label}" for stage in agreement.stages if stage.name == name), cause)
    if kind == "fast_track":
        return next((_asked(track, agreement) for track in agreement.fast_tracks if track.name == name), cause)
    return label_of(cause) or "no rule named"


def _asked(track: FastTrack, agreement: Agreement) -> str:
    kind = agreement.signals.get(track.signal)
    return f"{kind.label if kind else label_of(track.signal)} (fast track)"


def headlines(one: Observations) -> list[str]:
    """The summary, in sentences."""
    if not one.count:
        return ["Nobody would have been handed over in this time.", *_deals(one)]
    a_day = one.count / max(one.days, 1.0)
    said = [f"Would have handed over {a_day:,.1f} a day: {one.count:,} in {one.days:,.0f} days."]
    said.append(_speed(one))
    if one.worked_before:
        said.append(f"{one.worked_before:,} of them were already being worked: an attempt shortly before, or a deal.")
    if one.deals_since:
        said.append(f"{one.deals_since:,} of them got a deal afterwards.")
    return [*said, *_deals(one)]


def _speed(one: Observations) -> str:
    if not one.measurable:
        return "How quickly people were called is not measurable: no call, e-mail or meeting is logged in this time."
    due = sum(one.endings.get(name, 0) for name in ("in time", "later", "never"))
    parts = [f"{one.endings.get(name, 0):,} {said}" for name, said in (("later", "later"), ("never", "never so far"))]
    said = f"Sales called {one.endings.get('in time', 0):,} of {due:,} in time, {', '.join(parts)}."
    if waiting := one.endings.get("waiting"):
        said += f" {waiting:,} still have time."
    if free := one.endings.get("no clock"):
        said += f" {free:,} had no owner, so no clock ran for them."
    if gone := one.endings.get("gone"):
        said += f" {gone:,} are gone from the CRM."
    return said


def _deals(one: Observations) -> list[str]:
    number = one.unnoticed_deals.count
    if not number:
        return []
    return [f"{people(number)} got a deal in this time without the agreement noticing first."]
