"""
A web server that answers what a test tells it to, over a real socket: for manners no sandbox should have.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connector.crm.hubspot import HubSpot

#: Opens an adapter on the script; keyword arguments as for HubSpot.
Open = Callable[..., HubSpot]


@dataclass(frozen=True)
class Heard:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    target: str = ""


@dataclass(frozen=True)
class Reply:
    """One answer: a status with JSON or raw bytes; `cut` sends only so many bytes of it and hangs up."""

    status: int = 200
    json: Any = None
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None

    @property
    def bytes(self) -> bytes:
        return self.raw if self.raw is not None else json.dumps(self.json).encode()


#: None of those who were asked for is there.
NOBODY = {"results": [], "errors": [{"category": "OBJECT_NOT_FOUND"}]}

#: Hang up without a word.
SILENCE = Reply(cut=0)


class Script:
    """Serves what `answer` returns for each request and remembers all of them."""

    def __init__(self, answer: Callable[[Heard], Reply]) -> None:
        self.heard: list[Heard] = []
        self.answer = answer
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Script:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(script: Script) -> type[BaseHTTPRequestHandler]:  # noqa: N805  # the inner class has the `self`
        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                heard = Heard(
                    self.command,
                    parts.path,
                    query,
                    dict(self.headers),
                    _read(raw, self.headers.get("Content-Type") or "application/json"),
                    self.path,
                )
                script.heard.append(heard)
                self.reply(script.answer(heard))

            do_GET = do_POST = do_PATCH = serve  # noqa: N815  # the names http.server asks for

            def reply(self, reply: Reply) -> None:
                body = reply.bytes
                if reply.cut == 0:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: reply.cut])
                self.close_connection = reply.cut is not None

            def log_message(self, *_: object) -> None:
                """Tests need no access log."""

        return Door


def _read(raw: bytes, content_type: str) -> Any:
    """JSON as what it means, a form or a batch as its text."""
    if not raw:
        return None
    return json.loads(raw) if "json" in content_type else raw.decode()


class Time:
    """A clock that only sleeping moves; remembers every sleep."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, list[float]()

    def clock(self) -> float:
        return self.now

    def wall(self) -> float:
        """The time of day: a Friday morning, and what has been slept since."""
        return 1_800_000_000.0 + self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


def first(*replies: Reply, then: Reply | None = None) -> Callable[[Heard], Reply]:
    """The replies one after the other, then for ever `then` (by default that nobody is there)."""
    left = list(replies)
    return lambda _heard: left.pop(0) if left else then or Reply(json=NOBODY)


def rate_limited(policy: str) -> Reply:
    body = {"status": "error", "message": f"You have reached your {policy.lower()} limit.", "policyName": policy}
    return Reply(429, {**body, "errorType": "RATE_LIMIT"})
