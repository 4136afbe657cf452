"""
A PostgreSQL server of the tests' own: made in a temporary folder, on a free port of this machine, gone at the end.

PostgreSQL refuses to run as root; started by root, the server runs as the user `postgres` that its package makes.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

USER = "postgres"

#: Nothing here outlives the tests: no reason to wait for the disk.
SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "40"}

#: Databases that exist at a time.
KEPT = 8

#: Where a machine keeps files in memory, if it does.
IN_MEMORY, NEEDED = "/dev/shm", 1 << 30


class Server:
    """Gives out databases; each is a copy of the one that was handed in as a template."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._names: dict[str, str] = {}  # key -> database, in the order in which they were made
        self._made = 0

    def url(self, name: str = USER) -> str:
        """How the connector's configuration names a database."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self._port}/{name}"

    def database(self, key: str, template: str = "template1") -> str:
        """The address of the database that belongs to a key, made at the first time somebody asks; those of long ago
        are dropped, the first one, which others are copied from, excepted."""
        if key not in self._names:
            self._names[key] = f"db{self._made}"
            self._made += 1
            self._execute(f"CREATE DATABASE {self._names[key]} TEMPLATE {template} STRATEGY file_copy")
            for old in list(self._names)[1:-KEPT]:
                self._execute(f"DROP DATABASE {self._names.pop(old)} WITH (FORCE)")
        return self.url(self._names[key])

    def _execute(self, statement: str) -> None:
        import psycopg  # noqa: PLC0415 - whoever has no server needs no driver

        with psycopg.connect(self.url().replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]  # names made here, in numbers


@contextmanager
def running() -> Iterator[Server]:
    """A server for as long as the block runs. Skips where PostgreSQL is not installed."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    quick = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > NEEDED else None
    with tempfile.TemporaryDirectory(dir=quick, ignore_cleanup_errors=True) as folder:
        data, port = Path(folder) / "data", _free_port()
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        _run(programs / "initdb", "-D", data, "-U", USER, "--auth=trust", "--no-sync", "--encoding=UTF8")
        options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        options += f" -c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
        control = programs / "pg_ctl"
        _run(control, "-D", data, "-l", data / "log", "-o", options, "-w", "start")
        try:
            yield Server(port)
        finally:
            _run(control, "-D", data, "-m", "immediate", "stop")


def _programs() -> Path | None:
    """Where initdb is; Debian keeps it off the path."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: float(place.parent.name), reverse=True)
    found = shutil.which("initdb")
    places += [Path(found).resolve().parent] if found else []
    return next((place for place in places if (place / "initdb").exists()), None)


def _run(*command: Any) -> None:
    more: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(
        [str(part) for part in command], check=False, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **more
    )
    assert done.returncode == 0, done.stderr.decode()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
