"""
The marks of a full scan: where the incremental read goes on from once it is over.

The mark is taken before the first page, so that edits during the scan are seen by the next run, and it holds only
when the last page is stored: until then an older cursor stays, since the changes between the two are known to nobody
but the scan. A scan that itself comes to a cursor, which tells whatever changed since the scan began, leaves that in
place of the mark. One that is taken up by a later run keeps the mark, the instant and the run of its beginning.

One that fell short of what the CRM counts leaves the cursor where it is, and is made again by the next run. Where that
one falls short by as many, the CRM counts what it will never tell: that is remembered, and holds nothing back.
"""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime

from connector.sync.session import Session


def begin(session: Session, kind: str, run: int) -> None:
    """Before the first page."""
    cursors = session.ledger.cursors
    begun = session.now()
    cursor = session.crm.begin(kind, begun)
    with session.ledger.transaction():
        cursors.move(f"begun:{kind}", begun.isoformat())
        cursors.move(f"mark:{kind}", cursor)
        cursors.move(f"since run:{kind}", str(run))


def end(session: Session, kind: str, run: int, cursor: str | None = None) -> None:
    """After the last page, which may bring a cursor of its own; inside the caller's transaction."""
    cursors = session.ledger.cursors
    begun = datetime.fromisoformat(cursors.of(f"begun:{kind}") or "")
    cursors.drop(f"scan:{kind}")
    cursors.move(f"scanned:{kind}", str(run))
    mark = (
        cursor or cursors.of(f"mark:{kind}") or cursors.of(f"changes:{kind}")
    )  # a scan begun by an earlier version has none
    cursors.move(f"changes:{kind}", mark, begun)
    cursors.move(f"full:{kind}", begun.isoformat())


def is_complete(session: Session, kind: str, short: int) -> bool:
    """Whether a scan told everything, though it fell `short` by so many; inside the caller's transaction."""
    cursors = session.ledger.cursors
    before = cursors.of(f"short:{kind}") or cursors.of(f"overcounted:{kind}")
    if short > int(before or 0):
        return False
    cursors.drop(f"short:{kind}")
    cursors.drop(f"overcounted:{kind}")
    if short:
        cursors.move(f"overcounted:{kind}", str(short))
    return True


def end_short(session: Session, kind: str, run: int, short: int) -> None:
    """After the last page of one that is not complete; inside the caller's transaction."""
    cursors = session.ledger.cursors
    cursors.drop(f"scan:{kind}")
    cursors.move(f"scanned:{kind}", str(run))
    scan_again(session, kind, short)


def scan_again(session: Session, kind: str, short: int) -> None:
    """The next run scans, since the list fell short by so many; inside the caller's transaction."""
    session.ledger.cursors.move(f"short:{kind}", str(short))


def fell_short(session: Session) -> Set[str]:
    """The kinds whose latest scan was not complete: they are to be scanned again."""
    return session.ledger.cursors.those_of("short:").keys()


def began_in(session: Session, kind: str, run: int) -> int:
    """The run in which the latest scan of a kind began: whatever was read before it was not met by the scan."""
    return int(session.ledger.cursors.of(f"since run:{kind}") or run)
