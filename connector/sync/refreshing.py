"""
The next people to be written are read again while those before them are being written.

Their base must be fresh when their turn comes. Read in the background it is a few seconds old by then; whoever is not
among those expected, or was read too long ago after all, is read at once.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING

from connector.log import carried
from connector.sync.ahead import result
from connector.sync.fetching import Fetched
from connector.sync.session import Report, Session
from connector.sync.stalling import Watch

if TYPE_CHECKING:
    from connector.sync.pull import Pull

#: Batches of people that are read again ahead of the one that is written.
BATCHES = 2

#: Who becomes stale so soon will be stale when the turn comes.
SOON = timedelta(seconds=20)

CONTACT = "contact"


class Refreshing:
    """Reading ahead of one run's writing, for as long as the block lasts."""

    def __init__(self, session: Session, report: Report, pull: Pull) -> None:
        self._session, self._report, self._pull = session, report, pull
        self._size = session.settings.write_chunk
        self._max_age = session.settings.max_age
        self._pool = ThreadPoolExecutor(BATCHES, thread_name_prefix="refreshing")
        self._watch = Watch(session, report)
        self._coming: dict[str, Future[Fetched]] = {}  # contact id -> the reading it is part of
        self._direct = pull.fetch

    def __enter__(self) -> Refreshing:
        self._pull.fetch = self._fetch
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pull.fetch = self._direct
        self._pool.shutdown(wait=False, cancel_futures=True)

    def expect(self) -> None:
        """Begin to read those who come after the batch that is next."""
        ledger = self._session.ledger
        ids = ledger.work.planned_ids(self._report.run, (1 + BATCHES) * self._size)
        self._coming = {id: self._coming[id] for id in ids if id in self._coming}
        oldest = self._session.now() - self._max_age + SOON
        later = [id for id in ids[self._size :] if id not in self._coming]
        stale = ledger.mirror.stale(CONTACT, later, oldest)
        for start in range(0, len(stale), self._size):
            some = stale[start : start + self._size]
            future = self._pool.submit(carried(self._direct), CONTACT, some)
            self._coming |= dict.fromkeys(some, future)

    def coming(self) -> Set[str]:
        """Who was read ahead, or is being read, and not yet taken over."""
        return self._coming.keys()

    def _fetch(self, kind: str, ids: Sequence[str]) -> Fetched:
        """As asked for directly, from what was read ahead as far as that is still fresh."""
        if kind != CONTACT:
            return self._direct(kind, ids)
        oldest = self._session.now() - self._max_age
        known: list[Fetched] = []
        for future in dict.fromkeys(self._coming[id] for id in ids if id in self._coming):
            some = result(future, self._watch.look)
            if some.asked_at > oldest:
                known.append(some.of({id for id in ids if self._coming.get(id) is future}))
        for id in ids:
            self._coming.pop(id, None)
        covered = {id for some in known for id in some.asked_for}
        rest = [id for id in ids if id not in covered]
        self._watch.moved()
        return self._direct(kind, rest).with_those(known) if rest or not known else known[0].with_those(known[1:])
