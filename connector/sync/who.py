"""
Who set a value that is not ours: asked of the CRM's history, for those alone whose value differs from our last write.

An integration's entry may be our own: after a ledger was restored from a backup, or where another process writes with
the same token. What our token leaves in a history is learned, not configured: a source that wrote what we wrote, when
we wrote it, is us.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

import orjson

from connector.crm import PropertyVersion
from connector.errors import CrmError, Denied
from connector.fields.places import place_of
from connector.ledger.work import WRITTEN
from connector.ledger.writers import id_of
from connector.sync import parts
from connector.sync.session import Order, Report, Session

#: Verbs that only ask, and make no call.
ASKING = ("explain", "report")

#: Between the end of a write by our clock and its entry in the history by the CRM's.
CLOSE = timedelta(minutes=15)

#: People looked up in the ledger before a source is taken for somebody else's, in one run.
TRIES = 20

Versions = Sequence[PropertyVersion]


class Who:
    """Asks for one run."""

    def __init__(self, session: Session, order: Order, report: Report) -> None:
        self._session = session
        self._order = order
        self._report = report
        self._ledger = session.ledger
        self._own: frozenset[str] | None = None
        self._tried: Counter[str] = Counter()

    def histories(self, wanted: Mapping[str, Collection[str]]) -> Mapping[str, Mapping[str, Versions]]:
        """The versions at these places (id -> places), newest first; nothing where the CRM does not tell."""
        if not wanted or self._order.verb in ASKING:
            return {}
        try:
            return parts.history(self._session.crm, wanted)
        except Denied:
            raise
        except CrmError as error:
            names = sorted({place_of(name).property for those in wanted.values() for name in those})
            self._report.warnings.append(f"who changed {', '.join(names)} could not be read: {error}")
            return {}

    def is_us(self, id: str, name: str, versions: Versions) -> bool:
        """Whether the newest entry is our own token's."""
        newest = versions[0] if versions else None
        if newest is None or newest.by != "integration" or not id_of(newest.source):
            return False  # one that gives no number is called what any other is called
        if newest.source in self._known():
            return True
        earlier = [one for one in versions[1:] if one.source == newest.source]
        if not earlier or self._tried[newest.source] >= TRIES:
            return False
        self._tried[newest.source] += 1
        if newest.source not in self._sources_of_ours(id, name, versions):
            return False
        self._learn(newest.source)
        return True

    def _known(self) -> frozenset[str]:
        if self._own is None:
            self._own = frozenset(orjson.loads(self._ledger.cursors.of("own sources") or "[]"))
        return self._own

    def _sources_of_ours(self, id: str, name: str, versions: Versions) -> set[str]:
        """What the history calls whoever made the writes that the ledger remembers: of each, the one that the value
        came in by. Whoever set it again a moment later may be an echo."""
        ours = [
            (one.at, after)
            for one in self._ledger.work.changes_of(id)
            if one.state == WRITTEN and one.at is not None
            for _field, property, _before, after in one.body["sets"]
            if property == name
        ]
        alike = (
            [one for one in versions if (one.value or "") == after and abs(one.at - at) <= CLOSE] for at, after in ours
        )
        return {min(those, key=lambda one: one.at).source for those in alike if those}

    def _learn(self, source: str) -> None:
        self._own = self._known() | {source}
        self._ledger.cursors.move("own sources", orjson.dumps(sorted(self._own)).decode())


def newest_of(versions: Versions, live: str) -> PropertyVersion | None:
    """The entry that this value came in by; the newest one, where the history has moved on or spells it differently."""
    return next((one for one in versions if (one.value or "") == live), versions[0] if versions else None)
