"""Token, scopes, rate limits by the sandbox's clock, and scripted trouble."""

from __future__ import annotations

import pytest
import requests

from connector.sandbox import Sandbox, World
from tests.sandbox.conftest import Api

CONTACTS = "/crm/objects/2026-03/contacts"
OWNERS = "/crm/owners/2026-03"


def test_a_wrong_token_opens_nothing(api: Api, sandbox: Sandbox) -> None:
    """401 with the category that says so, and it does not use up the limits."""
    answer = requests.get(sandbox.url + OWNERS, headers={"Authorization": "Bearer wrong"}, timeout=10)

    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")
    assert sandbox.hubspot.limits.used_today == 0


def test_a_missing_scope_is_named(api: Api, sandbox: Sandbox) -> None:
    """403 lists the scopes of which any one would do; others still work, revoked or not."""
    api("POST", "/_sandbox/access", {"scopes": ["crm.objects.contacts.read"]})

    refused = api("GET", "/crm/v3/objects/deals")

    assert refused.status_code == 403
    assert refused.json()["category"] == "MISSING_SCOPES"
    assert refused.json()["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.deals.read"]
    assert api("GET", CONTACTS).status_code == 200
    assert api("GET", "/crm/v3/objects/calls").status_code == 200
    assert api.patch("1", jobtitle="x").status_code == 403


def test_headers_count_the_window_down(api: Api, sandbox: Sandbox) -> None:
    """Max, remaining, interval and the daily pool; every answer has a correlation id."""
    sandbox.switch(burst=3)
    api("GET", OWNERS)
    headers = api("GET", OWNERS).headers

    assert headers["X-HubSpot-RateLimit-Max"] == "3"
    assert headers["X-HubSpot-RateLimit-Remaining"] == "1"
    assert headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert headers["X-HubSpot-RateLimit-Daily-Remaining"] == "249998"
    assert headers["X-HubSpot-Correlation-Id"]


def test_the_burst_window_rolls_by_the_sandbox_clock(api: Api, sandbox: Sandbox, world: World) -> None:
    """The fourth call of three is refused until the first one is ten seconds old."""
    sandbox.switch(burst=3)
    statuses = [api("GET", OWNERS).status_code for _ in range(3)]
    refused = api("GET", OWNERS)

    assert statuses == [200, 200, 200]
    assert refused.status_code == 429
    assert (refused.json()["policyName"], refused.json()["errorType"]) == ("TEN_SECONDLY_ROLLING", "RATE_LIMIT")
    assert "errors" not in refused.json()
    world.clock.advance(9.999)
    assert api("GET", OWNERS).status_code == 429
    world.clock.advance(0.001)
    assert api("GET", OWNERS).status_code == 200
    assert api.get("/_sandbox/state")["throttled"] == 2


def test_search_has_five_a_second_of_its_own_and_no_headers(api: Api, world: World) -> None:
    """The sixth is refused as SECONDLY; other calls are not concerned."""
    answers = [api.search() for _ in range(6)]

    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert answers[-1].json()["policyName"] == "SECONDLY"
    assert not [name for name in answers[0].headers if "ratelimit" in name.lower()]
    assert api("GET", OWNERS).headers["X-HubSpot-RateLimit-Remaining"] == "99"
    world.clock.advance(1)
    assert api.search().status_code == 200


def test_the_daily_pool_is_shared_and_refills_at_local_midnight(api: Api, sandbox: Sandbox, world: World) -> None:
    """Another app spends it; DAILY until midnight in Warsaw."""
    sandbox.switch(daily=10)
    api("POST", "/_sandbox/spend", {"calls": 10})

    assert api("GET", OWNERS).json()["policyName"] == "DAILY"
    world.clock.advance(14 * 3600)
    assert api("GET", OWNERS).status_code == 200


def test_limits_can_be_switched_off(api: Api, sandbox: Sandbox) -> None:
    """Then nothing is refused and no header tells."""
    sandbox.switch(rate_limits=False, burst=1)

    answers = [api("GET", OWNERS) for _ in range(3)]

    assert {one.status_code for one in answers} == {200}
    assert "X-HubSpot-RateLimit-Max" not in answers[0].headers


def test_a_scripted_answer_hits_the_nth_call_only(api: Api, sandbox: Sandbox) -> None:
    """By method and path, from the n-th on, as many as said."""
    sandbox.fault("answer", method="GET", path="/owners", nth=2, times=2, status=503)

    assert [api("GET", OWNERS).status_code for _ in range(4)] == [200, 503, 503, 200]
    assert api("GET", CONTACTS).status_code == 200


def test_a_scripted_429_carries_its_policy_and_headers(api: Api, sandbox: Sandbox) -> None:
    """Any policy can be had without spending anything."""
    sandbox.fault("throttle", policy="DAILY", headers={"Retry-After": "7"})

    answer = api("GET", OWNERS)

    assert (answer.status_code, answer.json()["policyName"]) == (429, "DAILY")
    assert answer.headers["Retry-After"] == "7"


@pytest.mark.parametrize(("action", "applied"), [("drop_before", False), ("drop_after", True)])
def test_a_dropped_connection_may_or_may_not_have_been_applied(
    api: Api, sandbox: Sandbox, ada: str, action: str, applied: bool
) -> None:
    """The client sees the same thing twice; the account knows the difference."""
    sandbox.fault(action, method="PATCH")

    with pytest.raises(requests.ConnectionError):
        api.patch(ada, jobtitle="CTO")

    assert (sandbox.world.get("contacts", ada).get("jobtitle") == "CTO") is applied
    assert api("GET", OWNERS).status_code == 200


def test_malformed_and_truncated_answers_are_applied(api: Api, sandbox: Sandbox, world: World, ada: str) -> None:
    """The write took; what comes back cannot be read."""
    sandbox.fault("malformed", method="PATCH")
    with pytest.raises(requests.JSONDecodeError):
        api.patch(ada, jobtitle="CTO").json()
    sandbox.faults.clear()
    sandbox.fault("truncated", method="PATCH")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        api.patch(ada, jobtitle="VP")

    assert world.get("contacts", ada)["jobtitle"] == "VP"
