"""Properties, pipelines, owners, lists, forms and the account itself."""

from __future__ import annotations

from datetime import timedelta

from connector.sandbox import World
from tests.sandbox.conftest import NINE, Api

PROPERTIES = "/crm/properties/2026-03/contacts"
GRADE = {
    "name": "cx_grade",
    "label": "Grade",
    "type": "enumeration",
    "fieldType": "select",
    "groupName": "agreement",
    "options": [
        {"label": "B", "value": "b", "displayOrder": 1, "hidden": False},
        {"label": "A", "value": "a", "displayOrder": 0, "hidden": False},
    ],
}


def test_definitions_tell_type_options_and_what_cannot_be_written(api: Api) -> None:
    """Stages in order, calculated properties closed to writing, and 404 for what does not exist."""
    by_name = {one["name"]: one for one in api.get(PROPERTIES)["results"]}

    assert [one["value"] for one in by_name["lifecyclestage"]["options"]][:3] == [
        "subscriber",
        "lead",
        "marketingqualifiedlead",
    ]
    assert by_name["hs_email_open"]["calculated"]
    assert by_name["hs_email_open"]["modificationMetadata"]["readOnlyValue"]
    assert not by_name["jobtitle"]["modificationMetadata"]["readOnlyValue"]
    assert api("GET", f"{PROPERTIES}/nonsense").json()["category"] == "OBJECT_NOT_FOUND"


def test_a_property_is_made_once_and_then_written(api: Api, world: World, ada: str) -> None:
    """201, then 409; its options are in display order and bind."""
    assert api("POST", PROPERTIES, GRADE).status_code == 201
    again = api("POST", PROPERTIES, GRADE)
    assert (again.status_code, again.json()["subCategory"]) == (409, "Properties.PROPERTY_WITH_NAME_EXISTS")
    assert [one["value"] for one in api.get(f"{PROPERTIES}/cx_grade")["options"]] == ["a", "b"]

    assert api.patch(ada, cx_grade="c").json()["errors"][0]["code"] == "INVALID_OPTION"
    assert api.patch(ada, cx_grade="a").status_code == 200


def test_properties_are_made_in_a_batch_where_one_may_fail(api: Api) -> None:
    """A type that does not go with its form field fails alone."""
    good = {"name": "cx_score", "label": "Score", "type": "number", "fieldType": "number", "groupName": "agreement"}
    bad = good | {"name": "cx_bad", "fieldType": "text"}

    answer = api("POST", f"{PROPERTIES}/batch/create", {"inputs": [good, bad]})

    assert answer.status_code == 207
    assert [one["name"] for one in answer.json()["results"]] == ["cx_score"]
    assert answer.json()["errors"][0]["context"] == {"name": ["cx_bad"]}


def test_patching_options_replaces_the_whole_list(api: Api) -> None:
    """Leaving options out keeps them, sending them drops the others."""
    api("POST", PROPERTIES, GRADE)
    api("PATCH", f"{PROPERTIES}/cx_grade", {"label": "Lead grade"})
    assert len(api.get(f"{PROPERTIES}/cx_grade")["options"]) == 2

    api("PATCH", f"{PROPERTIES}/cx_grade", {"options": GRADE["options"][:1]})
    assert [one["value"] for one in api.get(f"{PROPERTIES}/cx_grade")["options"]] == ["b"]


def test_property_groups_are_made_once(api: Api) -> None:
    """201, then 409, and listed."""
    group = {"name": "agreement", "label": "Agreement"}
    assert api("POST", f"{PROPERTIES}/groups", group).status_code == 201
    assert api("POST", f"{PROPERTIES}/groups", group).status_code == 409
    assert "agreement" in [one["name"] for one in api.get(f"{PROPERTIES}/groups")["results"]]


def test_pipelines_tell_probability_and_closing_as_text(api: Api, world: World) -> None:
    """Stage metadata are strings; a deal's own flags follow its stage."""
    stages = {one["id"]: one["metadata"] for one in api.get("/crm/pipelines/2026-03/deals")["results"][0]["stages"]}
    assert stages["closedwon"] == {"probability": "1.0", "isClosed": "true"}
    assert stages["contractsent"] == {"probability": "0.9", "isClosed": "false"}

    deal = world.add("deals", {"pipeline": "default", "dealstage": "closedlost"})
    shown = api.get(f"/crm/v3/objects/deals/{deal}", properties="hs_is_closed,hs_is_closed_won")["properties"]
    assert (shown["hs_is_closed"], shown["hs_is_closed_won"]) == ("true", "false")


def test_owners_are_paged_and_the_archived_ones_apart(api: Api) -> None:
    """Cursor by offset; who has left shows only with archived=true and has no user id any more."""
    first = api.get("/crm/owners/2026-03", limit=3)
    second = api.get("/crm/owners/2026-03", limit=3, after=first["paging"]["next"]["after"])
    gone = api.get("/crm/v3/owners", archived="true")["results"]

    assert [one["id"] for one in first["results"] + second["results"]] == ["501", "502", "503", "504", "505"]
    assert [(one["id"], one["userId"], one["userIdIncludingInactive"]) for one in gone] == [("506", None, 7006)]


def test_owners_have_teams_one_of_them_the_primary(api: Api) -> None:
    """As the owners endpoint tells them; who has left is in none."""
    teams = {one["id"]: one["teams"] for one in api.get("/crm/owners/2026-03")["results"]}

    assert teams["502"] == [
        {"id": "61", "name": "Sales North", "primary": True},
        {"id": "63", "name": "Inside Sales", "primary": False},
    ]
    assert api.get("/crm/owners/2026-03/506", archived="true")["teams"] == []


def test_an_owner_leaves_over_the_control_path(api: Api) -> None:
    """The owner moves to the archived ones; an unknown one is told."""
    assert api("POST", "/_sandbox/owner", {"id": "503", "archive": True}).status_code == 200

    assert "503" not in [one["id"] for one in api.get("/crm/owners/2026-03")["results"]]
    assert "503" in [one["id"] for one in api.get("/crm/owners/2026-03", archived="true")["results"]]
    assert "owner 999" in api("POST", "/_sandbox/owner", {"id": "999", "archive": True}).json()["message"]


def test_a_list_is_found_by_name_in_any_case(api: Api, world: World, ada: str) -> None:
    """`listId` and size come back; an unknown name is a 404."""
    world.join_list("Visited pricing", ada)

    found = api.get("/crm/lists/2026-03/object-type-id/0-1/name/visited PRICING")["list"]

    assert (found["name"], found["size"]) == ("Visited pricing", 1)
    assert api("GET", "/crm/v3/lists/object-type-id/0-1/name/nothing").status_code == 404


def test_members_come_in_the_order_in_which_they_joined(api: Api, world: World) -> None:
    """Forward after a cursor, backward before one; who rejoins has a new added-time."""
    for minute, id in enumerate(("3", "1", "2")):
        world.add("contacts", {}, id=id)
        world.join_list("Trial", id, at=NINE + timedelta(minutes=minute))
    path = "/crm/lists/2026-03/1/memberships"

    first = api.get(f"{path}/join-order", limit=2)
    rest = api.get(f"{path}/join-order", after=first["paging"]["next"]["after"])
    world.join_list("Trial", "3", at=NINE + timedelta(hours=1))

    assert [one["recordId"] for one in first["results"] + rest["results"]] == ["3", "1", "2"]
    assert first["results"][0]["membershipTimestamp"] == "2026-11-21T09:00:00.000Z"
    assert [one["recordId"] for one in api.get(f"{path}/join-order", before="")["results"]] == ["3", "2", "1"]
    assert [one["recordId"] for one in api.get(path)["results"]] == ["1", "2", "3"]
    assert api("GET", path, limit=251).status_code == 400


def test_memberships_of_many_records_are_read_at_once(api: Api, world: World, ada: str) -> None:
    """Per record the lists it is on, with first and last added-time."""
    world.join_list("Trial", ada, at=NINE)
    world.join_list("Trial", ada, at=NINE + timedelta(days=1))

    body = {"inputs": [{"objectTypeId": "0-1", "recordId": "1"}, {"objectTypeId": "0-1", "recordId": "2"}]}
    results = api("POST", "/crm/v3/lists/records/memberships/batch/read", body).json()["results"]

    assert results[0]["recordListMemberships"][0]["firstAddedTimestamp"] == "2026-11-21T09:00:00.000Z"
    assert results[0]["recordListMemberships"][0]["lastAddedTimestamp"] == "2026-11-22T09:00:00.000Z"
    assert results[1]["recordListMemberships"] == []


def test_submissions_come_newest_first_by_email_only(api: Api, world: World) -> None:
    """At most fifty a page; a new submission does not shift the pages behind the cursor."""
    for minute in range(3):
        world.submit_form("demo", {"email": f"p{minute}@company.example"}, at=NINE + timedelta(minutes=minute))
    path = "/form-integrations/v1/submissions/forms/demo"

    first = api.get(path, limit=2)
    world.submit_form("demo", {"email": "late@company.example"}, at=NINE + timedelta(hours=1))
    rest = api.get(path, limit=2, after=first["paging"]["next"]["after"])

    assert [one["values"][0]["value"][:2] for one in first["results"] + rest["results"]] == ["p2", "p1", "p0"]
    assert "paging" not in rest
    assert api("GET", path, limit=51).status_code == 400
    assert api("GET", "/form-integrations/v1/submissions/forms/nothing").status_code == 404


def test_the_account_says_who_it_is_and_what_it_used(api: Api) -> None:
    """Details carry portal and time zone, usage the daily pool and the local midnight at which it resets."""
    details = api.get("/account-info/2026-03/details")
    usage = api.get("/account-info/v3/api-usage/daily/private-apps")["results"][0]

    assert (details["portalId"], details["timeZone"]) == (4242, "Europe/Warsaw")
    assert details["uiDomain"] == "app.hubspot.example"
    assert (usage["usageLimit"], usage["currentUsage"]) == (250_000, 2)
    assert usage["resetsAt"] == "2026-11-21T23:00:00.000Z"
