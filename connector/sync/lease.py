"""
The lease of a run: one run at a time works on a connection, and one that slept through its lease stops.

Three things keep it so. Every transaction of a run begins by looking whether the lease is still its own (the fence).
Every request asks here before it goes out: past half of the lease it is prolonged, so that whoever still makes calls
still holds it, however long a batch, a scan or a wait for quota lasts; and whoever finds that another run has taken
over sends nothing more. What no check can prevent is a process that is stopped after it asked and before its bytes
leave; a CRM has no fencing token to refuse them by.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from connector.crm import unasked
from connector.ledger.runs import LEASE
from connector.sync.session import Session


@contextmanager
def holding(session: Session) -> Iterator[None]:
    """Work under the lease of this session's connection. Raises Busy where somebody else does."""
    runs, began = session.ledger.runs, session.now()
    session.fence = runs.take_lease(session.worker, began)
    session.leased_until = began + LEASE
    session.crm.before_call = _Asked(session).before_call
    try:
        with runs.fenced(session.fence):
            yield
    finally:
        session.crm.before_call = unasked
        runs.drop_lease(session.fence)


class _Asked:
    """Asked before every request of a run, on whichever thread it goes out."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()

    def before_call(self) -> None:
        """Go on while most of the lease is left, else prolong it. Raises Busy when it is somebody else's."""
        session = self._session
        with self._lock:
            now = session.now()
            if session.leased_until - now < LEASE / 2:
                session.ledger.runs.renew_lease_apart(session.fence, now)
                session.leased_until = now + LEASE
