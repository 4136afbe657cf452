"""Dataverse over a real socket: who gets in and who is told why not, and how hard the environment is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connector.crm.dynamics.api import Api, Call
from connector.crm.dynamics.auth import App
from connector.crm.dynamics.batch import Missing
from connector.crm.dynamics.opening import Reading, api_of, app_token
from connector.crm.dynamics.refusals import Refused, error_of
from connector.crm.wire import Answer
from connector.errors import Denied, NotFound, OutcomeUnknown
from connector.sandbox.dataverse import DataverseSandbox, Environment
from connector.sandbox.dataverse.known import APP_USER, CLIENT_ID, TENANT
from connector.sandbox.dataverse.login import CLIENT_SECRET
from tests.sandbox.dataverse.conftest import _running, guid, sandbox, world  # noqa: F401 - fixtures

WHO = Call("WhoAmI", "account")
CONTACTS = Call("contacts", "list", query=(("$select", "jobtitle"), ("$orderby", "contactid")))

Open = Callable[..., Api]


@pytest.fixture
def opened(sandbox: DataverseSandbox, world: Environment) -> Iterator[Open]:  # noqa: F811 - the fixtures above
    """Opens the environment; waiting there is time passing here."""
    apis: list[Api] = []
    timing: dict[str, Any] = {"clock": lambda: world.clock.now() / 1000, "sleep": world.clock.advance}

    def open_(tenant: str = TENANT, client: str = CLIENT_ID, secret: str = CLIENT_SECRET, **settings: Any) -> Api:
        app = App(tenant, client, sandbox.url, "connections.nordic", secret=lambda: secret)
        token = settings.pop("token", None) or app_token(app, sandbox.url, **timing, wall=timing["clock"])
        apis.append(api_of(token, sandbox.url, **{**timing, "timeout": 9_999.0, **settings}))
        return apis[-1]

    yield open_
    for api in apis:
        api.close()


def people(world: Environment, many: int) -> list[str]:  # noqa: F811 - the fixture above
    return [world.add("contact", {"lastname": f"P{n}", "jobtitle": "x"}, id=guid(n)).id for n in range(1, many + 1)]


def patch(id: str, version: str, **values: str) -> Call:
    return Call(f"contacts({id})", "write", "PATCH", headers={"If-Match": version}, body=values)


# -- who gets in -----------------------------------------------------------------------------------------


def test_an_app_gets_in_by_its_secret_and_is_the_application_user(opened: Open) -> None:
    """By msal's own flow, against a login of plain http on this machine."""
    assert opened().ask(WHO)["UserId"] == APP_USER


@pytest.mark.parametrize(
    ("wrong", "setting", "code"),
    [
        ({"tenant": guid(9)}, "tenant_id", "tenant"),
        ({"client": guid(9)}, "client_id", "app"),
        ({"secret": "old"}, "client_secret", "app"),
    ],
)
def test_a_wrong_setting_is_named_before_any_call(
    opened: Open, sandbox: DataverseSandbox, wrong: dict[str, str], setting: str, code: str  # noqa: F811 - a fixture, imported
) -> None:  # fmt: skip
    """And nothing is asked of the environment."""
    with pytest.raises(Denied, match=rf"connections\.nordic\.{setting}: ") as caught:
        opened(**wrong).ask(WHO)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("trouble", "code", "words"),
    [
        ({"disabled": True}, "user_disabled", "0x8004A112"),
        ({"roles": False}, "user_without_roles", "0x80042F09"),
        ({"member": False}, "user_missing", "0x80072560"),
    ],
)
def test_an_application_user_that_cannot_work_is_told_apart(
    opened: Open, sandbox: DataverseSandbox, trouble: dict[str, bool], code: str, words: str  # noqa: F811 - a fixture, imported
) -> None:  # fmt: skip
    """Disabled, without a role, not there: three things an administrator mends in three places."""
    sandbox.do("app_user", trouble)
    with pytest.raises(Denied, match="Power Platform admin center") as caught:
        opened().ask(WHO)

    assert caught.value.code == code
    assert words in str(caught.value)


def test_a_missing_privilege_names_itself(opened: Open, sandbox: DataverseSandbox) -> None:  # noqa: F811 - a fixture, imported
    """And not the application user as a whole."""
    sandbox.do("privilege", {"table": "contacts", "deny": ["Read"]})
    with pytest.raises(Denied) as caught:
        opened().ask(CONTACTS)

    assert caught.value.code == "scope"  # as the core knows it of every CRM


def test_a_token_that_is_ended_early_is_fetched_once_more(opened: Open, sandbox: DataverseSandbox) -> None:  # noqa: F811 - a fixture, imported
    """Nobody notices; a token that somebody wrote down is not replaced, and the run ends."""
    api = opened()
    api.ask(WHO)
    sandbox.do("access", {"expire": True})
    api.ask(WHO)
    api.ask(WHO)

    assert sandbox.service.login.handed_out == 2
    with pytest.raises(Denied) as caught:
        opened(token="long-gone").ask(WHO)
    assert caught.value.code == "token"


def test_nothing_goes_out_unasked_however_long_a_token_takes(
    opened: Open, sandbox: DataverseSandbox  # noqa: F811 - a fixture, imported
) -> None:  # fmt: skip
    """Whoever may stop calls is asked after the token is there, and once more before what a 401 makes us repeat."""
    api, tokens = opened(), list[int]()
    api.before_call = lambda: tokens.append(sandbox.service.login.handed_out)
    api.ask(WHO)
    sandbox.do("access", {"expire": True})
    api.ask(WHO)

    assert tokens == [1, 1, 2]


def test_a_token_is_renewed_before_it_ends(
    opened: Open, sandbox: DataverseSandbox, world: Environment  # noqa: F811 - a fixture, imported
) -> None:  # fmt: skip
    """No call ever meets the end of its life."""
    api = opened()
    for _ in range(40):
        api.ask(WHO)
        world.clock.advance(600)

    assert sandbox.service.limits.by_server.total() == 40
    assert 8 <= sandbox.service.login.handed_out <= 9


# -- links -----------------------------------------------------------------------------------------------


def test_pages_are_followed_to_the_end_and_never_to_another_host(
    opened: Open, sandbox: DataverseSandbox, world: Environment  # noqa: F811 - a fixture, imported
) -> None:  # fmt: skip
    """Several pages, the last one empty; then the same with links that lead elsewhere."""
    ids, api = people(world, 6), opened()
    sandbox.switch(empty_last_page=True)
    small = {"Prefer": "odata.maxpagesize=2"}

    def read() -> list[str]:
        found, link = list[str](), CONTACTS.path
        while link:
            call = Call(link, "list", query=CONTACTS.query if link == CONTACTS.path else (), headers=small)
            rows, page = api.page(call)
            found += [row["contactid"] for row in rows]
            link = page.get("@odata.nextLink", "")
        return found

    assert read() == ids
    sandbox.switch(foreign_links=True)
    with pytest.raises(Denied) as caught:
        read()
    assert caught.value.code == "foreign_link"


# -- batches ---------------------------------------------------------------------------------------------


def versions(api: Api) -> dict[str, str]:
    return {row["contactid"]: row["@odata.etag"] for row in api.ask(CONTACTS)["value"]}


def test_each_part_of_a_batch_has_its_own_outcome(
    opened: Open, sandbox: DataverseSandbox, world: Environment  # noqa: F811 - a fixture, imported
) -> None:  # fmt: skip
    """Done, changed meanwhile, refused by a plug-in, deleted, bad value: by their places, and the others are done."""
    ids, api = people(world, 5), opened()
    known = versions(api)
    sandbox.do("edit", {"table": "contacts", "id": ids[1], "values": {"jobtitle": "by hand"}})
    sandbox.do("plugin", {"table": "contacts", "ids": [ids[2]]})
    sandbox.do("delete", {"table": "contacts", "id": ids[3]})
    calls = [patch(id, known[id], jobtitle="y" if id != ids[4] else "y" * 101) for id in ids]
    answers = api.batch(calls)
    errors = [
        error_of(str(call.request), answer, call.headers)
        for call, answer in zip(calls[1:], answers[1:], strict=True)
        if isinstance(answer, Answer)
    ]

    assert isinstance(answers[0], Answer)
    assert answers[0].status == 204
    assert [one.code for one in errors] == ["moved_meanwhile", "plugin", "gone", "value_invalid"]
    assert [type(one) for one in errors] == [Refused, Refused, NotFound, Refused]
    assert [row["jobtitle"] for row in api.ask(CONTACTS)["value"]] == ["y", "by hand", "x", "x"]


def test_a_batch_whose_answer_is_lost_or_torn_is_never_taken_for_done(
    opened: Open, sandbox: DataverseSandbox, world: Environment  # noqa: F811 - a fixture, imported
) -> None:  # fmt: skip
    """Cut off after it was applied, broken off in the middle, its last parts left out."""
    ids, api = people(world, 3), opened()

    def write() -> list[Answer | Missing]:
        return api.batch([patch(id, version, jobtitle="z") for id, version in versions(api).items()])

    sandbox.fault("drop_after", path=r"\$batch")
    with pytest.raises(OutcomeUnknown):
        write()
    sandbox.fault("truncated", path=r"\$batch")
    with pytest.raises(OutcomeUnknown):
        write()
    sandbox.fault("lose_rows", path=r"\$batch", rows=2)
    told = write()

    assert [isinstance(one, Answer) for one in told] == [True, False, False]
    assert len(told) == len(ids)


def test_a_part_refused_for_the_pace_is_sent_again(
    opened: Open, sandbox: DataverseSandbox, world: Environment  # noqa: F811 - a fixture, imported
) -> None:  # fmt: skip
    """Although the batch around it was taken."""
    ids, api = people(world, 3), opened()
    sandbox.do("plugin", {"table": "contacts", "ids": [ids[1]], "reason": "TooConcurrent", "times": 1})
    answers = api.batch([patch(id, version, jobtitle="z") for id, version in versions(api).items()])

    assert [one.status for one in answers if isinstance(one, Answer)] == [204, 204, 204]
    assert api.calls.throttled == 1


# -- how hard it is asked --------------------------------------------------------------------------------


def test_lesson_41_requests_spread_over_the_servers_of_an_environment(
    opened: Open, sandbox: DataverseSandbox  # noqa: F811 - a fixture, imported
) -> None:  # fmt: skip
    """Because the affinity cookie is dropped."""
    sandbox.switch(servers=4)
    api = opened(token=sandbox.service.token)
    for _ in range(20):
        api.ask(WHO)

    assert set(sandbox.service.limits.by_server.values()) == {5}


@pytest.mark.parametrize(
    "limits",
    [
        {"requests": 120},
        {"execution_s": 30.0, "execution_ms": 400.0},
        {"concurrency": 3, "dop_hint": 0},
        {"retry_after": "none", "concurrency": 3, "dop_hint": 0},
    ],
)
def test_lesson_41_every_call_gets_through_an_environment_that_bears_less_than_documented(
    opened: Open, sandbox: DataverseSandbox, limits: dict[str, Any]  # noqa: F811 - a fixture, imported
) -> None:  # fmt: skip
    """Each of the three facets, told in each form: what was refused is sent again, and nothing is lost."""
    sandbox.switch(**limits)
    api = opened(token=sandbox.service.token, read=Reading(threads=6))
    done = list(api.each(lambda _: api.ask(WHO)["UserId"], range(250)))

    assert done == [APP_USER] * 250


def test_lesson_41_within_the_documented_limits_nothing_is_ever_refused(
    opened: Open, sandbox: DataverseSandbox  # noqa: F811 - a fixture, imported
) -> None:  # fmt: skip
    """Eight threads against limits of the documented kind, in small: what we count is what the server counts."""
    sandbox.switch(requests=6000, dop_hint=4)
    api = opened(token=sandbox.service.token, read=Reading(threads=8))
    list(api.each(lambda _: api.ask(WHO), range(400)))

    assert sandbox.service.limits.refused.total() == 0
    assert sandbox.service.traffic.most_under_way <= 4  # as the environment recommends
    assert api.allowance._opened().lanes.ceiling == 4
    assert (api.calls.throttled, api.calls.by_class["account"]) == (0, 400)


def test_lesson_41_chance_trouble_costs_no_answer(opened: Open, sandbox: DataverseSandbox) -> None:  # noqa: F811 - a fixture, imported
    """One call in ten is throttled, broken off, garbled or answered by a proxy: reads come through all the same."""
    sandbox.switch(chaos=0.1)
    api = opened(token=sandbox.service.token, read=Reading(threads=4), attempts=8)

    assert [api.ask(WHO)["UserId"] for _ in range(60)] == [APP_USER] * 60
    assert api.calls.retries > 0
