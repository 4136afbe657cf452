"""
What a run remembers of refusals: who stands back, which properties are left out, who is fine again, and what is told
when they become many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from connector.codes import meaning_of
from connector.ledger.rejects import Reject
from connector.log import get_logger
from connector.plan import from_json
from connector.sync.quarantine import TASK, Quarantine
from connector.sync.session import Report, Session

if TYPE_CHECKING:
    from connector.sync.look import Looked
    from connector.sync.results import Result


#: Records set aside under one code from which on somebody is told, once. It is over when half of them are left.
MANY = 50

#: How the keys of these alerts begin.
ALERT = "rejects"

log = get_logger("connector.sync")


class Mending:
    """Keeping and releasing rejects, for one run. Everything here happens inside the caller's transaction, or in one
    of its own."""

    def __init__(self, session: Session, report: Report) -> None:
        self._session = session
        self._report = report
        self._ledger = session.ledger
        self._quarantine = Quarantine(session)

    # -- looking ----------------------------------------------------------------------------------------------------

    def put_by(self, ids: Sequence[str]) -> None:
        """Nobody need look at these until something about them changes, or their reject is due; no clock wakes them."""
        with self._ledger.transaction():
            self._ledger.mirror.settle(ids)
            self._ledger.aside.drop(ids)
            self._session.memory.look_again(dict.fromkeys(ids, (None, None)))

    def undecidable(self, person_id: str, message: str) -> None:
        """One person's data the agreement cannot digest."""
        reject = Reject("contact", person_id, "undecidable", message, fingerprint=self._session.rejected_under)
        with self._ledger.transaction():
            self._ledger.rejects.keep([reject], self._report.run, self._session.now())
            self.put_by([person_id])

    def stand_back(self, refused: Sequence[Looked]) -> None:
        """What the CRM refused before it would refuse again: track and facts stay, and their time is set anew."""
        self.put_by([one.person.id for one in refused])
        self._session.memory.look_again(
            {one.person.id: (one.decision.route_next_at, one.decision.score_next_at) for one in refused}
        )

    def fine(self, looked: Sequence[Looked]) -> None:
        """Whoever needs no write has nothing refused any more, save the properties that were left out."""
        self._ledger.rejects.release("contact", [one.person.id for one in looked if not one.left_out])
        self._ledger.rejects.narrow({one.person.id: one.left_out for one in looked if one.left_out})

    # -- writing ----------------------------------------------------------------------------------------------------

    def refused(self, results: Sequence[Result], now: datetime) -> None:
        """Kept with what was refused, and out of the way until something about it changes."""
        rows = [self._reject(result) for result in results]
        self._ledger.rejects.keep(rows, self._report.run, now)
        self._ledger.mirror.settle([one.id for one in rows])
        self._ledger.people.look_again(
            {one.change.person_id: (_after(one, "route_next_at"), _after(one, "score_next_at")) for one in results}
        )

    def written(self, results: Sequence[Result], now: datetime) -> None:
        """Whoever was written has nothing refused any more, save the properties that had to be left out."""
        less = {one.change.person_id: tuple(one.planned.body.get("left_out", ())) for one in results}
        rows = [self._reject(one) for one in results if one.refused]
        before = self._ledger.rejects.of("contact", [one.id for one in rows])
        kept = [replace(one, properties={**_still(before.get(one.id), less[one.id]), **one.properties}) for one in rows]
        self._ledger.rejects.keep(kept, self._report.run, now)
        again = {one.id for one in rows}
        self._ledger.rejects.release("contact", [id for id, names in less.items() if not names and id not in again])
        self._ledger.rejects.narrow({id: names for id, names in less.items() if names and id not in again})

    # -- telling ----------------------------------------------------------------------------------------------------

    def tell(self, by_code: Mapping[str, int], now: datetime) -> None:
        """Single rejects are everyday life; many of one code are one mistake, which somebody should mend."""
        before = {one.key for one in self._ledger.aside.open_alerts() if one.key.startswith(f"{ALERT}:")}
        many = {
            f"{ALERT}:{code}": (code, number)
            for code, number in by_code.items()
            if number >= (MANY // 2 if f"{ALERT}:{code}" in before else MANY)
        }
        if not many and not before:
            return
        with self._ledger.transaction():
            for key, (code, number) in many.items():
                said = f"{number:,} records are set aside, {code}: {meaning_of(code)} See: connector rejects"
                if self._ledger.aside.alert(key, said, number, self._report.run, now):
                    self._report.alerts.append(said)
                    log.warning("many records are set aside", code=code, records=number, run=self._report.run)
            self._ledger.aside.close_alerts(list(many), now, codes=(ALERT,))

    def _reject(self, result: Result) -> Reject:
        names = (TASK,) if result.stands and result.state == "rejected" else result.refused
        change = from_json(result.planned.body)  # as it was wanted, with what was left out of it
        return self._quarantine.reject(change, result.code, result.message, names)


def _still(before: Reject | None, names: Sequence[str]) -> dict[str, str]:
    """What was refused before and has not been sent this time."""
    return {name: before.properties[name] for name in names if name in before.properties} if before else {}


def _after(result: Result, name: str) -> datetime | None:
    text = result.planned.body["after"][name]
    return None if text is None else datetime.fromisoformat(text)
