"""
Merges as they are met while reading: whoever lists merged ids takes their history over, once (G9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connector.decide.walk import Stages
from connector.ledger.folding import GoingOn
from connector.model import Occurrence, Record
from connector.sync.colleagues import Colleagues
from connector.sync.session import Report, Session

Merged = Mapping[str, tuple[str, ...]]


class Merging:
    """One run's merges."""

    def __init__(self, session: Session, report: Report, colleagues: Colleagues) -> None:
        self._session = session
        self._report = report
        self._ledger = session.ledger
        self._colleagues = colleagues
        mapped = session.fields.leads.properties_mapped
        self._leads = GoingOn(mapped, Stages(session.agreement.stages).level) if mapped else None

    def pending(self, kind: str, records: Sequence[Record]) -> Merged:
        """Survivor -> those merged into it whose history is still their own."""
        return self._ledger.folding.pending(kind, {one.id: one.merged_ids for one in records if one.merged_ids})

    def fold(self, kind: str, records: Sequence[Record], merged: Merged) -> None:
        """Inside the transaction that stores the survivors."""
        for record in records:
            losers = merged.get(record.id, ())
            if losers:
                self._ledger.folding.fold(
                    kind,
                    record.id,
                    losers,
                    live=record.properties if kind == "contact" else {},
                    as_of=self._report.as_of,
                    now=self._session.now(),
                    run=self._report.run,
                    leads=self._leads,
                )
                self._colleagues.left(kind, losers)

    def told_of_survivors(self, found: Sequence[Occurrence]) -> list[Occurrence]:
        """What lists and forms tell of somebody who became part of another is that other's, and told once: the other
        may have come to the same membership by the merge."""
        folding = self._ledger.folding
        ids = sorted({one.person_id for one in found if one.person_id})
        gone = folding.lives_on_in("contact", ids)
        own = [
            replace(one, person_id=gone.get(one.person_id, one.person_id)) if one.person_id else one for one in found
        ]
        known = self._ledger.mirror.occurrences.dated(folding.with_losers("contact", sorted({*ids, *gone.values()})))
        return [one for one in own if (one.source, one.person_id, one.at) not in known]
