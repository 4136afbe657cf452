"""Start-up: CPU until the first request arrives, and of the commands that make none."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from account import configure, environment

ROUNDS = 5
PATIENCE = 30.0


def to_first_request(folder: Path) -> float:
    """CPU seconds of `connector sync` until its first request is at the door."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(PATIENCE)
        config = configure(folder, f"http://127.0.0.1:{door.getsockname()[1]}", "live")
        return median(_until_heard(["sync", "--yes", "--config", str(config)], door) for _ in range(ROUNDS))


def whole(arguments: Sequence[str]) -> float:
    """CPU seconds of a whole command."""
    return median(_cpu_of(_start(arguments)) for _ in range(ROUNDS))


def _until_heard(arguments: Sequence[str], door: socket.socket) -> float:
    """Killed at the first request, so that nothing after it counts."""
    process = _start(arguments)
    try:
        with door.accept()[0]:
            process.send_signal(signal.SIGKILL)
            return _cpu_of(process)
    finally:
        process.kill()


def _start(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "connector", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())


def _cpu_of(process: subprocess.Popen[bytes]) -> float:
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime
