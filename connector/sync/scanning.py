"""
Full scans: every record of a kind, page by page, resumable, stored while the next pages are on their way.

A scan's mark moves in the same transaction as the records it stands for; who was not met is asked after. What
`marks` takes before the first page becomes the cursor of the incremental read when everything is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from connector.sync import marks
from connector.sync.ahead import ahead
from connector.sync.session import Report, Session

if TYPE_CHECKING:
    from connector.sync.pull import Pull

T = TypeVar("T")

#: Pages of a full scan that are stored, linked and committed together.
PAGES = 10


class Scanning:
    """One run's full scans."""

    def __init__(self, session: Session, report: Report, pull: Pull) -> None:
        self._session = session
        self._report = report
        self._pull = pull
        self._runs = session.ledger.runs

    def everything(self, kinds: Sequence[str]) -> None:
        """Every record of these kinds, save those kinds that this run has been through already."""
        for kind in kinds:
            if self._runs.cursor(f"scanned:{kind}") != str(self._report.run):
                self._scan(kind)

    def _scan(self, kind: str) -> None:
        self._begin(kind)
        done, after = 0, self._runs.cursor(f"scan:{kind}")
        properties = self._session.fields.properties(kind)
        for pages in _groups(ahead(self._session.crm.scan(kind, properties, after=after or None)), PAGES):
            self._session.go_on()
            records = [record for page in pages for record in page.records]
            mark = (f"scan:{kind}", pages[-1].mark)
            self._pull.keep(kind, records, self._session.now(), mark, told_until=self._told_until(kind))
            done += len(records)
            self._session.progress(kind, done, pages[-1].total)
        self._ask_after_missed(kind)
        self._end(kind)

    def _begin(self, kind: str) -> None:
        if self._runs.cursor(f"scan:{kind}") is not None:
            return  # it goes on where it stopped
        marks.begin(self._session, kind, self._report.run)

    def _end(self, kind: str) -> None:
        with self._session.ledger.transaction():
            marks.end(self._session, kind, self._report.run)

    def _ask_after_missed(self, kind: str) -> None:
        """Known records that the scan did not meet are gone, unless they answer."""
        began = marks.began_in(self._session, kind, self._report.run)
        missed = self._session.ledger.mirror.missed_by_scan(kind, began)
        for start in range(0, len(missed), 1000):
            gone = self._pull.read(kind, missed[start : start + 1000])
            self._report.drift += gone if self._told_until(kind) else 0

    def _told_until(self, kind: str) -> datetime | None:
        """Whatever changed before this instant should be known already; None where nothing can be drift."""
        return self._runs.told_until(kind) if self._pull.compares else None


def _groups(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group
