"""The world on either CRM, and on either database: `build` makes it anew, with the usual people or empty."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.sandbox import Sandbox
from connector.sandbox.dataverse import DataverseSandbox
from tests.sync.dynamics_world import DynamicsWorld, empty_environment
from tests.sync.sandbox_world import SandboxWorld, empty_account
from tests.sync.world import World

Build = Callable[..., World]

#: The laws hold on PostgreSQL as on SQLite; everything else in this folder is tried there by `make test-postgres`.
ON_POSTGRES = "tests.sync.test_laws"

#: What the connector makes of a whole run, whichever CRM it has read: tried on the memory CRM, and on the others by
#: `make crash` (EVERY_CRM=1).
ON_MEMORY = frozenset(
    f"tests.sync.test_{name}"
    for name in ("answers", "colleagues", "follow_up", "forgetting", "guarding", "lost_changes", "observing", "scope")
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that builds worlds is done on each of them that can make a difference."""
    if "build" in metafunc.fixturenames:
        law = metafunc.module.__name__ == ON_POSTGRES and "crash" not in metafunc.function.__name__
        on_postgres = law or os.environ.get("LEDGER") == "postgres"
        on_hubspot = metafunc.module.__name__ not in ON_MEMORY or os.environ.get("EVERY_CRM") == "1"
        places = ["memory", *["hubspot"] * on_hubspot, "dynamics", *["postgres"] * on_postgres]
        metafunc.parametrize("build", places, indirect=True)


@pytest.fixture(scope="session")
def hubspot() -> Iterator[Sandbox]:
    """One sandbox on loopback, reset by every world."""
    with Sandbox(empty_account) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def dynamics() -> Iterator[DataverseSandbox]:
    """The same for Dynamics."""
    with DataverseSandbox(empty_environment) as sandbox:
        yield sandbox


@pytest.fixture
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    """Builds worlds on the CRM and database at hand: build(), build("other folder", page=2)."""

    def make(folder: str = "world", *, page: int = 100) -> World:
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        if request.param == "hubspot":
            return SandboxWorld(path, page=page, sandbox=request.getfixturevalue("hubspot"))
        if request.param == "dynamics":
            return DynamicsWorld(path, page=page, sandbox=request.getfixturevalue("dynamics"))
        world = World(path, page=page)
        if request.param == "postgres":
            world.database = request.getfixturevalue("databases")
        return world

    return make


@pytest.fixture
def memory(tmp_path: Path) -> Build:
    """Builds worlds on the memory CRM alone, for laws in which the CRM has no part."""

    def make(folder: str = "world", *, page: int = 100) -> World:
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        return World(path, page=page)

    return make
