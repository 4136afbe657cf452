"""
The sandbox over real HTTP, on loopback: in a thread of a test, or as a process of its own.

    with Sandbox() as sandbox:
        sandbox.world.add("contacts", {"email": "ada@company.example"}, id="1")
        requests.get(sandbox.url + "/crm/objects/2026-03/contacts", headers=sandbox.headers)

One thread answers one call at a time, so a test may change the world between calls without a lock.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any

import uvicorn

from connector.sandbox.chance import share
from connector.sandbox.chaos import Chaos
from connector.sandbox.clock import Clock
from connector.sandbox.control import CALLS, PREFIX, control, perform
from connector.sandbox.delivery import Receive, Scope, Send, deliver, hang_up, received, send_whole
from connector.sandbox.exchange import Answer, Call, invalid
from connector.sandbox.faults import INSTEAD, KILLS, Fault, Faults, fault_from
from connector.sandbox.generate import GeneratedPeople
from connector.sandbox.hubspot import HubSpot
from connector.sandbox.kills import Kills, harmless
from connector.sandbox.mangling import asked, mangled
from connector.sandbox.switches import Switches
from connector.sandbox.trouble import instead
from connector.sandbox.world import World

TOKEN = "pat-sandbox"
APP_ID = "31337"


class Sandbox:
    """A HubSpot account that answers on a local port until it is stopped."""

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
        self._build = world if callable(world) else lambda: generated(people, seed, activities=activities, now=now)
        self._ready_made = world if isinstance(world, World) else None
        self._token, self._app_id, self._scopes, self._switches = token, app_id, scopes, switches
        self._address = (host, port)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._script, self._controls = faults, controls
        self.begin(self._ready_made or self._build())

    # -- running -----------------------------------------------------------------------------------------

    def start(self) -> Sandbox:
        """Listen and answer from a background thread; calls may be made at once."""
        self._open()
        server, listener = self._server, self._listener
        assert server is not None  # _open made it
        self._thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        self._thread.start()
        return self

    def serve(self, announce: Callable[[str], None]) -> None:
        """Answer in this thread until interrupted, after telling the address."""
        self._open()
        announce(self.url)
        assert self._server is not None  # _open made it
        self._server.run([self._listener])

    def stop(self) -> None:
        """Stop answering and give the port back."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
            self._listener.close()
        self._server = self._thread = None

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def answers(self) -> bool:
        """Whether it is started and not stopped again."""
        return self._thread is not None

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        host, port = self._listener.getsockname()[:2]
        return f"http://{host}:{port}"

    @property
    def headers(self) -> dict[str, str]:
        """The header that opens the account."""
        return {"Authorization": f"Bearer {self.hubspot.token}"}

    # -- turning things ----------------------------------------------------------------------------------

    def switch(self, **wanted: Any) -> None:
        """Turn switches while it runs; ValueError names a bad one."""
        self.hubspot.limits.settle()  # what another app spent until now, it spent at the old pace
        self.world.switches = self.world.switches.turned(wanted)

    def fault(self, action: str, **more: Any) -> Fault:
        """Script one fault (see faults.Fault); ValueError says what is wrong with it."""
        return self.faults.add(self.checked_fault({"action": action} | more))

    def checked_fault(self, wanted: Mapping[str, Any]) -> Fault:
        """A fault that is not in the script yet; ValueError says what is wrong with it."""
        fault = fault_from(wanted)
        if fault.control and fault.control not in CALLS:
            raise ValueError(f"control is one of {', '.join(CALLS)}")
        if fault.pid:
            harmless(fault.pid)
        return fault

    def do(self, name: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make a control call, as `POST /_sandbox/{name}` does; ValueError says what is wrong with it."""
        self.world.catch_up()
        return perform(self, name, body or {})

    def reset(self) -> None:
        """A new world as at the start, counters at zero, no faults; ValueError for a world made by hand."""
        if self._ready_made is not None:
            raise ValueError("this world was made by hand; pass a function that makes it to be able to reset")
        self.begin(self._build())

    def begin(self, world: World) -> None:
        """Go on with this world, counters at zero, no faults but those of the start."""
        self.world = world
        self.hubspot = HubSpot(world, token=self._token, app_id=self._app_id, scopes=self._scopes)
        self.switch(**self._switches)
        self.faults, self.kills, self.chaos = Faults(), Kills(), Chaos()
        for one in self._script:
            self.faults.add(self.checked_fault(one))
        for name, body in self._controls:
            self.do(name, body)

    def _open(self) -> None:
        # The protocol is named because asyncio switches Nagle's delay off only where it reads TCP: 40 ms a call.
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(self._address)
        self._listener.listen(512)
        config = uvicorn.Config(
            self._asgi,
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            date_header=False,
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)

    # -- one call ----------------------------------------------------------------------------------------

    async def _asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = await received(scope, receive)
        self.world.catch_up()
        if call.path.startswith(PREFIX):
            await send_whole(send, control(self, call))
            return
        traffic = self.hubspot.traffic
        traffic.begin()
        try:
            await self._met(call, scope["query_string"].decode(), receive, send)
        finally:
            traffic.end()

    async def _met(self, call: Call, query: str, receive: Receive, send: Send) -> None:
        """One call of a client, after what is scripted to happen first."""
        target = f"{call.path}?{query}" if query else call.path
        first, fault = self.faults.striking(call.method, target, self.world.clock.now())
        if first and (wrong := self._done_first(first)):
            await send_whole(send, wrong)
            return
        fault = fault or self.chaos.striking(self.world.switches)
        await self._wait(fault)
        if fault is None:
            await send_whole(send, self.hubspot.answer(call))
        else:
            self.hubspot.traffic.trouble[fault.action] += 1
            await self._hit(fault, call, receive, send)

    async def _hit(self, fault: Fault, call: Call, receive: Receive, send: Send) -> None:
        """One call that a fault strikes: answered otherwise, applied or not, cut off, or the last of its process."""
        if fault.action in INSTEAD:
            await send_whole(send, instead(fault, self.world.clock))
            return
        spared = fault.action in ("drop_before", "kill_before")
        answer = None if spared else mangled(self.hubspot.answer(asked(call, fault)), call, fault)
        if fault.action in KILLS:
            await self.kills.strike(fault, f"{call.method} {call.path}", self.world.clock)
        if answer is None or fault.action in KILLS:
            await hang_up(receive)
        else:
            await deliver(answer, fault, receive, send)

    def _done_first(self, script: Sequence[Fault]) -> Answer | None:
        """What `do` faults want done before this call; the answer that says so where it cannot be done."""
        try:
            for one in script:
                self.do(one.control, one.body)
        except ValueError as wrong:
            return Answer(500, invalid(f"the sandbox's own script: {wrong}").answer.body)
        return None

    async def _wait(self, fault: Fault | None) -> None:
        if latency := self.latency_ms(fault):
            await asyncio.sleep(latency / 1000)

    def latency_ms(self, fault: Fault | None = None) -> float:
        """How much later the present call is answered."""
        switches = self.world.switches
        latency: float = switches.latency_ms + (fault.latency_ms if fault and fault.action != "drip" else 0)
        if switches.latency_jitter_ms:
            lot = share(switches.chance_seed, "latency", self.hubspot.traffic.arrived)
            latency = max(0.0, latency + (2 * lot - 1) * switches.latency_jitter_ms)
        return latency


def generated(people: int, seed: int, *, activities: bool = True, now: datetime | None = None) -> World:
    """A world of invented people; the same seed and `now` give the same world."""
    clock = Clock(now)
    population = GeneratedPeople(people, seed=seed, now=clock.now(), activities=activities) if people else None
    return World(population, clock=clock, switches=Switches())
