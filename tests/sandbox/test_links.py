"""Associations: read one, read many, page each, make, and the primary company."""

from __future__ import annotations

import pytest

from connector.sandbox import Sandbox, World
from tests.sandbox.conftest import NINE, Api

BATCH = "/crm/associations/2026-03/contacts/companies/batch"


@pytest.fixture
def two_companies(world: World, ada: str) -> None:
    for id in ("10", "11"):
        world.add("companies", {"name": f"Company {id}"}, id=id)
        world.associate("contacts", ada, "companies", id)


def test_the_first_company_becomes_the_primary_one(api: Api, two_companies: None) -> None:
    """Labels 279 and 1 on the first, 279 alone on the second; the contact's own property names the first."""
    results = api.get("/crm/v4/objects/contacts/1/associations/companies")["results"]

    assert {one["toObjectId"]: [t["typeId"] for t in one["associationTypes"]] for one in results} == {
        "10": [279, 1],
        "11": [279],
    }
    shown = api.get("/crm/v3/objects/contacts/1", properties="associatedcompanyid")
    assert shown["properties"]["associatedcompanyid"] == "10"


def test_a_new_primary_company_takes_the_place_of_the_old(world: World, two_companies: None, ada: str) -> None:
    """At most one is primary, seen from both sides."""
    world.associate("contacts", ada, "companies", "11", primary=True)

    assert world.links.primary("contacts", ada, "companies") == "11"
    assert [one.id for one in world.links.of("companies", "10", "contacts")[ada]] == [280]


def test_a_list_shows_links_once_per_type(api: Api, two_companies: None) -> None:
    """`?associations=` repeats a primary company, as the real one does."""
    shown = api.get("/crm/objects/2026-03/contacts", associations="companies,deals")["results"][0]

    assert [(one["id"], one["type"]) for one in shown["associations"]["companies"]["results"]] == [
        ("10", "contact_to_company_unlabeled"),
        ("10", "contact_to_company"),
        ("11", "contact_to_company_unlabeled"),
    ]
    assert "deals" not in shown["associations"]


def test_a_batch_reads_a_thousand_and_names_those_without(api: Api, two_companies: None) -> None:
    """Who has no company is reported missing in a 207; the thousand-and-first input is refused."""
    answer = api("POST", f"{BATCH}/read", {"inputs": [{"id": "1"}, {"id": "2"}]})

    assert answer.status_code == 207
    assert [one["from"]["id"] for one in answer.json()["results"]] == ["1"]
    assert answer.json()["errors"][0]["context"]["fromObjectId"] == ["2"]
    many = {"inputs": [{"id": str(id)} for id in range(1001)]}
    assert api("POST", f"{BATCH}/read", many).status_code == 400


def test_a_record_with_many_links_is_paged_by_itself(api: Api, world: World) -> None:
    """Five hundred links, then a cursor to send back with that input."""
    world.add("companies", {"name": "Big"}, id="10")
    for _ in range(501):
        world.associate("contacts", world.add("contacts", {}), "companies", "10")
    path = "/crm/associations/2026-03/companies/contacts/batch/read"

    first = api("POST", path, {"inputs": [{"id": "10"}]}).json()["results"][0]
    after = first["paging"]["next"]["after"]
    rest = api("POST", path, {"inputs": [{"id": "10", "after": after}]}).json()["results"][0]

    assert (len(first["to"]), len(rest["to"])) == (500, 1)
    assert "paging" not in rest


def test_links_are_made_with_types_and_by_default(api: Api, world: World, ada: str) -> None:
    """Batch create takes the numbers of the direction, the default form none; wrong numbers are refused."""
    world.add("companies", {}, id="10")
    world.add("companies", {}, id="11")
    primary = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    pair = {"from": {"id": "1"}, "to": {"id": "10"}}

    assert api("POST", f"{BATCH}/create", {"inputs": [pair | {"types": primary}]}).status_code == 201
    other = {"from": {"id": "1"}, "to": {"id": "11"}}
    assert api("POST", f"{BATCH}/associate/default", {"inputs": [other]}).status_code == 200
    wrong = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 280}]
    assert api("POST", f"{BATCH}/create", {"inputs": [pair | {"types": wrong}]}).status_code == 400
    assert list(world.links.of("contacts", ada, "companies")) == ["10", "11"]


def test_links_end_and_archived_partners_do_not_show(api: Api, world: World, two_companies: None, ada: str) -> None:
    """A removed pair is gone from both sides; a partner in the bin is not told."""
    world.archive("companies", "11")
    assert len(api.get("/crm/v4/objects/contacts/1/associations/companies")["results"]) == 1

    api("POST", f"{BATCH}/archive", {"inputs": [{"from": {"id": "1"}, "to": [{"id": "10"}]}]})
    assert api.get("/crm/v4/objects/contacts/1/associations/companies")["results"] == []
    assert world.links.of("companies", "10", "contacts") == {}


def test_a_merge_moves_links_to_the_survivor(world: World, two_companies: None, ada: str) -> None:
    """Whatever hung on the loser hangs on the survivor."""
    survivor = world.add("contacts", {}, id="2")
    world.merge("contacts", survivor, ada)

    assert list(world.links.of("contacts", survivor, "companies")) == ["10", "11"]


def test_generated_links_agree_from_both_sides() -> None:
    """What a contact says of its company, deals and calls, they say of it."""
    world = Sandbox(people=60, now=NINE).world
    for to in ("companies", "deals", "calls", "emails", "meetings", "tasks"):
        pairs = {(row.id, id) for row in world.rows("contacts") for id in world.links.of("contacts", row.id, to)}
        back = {(id, row.id) for row in world.rows(to) for id in world.links.of(to, row.id, "contacts")}
        assert pairs == back
        assert pairs
