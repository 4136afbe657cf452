"""
What was refused is not tried again in every run: only when something about it changes, or when its time has come.

A refusal is of certain properties with certain values (or of a hand-off's task). As long as the decision wants the
very same again, a property that only tells (a persona, a score) is left out and the rest is written, and a person
whose route was refused stands back as a whole: the track stays, its facts stay unused (DESIGN section 6). What could
not even be read is kept out of every decision until it can.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connector.ledger.rejects import UNNAMED, Reject
from connector.plan import ROUTE, SHOWN_SCORES, Change, Set, leaving_out
from connector.sync.handoff import marker
from connector.sync.pull import Pull
from connector.sync.session import Session

#: What a reject calls the task of a hand-off.
TASK = "task"


@dataclass(frozen=True, slots=True)
class Remainder:
    """What quarantine leaves of a wanted change: the rest of it, the properties left out, or nothing at all."""

    change: Change | None
    left_out: tuple[str, ...] = ()
    stands_back: bool = False


class Quarantine:
    """Rejects as one run meets them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ledger = session.ledger
        self._rules = session.agreement.write_back.rules

    def call_back(self, pull: Pull) -> None:
        """Before looking: whoever is worth another try is looked at, and what could not be read is read anew."""
        now = self._session.now()
        due = self._ledger.rejects.due(self._session.rejected_under, now)
        unread: dict[str, list[str]] = {}
        for one in due:
            if one.unreadable:
                unread.setdefault(one.kind, []).append(one.id)
        for kind, ids in unread.items():
            pull.read(kind, ids)
        self._ledger.mirror.mark_dirty([one.id for one in due if one.kind == "contact" and not one.unreadable])

    def of(self, ids: Sequence[str]) -> dict[str, Reject]:
        """The rejects among these people that still hold."""
        now, under = self._session.now(), self._session.rejected_under
        found = self._ledger.rejects.of("contact", ids)
        return {id: one for id, one in found.items() if one.unreadable or not one.is_over(under, now)}

    def remainder(self, reject: Reject | None, change: Change | None) -> Remainder:
        """What may be written of a change although something of this person was refused before."""
        if reject is None or change is None or not reject.properties:
            return Remainder(change)
        wanted = self.digests(change)
        still = tuple(name for name, digest in reject.properties.items() if wanted.get(name) == digest)
        if not reject.whole:
            return Remainder(leaving_out(change, still, self._rules) if still else change, still)
        stands_back = len(still) == len(reject.names) if UNNAMED in reject.properties else bool(still)
        return Remainder(None, (), True) if stands_back else Remainder(change)

    def digests(self, change: Change, names: Iterable[str] | None = None) -> dict[str, str]:
        """What of a change can be refused, each with the digest of what was wanted; all of it or these."""
        found = {one.property: _digest(one.property, one.after) for one in change.sets}
        if change.tasks:
            marks = sorted(marker(self._session.account, draft) for draft in change.tasks)
            found[TASK] = _digest(TASK, *marks)
        return found if names is None else {name: found[name] for name in names if name in found}

    def reject(self, change: Change, code: str, message: str, names: Sequence[str]) -> Reject:
        """The reject to keep of a change: of the properties that the CRM named; else of the route, which stays the same
        while scores age and clocks are set anew, or of what does not age."""
        refused = self.digests(change, names)
        whole = not refused or TASK in refused or not only_tells(one for one in change.sets if one.property in refused)
        if not refused:
            route = [one.property for one in change.sets if one.field in ROUTE] + [TASK] * bool(change.tasks)
            lasting = route or [one.property for one in change.sets if one.field not in SHOWN_SCORES]
            refused = {**self.digests(change, lasting or None), UNNAMED: ""}
        return Reject("contact", change.person_id, code, message, refused, whole, self._session.rejected_under)


def only_tells(sets: Iterable[Set]) -> bool:
    """Whether these properties say something and decide nothing, so that the others may be written without them."""
    return all(one.field not in ROUTE for one in sets)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
