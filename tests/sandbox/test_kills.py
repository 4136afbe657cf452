"""The sandbox kills its client at the call it was told, before or after applying it: what `make crash` stands on."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from connector.sandbox import Sandbox
from tests.sandbox.conftest import Api

#: A client that writes one title after the other, each call on its own, until somebody stops it.
CLIENT = """
import http.client, json, sys
host, token = sys.argv[1:]
for number in range(1, 6):
    line = http.client.HTTPConnection(host, timeout=30)
    body = json.dumps({"properties": {"jobtitle": f"Title {number}"}})
    head = {"Authorization": token, "Content-Type": "application/json"}
    line.request("PATCH", "/crm/objects/2026-03/contacts/1", body, head)
    line.getresponse().read()
"""


Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def start(sandbox: Sandbox, ada: str) -> Iterator[Start]:
    """Starts the client."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-S", "-c", CLIENT, sandbox.url[7:], sandbox.headers["Authorization"]]
        started.append(subprocess.Popen(command))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("action", "title"), [("kill_before", "Title 2"), ("kill_after", "Title 3")])
def test_a_client_dies_at_the_nth_call_before_or_after_it_is_applied(
    api: Api, sandbox: Sandbox, start: Start, action: str, title: str
) -> None:
    """The third of five; until the process is named, the call that is to be its last waits for the name."""
    api("POST", "/_sandbox/faults", {"faults": [{"action": action, "method": "PATCH", "nth": 3}]})
    client = start()
    api("POST", "/_sandbox/process", {"pid": client.pid})

    assert client.wait(timeout=30) == -signal.SIGKILL
    assert sandbox.world.get("contacts", "1")["jobtitle"] == title
    (kill,) = api.get("/_sandbox/state")["kills"]
    assert (kill["pid"], kill["killed"], kill["action"]) == (client.pid, True, action)
    assert kill["call"] == "PATCH /crm/objects/2026-03/contacts/1"
    (fault,) = api.get("/_sandbox/faults")["faults"]
    assert fault == {"action": action, "method": "PATCH", "nth": 3, "seen": 3, "struck": 1}


def test_a_process_that_has_ended_is_told_as_not_killed(api: Api, sandbox: Sandbox, ada: str) -> None:
    """The connection is cut all the same; the account says that nobody was hit."""
    gone = subprocess.Popen([sys.executable, "-S", "-c", ""])
    gone.wait()
    sandbox.fault("kill_after", pid=gone.pid)

    with pytest.raises(requests.ConnectionError):
        api.patch(ada, jobtitle="CTO")

    assert sandbox.world.get("contacts", ada)["jobtitle"] == "CTO"
    assert [one["killed"] for one in api.get("/_sandbox/state")["kills"]] == [False]


def test_ids_that_would_kill_more_or_the_sandbox_itself_are_refused(api: Api, sandbox: Sandbox) -> None:
    """0 is a whole group of processes, -1 everybody, 1 the machine."""
    for pid in (0, -1, 1):
        assert "a process to kill" in api("POST", "/_sandbox/process", {"pid": pid}).json()["message"]
    with pytest.raises(ValueError, match="a process to kill"):
        sandbox.fault("kill_before", pid=-1)


def test_a_call_waits_for_the_name_of_the_process(api: Api, sandbox: Sandbox, ada: str) -> None:
    """Nothing is applied or answered before it is known whom to kill."""
    sandbox.fault("kill_before", method="PATCH")
    victim = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    broken = threading.Event()

    def write() -> None:
        try:
            Api(sandbox).patch(ada, jobtitle="CTO")
        except requests.ConnectionError:
            broken.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not sandbox.world.writes and not api.get("/_sandbox/faults")["faults"][0]["struck"]:
        time.sleep(0.001)
    api("POST", "/_sandbox/process", {"pid": victim.pid})
    thread.join(30)

    assert victim.wait(30) == -signal.SIGKILL
    assert broken.is_set()
    assert sandbox.world.writes == 0
