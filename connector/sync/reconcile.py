"""
What the sweeps do: compare every record (reconcile), read every contact's links (associations), look into the bin
(archived).

Each takes its records a thousand at a time. What is as it was costs a comparison and a stamp; what differs goes the
way of everything that is read, links and all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from math import inf

from connector.crm import KINDS, Page
from connector.ledger.completeness import ARCHIVED, ASSOCIATIONS, RECONCILE
from connector.model import Record
from connector.sync import marks
from connector.sync.ahead import in_groups
from connector.sync.pull import Pull
from connector.sync.scanning import weight
from connector.sync.session import Report, Session
from connector.sync.sweeping import Place, Sweep

#: Records of a list, by whole pages, and known records, in one piece.
RECORDS = 1000


def sweeps(session: Session, report: Report, pull: Pull) -> tuple[Sweep, ...]:
    """All of them, in the order in which they are worked on."""
    return Archived(session, report, pull), Associations(session, report, pull), Reconcile(session, report, pull)


class _Sweeping:
    """What the sweeps have in common."""

    name = ""
    every: timedelta | None = None
    most: float = inf
    counts_drift = False

    def __init__(self, session: Session, report: Report, pull: Pull) -> None:
        self._session = session
        self._report = report
        self._pull = pull
        self._ledger = session.ledger
        self._crm = session.crm

    def _kinds_from(self, place: Place) -> Iterator[tuple[str, str]]:
        """The kinds still to go through, each with the record to go on after."""
        kinds = self._session.kinds()
        first = kinds.index(place.kind) if place.kind in kinds else 0
        for kind in kinds[first:]:
            yield kind, place.after if kind == place.kind else ""

    def _keep(self, place: Place) -> Place:
        """Where it stands, into the ledger; inside the transaction of the piece."""
        self._ledger.cursors.note_sweep(self.name, place.to_json())
        return place


class Reconcile(_Sweeping):
    """Every record against what is kept of it: what changed unnoticed, was never seen, or is gone is drift."""

    name = RECONCILE
    counts_drift = True

    def __init__(self, session: Session, report: Report, pull: Pull) -> None:
        super().__init__(session, report, pull)
        self.every = session.settings.reconcile

    def size(self) -> int | None:
        """As many as are known."""
        return sum(self._ledger.mirror.count(kind) for kind in self._session.kinds())

    def pieces(self, place: Place) -> Iterator[Place]:
        """Kind by kind: the list, then those it did not show."""
        for kind, after in self._kinds_from(place):
            if not (place.asking and kind == place.kind):
                place = replace(place, kind=kind, after=after, asking=False)
                pages = self._crm.scan(kind, self._session.fields.properties(kind), after=after or None, alone=True)
                for group in in_groups(pages, RECORDS, weight):
                    place = self._compare(kind, group, place)
                    yield place
            place = place if place.asking else replace(place, after="", asking=True)
            while missed := self._ledger.mirror.missed_by_scan(kind, place.run, place.after, RECORDS):
                place = self._ask_after(kind, missed, place)
                yield place

    def _compare(self, kind: str, group: Sequence[Page], place: Place) -> Place:
        records, mark = [record for page in group for record in page.records], group[-1].mark
        now, before = self._session.now(), self._report.drift
        read_at = now - timedelta(seconds=max(page.age for page in group))
        self._report.warnings += [page.warning for page in group if page.warning]
        told_until = self._ledger.cursors.told_until(kind)
        differing = self._differing(kind, records)
        chosen = [one for one in records if one.id in differing]
        if chosen:
            self._pull.keep(kind, chosen, read_at, told_until=told_until)
        same = [one.id for one in records if one.id not in differing]
        with self._ledger.transaction():
            self._session.still_mine()
            self._ledger.mirror.touch(kind, same, read_at, self._report.run)
            if mark is None and not marks.is_complete(self._session, kind, group[-1].short):
                marks.scan_again(self._session, kind, group[-1].short)
                self._report.incomplete.append(kind)
            return self._keep(
                replace(
                    place,
                    at=now,
                    after=mark or "",
                    asking=mark is None,
                    done=place.done + len(records),
                    drift=place.drift + self._report.drift - before,
                )
            )

    def _differing(self, kind: str, records: Sequence[Record]) -> set[str]:
        """Those that are not as kept, or list somebody merged into them of whom we know on their own. What nobody can
        read is rejected already, and stays so until it changes."""
        seen, _ = self._pull.keeping.seen(kind, records)
        differing = {one.seen.id for one in self._ledger.mirror.news(kind, seen)}
        return differing | self._pull.keeping.merges_in(kind, records)

    def _ask_after(self, kind: str, missed: Sequence[str], place: Place) -> Place:
        """By growing ids: whoever answers in a way that settles nothing is not asked after again."""
        gone = self._pull.read(kind, missed)
        self._report.drift += gone
        with self._ledger.transaction():
            self._session.still_mine()
            return self._keep(replace(place, at=self._session.now(), after=missed[-1], drift=place.drift + gone))


class Associations(_Sweeping):
    """The links of every contact, which change without either record being touched."""

    name = ASSOCIATIONS

    def __init__(self, session: Session, report: Report, pull: Pull) -> None:
        super().__init__(session, report, pull)
        self.every = session.settings.associations

    def size(self) -> int | None:
        """All contacts."""
        return self._ledger.mirror.count("contact")

    def pieces(self, place: Place) -> Iterator[Place]:
        """By contact id; a thousand of them take one call for each kind of record they may be linked to."""
        used = [kind for kind in KINDS if kind != "contact" and kind in self._session.kinds()]
        while used and (ids := self._ledger.mirror.contacts(place.after, RECORDS)):
            links = {to: self._crm.links("contact", ids, to) for to in used}
            with self._ledger.transaction():
                self._session.still_mine()
                self._pull.keeping.relink("contact", links)
                done = place.done + len(ids)
                place = self._keep(replace(place, at=self._session.now(), kind="contact", after=ids[-1], done=done))
            self._pull.read_strangers(links)
            yield place


class Archived(_Sweeping):
    """The bin: the list of archived records, which has no order in time and must be gone through."""

    name = ARCHIVED
    most = 10

    def __init__(self, session: Session, report: Report, pull: Pull) -> None:
        super().__init__(session, report, pull)
        self.every = session.settings.archived

    def size(self) -> int | None:
        """Nobody knows before having looked."""
        return None

    def pieces(self, place: Place) -> Iterator[Place]:
        """Kind by kind. Whoever lies in the bin and is alive to us is asked after: it may have been taken out again."""
        for kind, after in self._kinds_from(place):
            if place.asking and kind == place.kind:
                continue
            place = replace(place, kind=kind, after=after, asking=False)
            pages = self._crm.scan(kind, (), after=after or None, archived=True)
            for group in in_groups(pages, RECORDS, weight):
                ids = [record.id for page in group for record in page.records]
                alive = self._ledger.mirror.alive(kind, ids)
                if alive:
                    self._pull.read(kind, sorted(alive))
                with self._ledger.transaction():
                    self._session.still_mine()
                    mark, done = group[-1].mark, place.done + len(ids)
                    place = replace(
                        place, at=self._session.now(), after=mark or place.after, asking=mark is None, done=done
                    )
                    self._keep(place)
                yield place
