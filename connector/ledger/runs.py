"""
Runs, the lease, pauses and the schedule: what was done when, who may write, and when.

A lease is a promise with an end: its fence number grows with every taker, and every transaction of a run begins by
checking that the fence is still its own, so that a run which slept through its lease cannot write over its
successor's work. Two runs are two, whatever they are called: the name on a lease only tells people who works.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.errors import Busy
from connector.ledger.cursors import Cursors
from connector.ledger.database import Database, instant, pack, stamp, unpack
from connector.ledger.tables import connections, cursors, runs
from connector.model import ALWAYS

LEASE = timedelta(minutes=5)

#: What is asked at every step, put together once.
_CONNECTION = sa.select(connections).where(connections.c.connection == sa.bindparam("me"))
_RENEWAL = (
    sa.update(connections)
    .where(connections.c.connection == sa.bindparam("me"), connections.c.fence == sa.bindparam("held"))
    .values(lease_until=sa.bindparam("until"))
)


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run as the ledger keeps it; `report` is the object `--output json` prints."""

    number: int
    verb: str
    mode: str
    status: str
    as_of: datetime
    started_at: datetime
    finished_at: datetime | None
    fingerprint: str
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """What we know of the connection itself."""

    account: str | None = None
    confirmed_at: datetime | None = None
    circumstances: str | None = None
    reads: Mapping[str, list[str]] | None = None
    described: Mapping[str, Any] | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = None
    fence: int = 0
    observed_since: datetime | None = None
    pause: Pause | None = None
    schedule: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Somebody stopped a connection's writes; `until` None: until somebody resumes."""

    since: datetime
    until: datetime | None
    reason: str

    def __str__(self) -> str:
        end = f"until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else "until somebody resumes it"
        return f"paused {end}" + (f" ({self.reason})" if self.reason else "")


class Runs:
    """Runs of one connection."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection
        self._cursors = Cursors(database, connection)

    # -- the connection -----------------------------------------------------------------------------

    def connection(self) -> ConnectionRow:
        """What we know of the connection; blank at first sight."""
        row = self._db.row(_CONNECTION, {"me": self._me})
        if row is None:
            return ConnectionRow()
        return ConnectionRow(
            row.account,
            instant(row.confirmed_at),
            row.circumstances,
            unpack(row.reads),
            unpack(row.described),
            row.lease_owner,
            instant(row.lease_until),
            row.fence,
            instant(row.observed_since),
            _pause(row),
            unpack(row.schedule),
        )

    def confirm(self, account: str, at: datetime) -> None:
        """A person agreed to the first run against this account."""
        self._db.upsert(connections, [{"connection": self._me, "account": account, "confirmed_at": stamp(at)}])

    def note_circumstances(self, circumstances: str) -> None:
        """Everybody has been looked at, or marked for it, under these."""
        self._db.upsert(connections, [{"connection": self._me, "circumstances": circumstances}])

    def note_reads(self, reads: Mapping[str, list[str]], read_as: Mapping[str, list[str]]) -> None:
        """Of every record of a kind these properties have been read, in these ways."""
        with self._db.transaction():
            self._db.upsert(connections, [{"connection": self._me, "reads": pack(dict(reads))}])
            self._cursors.move("read as", pack(dict(read_as)).decode())

    def read_as(self) -> Mapping[str, list[str]] | None:
        """Kind -> in which ways its properties were read; None of a ledger of before this was kept."""
        kept = self._cursors.of("read as")
        return None if kept is None else unpack(kept.encode())

    def note_described(self, described: Mapping[str, Any]) -> None:
        """What the account looked like last, for verbs that make no call."""
        self._db.upsert(connections, [{"connection": self._me, "described": pack(dict(described))}])

    def observe_since(self, at: datetime) -> None:
        """From now on this connection observes: history before this instant is taken as given."""
        self._db.upsert(connections, [{"connection": self._me, "observed_since": stamp(at)}])

    def note_schedule(self, schedule: Mapping[str, Any]) -> None:
        """What the daemon says of this connection: when it runs next, who the daemon is, what it missed."""
        self._db.upsert(connections, [{"connection": self._me, "schedule": pack(dict(schedule))}])

    # -- pauses ---------------------------------------------------------------------------------------

    def pause(self, now: datetime, until: datetime | None, reason: str) -> None:
        """Stop this connection's writes from the next batch on."""
        row = {"paused_at": stamp(now), "paused_until": stamp(until), "pause_reason": reason}
        self._db.upsert(connections, [{"connection": self._me, **row}])

    def resume(self) -> None:
        """Let this connection write again."""
        row = {"paused_at": None, "paused_until": None, "pause_reason": None}
        self._db.upsert(connections, [{"connection": self._me, **row}])

    def paused(self, now: datetime) -> Pause | None:
        """The pause that holds at this instant."""
        mine = sa.select(connections.c.paused_at, connections.c.paused_until, connections.c.pause_reason)
        row = self._db.row(mine.where(connections.c.connection == self._me))
        pause = None if row is None else _pause(row)
        return pause if pause is not None and (pause.until is None or now < pause.until) else None

    # -- the lease ----------------------------------------------------------------------------------

    def take_lease(self, owner: str, now: datetime) -> int:
        """Become the one run that may work on this connection; returns the fence. Raises Busy."""
        with self._db.transaction():
            held = self.connection()
            if held.lease_owner and held.lease_until and held.lease_until > now:
                raise Busy(
                    f"Connection {self._me} is being worked on by {held.lease_owner} until"
                    f" {held.lease_until:%H:%M:%S} UTC. Wait for it to end, or look at `connector status`."
                )
            fence = held.fence + 1
            row = {
                "connection": self._me,
                "lease_owner": owner,
                "lease_until": stamp(now + LEASE),
                "fence": fence,
            }
            self._db.upsert(connections, [row])
            return fence

    def renew_lease(self, fence: int, now: datetime) -> None:
        """Still here. Raises Busy when somebody else took over meanwhile; then nothing more may be written."""
        if not self._db.execute(_RENEWAL, [self._renewed(fence, now)]):
            raise self._taken_over()

    def renew_lease_apart(self, fence: int, now: datetime) -> None:
        """The same from another thread than the one that works, whatever that one has under way. Raises Busy."""
        with self._db.apart() as connection:
            if not connection.execute(_RENEWAL, self._renewed(fence, now)).rowcount:
                raise self._taken_over()

    def _renewed(self, fence: int, now: datetime) -> dict[str, Any]:
        return {"me": self._me, "held": fence, "until": stamp(now + LEASE)}

    def _taken_over(self) -> Busy:
        return Busy(f"Another run took over connection {self._me}; this one stops without writing more.")

    @contextmanager
    def fenced(self, fence: int) -> Iterator[None]:
        """Inside, no transaction goes through that is not made under this lease: each begins by looking, and no
        other run can take over before it ends. Raises Busy."""
        held = sa.select(connections.c.fence).where(connections.c.connection == self._me).with_for_update(read=True)

        def proof(connection: sa.Connection) -> None:
            if connection.execute(held).scalar() != fence:
                raise self._taken_over()

        with self._db.proving(proof):
            yield

    def drop_lease(self, fence: int) -> None:
        """Done: the next run need not wait."""
        self._db.execute(
            sa.update(connections)
            .where(connections.c.connection == self._me, connections.c.fence == fence)
            .values(lease_owner=None, lease_until=None)
        )

    def change_mode(self, mode: str) -> str | None:
        """Note the mode that runs have; returns the one before where it was another."""
        before = self._cursors.of("mode")
        if before == mode:
            return None
        self._cursors.move("mode", mode)
        return before or ""

    # -- runs ---------------------------------------------------------------------------------------

    def start(self, verb: str, mode: str, as_of: datetime, now: datetime, fingerprint: str) -> int:
        """Open a run; its number orders everything that happens in it. One that never closed was killed."""
        with self._db.transaction():
            self._db.execute(
                sa.update(runs)
                .where(runs.c.connection == self._me, runs.c.status == "running")
                .values(status="interrupted")
            )
            last = sa.select(sa.func.max(runs.c.number)).where(runs.c.connection == self._me)
            number = int(self._db.scalar(last) or 0) + 1
            row = {
                "connection": self._me,
                "number": number,
                "verb": verb,
                "mode": mode,
                "status": "running",
                "as_of": stamp(as_of),
                "started_at": stamp(now),
                "finished_at": None,
                "fingerprint": fingerprint,
                "report": None,
            }
            self._db.upsert(runs, [row])
        return number

    def finish(self, number: int, status: str, now: datetime, report: Mapping[str, Any]) -> None:
        """Close a run with its report."""
        self._db.execute(
            sa.update(runs)
            .where(runs.c.connection == self._me, runs.c.number == number)
            .values(status=status, finished_at=stamp(now), report=pack(dict(report)))
        )

    def find(self, number: int) -> RunRow | None:
        """One run by its number."""
        row = self._db.row(sa.select(runs).where(runs.c.connection == self._me, runs.c.number == number))
        return None if row is None else _run(row)

    def recent(self, limit: int = 20) -> list[RunRow]:
        """The latest runs, newest first."""
        query = sa.select(runs).where(runs.c.connection == self._me).order_by(runs.c.number.desc()).limit(limit)
        return [_run(row) for row in self._db.rows(query)]

    def begun_after(self, number: int, since: datetime) -> datetime | None:
        """When the first of the later runs began that began since then."""
        query = sa.select(sa.func.min(runs.c.started_at)).where(
            runs.c.connection == self._me, runs.c.number > number, runs.c.started_at >= stamp(since)
        )
        return instant(self._db.scalar(query))

    def unfinished_backfill(self) -> RunRow | None:
        """A run over everybody that was interrupted: the next one goes on where it stopped."""
        query = (
            sa.select(runs)
            .where(
                runs.c.connection == self._me,
                runs.c.number
                == sa.select(cursors.c.value.cast(sa.BigInteger))
                .where(cursors.c.connection == self._me, cursors.c.name == "scan")
                .scalar_subquery(),
            )
            .limit(1)
        )
        row = self._db.row(query)
        return None if row is None else _run(row)


def _pause(row: Any) -> Pause | None:
    since = instant(row.paused_at)
    return None if since is None else Pause(since, instant(row.paused_until), row.pause_reason or "")


def _run(row: Any) -> RunRow:
    return RunRow(
        row.number,
        row.verb,
        row.mode,
        row.status,
        instant(row.as_of) or ALWAYS,
        instant(row.started_at) or ALWAYS,
        instant(row.finished_at),
        row.fingerprint,
        unpack(row.report) or {},
    )
