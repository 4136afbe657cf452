"""
Keeping: what was read goes into the mirror, with all that follows from it being new.

Records, what belongs to them and the cursor that stands for them are one transaction. Whoever was forgotten is dropped
at the door; a record that nobody can read is set aside alone.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime

from connector.errors import MalformedRecord
from connector.fields import email_hash
from connector.ledger.database import unpack
from connector.ledger.mirror import News, Seen
from connector.ledger.rejects import Reject
from connector.log import unforeseen
from connector.model import Occurrence, Record
from connector.sync import marks
from connector.sync.asking import first_asked
from connector.sync.colleagues import Colleagues
from connector.sync.emptied import Lost
from connector.sync.fetching import Gathered, Links
from connector.sync.merging import Merging
from connector.sync.session import Report, Session


class Keeping:
    """One run's keeping."""

    def __init__(self, session: Session, report: Report) -> None:
        self._session = session
        self._report = report
        self._ledger = session.ledger
        self._run = report.run
        self._colleagues = Colleagues(session)
        self._merging = Merging(session, report, self._colleagues)
        self._lost = Lost(session, report)
        self._first_asked = first_asked(session, "contact")
        self._ledger.forgotten.look()

    def keep(
        self,
        kind: str,
        records: Sequence[Record],
        read_at: datetime,
        gathered: Gathered,
        cursor: tuple[str, str | None] | None = None,
        *,
        told_until: datetime | None = None,
    ) -> None:
        """Admitted records, what belongs to them and the cursor that stands for them. What differs and changed before
        `told_until` has been told by no incremental read, and is counted as drift."""
        live = self._without_theirs(kind, records, gathered.links)
        with self._ledger.transaction():
            self._session.still_mine()
            self._ledger.mirror.occurrences.add(gathered.steps, self._run)
            merged = self._merging.pending(kind, live)
            self._store(kind, live, read_at, frozenset(merged), told_until)
            self.relink(kind, gathered.links)
            self._merging.fold(kind, live, merged)
            if cursor is not None and cursor[1] is not None:
                self._ledger.cursors.move(*cursor, read_at)
        self._report.count("read", len(live) if kind == "contact" else 0)

    def part_with(self, kind: str, ids: Sequence[str]) -> int:
        """These are gone, which those who were on a deal with them are to hear of."""
        if not ids:
            return 0
        with self._ledger.transaction():
            gone = self._ledger.mirror.mark_gone(kind, ids)
            self._ledger.rejects.release(kind, ids)
            if gone:
                self._colleagues.left(kind, ids)
        return gone

    def relink(self, kind: str, links: Links) -> None:
        """The links of these records as just read; inside a transaction."""
        for to, found in links.items():
            moved = self._ledger.mirror.links.relink(kind, found, to, self._run)
            self._colleagues.moved(moved)
            self._lost.links(kind, found, to, moved)

    def merges_in(self, kind: str, records: Sequence[Record]) -> set[str]:
        """Those of these records that others became part of without our having followed yet."""
        return set(self._merging.pending(kind, records))

    # -- who is not kept ----------------------------------------------------------------------------------------------

    def admitted(self, kind: str, records: Sequence[Record]) -> Sequence[Record]:
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

    # -- storing ------------------------------------------------------------------------------------------------------

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
