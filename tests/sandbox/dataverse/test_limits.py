"""The three service-protection limits, web servers, the day's entitlement, what answers tell of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from connector.sandbox.clock import parse_ms
from connector.sandbox.dataverse import DataverseSandbox, Environment
from connector.sandbox.dataverse.known import APP_USER
from connector.sandbox.exchange import Call
from tests.sandbox.dataverse.conftest import NINE, Api, refusal

REQUESTS, TIME, CONCURRENCY = "0x80072322", "0x80072321", "0x80072326"


def test_calls_beyond_the_window_are_refused_until_it_has_passed(api: Api, sandbox: DataverseSandbox) -> None:
    sandbox.switch(requests=3)
    for _ in range(3):
        api.get("WhoAmI")
    sandbox.do("clock", {"advance_seconds": 100})

    refused = api("GET", "WhoAmI")

    assert refusal(refused) == (429, REQUESTS)
    assert refused.headers["Retry-After"] == "200"
    sandbox.do("clock", {"advance_seconds": 200})
    assert api("GET", "WhoAmI").status_code == 200


def test_execution_time_counts_by_itself(api: Api, sandbox: DataverseSandbox) -> None:
    sandbox.switch(execution_ms=600_000)
    assert [api("GET", "WhoAmI").status_code for _ in range(3)] == [200, 200, 429]
    assert refusal(api("GET", "WhoAmI")) == (429, TIME)
    assert api("GET", "WhoAmI").headers["x-ms-ratelimit-time-remaining-xrm-requests"] == "0.00"


def test_too_many_calls_under_way_are_refused_at_once(sandbox: DataverseSandbox) -> None:
    sandbox.switch(concurrency=4)
    sandbox.service.traffic.under_way = 5
    call = Call("GET", "/api/data/v9.2/WhoAmI", {}, {"authorization": sandbox.headers["Authorization"]})
    refused = sandbox.service.answer(call)
    sandbox.service.traffic.under_way = 4

    assert (refused.status, refused.body["error"]["code"]) == (429, CONCURRENCY)
    assert int(refused.headers["Retry-After"]) > 0
    assert sandbox.service.answer(call).status == 200


def test_real_calls_at_once_meet_the_limit(sandbox: DataverseSandbox) -> None:
    """Six at once where two may be: the sandbox counts what is really under way."""
    sandbox.switch(concurrency=2, latency_ms=60)

    def ask() -> int:
        return requests.get(f"{sandbox.url}/api/data/v9.2/WhoAmI", headers=sandbox.headers, timeout=10).status_code

    async def all_at_once() -> list[int]:
        return await asyncio.gather(*(asyncio.to_thread(ask) for _ in range(6)))

    answers = asyncio.run(all_at_once())

    assert answers.count(429) >= 1
    assert sandbox.do("switches", {"latency_ms": 0})["concurrency"] == 2
    assert sandbox.service.traffic.summary()["under_way_at_most"] > 2


def test_each_server_counts_for_itself_and_the_cookie_keeps_on_one(sandbox: DataverseSandbox) -> None:
    """Whoever drops the affinity cookie has the limits of all of them."""
    sandbox.switch(requests=2, servers=3)

    def ask(session: Any) -> list[int]:
        url = f"{sandbox.url}/api/data/v9.2/WhoAmI"
        return [session.get(url, headers=sandbox.headers, timeout=10).status_code for _ in range(6)]

    with requests.Session() as keeping:
        assert ask(keeping) == [200, 200, 429, 429, 429, 429]
    sandbox.do("clock", {"advance_seconds": 301})
    assert ask(requests) == [200] * 6
    assert sandbox.service.cookies_seen == 5


@pytest.mark.parametrize("how", ["seconds", "date", "none"])
def test_a_refusal_says_when_to_come_back_in_one_way_or_another(api: Api, sandbox: DataverseSandbox, how: str) -> None:
    sandbox.switch(requests=0, retry_after=how)
    sandbox.do("spend", {"calls": 1})

    told = api("GET", "WhoAmI").headers.get("Retry-After")

    if how == "seconds":
        assert told == "300"
    elif how == "date":
        assert (parsedate_to_datetime(str(told)) - NINE).total_seconds() == 300
    else:
        assert told is None


def test_the_entitlement_counts_rows_and_ends_with_the_day(
    api: Api, sandbox: DataverseSandbox, world: Environment
) -> None:
    """A page is one request, however many rows are on it; each row that is written counts, also in a bulk message."""
    ids = [world.add("contact", {"lastname": f"L{n}"}).id for n in range(4)]
    sandbox.switch(entitlement=6)
    api.get("contacts?$select=lastname")
    api("POST", "contacts", {"lastname": "X"})
    assert sandbox.service.limits.rows_today == 2
    targets = [{"@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": id, "lastname": "Y"} for id in ids]
    api("POST", "contacts/Microsoft.Dynamics.CRM.UpdateMultiple", {"Targets": targets})
    assert sandbox.service.limits.rows_today == 6

    refused = api("GET", "WhoAmI")
    assert refusal(refused) == (429, "0x8005f103")
    assert int(refused.headers["Retry-After"]) == (parse_ms("2026-11-22") - parse_ms("2026-11-21T09:00:00Z")) // 1000
    sandbox.do("clock", {"at": "2026-11-22T00:00:01Z"})
    assert api("GET", "WhoAmI").status_code == 200


def test_other_apps_spend_beside_us(api: Api, sandbox: DataverseSandbox) -> None:
    sandbox.switch(entitlement=100)
    assert sandbox.do("spend", {"rows": 100}) == {"rows_today": 100}
    assert api("GET", "WhoAmI").status_code == 429
    assert sandbox.do("clock", {"advance_seconds": 86_400})
    sandbox.do("spend", {"calls": 6000})
    assert refusal(api("GET", "WhoAmI")) == (429, REQUESTS)


def test_limits_can_be_turned_off(api: Api, sandbox: DataverseSandbox) -> None:
    sandbox.switch(requests=0, rate_limits=False, dop_hint=0)

    answer = api("GET", "WhoAmI")
    assert (answer.status_code, "x-ms-dop-hint" in answer.headers) == (200, False)


@pytest.fixture
def scripted(sandbox: DataverseSandbox) -> Iterator[DataverseSandbox]:
    yield sandbox
    sandbox.faults.clear()


@pytest.mark.parametrize(("policy", "code"), [("requests", REQUESTS), ("time", TIME), ("concurrency", CONCURRENCY)])
def test_lesson_41_each_limit_can_be_met_by_a_fault(
    api: Api, scripted: DataverseSandbox, policy: str, code: str
) -> None:
    scripted.fault("throttle", path="WhoAmI", policy=policy, retry_after=3, times=2)

    refused = api("GET", "WhoAmI")
    assert (refusal(refused), refused.headers["Retry-After"]) == ((429, code), "3")
    assert api("GET", "WhoAmI").status_code == 429
    assert api.get("WhoAmI")["UserId"] == APP_USER
