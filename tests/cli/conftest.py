"""A fresh desk for every test."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest

from connector.sandbox import Sandbox, World
from tests.cli.desk import TOKEN, Desk, account


@dataclass
class FirstRun:
    """What a first run leaves behind, kept so that it has to be made once: the account, and the state beside it."""

    world: World | None = None
    ledger: bytes = b""
    calls: int = 0  # of the account's day


@pytest.fixture(scope="session")
def running() -> Iterator[Sandbox]:
    """One sandbox on loopback; every desk begins its account anew."""
    logging.getLogger("uvicorn.error").propagate = False  # it outlives the stderr of each test
    with Sandbox(account, token=TOKEN, burst=10_000, search_per_second=1_000) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def first_run() -> FirstRun:
    """The first run of this session, once somebody needs it."""
    return FirstRun()


@pytest.fixture
def desk(
    running: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """An account that has our properties, nobody has synced yet."""
    monkeypatch.setenv("DESK_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("connector.crm.hubspot.api.SEARCH", (1_000, 1.0))  # as much as this sandbox allows
    before = logging.getLogger().handlers[:]
    running.reset()
    if not running.answers:  # a test took it down
        running.start()
    yield Desk(tmp_path, running, capsys)
    logging.getLogger().handlers = before  # the captured stderr is closed once the test is over


@pytest.fixture
def synced(desk: Desk, first_run: FirstRun) -> Desk:
    """The same desk after the first run."""
    if first_run.world is None:
        assert desk("sync", "--yes").code == 0
        first_run.world, first_run.ledger = deepcopy(desk.world), desk.ledger.read_bytes()
        first_run.calls = desk.sandbox.hubspot.limits.used_today
    else:
        desk.sandbox.begin(deepcopy(first_run.world))
        desk.sandbox.hubspot.limits.spend_daily(first_run.calls)
        desk.ledger.write_bytes(first_run.ledger)
    return desk
