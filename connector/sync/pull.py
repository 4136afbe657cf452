"""
Pull: bring the mirror up to what the CRM says.

Companies, deals and activities come first, people last, so that a person is complete when first looked at. A
cursor moves in the same transaction as the records it stands for; the cursor of the incremental read is taken
before a full scan's first page, so that edits during the scan are seen by the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from connector.crm import INCOMPLETE, LOST
from connector.errors import CrmError, Deferred
from connector.model import Record
from connector.sync import marks
from connector.sync.fetching import Fetched, Fetching, Gathered, Links
from connector.sync.garbage import uncollected
from connector.sync.keeping import Keeping
from connector.sync.scanning import Scanning
from connector.sync.session import Report, Session
from connector.sync.sources import read_sources


class Pull:
    """One run's reading."""

    def __init__(self, session: Session, report: Report, *, with_history: bool = False) -> None:
        self.compares = True  # whether what differs is drift: not where the agreement asks for other things than before
        self._session = session
        self._report = report
        self._ledger = session.ledger
        self._crm = session.crm
        self.keeping = Keeping(session, report)
        fetching = Fetching(session, with_history=with_history)
        self.gather = fetching.gather
        #: asks the CRM for records by their ids; whoever has asked ahead puts an answer of theirs in its place
        self.fetch: Callable[[str, Sequence[str]], Fetched] = fetching.fetch
        self._marks: dict[str, tuple[str, datetime | None]] = {}  # cursors behind which nothing is left to be kept

    # -- whom to read ------------------------------------------------------------------------------------------

    def changes(self) -> None:
        """Everything that changed since the last run."""
        kinds, cursors = self._session.kinds(), self._ledger.cursors
        cursors.read_only(kinds)
        known, short = cursors.those_of("changes:"), marks.fell_short(self._session)
        try:
            for kind in kinds:
                cursor = known.get(kind)
                if cursor is None or kind in short or not self._told_since(kind, cursor):
                    self._move_cursors()  # before the scan puts its own in their place
                    with self._session.calling_as("backfill"):
                        Scanning(self._session, self._report, self).everything((kind,), counts_drift=False)
        except (CrmError, Deferred):
            self._move_cursors()
            raise
        self._move_cursors()
        read_sources(self._session, self._report)

    def _told_since(self, kind: str, cursor: str) -> bool:
        """Read what changed since; False where the CRM tells it no more, so that everything must be read."""
        try:
            self._changes(kind, cursor)
        except CrmError as error:
            if error.code not in (INCOMPLETE, LOST):
                raise
            # What did come is true and has been kept; the cursor stays, so that the rest is asked for again.
            self._report.warnings.append(f"{'incomplete' if error.code == INCOMPLETE else 'all read again'}: {error}")
            if error.code == LOST:
                return False
            self._report.incomplete.append(kind)
        return True

    def _changes(self, kind: str, cursor: str) -> None:
        for batch in self._crm.changes(kind, cursor, self._session.now()):
            for ids in _slices(batch.ids, 1000):
                self._session.go_on()
                self.read(kind, ids)
            if batch.mark is not None:
                self._marks[f"changes:{kind}"] = batch.mark, batch.complete_until
            if batch.ids or batch.gone:
                with self._ledger.transaction():
                    gone = self.keeping.part_with(kind, batch.gone)
                    if kind == "contact":
                        self._report.count("looked_at", gone)
                        self._report.count("gone", gone)
                    self._move_cursors()

    def _move_cursors(self) -> None:
        """Reading got so far; where nothing had changed, that costs one transaction for all kinds together."""
        if self._marks:
            with self._ledger.transaction():
                for name, (mark, complete_until) in self._marks.items():
                    self._ledger.cursors.move(name, mark, complete_until)
            self._marks.clear()

    def everything(self, kinds: Sequence[str] | None = None) -> None:
        """Every record, page by page, resumable; then ask after those the scan did not meet."""
        Scanning(self._session, self._report, self).everything(kinds or self._session.kinds())
        if kinds is None:
            read_sources(self._session, self._report)

    # -- by id ------------------------------------------------------------------------------------------------------

    def read(self, kind: str, ids: Sequence[str], *, counted: bool = True) -> int:
        """Read these records fresh; whoever does not answer is gone, and how many those are is returned. `counted`:
        whether they are new to the report."""
        ids = self._ledger.forgotten.without(kind, ids)
        if not ids:
            return 0
        fetched = self.fetch(kind, ids)
        self.keep(kind, fetched.records, fetched.asked_at, gathered=fetched.gathered)
        there = {record.id for record in fetched.records}
        gone = self.keeping.part_with(kind, [id for id in ids if id not in there])  # deleted, or part of another by now
        if kind == "contact" and counted:
            self._report.count("looked_at", gone)
            self._report.count("gone", gone)
        return gone

    def read_leads_of(self, people: Sequence[str]) -> None:
        """Read the leads of these people fresh, where the agreement uses something of leads."""
        if "lead" in self._session.kinds():
            linked = self._ledger.mirror.links.of(people)
            self.read("lead", sorted({one.id for those in linked.values() for one in those if one.kind == "lead"}))

    # -- keeping ------------------------------------------------------------------------------------------------------

    @uncollected()
    def keep(
        self,
        kind: str,
        records: Sequence[Record],
        read_at: datetime,
        cursor: tuple[str, str | None] | None = None,
        gathered: Gathered | None = None,
        *,
        told_until: datetime | None = None,
    ) -> None:
        """Keep these records with what belongs to them, which is read where it was not `gathered`; then read whom they
        are linked to and nobody has told us of."""
        live = self.keeping.admitted(kind, [record for record in records if not record.archived])
        known = gathered or self.gather(kind, [record.id for record in live])
        self.keeping.keep(kind, live, read_at, known, cursor, told_until=told_until)
        if kind == "contact":
            self.read_strangers(known.links)

    def read_strangers(self, links: Links) -> None:
        """Records that people are linked to and that nobody has told us of yet: old ones, restored, or missed."""
        for to, found in links.items():
            ids = sorted({link.to_id for those in found.values() for link in those})
            strangers = self._ledger.mirror.unknown(to, ids)
            if strangers:
                self.read(to, strangers)


def _slices(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
