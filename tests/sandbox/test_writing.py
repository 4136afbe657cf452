"""Updates, creates, validation and the forward-only stage."""

from __future__ import annotations

import pytest

from connector.sandbox import Sandbox, World
from tests.sandbox.conftest import Api

TASKS = "/crm/objects/2026-03/tasks"
TASK = {"hs_timestamp": "2026-11-23T09:00:00Z", "hs_task_subject": "Call back", "hs_task_body": "marker"}


def test_a_batch_update_returns_what_is_stored_and_moves_the_date(api: Api, world: World, ada: str) -> None:
    """The answer is what a read would say now."""
    world.clock.advance(5)

    answer = api.update({"id": ada, "properties": {"jobtitle": "CTO"}}).json()

    assert answer["results"][0]["properties"]["jobtitle"] == "CTO"
    assert answer["results"][0]["properties"]["lastmodifieddate"] == "2026-11-21T09:00:05.000Z"
    assert world.get("contacts", ada)["jobtitle"] == "CTO"


def test_each_write_moves_the_date_even_when_nothing_differs(api: Api, world: World, ada: str) -> None:
    """Writing the same value again is a write all the same."""
    world.clock.advance(5)
    api.patch(ada, lifecyclestage="lead")

    shown = api.get("/crm/v3/objects/contacts/1", propertiesWithHistory="lifecyclestage")

    assert shown["updatedAt"] == "2026-11-21T09:00:05.000Z"
    assert len(shown["propertiesWithHistory"]["lifecyclestage"]) == 1


def test_an_id_twice_in_a_batch_is_refused(api: Api, world: World, ada: str) -> None:
    """One input per record, else 400 and nothing is written."""
    one = {"id": ada, "properties": {"jobtitle": "CTO"}}

    assert api.update(one, one).status_code == 400
    assert "jobtitle" not in world.get("contacts", ada)


def test_a_hundred_and_one_updates_are_refused(api: Api, world: World) -> None:
    """The batch limit is a hundred inputs."""
    ids = [world.add("contacts", {}) for _ in range(101)]
    inputs = [{"id": id, "properties": {"jobtitle": "CTO"}} for id in ids]

    assert api.update(*inputs).status_code == 400
    assert api.update(*inputs[:100]).status_code == 200


def test_a_missing_record_fails_alone_and_is_traced(api: Api, world: World, ada: str) -> None:
    """Deleted ids come back as errors of a 207 with the trace id of their input."""
    gone = world.add("contacts", {}, id="2")
    world.archive("contacts", gone)

    answer = api.update(
        {"id": ada, "properties": {"jobtitle": "CTO"}, "objectWriteTraceId": "a"},
        {"id": gone, "properties": {"jobtitle": "CTO"}, "objectWriteTraceId": "b"},
    )

    assert answer.status_code == 207
    assert answer.json()["numErrors"] == 1
    assert answer.json()["errors"][0]["context"] == {"ids": ["2"], "objectWriteTraceId": ["b"]}
    assert world.get("contacts", ada)["jobtitle"] == "CTO"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("jobtitel", "CTO", "PROPERTY_DOESNT_EXIST"),
        ("hs_email_open", "3", "READ_ONLY_VALUE"),
        ("lifecyclestage", "hot", "INVALID_OPTION"),
        ("hs_email_optout", "maybe", "INVALID_OPTION"),
        ("email", "nobody", "INVALID_EMAIL"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_code(api: Api, ada: str, name: str, value: str, code: str) -> None:
    """400 with the code and the property's name, in the errors and in the message."""
    body = api.patch(ada, **{name: value}).json()

    assert body["category"] == "VALIDATION_ERROR"
    assert body["errors"][0]["code"] == code
    assert body["errors"][0]["context"]["propertyName"] == [name]
    assert body["message"].startswith("Property values were not valid: [")


def test_bad_numbers_and_dates_are_refused_by_code(api: Api, world: World) -> None:
    """Numbers have no thousands separators, dates are ISO or milliseconds."""
    deal = world.add("deals", {"dealname": "One"})

    assert api.patch(deal, "deals", amount="1,000").json()["errors"][0]["code"] == "INVALID_INTEGER"
    assert api.patch(deal, "deals", closedate="soon").json()["errors"][0]["code"] == "INVALID_DATE"
    assert api.patch(deal, "deals", amount="1000.5", closedate="1795168800000").status_code == 200
    assert world.get("deals", deal)["closedate"] == "2026-11-20T10:00:00.000Z"


def test_one_bad_row_refuses_the_whole_batch(api: Api, world: World, ada: str) -> None:
    """By default nothing of a batch with a bad row is written."""
    other = world.add("contacts", {}, id="2")

    answer = api.update(
        {"id": ada, "properties": {"jobtitle": "CTO"}}, {"id": other, "properties": {"lifecyclestage": "hot"}}
    )

    assert answer.status_code == 400
    assert "jobtitle" not in world.get("contacts", ada)


def test_one_bad_row_fails_alone_when_switched(api: Api, world: World, ada: str, sandbox: Sandbox) -> None:
    """`batch_errors = "partial"` writes the good rows and names the bad one."""
    sandbox.switch(batch_errors="partial")
    other = world.add("contacts", {}, id="2")

    answer = api.update(
        {"id": ada, "properties": {"jobtitle": "CTO"}, "objectWriteTraceId": "a"},
        {"id": other, "properties": {"lifecyclestage": "hot"}, "objectWriteTraceId": "b"},
    )

    assert answer.status_code == 207
    assert answer.json()["errors"][0]["category"] == "VALIDATION_ERROR"
    assert answer.json()["errors"][0]["context"]["objectWriteTraceId"] == ["b"]
    assert world.get("contacts", ada)["jobtitle"] == "CTO"


def test_a_stage_does_not_go_back_unless_cleared_first(api: Api, world: World) -> None:
    """A backward write succeeds and changes nothing; clearing, then setting, works and resets the dates."""
    id = world.add("contacts", {"lifecyclestage": "salesqualifiedlead"}, id="5")

    ignored = api.patch(id, lifecyclestage="lead", jobtitle="CTO")
    assert ignored.status_code == 200
    assert ignored.json()["properties"]["lifecyclestage"] == "salesqualifiedlead"
    assert world.get("contacts", id)["jobtitle"] == "CTO"

    api.patch(id, lifecyclestage="")
    api.patch(id, lifecyclestage="lead")
    assert world.get("contacts", id)["lifecyclestage"] == "lead"
    assert world.get("contacts", id)["hs_lifecyclestage_lead_date"] == "2026-11-21T09:00:00.000Z"


def test_a_stage_goes_anywhere_when_switched_or_by_hand(api: Api, world: World, sandbox: Sandbox) -> None:
    """People and accounts without the rule move stages backwards."""
    id = world.add("contacts", {"lifecyclestage": "customer"}, id="5")
    world.edit("contacts", id, {"lifecyclestage": "opportunity"})
    assert world.get("contacts", id)["lifecyclestage"] == "opportunity"

    sandbox.switch(lifecycle="any")
    api.patch(id, lifecyclestage="lead")
    assert world.get("contacts", id)["lifecyclestage"] == "lead"


def test_moving_back_clears_the_dates_of_later_stages(world: World, ada: str) -> None:
    """ "Became a customer" is forgotten when a person takes it back."""
    world.edit("contacts", ada, {"lifecyclestage": "customer"})
    assert world.get("contacts", ada)["hs_lifecyclestage_customer_date"] != ""

    world.edit("contacts", ada, {"lifecyclestage": "lead"})
    assert world.get("contacts", ada)["hs_lifecyclestage_customer_date"] == ""


def test_a_leading_semicolon_appends_a_choice(api: Api, world: World, ada: str) -> None:
    """ ";B" adds, "B" replaces."""
    api.patch(ada, hs_buying_role="CHAMPION")
    api.patch(ada, hs_buying_role=";END_USER")

    assert world.get("contacts", ada)["hs_buying_role"] == "CHAMPION;END_USER"


def test_a_deal_moves_its_contacts_only_when_switched(world: World, ada: str, sandbox: Sandbox) -> None:
    """Portal automation is off by default; on, it raises stages and never lowers them."""
    deal = world.add("deals", {"dealname": "One", "pipeline": "default", "dealstage": "qualifiedtobuy"})
    world.associate("deals", deal, "contacts", ada)
    assert world.get("contacts", ada)["lifecyclestage"] == "lead"

    sandbox.switch(deal_moves_stage=True)
    world.edit("deals", deal, {"dealstage": "closedwon"})
    assert world.get("contacts", ada)["lifecyclestage"] == "customer"
    world.edit("deals", deal, {"dealstage": "qualifiedtobuy"})
    assert world.get("contacts", ada)["lifecyclestage"] == "customer"


def test_a_task_is_made_with_its_contact(api: Api, world: World, ada: str) -> None:
    """Type 204 hangs a task on a contact; both sides see it."""
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]

    answer = api("POST", TASKS, {"properties": TASK, "associations": [{"to": {"id": ada}, "types": types}]})

    assert answer.status_code == 201
    assert list(world.links.of("contacts", ada, "tasks")) == [answer.json()["id"]]
    assert [one["contacts"] for one in api.get("/_sandbox/state")["tasks"]] == [["1"]]


def test_a_task_without_a_time_or_for_nobody_is_refused(api: Api, world: World) -> None:
    """`hs_timestamp` is required, and so is the contact the task is for."""
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]

    untimed = api("POST", TASKS, {"properties": {"hs_task_subject": "Call"}})
    for_nobody = api("POST", TASKS, {"properties": TASK, "associations": [{"to": {"id": "404"}, "types": types}]})

    assert untimed.json()["errors"][0]["code"] == "MISSING_REQUIRED_PROPERTY"
    assert for_nobody.status_code == 400
    assert world.count("tasks") == 0


def test_a_duplicate_contact_is_a_409_that_names_the_existing_one(api: Api, ada: str) -> None:
    """The message carries the id of the contact that has the address."""
    answer = api("POST", "/crm/v3/objects/contacts", {"properties": {"email": "ADA@company.example"}})

    assert answer.status_code == 409
    assert answer.json()["category"] == "CONFLICT"
    assert answer.json()["message"].endswith("Existing ID: 1")


def test_a_batch_create_fails_whole_without_trace_ids_and_alone_with_them(api: Api, ada: str, world: World) -> None:
    """The duplicate spoils an untraced batch, and only itself in a traced one."""
    fresh, twin = {"email": "b@company.example"}, {"email": "ada@company.example"}
    path = "/crm/objects/2026-03/contacts/batch/create"

    assert api("POST", path, {"inputs": [{"properties": twin}, {"properties": fresh}]}).status_code == 409
    assert world.count("contacts") == 1
    traced = [{"properties": twin, "objectWriteTraceId": "x"}, {"properties": fresh, "objectWriteTraceId": "y"}]
    answer = api("POST", path, {"inputs": traced})
    assert answer.status_code == 207
    assert answer.json()["errors"][0]["context"]["objectWriteTraceId"] == ["x"]
    assert world.count("contacts") == 2


def test_archiving_moves_to_the_bin_and_may_be_repeated(api: Api, world: World, ada: str) -> None:
    """204 both times, and a merged-away or archived record cannot be updated in a batch."""
    assert api("DELETE", "/crm/v3/objects/contacts/1").status_code == 204
    assert api("DELETE", "/crm/v3/objects/contacts/1").status_code == 204
    assert world.living("contacts", ada) is None
    assert api.update({"id": ada, "properties": {"jobtitle": "CTO"}}).status_code == 207


def test_a_merged_away_id_takes_a_patch_but_no_batch(api: Api, world: World, ada: str) -> None:
    """The single update follows the merge, the batch does not."""
    world.add("contacts", {}, id="2")
    world.merge("contacts", ada, "2")

    assert api.patch("2", jobtitle="CTO").json()["id"] == ada
    assert api.update({"id": "2", "properties": {"jobtitle": "VP"}}).json()["numErrors"] == 1
    assert world.get("contacts", ada)["jobtitle"] == "CTO"
