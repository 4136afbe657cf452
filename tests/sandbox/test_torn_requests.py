"""A request that breaks off has not arrived: nothing of it is applied, in either sandbox."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connector.sandbox import Sandbox
from connector.sandbox.dataverse import DataverseSandbox, Environment
from connector.sandbox.dataverse.server import TOKEN
from connector.sandbox.shell import Shell

TASK = "/api/data/v9.2/tasks(00000000-0000-4000-8000-000000000001)"


def _told(shell: Shell, method: str, path: str, token: str, *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """What the sandbox answers to a request that comes in these pieces."""
    coming, said = list(messages), list[dict[str, Any]]()

    async def receive() -> dict[str, Any]:
        return coming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    headers = {"authorization": f"Bearer {token}", "content-type": "application/json", "if-none-match": "*"}
    scope = {
        "method": method,
        "query_string": b"",
        "raw_path": path.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(shell._asgi(scope, receive, send))  # type: ignore[arg-type]  # as uvicorn calls it
    return said


@pytest.mark.parametrize("first", [b"", b'{"subject": '])
def test_a_caller_that_dies_while_sending_has_sent_nothing(first: bytes) -> None:
    """Else a killed connector would leave an empty task behind, which nobody could tell from its own."""
    world = Environment()
    begun = {"type": "http.request", "body": first, "more_body": True}
    whole = {"type": "http.request", "body": b'"Call them"}' if first else b"{}", "more_body": False}
    sandbox = DataverseSandbox(world)

    assert _told(sandbox, "PATCH", TASK, TOKEN, begun, {"type": "http.disconnect"}) == []
    assert list(world.shelf("task").rows()) == []
    assert _told(sandbox, "PATCH", TASK, TOKEN, begun, whole)[0]["status"] == 204
    assert len(list(world.shelf("task").rows())) == 1


def test_so_it_is_with_hubspot() -> None:
    """No call is counted, and none is answered."""
    sandbox = Sandbox()
    begun = {"type": "http.request", "body": b"{}", "more_body": True}

    said = _told(sandbox, "POST", "/crm/v3/objects/contacts", sandbox.hubspot.token, begun, {"type": "http.disconnect"})

    assert (said, sandbox.world.writes) == ([], 0)
