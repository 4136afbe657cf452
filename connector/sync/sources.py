"""
Lists and forms: dated facts that are no property of anybody, read from several sources at once.

A source's cursor moves in the same transaction as the facts it stands for. One that cannot be read takes its signals
with it, says so, and hinders nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from connector.errors import CrmError, Denied
from connector.model import Occurrence
from connector.sync.ahead import Failed, together
from connector.sync.colleagues import Colleagues
from connector.sync.merging import Merging
from connector.sync.session import Report, Session
from connector.sync.stalling import Watch

#: Sources read at once: each is paged one page after the other.
AT_ONCE = 4

Part = tuple[tuple[Occurrence, ...], str | None]


def read_sources(session: Session, report: Report) -> None:
    """Everything new of every source that a signal is read from."""
    mirror, watch, merging = (
        session.ledger.mirror,
        Watch(session, report),
        Merging(session, report, Colleagues(session)),
    )
    known = session.ledger.cursors.those_of("occurrences:")
    cursors = {source: known.get(source) for source in session.fields.sources()}
    sources = {source: partial(_parts, session, source, cursor) for source, cursor in cursors.items()}
    for source, part in together(sources, AT_ONCE, watch.look):
        watch.moved()
        if isinstance(part, Failed):
            _unreadable(report, source, part.error)
            continue
        found, cursor = part
        if not found and cursor == cursors[source]:
            continue  # nothing new, and nothing further on
        cursors[source] = cursor
        with session.ledger.transaction():
            mirror.occurrences.add(merging.told_of_survivors(found), report.run)
            session.ledger.cursors.move(f"occurrences:{source}", cursor)
    mirror.occurrences.adopt_submissions()


def _parts(session: Session, source: str, cursor: str | None) -> Iterator[Part]:
    return session.crm.occurrences(source, cursor, session.now())


def _unreadable(report: Report, source: str, error: Exception) -> None:
    """What concerns this source alone is told; its cursor stays, and the next run asks again."""
    if not isinstance(error, CrmError) or (isinstance(error, Denied) and error.code != "scope"):
        raise error
    report.unseen.append(f"{source} cannot be read, its signals are not seen: {error}")
