"""Change tracking: the first read, what changed since, deletions, own writes, links that die."""

from __future__ import annotations

from typing import Any

import pytest

from connector.sandbox.dataverse import DataverseSandbox, Environment
from tests.sandbox.dataverse.conftest import Api, guid, refusal

TRACK = "odata.track-changes"


@pytest.fixture
def link(api: Api, world: Environment) -> str:
    """A delta link after six contacts were read in pages of four."""
    for n in range(1, 7):
        world.add("contact", {"lastname": f"L{n}"}, id=guid(n))
    rows, link = api.pages("contacts?$select=lastname", Prefer=f"{TRACK},odata.maxpagesize=4")
    assert len(rows) == 6
    assert link is not None
    return link


def told(rows: list[dict[str, Any]]) -> list[str]:
    """Ids of a delta in order, deleted ones with a minus."""
    return ["-" + row["id"] if row.get("reason") == "deleted" else row["contactid"] for row in rows]


def test_dataverse_trap_02_only_the_last_page_has_the_link(api: Api, link: str) -> None:
    first = api.get("contacts?$select=lastname", Prefer=f"{TRACK},odata.maxpagesize=4")

    assert "@odata.deltaLink" not in first
    assert "istracking%253D%2522True" in first["@odata.nextLink"]
    assert "@odata.deltaLink" not in api.get("contacts?$select=lastname")


def test_written_rows_come_first_by_version_and_deleted_ones_last(api: Api, world: Environment, link: str) -> None:
    world.write("contact", guid(5), {"lastname": "A"})
    world.delete("contact", guid(1))
    world.write("contact", guid(2), {"lastname": "B"})
    world.write("contact", guid(5), {"lastname": "C"})
    world.add("contact", {"lastname": "D"}, id=guid(9))

    page = api.get(link)

    assert told(page["value"]) == [guid(2), guid(5), guid(9), "-" + guid(1)]
    assert page["@odata.context"].endswith("#contacts(lastname)/$delta")
    gone = page["value"][-1]
    assert set(gone) == {"@odata.context", "id", "reason"}
    assert gone["@odata.context"].endswith("#contacts/$deletedEntity")
    assert api.get(page["@odata.deltaLink"])["value"] == []
    assert told(api.get(link)["value"]) == told(page["value"])


def test_a_large_delta_comes_in_pages_and_loses_nothing(api: Api, world: Environment, link: str) -> None:
    """Also what changes while it is read."""
    for n in (6, 4, 2):
        world.write("contact", guid(n), {"lastname": "x"})
    for n in (5, 3):
        world.delete("contact", guid(n))
    prefer = {"Prefer": "odata.maxpagesize=2"}
    first = api.get(link, **prefer)
    world.write("contact", guid(6), {"lastname": "y"})
    rows, following = api.pages(first["@odata.nextLink"], **prefer)

    assert told(first["value"]) == [guid(6), guid(4)]
    assert told(rows) == [guid(2), guid(6), "-" + guid(5), "-" + guid(3)]
    assert following is not None
    assert guid(6) in told(api.get(following)["value"])


def test_what_changed_during_the_first_read_is_told_by_its_link(api: Api, world: Environment, link: str) -> None:
    first = api.get("contacts?$select=lastname", Prefer=f"{TRACK},odata.maxpagesize=4")
    world.write("contact", guid(1), {"lastname": "late"})
    _, following = api.pages(first["@odata.nextLink"], Prefer=f"{TRACK},odata.maxpagesize=4")

    assert following is not None
    assert told(api.get(following)["value"]) == [guid(1)]


def test_own_writes_come_back(api: Api, link: str) -> None:
    api("PATCH", f"contacts({guid(3)})", {"lastname": "Mine"})

    assert told(api.get(link)["value"]) == [guid(3)]


def test_a_row_made_and_deleted_between_two_looks_is_told_as_deleted(api: Api, world: Environment, link: str) -> None:
    world.add("contact", {}, id=guid(8))
    world.delete("contact", guid(8))

    assert told(api.get(link)["value"]) == ["-" + guid(8)]


def test_a_row_that_came_back_is_told_as_a_row(api: Api, sandbox: DataverseSandbox, link: str) -> None:
    sandbox.do("delete", {"table": "contacts", "id": guid(2)})
    sandbox.do("restore", {"table": "contacts", "id": guid(2)})

    assert told(api.get(link)["value"]) == [guid(2)]


@pytest.mark.parametrize(("unselected", "found"), [(True, [guid(4)]), (False, [])])
def test_a_change_in_another_column_is_told_or_not(
    api: Api, sandbox: DataverseSandbox, link: str, unselected: bool, found: list[str]
) -> None:
    """Both are possible."""
    sandbox.switch(delta_unselected=unselected)
    sandbox.do("edit", {"table": "contacts", "id": guid(4), "values": {"jobtitle": "CTO"}})

    assert told(api.get(link)["value"]) == found


def test_a_delta_without_changes_may_be_a_bare_object(api: Api, sandbox: DataverseSandbox, link: str) -> None:
    assert "@odata.deltaLink" in api.get(link)
    sandbox.switch(delta_empty="bare")
    assert api.get(link) == {}


def test_changes_are_counted(api: Api, world: Environment, link: str) -> None:
    world.write("contact", guid(5), {"lastname": "A"})
    world.delete("contact", guid(1))

    assert api("GET", link.replace("/contacts?", "/contacts/$count?")).text == "2"


def test_lesson_10_a_link_is_dead_after_its_days(api: Api, sandbox: DataverseSandbox, link: str) -> None:
    """As many as the organisation says; with whatever status the service takes for it."""
    assert api.values("organizations?$select=expirechangetrackingindays", "expirechangetrackingindays") == [7]
    sandbox.do("clock", {"advance_seconds": 7 * 86_400 - 10})
    assert api("GET", link).status_code == 200
    sandbox.do("clock", {"advance_seconds": 20})
    assert refusal(api("GET", link)) == (400, "0x80044352")
    sandbox.switch(delta_dead=410)
    assert refusal(api("GET", link)) == (410, "0x80044352")


def test_lesson_10_links_may_die_at_once(api: Api, sandbox: DataverseSandbox, link: str) -> None:
    sandbox.do("expire_links")
    assert refusal(api("GET", link)) == (400, "0x80044352")

    _, following = api.pages("contacts?$select=lastname", Prefer=TRACK)
    assert following is not None
    assert api.get(following)["value"] == []


def test_lesson_09_a_table_may_have_no_change_tracking(api: Api, sandbox: DataverseSandbox, link: str) -> None:
    sandbox.do("table", {"table": "contacts", "change_tracking": False})

    assert refusal(api("GET", "contacts?$select=lastname", Prefer=TRACK)) == (400, "0x80072491")
    assert refusal(api("GET", link)) == (400, "0x80072491")
    told = api.get("EntityDefinitions(LogicalName='contact')?$select=ChangeTrackingEnabled")
    assert told["ChangeTrackingEnabled"] is False


@pytest.mark.parametrize(
    "option", ["$filter=lastname eq 'x'", "$orderby=lastname", "$expand=parentcustomerid_account", "$top=5"]
)
def test_options_that_tracking_does_not_bear_are_named(api: Api, option: str) -> None:
    answer = api("GET", f"contacts?$select=lastname&{option}", Prefer=TRACK)

    assert refusal(answer)[0] == 400
    assert option.partition("=")[0] in answer.json()["error"]["message"]


def test_dataverse_trap_01_annotations_lose_the_link(api: Api, sandbox: DataverseSandbox, link: str) -> None:
    wanted = f'{TRACK},odata.include-annotations="*"'
    assert api.pages("contacts?$select=lastname", Prefer=wanted)[1] is None
    sandbox.switch(annotations_cost_link=False)
    assert api.pages("contacts?$select=lastname", Prefer=wanted)[1] is not None


def test_links_may_lead_to_another_host(api: Api, sandbox: DataverseSandbox, link: str) -> None:
    """Whoever follows them gives the token away."""
    sandbox.switch(foreign_links=True)
    first = api.get("contacts?$select=lastname", Prefer="odata.maxpagesize=4")

    assert first["@odata.nextLink"].startswith("https://elsewhere.example/api/data/v9.2/contacts?")


def test_a_change_in_a_rolled_back_batch_is_not_told(api: Api, world: Environment, link: str) -> None:
    def fail() -> None:
        with world.all_or_nothing():
            world.write("contact", guid(1), {"lastname": "never"})
            world.delete("contact", guid(2))
            world.add("contact", {}, id=guid(8))
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    assert api.get(link)["value"] == []
    assert (world.get("contact", guid(1)).values["lastname"], world.row("contact", guid(8))) == ("L1", None)
    assert world.row("contact", guid(2)) is not None
