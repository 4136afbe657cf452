"""A world whose account stands behind real HTTP: what the worlds on either sandbox have in common."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from connector.sandbox import Sandbox
from connector.sandbox.dataverse import DataverseSandbox
from tests.sync.world import World


class Told:
    """A clock for pacing that sleeping moves: nothing in a test waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Time passes at once."""
        self.seconds += seconds


@dataclass
class OverHttp(World):
    """An account on loopback and the connector beside it."""

    @property
    def running(self) -> Sandbox | DataverseSandbox:
        """The sandbox that it runs in."""
        raise NotImplementedError

    def look_again(self) -> None:
        """The sandbox goes on with another account: from now on that one is meant."""
        raise NotImplementedError

    def wire(self, crm: Any) -> Any:
        """Where a way in sends its requests, `send`."""
        return self.api(crm)._wire

    def api(self, crm: Any) -> Any:
        """Where a way in makes its calls."""
        return crm._api

    def at_its_time(self) -> None:
        """The account's clock shows the time that the world has."""
        clock = self.running.world.clock
        at = self.clock()
        if clock.now() != int(at.timestamp() * 1000):
            clock.set(at)

    def before_calls(self, crm: Any, happens: Callable[[str], None], turn: AbstractContextManager[Any]) -> None:
        """Something happens before each call of this way in is sent, one after the other; it is told the class."""
        raise NotImplementedError
