"""The reading half of the CRM contract on Dynamics, over real sockets against the sandbox, and Dynamics' own traps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.crm.dynamics.adapter import Dynamics
from connector.crm.dynamics.opening import Reading
from connector.sandbox.clock import Clock
from connector.sandbox.dataverse import DataverseSandbox, Environment
from tests.crm.contract import AccountContract, ReadingContract
from tests.crm.organisation import FURTHER, Organisation

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
SMALL = Reading(page=2, batch=3, ids=3, threads=3)

Open = Callable[..., Dynamics]


@pytest.fixture(scope="module")
def server() -> Iterator[DataverseSandbox]:
    with DataverseSandbox(lambda: Environment(clock=Clock(START))) as running:
        yield running


@pytest.fixture
def sandbox(server: DataverseSandbox) -> DataverseSandbox:
    """An empty environment with its own clock; only the listening socket is shared."""
    server.reset()
    return server


@pytest.fixture
def world(sandbox: DataverseSandbox) -> Organisation:
    return Organisation(sandbox)


@pytest.fixture
def open_dynamics(sandbox: DataverseSandbox) -> Iterator[Open]:
    """Opens adapters that live by the sandbox's clock: waiting there is time passing here."""
    opened: list[Dynamics] = []
    clock = sandbox.world.clock

    def open_(**settings: Any) -> Dynamics:
        timing = {"clock": lambda: clock.now() / 1000, "sleep": clock.advance}
        settings = {"read": SMALL, "timeout": 20.0, **timing, **settings}
        opened.append(Dynamics(settings.pop("token", sandbox.service.token), sandbox.url, **settings))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture
def crm(open_dynamics: Open) -> Dynamics:
    return open_dynamics()


class TestDynamics(ReadingContract):
    """Every promise of the protocol about reading, on Dynamics."""

    text, other = "jobtitle", "address1_city"
    further = FURTHER
    keeps_deleted = False
    several_companies = False

    test_records_are_counted_by_value = AccountContract.test_records_are_counted_by_value
    test_the_oldest_record_says_how_far_back = AccountContract.test_the_oldest_record_says_how_far_back_a_full_read_goes
