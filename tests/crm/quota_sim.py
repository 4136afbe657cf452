"""
Many processes and threads on one simulated clock, calling a server that counts arrivals in a rolling window.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from connector.crm.desk import Desk, SharedLog
from connector.crm.priorities import Priority
from connector.crm.quota import Book, OwnBook

#: Simulated time begins here: instants in a book are times of day.
BEGUN = 1_800_000_000.0


@dataclass
class Server:
    """Takes `limit` requests in any `window` seconds, by when they arrive; refuses the rest, whoever sends them."""

    limit: int
    window: float = 10.0
    refused: int = 0
    arrivals: list[tuple[float, str]] = field(default_factory=list)
    _counted: deque[float] = field(default_factory=deque)

    def arrive(self, now: float, who: str) -> int:
        """One request; returns how many the server still takes now, as the header says it."""
        while self._counted and self._counted[0] <= now - self.window:
            self._counted.popleft()
        if len(self._counted) >= self.limit:
            self.refused += 1
            return 0
        self._counted.append(now)
        self.arrivals.append((now, who))
        return self.limit - len(self._counted)

    def taken(self, since: float, until: float, who: str = "") -> int:
        """Requests taken between two instants, of one sender or all."""
        return sum(1 for at, name in self.arrivals if since <= at < until and (not who or name == who))


@dataclass
class Simulation:
    """The clock, and everything that happens on it."""

    server: Server
    book: Book = field(default_factory=OwnBook)
    seed: int = 7
    headers: bool = True  # whether answers tell the rest of the window
    now: float = 0.0
    entries: int = 0
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def at(self, instant: float, what: Callable[[], None]) -> None:
        """Something is to happen."""
        heapq.heappush(self._events, (instant, next(self._numbers), what))

    def run(self, until: float) -> None:
        """Let it all happen."""
        while self._events and self._events[0][0] <= until:
            self.now, _, what = heapq.heappop(self._events)
            what()
        self.now = until

    def process(self, name: str, limit: int | None = None) -> Process:
        """Another process on the same ledger."""
        return Process(self, name, limit or self.server.limit)

    def foreign(self, name: str, every: float, since: float, until: float) -> None:
        """Another app under the same token, which asks nobody."""

        def send() -> None:
            self.server.arrive(self.now, name)
            if self.now + every < until:
                self.at(self.now + every, send)

        self.at(since, send)


class Counting:
    """A book that counts its transactions."""

    def __init__(self, book: Book, simulation: Simulation) -> None:
        self._book, self._simulation = book, simulation

    def enter(self, holder: str, now: float, entries: object) -> None:
        self._simulation.entries += 1
        self._book.enter(holder, now, entries)  # type: ignore[arg-type]  # passed through

    def close(self) -> None:
        self._book.close()


class Process:
    """One process: a desk of its own, senders that are its threads."""

    def __init__(self, simulation: Simulation, name: str, limit: int) -> None:
        self.name, self._simulation, self.alive = name, simulation, True
        book = Counting(simulation.book, simulation)
        clock = lambda: simulation.now  # noqa: E731 - three times the same
        self.desk = Desk(book, clock=clock, sleep=lambda _: None, wall=lambda: BEGUN + simulation.now, name=name)
        window = simulation.server.window
        self.log: SharedLog = self.desk.open("pool", lambda: SharedLog(self.desk, limit, window, 1.0))

    def threads(
        self, many: int, *, since: float = 0.0, until: float = float("inf"), calls: int | None = None,
        priority: Priority | None = None, latency: tuple[float, float] = (0.1, 0.2), rest: float = 0.0,
    ) -> Process:  # fmt: skip
        """So many threads call as often as they may, or `calls` times with `rest` seconds in between."""
        left = itertools.repeat(None) if calls is None else iter([None] * calls)

        def call() -> None:
            simulation = self._simulation
            if not self.alive or simulation.now >= until:
                return
            wait = self.log.try_take(priority)
            if wait:
                simulation.at(simulation.now + wait, call)
                return
            on_the_way = simulation.dice.uniform(*latency)
            simulation.at(simulation.now + on_the_way * simulation.dice.random(), arrive)
            simulation.at(simulation.now + on_the_way, answer)

        def arrive() -> None:
            before = self._simulation.server.refused
            self._left = self._simulation.server.arrive(self._simulation.now, f"{self.name} {priority or ''}".strip())
            if self._simulation.server.refused > before:
                self.log.pause(10.0)  # as the adapter does

        def answer() -> None:
            if not self.alive:
                return
            self.log.log.give_back(priority)
            if self._simulation.headers:
                self.log.log.learn(self._simulation.server.limit, self._left)
            if next(left, False) is not False:
                self._simulation.at(self._simulation.now + rest, call)

        for _ in range(many):
            if next(left, False) is not False:
                self._simulation.at(since, call)
        return self

    def dies(self, at: float) -> Process:
        """Killed: it neither calls nor gives anything back any more."""

        def die() -> None:
            self.alive = False

        self._simulation.at(at, die)
        return self

    def ends(self, at: float) -> Process:
        """It stops in good order."""

        def end() -> None:
            self.alive = False
            self.desk.close(["pool"])

        self._simulation.at(at, end)
        return self
