"""Whom a run looks at, a chunk at a time, each with the reason."""

from __future__ import annotations

from collections.abc import Iterator

from connector.ledger.tables import CHANGED
from connector.sync.session import Order, Session


def candidates(session: Session, order: Order) -> Iterator[dict[str, int]]:
    """Chunks of people to look at: those named, a slice, or everybody who is dirty; a plan also shows those who
    wait. Each with the reason to look."""
    size = session.settings.chunk
    if order.only is not None:
        for start in range(0, len(order.only), size):
            yield dict.fromkeys(order.only[start : start + size], CHANGED)
        return
    yield from _dirty_or_everybody(session, order, size)
    if not order.write and order.within is None:
        waiting = [one.person_id for one in session.ledger.aside.every()]
        for start in range(0, len(waiting), size):
            yield dict.fromkeys(waiting[start : start + size], CHANGED)


def _dirty_or_everybody(session: Session, order: Order, size: int) -> Iterator[dict[str, int]]:
    mirror = session.ledger.mirror
    after = ""
    while True:
        everyone = order.within is not None
        chunk = dict.fromkeys(mirror.contacts(after, size), CHANGED) if everyone else mirror.dirty(after, size)
        if not chunk:
            return
        yield chunk
        after = next(reversed(chunk))  # the last one, as the database orders them
