"""
A house for the daemon: connections on memory CRMs, one real ledger file, and a clock that only the test moves.

APScheduler is the real one, stepped by hand: at each planned instant the clock is set there and the scheduler looks at
it, its runs done at once in the same thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import time_machine
from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.base import STATE_RUNNING, BaseScheduler

from connector.daemon import Daemon, Schedule, Served
from connector.ledger import Ledger, open_ledger
from connector.ledger.runs import RunRow
from connector.sync import Session
from tests.sync.world import AS_OF, Clock, World, empty_ledger

FIVE_MINUTES = Schedule(every=timedelta(minutes=5))


class Now(Clock):
    """The clock of the machine, which the test has stopped."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)


class Stepped(BaseScheduler):  # type: ignore[misc]  # APScheduler has no types
    """APScheduler without a thread: `look` is what its thread would do."""

    def __init__(self, executor: Any) -> None:
        super().__init__(timezone=UTC, executors={"default": executor})

    def shutdown(self, wait: bool = True) -> None:
        """As the base does."""
        super().shutdown(wait)

    def wakeup(self) -> None:
        """Nobody sleeps."""

    def look(self) -> None:
        """Look at the clock and start what is due."""
        self._process_jobs()

    def next(self) -> datetime | None:
        """The next instant at which something is due."""
        return min((job.next_run_time for job in self.get_jobs() if job.next_run_time), default=None)


@dataclass
class House:
    """Connections by name, and the daemon that serves them."""

    folder: Path
    machine: Any  # time_machine's
    schedules: dict[str, Schedule] = field(default_factory=lambda: {"acme": FIVE_MINUTES})
    worlds: dict[str, World] = field(default_factory=dict)
    broken: dict[str, Exception] = field(default_factory=dict)  # connections that cannot be opened now
    refused: Exception | None = None  # what is wrong with the configuration
    meanwhile: Callable[[Session], None] = lambda session: None  # what happens between opening and running
    executor: Any = None  # where runs take place; None: in the test's own thread
    _numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        for name in self.schedules:
            self.world(name)
        (self.folder / "state.db").write_bytes(empty_ledger())
        self.again()

    def again(self) -> House:
        """Another daemon, as after a restart."""
        self.scheduler = Stepped(self.executor or DebugExecutor())
        self.daemon = Daemon(self.load, scheduler=self.scheduler)
        return self

    def world(self, name: str) -> World:
        """The account behind a connection."""
        if name not in self.worlds:
            self.worlds[name] = World(self.folder, clock=Now())
        return self.worlds[name]

    # -- wiring --------------------------------------------------------------------------------------------------------

    def load(self) -> Mapping[str, Served]:
        """What the configuration says now."""
        if self.refused:
            raise self.refused
        return {
            name: Served(schedule, partial(self._session, name), partial(self.opened, name))
            for name, schedule in self.schedules.items()
        }

    @contextmanager
    def opened(self, name: str = "acme") -> Iterator[Ledger]:
        """A connection's ledger, closed in the end."""
        ledger = open_ledger(f"sqlite:///{self.folder / 'state.db'}", name)
        try:
            yield ledger
        finally:
            ledger.database.close()

    @contextmanager
    def _session(self, name: str) -> Iterator[Session]:
        if name in self.broken:
            raise self.broken[name]
        with self.opened(name) as ledger:
            session = replace(self.world(name).session(ledger), worker=f"daemon:{next(self._numbers)}")
            self.meanwhile(session)
            yield session

    # -- what happens --------------------------------------------------------------------------------------------------

    def confirmed(self) -> House:
        """Somebody has said yes to the first run of every connection."""
        for name in self.schedules:
            with self.opened(name) as ledger:
                ledger.runs.confirm("memory", datetime.now(UTC))
        return self

    def started(self) -> House:
        """With the daemon running, and whatever it does at once done."""
        self.daemon.start()
        self.scheduler.look()
        return self

    def wait(self, **duration: float) -> None:
        """Let time pass, stopping at every instant at which something is due."""
        end = datetime.now(UTC) + timedelta(**duration)
        while self.scheduler.state == STATE_RUNNING and (at := self.scheduler.next()) is not None and at <= end:
            self.machine.move_to(max(at, datetime.now(UTC)))
            self.scheduler.look()
        self.machine.move_to(end)

    def sleep(self, **duration: float) -> None:
        """The machine sleeps through it all."""
        self.machine.shift(timedelta(**duration))
        self.scheduler.look()

    # -- what became of it ---------------------------------------------------------------------------------------------

    def runs(self, name: str = "acme") -> list[RunRow]:
        """Every run, oldest first."""
        with self.opened(name) as ledger:
            return ledger.runs.recent(100_000)[::-1]

    def begun(self, name: str = "acme") -> list[str]:
        """When each run began, as hour and minute."""
        return [f"{one.started_at:%H:%M}" for one in self.runs(name)]

    def word(self, name: str = "acme") -> dict[str, Any]:
        """What the daemon left word of."""
        with self.opened(name) as ledger:
            return dict(ledger.runs.connection().schedule or {})


@contextmanager
def house(folder: Path, **more: Any) -> Iterator[House]:
    """A house at the instant at which all tests begin."""
    with time_machine.travel(AS_OF, tick=False) as machine:
        yield House(folder, machine, **more)
