"""
People who asked for a demo or a trial, and whether anybody answered.

What is a request is what the agreement's fast track listens to; what is an answer is what it counts as an attempt or
a contact. Requests of people whom the agreement excludes even from the fast track (competitors, our own people) are
left out, and their number is told.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.agreement import Agreement
from connector.decide.attempts import AttemptCounter
from connector.decide.facts import Facts
from connector.model import Person
from connector.report.numbers import MOST_IDS, median
from connector.report.standing import Owned, owned_by

WINDOWS = (30, 90, 365)


@dataclass(frozen=True, slots=True)
class Request:
    """One request that nobody answered."""

    person_id: str
    signal: str
    at: datetime
    owner_id: str | None
    owner: Owned
    stage: str | None
    deal_since: bool  # a deal was opened afterwards: somebody may have answered without logging it


@dataclass(frozen=True, slots=True)
class Window:
    """How it went within the last so many days; None: ever."""

    days: int | None
    requests: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class Requests:
    """All requests; `unanswered` names the newest, `windows` counts all of them."""

    signals: tuple[str, ...]  # labels
    windows: tuple[Window, ...] = ()
    unanswered: tuple[Request, ...] = ()
    with_deal_since: int = 0  # of the unanswered
    excluded: int = 0
    median_hours: float | None = None  # to the first attempt, of the answered ones

    @property
    def ever(self) -> Window:
        """All there are."""
        return self.windows[-1]


class Asking:
    """Gathers requests."""

    def __init__(self, agreement: Agreement, owners: frozenset[str], as_of: datetime) -> None:
        kinds = dict.fromkeys(track.signal for track in agreement.fast_tracks)
        self._labels = {kind: agreement.signals[kind].label for kind in kinds}
        self._counter = AttemptCounter(agreement.attempts)
        self._owners = owners
        self._as_of = as_of
        self._days: tuple[int | None, ...] = (*WINDOWS, None)
        self._requests, self._unanswered = [0] * len(self._days), [0] * len(self._days)
        self._newest: list[tuple[datetime, str, int, Request]] = []  # a heap, its oldest on top
        self._hours: list[float] = []
        self._excluded = self._with_deal = self._place = 0

    def add(self, person: Person, facts: Facts) -> None:
        """One more person with all they asked for."""
        found = [signal for signal in facts.heard.signals if signal.kind in self._labels]
        if found and any(each.beats_fast_track for each in facts.exclusions):
            self._excluded += len(found)
            return
        for signal in found:
            tried = self._counter.since(person, signal.at, self._as_of)
            self._count(self._requests, signal.at)
            if tried.touched_at is not None:
                self._hours.append((tried.touched_at - signal.at).total_seconds() / 3600)
                continue
            self._count(self._unanswered, signal.at)
            self._keep(self._request(person, signal.kind, signal.at))

    def _count(self, counts: list[int], at: datetime) -> None:
        for place, days in enumerate(self._days):
            counts[place] += days is None or self._as_of - at <= timedelta(days=days)

    def _request(self, person: Person, kind: str, at: datetime) -> Request:
        owner = person.fields.get("owner_id")
        since = any(deal.opened_at is not None and deal.opened_at >= at for deal in person.deals)
        return Request(
            person.id,
            kind,
            at,
            owner if isinstance(owner, str) else None,
            owned_by(person, self._owners),
            person.stage or person.unmapped.get("stage"),
            since,
        )

    def _keep(self, request: Request) -> None:
        self._with_deal += request.deal_since
        self._place += 1
        heapq.heappush(self._newest, (request.at, request.person_id, self._place, request))
        if len(self._newest) > MOST_IDS:
            heapq.heappop(self._newest)

    def requests(self) -> Requests:
        """All of them, the newest first."""
        windows = [Window(*one) for one in zip(self._days, self._requests, self._unanswered, strict=True)]
        newest = tuple(request for *_, request in sorted(self._newest, reverse=True))
        return Requests(
            tuple(self._labels.values()), tuple(windows), newest, self._with_deal, self._excluded, median(self._hours)
        )
