"""A house for every test that needs one."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog

from connector import log
from tests.cli.conftest import desk, first_run, running, synced  # noqa: F401 - fixtures
from tests.daemon.house import House, house


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Builds a house; only one stands at a time."""
    with ExitStack() as stack:
        yield lambda **more: stack.enter_context(house(tmp_path, **more))


@pytest.fixture
def acme(build: Callable[..., Any]) -> House:
    """One connection every five minutes, confirmed, with one of each future."""
    built: House = build()
    built.world("acme").usual_people()
    return built.confirmed()


@pytest.fixture(autouse=True)
def said() -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """What the daemon logged, line by line: all of it, or one event."""
    root, out = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    log.configure("json", "info", out)

    def lines(event: str = "") -> list[dict[str, Any]]:
        return [one for one in map(json.loads, out.getvalue().splitlines()) if event in ("", one["event"])]

    yield lines
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
