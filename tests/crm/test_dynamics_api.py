"""Calls to Dataverse: what is tried again and what never, and batches whose parts are told apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses

from connector.crm.dynamics.api import Api, Call
from connector.crm.dynamics.batch import Missing
from connector.crm.dynamics.opening import api_of
from connector.crm.dynamics.refusals import Refused
from connector.crm.wire import Answer
from connector.errors import CrmError, Deferred, Denied, OutcomeUnknown, Transient
from tests.crm.scripted import Time

ROOT = "https://contoso.crm4.dynamics.com"
BASE = f"{ROOT}/api/data/v9.2"
LIST = Call("contacts", "list")
CREATE = Call("tasks", "task", "POST", body={"subject": "x"})


@pytest.fixture
def server() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def api(time: Time) -> Iterator[Api]:
    opened = api_of("tok", ROOT, clock=time.clock, sleep=time.sleep)
    yield opened
    opened.close()


def throttled(seconds: str = "7", code: str = "0x80072322") -> dict[str, Any]:
    return {"status": 429, "json": {"error": {"code": code, "message": "no"}}, "headers": {"Retry-After": seconds}}


def patch(number: int) -> Call:
    """A change of one contact, made only where nobody else has changed it."""
    return Call(f"contacts({number})", "write", "PATCH", headers={"If-Match": f'W/"{number}"'}, body={"jobtitle": "x"})


# -- one call --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["0x80072322", "0x80072321", "0x80072326", ""])
def test_lesson_41_dataverse_trap_05_a_429_is_waited_out_and_tried_again_whatever_it_was(
    server: responses.RequestsMock, api: Api, time: Time, code: str
) -> None:
    """A creation, too: nothing of it was done. The wait is the one that Dataverse asked for."""
    server.post(f"{BASE}/tasks", **throttled("7", code))
    server.post(f"{BASE}/tasks", status=204)

    assert api.ask(CREATE) == {}
    assert 7.0 <= time.now < 9.0
    assert (api.calls.by_class, api.calls.retries, api.calls.throttled) == ({"task": 2}, 1, 1)


def test_dataverse_trap_07_a_lost_answer_is_asked_for_again_only_where_twice_is_as_good_as_once(
    server: responses.RequestsMock, api: Api
) -> None:
    """A read and whoever says so; a POST never by itself."""
    for method, path in (("GET", "contacts"), ("POST", "tasks"), ("PATCH", "contacts(1)")):
        server.add(method, f"{BASE}/{path}", body=requests.exceptions.ReadTimeout())
        server.add(method, f"{BASE}/{path}", json={"ok": True})

    assert api.ask(LIST) == {"ok": True}
    for call in (CREATE, patch(1)):
        with pytest.raises(OutcomeUnknown):
            api.ask(call)
    assert api.ask(Call("tasks", "task", "POST", body={}, repeatable=True)) == {"ok": True}


@pytest.mark.parametrize(
    ("status", "code"), [(500, "0x80044150"), (500, "0x80044151"), (500, "0x80154B53"), (502, ""), (503, ""), (504, "")]
)
def test_dataverse_trap_06_a_database_that_fails_over_is_read_again(
    server: responses.RequestsMock, api: Api, status: int, code: str
) -> None:
    """A few times, and then the run says so; a write is not repeated, because it may have been done."""
    body = {"error": {"code": code, "message": "SQL"}}
    for method, path in (("GET", "contacts"), ("POST", "tasks")):
        server.add(method, f"{BASE}/{path}", status=status, json=body)
        server.add(method, f"{BASE}/{path}", json={"ok": True})

    assert api.ask(LIST) == {"ok": True}
    with pytest.raises(OutcomeUnknown):
        api.ask(CREATE)


def test_a_server_that_never_recovers_is_given_up(server: responses.RequestsMock, api: Api) -> None:
    """After six tries, or three where the environment has never answered at all."""
    server.get(f"{BASE}/contacts", status=503)
    with pytest.raises(OutcomeUnknown):
        api.ask(LIST)
    assert api.calls.by_class == {"list": 3}
    server.get(f"{BASE}/WhoAmI", json={"ok": True})
    api.ask(Call("WhoAmI", "account"))
    with pytest.raises(OutcomeUnknown):
        api.ask(LIST)
    assert api.calls.by_class["list"] == 9


@pytest.mark.parametrize(
    ("status", "code", "kind", "ours"),
    [(400, "0x80044331", Refused, "value_invalid"), (403, "0x8004A112", Denied, "user_disabled")],
)
def test_what_is_refused_for_what_it_says_is_not_tried_again(
    server: responses.RequestsMock, api: Api, status: int, code: str, kind: type[CrmError], ours: str
) -> None:
    """It would be refused again."""
    server.get(f"{BASE}/contacts", status=status, json={"error": {"code": code, "message": ""}})
    with pytest.raises(kind) as caught:
        api.ask(LIST)

    assert (caught.value.code, api.calls.by_class) == (ours, {"list": 1})


@pytest.mark.parametrize("page", ["<html>welcome to the hotel</html>", "", "[]", '"ok"'])
def test_a_page_of_a_proxy_is_no_answer(server: responses.RequestsMock, api: Api, page: str) -> None:
    """It says nothing of what became of the request, and an empty one does not say that there are no rows."""
    server.get(f"{BASE}/contacts", body=page)
    with pytest.raises(OutcomeUnknown) as caught:
        api.ask(LIST)

    assert caught.value.code == "not_json"


@pytest.mark.parametrize("body", [{}, {"status": "ok"}, {"value": None}, {"value": [1]}])
def test_an_answer_without_a_list_is_not_taken_for_no_rows(
    server: responses.RequestsMock, api: Api, body: dict[str, Any]
) -> None:
    """Or everybody who was asked for would be taken for gone. It is asked for again, and then given up."""
    server.get(f"{BASE}/contacts", json=body)
    with pytest.raises(OutcomeUnknown, match="without a list"):
        api.page(LIST)

    assert api.calls.retries > 0


def test_changes_may_be_told_by_a_bare_object(server: responses.RequestsMock, api: Api) -> None:
    """Where nothing changed; nothing at all is no such object."""
    server.get(f"{BASE}/contacts", json={})
    server.get(f"{BASE}/leads", body="")

    assert api.page(LIST, bare=True) == ([], {})
    with pytest.raises(OutcomeUnknown):
        api.page(Call("leads", "list"), bare=True)


def test_whoever_is_asked_before_a_call_can_stop_it(server: responses.RequestsMock, api: Api) -> None:
    """Nothing goes out then, and nothing stays occupied."""

    def stop() -> None:
        raise Deferred("stopped", code="stopped")

    api.before_call = stop
    with pytest.raises(Deferred):
        api.ask(LIST)

    assert len(server.calls) == 0
    assert api.allowance._opened().lanes._used == 0


def test_amounts_are_written_digit_by_digit(server: responses.RequestsMock, api: Api) -> None:
    """What was read as an amount goes back as the same number."""
    server.get(f"{BASE}/opportunities(1)", body='{"estimatedvalue": 922337203685477.5807}')
    server.patch(f"{BASE}/opportunities(1)", status=204)
    read = api.ask(Call("opportunities(1)", "read"))
    api.ask(Call("opportunities(1)", "write", "PATCH", body=read))

    assert server.calls[1].request.body == b'{"estimatedvalue":922337203685477.5807}'


# -- batches ---------------------------------------------------------------------------------------------


def served(
    server: responses.RequestsMock, *batches: Callable[[list[str]], tuple[list[tuple[int, str]], str]] | dict[str, Any]
) -> list[requests.PreparedRequest]:
    """Answers $batch by these, one after the other: of the request lines to statuses with bodies, and what follows the
    last part. Returns the requests that will have been heard."""
    heard, left = list[requests.PreparedRequest](), list(batches)

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        heard.append(request)
        this = left.pop(0)
        if isinstance(this, dict):
            return this["status"], dict(this.get("headers", {})), json.dumps(this.get("json")).encode()
        assert isinstance(request.body, bytes)
        lines = [line for line in request.body.decode().split("\r\n") if line.endswith("HTTP/1.1")]
        parts, end = this(lines)
        head = "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        body = "".join(
            f'{head}HTTP/1.1 {status} X\r\nETag: W/"{n}"\r\n\r\n{text}\r\n' for n, (status, text) in enumerate(parts)
        )
        return 200, {"Content-Type": "multipart/mixed; boundary=b"}, (body + end).encode()

    server.add_callback(responses.POST, f"{BASE}/$batch", answer, content_type=None)
    return heard


def all_done(lines: list[str]) -> tuple[list[tuple[int, str]], str]:
    return [(204, "")] * len(lines), "--b--\r\n"


def told(answers: list[Answer | Missing]) -> list[object]:
    return [one.status if isinstance(one, Answer) else one for one in answers]


def test_a_batch_goes_on_after_a_refusal_and_its_parts_carry_version_and_tag(
    server: responses.RequestsMock, api: Api
) -> None:
    """One request; each part with its own If-Match; statuses by place; every row counts against the day."""
    heard = served(server, lambda lines: ([(204, ""), (412, "{}"), (204, "")], "--b--\r\n"))
    answers = api.batch([patch(number) for number in (1, 2, 3)])

    (request,) = heard
    assert isinstance(request.body, bytes)
    text = request.body.decode()
    assert told(answers) == [204, 412, 204]
    assert request.headers["Prefer"] == "odata.continue-on-error"
    assert request.headers["Content-Type"].startswith('multipart/mixed; boundary="batch_')
    assert "PATCH /api/data/v9.2/contacts(2)?tag=agreement-connector HTTP/1.1\r\n" in text
    assert 'If-Match: W/"2"\r\n' in text
    assert text.count("Content-Type: application/json; type=entry\r\n") == 3
    assert "Bearer" not in text
    api.allowance.day._enter()
    assert api.allowance.day.day.used - api.allowance.day._in_hand == 3


def test_parts_refused_for_the_pace_alone_are_sent_again_and_no_others(
    server: responses.RequestsMock, api: Api, time: Time
) -> None:
    """In their places, after the wait, until they are through."""
    heard = served(server, lambda _: ([(204, ""), (429, "{}"), (412, "{}"), (429, "{}")], "--b--\r\n"), all_done)
    answers = api.batch([patch(number) for number in (1, 2, 3, 4)])

    assert told(answers) == [204, 204, 412, 204]
    assert isinstance(heard[1].body, bytes)
    again = [line for line in heard[1].body.decode().split("\r\n") if line.startswith("PATCH")]
    assert ["contacts(2)" in again[0], "contacts(4)" in again[1], len(again)] == [True, True, 2]
    assert time.now > 0
    assert (api.calls.throttled, api.calls.retries) == (1, 1)


def test_what_was_done_is_told_although_the_rest_came_to_nothing(server: responses.RequestsMock, api: Api) -> None:
    """The second sending is lost, or refused for good: the outcomes of the first stand."""
    first = lambda _: ([(204, ""), (429, "{}")], "--b--\r\n")  # noqa: E731 - said twice
    served(server, first, {"status": 504})
    assert told(api.batch([patch(1), patch(2)])) == [204, Missing.UNKNOWN]

    served(server, first, {"status": 403, "json": {"error": {"code": "0x8004A112"}}})
    assert told(api.batch([patch(1), patch(2)])) == [204, 429]


def test_a_batch_refused_as_a_whole_is_sent_again_and_a_lost_one_is_not(
    server: responses.RequestsMock, api: Api
) -> None:
    """A 429 before anything ran, against an answer that never came."""
    heard = served(server, throttled(), all_done)
    assert told(api.batch([patch(1), patch(2)])) == [204, 204]
    assert len(heard) == 2

    served(server, {"status": 502})
    with pytest.raises(OutcomeUnknown):
        api.batch([patch(1)])


def test_a_batch_that_breaks_off_leaves_the_rest_unknown_and_a_short_one_unattempted(
    server: responses.RequestsMock, api: Api
) -> None:
    """By how it ends."""
    calls = [patch(1), patch(2), patch(3)]
    served(server, lambda _: ([(204, "")], "--b\r\nContent-Type: appl"))
    assert told(api.batch(calls)) == [204, Missing.UNKNOWN, Missing.UNKNOWN]

    served(server, lambda _: ([(204, ""), (400, "{}")], "--b--\r\n"))
    assert told(api.batch(calls)) == [204, 400, Missing.NOT_ATTEMPTED]


def test_a_server_that_stops_at_the_first_refusal_tells_the_same(server: responses.RequestsMock, api: Api) -> None:
    """The outer status is that of the refusal then; the parts are what counts."""
    body = (
        b"--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 X\r\n\r\n\r\n"
        b"--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 400 X\r\n\r\n{}\r\n--b--\r\n"
    )
    server.post(f"{BASE}/$batch", status=400, body=body, content_type="multipart/mixed; boundary=b")

    assert told(api.batch([patch(1), patch(2), patch(3)])) == [204, 400, Missing.NOT_ATTEMPTED]


def test_a_page_instead_of_a_batch_is_no_answer(server: responses.RequestsMock, api: Api) -> None:
    """Reads are asked for again; of writes nobody knows what became."""
    page = {"status": 200, "json": "hello"}
    served(server, page, all_done)
    assert told(api.batch([Call("contacts(1)", "read")])) == [204]

    served(server, page)
    with pytest.raises(OutcomeUnknown, match="not with a batch"):
        api.batch([patch(1)])


def test_reads_in_a_batch_may_be_repeated(server: responses.RequestsMock, api: Api) -> None:
    """All of them are; one write among them makes the batch a write."""
    heard = served(server, {"status": 503}, lambda _: ([(200, '{"a": 1}'), (404, "{}")], "--b--\r\n"))
    answers = api.batch([Call("contacts(1)", "read"), Call("contacts(2)", "read")])

    assert told(answers) == [200, 404]
    assert isinstance(answers[0], Answer)
    assert json.loads(answers[0].body) == {"a": 1}
    assert isinstance(heard[0].body, bytes)
    assert "tag=" not in heard[0].body.decode()


def test_closing_ends_whoever_waits(server: responses.RequestsMock, time: Time) -> None:
    """Nobody is interested in the answer any more."""
    api = api_of("tok", ROOT, clock=time.clock, sleep=time.sleep)
    server.get(f"{BASE}/contacts", **throttled())
    api._rest.end()
    with pytest.raises(Transient) as caught:
        api.ask(LIST)

    assert caught.value.code == "closed"
    api.close()
