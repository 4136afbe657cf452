"""The hand behind the curtain, the process on the command line, and reset."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
import requests

from connector.sandbox import Sandbox, World
from tests.sandbox.conftest import NINE, Api


def test_the_whole_world_can_be_moved_over_http(api: Api, world: World) -> None:
    """Create, link, edit, join, submit, merge and archive without a token, and look at the result."""
    api("POST", "/_sandbox/create", {"kind": "companies", "id": "10", "properties": {"name": "Amber"}})
    made = {
        "kind": "contacts",
        "id": "1",
        "properties": {"email": "ada@company.example"},
        "associations": [{"kind": "companies", "id": "10"}],
    }
    assert api("POST", "/_sandbox/create", made).json() == {"id": "1"}
    new = api("POST", "/_sandbox/create", {"kind": "contacts", "properties": {}}).json()["id"]
    api("POST", "/_sandbox/edit", {"kind": "contacts", "id": "1", "properties": {"jobtitle": "CTO"}})
    api("POST", "/_sandbox/list", {"name": "Trial", "contact_id": "1"})
    api("POST", "/_sandbox/form", {"form": "demo", "values": {"email": "ada@company.example"}})
    api("POST", "/_sandbox/merge", {"kind": "contacts", "survivor": "1", "loser": new})
    api("POST", "/_sandbox/archive", {"kind": "companies", "id": "10"})

    assert api.get("/_sandbox/records/contacts") == {"1": {"email": "ada@company.example", "jobtitle": "CTO"}}
    assert api.get("/_sandbox/state")["records"]["companies"] == 0
    assert "1" in world.audience.lists["trial"].members
    assert world.writes == 0


def test_the_clock_stands_moves_and_runs(api: Api) -> None:
    """Set, advanced, and everything that is written carries its time."""
    moved = api("POST", "/_sandbox/clock", {"at": "2026-12-01T08:00:00Z", "advance_seconds": 90})

    assert moved.json() == {"now": "2026-12-01T08:01:30.000Z"}
    assert api.get("/_sandbox/state")["clock"] == "2026-12-01T08:01:30.000Z"
    ticking = api("POST", "/_sandbox/clock", {"at": "2026-12-01T08:00:00Z", "ticking": True}).json()
    assert ticking["now"].startswith("2026-12-01T08:00:0")


def test_mistakes_at_the_controls_are_told(api: Api) -> None:
    """An unknown switch, fault, kind or path says what there is."""
    assert "latency_ms" in api("POST", "/_sandbox/switches", {"latency": 1}).json()["message"]
    assert "drop_after" in api("POST", "/_sandbox/faults", {"faults": [{"action": "explode"}]}).json()["message"]
    unknown = api("POST", "/_sandbox/edit", {"kind": "ships", "id": "1", "properties": {}})
    assert "contacts" in unknown.json()["message"]
    assert api("POST", "/_sandbox/nonsense", {}).status_code == 404


def test_calls_and_writes_are_counted_by_class(api: Api, ada: str) -> None:
    """What a test of a second run asks: how many records were written, by how many calls of which kind."""
    api("GET", "/crm/v3/objects/contacts")
    api.update({"id": ada, "properties": {"jobtitle": "CTO"}})
    api("POST", "/crm/v3/objects/contacts/batch/read", {"inputs": [{"id": ada}]})

    state = api.get("/_sandbox/state")

    assert state["calls"] == {"list": 1, "batch_update": 1, "batch_read": 1}
    assert state["writes"] == 1


def test_reset_gives_the_first_world_back(api: Api, sandbox: Sandbox, ada: str) -> None:
    """Records, switches, faults and counters as at the start."""
    sandbox.switch(burst=1)
    sandbox.fault("answer", times=0)
    api("POST", "/_sandbox/reset", {})

    assert api.get("/crm/v3/objects/contacts")["results"] == []
    assert api.get("/_sandbox/state")["switches"]["burst"] == 100


def test_a_hand_made_world_cannot_be_reset() -> None:
    """It says how to make one that can."""
    with pytest.raises(ValueError, match="pass a function"):
        Sandbox(World()).reset()


def test_the_same_seed_gives_the_same_account() -> None:
    """People, companies, deals, activities, lists and forms depend on seed and instant only."""
    one, same, other = (Sandbox(people=40, seed=seed, now=NINE).world for seed in (3, 3, 4))

    assert one.snapshot() == same.snapshot()
    assert one.snapshot() != other.snapshot()
    assert {name: kept.members for name, kept in one.audience.lists.items()} == {
        name: kept.members for name, kept in same.audience.lists.items()
    }
    assert one.audience.forms["demo-request"] == same.audience.forms["demo-request"]


def test_generated_people_are_unlike_and_valid() -> None:
    """Every address once, on invented or free-mail domains; every choice one that the account knows."""
    world = Sandbox(people=3000, now=NINE).world
    people = world.snapshot(("contacts",))["contacts"].values()
    emails = [one["email"].lower() for one in people if "email" in one]

    assert len(set(emails)) == len(emails)
    assert len(emails) < 3000
    assert {one["lifecyclestage"] for one in people if "lifecyclestage" in one} >= {"lead", "customer", "opportunity"}
    for kind in ("contacts", "deals", "calls", "meetings", "tasks"):
        for values in world.snapshot((kind,))[kind].values():
            for name, value in values.items():
                definition = world.definitions[kind][name]
                assert definition.type != "enumeration" or definition.allows(value), (kind, name)


def test_it_runs_as_a_process_and_prints_its_address() -> None:
    """One line when ready, options taken, ends on SIGTERM."""
    command = [sys.executable, "-m", "connector.sandbox", "--people", "5", "--token", "t0", "--set", "burst=7"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    answer = requests.get(url + "/crm/v3/objects/contacts", headers={"Authorization": "Bearer t0"}, timeout=10)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)

    assert len(answer.json()["results"]) == 5
    assert answer.headers["X-HubSpot-RateLimit-Max"] == "7"
    assert process.returncode is not None
