"""The command as a process: its code, its streams, a terminal, Ctrl-C, and the demo."""

from __future__ import annotations

import errno
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connector.crms import CRMS
from connector.sandbox.exchange import Answer, Call
from tests.cli.desk import PEOPLE, Desk

CONNECTOR = (sys.executable, "-m", "connector")


def test_the_command_keeps_results_and_messages_apart(desk: Desk) -> None:
    """A real process: the object on stdout, nothing else; messages on stderr; the code of the run."""
    refused = desk.process("sync")
    assert (refused.code, refused.out, "--yes" in refused.err) == (64, "", True)
    done = desk.process("--log-level", "error", "sync", "--yes", "--output", "json")
    assert (done.code, done.json["counts"]["written"], done.err) == (0, 6, "")
    assert "\x1b" not in refused.err


@contextmanager
def terminal(desk: Desk, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A command on a terminal of 80 columns, and our end of it."""
    ours, theirs = pty.openpty()
    command = [*CONNECTOR, *words, "--config", str(desk.config)]
    environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_until(ours: int, text: str) -> str:
    """What appears on the terminal up to this text, or up to its end."""
    seen = b""
    while text.encode() not in seen or not text:
        try:
            part = os.read(ours, 4096)
        except OSError as error:
            if error.errno == errno.EIO:  # the other end is closed
                break
            raise
        if not part:
            break
        seen += part
    return seen.decode()


@pytest.mark.parametrize(("answer", "code", "written"), [("y", 0, 6), ("n", 1, 0)])
def test_on_a_terminal_the_first_run_asks(desk: Desk, answer: str, code: int, written: int) -> None:
    """The question names account and mode; yes writes, no writes nothing and ends with 1."""
    with terminal(desk, "sync") as (process, ours):
        asked = read_until(ours, "[y/N]")
        os.write(ours, f"{answer}\n".encode())
        rest = read_until(ours, "")
        assert process.wait(timeout=30) == code
    assert "First run against account 4242" in asked
    assert ("✓" in rest, desk.world.count("tasks")) == (code == 0, int(code == 0))
    assert sum("cx_fit_score" in desk.contact(id) for id in PEOPLE) == written


def test_on_a_terminal_nothing_is_wider_than_it(synced: Desk) -> None:
    """Explain folds its lines at 80 columns and colours its headings."""
    with terminal(synced, "explain", "2") as (process, ours):
        shown = read_until(ours, "")
        process.wait(timeout=30)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert "\x1b[1m" in shown
    assert max(len(line) for line in plain.splitlines()) <= 80


@pytest.fixture
def reading(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set as soon as people are being read; the account answers slowly, so that they still are."""
    begun = threading.Event()
    answer = desk.sandbox.hubspot.answer

    def watched(call: Call) -> Answer:
        if "/objects/" in call.path and call.path.endswith("/contacts"):
            begun.set()
        return answer(call)

    monkeypatch.setattr(desk.sandbox.hubspot, "answer", watched)
    desk.sandbox.switch(latency_ms=100)
    return begun


def background(desk: Desk) -> subprocess.Popen[str]:
    """A first run on its own."""
    command = [*CONNECTOR, "sync", "--yes", "--config", str(desk.config)]
    nobody, pipe = subprocess.DEVNULL, subprocess.PIPE
    return subprocess.Popen(command, stdin=nobody, stdout=pipe, stderr=pipe, text=True)


def test_ctrl_c_leaves_quietly_and_the_next_run_goes_on(desk: Desk, reading: threading.Event) -> None:
    """Interrupted in the middle of reading: 130, one sentence, no traceback; afterwards everything is written."""
    process = background(desk)
    assert reading.wait(20)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert "Stopped." in err
    assert desk("runs", "--output", "json").json["runs"][0]["message"].startswith("stopped by hand")
    desk.sandbox.switch(latency_ms=0)
    assert desk("sync", "--yes").code == 0
    assert all("cx_fit_score" in desk.contact(id) for id in PEOPLE)
    assert desk.tasks() == 1


def test_a_run_that_was_killed_blocks_nobody(desk: Desk, reading: threading.Event) -> None:
    """A lease left behind by a dead process of this machine is taken over at once."""
    process = background(desk)
    assert reading.wait(20)
    process.kill()
    process.communicate()
    desk.sandbox.switch(latency_ms=0)
    told = desk("sync", "--yes")
    assert told.code == 0, told.err


def test_a_reader_who_has_seen_enough_is_no_error(synced: Desk) -> None:
    """`connector discover | head -1` ends without complaint."""
    command = f"{sys.executable} -m connector discover --config {synced.config} | head -1"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("crm", CRMS)
def test_the_demo_does_the_whole_job_and_shows_that_the_second_run_wrote_nothing(crm: str) -> None:
    """From setup to the five hottest people, on a sandbox of each CRM's own and by the real clock, ending with 0."""
    command = [*CONNECTOR, "demo", "--people", "60", "--crm", crm]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    first, told = ended.stdout.split("And again: a second run writes nothing")
    assert "set aside" not in first.split("Write it")[1]
    assert "nothing was written" in told.split("Where everybody stands now")[0]
    hottest = told.split("hottest people")[1]
    assert len(re.findall(r"^  \d\. contact [\da-f-]+ ", hottest, re.MULTILINE)) == 5
    assert "engagement" in hottest


def test_on_a_terminal_a_no_to_a_revert_ends_the_run(synced: Desk) -> None:
    """Nothing is written, and the run does not stand there as one that goes on."""
    writes = synced.writes
    with terminal(synced, "revert", "1") as (process, ours):
        read_until(ours, "[y/N]")
        os.write(ours, b"n\n")
        rest = read_until(ours, "")
        assert process.wait(timeout=30) == 5
    assert "Nobody agreed to it. Nothing was written." in rest
    assert synced.writes == writes
    last = synced("status", "--output", "json").json["last_run"]
    assert (last["verb"], last["status"], last["code"]) == ("revert", "refused", "guard")
