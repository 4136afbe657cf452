"""One sandbox on a real port for all tests of this folder; every test begins with an empty account at nine o'clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from connector.sandbox import Sandbox, World
from connector.sandbox.clock import Clock

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class Api:
    """A client without manners of its own: one connection, no retries, dated paths unless said otherwise."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._session = requests.Session()

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        url, headers = self._sandbox.url + path, self._sandbox.headers
        return self._session.request(method, url, json=body, params=query, headers=headers, timeout=10)

    def get(self, path: str, **query: Any) -> Any:
        """The body of an answer that must be 200."""
        answer = self("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def search(self, kind: str = "contacts", **request: Any) -> requests.Response:
        return self("POST", f"/crm/objects/2026-03/{kind}/search", request)

    def found(self, *filters: dict[str, Any], kind: str = "contacts", **request: Any) -> list[str]:
        """Ids that one group of filters finds."""
        answer = self.search(kind, filterGroups=[{"filters": list(filters)}], **request)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["results"]]

    def update(self, *inputs: dict[str, Any], kind: str = "contacts") -> requests.Response:
        return self("POST", f"/crm/objects/2026-03/{kind}/batch/update", {"inputs": list(inputs)})

    def patch(self, id: str, kind: str = "contacts", **properties: str) -> requests.Response:
        return self("PATCH", f"/crm/objects/2026-03/{kind}/{id}", {"properties": properties})

    def close(self) -> None:
        self._session.close()


@pytest.fixture(scope="session")
def _running() -> Iterator[Sandbox]:
    with Sandbox(lambda: World(clock=Clock(NINE))) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_running: Sandbox) -> Sandbox:
    _running.reset()
    return _running


@pytest.fixture
def world(sandbox: Sandbox) -> World:
    return sandbox.world


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[Api]:
    client = Api(sandbox)
    yield client
    client.close()


@pytest.fixture
def ada(world: World) -> str:
    """One contact."""
    return world.add("contacts", {"email": "ada@company.example", "lifecyclestage": "lead"}, id="1")
