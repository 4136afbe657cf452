"""
A run that reads everybody and dies is taken up where it stopped, by the next one: while reading, deciding or writing.

Until it ends, three cursors of the ledger tell how far it came: which run it is, that its reading is complete, and that
everybody is marked to be looked at. What is taken up is what was read: whatever was planned and not written is decided
anew. A run that was to read other properties than are asked for now is not taken up, nor one whose reading is old.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from connector.ledger.runs import RunRow
from connector.sync.session import Order, Report, Session

if TYPE_CHECKING:
    from connector.sync.pull import Pull

#: Cursors that begin with this speak of an unfinished run over everybody.
SCAN = "scan"

#: For how long a reading that is complete is decided on; after that everybody is read again.
KEEPS = timedelta(days=1)

#: For how long one that stopped half-way may lie before it begins anew: a quota that is spent comes back each day.
LIES = timedelta(days=7)

#: How a run ends that has nothing left to do.
OVER = ("done", "partial", "refused")


def begin(session: Session, run: int) -> None:
    """A run over everybody begins; whatever was left of an earlier one is given up."""
    cursors = session.ledger.cursors
    with session.ledger.transaction():
        cursors.drop(SCAN)
        cursors.move(SCAN, str(run))
        cursors.move(f"{SCAN} of", _asked(session))


def unfinished(session: Session, order: Order) -> RunRow | None:
    """The run over everybody that never ended, if it can be taken up: by one that writes as it did, or does not."""
    cursors = session.ledger.cursors
    found = session.ledger.runs.unfinished_backfill() if cursors.of(f"{SCAN} of") == _asked(session) else None
    if found is not None and (found.verb == "plan") != (order.verb == "plan"):
        return None
    read_at = cursors.of(f"{SCAN} read at")
    if read_at is not None:
        outdated = session.now() - datetime.fromisoformat(read_at) > KEEPS
    else:
        latest = cursors.latest(f"{SCAN}:")
        outdated = latest is not None and session.now() - latest > LIES
    return None if outdated else found


def read_everything(session: Session, order: Order, report: Report, pull: Pull) -> None:
    """Read everybody, unless this run did so in an earlier life; then mark everybody to be looked at, once."""
    cursors, me = session.ledger.cursors, str(report.run)
    if cursors.of(f"{SCAN} read") != me:
        pull.everything()
        with session.ledger.transaction():
            cursors.move(f"{SCAN} read", me)
            cursors.move(f"{SCAN} read at", session.now().isoformat())
    if order.verb == "backfill" and order.within is None and cursors.of(f"{SCAN} marked") != me:
        with session.ledger.transaction():
            session.ledger.mirror.mark_all_dirty()
            cursors.move(f"{SCAN} marked", me)


def end(session: Session, order: Order, report: Report) -> None:
    """A run ended: nothing is left of one over everybody, be it this one or one whose reading this one went on from."""
    cursors = session.ledger.cursors
    mine = cursors.of(SCAN) == str(report.run)  # a run that was refused unsigned has begun none
    read = cursors.of(f"{SCAN} read") is not None
    went_on = read and order.verb == "sync" and not order.due_only and report.status != "refused"
    if report.status in OVER and (mine or went_on):
        cursors.drop(SCAN)


def _asked(session: Session) -> str:
    """Which properties a run reads: what another one asks for cannot be left out of half of the people."""
    kinds = session.agreement.wiring.fields
    return ";".join(f"{kind}:{','.join(sorted(session.fields.properties(kind)))}" for kind in sorted(kinds))
