"""The quota in strange hands: other apps spend it, a 429 says when there is room; the sandbox tells its ceiling."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import requests

from connector.sandbox import Sandbox, World
from tests.sandbox.conftest import Api

OWNERS = "/crm/owners/2026-03"
USAGE = "/account-info/2026-03/api-usage/daily/private-apps"


def used(api: Api) -> int:
    count: int = api.get("/_sandbox/state")["used_today"]
    return count


def test_another_app_drains_the_daily_pool_by_the_second(api: Api, sandbox: Sandbox, world: World) -> None:
    """In the sandbox's time, at the pace of the day; we see it in headers and in the account's own count."""
    sandbox.switch(daily=1000, foreign_calls_per_s=2)
    world.clock.advance(100)
    assert api("GET", OWNERS).headers["X-HubSpot-RateLimit-Daily-Remaining"] == str(1000 - 201)
    sandbox.switch(foreign_calls_per_s=0.5)
    world.clock.advance(100)

    assert used(api) == 251
    assert api.get(USAGE)["results"][0]["currentUsage"] == 252
    world.clock.advance(1500)
    assert api("GET", OWNERS).json()["policyName"] == "DAILY"


def test_another_app_drains_the_daily_pool_with_each_call_of_ours(api: Api, sandbox: Sandbox) -> None:
    """Nine beside each: the pool of thirty lasts for three."""
    sandbox.switch(daily=30, foreign_calls_per_call=9)

    assert [api("GET", OWNERS).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_another_app_takes_searches(api: Api, sandbox: Sandbox) -> None:
    """Three of the five a second."""
    sandbox.switch(foreign_search_per_s=3)

    assert [api.search().status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("day", ["2026-11-21", "2026-10-25", "2026-03-29"])
def test_the_pool_refills_at_midnight_of_the_account(api: Api, sandbox: Sandbox, world: World, day: str) -> None:
    """In Warsaw, on days of 25 and 23 hours, too; what another app spends counts from midnight on."""
    zone = ZoneInfo("Europe/Warsaw")
    world.clock.set(datetime.fromisoformat(f"{day}T23:59:50").replace(tzinfo=zone))
    api("POST", "/_sandbox/spend", {"calls": 500})
    sandbox.switch(foreign_calls_per_s=10, retry_after=True, daily=100)
    refused = api("GET", OWNERS)
    world.clock.advance(9)
    assert api("GET", OWNERS).headers["Retry-After"] == "1"
    world.clock.advance(2)

    assert refused.headers["Retry-After"] == "10"
    assert used(api) == 10
    midnight = datetime.combine(date.fromisoformat(day) + timedelta(days=2), time(), zone)
    assert datetime.fromisoformat(api.get(USAGE)["results"][0]["resetsAt"]) == midnight


def test_retry_after_tells_when_the_window_has_room(api: Api, sandbox: Sandbox, world: World) -> None:
    """And it is true: not a moment before, by the sandbox's clock."""
    sandbox.switch(burst=2, search_per_second=1, retry_after=True)
    api("GET", OWNERS)
    world.clock.advance(4)
    api("GET", OWNERS)
    refused = api("GET", OWNERS)
    world.clock.advance(int(refused.headers["Retry-After"]) - 0.001)

    assert refused.headers["Retry-After"] == "6"
    assert api("GET", OWNERS).status_code == 429
    world.clock.advance(0.001)
    assert api("GET", OWNERS).status_code == 200
    api.search()
    assert api.search().headers["Retry-After"] == "1"


@pytest.mark.parametrize(("style", "key"), [("policy", "policyName"), ("category", "category"), ("bare", "requestId")])
def test_real_429s_come_in_three_styles(api: Api, sandbox: Sandbox, style: str, key: str) -> None:
    """The same limit, told in other words."""
    sandbox.switch(burst=0, throttle_body=style)

    refused = api("GET", OWNERS)

    assert (refused.status_code, key in refused.json(), "Retry-After" in refused.headers) == (429, True, False)
    assert ("policyName" in refused.json()) is (style == "policy")


# -- its own ceiling -----------------------------------------------------------------------------------------------


def test_the_fullest_ten_seconds_are_counted_for_each_limit(api: Api, sandbox: Sandbox, world: World) -> None:
    """By a rolling window: five calls around a full second boundary are five, whatever a client says."""
    for step in (0, 9.9, 0.05, 0.03, 5):
        world.clock.advance(step)
        api("GET", OWNERS)
    api.search()
    api("GET", OWNERS + "/1")

    traffic = api.get("/_sandbox/state")["traffic"]
    assert traffic["arrived"] == 7
    assert traffic["fullest"]["burst"] == {"10s": 5, "1s": 3}
    assert traffic["fullest"]["search"] == {"10s": 1, "1s": 1}
    assert traffic["under_way_at_most"] == 1
    assert traffic["trouble"] == {}


def test_the_share_of_a_limit_that_was_used_is_told_from_outside(api: Api, sandbox: Sandbox, world: World) -> None:
    """Second by second, without the first and the last ten: seven of eight."""
    sandbox.switch(burst=80)
    for second in range(30):
        for _ in range(7 if 10 <= second < 20 else 1):
            api("GET", OWNERS)
        world.clock.advance(1)

    told = api.get("/_sandbox/traffic/burst")
    assert (told["calls"], told["refused"], told["limit_per_10s"]) == (90, 0, 80)
    assert told["from"] == "2026-11-21T09:00:00.000Z"
    assert told["per_second"] == [1] * 10 + [7] * 10 + [1] * 10
    assert told["busy"] == 7 / 8
    assert api.get("/_sandbox/traffic/search")["busy"] is None
    assert api("GET", "/_sandbox/traffic/else").status_code == 400


def test_calls_under_way_at_once_are_counted(api: Api, sandbox: Sandbox) -> None:
    """Four that wait for the same thing: here for somebody to say which process they are to be the end of."""
    sandbox.fault("kill_before", times=0)
    victim = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])

    def call() -> None:
        client = Api(sandbox)
        with pytest.raises(requests.ConnectionError):
            client("GET", OWNERS)
        client.close()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for one in threads:
        one.start()
    while api.get("/_sandbox/state")["traffic"]["arrived"] < 4:
        pass
    api("POST", "/_sandbox/process", {"pid": victim.pid})
    for one in threads:
        one.join()
    victim.wait()

    assert api.get("/_sandbox/state")["traffic"]["under_way_at_most"] == 4
    assert sandbox.hubspot.traffic.under_way == 0


def test_latency_jitters_by_chance_that_repeats_itself(api: Api, sandbox: Sandbox) -> None:
    """Some calls are slower, some quicker, the same ones for the same seed."""

    def told() -> list[float]:
        sandbox.reset()
        sandbox.switch(latency_ms=150, latency_jitter_ms=50, rate_limits=False)
        latencies = []
        for arrived in range(50):
            sandbox.hubspot.traffic.arrived = arrived
            latencies.append(sandbox.latency_ms())
        return latencies

    first = told()
    assert 100 <= min(first) < 120
    assert 180 < max(first) <= 200
    assert told() == first
