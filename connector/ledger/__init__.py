"""
The ledger: what the connector saw, did and promised, on SQLite or PostgreSQL.

The CRM is the truth for values; the ledger is the truth for intents, holds, cycles and used facts. Intent commits,
then the call goes out, then the outcome commits with its evidence; no transaction stays open during a call.

    database.py     one engine, one transaction at a time, honest errors
    tables.py       the tables; migrations/ brings an older schema up
    mirror.py       records as the CRM last told them, and who must be looked at again
    links.py        which record hangs on which contact
    occurrences.py  what lists, forms, counters and dates told of contacts
    beside.py       who is on a deal together
    folding.py      merges: the history of a record that became part of another one
    losses.py       values and links that were there and are not any more
    completeness.py how far reading got, as one sentence
    memories.py     what is remembered of one person, and what it comes to where several are one
    people.py       where that is kept: tracks, values written and intended, moves, due times
    work.py         planned changes, open clears
    outbox.py       tasks of hand-offs, sent or about to be
    rejects.py      what could not be read, decided on or written, and when it is tried again
    holds.py        values of others left alone, and how often ours were set back
    writers.py      how we call who set a value
    aside.py        who waits for a review, a place or a time, and the alerts about it
    handoffs.py     every hand-off, and what became of it, as it was learned
    history.py      the moves of everybody, for the reports
    counterparts.py the same people in the other accounts of this state
    conflicts.py    values that others overwrote, people two accounts know
    observing.py    hand-offs that were only observed
    undone.py       values that a revert put back, and that are left alone since
    forgetting.py   who is to be erased, everywhere, and never kept again
    tidying.py      forgetting what nobody will ask for any more
    quota.py        what processes agree on about the CRM's quotas
    runs.py         runs, the lease, pauses, the daemon's schedule
    cursors.py      how far reading and sweeps got
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from connector.ledger.aside import Aside
from connector.ledger.beside import Beside
from connector.ledger.conflicts import Conflicts
from connector.ledger.counterparts import Counterparts
from connector.ledger.cursors import Cursors
from connector.ledger.database import Database
from connector.ledger.folding import Folding
from connector.ledger.forgetting import Forgetting, Forgotten
from connector.ledger.handoffs import HandOffs
from connector.ledger.history import History
from connector.ledger.holds import Holds, Reversals
from connector.ledger.losses import Losses
from connector.ledger.mirror import Mirror
from connector.ledger.observing import Observations
from connector.ledger.outbox import Outbox
from connector.ledger.people import People
from connector.ledger.quota import facts_of
from connector.ledger.rejects import Rejects
from connector.ledger.runs import Runs
from connector.ledger.tables import people, shadows
from connector.ledger.tidying import tidy
from connector.ledger.undone import UndoneParts
from connector.ledger.work import Work


class Ledger:
    """All state of one connection, in rooms on one database. `shadows` remember people while only observing."""

    def __init__(self, database: Database, connection: str) -> None:
        self.database = database
        self.connection = connection
        self.forgotten = Forgotten(database, connection)
        self.mirror = Mirror(database, connection, self.forgotten)
        self.beside = Beside(database, connection)
        self.people = People(database, connection, people)
        self.shadows = People(database, connection, shadows)
        self.hand_offs = HandOffs(database, connection)
        self.conflicts = Conflicts(database, connection)
        self.counterparts = Counterparts(database, connection)
        self.history = History(database, connection)
        self.work = Work(database, connection)
        self.outbox = Outbox(database, connection)
        self.rejects = Rejects(database, connection)
        self.holds = Holds(database, connection)
        self.reversals = Reversals(database, connection)
        self.aside = Aside(database, connection)
        self.observations = Observations(database, connection)
        self.undone = UndoneParts(database, connection)
        self.runs = Runs(database, connection)
        self.cursors = Cursors(database, connection)
        self.losses = Losses(database, connection)
        self.folding = Folding(
            database,
            connection,
            self.mirror,
            (self.people, self.shadows),
            self.observations,
            self.holds,
            self.reversals,
        )
        self.forgetting = Forgetting(database, connection, self.forgotten, self.mirror, self.folding)

    def quota(self, pool: str) -> dict[str, Any]:
        """What is known of one of the CRM's quotas, which connections may share."""
        return facts_of(self.database, pool)

    def tidy(self, before: datetime) -> None:
        """Forget what is older than this and of no use any more."""
        tidy(self.database, self.connection, before)

    def begin_run(self, verb: str, mode: str, as_of: datetime, now: datetime, fingerprint: str) -> int:
        """Open a run; what the one before it had under way when it died counts as written until it is known better."""
        with self.transaction():
            number = self.runs.start(verb, mode, as_of, now, fingerprint)
            self.work.note_cut_off(number - 1, now)
        return number

    def let_go(self, id: str, names: Sequence[str]) -> None:
        """Hold nothing in these properties of this person any more: what stands there now is not measured against what
        we wrote, quarrels over it are forgotten, and the next run writes what was agreed. A decision that was undone,
        and left one of these values, is taken again."""
        with self.transaction():
            undone = self.undone.of([id]).get(id)
            if undone is not None and (not names or not undone.values.keys().isdisjoint(names)):
                names = tuple(dict.fromkeys((*names, *undone.values)))
                self.people.step_back(id, undone.tracks)
                self.undone.drop([id])
            keys = [(id, name) for name in names]
            self.people.forget_base(id, names)
            self.holds.drop(keys)
            self.reversals.forget(keys)
            self.mirror.mark_dirty([id])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside commits together or not at all."""
        with self.database.transaction():
            yield


def open_ledger(url: str, connection: str) -> Ledger:
    """Open (and create or upgrade) the state behind `url`. Raises LedgerError with what to do."""
    return Ledger(Database(url), connection)


__all__ = ["Aside", "Database", "Ledger", "Mirror", "Observations", "People", "Runs", "Work", "open_ledger"]
