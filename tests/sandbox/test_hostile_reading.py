"""Reading from an account that tells late, coarsely, incompletely, and in smaller pages than before."""

from __future__ import annotations

import pytest

from connector.sandbox import Sandbox, World
from tests.sandbox.conftest import NINE, Api

CONTACTS = "/crm/objects/2026-03/contacts"
MODIFIED = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(int(NINE.timestamp() * 1000))}
PEOPLE = 40


@pytest.fixture
def people(world: World) -> list[str]:
    """Forty contacts, an hour old."""
    ids = [world.add("contacts", {"email": f"p{n}@company.example"}, id=str(n)) for n in range(1, PEOPLE + 1)]
    world.clock.advance(3600)
    return ids


# -- late and coarse -----------------------------------------------------------------------------------------------


def test_each_record_reaches_the_index_after_a_while_of_its_own(
    api: Api, sandbox: Sandbox, world: World, people: list[str]
) -> None:
    """Between the fixed and the random lag; the order of arrival is not the order of writing, the seed decides it."""
    sandbox.switch(index_lag_s=10, index_lag_random_s=30, rate_limits=False)
    for id in people:
        api.patch(id, jobtitle="CTO")

    def seen_after(*seconds: int) -> list[set[str]]:
        start, told = world.clock.now(), []
        for wait in seconds:
            world.clock.advance(wait - (world.clock.now() - start) / 1000)
            told.append(set(api.found({"propertyName": "jobtitle", "operator": "EQ", "value": "CTO"}, limit=200)))
        return told

    at_once, early, later, all_of_them = seen_after(9, 15, 25, 40)
    assert at_once == set()
    assert 0 < len(early) < len(later) < PEOPLE
    assert early < later
    assert sorted(early, key=int) != people[: len(early)]
    assert len(all_of_them) == PEOPLE
    world.clock.advance(-25)
    sandbox.switch(chance_seed=8)
    assert api.found({"propertyName": "jobtitle", "operator": "EQ", "value": "CTO"}, limit=200) != sorted(
        early, key=int
    )


def test_a_lagging_record_is_told_as_it_was(api: Api, sandbox: Sandbox, world: World, people: list[str]) -> None:
    """Its old values and its old date, as search has them; a batch read knows better."""
    sandbox.switch(index_lag_random_s=600)
    api.patch("1", jobtitle="CTO")

    (hit,) = api.search(
        filterGroups=[{"filters": [{"propertyName": "hs_object_id", "operator": "EQ", "value": "1"}]}],
        properties=["jobtitle"],
    ).json()["results"]
    read = api("POST", f"{CONTACTS}/batch/read", {"properties": ["jobtitle"], "inputs": [{"id": "1"}]}).json()

    assert (hit["properties"]["jobtitle"], hit["updatedAt"]) == (None, "2026-11-21T09:00:00.000Z")
    assert read["results"][0]["properties"]["jobtitle"] == "CTO"


def test_modifications_can_carry_coarse_instants(api: Api, sandbox: Sandbox, world: World, people: list[str]) -> None:
    """Rounded down: a change may bear a date before the last one read."""
    sandbox.switch(time_grain_ms=60_000)
    world.clock.advance(59)
    api.patch("1", jobtitle="CTO")
    world.archive("contacts", "2")

    told = api.get(f"{CONTACTS}/1", propertiesWithHistory="jobtitle")
    assert told["updatedAt"] == "2026-11-21T10:00:00.000Z"
    assert told["propertiesWithHistory"]["jobtitle"][0]["timestamp"] == "2026-11-21T10:00:00.000Z"
    assert api.get(f"{CONTACTS}/2", archived="true")["archivedAt"] == "2026-11-21T10:00:00.000Z"


def test_thousands_of_rows_share_one_millisecond() -> None:
    """Generated people, touched at once; what they were born with is not kept for it."""
    with Sandbox(people=25_000, activities=False, now=NINE, rate_limits=False) as sandbox:
        api = Api(sandbox)
        touched = api("POST", "/_sandbox/bulk_touch", {"kind": "contacts", "count": 25_000}).json()
        found = api.search(filterGroups=[{"filters": [MODIFIED]}], limit=200).json()
        api.close()

    assert touched == {"touched": 25_000, "at": "2026-11-21T09:00:00.000Z"}
    assert found["total"] == 25_000
    assert {one["updatedAt"] for one in found["results"]} == {"2026-11-21T09:00:00.000Z"}


def test_a_bulk_edit_gives_some_records_the_same_value_at_once(api: Api, world: World, people: list[str]) -> None:
    """By id or from an id on; what has consequences is refused."""
    edit = {"kind": "contacts", "properties": {"city": "Brno"}}
    api("POST", "/_sandbox/bulk_touch", edit | {"ids": ["3"]})
    api("POST", "/_sandbox/bulk_touch", edit | {"from_id": 10, "count": 2})
    refused = api("POST", "/_sandbox/bulk_touch", {"kind": "contacts", "ids": ["1"], "properties": {"email": "x"}})

    assert api.found({"propertyName": "city", "operator": "EQ", "value": "Brno"}) == ["3", "10", "11"]
    assert (refused.status_code, "email" in refused.json()["message"]) == (400, True)


# -- incomplete ----------------------------------------------------------------------------------------------------


def test_every_nth_row_of_lists_and_searches_gets_lost(api: Api, sandbox: Sandbox, people: list[str]) -> None:
    """Counted over all calls, so that another pass loses another row."""
    sandbox.switch(lost_rows_every=7)
    passes = [[one["id"] for one in api.get(CONTACTS, limit=100)["results"]] for _ in range(2)]
    found = api.found(MODIFIED | {"value": "0"}, limit=200)

    lost = [sorted(set(people) - set(seen), key=int) for seen in (*passes, found)]
    assert lost[0] == ["7", "14", "21", "28", "35"]
    assert lost[1] == ["2", "9", "16", "23", "30", "37"]
    assert len(lost[2]) == 6
    assert api.search(limit=200).json()["total"] == PEOPLE


def test_every_nth_result_of_a_batch_gets_lost(api: Api, sandbox: Sandbox, world: World, people: list[str]) -> None:
    """Read, written and associated alike; the writes took."""
    sandbox.switch(lost_results_every=2)
    world.add("companies", {"name": "Amber"}, id="10")
    for id in people[:4]:
        world.associate("contacts", id, "companies", "10")
    inputs = [{"id": id} for id in people[:4]]
    answers = [
        api("POST", f"{CONTACTS}/batch/read", {"properties": [], "inputs": inputs}),
        api.update(*(one | {"properties": {"city": "Brno"}} for one in inputs)),
        api("POST", "/crm/associations/2026-03/contacts/companies/batch/read", {"inputs": inputs}),
    ]

    assert [(one.status_code, len(one.json()["results"])) for one in answers] == [(200, 2)] * 3
    assert [world.get("contacts", id)["city"] for id in people[:4]] == ["Brno"] * 4


def test_a_search_may_begin_with_rows_that_are_not_there(api: Api, sandbox: Sandbox, people: list[str]) -> None:
    """An empty page, a short page, and all rows in the end for who follows the cursor."""
    sandbox.switch(search_ghosts=15, rate_limits=False)
    sizes, seen, after = [], [], "0"
    while after:
        page = api.search(limit=10, after=after).json()
        sizes.append(len(page["results"]))
        seen += [one["id"] for one in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after")

    assert sizes == [0, 5, 10, 10, 10, 5]
    assert seen == people
    newest = [{"propertyName": "hs_object_id", "direction": "DESCENDING"}]
    assert api.search(limit=10, sorts=newest).json()["results"] == []


def test_associations_can_be_left_out_of_every_answer(api: Api, sandbox: Sandbox, world: World) -> None:
    """Of one kind of object: the list is empty, nothing is said to be missing; others are told as ever."""
    world.add("contacts", {}, id="1")
    world.add("companies", {"name": "Amber"}, id="10")
    world.add("deals", {"dealname": "Amber 1", "dealstage": "closedwon"}, id="20")
    world.associate("contacts", "1", "companies", "10")
    world.associate("contacts", "1", "deals", "20")
    sandbox.switch(associations_omitted="companies,tasks")
    batch = {"inputs": [{"id": "1"}]}

    read = api("POST", "/crm/associations/2026-03/contacts/companies/batch/read", batch)
    assert (read.status_code, read.json()["results"]) == (200, [{"from": {"id": "1"}, "to": []}])
    assert api.get(f"{CONTACTS}/1/associations/companies")["results"] == []
    assert set(api.get(CONTACTS, associations="companies,deals")["results"][0]["associations"]) == {"deals"}


# -- smaller than before ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switch", "path", "body", "query"),
    [
        ("list_limit", CONTACTS, None, {"limit": 21}),
        ("history_limit", CONTACTS, None, {"limit": 21, "propertiesWithHistory": "email"}),
        ("history_limit", f"{CONTACTS}/batch/read", {"propertiesWithHistory": ["email"]}, {}),
        ("search_limit", f"{CONTACTS}/search", {"limit": 21}, {}),
        ("search_depth", f"{CONTACTS}/search", {"limit": 20, "after": "1"}, {}),
        ("batch_limit", f"{CONTACTS}/batch/read", {"properties": []}, {}),
        ("batch_limit", f"{CONTACTS}/batch/update", {}, {}),
        ("associations_limit", "/crm/associations/2026-03/contacts/companies/batch/read", {}, {}),
    ],
)
def test_page_and_batch_limits_change_in_the_middle_of_a_run(
    api: Api,
    sandbox: Sandbox,
    people: list[str],
    switch: str,
    path: str,
    body: dict[str, object] | None,
    query: dict[str, object],
) -> None:
    """The same call is fine, then refused with a 400 that names the new limit, then fine in a smaller size."""
    if body is not None and "search" not in path:
        body |= {"inputs": [{"id": id, "properties": {"city": "Brno"}} for id in people[:21]]}

    def call() -> tuple[int, str]:
        answer = api("GET" if body is None else "POST", path, body, **query)
        return answer.status_code, answer.text

    before = call()
    sandbox.switch(**{switch: 20})
    refused = call()
    sandbox.switch(**{switch: 21})

    assert before[0] in (200, 207)
    assert (refused[0], " 20" in refused[1], "VALIDATION_ERROR" in refused[1]) == (400, True, True)
    assert call()[0] == before[0]
