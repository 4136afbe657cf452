"""Who is at work on a connection: the names of leases, and those of processes that are no more."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.ledger import Ledger

#: The workers of this process that are at work now.
_AT_WORK: set[str] = set()


@contextmanager
def at_work() -> Iterator[str]:
    """A name for the lease that no other session has, be it of this very process: host:process:chance."""
    name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
    _AT_WORK.add(name)
    try:
        yield name
    finally:
        _AT_WORK.discard(name)


def free_from_the_dead(ledger: Ledger) -> None:
    """A run of this machine that was killed keeps its lease for minutes; nobody needs to wait for it.

    Should the process live after all (another container with our name), the fence keeps it from writing.
    """
    held = ledger.runs.connection()
    if held.lease_owner and died_here(held.lease_owner):
        ledger.runs.drop_lease(held.fence)


@contextmanager
def alone(ledger: Ledger, now: datetime) -> Iterator[None]:
    """Nobody else works on the connection for as long as the block lasts: a run under way has people in hand, and would
    write back what it knows of them. Raises Busy."""
    with at_work() as worker:
        free_from_the_dead(ledger)
        fence = ledger.runs.take_lease(worker, now)
        try:
            with ledger.runs.fenced(fence):
                yield
        finally:
            ledger.runs.drop_lease(fence)


def died_here(worker: str) -> bool:
    """Whether host:process:chance names a process of this machine that is no more."""
    host, process, *_ = *worker.split(":"), ""
    return host == socket.gethostname() and process.isdigit() and not _alive(int(process), worker)


def _alive(process: int, worker: str | None) -> bool:
    if process == os.getpid():  # ours, or a predecessor's: the first process of a container always has number 1
        return worker in _AT_WORK
    try:
        os.kill(process, 0)  # asks, and sends nothing
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's
    return True
