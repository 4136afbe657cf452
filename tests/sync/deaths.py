"""
Every state that a process killed at any moment may leave behind, met in one undisturbed run.

A killed process leaves two things: the files of its ledger, and what the CRM has taken from it. Both change only where
a transaction commits and where the CRM applies something; between two such moments it makes no difference when the
process dies. So one run is watched, both are kept after each change, and each of these states is healed by itself.
That an exception at whatever call or commit leaves one of these very states is a test of its own.
"""

from __future__ import annotations

import hashlib
import pickle
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from connector.ledger import Ledger
from connector.ledger.database import unpack
from connector.ledger.tables import handoffs, transitions
from connector.sync import Order, Report, run
from tests.sync.over_http import OverHttp
from tests.sync.world import World

#: What of a crash is left in the memory CRM.
KEPT = ("_records", "_links", "_occurrences", "writes")


@dataclass(frozen=True)
class State:
    """A ledger and an account at one instant; `tells` says where the process died."""

    ledger: dict[str, bytes]  # suffix of the file -> what is in it
    crm: bytes
    at: datetime
    tells: str = ""


@dataclass
class Life:
    """One world with one ledger, of which any state can be brought back: nothing is built or compiled twice."""

    world: World
    ledger: Ledger
    path: Path = field(init=False)

    def __post_init__(self) -> None:
        self.path = self.world.folder / "state.db"
        sa.event.listen(self.ledger.database._engine, "connect", _unsynced)
        self.ledger.database._engine.dispose()

    def run(self, order: Order | None = None, crm: Any = None) -> Report:
        """One run of this life's connector."""
        opened = self.world.session(self.ledger, crm)
        try:
            return run(opened, order or Order("sync", self.world.clock()))
        finally:
            opened.crm.close()

    # -- keeping and bringing back -----------------------------------------------------------------------------------

    def state(self, tells: str = "") -> State:
        """What is there now."""
        files = {suffix: self._file(suffix).read_bytes() for suffix in ("", "-wal") if self._file(suffix).exists()}
        return State(files, self._crm(), self.world.clock(), tells)

    def back_to(self, state: State) -> None:
        """As it was: the files on disk, and the account."""
        self.ledger.database._engine.dispose()
        for suffix in ("", "-wal", "-shm"):
            self._file(suffix).unlink(missing_ok=True)
        for suffix, content in state.ledger.items():
            self._file(suffix).write_bytes(content)
        self.world.clock.at = state.at
        if isinstance(self.world, OverHttp):
            self.world.running.begin(pickle.loads(state.crm))
            self.world.look_again()
        else:
            for name, value in zip(KEPT, pickle.loads(state.crm), strict=True):
                setattr(self.world.crm, name, value)

    def _file(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def _crm(self) -> bytes:
        if isinstance(self.world, OverHttp):
            return pickle.dumps(self.world.running.world)
        return pickle.dumps([getattr(self.world.crm, name) for name in KEPT])

    def digest(self, *, whichever_run: bool = False) -> str:
        """The state in one word, as far as healing can tell: without the lease, which an exception gives back.
        `whichever_run`: also without which run it was that did what."""
        found = hashlib.sha256(repr(sorted(self.world.state().items())).encode())
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        try:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
            for (table,) in names:
                if not (whichever_run and table in RUNS):
                    left_out = (*LEASE, *RUN) if whichever_run else LEASE
                    found.update(f"{table}{_rows(connection, table, left_out)}".encode())
        finally:
            connection.close()
        return found.hexdigest()

    # -- watching ----------------------------------------------------------------------------------------------------

    def deaths(self, order: Order | None = None) -> list[State]:
        """Run once, undisturbed; every state on the way, the one before the first change and the last one included."""
        states = [self.state("before anything")]
        known = [self.digest()]

        def changed(by: str) -> None:
            digest = self.digest()
            if digest != known[-1]:
                states.append(self.state(f"after {by} ({len(states)})"))
                known.append(digest)

        self.watch(changed, order)
        return states

    def watch(self, changed: Callable[[str], None], order: Order | None = None) -> None:
        """Run once, telling of every commit and every change in the account."""
        with self._commits(changed), self._applied(changed):
            self.run(order)

    @contextmanager
    def _commits(self, changed: Callable[[str], None]) -> Iterator[None]:
        database = self.ledger.database
        original = database.transaction

        @contextmanager
        def watched() -> Iterator[Any]:
            outer = database._connection is None
            with original() as connection:
                yield connection
            if outer:
                changed("a commit")

        database.transaction = watched  # type: ignore[method-assign]  # the seam where a commit happens
        try:
            yield
        finally:
            del database.transaction  # type: ignore[attr-defined]  # back to the class's own

    @contextmanager
    def _applied(self, changed: Callable[[str], None]) -> Iterator[None]:
        """Each change in the account: a record at a time in memory, in whatever order a batch may be applied in."""
        if isinstance(self.world, OverHttp):
            where: Any = self.world.running.door
            names = ["answer"]
        else:
            where, names = self.world.crm, ["_write", "_create_task"]
        for name in names:
            setattr(where, name, _then(getattr(where, name), changed, name.strip("_")))
        try:
            yield
        finally:
            for name in names:
                delattr(where, name)


def _unsynced(connection: Any, _record: Any) -> None:
    """The process dies in these tests, not the machine: the disk need not be waited for."""
    connection.execute("PRAGMA synchronous=OFF")


#: Columns of the lease, and the report, which counts calls; columns and tables that tell which run it was.
LEASE = ("lease_owner", "lease_until", "report")
RUN, RUNS = ("run", "seen", "scan", "number", "fence"), ("runs", "changes")


def _rows(connection: sqlite3.Connection, table: str, left_out: Sequence[str]) -> list[str]:
    cursor = connection.execute(f"SELECT * FROM {table}")
    kept = [place for place, (column, *_) in enumerate(cursor.description) if column not in left_out]
    return sorted(repr([row[place] for place in kept]) for row in cursor)


def _then(call: Callable[..., Any], changed: Callable[[str], None], by: str) -> Callable[..., Any]:
    def called(*arguments: Any) -> Any:
        answer = call(*arguments)
        changed(by)
        return answer

    return called


def log_of(ledger: Ledger) -> tuple[list[Any], list[Any]]:
    """What was learned of every hand-off, and every move, whichever run and minute it was."""
    learned = sorted(
        (row.person_id, row.track_id, row.cycle, _untimed(unpack(row.body)))
        for row in ledger.database.rows(handoffs.select())
    )
    moved = sorted(
        (row.person_id, row.track_id, row.what, row.before or "", row.after or "", row.lead_type)
        for row in ledger.database.rows(transitions.select())
    )
    return learned, moved


def _untimed(body: dict[str, Any]) -> str:
    return str(sorted((name, "" if name.endswith("_at") else value) for name, value in body.items()))
