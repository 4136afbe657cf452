"""A connection under service: when its runs are planned, how its doors open, and what it waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from connector.daemon.notice import Notice
from connector.daemon.schedule import Schedule
from connector.ledger import Ledger
from connector.sync import Session


@dataclass(frozen=True, slots=True)
class Served:
    """A connection to be served: when, and how its doors open."""

    schedule: Schedule
    session: Callable[[], AbstractContextManager[Session]]
    ledger: Callable[[], AbstractContextManager[Ledger]]
    before_backfill: Callable[[Session], None] = lambda session: None  # counts what there is, for a forecast


@dataclass(eq=False, slots=True)
class Line:
    """A connection under service."""

    name: str
    served: Served
    notice: Notice
    at_work: threading.Lock = field(default_factory=threading.Lock)  # held by its one run
    writing: threading.Lock = field(default_factory=threading.Lock)  # held while its notice changes
    due_at: datetime | None = None  # what the due timer is set to


def missed_before(ledger: Ledger, schedule: Schedule, now: datetime) -> int:
    """The runs that were planned by the daemon before this one, and that nobody was there to begin."""
    left = ledger.runs.connection().schedule
    planned = datetime.fromisoformat(left["next_run_at"]) if left and left.get("next_run_at") else now
    return schedule.between(planned, now) if planned < now else 0


def waits_for(session: Session) -> str | None:
    """Signatures under the agreement, and a person's word for the first run that may write; observing needs neither."""
    if (unsigned := session.unsigned()) is not None:
        return unsigned
    if session.mode == "observe" or session.ledger.runs.connection().confirmed_at is not None:
        return None
    name = session.ledger.connection
    return f'a person to agree to the first run in mode "{session.mode}": connector sync --connection {name}'
