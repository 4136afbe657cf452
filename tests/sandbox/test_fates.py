"""What becomes of records: merges and chains of them, new ids, restores, and deletions for privacy."""

from __future__ import annotations

import pytest

from connector.sandbox import Sandbox, World
from tests.sandbox.conftest import NINE, Api

CONTACTS = "/crm/objects/2026-03/contacts"


@pytest.fixture
def three(world: World) -> World:
    """Three contacts; the first has a company and a colleague's title, the second a list, the third a city."""
    world.add("contacts", {"email": "ada@company.example", "jobtitle": "CTO"}, id="1")
    world.add("contacts", {"email": "a.da@company.example", "jobtitle": "Head", "city": "Brno"}, id="2")
    world.add("contacts", {"phone": "123"}, id="3")
    world.add("companies", {"name": "Amber"}, id="10")
    world.associate("contacts", "1", "companies", "10")
    world.join_list("Trial", "2")
    return world


def merge(api: Api, survivor: str, loser: str, **more: object) -> str:
    id: str = api("POST", "/_sandbox/merge", {"kind": "contacts", "survivor": survivor, "loser": loser} | more).json()[
        "id"
    ]
    return id


def told(api: Api, id: str) -> dict[str, str]:
    properties: dict[str, str] = api.get(
        f"{CONTACTS}/{id}", properties="email,city,phone,hs_merged_object_ids,hs_calculated_merged_vids"
    )["properties"]
    return properties


def test_a_chain_of_merges_leaves_one_record_and_three_ids(api: Api, three: World) -> None:
    """The old ids answer as the survivor or not at all; HubSpot's own list of merges forgets the first of a chain."""
    merge(api, "2", "3")
    three.clock.advance(60)
    merge(api, "1", "2")

    shown = told(api, "1")
    assert (shown["city"], shown["phone"]) == ("Brno", "123")
    assert shown["hs_merged_object_ids"] == "2;3"
    assert shown["hs_calculated_merged_vids"].split(":")[0] == "2"
    assert "3:" not in shown["hs_calculated_merged_vids"]
    assert [api.get(f"{CONTACTS}/{id}")["id"] for id in ("2", "3")] == ["1", "1"]
    three.switches = three.switches.turned({"merged_ids_answer": False})
    assert [api("GET", f"{CONTACTS}/{id}").status_code for id in ("2", "3")] == [404, 404]
    assert three.count("contacts") == 1


def test_a_merge_can_make_a_third_record(api: Api, sandbox: Sandbox, three: World) -> None:
    """Both old ids vanish; the new record has the past of the survivor, its company as the primary one, all lists."""
    api.patch("1", jobtitle="CIO")
    sandbox.switch(merge_makes_new_id=True)
    merged = api("POST", f"{CONTACTS}/merge", {"primaryObjectId": "1", "objectIdToMerge": "2"})

    new = merged.json()["id"]
    assert new not in ("1", "2", "3")
    assert [one["id"] for one in api.get(CONTACTS)["results"]] == ["3", new]
    assert api.get(CONTACTS, archived="true")["results"] == []
    shown = api.get(f"{CONTACTS}/{new}", propertiesWithHistory="jobtitle", properties="city,associatedcompanyid")
    assert [one["value"] for one in shown["propertiesWithHistory"]["jobtitle"]] == ["CIO", "CTO"]
    assert (shown["properties"]["city"], shown["properties"]["associatedcompanyid"]) == ("Brno", "10")
    assert told(api, new)["hs_merged_object_ids"] == "1;2"
    assert [one["recordId"] for one in api.get("/crm/lists/2026-03/1/memberships")["results"]] == [new]
    assert api.get(f"{CONTACTS}/2")["id"] == new
    assert three.contact_of("ada@company.example") == new


def test_a_third_record_can_be_merged_again(api: Api, three: World) -> None:
    """Chains of new ids: every earlier id leads to the last one."""
    first = merge(api, "1", "2", new_id=True)
    last = merge(api, first, "3", new_id=True)

    assert [api.get(f"{CONTACTS}/{id}")["id"] for id in ("1", "2", "3", first)] == [last] * 4
    assert set(told(api, last)["hs_merged_object_ids"].split(";")) == {"1", "2", "3", first}


def test_generated_people_merge_into_a_third_alike() -> None:
    """Their past is told from the seed, whatever id they have now."""
    sandbox = Sandbox(people=20, activities=False, now=NINE)
    world = sandbox.world
    one, two = (row.id for row in list(world.rows("contacts"))[:2])
    past, count = world.get("contacts", one), world.count("contacts")

    new = sandbox.do("merge", {"kind": "contacts", "survivor": one, "loser": two, "new_id": True})["id"]

    assert world.get("contacts", new).items() >= past.items()
    assert world.count("contacts") == count - 1
    assert world.living("contacts", one) is None


def test_a_restored_record_is_back_with_a_new_date(api: Api, three: World) -> None:
    """Out of the archived list, into the other; what was never there, or merged, cannot come back."""
    api("POST", "/_sandbox/archive", {"kind": "contacts", "id": "1"})
    three.clock.advance(60)
    api("POST", "/_sandbox/restore", {"kind": "contacts", "id": "1"})

    assert api.get(f"{CONTACTS}/1")["updatedAt"] == "2026-11-21T09:01:00.000Z"
    assert api.get(CONTACTS, archived="true")["results"] == []
    merge(api, "2", "3")
    for id in ("1", "3"):
        assert api("POST", "/_sandbox/restore", {"kind": "contacts", "id": id}).status_code == 400


def test_a_privacy_deletion_leaves_nothing_anywhere(api: Api, three: World) -> None:
    """Not in lists, searches, batches, the recycling bin, memberships, submissions or associations."""
    three.submit_form("demo", {"email": "ADA@company.example"})
    three.submit_form("demo", {"email": "else@company.example"})
    three.join_list("Trial", "1")
    assert api("POST", "/_sandbox/gdpr_delete", {"email": "ada@company.example"}).json() == {"id": "1"}

    assert [one["id"] for one in api.get(CONTACTS)["results"]] == ["2", "3"]
    assert api.get(CONTACTS, archived="true")["results"] == []
    assert [api("GET", f"{CONTACTS}/1", archived=side).status_code for side in ("true", "false")] == [404, 404]
    assert api.search().json()["total"] == 2
    assert api.update({"id": "1", "properties": {"city": "Brno"}}).json()["numErrors"] == 1
    assert [one["recordId"] for one in api.get("/crm/lists/2026-03/1/memberships")["results"]] == ["2"]
    submissions = api.get("/form-integrations/v1/submissions/forms/demo")["results"]
    assert [one["values"][0]["value"] for one in submissions] == ["else@company.example"]
    assert api.get("/crm/objects/2026-03/companies/10/associations/contacts")["results"] == []
    assert three.contact_of("ada@company.example") is None
    assert api("POST", "/_sandbox/gdpr_delete", {"email": "ada@company.example"}).status_code == 400


def test_generated_people_can_be_erased_too() -> None:
    """They are not told again from the seed, and not counted."""
    sandbox = Sandbox(people=20, activities=False, now=NINE)
    world = sandbox.world
    first = next(world.rows("contacts")).id
    world.edit("contacts", first, {"city": "Brno"})
    count = world.count("contacts")
    sandbox.do("gdpr_delete", {"id": first})

    assert world.row("contacts", first) is None
    assert first not in world.snapshot(("contacts",))["contacts"]
    assert world.count("contacts") == count - 1 == len(world.snapshot(("contacts",))["contacts"])
