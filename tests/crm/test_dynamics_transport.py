"""One request to Dataverse: what it looks like, where it goes, and what becomes of an answer that does not come."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
import requests
import responses

from connector.crm.dynamics.api import parsed
from connector.crm.dynamics.courier import Courier
from connector.crm.dynamics.transport import Request, Wire, followed
from connector.crm.wire import AskedToken, FixedToken, Token
from connector.errors import Denied, OutcomeUnknown, Transient
from tests.crm.scripted import Heard, Reply, Script

ROOT = "https://contoso.crm4.dynamics.com"
BASE = f"{ROOT}/api/data/v9.2"


def wire_to(url: str = ROOT, *, token: Token | None = None, clock: Callable[[], float] = lambda: 0.0) -> Wire:
    return Wire(token or FixedToken("tok"), url, connections=2, timeout=5.0, clock=clock, proxy=None)


@pytest.fixture
def server() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


# -- what it looks like ----------------------------------------------------------------------------------


def test_every_request_carries_what_dataverse_wants(server: responses.RequestsMock) -> None:
    """Version headers and token always, a content type with a body, no caching of expanded collections."""
    server.get(f"{BASE}/contacts", json={})
    server.patch(f"{BASE}/contacts(1)", status=204)
    wire = wire_to()
    wire.send(Request("GET", "contacts", (("$select", "fullname"), ("$expand", "Contact_Tasks($select=subject)"))))
    wire.send(Request("PATCH", "contacts(1)", headers={"If-Match": 'W/"7"'}, body=b"{}"))
    read, written = (call.request.headers for call in server.calls)

    for headers in (read, written):
        assert headers["Accept"] == "application/json"
        assert headers["OData-Version"] == headers["OData-MaxVersion"] == "4.0"
        assert headers["Authorization"] == "Bearer tok"
        assert "gzip" in headers["Accept-Encoding"]
    assert read["If-None-Match"] == "null"
    assert "Content-Type" not in read
    assert "If-None-Match" not in written
    assert (written["If-Match"], written["Content-Type"]) == ('W/"7"', "application/json")


@pytest.mark.parametrize(
    ("request_", "target"),
    [
        (Request("GET", "WhoAmI"), "/api/data/v9.2/WhoAmI"),
        (
            Request("GET", "contacts", (("$filter", "emailaddress1 eq 'a+b&c@example.com'"),)),
            "/api/data/v9.2/contacts?$filter=emailaddress1%20eq%20'a%2Bb%26c@example.com'",
        ),
        (
            Request("GET", "EntityDefinitions(LogicalName='lead')/Microsoft.Dynamics.CRM.X"),
            "/api/data/v9.2/EntityDefinitions(LogicalName='lead')/Microsoft.Dynamics.CRM.X",
        ),
        (Request("PATCH", "contacts(1)", body=b"{}"), "/api/data/v9.2/contacts(1)?tag=agreement-connector"),
        (Request("POST", "$batch", body=b""), "/api/data/v9.2/$batch"),
    ],
)  # fmt: skip
def test_addresses_are_quoted_and_what_plug_ins_see_is_tagged(request_: Request, target: str) -> None:
    """A plus, an ampersand and a blank arrive as they were; a batch leaves the tag to its parts."""
    assert request_.target() == target


def test_g14_what_errors_call_a_request_holds_no_value() -> None:
    """Neither a filter nor the paging cookie of a link."""
    filtered = Request("GET", "contacts", (("$filter", "emailaddress1 eq 'jane@example.com'"),))
    link = Request("GET", f"{BASE}/contacts?$skiptoken=jane")

    assert str(filtered) == "GET contacts"
    assert str(link) == "GET /api/data/v9.2/contacts"
    assert "tok" not in repr(FixedToken("tok"))


# -- links -----------------------------------------------------------------------------------------------


def test_dataverse_trap_03_a_link_goes_back_as_it_came() -> None:
    """Not quoted anew, not tagged, nothing appended: it holds a cookie that only the server understands."""
    link = "/api/data/v9.2/contacts?$select=a&$skiptoken=%3Ccookie%20pagenumber=%222%22%20x='%257b'%20/%3E%2B+~"
    heard: list[str] = []

    def answer(request: Heard) -> Reply:
        heard.append(request.target)
        return Reply(json={"value": []})

    with Script(answer) as script:
        wire_to(script.url).send(Request("GET", script.url + link))
        wire_to(script.url).send(Request("GET", link))

    assert heard == [link, link]


def test_a_link_may_stand_for_itself_below_the_api() -> None:
    """As OData allows it: relative to the service, and sent back as it came."""
    heard: list[str] = []

    def answer(request: Heard) -> Reply:
        heard.append(request.target)
        return Reply(json={"value": []})

    with Script(answer) as script:
        wire_to(script.url).send(Request("GET", "contacts?$select=a&$skiptoken=%3Ccookie%20x='%257b'/%3E"))

    assert heard == ["/api/data/v9.2/contacts?$select=a&$skiptoken=%3Ccookie%20x='%257b'/%3E"]


@pytest.mark.parametrize(
    "link",
    [
        "https://contoso.crm4.dynamics.com.evil.example/api/data/v9.2/contacts",
        "https://evil.example/api/data/v9.2/contacts",
        "http://contoso.crm4.dynamics.com/api/data/v9.2/contacts",
        "https://contoso.crm4.dynamics.com:444/api/data/v9.2/contacts",
        "https://contoso.crm4.dynamics.com@evil.example/",
        "https://user:pw@contoso.crm4.dynamics.com/",
        "https://evil.example\\@contoso.crm4.dynamics.com/",
        "https://contoso.crm4.dynamics.com\\@evil.example/",
        "//evil.example/api",
        "//evil.example/api?$skiptoken=1",
        "https:/evil.example",
        "ftp://contoso.crm4.dynamics.com/",
        "https://contoso.crm4.dynamics.com:port/",
        "https://contoso.crm4.dynamics.com/a b",
        "https://[::1/",
    ],
)
def test_a_link_to_anywhere_else_is_not_followed(server: responses.RequestsMock, link: str) -> None:
    """The token goes with it: nothing is sent, and the message says which setting to look at."""
    with pytest.raises(Denied, match="environment_url") as caught:
        wire_to().send(Request("GET", link))

    assert caught.value.code == "foreign_link"
    assert "evil" not in str(caught.value)
    assert len(server.calls) == 0


@pytest.mark.parametrize("link", [f"{BASE}/x?$deltatoken=1", "https://CONTOSO.crm4.dynamics.com:443/api/data/v9.2/x"])
def test_a_link_to_the_environment_is_followed_however_it_is_written(link: str) -> None:
    """Capitals in the host and the usual port make no other host of it."""
    assert followed(link, ROOT) == link


# -- tokens ----------------------------------------------------------------------------------------------


def test_after_a_401_another_token_is_tried_once(server: responses.RequestsMock) -> None:
    """Where there is another; the second 401 is the answer."""
    server.get(f"{BASE}/WhoAmI", status=401)
    tokens = iter(["first", "second", "third"])
    answer = wire_to(token=AskedToken(lambda: next(tokens), whose="us")).send(Request("GET", "WhoAmI"))

    assert answer.status == 401
    assert [call.request.headers["Authorization"] for call in server.calls] == ["Bearer first", "Bearer second"]

    wire_to(token=FixedToken("only")).send(Request("GET", "WhoAmI"))
    assert len(server.calls) == 3


# -- cookies, redirects, machines in between -------------------------------------------------------------


def test_no_cookie_is_kept_so_that_requests_spread_over_the_servers() -> None:
    """The affinity cookie would bind us to one server and its limits."""
    with Script(lambda _: Reply(json={}, headers={"Set-Cookie": "ARRAffinity=abc; Path=/"})) as script:
        wire = wire_to(script.url)
        for _ in range(2):
            wire.send(Request("GET", "WhoAmI"))

    assert all("Cookie" not in heard.headers for heard in script.heard)


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    """Wherever it points, the token does not go there."""
    with Script(lambda _: Reply(302, headers={"Location": "https://evil.example/"})) as script:
        answer = wire_to(script.url).send(Request("GET", "WhoAmI"))

    assert (answer.status, len(script.heard)) == (302, 1)


def test_a_netrc_file_does_not_replace_the_token(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """`requests` would take its word for any host."""
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w", encoding="utf-8") as file:
        file.write("default login somebody password else\n")
    monkeypatch.setenv("NETRC", netrc)
    with Script(lambda _: Reply(json={})) as script:
        wire_to(script.url).send(Request("GET", "WhoAmI"))

    assert script.heard[0].headers["Authorization"] == "Bearer tok"


# -- answers that do not come ----------------------------------------------------------------------------


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_nobody_there_is_transient_and_names_the_setting() -> None:
    """Nothing was sent, so that even a creation may be tried again."""
    with pytest.raises(Transient, match="Check environment_url") as caught:
        wire_to(f"http://127.0.0.1:{closed_port()}").send(Request("POST", "tasks", body=b"{}"))

    assert type(caught.value) is Transient
    assert caught.value.code == "unreachable"


def test_a_proxy_that_is_not_there_is_transient() -> None:
    """Nothing can have reached the environment."""
    courier = Courier(
        "environment_url", connections=1, timeout=5.0, clock=lambda: 0.0, proxy=f"http://127.0.0.1:{closed_port()}"
    )
    with pytest.raises(Transient, match="network and proxy") as caught:
        courier.carry("GET", f"{BASE}/WhoAmI", {}, None, "GET WhoAmI")

    assert type(caught.value) is Transient


def test_a_proxy_is_told_the_password_that_stands_in_its_address() -> None:
    """And the environment is not."""
    with Script(lambda _: Reply(json={})) as proxy:
        address = proxy.url.replace("http://", "http://me:s3cret@")
        courier = Courier("environment_url", connections=1, timeout=5.0, clock=lambda: 0.0, proxy=address)
        courier.carry("GET", "http://nowhere.example/x", {}, None, "GET x")
    (heard,) = proxy.heard

    assert heard.target == "http://nowhere.example/x"
    assert heard.headers["Proxy-Authorization"] == f"Basic {base64.b64encode(b'me:s3cret').decode()}"
    assert "Authorization" not in heard.headers


@pytest.mark.parametrize("reply", [Reply(cut=0), Reply(json={"value": ["x" * 500]}, cut=100)])
def test_an_answer_that_breaks_off_leaves_the_outcome_unknown(reply: Reply) -> None:
    """Before the first byte or in the middle; the connection is not used again."""
    replies = iter([reply, Reply(json={"ok": True})])
    with Script(lambda _: next(replies)) as script:
        wire = wire_to(script.url)
        with pytest.raises(OutcomeUnknown) as caught:
            wire.send(Request("POST", "tasks", body=b"{}"))
        answer = wire.send(Request("GET", "WhoAmI"))

    assert caught.value.code == "no_answer"
    assert parsed(answer.body) == {"ok": True}


def test_an_answer_that_drips_is_given_up_at_the_deadline() -> None:
    """By the wall clock: the socket's own timeout begins anew with every byte."""
    ticks = iter(range(0, 10_000, 4))
    with Script(lambda _: Reply(json={"value": ["x" * 2_000_000]})) as script:
        wire = wire_to(script.url, clock=lambda: float(next(ticks)))
        with pytest.raises(OutcomeUnknown, match="did not end in time"):
            wire.send(Request("GET", "contacts"))


@pytest.mark.parametrize(
    ("raised", "kind", "code"),
    [
        (requests.exceptions.SSLError(ssl.SSLCertVerificationError(1, "certificate of contoso")), Denied, "tls"),
        (requests.exceptions.SSLError(ssl.SSLEOFError(8, "EOF occurred")), OutcomeUnknown, "no_answer"),
        (requests.exceptions.ConnectTimeout("10 s"), Transient, "unreachable"),
        (requests.exceptions.ReadTimeout("30 s"), OutcomeUnknown, "no_answer"),
        (requests.exceptions.ChunkedEncodingError("x"), OutcomeUnknown, "no_answer"),
        (requests.exceptions.ConnectionError("Connection aborted."), OutcomeUnknown, "no_answer"),
        (OSError("x"), OutcomeUnknown, "no_answer"),
    ],
)
def test_trouble_below_http_is_sorted_by_whether_anything_was_sent(
    server: responses.RequestsMock, raised: Exception, kind: type[Exception], code: str
) -> None:
    """And its text, which quotes addresses, is left out."""
    server.get(f"{BASE}/WhoAmI", body=raised)
    with pytest.raises(kind) as caught:
        wire_to().send(Request("GET", "WhoAmI"))

    assert type(caught.value) is kind
    assert getattr(caught.value, "code", "") == code
    assert str(raised) not in str(caught.value)


def test_a_bundle_of_certificates_that_is_not_there_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as a lost answer: nothing would ever be sent."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(Denied, match="SSL_CERT_FILE") as caught:
        wire_to().send(Request("GET", "WhoAmI"))

    assert caught.value.code == "tls"


# -- what is read ----------------------------------------------------------------------------------------


def test_amounts_are_read_digit_by_digit() -> None:
    """Money is no float: fifteen digits and four decimals stay what they are."""
    body = parsed(b'{"estimatedvalue": 922337203685477.5807, "seats": 12}')

    assert body == {"estimatedvalue": Decimal("922337203685477.5807"), "seats": 12}
    assert parsed(b"") == {}
    assert [parsed(odd) for odd in (b"<html>", b"[1]", b"7", b"\xff", b"{" * 100_000)] == [None] * 5
