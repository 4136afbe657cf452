"""Writing to an account that refuses single rows, changes its properties meanwhile, and stores what it likes."""

from __future__ import annotations

from typing import Any

import pytest

from connector.sandbox import Sandbox, World
from tests.sandbox.conftest import Api

CONTACTS = "/crm/objects/2026-03/contacts"


@pytest.fixture
def people(world: World) -> list[str]:
    """Sixteen leads."""
    return [world.add("contacts", {"lifecyclestage": "lead"}, id=str(n)) for n in range(1, 17)]


def titled(api: Api, ids: list[str], **more: str) -> Any:
    return api.update(
        *({"id": id, "properties": {"jobtitle": "CTO"} | more, "objectWriteTraceId": f"t{id}"} for id in ids)
    )


def written(world: World) -> list[str]:
    return [id for id, one in world.snapshot(("contacts",))["contacts"].items() if one.get("jobtitle") == "CTO"]


# -- poison ----------------------------------------------------------------------------------------------------------


def test_poisoned_rows_fail_alone_and_by_name(api: Api, sandbox: Sandbox, world: World, people: list[str]) -> None:
    """207: their ids, trace ids, codes and properties; the others are written."""
    poison = {"kind": "contacts", "ids": ["3", "7"], "code": "INVALID_OPTION", "property": "jobtitle", "whole": False}
    assert api("POST", "/_sandbox/poison", poison).json() == {"poisoned": 2}

    answer = titled(api, people)

    body = answer.json()
    assert (answer.status_code, body["numErrors"], len(body["results"])) == (207, 2, 14)
    assert [one["context"] for one in body["errors"]] == [
        {"ids": [id], "objectWriteTraceId": [f"t{id}"]} for id in ("3", "7")
    ]
    assert '"error":"INVALID_OPTION"' in body["errors"][0]["message"]
    assert '"name":"jobtitle"' in body["errors"][0]["message"]
    assert len(written(world)) == 14


def test_a_poisoned_property_spares_writes_without_it(api: Api, sandbox: Sandbox, people: list[str]) -> None:
    """So that the rest of the record can be written."""
    sandbox.do("poison", {"ids": ["3"], "property": "city"})

    assert titled(api, people).status_code == 200
    assert titled(api, people, city="Brno").status_code == 400
    assert api.patch("3", city="Brno").status_code == 400
    assert api.patch("3", jobtitle="CIO").status_code == 200


@pytest.mark.parametrize(("status", "category"), [(400, "VALIDATION_ERROR"), (409, "CONFLICT")])
def test_one_row_can_take_the_whole_batch_with_it(
    api: Api, sandbox: Sandbox, world: World, people: list[str], status: int, category: str
) -> None:
    """Without a name: only halving finds it."""
    sandbox.do("poison", {"ids": ["11"], "status": status, "whole": True})
    calls = 0

    def write(ids: list[str]) -> list[str]:
        nonlocal calls
        calls += 1
        answer = titled(api, ids)
        if answer.status_code == 200:
            return []
        assert (answer.status_code, answer.json()["category"]) == (status, category)
        assert "11" not in answer.json()["message"]
        half = len(ids) // 2
        return ids if len(ids) == 1 else write(ids[:half]) + write(ids[half:])

    assert write(people) == ["11"]
    assert calls == 9
    assert len(written(world)) == 15


def test_poison_loses_its_force_or_is_healed(api: Api, sandbox: Sandbox, people: list[str]) -> None:
    """After so many refusals, or at once."""
    sandbox.do("poison", {"ids": ["1"], "times": 2})
    sandbox.do("poison", {"ids": ["2"]})

    assert [api.patch("1", jobtitle="CTO").status_code for _ in range(3)] == [400, 400, 200]
    assert api.patch("2", jobtitle="CTO").status_code == 400
    api("POST", "/_sandbox/poison", {"clear": True})
    assert api.patch("2", jobtitle="CTO").status_code == 200


def test_tasks_for_a_poisoned_person_are_refused_where_asked(api: Api, sandbox: Sandbox, people: list[str]) -> None:
    """New records that are to be linked to it."""
    task = {
        "properties": {"hs_timestamp": "2026-11-23T09:00:00Z", "hs_task_subject": "Call"},
        "associations": [
            {"to": {"id": "1"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]}
        ],
    }
    sandbox.do("poison", {"ids": ["1"]})
    assert api("POST", "/crm/objects/2026-03/tasks", task).status_code == 201
    sandbox.do("poison", {"ids": ["1"], "creates": True})

    assert api("POST", "/crm/objects/2026-03/tasks", task).status_code == 400
    assert sandbox.world.count("tasks") == 1


# -- the schema moves --------------------------------------------------------------------------------------------------


def test_a_deleted_property_reads_as_nothing_and_refuses_writes(api: Api, people: list[str]) -> None:
    """Dropped from reads without a word, PROPERTY_DOESNT_EXIST on writes, 400 in a filter; restored, it is back."""
    api.patch("1", jobtitle="CTO")
    change = {"kind": "contacts", "name": "jobtitle"}
    api("POST", "/_sandbox/property", change | {"delete": True})

    assert "jobtitle" not in api.get(f"{CONTACTS}/1", properties="jobtitle,city")["properties"]
    assert api("GET", "/crm/properties/2026-03/contacts/jobtitle").status_code == 404
    assert titled(api, ["1"]).json()["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"
    assert (
        api.search(filterGroups=[{"filters": [{"propertyName": "jobtitle", "operator": "HAS_PROPERTY"}]}]).status_code
        == 400
    )
    api("POST", "/_sandbox/property", change | {"restore": True})
    assert api.get(f"{CONTACTS}/1", properties="jobtitle")["properties"]["jobtitle"] == "CTO"
    for name in ("lifecyclestage", "hs_object_id"):
        assert api("POST", "/_sandbox/property", {"kind": "contacts", "name": name, "delete": True}).status_code == 400


def test_an_option_goes_and_comes(api: Api, world: World, people: list[str]) -> None:
    """Who has it keeps it, nobody gets it any more."""
    api.patch("1", hs_lead_status="NEW")
    change = {"kind": "contacts", "name": "hs_lead_status"}
    api("POST", "/_sandbox/property", change | {"remove_option": "NEW"})

    assert api.patch("2", hs_lead_status="NEW").json()["errors"][0]["code"] == "INVALID_OPTION"
    assert world.get("contacts", "1")["hs_lead_status"] == "NEW"
    told = api.get("/crm/properties/2026-03/contacts/hs_lead_status")
    assert "NEW" not in [one["value"] for one in told["options"]]
    api("POST", "/_sandbox/property", change | {"add_option": "PARKED"})
    assert api.patch("2", hs_lead_status="PARKED").status_code == 200


def test_a_property_becomes_read_only(api: Api, people: list[str]) -> None:
    """READ_ONLY_VALUE, and the definition says so."""
    change = {"kind": "contacts", "name": "jobtitle"}
    api("POST", "/_sandbox/property", change | {"read_only": True})

    assert api.patch("1", jobtitle="CTO").json()["errors"][0]["code"] == "READ_ONLY_VALUE"
    told = api.get("/crm/properties/2026-03/contacts/jobtitle")
    assert told["modificationMetadata"]["readOnlyValue"] is True
    api("POST", "/_sandbox/property", change | {"read_only": False})
    assert api.patch("1", jobtitle="CTO").status_code == 200


def test_a_lifecycle_becomes_forward_only_in_the_middle_of_a_run(api: Api, sandbox: Sandbox, people: list[str]) -> None:
    """The same write back is taken, then ignored without a word."""
    sandbox.switch(lifecycle="any")
    sandbox.fault("do", method="PATCH", nth=3, control="switches", body={"lifecycle": "forward_only"})
    api.patch("1", lifecyclestage="customer")

    stages = [
        api.patch("1", lifecyclestage=stage).json()["properties"]["lifecyclestage"] for stage in ("lead", "subscriber")
    ]

    assert stages == ["lead", "lead"]


# -- values of its own -------------------------------------------------------------------------------------------------


def test_an_account_stores_values_in_a_form_of_its_own(api: Api, sandbox: Sandbox, people: list[str]) -> None:
    """Phones, numbers, addresses: what is read back is not what was written; writing it again changes nothing."""
    sandbox.switch(normalise_values=True)
    sent = {"phone": "+49 (30) 12 34-5", "email": " Ada@Company.Example", "jobtitle": " CTO "}
    answer = api.patch("1", **sent)

    kept = {"phone": "+4930123" + "45", "email": "ada@company.example", "jobtitle": " CTO "}
    assert {name: answer.json()["properties"][name] for name in sent} == kept
    assert "warnings" not in answer.json()
    company = sandbox.world.add("companies", {"name": "Amber"})
    sized = api.patch(company, kind="companies", numberofemployees="250.0", annualrevenue="1.50").json()["properties"]
    assert (sized["numberofemployees"], sized["annualrevenue"]) == ("250", "1.5")


def test_the_newest_version_normalises_dates_and_warns(api: Api, people: list[str]) -> None:
    """2026-09 takes an instant for a date and says what it made of it; 2026-03 refuses it."""
    definition = {"name": "since", "label": "Since", "type": "date", "fieldType": "date", "groupName": "information"}
    assert api("POST", "/crm/properties/2026-03/contacts", definition).status_code == 201
    inputs = {"inputs": [{"id": "1", "properties": {"since": "2026-11-21T10:30:00Z"}}]}

    old, new = (
        api("POST", f"/crm/objects/{version}/contacts/batch/update", inputs) for version in ("2026-03", "2026-09")
    )

    assert (old.status_code, old.json()["errors"][0]["code"]) == (400, "INVALID_DATE")
    assert new.json()["results"][0]["properties"]["since"] == "2026-11-21"
    (warning,) = new.json()["warnings"]
    assert warning["category"] == "PROPERTY_VALUE_NORMALIZED"
    assert warning["context"] == {
        "propertyName": ["since"],
        "rawValue": ["2026-11-21T10:30:00Z"],
        "normalizedValue": ["2026-11-21"],
    }
