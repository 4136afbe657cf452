"""
The Dataverse sandbox over real HTTP, on loopback: in a thread of a test, or as a process of its own.

    with DataverseSandbox() as sandbox:
        sandbox.world.add("contact", {"emailaddress1": "ada@company.example"}, id=...)
        requests.get(sandbox.url + "/api/data/v9.2/contacts", headers=sandbox.headers)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.sandbox.dataverse import trouble
from connector.sandbox.dataverse.control import CALLS, LOOKS
from connector.sandbox.dataverse.environment import Environment
from connector.sandbox.dataverse.known import ORGANIZATION
from connector.sandbox.dataverse.limits import POLICIES
from connector.sandbox.dataverse.people import populated
from connector.sandbox.dataverse.rows import Row
from connector.sandbox.dataverse.service import Dataverse
from connector.sandbox.shell import Manners, Shell, Tls

TOKEN = "dataverse-sandbox"
MANNERS = Manners(
    CALLS, LOOKS, tuple(POLICIES), trouble.VARIANTS, trouble.KINDS, trouble.instead, trouble.asked, trouble.mangled
)


class DataverseSandbox(Shell):
    """A Dataverse environment that answers on a local port until it is stopped."""

    manners = MANNERS
    world: Environment

    def __init__(
        self,
        world: Environment | Callable[[], Environment] | None = None,
        *,
        people: int = 0,
        seed: int = 7,
        activities: bool = True,
        now: datetime | None = None,
        token: str = TOKEN,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: Tls | None = None,
        faults: Sequence[Mapping[str, Any]] = (),
        controls: Sequence[tuple[str, Mapping[str, Any]]] = (),
        **switches: Any,
    ) -> None:
        """
        A world ready made or made by a function, or invented `people`; `faults` are scripted, `controls` (name and
        body of a control call) made and `switches` turned at the start and after each reset. With `tls` it speaks
        https.
        """
        super().__init__(host, port, tls)
        self._build = world if callable(world) else lambda: populated(people, seed, activities=activities, now=now)
        self._ready_made = world if isinstance(world, Environment) else None
        self._token, self._switches = token, switches
        self._script, self._controls = faults, controls
        self.begin(self._ready_made or self._build())

    @property
    def headers(self) -> dict[str, str]:
        """The headers that open the environment."""
        return {
            "Authorization": f"Bearer {self.service.token}",
            "Accept": "application/json",
            "OData-Version": "4.0",
            "OData-MaxVersion": "4.0",
        }

    def switch(self, **wanted: Any) -> None:
        """Turn switches while it runs; ValueError names a bad one."""
        world = self.world
        world.switches = world.switches.turned(wanted)
        world.write("organization", ORGANIZATION, {"expirechangetrackingindays": int(world.switches.delta_days)})

    def reset(self) -> None:
        """A new world as at the start, counters at zero, no faults; ValueError for a world made by hand."""
        if self._ready_made is not None:
            raise ValueError("this world was made by hand; pass a function that makes it to be able to reset")
        self.begin(self._build())

    def begin(self, world: Environment) -> None:
        """Go on with this world, counters at zero, no faults but those of the start."""
        self.world = world
        self.door = self.service = Dataverse(world, token=self._token, scheme="https" if self._tls else "http")
        self.deleted: dict[tuple[str, str], Row] = {}  # by control calls, for bringing them back
        self._as_scripted(self._switches, self._script, self._controls)
