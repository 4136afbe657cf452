"""How an answer goes out over HTTP: whole, in drops, in halves, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from connector.sandbox.exchange import Answer, Call
from connector.sandbox.faults import Fault

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_JSON = (b"content-type", b"application/json;charset=utf-8")


async def received(scope: Scope, receive: Receive) -> Call | None:
    """The whole request; None where the caller hung up, or died, in the middle of it: that is no request."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    raw = scope["query_string"].decode("latin-1")
    query = {name: tuple(values) for name, values in parse_qs(raw, keep_blank_values=True).items()}
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    # The raw path: a list's name may hold a slash, and only then is it told from a separator.
    path = scope["raw_path"].decode("ascii").partition("?")[0]
    return Call(scope["method"], path, query, headers, body, raw)


async def deliver(answer: Answer, fault: Fault | None, receive: Receive, send: Send) -> None:
    """Send an answer, or what a fault leaves of it; the call itself has been applied."""
    action = fault.action if fault else ""
    if action == "drop_after":
        await hang_up(receive)
    elif action == "malformed":
        await _send_bytes(send, answer, b"<html>502 Bad Gateway</html>")
    elif action == "truncated":
        whole = answer.encoded()
        await _start(send, answer, len(whole))
        await send({"type": "http.response.body", "body": whole[: len(whole) // 2], "more_body": True})
        await hang_up(receive)
    elif action == "drip" and fault is not None:
        await _drip(answer, fault, send)
    else:
        await send_whole(send, answer)


async def send_whole(send: Send, answer: Answer) -> None:
    """The answer as it should be."""
    await _send_bytes(send, answer, answer.encoded())


async def hang_up(receive: Receive) -> None:
    """Cut the connection without a word. ASGI has no message for that, so uvicorn's own transport is closed."""
    receive.__self__.transport.abort()  # type: ignore[attr-defined]  # uvicorn's cycle object
    await receive()  # returns once uvicorn has noticed, so that it does not answer 500 itself


async def _drip(answer: Answer, fault: Fault, send: Send) -> None:
    whole = answer.encoded()
    step = max(1, -(-len(whole) // max(1, fault.pieces)))
    await _start(send, answer, len(whole))
    for start in range(0, len(whole), step):
        await asyncio.sleep(fault.latency_ms / 1000)
        await send({"type": "http.response.body", "body": whole[start : start + step], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _send_bytes(send: Send, answer: Answer, body: bytes) -> None:
    await _start(send, answer, len(body))
    await send({"type": "http.response.body", "body": body})


async def _start(send: Send, answer: Answer, length: int) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    if answer.status != 204:
        if "content-type" not in answer.headers:
            headers.append(_JSON)
        headers.append((b"content-length", b"%d" % length))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
