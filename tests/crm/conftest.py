"""Fixtures of the HubSpot tests that play a scripted server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.crm.hubspot import HubSpot
from tests.crm.scripted import Open, Reply, Script, Time


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def script() -> Iterator[Script]:
    with Script(lambda _heard: Reply(json={"results": []})) as running:
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
