"""
Serving until told to stop: SIGTERM and SIGINT stop, SIGHUP reloads, the watchdog hears that all is well.

Signals arrive as bytes in a pipe that the main thread reads. A handler that did the work itself would interrupt that
thread anywhere, also while it holds the very lock that the work needs.
"""

from __future__ import annotations

import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from connector.daemon.systemd import notify, watchdog
from connector.daemon.ticking import Daemon
from connector.log import get_logger

#: The scheduler looks at the clock at least so often: a machine that slept, or a clock put right, is noticed.
PULSE = timedelta(seconds=30)

#: How often a stop looks whether the runs have ended.
STEP = timedelta(milliseconds=50)

_STOP = (signal.SIGTERM, signal.SIGINT)

log = get_logger(__name__)


def serve(daemon: Daemon, grace: timedelta) -> tuple[str, ...]:
    """Serve until told to stop; returns the connections whose runs did not end within the grace time. Raises what
    `Daemon.start` raises. Only in a main thread."""
    with _signals() as inbox:
        daemon.start()
        notify("READY=1")
        _attend(daemon, inbox)
        notify("STOPPING=1")
        daemon.stop()
        late = _await_end(daemon, inbox, grace)
        if not late:
            daemon.close()
        return late


def _attend(daemon: Daemon, inbox: socket.socket) -> None:
    """Look after the scheduler until somebody says stop."""
    patience = watchdog()
    beat = min(PULSE, patience / 2) if patience else PULSE
    while True:
        for number in _received(inbox, beat):
            if number in _STOP:
                return
            if number == signal.SIGHUP:
                notify("RELOADING=1")
                daemon.reload()
                notify("READY=1")
        if daemon.alive():
            notify("WATCHDOG=1")


def _await_end(daemon: Daemon, inbox: socket.socket, grace: timedelta) -> tuple[str, ...]:
    """Until every run has ended its batch, or the grace time is over; another SIGTERM changes nothing."""
    end = time.monotonic() + grace.total_seconds()
    while daemon.under_way() and time.monotonic() < end:
        _received(inbox, STEP)
        notify("WATCHDOG=1")
    return daemon.under_way()


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Where the numbers of signals arrive, for as long as the block lasts."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    before = {number: signal.signal(number, lambda _number, _frame: None) for number in (*_STOP, signal.SIGHUP)}
    previous = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    try:
        yield ours
    finally:
        signal.set_wakeup_fd(previous)
        for number, handler in before.items():
            signal.signal(number, handler)
        ours.close()
        theirs.close()


def _received(inbox: socket.socket, patience: timedelta) -> bytes:
    """The signals that came, waiting for one at most so long."""
    ready, _, _ = select.select([inbox], [], [], patience.total_seconds())
    return inbox.recv(64) if ready else b""
