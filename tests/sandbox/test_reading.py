"""Lists, single records, batches and property history."""

from __future__ import annotations

import pytest

from connector.sandbox import Sandbox, World
from tests.sandbox.conftest import Api

CONTACTS = "/crm/objects/2026-03/contacts"


@pytest.mark.parametrize("path", ["/crm/v3/objects/contacts", CONTACTS, "/crm/objects/2026-09/0-1"])
def test_three_path_styles_mean_the_same(api: Api, ada: str, path: str) -> None:
    """The legacy path, both dated ones and the object's number reach the same record."""
    assert [one["id"] for one in api.get(path)["results"]] == [ada]


def test_a_path_of_the_wrong_style_is_not_found(api: Api) -> None:
    """Associations live under v4, objects under v3: mixing them answers 404."""
    assert api("GET", "/crm/v4/objects/contacts").status_code == 404


def test_a_list_goes_by_id_and_its_cursor_is_the_next_id(api: Api, world: World) -> None:
    """Records come in order of id, whatever the order in which they were made."""
    for id in ("30", "4", "200"):
        world.add("contacts", {}, id=id)

    first = api.get(CONTACTS, limit=2)
    second = api.get(CONTACTS, limit=2, after=first["paging"]["next"]["after"])

    assert [one["id"] for one in first["results"]] == ["4", "30"]
    assert first["paging"]["next"]["after"] == "200"
    assert [one["id"] for one in second["results"]] == ["200"]
    assert "paging" not in second


def test_a_list_page_holds_a_hundred_or_fifty_with_history(api: Api, ada: str) -> None:
    """One more than the limit is a 400, and history halves it."""
    assert api("GET", CONTACTS, limit=100).status_code == 200
    assert api("GET", CONTACTS, limit=101).json()["category"] == "VALIDATION_ERROR"
    assert api("GET", CONTACTS, limit=50, propertiesWithHistory="email").status_code == 200
    assert api("GET", CONTACTS, limit=51, propertiesWithHistory="email").status_code == 400


def test_unset_properties_are_null_and_unknown_ones_are_dropped(api: Api, ada: str) -> None:
    """A typing error in a property name reads as no value at all."""
    shown = api.get(f"{CONTACTS}/1", properties="email,jobtitle,jobtitel")["properties"]

    assert shown["email"] == "ada@company.example"
    assert shown["jobtitle"] is None
    assert "jobtitel" not in shown


def test_archived_records_show_only_when_asked_for(api: Api, world: World, ada: str) -> None:
    """The bin is another list, with the time of archiving."""
    world.add("contacts", {}, id="2")
    world.archive("contacts", ada)

    assert [one["id"] for one in api.get(CONTACTS)["results"]] == ["2"]
    assert [one["archivedAt"] for one in api.get(CONTACTS, archived="true")["results"]] == ["2026-11-21T09:00:00.000Z"]
    assert api("GET", f"{CONTACTS}/1").status_code == 404
    assert api("GET", f"{CONTACTS}/1", archived="true").status_code == 200


def test_a_contact_is_found_by_its_email(api: Api, world: World, ada: str) -> None:
    """`idProperty=email` works for contacts, ignoring case, and follows a changed address."""
    world.edit("contacts", ada, {"email": "lovelace@company.example"})

    assert api.get(f"{CONTACTS}/LOVELACE@company.example", idProperty="email")["id"] == ada
    assert api("GET", f"{CONTACTS}/ada@company.example", idProperty="email").status_code == 404


def test_missing_records_answer_two_kinds_of_404(api: Api) -> None:
    """An unknown number has no category, an id that is no number has one."""
    assert "category" not in api("GET", f"{CONTACTS}/9").json()
    assert api("GET", f"{CONTACTS}/nobody").json()["category"] == "OBJECT_NOT_FOUND"


def test_a_batch_read_names_the_missing_in_a_207(api: Api, ada: str) -> None:
    """Those found are returned, those missing are listed in the errors."""
    answer = api("POST", f"{CONTACTS}/batch/read", {"properties": ["email"], "inputs": [{"id": "1"}, {"id": "77"}]})

    assert answer.status_code == 207
    assert [one["id"] for one in answer.json()["results"]] == ["1"]
    assert answer.json()["errors"][0]["context"]["ids"] == ["77"]


def test_a_batch_read_takes_a_hundred_inputs(api: Api, world: World) -> None:
    """The hundred-and-first is refused."""
    ids = [world.add("contacts", {}) for _ in range(101)]

    assert api("POST", f"{CONTACTS}/batch/read", {"inputs": [{"id": id} for id in ids[:100]]}).status_code == 200
    assert api("POST", f"{CONTACTS}/batch/read", {"inputs": [{"id": id} for id in ids]}).status_code == 400


def test_history_tells_who_wrote_what_newest_first(api: Api, world: World, ada: str) -> None:
    """An import, a person and a token leave their own marks."""
    world.clock.advance(60)
    world.edit("contacts", ada, {"jobtitle": "CTO"}, user_id=7002)
    world.clock.advance(60)
    api.patch(ada, jobtitle="VP", lifecyclestage="customer")

    history = api.get(f"{CONTACTS}/1", propertiesWithHistory="jobtitle,lifecyclestage")["propertiesWithHistory"]

    assert [(v["value"], v["sourceType"], v["sourceId"]) for v in history["jobtitle"]] == [
        ("VP", "INTEGRATION", "31337"),
        ("CTO", "CRM_UI", "userId:7002"),
    ]
    assert history["jobtitle"][1]["updatedByUserId"] == 7002
    assert [v["sourceType"] for v in history["lifecyclestage"]] == ["INTEGRATION", "IMPORT"]
    assert history["lifecyclestage"][0]["timestamp"] == "2026-11-21T09:02:00.000Z"


def test_a_merge_leaves_the_survivor_answering_for_both(api: Api, world: World, ada: str, sandbox: Sandbox) -> None:
    """The loser is in no list, its id answers with the survivor, which names every id it swallowed."""
    for id in ("2", "3"):
        world.add("contacts", {"jobtitle": "CEO"}, id=id)
    api("POST", f"{CONTACTS}/merge", {"primaryObjectId": "2", "objectIdToMerge": "3"})
    api("POST", f"{CONTACTS}/merge", {"primaryObjectId": "1", "objectIdToMerge": "2"})

    shown = api.get(f"{CONTACTS}/3", properties="hs_merged_object_ids,jobtitle")

    assert [one["id"] for one in api.get(CONTACTS)["results"]] == ["1"]
    assert api.get(CONTACTS, archived="true")["results"] == []
    assert (shown["id"], shown["properties"]["jobtitle"]) == ("1", "CEO")
    assert shown["properties"]["hs_merged_object_ids"] == "2;3"

    sandbox.switch(merged_ids_answer=False)
    assert api("GET", f"{CONTACTS}/3").status_code == 404


def test_an_object_the_account_lacks_is_refused(api: Api) -> None:
    """Leads need a tier this account has not; an invented object is a plain mistake."""
    assert api("GET", "/crm/v3/objects/leads").status_code == 403
    assert api("GET", "/crm/v3/objects/spaceships").status_code == 400
