"""
Pull: bring the mirror up to what the CRM says.

Companies, deals and activities come first, people last, so that a person is complete when first looked at. A
cursor moves in the same transaction as the records it stands for; the cursor of the incremental read is taken
before a full scan's first page, so that edits during the scan are seen by the next run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

from connector.crm import ACTIVITIES, KINDS
from connector.errors import Denied, MalformedRecord, NotFound
from connector.fields import email_hash
from connector.ledger.database import unpack
from connector.ledger.mirror import News, Seen
from connector.ledger.rejects import Reject
from connector.log import unforeseen
from connector.model import Link, Occurrence, Record
from connector.sync.ahead import ahead
from connector.sync.colleagues import Colleagues
from connector.sync.garbage import uncollected
from connector.sync.session import Report, Session

#: Pages of a full scan that are stored, linked and committed together.
PAGES = 10

T = TypeVar("T")


class Pull:
    """One run's reading."""

    def __init__(self, session: Session, report: Report, *, with_history: bool = False) -> None:
        self._with_history = with_history
        self._session = session
        self._report = report
        self._ledger = session.ledger
        self._crm = session.crm
        self._colleagues = Colleagues(session)
        self._run = report.run

    # -- whom to read ------------------------------------------------------------------------------------------

    def changes(self) -> None:
        """Everything that changed since the last run."""
        for kind in self.kinds():
            cursor = self._ledger.runs.cursor(f"changes:{kind}")
            if cursor is None:
                self.everything((kind,))
                continue
            for batch in self._crm.changes(kind, cursor, self._session.now()):
                for ids in _slices(batch.ids, 1000):
                    self._session.go_on()
                    self.read(kind, ids)
                with self._ledger.transaction():
                    self._part_with(kind, batch.gone)
                    if batch.mark is not None:
                        name = f"changes:{kind}"
                        self._ledger.runs.move_cursor(name, batch.mark, batch.complete_until)
        self._occurrences()

    def everything(self, kinds: Sequence[str] | None = None) -> None:
        """Every record, page by page, resumable; then ask after those the scan did not meet."""
        for kind in kinds or self.kinds():
            if self._ledger.runs.cursor(f"scanned:{kind}") != str(self._run):
                self._scan(kind)
        if kinds is None:
            self._occurrences()

    def kinds(self) -> tuple[str, ...]:
        """The kinds the agreement uses something of, people last."""
        return tuple(kind for kind in KINDS if kind == "contact" or self._session.fields.properties(kind))

    # -- full scan -----------------------------------------------------------------------------------------------

    def _scan(self, kind: str) -> None:
        runs = self._ledger.runs
        after = runs.cursor(f"scan:{kind}")
        if after is None:
            begun = self._session.now()
            cursor = self._crm.begin(kind, begun)
            with self._ledger.transaction():
                runs.move_cursor(f"changes:{kind}", cursor)
                runs.move_cursor(f"begun:{kind}", begun.isoformat())
        done = 0
        properties = self._session.fields.properties(kind)
        for pages in _groups(ahead(self._crm.scan(kind, properties, after=after or None)), PAGES):
            self._session.go_on()
            records = [record for page in pages for record in page.records]
            self._keep(kind, records, self._session.now(), (f"scan:{kind}", pages[-1].mark))
            done += len(records)
            self._session.progress(kind, done, pages[-1].total)
        with self._ledger.transaction():
            runs.drop_cursors(f"scan:{kind}")
            runs.move_cursor(f"scanned:{kind}", str(self._run))
            runs.complete(f"changes:{kind}", datetime.fromisoformat(runs.cursor(f"begun:{kind}") or ""))
        self._ask_after_missed(kind)

    def _ask_after_missed(self, kind: str) -> None:
        """Known records that the scan did not meet are gone, unless they answer."""
        missed = self._ledger.mirror.missed_by_scan(kind, self._run)
        for ids in _slices(missed, 1000):
            self.read(kind, ids)

    # -- by id ------------------------------------------------------------------------------------------------------

    def read(self, kind: str, ids: Sequence[str], *, counted: bool = True) -> None:
        """Read these records fresh; whoever does not answer is gone. `counted`: whether they are new to the report."""
        asked_at = self._session.now()
        records = list(self._crm.read(kind, ids, self._session.fields.properties(kind)))
        self._keep(kind, records, asked_at)
        answered = {record.id for record in records} | {id for record in records for id in record.merged_ids}
        missing = [id for id in ids if id not in answered]
        gone = self._part_with(kind, missing)
        if kind == "contact" and counted:
            self._report.count("looked_at", gone)
            self._report.count("gone", gone)

    def _part_with(self, kind: str, ids: Sequence[str]) -> int:
        """These are gone, which those who were on a deal with them are to hear of."""
        with self._ledger.transaction():
            gone = self._ledger.mirror.mark_gone(kind, ids)
            if gone:
                self._colleagues.left(kind, ids)
        return gone

    # -- keeping ------------------------------------------------------------------------------------------------------

    @uncollected()
    def _keep(
        self, kind: str, records: Sequence[Record], read_at: datetime, cursor: tuple[str, str | None] | None = None
    ) -> None:
        """Records, their links and the cursor that stands for them: one transaction."""
        live = [record for record in records if not record.archived]
        ids = [record.id for record in live]
        links = {to: self._crm.links(kind, ids, to) for to in self._linked_kinds(kind)} if ids else {}
        steps = self._steps(ids) if kind == "contact" and self._with_history else []
        with self._ledger.transaction():
            self._session.still_mine()
            self._ledger.mirror.add_occurrences(steps, self._run)
            self._store(kind, live, read_at)
            for to, found in links.items():
                self._colleagues.moved(self._ledger.mirror.relink(kind, found, to, self._run))
            for record in live:
                if record.merged_ids and kind == "contact":
                    self._fold(record)
            if cursor is not None and cursor[1] is not None:
                self._ledger.runs.move_cursor(*cursor)
        self._report.count("read", len(live) if kind == "contact" else 0)
        if kind == "contact":
            self._read_strangers(links)

    def _read_strangers(self, links: Mapping[str, Mapping[str, Sequence[Link]]]) -> None:
        """Records that people are linked to and that nobody has told us of yet: old ones, restored, or missed."""
        for to, found in links.items():
            ids = sorted({link.to_id for those in found.values() for link in those})
            strangers = self._ledger.mirror.unknown(to, ids)
            if strangers:
                self.read(to, strangers)

    def _steps(self, ids: Sequence[str]) -> list[Occurrence]:
        """What the history of counters tells of these people: the dates of steps taken before we first looked."""
        fields = self._session.fields
        names = fields.marked()
        if not names or not ids:
            return []
        history = self._crm.history("contact", ids, names)
        return [
            step
            for id, versions in history.items()
            for step in fields.steps(
                id, {name: [(one.value, one.at) for one in those] for name, those in versions.items()}
            )
        ]

    def _linked_kinds(self, kind: str) -> tuple[str, ...]:
        used = self.kinds()
        if kind == "contact":
            return tuple(to for to in ("company", "deal") if to in used)
        return ("contact",) if kind in ("deal", *ACTIVITIES) else ()

    def _store(self, kind: str, records: Sequence[Record], read_at: datetime) -> None:
        fields, mirror = self._session.fields, self._ledger.mirror
        seen: list[Seen] = []
        malformed: list[Reject] = []
        for record in records:
            try:
                facts = fields.facts(record)
                address = email_hash(facts["f"].get("email")) if kind == "contact" else None
            except Exception as error:  # noqa: BLE001 - whatever stands in one record, the others go on
                malformed.append(self._unreadable(record, error))
                continue
            seen.append(Seen(record.id, facts, record.created_at, address))
        news = mirror.news(kind, seen)
        rises = self._rises(kind, news, read_at)
        changed = mirror.store(kind, seen, read_at=read_at, run=self._run, news=news)
        self._colleagues.changed(kind, news)
        mirror.add_occurrences(rises, self._run)
        self._try_again(kind, seen, changed, read_at)
        self._set_aside(kind, malformed, read_at)

    def _unreadable(self, record: Record, error: Exception) -> Reject:
        """The reject of a record that cannot be understood; of a mistake of ours only kind and place are told."""
        code = error.code if isinstance(error, MalformedRecord) else "malformed_record"
        said = str(error) if isinstance(error, MalformedRecord) else f"{record.kind} {record.id}: {unforeseen(error)}"
        return Reject(record.kind, record.id, code, said, fingerprint=self._session.rejected_under)

    def _try_again(self, kind: str, seen: Sequence[Seen], changed: Sequence[str], now: datetime) -> None:
        """Whoever can be read again is no reject any more; whoever changed is worth another try."""
        rejects = self._ledger.rejects
        known = rejects.of(kind, [one.id for one in seen])
        readable = [id for id, one in known.items() if one.unreadable]
        rejects.release(kind, readable)
        rejects.try_again(kind, [id for id in changed if id in known], now)
        if kind == "contact":
            self._ledger.mirror.mark_dirty(readable)

    def _set_aside(self, kind: str, malformed: Sequence[Reject], read_at: datetime) -> None:
        """A record nobody can read is rejected alone, and kept out of every decision until it changes."""
        if not malformed:
            return
        self._ledger.rejects.keep(malformed, self._run, read_at)
        self._ledger.mirror.touch(kind, [one.id for one in malformed], read_at, self._run)
        if kind == "contact":
            self._ledger.mirror.settle([one.id for one in malformed])
            self._report.end((one.id for one in malformed), "rejected")

    def _rises(self, kind: str, news: Sequence[News], read_at: datetime) -> list[Occurrence]:
        """Signals in what is new of these people; where nothing is new, no counter rose."""
        if kind != "contact":
            return []
        return [
            rise
            for one in news
            if "c" in one.seen.facts
            for rise in self._session.fields.rises(one.seen.id, unpack(one.before), one.seen.facts, read_at)
        ]

    def _fold(self, record: Record) -> None:
        for memory in (self._ledger.people, self._ledger.shadows):
            if memory.remember(record.merged_ids):
                memory.fold(record.id, record.merged_ids, as_of=self._report.as_of, run=self._run)
        self._ledger.observations.fold(record.id, record.merged_ids)
        if self._ledger.mirror.merge(record.id, record.merged_ids):
            self._colleagues.left("contact", record.merged_ids)

    # -- lists and forms ------------------------------------------------------------------------------------------

    def _occurrences(self) -> None:
        for source in self._session.fields.sources():
            name = f"occurrences:{source}"
            try:
                parts = self._crm.occurrences(source, self._ledger.runs.cursor(name), self._session.now())
                for found, cursor in parts:
                    with self._ledger.transaction():
                        self._ledger.mirror.add_occurrences(found, self._run)
                        self._ledger.runs.move_cursor(name, cursor)
            except (NotFound, Denied) as error:
                if isinstance(error, Denied) and error.code != "scope":
                    raise
                self._report.unseen.append(f"{source} cannot be read, its signals are not seen: {error}")
        self._ledger.mirror.adopt_submissions()


def _slices(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _groups(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group
