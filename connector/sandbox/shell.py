"""
What every sandboxed CRM runs in: real HTTP on loopback, its own clock, a script of trouble, a hand behind the curtain.

A CRM brings an account (`Account`), a door that answers (`Door`) and its manners (`Manners`); the rest is the same for
all of them. One thread answers one call at a time, so a test may change the account between calls without a lock.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import uvicorn

from connector.sandbox.chance import share
from connector.sandbox.chaos import Chaos, Kinds
from connector.sandbox.clock import Clock
from connector.sandbox.curtain import PREFIX, Act, Look, control, perform
from connector.sandbox.delivery import Receive, Scope, Send, deliver, hang_up, received, send_whole
from connector.sandbox.exchange import Answer, Call, invalid
from connector.sandbox.faults import INSTEAD, KILLS, Fault, Faults, fault_from
from connector.sandbox.kills import Kills, harmless
from connector.sandbox.traffic import Traffic


class CommonSwitches(Protocol):
    """The switches that every CRM has."""

    @property
    def latency_ms(self) -> int: ...
    @property
    def latency_jitter_ms(self) -> int: ...
    @property
    def chaos(self) -> float: ...
    @property
    def chaos_of(self) -> tuple[str, ...]: ...
    @property
    def chance_seed(self) -> int: ...
    def as_json(self) -> dict[str, Any]: ...


class Account(Protocol):
    """The world behind a door: it has a clock, switches, and things that happen by themselves."""

    @property
    def clock(self) -> Clock: ...
    @property
    def switches(self) -> CommonSwitches: ...
    def catch_up(self) -> None: ...


class Door(Protocol):
    """Where calls of clients are answered."""

    traffic: Traffic

    def answer(self, call: Call) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Manners:
    """How one CRM misbehaves: its control calls, the words of its 429s, its chaos, its answers in place of answers."""

    calls: Mapping[str, Act]
    looks: Mapping[str, Look]
    policies: tuple[str, ...]  # the limits that a fault may name
    variants: tuple[str, ...]  # and the styles of their bodies
    chaos: Kinds
    instead: Callable[[Fault, Clock], Answer]
    asked: Callable[[Call, Fault], Call]  # a call as a fault wants it understood
    mangled: Callable[[Answer, Call, Fault], Answer]  # what a fault leaves of an answer


@dataclass(frozen=True, slots=True)
class Tls:
    """A certificate with its key, both PEM files: the sandbox then speaks https."""

    certificate: Path
    key: Path


class Shell(ABC):
    """A CRM that answers on a local port until it is stopped."""

    manners: Manners
    world: Account
    door: Door
    faults: Faults
    kills: Kills
    chaos: Chaos

    def __init__(self, host: str, port: int, tls: Tls | None = None) -> None:
        self._address = (host, port)
        self._tls = tls
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    # -- running -----------------------------------------------------------------------------------------

    def start(self) -> Self:
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

    def __enter__(self) -> Self:
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
        return f"{'https' if self._tls else 'http'}://{host}:{port}"

    # -- turning things ----------------------------------------------------------------------------------

    @abstractmethod
    def switch(self, **wanted: Any) -> None:
        """Turn switches while it runs; ValueError names a bad one."""

    @abstractmethod
    def reset(self) -> None:
        """A new world as at the start, counters at zero, no faults; ValueError for a world made by hand."""

    def fault(self, action: str, **more: Any) -> Fault:
        """Script one fault (see faults.Fault); ValueError says what is wrong with it."""
        return self.faults.add(self.checked_fault({"action": action} | more))

    def checked_fault(self, wanted: Mapping[str, Any]) -> Fault:
        """A fault that is not in the script yet; ValueError says what is wrong with it."""
        fault = fault_from(wanted, policies=self.manners.policies, variants=self.manners.variants)
        if fault.control and fault.control not in self.manners.calls:
            raise ValueError(f"control is one of {', '.join(self.manners.calls)}")
        if fault.pid:
            harmless(fault.pid)
        return fault

    def do(self, name: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make a control call, as `POST /_sandbox/{name}` does; ValueError says what is wrong with it."""
        self.world.catch_up()
        return perform(self, self.manners.calls, name, body or {})

    def _as_scripted(
        self,
        switches: Mapping[str, Any],
        faults: Sequence[Mapping[str, Any]],
        controls: Sequence[tuple[str, Mapping[str, Any]]],
    ) -> None:
        """What is turned, scripted and done at the start and after each reset, once there are a world and a door."""
        self.switch(**switches)
        self.faults, self.kills, self.chaos = Faults(), Kills(), Chaos(self.manners.chaos)
        for one in faults:
            self.faults.add(self.checked_fault(one))
        for name, body in controls:
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
            ssl_certfile=str(self._tls.certificate) if self._tls else None,
            ssl_keyfile=str(self._tls.key) if self._tls else None,
        )
        self._server = uvicorn.Server(config)

    # -- one call ----------------------------------------------------------------------------------------

    async def _asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = await received(scope, receive)
        if call is None:
            return
        self.world.catch_up()
        if call.path.startswith(PREFIX):
            await send_whole(send, control(self, self.manners.calls, self.manners.looks, call))
            return
        traffic = self.door.traffic
        traffic.begin()
        try:
            await self._met(call, receive, send)
        finally:
            traffic.end()

    async def _met(self, call: Call, receive: Receive, send: Send) -> None:
        """One call of a client, after what is scripted to happen first."""
        first, fault = self.faults.striking(call.method, call.target, self.world.clock.now())
        if first and (wrong := self._done_first(first)):
            await send_whole(send, wrong)
            return
        fault = fault or self.chaos.striking(self.world.switches)
        await self._wait(fault)
        if fault is None:
            await send_whole(send, self.door.answer(call))
        else:
            self.door.traffic.trouble[fault.action] += 1
            await self._hit(fault, call, receive, send)

    async def _hit(self, fault: Fault, call: Call, receive: Receive, send: Send) -> None:
        """One call that a fault strikes: answered otherwise, applied or not, cut off, or the last of its process."""
        if fault.action in INSTEAD:
            await send_whole(send, self.manners.instead(fault, self.world.clock))
            return
        spared = fault.action in ("drop_before", "kill_before")
        answer = None if spared else self._mangled(call, fault)
        if fault.action in KILLS:
            await self.kills.strike(fault, f"{call.method} {call.path}", self.world.clock)
        if answer is None or fault.action in KILLS:
            await hang_up(receive)
        else:
            await deliver(answer, fault, receive, send)

    def _mangled(self, call: Call, fault: Fault) -> Answer:
        return self.manners.mangled(self.door.answer(self.manners.asked(call, fault)), call, fault)

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
            lot = share(switches.chance_seed, "latency", self.door.traffic.arrived)
            latency = max(0.0, latency + (2 * lot - 1) * switches.latency_jitter_ms)
        return latency
