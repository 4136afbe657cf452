"""Manners that the documentation leaves open: who behaves otherwise than expected is served all the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.crm import PropertyDefinition
from connector.crm.hubspot import Reading
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


def _listing(ids: list[int], after: int, limit: int = 100) -> dict[str, object]:
    """A page of a list, as documented."""
    rest = [id_ for id_ in ids if id_ >= after]
    following = {"paging": {"next": {"after": str(rest[limit])}}} if len(rest) > limit else {}
    return {"results": [{"id": str(id_), "properties": {}} for id_ in rest[:limit]], **following}


def test_a_list_that_goes_wrong_after_several_cursors_told_of_it_is_read_anew_by_one(
    script: Script, hubspot: Open
) -> None:
    """What the others told is told again, and the scan ends."""
    ids = list(range(1, 4001))
    asked: list[int] = []

    def answer(heard: Heard) -> Reply:
        if heard.path.endswith("/search"):
            return Reply(json={"total": len(ids), "results": [{"id": str(ids[-1])}]})
        after = int(heard.query.get("after", 0))
        wrong = after > 2000 and sum(at > 2000 for at in asked) == 2
        asked.append(after)
        return Reply(json=_listing(ids, 1 if wrong else after))

    script.answer = answer

    pages = list(hubspot(read=Reading(threads=2)).scan("contact", ["email"]))

    assert {record.id for page in pages for record in page.records} == set(map(str, ids))
    assert pages[-1].again


def test_a_scan_whose_cursor_is_understood_no_more_begins_anew(script: Script, hubspot: Open) -> None:
    """Cursors may be of one session: a backfill that died is not to fail for ever because of it."""
    ids = list(range(1, 251))

    def answer(heard: Heard) -> Reply:
        after = heard.query.get("after", "0")
        if not after.isdigit():
            return Reply(400, {"message": "The paging token cannot be read.", "category": "VALIDATION_ERROR"})
        return Reply(json=_listing(ids, int(after)))

    script.answer = answer

    pages = list(hubspot().scan("contact", ["email"], after="b3BhcXVl"))

    assert [record.id for page in pages for record in page.records] == list(map(str, ids))
    assert pages[0].again
    assert "from its beginning" in pages[0].warning


def test_members_of_a_list_are_read_from_the_beginning_where_the_cursor_is_understood_no_more(
    script: Script, hubspot: Open
) -> None:
    """Nobody who was added meanwhile is missed for a cursor that has lost its meaning."""

    def answer(heard: Heard) -> Reply:
        if heard.path.endswith("/name/Pilot"):
            return Reply(json={"list": {"listId": "7"}})
        if "after" in heard.query:
            return Reply(400, {"message": "The paging token cannot be read.", "category": "VALIDATION_ERROR"})
        return Reply(json={"results": [{"recordId": 1, "membershipTimestamp": "2026-11-01T10:00:00Z"}]})

    script.answer = answer

    parts = list(hubspot().occurrences("list:Pilot", "b3BhcXVl", NOW))

    assert [one.person_id for found, _ in parts for one in found] == ["1"]


@pytest.mark.parametrize(
    "word",
    [
        "limit must lie between 1 and 40.",
        "Requested limit 100 is greater than 40",
        "Page size may not be larger than 40",
    ],
)
def test_a_smaller_page_is_asked_for_however_the_limit_is_worded(script: Script, hubspot: Open, word: str) -> None:
    """The number that is allowed is taken over, not the smallest one that stands in the sentence."""
    ids = list(range(1, 101))

    def answer(heard: Heard) -> Reply:
        limit = int(heard.query["limit"])
        if limit > 40:
            return Reply(400, {"message": word, "category": "VALIDATION_ERROR"})
        return Reply(json=_listing(ids, int(heard.query.get("after", 0)), limit))

    script.answer = answer

    assert [len(page.records) for page in hubspot().scan("contact", ["email"])] == [40, 40, 20]
