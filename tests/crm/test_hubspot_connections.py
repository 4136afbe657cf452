"""Connections below HTTP: broken ones, untrusted ones, and those that lead through a proxy with a password."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import urllib3

from connector.crm.hubspot.transport import Request, Wire
from connector.crm.wire import FixedToken
from connector.errors import Denied, OutcomeUnknown, Transient

CALL = Request("GET", "/crm/objects/2026-03/contacts")


@contextmanager
def listening(meet: Callable[[socket.socket], object]) -> Iterator[int]:
    """A port at which each visitor is met like this, and then left alone."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    visitor, _ = server.accept()
                except OSError:
                    return
                with visitor:
                    meet(visitor)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def wire(address: str, proxy: str | None = None) -> Wire:
    return Wire(FixedToken("pat-test"), address, connections=1, timeout=5.0, clock=lambda: 0.0, proxy=proxy)


def test_a_broken_tls_connection_is_no_question_of_trust() -> None:
    """Hung up without a goodbye, as a busy front does: the call is tried again, and nobody looks for certificates."""
    with listening(lambda visitor: visitor.recv(4096)) as port, pytest.raises(OutcomeUnknown, match="no usable answer"):
        wire(f"https://127.0.0.1:{port}").send(CALL)


def test_where_no_tls_is_spoken_the_address_is_wrong() -> None:
    """Plain HTTP behind an https address: the setting is named, and no try repeated."""

    def plainly(visitor: socket.socket) -> None:
        visitor.recv(10)
        visitor.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with listening(plainly) as port, pytest.raises(Denied, match="Check base_url and SSL_CERT_FILE"):
        wire(f"https://127.0.0.1:{port}").send(CALL)


def test_whoever_has_answered_before_is_trusted_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that arrived garbled breaks one connection of an account that was read for an hour."""

    def answer(visitor: socket.socket) -> None:
        visitor.recv(4096)
        visitor.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    def garbled(*_: object, **__: object) -> None:
        raise urllib3.exceptions.SSLError(ssl.SSLError(1, "[SSL] decryption failed or bad record mac"))

    def expired(*_: object, **__: object) -> None:
        raise urllib3.exceptions.SSLError(ssl.SSLCertVerificationError(1, "certificate has expired"))

    with listening(answer) as port:
        one = wire(f"http://127.0.0.1:{port}")
        one.send(CALL)
    monkeypatch.setattr(one, "_open", garbled)
    with pytest.raises(OutcomeUnknown):
        one.send(CALL)
    monkeypatch.setattr(one, "_open", expired)
    with pytest.raises(Denied):
        one.send(CALL)


def test_a_proxy_is_told_the_password_that_stands_in_its_address() -> None:
    """`proxy = "env:PROXY_URL"` may hold one: it goes to the proxy, and to nobody else."""
    heard: list[bytes] = []

    def refuse(visitor: socket.socket) -> None:
        heard.append(visitor.recv(4096))
        visitor.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with listening(refuse) as port, pytest.raises(Transient, match=r"cannot reach api\.hubapi\.example") as failed:
        wire("https://api.hubapi.example", f"http://ann:s%40cret@127.0.0.1:{port}").send(CALL)

    assert heard[0].startswith(b"CONNECT api.hubapi.example:443")
    assert b"Basic " + base64.b64encode(b"ann:s@cret") in heard[0]
    assert "cret" not in str(failed.value)
