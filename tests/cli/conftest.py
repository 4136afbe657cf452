"""A fresh desk for every test."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.sandbox import Sandbox
from tests.cli.desk import TOKEN, Desk, account


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """An account that has our properties, nobody has synced yet."""
    monkeypatch.setenv("DESK_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "propagate", False)  # the sandbox outlives the stderr
    monkeypatch.setattr("connector.crm.hubspot.api.SEARCH", (1_000, 1.0))  # as much as this sandbox allows
    before = logging.getLogger().handlers[:]
    with Sandbox(account(), token=TOKEN, burst=10_000, search_per_second=1_000) as sandbox:
        yield Desk(tmp_path, sandbox, capsys)
    logging.getLogger().handlers = before  # the captured stderr is closed once the test is over


@pytest.fixture
def synced(desk: Desk) -> Desk:
    """The same desk after the first run."""
    assert desk("sync", "--yes").code == 0
    return desk
