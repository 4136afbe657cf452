"""What HubSpot's answers mean for the rooms of the adapter: sizes, tasks, descriptions, links, forms."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.crm import Task, Update
from connector.crm.hubspot import HubSpot, Reading
from connector.crm.hubspot.reading import asked_for
from connector.errors import CrmError
from connector.model import Link
from tests.crm.scripted import SILENCE, Heard, Open, Reply, Script, first, rate_limited

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
TASK = Task("1", "Call back", "marker", NOW, "HIGH", "77")


def read(crm: HubSpot, ids: list[str]) -> list[str]:
    return [record.id for record in crm.read("contact", ids, ["email"])]


# -- sizes -------------------------------------------------------------------------------------------------------


def limited(most: int, word: str = "The maximum number of inputs in a batch is {}.") -> Callable[[Heard], Reply]:
    """A server that takes at most so many inputs (or asks for pages of at most so many)."""

    def answer(heard: Heard) -> Reply:
        inputs = (heard.body or {}).get("inputs", [])
        if len(inputs) > most:
            return Reply(400, {"category": "VALIDATION_ERROR", "message": word.format(most)})
        return Reply(json={"results": [{"id": one["id"], "properties": {}} for one in inputs]})

    return answer


@pytest.mark.parametrize("word", ["The maximum number of inputs in a batch is {}.", "Batch size exceeds the limit"])
def test_batches_shrink_when_hubspot_says_too_many(script: Script, hubspot: Open, word: str) -> None:
    """100 refused, smaller ones from then on, every id read; a limit that is named is taken over at once."""
    script.answer = limited(40, word)
    crm = hubspot(read=Reading(threads=1))
    ids = [str(n) for n in range(1, 251)]

    assert read(crm, ids) == ids
    before = len(script.heard)
    assert read(crm, ids) == ids
    assert len(script.heard) - before == (7 if "{}" in word else 10)


def test_writes_shrink_too(script: Script, hubspot: Open) -> None:
    """No id is rejected because of the size of its batch."""
    script.answer = limited(30)

    outcomes = hubspot().write("contact", [Update(str(n), {"city": "x"}) for n in range(1, 101)])

    assert {outcome.state for outcome in outcomes} == {"written"}


@pytest.mark.parametrize("count", [1, 60, 600])
def test_lesson_43_trap_12_a_long_list_of_properties_never_makes_a_long_url(
    script: Script, hubspot: Open, count: int
) -> None:
    """Six hundred properties: ids from the list, values by batch read, no request line of two kilobytes."""
    names = [f"a_rather_long_property_name_{n}" for n in range(count)]

    def answer(heard: Heard) -> Reply:
        known = heard.body["properties"] if heard.body else heard.query["properties"]
        values = {names[0]: "value"} if names[0] in known else {}
        return Reply(json={"results": [{"id": "1", "properties": values}]})

    script.answer = answer

    (page,) = hubspot().scan("contact", names)

    assert page.records[0].properties[names[0]] == "value"
    assert max(len(heard.target) for heard in script.heard) < 2_000
    asked = [
        heard.body["properties"] if heard.body else heard.query.get("properties", "").split(",")
        for heard in script.heard
    ]
    assert set(asked_for("contact", names)) == set(asked[-1])
    assert len(asked[-1]) <= count + 2, "nothing but what was asked for and who the person is"


# -- creating and describing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [SILENCE, Reply(500, {}), Reply(504, {}), Reply(201, raw=b"?"), Reply(201, {})])
def test_a_task_whose_creation_is_unclear_is_never_sent_again(script: Script, hubspot: Open, reply: Reply) -> None:
    """Lost answers, server errors, unreadable answers: unknown, after one request."""
    script.answer = first(then=reply)

    (outcome,) = hubspot().create_tasks([TASK], lambda _number: None)

    assert outcome.state == "unknown"
    assert len(script.heard) == 1


@pytest.mark.parametrize("reply", [rate_limited("TEN_SECONDLY_ROLLING"), Reply(423, {})])
def test_a_task_that_was_certainly_not_created_is_sent_again(script: Script, hubspot: Open, reply: Reply) -> None:
    """A refused place in the queue is no creation."""
    script.answer = first(reply, Reply(201, {"id": 900}))
    announced: list[int] = []

    (outcome,) = hubspot().create_tasks([TASK], announced.append)

    assert (outcome.id, outcome.state, announced) == ("900", "written", [0])


def test_a_task_says_what_hubspot_wants_to_know(script: Script, hubspot: Open) -> None:
    """Due date, status, owner and the association to its contact."""
    script.answer = first(Reply(201, {"id": "900"}))

    hubspot().create_tasks([TASK], lambda _number: None)

    body = script.heard[0].body
    assert body["properties"] == {
        "hs_timestamp": "2026-11-22T09:00:00Z",
        "hs_task_subject": "Call back",
        "hs_task_body": "marker",
        "hs_task_status": "NOT_STARTED",
        "hs_task_type": "TODO",
        "hs_task_priority": "HIGH",
        "hubspot_owner_id": "77",
    }
    (link,) = body["associations"]
    assert (link["to"], link["types"][0]["associationTypeId"]) == ({"id": "1"}, 204)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_an_account_that_does_not_tell_its_id_is_described_all_the_same(
    script: Script, hubspot: Open, status: int
) -> None:
    """Whether a service key may ask for account info is not documented: unknown is said, nothing fails."""
    script.answer = lambda heard: Reply(status if "account-info" in heard.path else 200, {})

    told = hubspot().describe(["contact"])

    assert sum("account-info" in heard.path for heard in script.heard) == 2  # asked for once each: it is no bad moment
    assert (told.account, told.zone, told.daily_limit) == ("unknown", "UTC", None)
    assert told.properties == {"contact": {}}


@pytest.mark.parametrize(
    ("metadata", "state"),
    [
        ({"probability": "1.0"}, "won"),
        ({"probability": "0.0"}, "lost"),
        ({"probability": "0.6"}, "open"),
        ({"probability": "0.0", "isClosed": "false"}, "open"),
        ({"probability": "0.9", "isClosed": "true"}, "lost"),
        ({"probability": 1, "isClosed": True}, "won"),
        ({"probability": "??"}, "open"),
        (None, "open"),
    ],
)
def test_deal_stages_are_told_by_probability(script: Script, hubspot: Open, metadata: Any, state: str) -> None:
    """Never by id or label, which accounts rename; isClosed helps where it is sent."""
    pipeline = {"id": "default", "stages": [{"id": 91, "label": "Replied", "metadata": metadata}]}
    script.answer = lambda heard: Reply(json={"results": [pipeline] if "pipelines" in heard.path else []})

    (stage,) = hubspot().describe(["deal"]).deal_stages

    assert (stage.id, stage.state) == ("91", state)


def test_associations_are_followed_through_their_pages(script: Script, hubspot: Open) -> None:
    """A record with many partners comes in pages of its own; the same partner under two types is one link."""

    def partner(id_: object, *types: Any) -> dict[str, Any]:
        return {"toObjectId": id_, "associationTypes": [{"typeId": type_, "label": label} for type_, label in types]}

    pages: dict[str | None, dict[str, Any]] = {
        None: {"to": [partner(8, (279, None)), partner(8, (1, "Główna"))], "paging": {"next": {"after": "x"}}},
        "x": {"to": [partner("9", (279, None), (31, "Billing"))]},
    }
    script.answer = lambda heard: Reply(
        207,
        {
            "results": [
                {"from": {"id": "1"}, **pages[one.get("after")]} for one in heard.body["inputs"] if one["id"] == "1"
            ],
            "errors": [{"subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}],
        },
    )

    links = hubspot().links("contact", ["1", "2"], "company")

    assert [(link.to_id, link.labels) for link in links["1"]] == [("8", ("primary",)), ("9", ("Billing",))]
    assert links["2"] == ()


def _links_of(linked: Sequence[str], *, named: bool, lost: Callable[[int, str], bool]) -> Callable[[Heard], Reply]:
    """An account in which these records have a partner; the others are named in the errors of a 207, or nowhere. What
    is `lost`, by the number of the call and the id, falls out of the answer."""
    calls = itertools.count()

    def answer(heard: Heard) -> Reply:
        call = next(calls)
        asked = [one["id"] for one in heard.body["inputs"]]
        results = [
            {"from": {"id": id_}, "to": [{"toObjectId": 8, "associationTypes": []}]}
            for id_ in asked
            if id_ in linked and not lost(call, id_)
        ]
        none = {"category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}
        errors = [
            {**none, "context": {"fromObjectId": [id_]}}
            for id_ in asked
            if named and id_ not in linked and not lost(call, id_)
        ]
        return Reply(207 if errors else 200, {"results": results, "errors": errors})

    return answer


@pytest.mark.parametrize("named", [True, False])
def test_g10_whoever_falls_out_of_an_answer_is_asked_after_again(script: Script, hubspot: Open, named: bool) -> None:
    """Whichever way the account says that there are none: the second question is for those alone who are missing."""
    script.answer = _links_of(["1", "2"], named=named, lost=lambda call, id_: (call, id_) in ((0, "2"), (0, "4")))

    links = hubspot().links("contact", ["1", "2", "3", "4"], "company")

    assert {id_: [one.to_id for one in those] for id_, those in links.items()} == {
        "1": ["8"],
        "2": ["8"],
        "3": [],
        "4": [],
    }
    second = [one["id"] for one in script.heard[1].body["inputs"]]
    assert second == (["2", "4"] if named else ["2", "3", "4"])


def test_g10_nobody_who_is_never_told_of_is_taken_for_having_none(script: Script, hubspot: Open) -> None:
    """Where the account names who has none, silence says nothing: neither that there are links nor that there are
    none. It is broken after three questions."""
    script.answer = _links_of(["1", "2"], named=True, lost=lambda call, id_: id_ == "2")

    links = hubspot().links("contact", ["1", "2", "3"], "company")

    assert {id_: len(those) for id_, those in links.items()} == {"1": 1, "3": 0}
    assert len(script.heard) == 3


def test_g10_an_account_that_is_silent_of_all_who_have_none_is_not_asked_twice_each_time(
    script: Script, hubspot: Open
) -> None:
    """The first second question shows what silence means there; from then on it costs nothing."""
    script.answer = _links_of(["1"], named=False, lost=lambda call, id_: False)
    crm = hubspot()

    for _ in range(5):
        links = crm.links("contact", ["1", "2", "3"], "company")
        assert {id_: len(those) for id_, those in links.items()} == {"1": 1, "2": 0, "3": 0}

    assert len(script.heard) == 3 + 4


def _there(ids: Sequence[str], *, named: bool, lost: Callable[[int, str], bool]) -> Callable[[Heard], Reply]:
    """An account in which these records are; the others are named in the errors of a 207, or nowhere."""
    calls = itertools.count()

    def answer(heard: Heard) -> Reply:
        call = next(calls)
        asked = [one["id"] for one in heard.body["inputs"]]
        results = [{"id": id_, "properties": {}} for id_ in asked if id_ in ids and not lost(call, id_)]
        gone = [id_ for id_ in asked if id_ not in ids]
        errors = [{"category": "OBJECT_NOT_FOUND", "context": {"ids": gone}}] if named and gone else []
        return Reply(207 if errors else 200, {"results": results, "errors": errors})

    return answer


@pytest.mark.parametrize(("named", "calls"), [(True, 3), (False, 5)])
def test_g9_whoever_falls_out_of_an_answer_is_not_taken_for_deleted(
    script: Script, hubspot: Open, named: bool, calls: int
) -> None:
    """Twice in a row; whoever is named as deleted is not asked for again, and whoever is never heard of is, in the
    end."""
    script.answer = _there(["1", "2"], named=named, lost=lambda call, id_: (call, id_) in ((0, "2"), (1, "2")))

    found = read(hubspot(), ["1", "2", "3"])

    assert sorted(found) == ["1", "2"]
    assert [[one["id"] for one in heard.body["inputs"]] for heard in script.heard][1:3] == (
        [["2"], ["2"]] if named else [["2", "3"], ["2", "3"]]
    )
    assert len(script.heard) == calls


def test_an_account_that_is_silent_of_all_who_are_gone_is_not_asked_three_times_each_time(
    script: Script, hubspot: Open
) -> None:
    """Once several have been asked for in vain, silence is its way of saying so."""
    script.answer = _there(["1"], named=False, lost=lambda call, id_: False)
    crm = hubspot()

    for _ in range(5):
        assert read(crm, ["1", "2", "3"]) == ["1"]

    assert len(script.heard) == 3 + 4


def test_a_pair_of_labels_is_told_from_the_persons_end_whichever_end_is_asked(script: Script, hubspot: Open) -> None:
    """Else the link would change with the end it was read from; what has no label costs no second call."""
    labels = {("deals", "8"): "Is decided by", ("contacts", "8"): "Decides on"}

    def answer(heard: Heard) -> Reply:
        asked, told = heard.path.split("/")[4:6]
        partners = {"contacts": ["8", "9"], "deals": ["5"]}[told]
        results = [
            {
                "from": {"id": one["id"]},
                "to": [
                    {
                        "toObjectId": to_id,
                        "associationTypes": [{"typeId": 70, "label": labels.get((asked, max(one["id"], to_id)))}],
                    }
                    for to_id in partners
                ],
            }
            for one in heard.body["inputs"]
        ]
        return Reply(json={"results": results})

    script.answer = answer
    crm = hubspot()
    from_deal, from_contact = crm.links("deal", ["5"], "contact"), crm.links("contact", ["8", "9"], "deal")

    assert from_deal["5"] == (Link("8", ("Decides on",)), Link("9"))
    assert (from_contact["8"], from_contact["9"]) == ((Link("5", ("Decides on",)),), (Link("5"),))
    assert [[one["id"] for one in heard.body["inputs"]] for heard in script.heard] == [["5"], ["8"], ["8", "9"]]


def test_lesson_39_submissions_that_do_not_advance_are_an_error_and_no_end(script: Script, hubspot: Open) -> None:
    """The older ones are still to come: the cursor must not stand after them."""
    one = {"conversionId": "c1", "submittedAt": int(NOW.timestamp() * 1000), "values": []}
    script.answer = lambda _heard: Reply(json={"results": [one], "paging": {"next": {"after": "2"}}})

    parts = hubspot().occurrences("form:f-1", None, NOW)

    assert next(parts)[1] is None
    with pytest.raises(CrmError, match="do not advance"):
        list(parts)
    assert len(script.heard) == 2


def test_submissions_are_read_back_to_the_cursor_and_remember_no_address(script: Script, hubspot: Open) -> None:
    """Newest first, a page at a time, until older than the cursor; senders are kept as hashes."""
    times = [NOW - timedelta(hours=hours) for hours in range(6)]

    def answer(heard: Heard) -> Reply:
        start = int(heard.query.get("after", 0))
        found = [
            {
                "conversionId": f"c{n}",
                "submittedAt": int(times[n].timestamp() * 1000),
                "values": [{"name": "email", "value": " Ann@Example.COM "}],
            }
            for n in range(start, min(start + 2, 6))
        ]
        paging = {"next": {"after": str(start + 2)}} if start + 2 < 6 else None
        return Reply(json={"results": found, "paging": paging})

    script.answer = answer
    crm = hubspot()

    everything = list(crm.occurrences("form:f-1", None, NOW))
    later = list(crm.occurrences("form:f-1", times[2].isoformat(), NOW))

    assert [one.id for part, _ in everything for one in part] == [f"c{n}" for n in range(6)]
    assert [cursor for _, cursor in everything] == [None, None, NOW.isoformat()]
    assert [one.id for part, _ in later for one in part] == ["c0", "c1", "c2"]
    (one, *_), _ = everything[0]
    assert one.email_hash == hashlib.sha256(b"ann@example.com").hexdigest()
    assert one.person_id is None
