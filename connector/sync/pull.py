"""
Pull: bring the mirror up to what the CRM says.

Companies, deals and activities come first, people last, so that a person is complete when first looked at. A
cursor moves in the same transaction as the records it stands for; the cursor of the incremental read is taken
before a full scan's first page, so that edits during the scan are seen by the next run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from connector.crm import ACTIVITIES, INCOMPLETE, KINDS, LOST
from connector.errors import CrmError, Deferred, MalformedRecord
from connector.fields import email_hash
from connector.ledger.database import unpack
from connector.ledger.mirror import News, Seen
from connector.ledger.rejects import Reject
from connector.log import unforeseen
from connector.model import Link, Occurrence, Record
from connector.sync import marks
from connector.sync.asking import first_asked
from connector.sync.colleagues import Colleagues
from connector.sync.emptied import Lost
from connector.sync.garbage import uncollected
from connector.sync.merging import Merging
from connector.sync.scanning import Scanning
from connector.sync.session import Report, Session
from connector.sync.sources import read_sources


@dataclass(frozen=True, slots=True)
class Gathered:
    """What belongs to some records and was read beside them: links by kind and id, and steps of their counters."""

    links: Mapping[str, Mapping[str, tuple[Link, ...]]]
    steps: Sequence[Occurrence]


@dataclass(frozen=True, slots=True)
class Fetched:
    """Records as they answered to their ids, when they were asked for, and what belongs to them."""

    asked_at: datetime
    asked_for: Set[str]
    records: tuple[Record, ...]
    gathered: Gathered

    def of(self, ids: Set[str]) -> Fetched:
        """What concerns some of the ids that were asked for."""
        records = tuple(one for one in self.records if one.id in ids or not ids.isdisjoint(one.merged_ids))
        found = {one.id for one in records}
        links = {
            to: {id: some for id, some in those.items() if id in found} for to, those in self.gathered.links.items()
        }
        steps = [one for one in self.gathered.steps if one.person_id in found]
        return Fetched(self.asked_at, ids, records, Gathered(links, steps))

    def with_those(self, others: Sequence[Fetched]) -> Fetched:
        """All of them as if they had been asked for at once, at the earliest of their instants."""
        every = (self, *others)
        records = {one.id: one for some in every for one in some.records}
        kinds = dict.fromkeys(to for some in every for to in some.gathered.links)
        links = {
            to: {id: those for some in every for id, those in some.gathered.links.get(to, {}).items()} for to in kinds
        }
        steps = [one for some in every for one in some.gathered.steps]
        asked_for = frozenset().union(*(some.asked_for for some in every))
        asked_at = min(some.asked_at for some in every)
        return Fetched(asked_at, asked_for, tuple(records.values()), Gathered(links, steps))


#: Kind of the linked records -> record -> its links.
Links = Mapping[str, Mapping[str, Sequence[Link]]]


class Pull:
    """One run's reading."""

    def __init__(self, session: Session, report: Report, *, with_history: bool = False) -> None:
        self._with_history = with_history
        self.compares = True  # whether what differs is drift: not where the agreement asks for other things than before
        self._session = session
        self._report = report
        self._ledger = session.ledger
        self._crm = session.crm
        self._colleagues = Colleagues(session)
        self._merging = Merging(session, report, self._colleagues)
        self._lost = Lost(session, report)
        self._run = report.run
        self._marks: dict[str, tuple[str, datetime | None]] = {}  # cursors behind which nothing is left to be kept
        self._first_asked = first_asked(session, "contact")
        self._ledger.forgotten.look()

    # -- whom to read ------------------------------------------------------------------------------------------

    def changes(self) -> None:
        """Everything that changed since the last run."""
        kinds, runs = self.kinds(), self._ledger.runs
        runs.read_only(kinds)
        known, short = runs.cursors_of("changes:"), marks.fell_short(self._session)
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
                    gone = self._part_with(kind, batch.gone)
                    if kind == "contact":
                        self._report.count("looked_at", gone)
                        self._report.count("gone", gone)
                    self._move_cursors()

    def _move_cursors(self) -> None:
        """Reading got so far; where nothing had changed, that costs one transaction for all kinds together."""
        if self._marks:
            with self._ledger.transaction():
                for name, (mark, complete_until) in self._marks.items():
                    self._ledger.runs.move_cursor(name, mark, complete_until)
            self._marks.clear()

    def everything(self, kinds: Sequence[str] | None = None) -> None:
        """Every record, page by page, resumable; then ask after those the scan did not meet."""
        Scanning(self._session, self._report, self).everything(kinds or self.kinds())
        if kinds is None:
            read_sources(self._session, self._report)

    def kinds(self) -> tuple[str, ...]:
        """The kinds the agreement uses something of, people last."""
        return tuple(kind for kind in KINDS if kind == "contact" or self._session.fields.properties(kind))

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
        gone = self._part_with(kind, [id for id in ids if id not in there])  # deleted, or part of another by now
        if kind == "contact" and counted:
            self._report.count("looked_at", gone)
            self._report.count("gone", gone)
        return gone

    def read_leads_of(self, people: Sequence[str]) -> None:
        """Read the leads of these people fresh, where the agreement uses something of leads."""
        if "lead" in self.kinds():
            linked = self._ledger.mirror.links.of(people)
            self.read("lead", sorted({one.id for those in linked.values() for one in those if one.kind == "lead"}))

    def _answers(self, kind: str, ids: Sequence[str]) -> list[Record]:
        """The records that answer. An answer may pass over a record in silence, and to be taken for deleted is no small
        thing: whoever is missing is asked for twice."""
        properties = self._session.fields.properties(kind)
        records = list(self._crm.read(kind, ids, properties))
        answered = {record.id for record in records} | {id for record in records for id in record.merged_ids}
        if missing := [id for id in ids if id not in answered]:
            records += self._crm.read(kind, missing, properties)
        return records

    def fetch(self, kind: str, ids: Sequence[str]) -> Fetched:
        """What these records hold now, and what belongs to them. Touches no state of ours: any thread may."""
        asked_at = self._session.now()
        records = tuple(self._answers(kind, ids))
        gathered = self.gather(kind, [record.id for record in records if not record.archived])
        return Fetched(asked_at, frozenset(ids), records, gathered)

    def _part_with(self, kind: str, ids: Sequence[str]) -> int:
        """These are gone, which those who were on a deal with them are to hear of."""
        if not ids:
            return 0
        with self._ledger.transaction():
            gone = self._ledger.mirror.mark_gone(kind, ids)
            self._ledger.rejects.release(kind, ids)
            if gone:
                self._colleagues.left(kind, ids)
        return gone

    # -- keeping ------------------------------------------------------------------------------------------------------

    def gather(self, kind: str, ids: Sequence[str]) -> Gathered:
        """What belongs to these records and stands elsewhere in the CRM. Touches no state of ours: any thread may."""
        links = {to: self._crm.links(kind, ids, to) for to in self._linked_kinds(kind)} if ids else {}
        steps = self._steps(ids) if kind == "contact" and self._with_history else []
        return Gathered(links, steps)

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
        """Records, what belongs to them and the cursor that stands for them: one transaction. What differs and changed
        before `told_until` has been told by no incremental read, and is counted as drift."""
        live = self._without_forgotten(kind, [record for record in records if not record.archived])
        known = gathered or self.gather(kind, [record.id for record in live])
        live = self._without_theirs(kind, live, known.links)
        links, steps = known.links, known.steps
        with self._ledger.transaction():
            self._session.still_mine()
            self._ledger.mirror.occurrences.add(steps, self._run)
            merged = self._merging.pending(kind, live)
            self._store(kind, live, read_at, frozenset(merged), told_until)
            self.relink(kind, links)
            self._merging.fold(kind, live, merged)
            if cursor is not None and cursor[1] is not None:
                self._ledger.runs.move_cursor(*cursor, read_at)
        self._report.count("read", len(live) if kind == "contact" else 0)
        if kind == "contact":
            self.read_strangers(links)

    def _without_forgotten(self, kind: str, records: Sequence[Record]) -> Sequence[Record]:
        """Whoever was forgotten is dropped at the door; so is a record that one of them became part of, or that has
        come to an address of theirs: it is the same person, and is forgotten with it."""
        forgotten = self._ledger.forgotten
        if kind == "lead" and forgotten.count():
            return [record for record in records if not forgotten.blocks("contact", record.id)]
        if kind != "contact" or not forgotten.count():
            return records
        kept = []
        for record in records:
            if forgotten.blocks("contact", record.id):
                continue
            merged = any(forgotten.blocks("contact", loser) for loser in record.merged_ids)
            if merged or any(forgotten.blocks("address", one) for one in self._addresses_of(record)):
                self._ledger.forgetting.forget(record.id, self._session.now(), "")
                how = "was merged with another record" if merged else "is known by the address of another record"
                self._report.warnings.append(f"a person who was forgotten {how}: forgotten, too")
                continue
            kept.append(record)
        return kept

    def _without_theirs(self, kind: str, records: Sequence[Record], links: Links) -> Sequence[Record]:
        """The leads of whoever was forgotten are forgotten with them."""
        forgotten = self._ledger.forgotten
        if kind != "lead" or not forgotten.count():
            return records
        whose = links.get("contact", {})
        return [
            one for one in records if not any(forgotten.blocks("contact", link.to_id) for link in whose.get(one.id, ()))
        ]

    def _addresses_of(self, record: Record) -> list[str]:
        """The hashes of a contact's addresses."""
        spec = self._session.fields.spec("email")
        told = (*record.other_emails, *((record.properties.get(spec.property),) if spec else ()))
        return [hashed for one in told if (hashed := email_hash(one))]

    def relink(self, kind: str, links: Links) -> None:
        """The links of these records as just read; inside a transaction."""
        for to, found in links.items():
            moved = self._ledger.mirror.links.relink(kind, found, to, self._run)
            self._colleagues.moved(moved)
            self._lost.links(kind, found, to, moved)

    def read_strangers(self, links: Links) -> None:
        """Records that people are linked to and that nobody has told us of yet: old ones, restored, or missed."""
        for to, found in links.items():
            ids = sorted({link.to_id for those in found.values() for link in those})
            strangers = self._ledger.mirror.unknown(to, ids)
            if strangers:
                self.read(to, strangers)

    def _steps(self, ids: Sequence[str]) -> list[Occurrence]:
        """What the history of counters tells of these people: the dates of steps taken before we first looked."""
        counting = self._session.fields.counting
        names = counting.names()
        if not names or not ids:
            return []
        history = self._crm.history("contact", ids, names)
        return [
            step
            for id, versions in history.items()
            for step in counting.steps(
                id, {name: [(one.value, one.at) for one in those] for name, those in versions.items()}
            )
        ]

    def merges_in(self, kind: str, records: Sequence[Record]) -> set[str]:
        """Those of these records that others became part of without our having followed yet."""
        return set(self._merging.pending(kind, records))

    def _linked_kinds(self, kind: str) -> tuple[str, ...]:
        used = self.kinds()
        if kind == "contact":
            return tuple(to for to in ("company", "deal", "lead") if to in used)
        return ("contact",) if kind in ("deal", "lead", *ACTIVITIES) else ()

    def _store(
        self,
        kind: str,
        records: Sequence[Record],
        read_at: datetime,
        survivors: frozenset[str],
        told_until: datetime | None,
    ) -> None:
        mirror = self._ledger.mirror
        seen, malformed = self.seen(kind, records)
        news = mirror.news(kind, seen)
        self._report.drift += drifted(records, news, told_until)
        # Counters of merged people add up, and their dates move: that is no news of anybody.
        rises = self._rises(kind, [one for one in news if one.seen.id not in survivors], read_at)
        changed = mirror.store(kind, seen, read_at=read_at, run=self._run, news=news)
        self._lost.values(kind, news)
        self._colleagues.changed(kind, news)
        mirror.occurrences.add(rises, self._run)
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

    def seen(self, kind: str, records: Sequence[Record]) -> tuple[list[Seen], list[Reject]]:
        """These records as facts, and those nobody can read."""
        seen: list[Seen] = []
        malformed: list[Reject] = []
        for record in records:
            try:
                facts = self._session.fields.facts(record)
                address = email_hash(facts["f"].get("email")) if kind == "contact" else None
            except Exception as error:  # noqa: BLE001 - whatever stands in one record, the others go on
                malformed.append(self._unreadable(record, error))
                continue
            if record.other_emails:
                facts["m"] = sorted(filter(None, map(email_hash, record.other_emails)))
            if record.form:
                facts["t"] = record.form
            seen.append(Seen(record.id, facts, record.created_at, address))
        return seen, malformed

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
        counted = [one for one in news if "c" in one.seen.facts] if kind == "contact" else []
        asked_before = self._asked_before([one.seen.id for one in counted])
        return [
            rise
            for one in counted
            for rise in self._session.fields.counting.rises(
                one.seen.id,
                unpack(one.before),
                one.seen.facts,
                read_at,
                frozenset() if one.seen.id in asked_before else self._first_asked,
            )
        ]

    def _asked_before(self, ids: Sequence[str]) -> Set[str]:
        """Those of whom everything that is asked for has been read once: a run that reads everybody may be a later
        life of one that has met them already."""
        if not self._first_asked:
            return frozenset(ids)
        return self._ledger.mirror.met_by_scan("contact", ids, marks.began_in(self._session, "contact", self._run))


def drifted(records: Sequence[Record], news: Sequence[News], told_until: datetime | None) -> int:
    """How many of these records differ from what is kept although nobody told of it, as they changed before."""
    if told_until is None or not news:
        return 0
    since = {one.id for one in records if one.changed_at is not None and one.changed_at > told_until}
    return sum(not one.echo and one.seen.id not in since for one in news)


def _slices(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
