"""
What is going to happen in an account by itself, by the sandbox's clock: delayed workflows, people at work.

Nothing ticks here: whoever calls lets everything happen first that was due by now, each at its own instant.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Protocol

from connector.sandbox.clock import Clock
from connector.sandbox.records import person

if TYPE_CHECKING:
    from connector.sandbox.world import World


class Timed(Protocol):
    """Whatever has a clock."""

    @property
    def clock(self) -> Clock: ...


class Agenda:
    """Things to do, each with the instant at which it is due."""

    def __init__(self) -> None:
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self.robots: dict[str, Robot] = {}

    def add(self, at: int, what: Callable[[], None]) -> None:
        """Do this at an instant; what is due at the same one is done in the order in which it was added."""
        heapq.heappush(self._due, (at, next(self._order), what))

    def catch_up(self, world: Timed) -> None:
        """Do everything that is due."""
        while self._due and self._due[0][0] <= world.clock.now():
            heapq.heappop(self._due)[2]()


@dataclass(slots=True)
class Robot:
    """Somebody who sets `property` of some records to one of `values` after the other, every so many seconds."""

    id: str
    kind: str
    ids: Sequence[str]
    property: str
    values: Sequence[str]
    every_s: float
    user_id: int = 7099
    times: int = 0  # 0: until stopped
    done: int = 0

    def begin(self, world: World) -> None:
        """Start to work, in the place of an earlier robot of the same id."""
        world.agenda.robots[self.id] = self
        self._plan(world, world.clock.now())

    def _plan(self, world: World, after: int) -> None:
        due = after + max(1, round(self.every_s * 1000))
        world.agenda.add(due, lambda: self._edit(world, due))

    def _edit(self, world: World, at: int) -> None:
        if world.agenda.robots.get(self.id) is not self or (self.times and self.done >= self.times):
            return
        value = self.values[self.done % len(self.values)]
        for id in self.ids:
            if world.living(self.kind, id):
                world.write(self.kind, id, {self.property: value}, person(self.user_id), at=at)
        self.done += 1
        self._plan(world, at)
