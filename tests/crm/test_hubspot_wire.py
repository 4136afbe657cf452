"""HubSpot's answers on the wire: every status, every broken body, every path, told as the error or value it is."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from scripted import SILENCE, Heard, Reply, Script

from connector.crm import Task, Update
from connector.crm.hubspot import HubSpot, Reading
from connector.crm.pacing import Budget
from connector.errors import ConnectorError, CrmError, Deferred, Denied, NotFound, OutcomeUnknown, Transient

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
TASK = Task("1", "Call back", "marker", NOW, "HIGH", "77")

Open = Callable[..., HubSpot]


class Time:
    """A clock that only sleeping moves; remembers every sleep."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, list[float]()

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def script() -> Iterator[Script]:
    with Script(lambda _heard: Reply(json={"results": []})) as running:
        yield running


@pytest.fixture
def hubspot(script: Script, time: Time) -> Iterator[Open]:
    opened: list[HubSpot] = []

    def open_(token: Any = "pat-test", **settings: Any) -> HubSpot:
        settings = {"base_url": script.url, "clock": time.clock, "sleep": time.sleep, "timeout": 5.0, **settings}
        opened.append(HubSpot(token, **settings))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


def first(*replies: Reply, then: Reply | None = None) -> Callable[[Heard], Reply]:
    """The replies one after the other, then for ever `then` (by default an empty result)."""
    left = list(replies)
    return lambda _heard: left.pop(0) if left else then or Reply(json={"results": []})


def rate_limited(policy: str) -> Reply:
    body = {"status": "error", "message": f"You have reached your {policy.lower()} limit.", "policyName": policy}
    return Reply(429, {**body, "errorType": "RATE_LIMIT"})


def read(crm: HubSpot, ids: list[str] | None = None) -> list[str]:
    return [record.id for record in crm.read("contact", ids or ["1"], ["email"])]


# -- what is sent ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "objects", "links"),
    [
        ("2026-03", "/crm/objects/2026-03/contacts", "/crm/associations/2026-03/contacts/companies/batch/read"),
        ("2026-09", "/crm/objects/2026-09/contacts", "/crm/associations/2026-09/contacts/companies/batch/read"),
        ("v3", "/crm/v3/objects/contacts", "/crm/v4/associations/contacts/companies/batch/read"),
    ],
)
def test_the_version_is_one_setting(script: Script, hubspot: Open, version: str, objects: str, links: str) -> None:
    """Every path follows it; v3 keeps its associations in v4."""
    crm = hubspot(api_version=version)

    list(crm.scan("contact", ["email"]))
    read(crm)
    list(crm.changes("contact", NOW.isoformat(), NOW))
    crm.write("contact", [Update("1", {"email": "a@b.example"})])
    crm.links("contact", ["1"], "company")

    paths = list(dict.fromkeys(heard.path for heard in script.heard))
    assert paths == [objects, f"{objects}/batch/read", f"{objects}/search", f"{objects}/batch/update", links]


def test_an_unknown_version_is_refused_at_once(hubspot: Open) -> None:
    """A typo in api_version does not become a thousand 404s."""
    with pytest.raises(ValueError, match="2026-03, 2026-09, v3"):
        hubspot(api_version="v5")


def test_the_token_travels_as_bearer_and_answers_may_be_compressed(script: Script, hubspot: Open) -> None:
    """gzip is asked for and understood."""
    body = gzip.compress(json.dumps({"results": [{"id": 7, "properties": None}]}).encode())
    script.answer = first(Reply(raw=body, headers={"Content-Encoding": "gzip"}))

    assert read(hubspot("secret")) == ["7"]
    assert script.heard[0].headers["Authorization"] == "Bearer secret"
    assert "gzip" in script.heard[0].headers["Accept-Encoding"]


def test_a_token_may_be_asked_for_anew_each_time(script: Script, hubspot: Open) -> None:
    """OAuth tokens live half an hour; the one of the moment is used."""
    tokens = iter(["first", "second"])
    crm = hubspot(lambda: next(tokens))

    read(crm)
    read(crm)

    assert [heard.headers["Authorization"] for heard in script.heard] == ["Bearer first", "Bearer second"]


def test_a_list_name_is_quoted_into_its_path(script: Script, hubspot: Open) -> None:
    """Slashes, blanks and letters of any language in a name stay one path segment."""
    script.answer = first(Reply(json={"list": {"listId": 5}}))

    list(hubspot().occurrences("list:Ceny/cennik ł 50%", None, NOW))

    assert script.heard[0].target.endswith("/name/Ceny%2Fcennik%20%C5%82%2050%25")


# -- what comes back ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (Reply(401, {"category": "INVALID_AUTHENTICATION"}), Denied, "token is complete"),
        (Reply(530, raw=b"<html>error 530</html>"), Denied, "malformed token"),
        (Reply(403, {"category": "MISSING_SCOPES"}), Denied, "scope"),
        (Reply(404, {}), NotFound, "does not exist"),
        (Reply(301, raw=b"", headers={"Location": "https://elsewhere.example"}), Denied, "base_url"),
        (Reply(400, {"message": "nope"}), CrmError, "no reason given"),
        (Reply(500, raw=b"\xff\xfe not utf-8"), OutcomeUnknown, "500"),
        (Reply(503, {}), OutcomeUnknown, "503"),
        (Reply(423, {}), Transient, "423"),
        (Reply(200, raw=b"<html>proxy login</html>"), OutcomeUnknown, "proxy"),
        (Reply(200, [1, 2]), OutcomeUnknown, "JSON object"),
        (SILENCE, OutcomeUnknown, "no usable answer"),
        (Reply(200, {"results": [{"id": "1"}]}, cut=9), OutcomeUnknown, "no usable answer"),
    ],
)
def test_each_failure_has_its_error(
    script: Script, hubspot: Open, reply: Reply, error: type[ConnectorError], words: str
) -> None:
    """The class says who must act, the message says what to do."""
    script.answer = first(then=reply)

    with pytest.raises(error, match=words):
        read(hubspot(attempts=1))


def test_a_missing_scope_is_named(script: Script, hubspot: Open) -> None:
    """The administrator reads which scope to add, any one of those HubSpot lists."""
    errors = [{"context": {"requiredGranularScopes": ["crm.objects.deals.read", "crm.schemas.deals.read"]}}]
    script.answer = first(then=Reply(403, {"category": "MISSING_SCOPES", "correlationId": "c-9", "errors": errors}))

    with pytest.raises(Denied, match=r"crm\.objects\.deals\.read, crm\.schemas\.deals\.read.*c-9"):
        read(hubspot())


def test_a_missing_scope_that_hubspot_does_not_name_is_named_by_us(script: Script, hubspot: Open) -> None:
    """A bare 403 on a kind's properties still tells which scope opens the kind."""
    script.answer = lambda heard: Reply(403 if "/properties/" in heard.path else 200, {})

    with pytest.raises(Denied, match=r"crm\.objects\.companies\.read"):
        hubspot().describe(["company"])


def test_nobody_listening_is_said_plainly(hubspot: Open) -> None:
    """Host and remedy, no traceback poetry."""
    with pytest.raises(Transient, match=r"cannot reach 127\.0\.0\.1:9 .*Check base_url"):
        read(hubspot(base_url="http://127.0.0.1:9", attempts=2))


def test_an_answer_that_drips_is_cut_off_by_the_clock(script: Script, hubspot: Open, time: Time) -> None:
    """The deadline is wall-clock time for the whole answer, not for the next byte."""

    def slowly(_heard: Heard) -> Reply:
        time.now += 6
        return Reply(json={"results": [{"id": "1", "properties": {}}]})

    script.answer = slowly

    with pytest.raises(OutcomeUnknown, match="did not end in time"):
        read(hubspot(attempts=1, timeout=5.0))


def test_odd_but_readable_answers_are_read(script: Script, hubspot: Open) -> None:
    """Ids as numbers, values that are no texts, times in milliseconds, entries that are no records."""
    record = {"id": 12, "properties": {"n": 3, "b": True, "x": None}, "createdAt": 1_700_000_000_000, "extra": {}}
    script.answer = first(Reply(json={"results": [record, None, {"properties": {}}, "?"], "paging": None}))

    (page,) = hubspot().scan("contact", ["n"])

    (found,) = page.records
    assert (found.id, dict(found.properties)) == ("12", {"n": "3", "b": "true", "x": None})
    assert found.created_at == datetime.fromtimestamp(1_700_000_000, UTC)


def test_merged_ids_are_read_from_both_lists_and_from_the_answer_itself(script: Script, hubspot: Open) -> None:
    """Separators and the id:time form are not documented; a survivor may answer for an id it does not list."""
    properties = {"hs_merged_object_ids": "5;6", "hs_calculated_merged_vids": "6:1700000000000;7:1700000000001"}
    script.answer = first(
        Reply(json={"results": [{"id": "1", "properties": properties}]}),
        Reply(json={"results": [{"id": "20", "properties": {}}]}),
    )
    crm = hubspot()

    (listed,) = crm.read("contact", ["1"], [])
    (stray,) = crm.read("contact", ["19"], [])

    assert listed.merged_ids == ("5", "6", "7")
    assert (stray.id, stray.merged_ids) == ("20", ("19",))


# -- trying again ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "wait"),
    [
        (rate_limited("TEN_SECONDLY_ROLLING"), 10),
        (rate_limited("SECONDLY"), 1),
        (Reply(429, {"message": "You have reached your ten_secondly_rolling limit."}), 10),
        (Reply(429, {"category": "RATE_LIMITS"}, headers={"Retry-After": "4"}), 4),
        (Reply(423, {}), 2),
        (Reply(477, {}, headers={"Retry-After": "90"}), 90),
        (Reply(502, {}), 3),
    ],
)
def test_what_passes_is_waited_for(script: Script, hubspot: Open, time: Time, reply: Reply, wait: float) -> None:
    """Each has its own time; the call then goes through and both tallies know."""
    script.answer = first(reply)
    crm = hubspot()

    read(crm)

    assert wait <= time.now < wait + 1
    assert len(script.heard) == 2
    assert (crm.calls.retries, crm.calls.throttled) == (1, int(reply.status == 429))


def test_a_spent_day_defers_and_asks_no_more(script: Script, hubspot: Open) -> None:
    """DAILY is not waited for, and the next call is not even sent."""
    script.answer = first(then=rate_limited("DAILY"))
    crm = hubspot()

    for _ in range(2):
        with pytest.raises(Deferred, match="daily quota is spent"):
            read(crm)
    assert len(script.heard) == 1


def test_the_daily_floor_is_learnt_from_the_headers(script: Script, hubspot: Open) -> None:
    """When the rest of the day falls to the floor, the connection stops before the server does."""
    headers = {"X-HubSpot-RateLimit-Daily": "1000", "X-HubSpot-RateLimit-Daily-Remaining": "100"}
    script.answer = first(then=Reply(json={"results": []}, headers=headers))
    crm = hubspot(budget=Budget(share=1.0, daily_floor=100))
    read(crm)

    with pytest.raises(Deferred, match="daily_floor"):
        read(crm)


def test_writes_that_the_budget_stops_are_deferred_each(script: Script, hubspot: Open) -> None:
    """What was sent is told as written, what was not as deferred; nobody is lost."""
    headers = {"X-HubSpot-RateLimit-Daily": "1000", "X-HubSpot-RateLimit-Daily-Remaining": "0"}
    script.answer = lambda heard: Reply(
        json={"results": [{"id": one["id"], "properties": {}} for one in heard.body["inputs"]]}, headers=headers
    )
    crm = hubspot(read=Reading(batch=2, threads=1))

    outcomes = crm.write("contact", [Update(str(n), {"city": "x"}) for n in range(6)])

    assert [outcome.id for outcome in outcomes] == [str(n) for n in range(6)]
    assert {outcome.state for outcome in outcomes[:2]} == {"written"}
    assert {outcome.state for outcome in outcomes[4:]} == {"deferred"}


def test_a_refreshed_token_is_tried_once_after_a_401(script: Script, hubspot: Open) -> None:
    """A long run outlives its token: a new one is used; the same one again is not."""
    tokens = iter(["old", "new", "new"])
    script.answer = lambda heard: Reply(200 if heard.headers["Authorization"] == "Bearer new" else 401, {})

    read(hubspot(lambda: next(tokens)))

    assert len(script.heard) == 2


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


def test_a_long_list_of_properties_never_makes_a_long_url(script: Script, hubspot: Open) -> None:
    """Six hundred properties: ids from the list, values by batch read, no request line near the limit of servers."""
    names = [f"a_rather_long_property_name_{n}" for n in range(600)]

    def answer(heard: Heard) -> Reply:
        values = {names[0]: "value"} if heard.method == "POST" else {}
        return Reply(json={"results": [{"id": "1", "properties": values}]})

    script.answer = answer

    (page,) = hubspot().scan("contact", names)

    assert page.records[0].properties[names[0]] == "value"
    assert max(len(heard.target) for heard in script.heard) < 8_000
    assert set(names) <= set(script.heard[1].body["properties"])


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


def test_an_account_that_does_not_tell_its_id_is_described_all_the_same(script: Script, hubspot: Open) -> None:
    """Whether a service key may ask for account info is not documented: unknown is said, nothing fails."""
    script.answer = lambda heard: Reply(403 if "account-info" in heard.path else 200, {})

    told = hubspot().describe(["contact"])

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

    pages = {
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
