"""
Setting an earlier lifecycle stage on a CRM whose stage only moves forward (G5).

Write, read back; if it did not take: remember the intent, clear, read back, set, read back, each its own request.
Between clear and set the person has no stage, so the intent is in the ledger before the clear, and every run
finishes open clears before any other work. A value that is neither blank nor the target belongs to somebody who
acted meanwhile: hands off, decide again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from connector.crm import Update, accounting
from connector.errors import Rejected
from connector.ledger.work import OpenClear
from connector.plan import Set
from connector.sync.session import Report, Session


class Backwards:
    """Clear-then-set for one run."""

    def __init__(self, session: Session, report: Report) -> None:
        self._session = session
        self._report = report
        self._work = session.ledger.work

    def read(self, person_id: str, names: Sequence[str]) -> dict[str, str | None]:
        """What the CRM holds right now; empty when the record is gone."""
        for record in self._session.crm.read("contact", [person_id], names):
            return {name: record.properties.get(name) for name in names}
        return {}

    def clear_then_set(self, person_id: str, one: Set) -> bool:
        """Empty the property and set it; True when it holds the wanted value in the end. Raises Rejected, with the
        value of before in its place again, when the CRM takes neither."""
        clear = OpenClear(person_id, one.property, one.before, one.after)
        self._work.open_clear(clear, self._report.run, self._session.now())
        try:
            self._write(person_id, one.property, "")
            return self.finish(clear)
        except Rejected:
            self._put_back(clear)
            raise

    def finish(self, clear: OpenClear) -> bool:
        """Bring one open clear to its end, whatever stands there now. False: somebody acted, decide again."""
        live = self.read(clear.person_id, [clear.property]).get(clear.property) or ""
        if live == clear.before and live != clear.target:
            # The clear never arrived: start it again, since without it the target cannot be set.
            self._write(clear.person_id, clear.property, "")
            live = self.read(clear.person_id, [clear.property]).get(clear.property) or ""
        if live == "":
            self._write(clear.person_id, clear.property, clear.target)
            live = self.read(clear.person_id, [clear.property]).get(clear.property) or ""
        if live == "":
            return False  # stays open: the next run tries again before any other work
        self._work.close_clear(clear.person_id, clear.property)
        return live == clear.target

    def finish_open(self) -> None:
        """Before any other work: nobody stays blank because a run died between clear and set."""
        for clear in self._work.open_clears():
            if not self._exists(clear.person_id):
                self._work.close_clear(clear.person_id, clear.property)
                continue
            try:
                done = self.finish(clear)
            except Rejected:  # nobody else must wait for this one
                self._put_back(clear)
                done = False
            if not done:
                self._report.warnings.append(
                    f"contact {clear.person_id}: {clear.property} was cleared to set {clear.target} and does not hold"
                    " it; it is decided anew"
                )
            self._session.ledger.mirror.mark_dirty([clear.person_id])

    def _put_back(self, clear: OpenClear) -> None:
        """The CRM refuses what we wanted: the value of before is better than none. While even that is refused the
        clear stays open, and every run comes back to it."""
        live = self.read(clear.person_id, [clear.property]).get(clear.property) or ""
        if live == "" and clear.before:
            with suppress(Rejected):
                self._write(clear.person_id, clear.property, clear.before)
            live = self.read(clear.person_id, [clear.property]).get(clear.property) or ""
        if live:
            self._work.close_clear(clear.person_id, clear.property)

    def _exists(self, person_id: str) -> bool:
        return any(True for _ in self._session.crm.read("contact", [person_id], []))

    def _write(self, person_id: str, name: str, value: str) -> None:
        outcome = accounting.write(self._session.crm, "contact", [Update(person_id, {name: value})])[0]
        if outcome.state == "rejected":
            raise Rejected(
                f"contact {person_id}: {name} could not be {'set' if value else 'cleared'}: {outcome.message}",
                code=outcome.code,
            )
