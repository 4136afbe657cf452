"""
The HubSpot sandbox over real HTTP, on loopback: in a thread of a test, or as a process of its own.

    with Sandbox() as sandbox:
        sandbox.world.add("contacts", {"email": "ada@company.example"}, id="1")
        requests.get(sandbox.url + "/crm/objects/2026-03/contacts", headers=sandbox.headers)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.sandbox import chaos
from connector.sandbox.clock import Clock
from connector.sandbox.control import CALLS, LOOKS
from connector.sandbox.generate import GeneratedPeople
from connector.sandbox.hubspot import HubSpot
from connector.sandbox.limits import MESSAGES, VARIANTS
from connector.sandbox.mangling import asked, mangled
from connector.sandbox.shell import Manners, Shell
from connector.sandbox.switches import Switches
from connector.sandbox.trouble import instead
from connector.sandbox.world import World

TOKEN = "pat-sandbox"
APP_ID = "31337"
MANNERS = Manners(CALLS, LOOKS, tuple(MESSAGES), tuple(VARIANTS), chaos.KINDS, instead, asked, mangled)


class Sandbox(Shell):
    """A HubSpot account that answers on a local port until it is stopped."""

    manners = MANNERS
    world: World

    def __init__(
        self,
        world: World | Callable[[], World] | None = None,
        *,
        people: int = 0,
        seed: int = 7,
        activities: bool = True,
        now: datetime | None = None,
        token: str = TOKEN,
        app_id: str = APP_ID,
        scopes: Collection[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Sequence[Mapping[str, Any]] = (),
        controls: Sequence[tuple[str, Mapping[str, Any]]] = (),
        **switches: Any,
    ) -> None:
        """
        A world ready made or made by a function, or invented `people`; `faults` are scripted, `controls` (name and
        body of a control call) made and `switches` turned at the start and after each reset.
        """
        super().__init__(host, port)
        self._build = world if callable(world) else lambda: generated(people, seed, activities=activities, now=now)
        self._ready_made = world if isinstance(world, World) else None
        self._token, self._app_id, self._scopes, self._switches = token, app_id, scopes, switches
        self._script, self._controls = faults, controls
        self.begin(self._ready_made or self._build())

    @property
    def headers(self) -> dict[str, str]:
        """The header that opens the account."""
        return {"Authorization": f"Bearer {self.hubspot.token}"}

    def switch(self, **wanted: Any) -> None:
        """Turn switches while it runs; ValueError names a bad one."""
        self.hubspot.limits.settle()  # what another app spent until now, it spent at the old pace
        self.world.switches = self.world.switches.turned(wanted)

    def reset(self) -> None:
        """A new world as at the start, counters at zero, no faults; ValueError for a world made by hand."""
        if self._ready_made is not None:
            raise ValueError("this world was made by hand; pass a function that makes it to be able to reset")
        self.begin(self._build())

    def begin(self, world: World) -> None:
        """Go on with this world, counters at zero, no faults but those of the start."""
        self.world = world
        self.door = self.hubspot = HubSpot(world, token=self._token, app_id=self._app_id, scopes=self._scopes)
        self._as_scripted(self._switches, self._script, self._controls)


def generated(people: int, seed: int, *, activities: bool = True, now: datetime | None = None) -> World:
    """A world of invented people; the same seed and `now` give the same world."""
    clock = Clock(now)
    population = GeneratedPeople(people, seed=seed, now=clock.now(), activities=activities) if people else None
    return World(population, clock=clock, switches=Switches())
