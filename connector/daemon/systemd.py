"""Telling the service manager how things are: one datagram a word, and nothing at all where nobody listens."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from datetime import timedelta


def notify(state: str) -> None:
    """READY=1, RELOADING=1, STOPPING=1 or WATCHDOG=1 (sd_notify(3)). A manager that does not listen stops nobody."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    where = "\0" + address[1:] if address.startswith("@") else address  # @ stands for Linux's abstract namespace
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.settimeout(1)
        door.sendto(state.encode(), where)


def watchdog() -> timedelta | None:
    """How long we may be silent before we are taken for dead; None where nobody watches this process."""
    text, process = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID")
    if not text.isdigit() or process not in (None, "", str(os.getpid())):
        return None
    return timedelta(microseconds=int(text))
