"""The token of an app registration: fetched once, renewed in time, and a refusal names the setting it is about."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import responses
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from connector.crm.dynamics.auth import App, AppToken
from connector.crm.dynamics.courier import Courier
from connector.crm.dynamics.pem import Certificate, pem_of
from connector.crm.dynamics.transport import Request, Wire
from connector.crm.retry import Policy
from connector.errors import Denied, OutcomeUnknown, Transient
from tests.crm.scripted import Heard, Reply, Script

LOGIN = "https://login.microsoftonline.com"
DISCOVERY = f"{LOGIN}/t-1/v2.0/.well-known/openid-configuration"
TOKENS = f"{LOGIN}/t-1/oauth2/v2.0/token"
ROOT = "https://contoso.crm4.dynamics.com"
APP = App("t-1", "c-1", LOGIN, "connections.nordic", secret=lambda: "s3cret")


class Wall:
    """A time of day that tests set."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def description(login: str = LOGIN) -> dict[str, str]:
    """What an authority says of a tenant."""
    return {
        "issuer": f"{login}/t-1/v2.0",
        "authorization_endpoint": f"{login}/t-1/oauth2/v2.0/authorize",
        "token_endpoint": f"{login}/t-1/oauth2/v2.0/token",
    }


def granted(token: str, seconds: int = 3600) -> dict[str, Any]:
    return {"token_type": "Bearer", "expires_in": seconds, "access_token": token}


def token_of(
    app: App = APP,
    *,
    wall: Callable[[], float] | None = None,
    attempts: int = 2,
    sleep: Callable[[float], None] = lambda _: None,
) -> AppToken:
    courier = Courier("authority", connections=1, timeout=5.0, clock=lambda: 0.0, proxy=None)
    policy = Policy(sleep, attempts=attempts)
    return AppToken(app, f"{ROOT}/", courier=courier, policy=policy, wall=wall or Wall())


@pytest.fixture
def entra() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(DISCOVERY, json=description())
        yield mock


def asked(entra: responses.RequestsMock) -> list[dict[str, str]]:
    """The forms that were sent to the token endpoint."""
    bodies = [call.request.body for call in entra.calls if call.request.url == TOKENS]
    return [{k: v[0] for k, v in parse_qs((body or b"").decode()).items()} for body in bodies]  # type: ignore[union-attr]  # every request here has a body of bytes


# -- a token ---------------------------------------------------------------------------------------------


def test_a_secret_becomes_a_token_for_the_environment(entra: responses.RequestsMock) -> None:
    """By client credentials, and the scope has one slash where the address ended with one."""
    entra.post(TOKENS, json=granted("tok-1"))
    token = token_of()

    assert token.now() == token.now() == "tok-1"
    (form,) = asked(entra)
    assert form["grant_type"] == "client_credentials"
    assert (form["client_id"], form["client_secret"]) == ("c-1", "s3cret")
    assert form["scope"] == f"{ROOT}/.default"
    assert token.whose == "t-1 c-1"


def test_a_token_is_renewed_before_it_ends_and_kept_while_entra_is_down(entra: responses.RequestsMock) -> None:
    """At four fifths of its life; an outage then costs nothing until it really ends."""
    wall = Wall()
    entra.post(TOKENS, json=granted("tok-1"))
    token = token_of(wall=wall)
    token.now()
    entra.replace(responses.POST, TOKENS, status=503)

    wall.now += 2870
    assert token.now() == "tok-1"
    assert len(asked(entra)) == 1
    wall.now += 20
    assert token.now() == "tok-1"
    assert len(asked(entra)) == 3  # both tries that the policy allows
    wall.now += 720
    with pytest.raises(Transient):
        token.now()
    entra.replace(responses.POST, TOKENS, json=granted("tok-2"))
    assert token.now() == "tok-2"


def test_however_many_threads_are_refused_one_token_is_fetched(entra: responses.RequestsMock) -> None:
    """The others wait for it and take the same."""
    tokens = iter(f"tok-{number}" for number in range(1, 100))
    entra.add_callback(responses.POST, TOKENS, lambda _: (200, {}, json.dumps(granted(next(tokens)))))
    token, together = token_of(), threading.Barrier(8)
    refused = token.now()

    def after(_: int) -> str:
        together.wait()
        return token.after(refused)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(after, range(8))) == {"tok-2"}
    assert len(asked(entra)) == 2


def test_a_401_drops_the_token_fetches_once_and_tries_once(entra: responses.RequestsMock) -> None:
    """The second 401 is the answer, and no third token is asked for."""
    tokens = iter(f"tok-{number}" for number in range(1, 100))
    entra.add_callback(responses.POST, TOKENS, lambda _: (200, {}, json.dumps(granted(next(tokens)))))
    entra.get(f"{ROOT}/api/data/v9.2/WhoAmI", status=401)
    wire = Wire(token_of(), ROOT, connections=1, timeout=5.0, clock=lambda: 0.0, proxy=None)

    assert wire.send(Request("GET", "WhoAmI")).status == 401
    sent = [call.request.headers["Authorization"] for call in entra.calls if "WhoAmI" in str(call.request.url)]
    assert sent == ["Bearer tok-1", "Bearer tok-2"]


# -- an authority on this machine ------------------------------------------------------------------------


def test_an_authority_on_this_machine_may_be_plain_http() -> None:
    """Although msal speaks of https only; what it calls itself does not matter."""

    def answer(heard: Heard) -> Reply:
        if heard.path.endswith("/openid-configuration"):
            return Reply(json=description(script.url))
        return Reply(json=granted("tok-here"))

    with Script(answer) as script:
        assert token_of(replace(APP, authority=script.url)).now() == "tok-here"

    assert [heard.path for heard in script.heard] == [
        "/t-1/v2.0/.well-known/openid-configuration",
        "/t-1/oauth2/v2.0/token",
    ]


# -- what is refused -------------------------------------------------------------------------------------


def said(number: int, error: str = "invalid_client") -> dict[str, Any]:
    return {"error": error, "error_description": f"AADSTS{number}: secret s3cret of jane.", "error_codes": [number]}


@pytest.mark.parametrize(
    ("status", "body", "setting", "code"),
    [
        (400, said(90002, "invalid_request"), "tenant_id", "tenant"),
        (400, said(700016, "unauthorized_client"), "client_id", "app"),
        (401, said(7000215), "client_secret", "app"),
        (401, said(7000222), "client_secret", "app"),
        (400, said(500011, "invalid_resource"), "environment_url", "tenant"),
        (401, {"error": "invalid_client", "error_description": "AADSTS7000215: no"}, "client_secret", "app"),
        (401, {"error": "invalid_client"}, "client_secret", "app"),
        (400, {"error": "something_new"}, "client_id", "app"),
    ],
)
def test_a_refusal_names_the_setting_it_is_about(
    entra: responses.RequestsMock, status: int, body: dict[str, Any], setting: str, code: str
) -> None:
    """By the number of Entra's error, else by OAuth's word; neither the secret nor Entra's text is repeated."""
    entra.post(TOKENS, status=status, json=body)
    with pytest.raises(Denied, match=rf"connections\.nordic\.{setting}: ") as caught:
        token_of().now()

    assert caught.value.code == code
    assert "s3cret" not in str(caught.value)
    assert "jane" not in str(caught.value)
    assert len(asked(entra)) == 1


def test_an_unknown_tenant_is_told_by_its_setting(entra: responses.RequestsMock) -> None:
    """Entra says so before anything secret is sent."""
    entra.replace(responses.GET, DISCOVERY, status=400, json={"error": "invalid_tenant"})
    with pytest.raises(Denied, match=r"connections\.nordic\.tenant_id: .*knows no such tenant") as caught:
        token_of().now()

    assert caught.value.code == "tenant"
    assert asked(entra) == []


@pytest.mark.parametrize("status", [403, 404])
def test_an_authority_that_is_none_is_told_by_its_setting(entra: responses.RequestsMock, status: int) -> None:
    """A mistyped host, a firewall: the tenant is not to blame, and nothing secret is sent there."""
    entra.replace(responses.GET, DISCOVERY, status=status, body="<html>")
    with pytest.raises(Denied, match=rf"connections\.nordic\.authority: .*answered {status}") as caught:
        token_of().now()

    assert caught.value.code == "tenant"
    assert asked(entra) == []


@pytest.mark.parametrize(
    ("where", "status", "text", "code"),
    [
        (DISCOVERY, 503, "", "login"),
        (DISCOVERY, 200, "<html>", "login"),
        (DISCOVERY, 200, "{}", "login"),
        (TOKENS, 503, "", "login"),
        (TOKENS, 429, "{}", "throttled"),
        (TOKENS, 200, "<html>", "login"),
        (TOKENS, 407, "<html>", "login"),
        (TOKENS, 200, "{}", "login"),
    ],
)
def test_an_authority_that_is_ill_is_no_refusal(
    entra: responses.RequestsMock, where: str, status: int, text: str, code: str
) -> None:
    """Errors of its own and pages of a proxy pass: the fetch is tried again and then given up. The call that wanted the
    token was not sent, so that its outcome is not unknown."""
    entra.post(TOKENS, json=granted("tok"))
    entra.replace(responses.GET if where == DISCOVERY else responses.POST, where, status=status, body=text)
    with pytest.raises(Transient) as caught:
        token_of().now()

    assert not isinstance(caught.value, OutcomeUnknown)
    assert caught.value.code == code
    assert len([call for call in entra.calls if call.request.url == where]) == 2


def test_an_authority_that_names_a_wait_is_left_alone_for_as_long(entra: responses.RequestsMock) -> None:
    """Whoever asks on is refused for longer."""
    waits: list[float] = []
    entra.post(TOKENS, status=429, body="{}", headers={"Retry-After": "17"})
    entra.post(TOKENS, json=granted("tok"))

    assert token_of(sleep=waits.append).now() == "tok"
    assert len(waits) == 1
    assert waits[0] >= 17.0


# -- certificates ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def key_pem(key: rsa.RSAPrivateKey, passphrase: str | None = None) -> str:
    how = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how).decode()


def certificate_of(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "connector")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )


@pytest.mark.parametrize("passphrase", [None, "open"])
def test_a_certificate_proves_the_app(
    entra: responses.RequestsMock, key: rsa.RSAPrivateKey, tmp_path: Path, passphrase: str | None
) -> None:
    """Key and certificate in one PEM file: Entra gets a statement signed by that key, and no secret."""
    path = tmp_path / "app.pem"
    pem = certificate_of(key).public_bytes(serialization.Encoding.PEM).decode()
    path.write_text(f"Bag Attributes\n{pem}{key_pem(key, passphrase)}", encoding="ascii")
    entra.post(TOKENS, json=granted("tok"))
    proof = Certificate(path, passphrase=(lambda: passphrase) if passphrase else None)

    assert token_of(replace(APP, secret=None, certificate=proof)).now() == "tok"
    (form,) = asked(entra)
    claims = jwt.decode(form["client_assertion"], key.public_key(), algorithms=["PS256", "RS256"], audience=TOKENS)
    assert (claims["iss"], claims["sub"]) == ("c-1", "c-1")
    assert "client_secret" not in form


def test_a_thumbprint_stands_for_a_certificate_that_is_kept_elsewhere(key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    """The file then holds nothing but the key."""
    path = tmp_path / "key.pem"
    path.write_text(key_pem(key), encoding="ascii")
    proof = pem_of(Certificate(path, thumbprint="A1B2C3"), "here")

    assert proof["thumbprint"] == "A1B2C3"
    assert "public_certificate" not in proof


@pytest.mark.parametrize("trouble", ["missing", "no key", "no certificate", "passphrase", "not a file", "binary"])
def test_a_certificate_that_cannot_be_used_is_told_before_anything_is_sent(
    entra: responses.RequestsMock, key: rsa.RSAPrivateKey, tmp_path: Path, trouble: str
) -> None:
    """Each trouble by the setting, and the key is never quoted."""
    path = tmp_path / "app.pem"
    pem = certificate_of(key).public_bytes(serialization.Encoding.PEM).decode()
    contents = {
        "no key": pem,
        "no certificate": key_pem(key),
        "passphrase": pem + key_pem(key, "open"),
        "binary": "\x00",
    }
    if trouble == "not a file":
        path.mkdir()
    elif trouble == "binary":
        path.write_bytes(b"\xff\xfe")
    elif trouble in contents:
        path.write_text(contents[trouble], encoding="ascii")
    with pytest.raises(Denied, match=r"connections\.nordic\.certificate: ") as caught:
        token_of(replace(APP, secret=None, certificate=Certificate(path))).now()

    assert caught.value.code == "app"
    assert "PRIVATE KEY-----" not in str(caught.value)
    assert len(entra.calls) == 0


def test_a_certificate_that_entra_does_not_know_is_the_setting_named(
    entra: responses.RequestsMock, key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    """Not client_secret, which is not there."""
    path = tmp_path / "app.pem"
    pem = certificate_of(key).public_bytes(serialization.Encoding.PEM).decode()
    path.write_text(pem + key_pem(key), encoding="ascii")
    entra.post(TOKENS, status=401, json=said(700027))
    with pytest.raises(Denied, match=r"connections\.nordic\.certificate: .*AADSTS700027"):
        token_of(replace(APP, secret=None, certificate=Certificate(path))).now()
