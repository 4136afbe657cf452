"""
Sweeps: what no incremental read tells is looked at piece by piece, over the day (G3, G9, G10).

After what changed has been read, each run does a piece of every sweep that is behind its pace: a sweep of 24 hours has
compared half of the records after twelve. A piece is committed together with where it stands, so any run takes up
where another stopped; a run gives sweeps at most half of the time since the last one, so they never keep the
incremental read waiting, nor it them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import orjson

from connector import codes
from connector.errors import CrmError, Deferred, Denied
from connector.log import get_logger
from connector.sync.session import Report, Session

#: A run gives a sweep so much time at least, and at most: whoever is due must not wait for it, however long nobody ran.
LEAST, MOST = timedelta(seconds=30), timedelta(minutes=15)

#: Records in the piece of a run at least: a small account is gone through at once.
A_LITTLE = 1000

#: The part of its time after which a sweep is to be through.
IN_TIME = 0.9

log = get_logger("connector.sync")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sweep stands: when and in which run it began, after which record of which kind, what it has done."""

    began_at: datetime
    run: int
    at: datetime  # of the last piece
    size: int | None  # records to go through, as counted at the beginning; None: nobody knows
    kind: str = ""
    after: str = ""
    asking: bool = False  # the list is through; those it did not show are asked after
    done: int = 0  # records
    drift: int = 0

    def to_json(self) -> str:
        """As the ledger keeps it."""
        return orjson.dumps([getattr(self, name) for name in self.__slots__]).decode()

    @classmethod
    def of(cls, kept: str) -> Place:
        """What `to_json` wrote."""
        began_at, run, at, *rest = orjson.loads(kept)
        return cls(datetime.fromisoformat(began_at), run, datetime.fromisoformat(at), *rest)


class Sweep(Protocol):
    """One kind of sweep. `every`: how often everything is looked at (None: never); `most`: pieces in one run;
    `counts_drift`: whether what it finds is drift."""

    @property
    def name(self) -> str: ...
    @property
    def every(self) -> timedelta | None: ...
    @property
    def most(self) -> float: ...
    @property
    def counts_drift(self) -> bool: ...

    def size(self) -> int | None:
        """About how many records it goes through; None where nobody knows before."""

    def pieces(self, place: Place) -> Iterator[Place]:
        """Go on from there; yields where it stands after each piece, which is committed by then."""


class Sweeps:
    """The sweeps of one run."""

    def __init__(self, session: Session, report: Report, kinds: Sequence[str], sweeps: Sequence[Sweep]) -> None:
        self._session = session
        self._report = report
        self._cursors = session.ledger.cursors
        self._kinds = kinds
        self._sweeps = sweeps

    def go_on(self) -> None:
        """A piece of each sweep that is behind. Whatever keeps one from going on is told, and the run goes on: nothing
        of what changed may wait for it. Raises Deferred when the program is to stop, and Denied."""
        if not self._cursors.told(self._kinds):
            return  # the first full read is still to come
        known = self._cursors.sweeps([sweep.name for sweep in self._sweeps])
        for sweep in self._sweeps:
            place = self._place(sweep, *known[sweep.name])
            if sweep.every is None or place is None:
                continue
            try:
                self._work(sweep, sweep.every, place)
            except Denied:
                raise
            except (CrmError, Deferred) as error:
                if self._session.stopping():
                    raise
                self._report.warnings.append(
                    f"the {sweep.name} sweep stopped early, and goes on with the next run: {error}"
                )
                log.warning("sweep stopped early", sweep=sweep.name, code=codes.of(error))

    def _place(self, sweep: Sweep, kept: str | None, last: datetime | None) -> Place | None:
        """Where to go on, or begin; None where it is not time yet."""
        now = self._session.now()
        if kept is not None:
            return Place.of(kept)
        if sweep.every is None or (last is not None and now < last + sweep.every):
            return None
        return Place(now, self._report.run, last or now, sweep.size())

    def _work(self, sweep: Sweep, every: timedelta, place: Place) -> None:
        begun = self._session.now()
        until = begun + min(MOST, max(LEAST, (begun - place.at) / 2))
        due = _due(every, place, begun)
        if place.done > due:
            return
        enough = max(due, place.done + A_LITTLE - 1)
        reached = place
        for pieces, reached in enumerate(sweep.pieces(place), 1):
            self._session.go_on()
            if reached.done > enough or pieces >= sweep.most or self._session.now() >= until:
                return
        self._end(sweep, reached)

    def _end(self, sweep: Sweep, place: Place) -> None:
        with self._session.ledger.transaction():
            self._cursors.end_sweep(sweep.name, place.began_at)
            if sweep.counts_drift:
                self._cursors.note_drift(place.drift)


def _due(every: timedelta, place: Place, now: datetime) -> float:
    """How many records a sweep should be through by now, to end in time."""
    return math.inf if place.size is None else place.size * ((now - place.began_at) / (every * IN_TIME))
