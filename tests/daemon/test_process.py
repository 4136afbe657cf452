"""The daemon as a process: real signals, real exit codes, an account on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.ledger import open_ledger
from connector.sandbox import Sandbox
from connector.sandbox.faults import Fault
from tests.cli.desk import PEOPLE, Desk

LONG = 30  # seconds after which a test gives up


def until(true: Callable[[], object], what: str) -> None:
    """Wait for another process."""
    end = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < end, f"{what} never came"
        time.sleep(0.02)


@dataclass
class Serving:
    """A daemon at work, and what it has logged."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = field(default_factory=list)

    def listen(self) -> None:
        """Collect the log; whatever is no JSON is kept as an event."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(json.loads(line) if line.startswith("{") else {"event": line.strip()})

    def said(self, event: str) -> list[dict[str, Any]]:
        """The lines of one event."""
        return [one for one in self.lines.copy() if one["event"] == event]

    def hears(self, event: str, times: int = 1) -> list[dict[str, Any]]:
        """Wait for an event."""
        until(lambda: len(self.said(event)) >= times or self.process.poll() is not None, event)
        assert len(self.said(event)) >= times, self.lines
        return self.said(event)

    def signal(self, number: signal.Signals) -> None:
        """kill -NUMBER"""
        self.process.send_signal(number)

    def ended(self) -> int:
        """Its exit code, with nothing on stdout and no traceback on stderr."""
        code = self.process.wait(timeout=LONG)
        assert self.process.stdout is not None
        assert self.process.stdout.read() == ""
        assert not any("Traceback" in one["event"] for one in self.lines)
        return code


@contextmanager
def serving(desk: Desk, *words: str, **environment: str) -> Iterator[Serving]:
    """`connector daemon` beside this test."""
    command = [sys.executable, "-m", "connector", "--log-format", "json", "daemon", "--config", str(desk.config)]
    process = subprocess.Popen(
        [*command, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    one = Serving(process)
    listener = threading.Thread(target=one.listen)
    listener.start()
    try:
        yield one
    finally:
        process.kill()
        process.wait()
        listener.join()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@dataclass
class Gate:
    """The account takes a batch of contacts and answers when it is told to."""

    sandbox: Sandbox
    arrived: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._batch = self.sandbox.fault("slow", method="POST", path="contacts/batch/update", times=0)
        self.sandbox._wait = self._wait  # type: ignore[method-assign]  # stands in for it in this test

    async def _wait(self, fault: Fault | None) -> None:
        while fault is self._batch and not self.open.is_set():
            self.arrived.set()
            await asyncio.sleep(0.02)


@pytest.fixture
def gate(desk: Desk) -> Iterator[Gate]:
    """A gate before the first writes of a connection that somebody has agreed to."""
    ledger = open_ledger(f"sqlite:///{desk.ledger}", "acme")
    ledger.runs.confirm("4242", datetime.now(UTC))
    ledger.database.close()
    one = Gate(desk.sandbox)
    yield one
    one.open.set()


def status(desk: Desk) -> dict[str, Any]:
    """`connector status --output json`"""
    found: dict[str, Any] = desk("status", "--output", "json").json
    return found


def test_the_daemon_writes_what_somebody_changes(synced: Desk) -> None:
    """The next planned run sees an edit; nothing was typed."""
    synced.configure(every='"1s"', read='{ settle = "0s" }')
    with serving(synced) as daemon:
        daemon.hears("run finished")
        synced.world.submit_form("demo-request", {"email": "p4@northmill.example"})
        until(lambda: synced.tasks() == 2, "the second task")
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0


def test_sigterm_finishes_the_batch_and_ends_with_0(desk: Desk, gate: Gate) -> None:
    """Stopped in the middle of a write, twice: the batch arrives, is recorded, and nobody holds the connection."""
    with serving(desk) as daemon:
        assert gate.arrived.wait(LONG)
        daemon.signal(signal.SIGTERM)
        assert daemon.hears("stopping")[0]["under_way"] == "acme"
        daemon.signal(signal.SIGTERM)
        gate.open.set()
        assert daemon.ended() == 0

    assert all("cx_fit_score" in desk.contact(id) for id in PEOPLE)
    found = status(desk)
    assert (found["last_run"]["counts"]["written"], found["held_by"]) == (6, None)
    assert found["schedule"]["stopped_at"] is not None
    assert desk("sync", "--output", "json").json["counts"]["written"] == 0


def test_ctrl_c_ends_a_daemon_like_sigterm(synced: Desk) -> None:
    """Whoever tries it in a terminal leaves without a scratch."""
    with serving(synced) as daemon:
        daemon.hears("run finished")
        daemon.signal(signal.SIGINT)
        assert daemon.ended() == 0


def test_a_stop_that_takes_too_long_ends_with_1_and_heals(desk: Desk, gate: Gate) -> None:
    """The grace time is over before the CRM answers: it says so; the next run goes on at once."""
    with serving(desk, "--grace", "1s") as daemon:
        assert gate.arrived.wait(LONG)
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 1
        (told,) = daemon.said("stopped in the middle of a run; the next one goes on from its last commit")
        assert (told["connections"], told["grace"]) == ("acme", "1s")

    gate.open.set()
    again = desk("sync")
    assert again.code == 0, again.err
    assert all("cx_fit_score" in desk.contact(id) for id in PEOPLE)
    assert desk.tasks() == 1


def test_sighup_takes_a_good_configuration_and_refuses_a_bad_one(synced: Desk) -> None:
    """Syntax, an agreement that is wrong, no connection at all: refused with every problem; then a good one counts."""
    synced.configure(every='"1h"')
    good = synced.config.read_text()
    with serving(synced) as daemon:
        daemon.hears("run finished")
        for number, (bad, problem) in enumerate(
            [
                (good.replace("[connections.acme]", "[connections.acme"), "config.toml:4"),
                (good.replace('every = "1h"', 'cron = "61 * * * *"'), "is not a cron expression"),
                (good.partition("[connections")[0], "connections"),
            ],
            start=1,
        ):
            synced.config.write_text(bad)
            daemon.signal(signal.SIGHUP)
            assert problem in daemon.hears("configuration refused", number)[-1]["problem"]
            synced.config.write_text(good)
            until(lambda one=problem: one in str(status(synced)["schedule"]["refused"]), "the refusal in status")
        assert "refused" in synced("status").out

        nordic = good.partition("[connections.acme]")[2]
        synced.config.write_text(f"{good}\n[connections.nordic]{nordic}")
        daemon.signal(signal.SIGHUP)
        daemon.hears("configuration loaded")
        assert "--connection nordic" in daemon.hears("connection waits")[0]["reason"]
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0
    told = synced("status", "--connection", "nordic").out
    assert "connector sync --connection nordic" in told


def test_a_daemon_does_not_start_on_a_bad_configuration(desk: Desk) -> None:
    """Every problem of every connection, once each, and exit code 4."""
    desk.mapping(("scoring.toml", "points = 25, label", 'points = "many", label'))
    text = desk.config.read_text()
    desk.config.write_text(f"{text}\n[connections.nordic]{text.partition('[connections.acme]')[2]}")
    told = desk("daemon")

    assert (told.code, told.err.count("scoring.toml"), "1 problem" in told.err) == (4, 1, True)
    assert desk("daemon", "--grace", "soon").code == 64


def test_a_sync_by_hand_beside_the_daemons_run_ends_with_6(desk: Desk, gate: Gate) -> None:
    """And once the run is over, it is welcome."""
    with serving(desk) as daemon:
        assert gate.arrived.wait(LONG)
        told = desk.process("sync")
        assert (told.code, "is being worked on by" in told.err) == (6, True)
        gate.open.set()
        daemon.hears("run finished")
        assert desk("sync").code == 0
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0


def test_the_daemon_skips_its_run_beside_a_sync_by_hand(desk: Desk, gate: Gate) -> None:
    """Skipped and logged, no error; its next run finds nothing left to do."""
    desk.configure(every='"1s"')
    with ExitStack() as stack:
        command = [sys.executable, "-m", "connector", "sync", "--config", str(desk.config)]
        by_hand = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
        assert gate.arrived.wait(LONG)
        daemon = stack.enter_context(serving(desk))
        daemon.hears("run skipped")
        gate.open.set()
        assert by_hand.wait(timeout=LONG) == 0
        assert daemon.hears("run finished")[0]["written"] == 0
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0
        assert daemon.said("run failed") == []


def test_the_service_manager_hears_how_things_are(synced: Desk, tmp_path: Path) -> None:
    """READY, the watchdog, RELOADING and READY, STOPPING."""
    heard: list[bytes] = []
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(LONG)

        def hears(*wanted: bytes) -> None:
            while not set(wanted) <= set(heard):
                heard.append(manager.recv(100))

        with serving(synced, NOTIFY_SOCKET=str(address), WATCHDOG_USEC="400000") as daemon:
            hears(b"READY=1", b"WATCHDOG=1")
            heard.clear()
            daemon.signal(signal.SIGHUP)
            hears(b"RELOADING=1", b"READY=1")
            daemon.signal(signal.SIGTERM)
            hears(b"STOPPING=1")
            assert daemon.ended() == 0
