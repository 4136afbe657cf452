"""Every manner of the Dataverse sandbox is reachable from the constructor, over HTTP and on the command line."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import requests

from connector.sandbox.__main__ import build, main
from connector.sandbox.dataverse import DataverseSandbox, Switches
from connector.sandbox.dataverse.control import CALLS
from connector.sandbox.dataverse.trouble import ACTIONS, KINDS, VARIANTS, instead
from tests.sandbox.dataverse.conftest import Api, guid

DYNAMICS = ["--crm", "dynamics", "--people", "0"]
#: Another value than the default for every switch, as a command line says it.
OTHERWISE = {
    **{one.name: str(one.default is False).lower() for one in fields(Switches) if isinstance(one.default, bool)},
    **{one.name: "3" for one in fields(Switches) if type(one.default) in (int, float)},
    **{one.name: one.metadata["choices"][1] for one in fields(Switches) if isinstance(one.default, str)},
    "delta_dead": "410",
    "chaos": "0.5",
    "chaos_of": "dropped",
}


@pytest.mark.parametrize("name", [one.name for one in fields(Switches)])
def test_every_switch_is_turned_in_three_places(sandbox: DataverseSandbox, name: str) -> None:
    value = OTHERWISE[name]
    turned = sandbox.do("switches", {name: value})

    assert turned[name] != Switches().as_json()[name]
    assert DataverseSandbox(**{name: value}).world.switches.as_json() == turned
    assert build([*DYNAMICS, "--set", f"{name}={value}"]).world.switches.as_json() == turned


def test_control_calls_are_made_at_the_start_again_after_a_reset(api: Api) -> None:
    body: dict[str, Any] = {"table": "contacts", "id": guid(7), "values": {"address1_city": "Brno"}}
    text = f'create={{"table": "contacts", "id": "{guid(7)}", "values": {{"address1_city": "Brno"}}}}'
    api("POST", "/_sandbox/create", body)
    made = DataverseSandbox(controls=[("create", body)])
    made.do("delete", {"table": "contacts", "id": guid(7)})
    made.reset()
    typed = build([*DYNAMICS, "--do", text])

    assert api.get("/_sandbox/records/contacts")[guid(7)]["address1_city"] == "Brno"
    for sandbox in (made, typed):
        assert isinstance(sandbox, DataverseSandbox)
        assert sandbox.world.get("contact", guid(7)).values["address1_city"] == "Brno"


@pytest.mark.parametrize("action", ACTIONS)
def test_every_fault_is_scripted_from_words_and_over_http(api: Api, sandbox: DataverseSandbox, action: str) -> None:
    more = {"control": "expire_links", "body": {}} if action == "do" else {}
    assert api("POST", "/_sandbox/faults", {"faults": [{"action": action, "nth": 9, **more}]}).json() == {"faults": 1}

    (told,) = api.get("/_sandbox/faults")["faults"]
    assert (told["action"], told["nth"], told["seen"]) == (action, 9, 0)
    words = f"{action} nth=9" + (" control=expire_links body={}" if action == "do" else "")
    (built,) = build([*DYNAMICS, "--fault", words]).faults
    assert built.as_json() == told


def test_chaos_meets_every_kind_of_trouble_and_all_of_it_passes(sandbox: DataverseSandbox) -> None:
    """Each is a fault that the sandbox itself would take."""
    for kinds in KINDS.values():
        for wanted in kinds:
            fault = sandbox.checked_fault(wanted)
            if fault.action in ("answer", "throttle", "html"):
                assert instead(fault, sandbox.world.clock).status in (429, 500, 502, 503, 504)
    assert "silent" in VARIANTS

    sandbox.switch(chaos=1, chaos_of="throttled")
    answers = {
        requests.get(f"{sandbox.url}/api/data/v9.2/WhoAmI", headers=sandbox.headers, timeout=10).json()["error"]["code"]
        for _ in range(24)
    }
    assert answers == {"0x80072322", "0x80072321", "0x80072326"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--do", "dance={}"], "expire_links"),
        (["--do", 'delete={"table": "contacts", "ids": "1"}'], "unknown key 'ids'"),
        (["--fault", "throttle policy=DAILY"], "entitlement"),
        (["--set", "burst=3"], "unknown switch"),
        (["--columns", "columns.toml"], "--columns is of the HubSpot sandbox"),
        (["--old-account"], "--old-account is of the HubSpot sandbox"),
        (["--certificate", "cert.pem"], "go together"),
    ],
)
def test_mistakes_on_the_command_line_are_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    """Exit code 64, and what would be right."""
    assert main([*DYNAMICS, *arguments]) == 64
    assert says in capsys.readouterr().err


def test_files_of_people_are_hubspots(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--crm", "dynamics", "--people", "people.csv"]) == 64
    assert "takes no files" in capsys.readouterr().err


def test_a_ready_made_world_cannot_be_reset(sandbox: DataverseSandbox) -> None:
    made = DataverseSandbox(sandbox.world)
    with pytest.raises(ValueError, match="made by hand"):
        made.reset()
    assert set(CALLS) >= {"reset", "clock", "switches", "faults", "process"}
