"""
Setting an earlier lifecycle stage on a CRM whose stage only moves forward (G5).

Write, read back; if it did not take: remember the intents, clear, read back, set, read back, each a request of its own
for as many people as a batch takes, and never two of them for one person in one batch. Who is cleared is set before
anybody else is cleared. Between clear and set these
people have no stage, so the intents are in the ledger before the clear, and every run finishes open clears before any
other work. A value that is neither blank nor the target belongs to somebody who acted meanwhile: hands off, decide
again. One that is the old value again, although it was cleared, was set back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connector.crm import Outcome, Update, accounting
from connector.ledger.work import OpenClear
from connector.plan import Set
from connector.sync.session import Report, Session

#: How a clear can end: the target stands, or not, and why.
STANDS, BLANK, MOVED, SET_BACK, GONE = "stands", "blank", "moved", "set back", "gone"
REFUSED, PUT_OFF = "refused", "put off"

#: People who stand blank at the same moment, at most: as many as one call takes, so that it costs no call more.
AT_ONCE = 100

#: Where it is remembered which kind of account this is, as met last.
MANNER = "stage moves"
FORWARD_ONLY, ANY_WAY = "forward only", "any way"


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of one clear; `code` and `message` of a refusal, or of why it was put off."""

    how: str
    code: str = ""
    message: str = ""


class Backwards:
    """Clear-then-set for one run."""

    def __init__(self, session: Session, report: Report) -> None:
        self._session = session
        self._report = report
        self._work = session.ledger.work

    # -- which kind of account this is ------------------------------------------------------------------------------

    def met(self, manner: str) -> None:
        """The account let a stage go back, or did not: remembered, and looked at anew with every write, for an account
        may be changed at any moment."""
        if self._session.ledger.cursors.of(MANNER) != manner:
            self._session.ledger.cursors.move(MANNER, manner)

    def leaves_blank(self) -> bool:
        """Whether going back means to stand blank for a moment: as this account has shown, else as its CRM is known."""
        usual = ANY_WAY if self._session.settings.stages_go_back else FORWARD_ONLY
        return (self._session.ledger.cursors.of(MANNER) or usual) != ANY_WAY

    # -- clear, then set --------------------------------------------------------------------------------------------

    def clear_then_set(self, wanted: Mapping[str, Set]) -> dict[str, Ending]:
        """Empty the property of these people and set it: person id -> what became of it."""
        clears = [OpenClear(id, one.property, one.before, one.after) for id, one in wanted.items()]
        endings: dict[str, Ending] = {}
        for start in range(0, len(clears), AT_ONCE):
            endings |= self._clear_then_set(clears[start : start + AT_ONCE])
        return endings

    def _clear_then_set(self, clears: Sequence[OpenClear]) -> dict[str, Ending]:
        with self._session.ledger.transaction():
            self._session.still_mine()
            for one in clears:
                self._work.open_clear(one, self._report.run, self._session.now())
        endings = self._not_begun(clears, self._write(clears, blank=True))
        return endings | self.finish([one for one in clears if one.person_id not in endings])

    def finish(self, clears: Sequence[OpenClear]) -> dict[str, Ending]:
        """Bring open clears to their end, whatever stands there now, before any other call where calls are scarce. What
        is still blank then stays open."""
        with self._session.calling_as("webhook"):
            live = self._live(clears)
            blank = [one for one in clears if live.get(one.person_id) == ""]
            endings = self._finished(blank, live)
        return endings | self._anew([one for one in clears if one not in blank], live)

    def _anew(self, clears: Sequence[OpenClear], live: dict[str, str]) -> dict[str, Ending]:
        """Where a clear never arrived it is sent again, for without it the target cannot be set; not with the calls
        that are kept to end what was begun."""
        unsent = [one for one in clears if live.get(one.person_id) == one.before != one.target]
        endings = self._not_begun(unsent, self._write(unsent, blank=True))
        with self._session.calling_as("webhook"):
            live |= self._live([one for one in unsent if one.person_id not in endings])
            return endings | self._finished([one for one in clears if one.person_id not in endings], live)

    def _finished(self, clears: Sequence[OpenClear], live: dict[str, str]) -> dict[str, Ending]:
        blank = [one for one in clears if live.get(one.person_id) == ""]
        refused = {id: one for id, one in self._write(blank, blank=False).items() if one.state == "rejected"}
        live |= self._live(blank)
        endings = self._restored([one for one in blank if one.person_id in refused], live, refused)
        endings |= {
            one.person_id: _ending(one, live.get(one.person_id)) for one in clears if one.person_id not in endings
        }
        self._close(one for one in clears if not self._stays_open(one, endings[one.person_id]))
        return endings

    def _stays_open(self, one: OpenClear, ending: Ending) -> bool:
        """What is blank, and what belongs to somebody who does not answer: reading tells whether they are deleted, or
        part of another record, which may be blank in their stead."""
        return ending.how == BLANK or (
            ending.how == GONE and bool(self._session.ledger.mirror.alive("contact", [one.person_id]))
        )

    def _restored(
        self, blank: Sequence[OpenClear], live: dict[str, str], refused: Mapping[str, Outcome]
    ) -> dict[str, Ending]:
        """The CRM does not take the target any more: better the stage from before than none."""
        back = [OpenClear(one.person_id, one.property, one.target, one.before) for one in blank]
        self._write(back, blank=False)
        live |= self._live(back)
        return {
            one.person_id: Ending(
                BLANK if live.get(one.person_id) == "" else REFUSED,
                refused[one.person_id].code,
                refused[one.person_id].message,
            )
            for one in blank
        }

    def _not_begun(self, clears: Sequence[OpenClear], unwritten: Mapping[str, Outcome]) -> dict[str, Ending]:
        """The CRM does not let these be cleared, or the request did not go out: nothing happened to them."""
        these = [one for one in clears if one.person_id in unwritten]
        self._close(these)
        hows = {"rejected": REFUSED, "deferred": PUT_OFF}
        outcomes = [unwritten[one.person_id] for one in these]
        return {one.id: Ending(hows[one.state], one.code, one.message) for one in outcomes}

    def _close(self, clears: Iterable[OpenClear]) -> None:
        with self._session.ledger.transaction():
            for one in clears:
                self._work.close_clear(one.person_id, one.property)

    # -- after a run that died --------------------------------------------------------------------------------------

    def finish_open(self) -> None:
        """Before any other work: nobody stays blank because a run died between clear and set."""
        self._finish_those(self._work.open_clears())

    def finish_merged(self) -> None:
        """After reading: those that came over from a record which has become part of another (see Folding)."""
        self._finish_those([clear for clear in self._work.open_clears() if clear.before == ""])

    def _finish_those(self, found: Sequence[OpenClear]) -> None:
        by_property: dict[str, list[OpenClear]] = {}
        for one in found:
            by_property.setdefault(one.property, []).append(one)
        for clears in by_property.values():
            endings = self.finish(clears)
            self._tell(clears, endings)
            self._session.ledger.mirror.mark_dirty(sorted(endings))

    def _tell(self, clears: Sequence[OpenClear], endings: Mapping[str, Ending]) -> None:
        for one in clears:
            how = endings[one.person_id].how
            if how not in (STANDS, GONE, PUT_OFF):
                then = "stands cleared; the next run tries again" if how == BLANK else "is decided anew"
                self._report.warnings.append(
                    f"contact {one.person_id}: {one.property} was cleared to set {one.target} and does not hold it; it"
                    f" {then}"
                )

    # -- calls ------------------------------------------------------------------------------------------------------

    def read(self, ids: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, str | None]]:
        """What the CRM holds of these people right now; who is gone is missing."""
        found = self._session.crm.read("contact", ids, names) if ids else ()
        return {one.id: {name: one.properties.get(name) for name in names} for one in found}

    def _live(self, clears: Sequence[OpenClear]) -> dict[str, str]:
        names = sorted({one.property for one in clears})
        found = self.read([one.person_id for one in clears], names)
        return {one.person_id: found[one.person_id].get(one.property) or "" for one in clears if one.person_id in found}

    def _write(self, clears: Sequence[OpenClear], *, blank: bool) -> dict[str, Outcome]:
        """One request per batch; those whom the CRM refuses, and those for whom none went out. Of all others, what
        stands there is read, not believed."""
        if not clears:
            return {}
        self._session.still_mine()
        updates = [Update(one.person_id, {one.property: "" if blank else one.target}) for one in clears]
        outcomes = accounting.write(self._session.crm, "contact", updates)
        return {one.id: one for one in outcomes if one.state in ("rejected", "deferred")}


def _ending(one: OpenClear, live: str | None) -> Ending:
    if live is None:
        return Ending(GONE)
    if live == one.target:
        return Ending(STANDS)
    if live == "":
        return Ending(BLANK)
    return Ending(SET_BACK if live == one.before else MOVED)
