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
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from datetime import datetime
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs

import uvicorn

from connector.sandbox.clock import Clock
from connector.sandbox.control import PREFIX, control
from connector.sandbox.exchange import Answer, Call
from connector.sandbox.faults import Fault, Faults
from connector.sandbox.generate import GeneratedPeople
from connector.sandbox.hubspot import HubSpot
from connector.sandbox.switches import Switches
from connector.sandbox.world import World

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

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
        **switches: Any,
    ) -> None:
        self._build = world if callable(world) else lambda: generated(people, seed, activities=activities, now=now)
        self._ready_made = world if isinstance(world, World) else None
        self._token, self._app_id, self._scopes, self._switches = token, app_id, scopes, switches
        self._address = (host, port)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.faults = Faults()
        self._begin(self._ready_made or self._build())

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
        self.world.switches = self.world.switches.turned(wanted)

    def fault(self, action: str, **more: Any) -> Fault:
        """Script one fault (see faults.Fault)."""
        return self.faults.add(Fault(action, **more))  # type: ignore[arg-type]  # a bad action strikes nothing

    def reset(self) -> None:
        """A new world as at the start, counters at zero, no faults; ValueError for a world made by hand."""
        if self._ready_made is not None:
            raise ValueError("this world was made by hand; pass a function that makes it to be able to reset")
        self.faults.clear()
        self._begin(self._build())

    def _begin(self, world: World) -> None:
        self.world = world
        self.hubspot = HubSpot(world, token=self._token, app_id=self._app_id, scopes=self._scopes)
        self.switch(**self._switches)

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
        call = await _call(scope, receive)
        if call.path.startswith(PREFIX):
            await _send(send, control(self, call))
            return
        query = scope["query_string"].decode()
        fault = self.faults.striking(call.method, f"{call.path}?{query}" if query else call.path)
        await self._wait(fault)
        if fault is not None and fault.action == "drop_before":
            await _hang_up(receive)
        elif fault is not None and fault.action in ("answer", "throttle"):
            await _send(send, fault.answer())
        else:
            await _deliver(self.hubspot.answer(call), fault, receive, send)

    async def _wait(self, fault: Fault | None) -> None:
        latency = self.world.switches.latency_ms + (fault.latency_ms if fault else 0)
        if latency:
            await asyncio.sleep(latency / 1000)


def generated(people: int, seed: int, *, activities: bool = True, now: datetime | None = None) -> World:
    """A world of invented people; the same seed and `now` give the same world."""
    clock = Clock(now)
    population = GeneratedPeople(people, seed=seed, now=clock.now(), activities=activities) if people else None
    return World(population, clock=clock, switches=Switches())


async def _call(scope: Scope, receive: Receive) -> Call:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    query = {
        name: tuple(values) for name, values in parse_qs(scope["query_string"].decode(), keep_blank_values=True).items()
    }
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    # The raw path: a list's name may hold a slash, and only then is it told from a separator.
    path = scope["raw_path"].decode("ascii").partition("?")[0]
    return Call(scope["method"], path, query, headers, body)


async def _deliver(answer: Answer, fault: Fault | None, receive: Receive, send: Send) -> None:
    """Send an answer, or what a fault leaves of it; the call itself has been applied."""
    action = fault.action if fault else ""
    if action == "drop_after":
        await _hang_up(receive)
    elif action == "malformed":
        await _send_bytes(send, answer, b"<html>502 Bad Gateway</html>")
    elif action == "truncated":
        whole = answer.encoded()
        await _start(send, answer, len(whole))
        await send({"type": "http.response.body", "body": whole[: len(whole) // 2], "more_body": True})
        await _hang_up(receive)
    else:
        await _send(send, answer)


async def _send(send: Send, answer: Answer) -> None:
    await _send_bytes(send, answer, answer.encoded())


async def _send_bytes(send: Send, answer: Answer, body: bytes) -> None:
    await _start(send, answer, len(body))
    await send({"type": "http.response.body", "body": body})


async def _start(send: Send, answer: Answer, length: int) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    if answer.status != 204:
        headers += [(b"content-type", b"application/json;charset=utf-8"), (b"content-length", b"%d" % length)]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})


async def _hang_up(receive: Receive) -> None:
    """Cut the connection without a word. ASGI has no message for that, so uvicorn's own transport is closed."""
    receive.__self__.transport.abort()  # type: ignore[attr-defined]  # uvicorn's cycle object
    await receive()  # returns once uvicorn has noticed, so that it does not answer 500 itself
