"""A scripted server for the HubSpot tests; for the Dynamics tests the Dataverse sandbox with an adapter on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.crm.dynamics import Dynamics
from connector.crm.hubspot import HubSpot
from connector.sandbox.clock import Clock
from connector.sandbox.dataverse import DataverseSandbox, Environment
from tests.crm import asking_dynamics
from tests.crm.organisation import Organisation
from tests.crm.scripted import NOBODY, Open, Reply, Script, Time


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def script() -> Iterator[Script]:
    with Script(lambda _heard: Reply(json=NOBODY)) as running:
        yield running


@pytest.fixture
def hubspot(script: Script, time: Time) -> Iterator[Open]:
    opened: list[HubSpot] = []

    def open_(token: Any = "pat-test", **settings: Any) -> HubSpot:
        timing = {"clock": time.clock, "sleep": time.sleep, "wall": time.wall}
        settings = {"base_url": script.url, "timeout": 5.0, **timing, **settings}
        opened.append(HubSpot(token, **settings))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def _dataverse() -> Iterator[DataverseSandbox]:
    nine = datetime(2026, 11, 22, 9, tzinfo=UTC)
    with DataverseSandbox(lambda: Environment(clock=Clock(nine))) as running:
        yield running


@pytest.fixture
def sandbox(_dataverse: DataverseSandbox) -> DataverseSandbox:
    """The same as it is when nobody has touched it."""
    _dataverse.reset()
    return _dataverse


@pytest.fixture
def crm(sandbox: DataverseSandbox) -> Iterator[Dynamics]:
    """The adapter on it, as a connection without settings of its own opens it."""
    opened = Dynamics(sandbox.service.token, sandbox.url, sleep=sandbox.world.clock.advance)
    yield opened
    opened.close()


@pytest.fixture
def organisation(_dataverse: DataverseSandbox) -> Organisation:
    """An empty environment with its own clock; only the listening socket is shared."""
    _dataverse.reset()
    return Organisation(_dataverse)


@pytest.fixture
def open_dynamics(organisation: Organisation) -> Iterator[asking_dynamics.Open]:
    """Opens adapters that live by the sandbox's clock: waiting there is time passing here."""
    opened: list[Dynamics] = []
    sandbox, clock = organisation.sandbox, organisation.inside.clock

    def open_(**settings: Any) -> Dynamics:
        timing = {"clock": lambda: clock.now() / 1000, "sleep": clock.advance}
        settings = {"read": asking_dynamics.SMALL, "timeout": 20.0, **timing, **settings}
        opened.append(Dynamics(settings.pop("token", sandbox.service.token), sandbox.url, **settings))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture
def dynamics(open_dynamics: asking_dynamics.Open) -> Dynamics:
    return open_dynamics()
