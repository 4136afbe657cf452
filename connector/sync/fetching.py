"""
What the CRM says: records by their ids, and what belongs to them and stands elsewhere.

Touches no state of ours, so that any thread may ask ahead of the one that keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from connector.crm import ACTIVITIES
from connector.model import Link, Occurrence, Record
from connector.sync.session import Session

#: Kind of the linked records -> record -> its links.
Links = Mapping[str, Mapping[str, Sequence[Link]]]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What belongs to some records and was read beside them: links by kind and id, and steps of their counters."""

    links: Links
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


class Fetching:
    """One run's questions. `with_history`: past steps of counters are asked for as well."""

    def __init__(self, session: Session, *, with_history: bool = False) -> None:
        self._session = session
        self._crm = session.crm
        self._with_history = with_history

    def fetch(self, kind: str, ids: Sequence[str]) -> Fetched:
        """What these records hold now, and what belongs to them."""
        asked_at = self._session.now()
        records = tuple(self._answers(kind, ids))
        gathered = self.gather(kind, [record.id for record in records if not record.archived])
        return Fetched(asked_at, frozenset(ids), records, gathered)

    def gather(self, kind: str, ids: Sequence[str]) -> Gathered:
        """What belongs to these records and stands elsewhere in the CRM."""
        links = {to: self._crm.links(kind, ids, to) for to in self._linked_kinds(kind)} if ids else {}
        steps = self._steps(ids) if kind == "contact" and self._with_history else []
        return Gathered(links, steps)

    def _answers(self, kind: str, ids: Sequence[str]) -> list[Record]:
        """The records that answer. An answer may pass over a record in silence, and to be taken for deleted is no small
        thing: whoever is missing is asked for twice."""
        properties = self._session.fields.properties(kind)
        records = list(self._crm.read(kind, ids, properties))
        answered = {record.id for record in records} | {id for record in records for id in record.merged_ids}
        if missing := [id for id in ids if id not in answered]:
            records += self._crm.read(kind, missing, properties)
        return records

    def _linked_kinds(self, kind: str) -> tuple[str, ...]:
        used = self._session.kinds()
        if kind == "contact":
            return tuple(to for to in ("company", "deal", "lead") if to in used)
        return ("contact",) if kind in ("deal", "lead", *ACTIVITIES) else ()

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
