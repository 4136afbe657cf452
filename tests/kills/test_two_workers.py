"""Two connector processes on one connection: one works, the other ends with exit code 6."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.kills.house import House, house

#: A lease whose end a test may wait for.
LEASE_S = 2.0

#: The first update of people: held after it was applied, before its answer.
WRITING: dict[str, Any] = {"action": "kill_after", "path": "batch/update$", "nth": 1}


@pytest.fixture
def built(tmp_path: Path) -> Iterator[House]:
    """Two dozen people, whom nobody has read yet."""
    with house(tmp_path, 24, 24) as made:
        made.do("clock", at=made.at.isoformat(), ticking=True)
        yield made


def _held(built: House, process: int) -> None:
    """Wait until the account holds the process's call: it is applied, and the answer is not sent."""
    while built.look("state")["writes"] == 0:
        os.kill(process, 0)


def test_of_two_workers_one_works_and_the_other_ends_with_6(built: House) -> None:
    """The second is told who works, writes nothing, and the first ends as if it had been alone."""
    with built.beside("sync", "--yes", fault=WRITING) as first:
        _held(built, first.process)
        writes = built.look("state")["writes"]
        second = built.run("sync", "--yes", keep_faults=True)
        assert (second.code, "is being worked on by" in second.said) == (6, True), second.said
        assert built.look("state")["writes"] == writes
        assert first.go_on().code == 0
    assert built.double_tasks() == []
    assert len(built.look("state")["tasks"]) == 3


def test_g2_a_worker_that_was_stopped_through_its_lease_writes_nothing_more(built: House) -> None:
    """SIGSTOP in the middle of a write, ten minutes, another worker does it all; SIGCONT: it ends with 6."""
    with built.beside("sync", "--yes", fault=WRITING, lease_s=LEASE_S) as first:
        _held(built, first.process)
        os.kill(first.process, signal.SIGSTOP)
        stopped = time.monotonic()
        built.later(timedelta(minutes=10))
        done = built.run("sync", "--yes", keep_faults=True)
        assert done.code == 0, done.said
        tasks, state, writes = built.look("state")["tasks"], built.state(), built.look("state")["writes"]
        time.sleep(max(0.0, stopped + LEASE_S + 0.1 - time.monotonic()))  # its own lease is over by its own clock
        os.kill(first.process, signal.SIGCONT)
        ended = first.go_on()
        assert (ended.code, "took over" in ended.said) == (6, True), ended.said
    assert (built.look("state")["tasks"], built.state(), built.look("state")["writes"]) == (tasks, state, writes)
    assert built.double_tasks() == []
