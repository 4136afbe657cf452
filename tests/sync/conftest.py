"""The world on either CRM: `world` builds it anew, with the usual people or empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.sandbox import Sandbox
from tests.sync.sandbox_world import SandboxWorld, empty_account
from tests.sync.world import World

Build = Callable[..., World]


@pytest.fixture(scope="session")
def hubspot() -> Iterator[Sandbox]:
    """One sandbox on loopback, reset by every world."""
    with Sandbox(empty_account) as sandbox:
        yield sandbox


@pytest.fixture(params=["memory", "hubspot"])
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    """Builds worlds on the CRM at hand: build(), build("other folder", page=2)."""

    def make(folder: str = "world", *, page: int = 100) -> World:
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        if request.param == "memory":
            return World(path, page=page)
        return SandboxWorld(path, page=page, sandbox=request.getfixturevalue("hubspot"))

    return make


@pytest.fixture
def memory(tmp_path: Path) -> Build:
    """Builds worlds on the memory CRM alone, for laws in which the CRM has no part."""

    def make(folder: str = "world", *, page: int = 100) -> World:
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        return World(path, page=page)

    return make
