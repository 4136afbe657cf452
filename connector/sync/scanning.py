"""
Full scans: every record of a kind, page by page, resumable, stored while the next pages are on their way.

A scan's mark moves in the same transaction as the records it stands for; who was not met is asked after. What
`marks` takes before the first page becomes the cursor of the incremental read when everything is stored. A scan that
knows of records which it was not told is not complete: no cursor moves, and the next run scans again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from connector.crm import Page
from connector.model import Record
from connector.sync import marks
from connector.sync.ahead import ahead, in_groups, in_turn
from connector.sync.fetching import Gathered
from connector.sync.session import Report, Session
from connector.sync.stalling import Watch

if TYPE_CHECKING:
    from connector.sync.pull import Pull


#: A page weighs as much as so many records at least: it cost a call, which a crash repeats.
_A_CALL = 100


def weight(page: Page) -> int:
    """What a page counts for where pages are taken together."""
    return max(len(page.records), _A_CALL)


@dataclass(frozen=True, slots=True)
class Group:
    """Some pages of a scan: what they hold, since when that is known, the mark behind them, and, where these are its
    last, the cursor that the scan came to and by how many records it fell short of what the CRM counts."""

    records: tuple[Record, ...]
    read_at: datetime
    mark: str | None
    total: int | None
    again: bool
    warnings: tuple[str, ...]
    cursor: str | None = None
    short: int = 0


class Scanning:
    """One run's full scans."""

    def __init__(self, session: Session, report: Report, pull: Pull) -> None:
        self._session = session
        self._report = report
        self._pull = pull
        self._settings = session.settings
        self._cursors = session.ledger.cursors
        self._watch = Watch(session, report)
        self._counts_drift = True

    def everything(self, kinds: Sequence[str], *, counts_drift: bool = True) -> None:
        """Every record of these kinds, save those kinds that this run has been through already. `counts_drift`: whether
        what differs although nobody told of it is drift."""
        self._counts_drift = counts_drift
        for kind in kinds:
            if self._cursors.of(f"scanned:{kind}") != str(self._report.run):
                self._scan(kind)

    def _scan(self, kind: str) -> None:
        done, last = self._begin(kind), None
        with closing(self._coming(kind)) as coming:
            for group, gathered in coming:
                self._session.go_on()
                self._watch.moved()
                self._report.warnings += [one for one in group.warnings if one not in self._report.warnings]
                records = self._new(kind, group)
                mark, told_until = (f"scan:{kind}", group.mark), self._told_until(kind)
                self._pull.keep(kind, records, group.read_at, mark, gathered, told_until=told_until)
                done, last = done + len(records), group
                self._session.progress(kind, done, group.total)
        self._ask_after_missed(kind)
        self._end(kind, last)

    def _coming(self, kind: str) -> Generator[tuple[Group, Gathered], None, None]:
        """Group after group with what belongs to its records; pages and links of the next ones are on their way."""
        after = self._cursors.of(f"scan:{kind}")
        pages = self._session.crm.scan(kind, self._session.fields.properties(kind), after=after or None)
        look = self._watch.look
        depth = self._settings.records_ahead // self._settings.records
        pool = ThreadPoolExecutor(depth + 1, thread_name_prefix="links")
        try:
            with closing(ahead(self._groups(pages), 1, look)) as groups:
                yield from in_turn(pool, lambda one: (one, self._gathered(kind, one)), groups, depth, look)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # none of it has done anything that must be heard of

    def _gathered(self, kind: str, group: Group) -> Gathered:
        return self._pull.gather(kind, [record.id for record in group.records if not record.archived])

    def _groups(self, pages: Iterable[Page]) -> Iterator[Group]:
        aged = ((page, self._session.now() - timedelta(seconds=page.age)) for page in pages)
        for some in in_groups(aged, self._settings.records, lambda one: weight(one[0])):
            last = some[-1][0]
            yield Group(
                tuple(record for page, _ in some for record in page.records),
                min(read_at for _, read_at in some),
                last.mark,
                last.total,
                any(page.again for page, _ in some),
                tuple(page.warning for page, _ in some if page.warning),
                last.cursor,
                last.short,
            )

    def _new(self, kind: str, group: Group) -> Sequence[Record]:
        """A scan that had to begin anew tells again what this run has stored already."""
        if not group.again:
            return group.records
        met = self._session.ledger.mirror.met_by_scan(kind, [one.id for one in group.records], self._report.run)
        return [one for one in group.records if one.id not in met]

    def _begin(self, kind: str) -> int:
        """Begin, or go on where it stopped; returns how many records were met before."""
        if self._cursors.of(f"scan:{kind}") is not None:
            began = marks.began_in(self._session, kind, self._report.run)
            return self._session.ledger.mirror.count_met(kind, began)
        marks.begin(self._session, kind, self._report.run)
        return 0

    def _end(self, kind: str, last: Group | None) -> None:
        cursor, short = (last.cursor, last.short) if last else (None, 0)
        with self._session.ledger.transaction():
            if marks.is_complete(self._session, kind, short):
                marks.end(self._session, kind, self._report.run, cursor)
                return
            marks.end_short(self._session, kind, self._report.run, short)
        self._report.incomplete.append(kind)

    def _ask_after_missed(self, kind: str) -> None:
        """Known records that the scan did not meet are gone, unless they answer."""
        began = marks.began_in(self._session, kind, self._report.run)
        missed = self._session.ledger.mirror.missed_by_scan(kind, began)
        for start in range(0, len(missed), 1000):
            gone = self._pull.read(kind, missed[start : start + 1000])
            self._report.drift += gone if self._told_until(kind) else 0

    def _told_until(self, kind: str) -> datetime | None:
        """Whatever changed before this instant should be known already; None where nothing can be drift."""
        return self._cursors.told_until(kind) if self._pull.compares and self._counts_drift else None
