"""Killing the client: the sandbox sends SIGKILL at the very call that a fault names, before or after applying it."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

from connector.sandbox.clock import Clock, iso
from connector.sandbox.faults import Fault

#: How long a call that is to be the last waits for somebody to say whom it belongs to, in seconds of real time.
PATIENCE_S = 60.0


class Kills:
    """Whom to kill, and who was."""

    def __init__(self) -> None:
        self.pid = 0
        self.done: list[dict[str, Any]] = []

    def aim_at(self, pid: int) -> None:
        """Name the process that kills mean; ValueError for ids that would hit more than one process, or ourselves."""
        self.pid = harmless(pid)

    async def strike(self, fault: Fault, call: str, clock: Clock) -> None:
        """Kill the process of the fault, or the one named; where none is, wait until one is."""
        pid = harmless(fault.pid) if fault.pid else await self._named()
        killed = False
        if pid:
            try:
                os.kill(pid, signal.SIGKILL)
                killed = True
            except ProcessLookupError:
                pass  # it had ended by itself: told below
        self.done.append({"pid": pid, "killed": killed, "action": fault.action, "call": call, "at": iso(clock.now())})

    async def _named(self) -> int:
        waited = 0.0
        while not self.pid and waited < PATIENCE_S:
            await asyncio.sleep(0.01)
            waited += 0.01
        return self.pid


def harmless(pid: int) -> int:
    """The id of one process that is not ours; ValueError for any other."""
    if pid <= 1 or pid == os.getpid():
        raise ValueError(f"a process to kill has an id of its own, not {pid}")
    return pid
