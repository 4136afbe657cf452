"""Somebody at work by themselves: a robot that writes one column over and over, by the sandbox's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.sandbox.dataverse.environment import Environment
    from connector.sandbox.dataverse.rows import Value


@dataclass(slots=True)
class Robot:
    """Somebody who sets `column` of some rows to one of `values` after the other, every so many seconds."""

    id: str
    table: str
    ids: Sequence[str]
    column: str
    values: Sequence[Value]
    every_s: float
    by: str
    times: int = 0  # 0: until stopped
    done: int = 0

    def begin(self, world: Environment) -> None:
        """Start to work, in the place of an earlier robot of the same id."""
        world.robots[self.id] = self
        self._plan(world, world.clock.now())

    def _plan(self, world: Environment, after: int) -> None:
        due = after + max(1, round(self.every_s * 1000))
        world.agenda.add(due, lambda: self._edit(world, due))

    def _edit(self, world: Environment, at: int) -> None:
        if world.robots.get(self.id) is not self or (self.times and self.done >= self.times):
            return
        value = self.values[self.done % len(self.values)]
        for id in self.ids:
            if world.row(self.table, id):
                world.write(self.table, id, {self.column: value}, by=self.by, at=at)
        self.done += 1
        self._plan(world, at)
