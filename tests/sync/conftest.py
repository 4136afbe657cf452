"""The world on either CRM, and on either database: `build` makes it anew, with the usual people or empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.sandbox import Sandbox
from connector.sandbox.dataverse import DataverseSandbox
from tests.sync.dynamics_world import empty_environment
from tests.sync.places import over_http, places
from tests.sync.sandbox_world import empty_account
from tests.sync.world import World

Build = Callable[..., World]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that builds worlds is done on each of them that can make a difference."""
    if "build" in metafunc.fixturenames:
        module = metafunc.module.__name__.rpartition("test_")[2]
        metafunc.parametrize("build", [*places(module, metafunc.function.__name__)], indirect=True)


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
        if request.param in ("hubspot", "dynamics"):
            return over_http(path, request.getfixturevalue(request.param), page=page)
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
