"""Scripted trouble over real HTTP: what each fault does to a call, when it strikes, in which words it is written."""

from __future__ import annotations

from http.client import HTTPConnection
from itertools import chain
from typing import Any

import pytest

from connector.sandbox import Sandbox, World
from connector.sandbox.__main__ import build
from connector.sandbox.chaos import Chaos
from connector.sandbox.faults import ACTIONS
from connector.sandbox.switches import Switches
from tests.sandbox.conftest import Api

CONTACTS = "/crm/objects/2026-03/contacts"
OWNERS = "/crm/owners/2026-03"
LISTS = "/crm/lists/2026-03"


@pytest.fixture
def five(world: World) -> list[str]:
    """Five contacts."""
    return [world.add("contacts", {"email": f"p{n}@company.example"}, id=str(n)) for n in range(1, 6)]


def ids(page: dict[str, Any]) -> list[str]:
    return [one["id"] for one in page["results"]]


# -- answers instead of the account's ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [423, 477, 500, 501, 502, 503, 504])
def test_any_status_can_be_had_in_hubspots_shape_and_nothing_is_applied(
    api: Api, sandbox: Sandbox, ada: str, status: int
) -> None:
    """A body with status, message and correlation id."""
    sandbox.fault("answer", status=status)

    answer = api.patch(ada, jobtitle="CTO")

    assert answer.status_code == status
    assert answer.json()["status"] == "error"
    assert {"message", "correlationId"} <= set(answer.json())
    assert ("Retry-After" in answer.headers) is (status == 477)
    assert sandbox.world.writes == 0


@pytest.mark.parametrize("status", [521, 522, 523, 524, 525, 526, 530])
def test_the_network_in_front_answers_with_web_pages(api: Api, sandbox: Sandbox, status: int) -> None:
    """HTML that is not UTF-8, as the pages of a proxy are."""
    sandbox.fault("answer", status=status)

    answer = api("GET", OWNERS)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html")
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode()


def test_an_html_page_may_stand_for_any_status(api: Api, sandbox: Sandbox) -> None:
    """A login page with 200 is the meanest."""
    sandbox.fault("html", status=200)

    assert (api("GET", OWNERS).status_code, sandbox.hubspot.calls["owners"]) == (200, 0)


@pytest.mark.parametrize(
    ("variant", "told"),
    [("policy", {"errorType", "policyName"}), ("category", {"category"}), ("bare", set())],
)
def test_a_429_tells_its_kind_in_three_ways(api: Api, sandbox: Sandbox, variant: str, told: set[str]) -> None:
    """By name, by category, by its message alone; with Retry-After or without."""
    sandbox.fault("throttle", policy="SECONDLY", variant=variant, retry_after=3)
    sandbox.fault("throttle", policy="SECONDLY", variant=variant, nth=2)

    first, second = api("GET", OWNERS), api("GET", OWNERS)

    assert set(first.json()) - {"status", "message", "correlationId", "requestId"} == told
    assert "secondly limit" in first.json()["message"]
    assert first.headers["Retry-After"] == "3"
    assert (second.status_code, "Retry-After" in second.headers) == (429, False)


def test_a_batch_can_be_refused_as_a_whole(api: Api, sandbox: Sandbox, ada: str) -> None:
    """409 for everything, nothing named, nothing written."""
    sandbox.fault("answer", path="batch/update", status=409)

    refused = api.update({"id": ada, "properties": {"jobtitle": "CTO"}})

    assert (refused.status_code, refused.json()["category"]) == (409, "CONFLICT")
    assert sandbox.world.writes == 0


# -- answers that are not whole --------------------------------------------------------------------------------


def test_a_dripping_answer_is_whole_in_the_end(api: Api, sandbox: Sandbox, five: list[str]) -> None:
    """It comes in pieces, a client with patience reads it all."""
    sandbox.fault("drip", pieces=5, latency_ms=5)

    line = HTTPConnection(sandbox.url.removeprefix("http://"), timeout=10)
    line.request("GET", CONTACTS, headers=sandbox.headers)
    answer = line.getresponse()
    pieces = list(iter(answer.read1, b""))
    line.close()

    assert 1 < len(pieces) <= 5
    assert b"".join(pieces) == api("GET", CONTACTS).content


def test_rows_get_lost_from_a_page_or_a_batch_without_a_word(api: Api, sandbox: Sandbox, five: list[str]) -> None:
    """The n-th answer lacks some; total, paging and the account say otherwise."""
    sandbox.fault("lose_rows", path="/search", rows=2)
    sandbox.fault("lose_rows", path="batch/update")

    found = api.search(limit=5).json()
    written = api.update(*({"id": id, "properties": {"jobtitle": "CTO"}} for id in five))

    assert (found["total"], ids(found)) == (5, ["1", "4", "5"])
    assert (written.status_code, ids(written.json())) == (200, ["1", "2", "4", "5"])
    assert sandbox.world.get("contacts", "3")["jobtitle"] == "CTO"
    assert len(api.search(limit=5).json()["results"]) == 5


@pytest.mark.parametrize(("rows", "sizes"), [(0, [[0, 3, 2], [3, 0, 2]]), (1, [[1, 3, 1], [3, 1, 1]])])
def test_a_short_or_empty_page_leads_on_to_all_rows(
    api: Api, sandbox: Sandbox, five: list[str], rows: int, sizes: list[list[int]]
) -> None:
    """Of a list, a search or owners: the cursor shows the way, the number of rows does not."""
    sandbox.fault("short_page", path=f"{CONTACTS}\\?", rows=rows)
    sandbox.fault("short_page", path="/search", nth=2, rows=rows)
    listed = pages(lambda after: api.get(CONTACTS, limit=3, **after))
    found = pages(lambda after: api.search(limit=3, **after).json())

    assert [[len(page) for page in told] for told in (listed, found)] == sizes
    assert [*chain(*listed)] == [*chain(*found)] == five


def test_a_page_with_a_sealed_cursor_keeps_one_row(api: Api, sandbox: Sandbox, five: list[str]) -> None:
    """Members of a list: nobody but HubSpot makes such cursors, so the first page cannot be empty."""
    for id in five:
        sandbox.world.join_list("Trial", id)
    sandbox.fault("short_page", path="memberships")

    told = pages(lambda after: api.get(f"{LISTS}/1/memberships/join-order", **after), key="recordId")

    assert told == [["1"], ["2", "3", "4", "5"]]


def pages(ask: Any, key: str = "id") -> list[list[str]]:
    """Pages until there is no cursor."""
    told, after = [], {}
    while True:
        page = ask(after)
        told.append([one[key] for one in page["results"]])
        if "paging" not in page:
            return told
        after = {"after": page["paging"]["next"]["after"]}


# -- when it strikes ----------------------------------------------------------------------------------------------


def test_trouble_may_last_until_time_has_passed(api: Api, sandbox: Sandbox, world: World) -> None:
    """477 for an hour of the sandbox's clock: every call, and Retry-After says what is left."""
    sandbox.fault("answer", path="/owners", status=477, for_s=3600)
    waits = []
    for _ in range(2):
        waits.append(api("GET", OWNERS).headers["Retry-After"])
        world.clock.advance(1200)

    assert waits == ["3600", "2400"]
    assert api("GET", OWNERS).status_code == 477
    world.clock.advance(1200)
    assert api("GET", OWNERS).status_code == 200


def test_anything_can_happen_between_two_calls_of_a_run(api: Api, sandbox: Sandbox, five: list[str]) -> None:
    """A `do` fault makes a control call first, then the call is answered; other faults strike it all the same."""
    sandbox.fault("do", path="/search", nth=2, control="switches", body={"search_limit": 2})
    sandbox.fault("do", path="/search", nth=3, control="access", body={"scopes": []})
    sandbox.fault(
        "do", path="/owners", control="edit", body={"kind": "contacts", "id": "1", "properties": {"city": "Brno"}}
    )
    sandbox.fault("answer", path="/owners", status=503)

    answers = [api.search(limit=3) for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 400, 403]
    assert "limit must be between 1 and 2" in answers[1].json()["message"]
    assert answers[2].json()["category"] == "MISSING_SCOPES"
    assert api("GET", OWNERS).status_code == 503
    assert sandbox.world.get("contacts", "1")["city"] == "Brno"


def test_a_script_that_cannot_be_done_says_so(api: Api, sandbox: Sandbox) -> None:
    """500 with the reason, rather than a test that proves nothing."""
    sandbox.fault("do", control="archive", body={"kind": "contacts", "id": "9"})

    answer = api("GET", OWNERS)

    assert (answer.status_code, "contacts 9" in answer.json()["message"]) == (500, True)


# -- in which words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ACTIONS)
def test_every_fault_can_be_scripted_in_three_places(api: Api, action: str) -> None:
    """Constructor, control path and command line mean the same."""
    fault = {"action": action, "method": "GET", "path": "/owners", "nth": 2, "times": 0, "control": "reset"}
    words = " ".join([action, *(f"{name}={value}" for name, value in fault.items() if name != "action")])
    told = fault | {"seen": 0, "struck": 0}

    made = Sandbox(faults=[fault])
    api("POST", "/_sandbox/faults", {"faults": [fault]})

    assert [one.as_json() for one in made.faults] == [told]
    assert api.get("/_sandbox/faults")["faults"] == [told]
    for text in (words, str(fault).replace("'", '"')):
        assert [one.as_json() for one in build(["--people", "0", "--fault", text]).faults] == [told]


def test_faults_are_put_beside_others_or_in_their_place(api: Api) -> None:
    """`add` keeps those there are."""
    one, other = {"action": "drop_after"}, {"action": "slow"}

    def script() -> list[str]:
        return [fault["action"] for fault in api.get("/_sandbox/faults")["faults"]]

    api("POST", "/_sandbox/faults", {"faults": [one]})
    api("POST", "/_sandbox/faults", {"faults": [other], "add": True})
    assert script() == ["drop_after", "slow"]
    api("POST", "/_sandbox/faults", {"faults": [other]})
    assert script() == ["slow"]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"action": "explode"}, "drop_after"),
        ({"action": "answer", "statu": 500}, "status"),
        ({"action": "throttle", "policy": "HOURLY"}, "DAILY"),
        ({"action": "throttle", "variant": "long"}, "category"),
        ({"action": "answer", "status": "many"}, "status"),
        ({"action": "slow", "path": "("}, "path"),
        ({"action": "do"}, "control"),
        ({"action": "do", "control": "dance"}, "merge"),
    ],
)
def test_a_wrong_fault_is_told_what_would_be_right(api: Api, fault: dict[str, Any], says: str) -> None:
    """When it is scripted, not when it should have struck."""
    answer = api("POST", "/_sandbox/faults", {"faults": [fault]})

    assert answer.status_code == 400
    assert says in answer.json()["message"]


# -- by chance -----------------------------------------------------------------------------------------------------


def test_chaos_strikes_its_share_of_calls_with_trouble_of_every_kind() -> None:
    """2 % of twenty thousand; which call meets what depends on the seed alone."""
    drawn = _drawn(chaos=0.02)
    struck = [one for one in drawn if one]

    assert 360 <= len(struck) <= 440
    assert {one.action for one in struck} == {
        "throttle", "answer", "drop_before", "drop_after", "malformed", "truncated", "html", "slow", "drip",
    }  # fmt: skip
    statuses = {423, 477, 500, 502, 503, 504, 521, 522, 523, 524}
    assert {one.status for one in struck if one.action == "answer"} == statuses
    assert drawn == _drawn(chaos=0.02)
    assert drawn != _drawn(chaos=0.02, chance_seed=8)
    assert {one.status for one in _drawn(chaos=0.02, chaos_of=("locked",)) if one} == {423}


def _drawn(**switches: Any) -> list[Any]:
    chaos, turned = Chaos(), Switches(**switches)
    return [chaos.striking(turned) for _ in range(20_000)]


def test_chaos_over_http_is_counted_and_passes(api: Api, sandbox: Sandbox) -> None:
    """Half of the calls fail, the state says how, and afterwards all is well."""
    sandbox.switch(chaos=0.5, chaos_of="server_error,throttled,locked", rate_limits=False)
    statuses = [api("GET", OWNERS).status_code for _ in range(60)]
    sandbox.switch(chaos=0)

    assert {200, 423, 429} < set(statuses)
    trouble = api.get("/_sandbox/state")["traffic"]["trouble"]
    assert sum(trouble.values()) == sum(status != 200 for status in statuses)
    assert api("GET", OWNERS).status_code == 200
