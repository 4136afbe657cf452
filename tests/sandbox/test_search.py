"""Search: operators, paging, the cap, the lag."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.sandbox import Sandbox, World, fates
from connector.sandbox.clock import to_ms
from tests.sandbox.conftest import NINE, Api

NINE_MS = to_ms(NINE)


def condition(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator} | ({} if value is None else {"value": value}) | more


@pytest.fixture
def four(world: World) -> None:
    """Four contacts, a minute apart."""
    for number, (title, stage) in enumerate([("CTO", "lead"), ("cto", "customer"), ("VP Sales", ""), ("", "lead")]):
        world.add("contacts", {"jobtitle": title, "lifecyclestage": stage}, id=str(number + 1))
        world.clock.advance(60)


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        (condition("jobtitle", "EQ", "CTO"), ["1", "2"]),
        (condition("lifecyclestage", "EQ", "Lead"), []),
        (condition("lifecyclestage", "NEQ", "lead"), ["2", "3"]),
        (condition("lifecyclestage", "IN", values=["lead", "customer"]), ["1", "2", "4"]),
        (condition("lifecyclestage", "NOT_IN", values=["customer"]), ["1", "3", "4"]),
        (condition("jobtitle", "HAS_PROPERTY"), ["1", "2", "3"]),
        (condition("jobtitle", "NOT_HAS_PROPERTY"), ["4"]),
        (condition("jobtitle", "CONTAINS_TOKEN", "sal*"), ["3"]),
        (condition("hs_object_id", "GT", "2"), ["3", "4"]),
        (condition("createdate", "GTE", str(NINE_MS + 60_000)), ["2", "3", "4"]),
        (condition("createdate", "LT", "2026-11-21T09:01:00Z"), ["1"]),
        (condition("lastmodifieddate", "BETWEEN", str(NINE_MS), highValue=str(NINE_MS + 120_000)), ["1", "2", "3"]),
    ],
)
def test_every_operator_finds_what_it_says(api: Api, four: None, asked: dict[str, Any], ids: list[str]) -> None:
    """Texts ignore case, choices do not, dates and numbers go by size, both ends of BETWEEN are in."""
    assert api.found(asked) == ids


def test_generated_people_are_searched_like_written_ones() -> None:
    """The fast way over columns and the way over records agree, before and after a write."""
    asked = [condition("lifecyclestage", "EQ", "lead"), condition("hs_email_open", "GTE", "5")]
    with Sandbox(people=300, rate_limits=False, now=NINE) as sandbox:
        api = Api(sandbox)
        before = api.found(*asked, limit=200)
        for row in list(sandbox.world.rows("contacts")):
            sandbox.world.touch("contacts", row.id)
        after = api.found(*asked, limit=200)
        api.close()

    assert before == after
    assert 0 < len(before) < 300


def test_groups_are_alternatives(api: Api, four: None) -> None:
    """Filters of a group hold together, groups one or the other."""
    groups = [
        {"filters": [condition("jobtitle", "EQ", "VP Sales")]},
        {"filters": [condition("hs_object_id", "EQ", "4")]},
    ]

    assert [one["id"] for one in api.search(filterGroups=groups).json()["results"]] == ["3", "4"]


def test_results_are_counted_sorted_and_paged_by_offset(api: Api, four: None) -> None:
    """One sort, `total` over all, `after` as an offset."""
    sorts = [{"propertyName": "hs_object_id", "direction": "DESCENDING"}]

    first = api.search(sorts=sorts, limit=3).json()
    second = api.search(sorts=sorts, limit=3, after=first["paging"]["next"]["after"]).json()

    assert (first["total"], first["paging"]["next"]["after"]) == (4, "3")
    assert [one["id"] for one in first["results"] + second["results"]] == ["4", "3", "2", "1"]
    assert "paging" not in second


def test_the_oldest_record_is_found_by_its_creation(api: Api, world: World) -> None:
    """Sorted by createdate ascending, limit 1: how old the account is, in one call."""
    for id, days in (("1", 3), ("2", 3280), ("3", 400)):
        world.add("contacts", {}, id=id, created_at=NINE - timedelta(days=days))

    oldest = api.search(sorts=[{"propertyName": "createdate", "direction": "ASCENDING"}], limit=1).json()

    assert [one["id"] for one in oldest["results"]] == ["2"]
    assert oldest["total"] == 3


def test_paging_stops_at_ten_thousand(api: Api, world: World) -> None:
    """The last page below the cap is served, the first beyond it is a 400."""
    assert api.search(limit=200, after="9800").status_code == 200
    assert api.search(limit=200, after="10000").status_code == 400


@pytest.mark.parametrize(
    "request_body",
    [
        {"limit": 201},
        {"sorts": [{"propertyName": "email"}, {"propertyName": "createdate"}]},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [condition("email", "HAS_PROPERTY")] * 7}]},
        {"filterGroups": [{"filters": [condition("nonsense", "EQ", "1")]}]},
        {"filterGroups": [{"filters": [condition("email", "LIKE", "1")]}]},
        {"filterGroups": [{"filters": [condition("createdate", "GT", "soon")]}]},
        {"properties": ["x" * 3000]},
    ],
)
def test_requests_beyond_the_rules_are_refused(api: Api, request_body: dict[str, Any]) -> None:
    """Limits of page, sorts, groups, filters and body, unknown properties and operators: 400 each."""
    assert api.search(**request_body).status_code == 400


def test_a_linked_record_filters_by_pseudo_property(api: Api, world: World, ada: str) -> None:
    """`associations.contact` finds the calls of one contact."""
    mine, _ = (world.add("calls", {"hs_timestamp": "2026-11-20T09:00:00Z"}) for _ in range(2))
    world.associate("calls", mine, "contacts", ada)

    assert api.found(condition("associations.contact", "EQ", ada), kind="calls") == [mine]


def test_the_index_lags_behind_by_as_long_as_switched(api: Api, world: World, sandbox: Sandbox, ada: str) -> None:
    """A fresh write is not found, nor a fresh record, until the lag has passed; the list knows both at once."""
    world.clock.advance(60)
    sandbox.switch(index_lag_s=30)
    world.edit("contacts", ada, {"jobtitle": "CTO"})
    world.add("contacts", {"jobtitle": "CTO"}, id="2")
    asked = condition("jobtitle", "EQ", "CTO")

    assert api.found(asked) == []
    assert api.search().json()["results"][0]["properties"]["lastmodifieddate"] == "2026-11-21T09:00:00.000Z"
    assert len(api.get("/crm/v3/objects/contacts")["results"]) == 2
    world.clock.advance(30)
    assert api.found(asked) == ["1", "2"]


def test_the_bin_reaches_the_index_late_too(api: Api, world: World, sandbox: Sandbox, ada: str) -> None:
    """A record archived a moment ago is still found, as it was."""
    world.clock.advance(60)
    sandbox.switch(index_lag_s=30)
    world.archive("contacts", ada)

    assert api.search().json()["total"] == 1
    world.clock.advance(30)
    assert api.search().json()["total"] == 0


def test_archived_records_are_not_found(api: Api, world: World, ada: str) -> None:
    """The bin is never searched."""
    world.archive("contacts", ada)

    assert api.search().json()["total"] == 0


def test_what_changes_between_two_pages_shows_in_the_second(api: Api, world: World, four: None) -> None:
    """Edits, new records, archives, restores, erasures: nothing is remembered past them."""

    def leads() -> list[str]:
        return api.found(condition("lifecyclestage", "EQ", "lead"))

    told = [leads()]
    for call in (
        lambda: world.edit("contacts", "3", {"lifecyclestage": "lead"}),
        lambda: world.archive("contacts", "1"),
        lambda: fates.restore(world, "contacts", "1"),
        lambda: fates.erase(world, "contacts", "4"),
        lambda: world.add("contacts", {"lifecyclestage": "lead"}, id="5"),
    ):
        call()
        world.clock.advance(1)
        told.append(leads())

    assert told == [["1", "4"], ["1", "3", "4"], ["3", "4"], ["1", "3", "4"], ["1", "3"], ["1", "3", "5"]]


def test_links_made_between_two_pages_show_in_the_second(api: Api, world: World, four: None) -> None:
    """A filter by association is asked anew each time."""
    world.add("companies", {"name": "Amber"}, id="10")
    world.associate("contacts", "1", "companies", "10")
    first = api.found(condition("associations.company", "EQ", "10"))
    world.associate("contacts", "2", "companies", "10")

    assert (first, api.found(condition("associations.company", "EQ", "10"))) == (["1"], ["1", "2"])
