"""HubSpot's answers on the wire: every status, every broken body, every path, told as the error or value it is."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from connector.crm import Update
from connector.crm.hubspot import HubSpot, Reading
from connector.crm.pacing import Budget
from connector.errors import ConnectorError, CrmError, Deferred, Denied, NotFound, OutcomeUnknown, Transient
from tests.crm.scripted import NOBODY, SILENCE, Heard, Open, Reply, Script, Time, first, rate_limited

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


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
def test_lesson_51_trap_24_each_failure_has_its_error(
    script: Script, hubspot: Open, reply: Reply, error: type[ConnectorError], words: str
) -> None:
    """The class says who must act, the message says what to do."""
    script.answer = first(then=reply)

    with pytest.raises(error, match=words):
        read(hubspot(attempts=1))


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"status": "ok"}', b'{"results": null}'])
@pytest.mark.parametrize(
    "ask",
    [
        lambda crm: list(crm.scan("contact", ["email"])),
        lambda crm: list(crm.read("contact", ["1"], ["email"])),
        lambda crm: list(crm.changes("contact", NOW.isoformat(), NOW)),
        lambda crm: crm.links("contact", ["1"], "company"),
        lambda crm: crm.history("contact", ["1"], ["email"]),
    ],
    ids=["list", "read", "changes", "links", "history"],
)
def test_an_answer_without_a_list_is_not_an_empty_one(
    script: Script, hubspot: Open, raw: bytes, ask: Callable[[HubSpot], object]
) -> None:
    """A gateway says 200 and nothing more: nobody is gone for that, no link ended, no window was quiet."""
    script.answer = first(then=Reply(200, raw=raw))

    with pytest.raises(OutcomeUnknown, match=r"without the list|not with a JSON object"):
        ask(hubspot(attempts=2))
    assert len(script.heard) == 2


def test_lesson_51_lesson_52_a_missing_scope_is_named(script: Script, hubspot: Open) -> None:
    """The administrator reads which scope to add, any one of those HubSpot lists."""
    errors = [{"context": {"requiredGranularScopes": ["crm.objects.deals.read", "crm.schemas.deals.read"]}}]
    script.answer = first(then=Reply(403, {"category": "MISSING_SCOPES", "correlationId": "c-9", "errors": errors}))

    with pytest.raises(Denied, match=r"crm\.objects\.deals\.read, crm\.schemas\.deals\.read.*c-9"):
        read(hubspot())


def test_a_missing_scope_that_hubspot_does_not_name_is_named_by_us(script: Script, hubspot: Open) -> None:
    """A bare 403 on a kind's properties still tells which scope opens the kind."""
    script.answer = lambda heard: Reply(403 if "/properties/" in heard.path else 200, {})

    assert "crm.objects.companies.read" in hubspot().describe(["company"]).shut["company"]


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


def test_trap_23_odd_but_readable_answers_are_read(script: Script, hubspot: Open) -> None:
    """Ids as numbers, values that are no texts, times in milliseconds, fields nobody knows, entries without an id."""
    record = {"id": 12, "properties": {"n": 3, "b": True, "x": None}, "createdAt": 1_700_000_000_000, "extra": {}}
    script.answer = first(Reply(json={"results": [record, None, {"properties": {}}, "?"], "paging": None}))

    (page,) = hubspot().scan("contact", ["n"])

    (found,) = page.records
    assert (found.id, dict(found.properties)) == ("12", {"n": "3", "b": "true", "x": None})
    assert found.created_at == datetime.fromtimestamp(1_700_000_000, UTC)


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (b'"half \\ud83d an emoji"', "half \ufffd an emoji"),
        (b'"\\ud83d\\ude00 whole"', "\U0001f600 whole"),
        (b'"latin \xe9"', "latin \ufffd"),
        (b"NaN", "nan"),
        (b"9" * 500, "inf"),
        (b'{"deep": [1]}', "{'deep': [1]}"),
    ],
)
def test_lesson_53_half_a_character_does_not_cost_the_page(
    script: Script, hubspot: Open, raw: bytes, read: str
) -> None:
    """The fast parser refuses the whole answer; what can be read of it is read, and the others are all there."""
    page = b'{"results":[{"id":"1","properties":{"n":%s}},{"id":"2","properties":{"n":"fine"}}]}' % raw
    script.answer = first(Reply(raw=page))

    (found,) = hubspot(attempts=1).scan("contact", ["n"])

    assert [(one.id, one.properties["n"]) for one in found.records] == [("1", read), ("2", "fine")]
    assert all(one.properties["n"].encode() for one in found.records if one.properties["n"])


def test_trap_11_merged_ids_are_read_from_both_lists_and_from_the_answer_itself(script: Script, hubspot: Open) -> None:
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
        (Reply(429, {"policyName": "TEN_SECONDLY_ROLLING"}, headers={"Retry-After": "0"}), 10),
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
    script.answer = first(then=Reply(json=NOBODY, headers=headers))
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
    script.answer = lambda heard: Reply(200 if heard.headers["Authorization"] == "Bearer new" else 401, NOBODY)

    read(hubspot(lambda: next(tokens)))

    assert len(script.heard) == 2


def test_after_a_429_nobody_else_runs_into_it(script: Script, hubspot: Open, time: Time) -> None:
    """The wait is for every caller under the same limit, not only for the one that was refused."""
    script.answer = first(rate_limited("TEN_SECONDLY_ROLLING"))
    crm = hubspot(attempts=1)
    with pytest.raises(Transient):
        read(crm)
    assert time.now == 0

    read(crm)

    assert time.now >= 10


def test_a_list_that_does_not_advance_is_an_error_not_a_loop(script: Script, hubspot: Open) -> None:
    """The same page for ever: said after two requests."""
    page = Reply(json={"results": [{"id": "1", "properties": {}}], "paging": {"next": {"after": "2"}}})
    script.answer = first(then=page)

    with pytest.raises(CrmError, match="does not advance"):
        list(hubspot().scan("contact", []))
    assert len(script.heard) == 2
