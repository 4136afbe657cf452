"""Manners that the documentation leaves open: an account that behaves otherwise than expected is served all the same."""

from __future__ import annotations

from datetime import UTC, datetime

from connector.crm import PropertyDefinition
from tests.crm.scripted import Heard, Open, Reply, Script

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def test_a_list_without_an_order_of_joining_is_read_whole_each_time(script: Script, hubspot: Open) -> None:
    """Members in the order of their records carry the same dates; a cursor would miss who joins among them."""
    members = [{"recordId": n, "membershipTimestamp": f"2026-11-0{n}T10:00:00Z"} for n in (1, 2, 3)]

    def answer(heard: Heard) -> Reply:
        if heard.path.endswith("/name/Pilot"):
            return Reply(json={"list": {"listId": "7"}})
        if heard.path.endswith("/join-order"):
            return Reply(404, {"message": "no such page"})
        start = int(heard.query.get("after", 0))
        following = {"paging": {"next": {"after": str(start + 2)}}} if start + 2 < len(members) else {}
        return Reply(json={"results": members[start : start + 2], **following})

    script.answer = answer
    crm = hubspot()

    for _ in range(2):
        parts = list(crm.occurrences("list:Pilot", None, NOW))
        assert [one.person_id for found, _ in parts for one in found] == ["1", "2", "3"]
        assert {cursor for _, cursor in parts} == {None}


def test_the_group_of_many_properties_is_looked_for_once(script: Script, hubspot: Open) -> None:
    """Setting up costs a call per property and two for the group."""
    script.answer = lambda heard: Reply(json={"results": []} if heard.method == "GET" else {})
    crm = hubspot()

    for number in range(5):
        crm.create_property("contact", PropertyDefinition(f"cx_{number}", "string"), "agreement")

    asked = [(heard.method, heard.path.rpartition("/")[2]) for heard in script.heard]
    assert asked == [("GET", "groups"), ("POST", "groups"), *[("POST", "contacts")] * 5]
