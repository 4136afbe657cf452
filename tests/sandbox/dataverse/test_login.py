"""The login authority as msal uses it, and what opens the environment."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
import requests

from connector.sandbox.dataverse import DataverseSandbox
from connector.sandbox.dataverse.known import CLIENT_ID, TENANT
from connector.sandbox.dataverse.login import CLIENT_SECRET
from connector.sandbox.shell import Tls
from tests.sandbox.dataverse.conftest import Api


def form(sandbox: DataverseSandbox, **other: str) -> dict[str, str]:
    plain = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return plain | {"scope": f"{sandbox.url}/.default"} | other


def ask(sandbox: DataverseSandbox, tenant: str = TENANT, **other: str) -> requests.Response:
    return requests.post(f"{sandbox.url}/{tenant}/oauth2/v2.0/token", data=form(sandbox, **other), timeout=10)


def test_a_tenant_is_discovered_with_https_addresses(sandbox: DataverseSandbox) -> None:
    """msal takes no others, whatever the sandbox itself speaks."""
    told = requests.get(f"{sandbox.url}/{TENANT}/v2.0/.well-known/openid-configuration", timeout=10).json()

    root = sandbox.url.replace("http://", "https://") + f"/{TENANT}"
    assert told["token_endpoint"] == f"{root}/oauth2/v2.0/token"
    assert told["authorization_endpoint"].startswith(root)


def test_with_a_certificate_it_speaks_https(tls: Tls) -> None:
    with DataverseSandbox(tls=tls) as sandbox:
        path = f"{sandbox.url}/{TENANT}/v2.0/.well-known/openid-configuration"
        told = requests.get(path, verify=str(tls.certificate), timeout=10).json()
        linked = f"{sandbox.url}/api/data/v9.2/contacts?$select=lastname"
        tracked = sandbox.headers | {"Prefer": "odata.track-changes"}
        page = requests.get(linked, headers=tracked, verify=str(tls.certificate), timeout=10).json()

        assert sandbox.url.startswith("https://")
        assert told["token_endpoint"].startswith(sandbox.url)
        assert page["@odata.deltaLink"].startswith(sandbox.url)


def test_a_secret_becomes_a_token_that_opens_until_it_ends(sandbox: DataverseSandbox) -> None:
    granted = ask(sandbox).json()
    headers = {"Authorization": f"Bearer {granted['access_token']}"}
    who = f"{sandbox.url}/api/data/v9.2/WhoAmI"

    assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 3600)
    assert len(granted["access_token"]) > 1000
    assert requests.get(who, headers=headers, timeout=10).status_code == 200
    sandbox.do("clock", {"advance_seconds": 3601})
    ended = requests.get(who, headers=headers, timeout=10)
    assert (ended.status_code, ended.json()["error"]["code"]) == (401, "0x8005f101")
    assert "authorization_uri" in ended.headers["WWW-Authenticate"]


def test_a_certificate_becomes_a_token(sandbox: DataverseSandbox) -> None:
    def assertion(**claims: Any) -> str:
        told = {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": f"https://h/{TENANT}/oauth2/v2.0/token"} | claims
        parts = (orjson.dumps({"alg": "PS256", "x5t#S256": "abc"}), orjson.dumps(told), b"signed")
        return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)

    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    asked = {"client_secret": "", "client_assertion_type": kind}

    assert ask(sandbox, **asked, client_assertion=assertion()).status_code == 200
    assert ask(sandbox, **asked, client_assertion=assertion(iss="other")).status_code == 401
    assert ask(sandbox, **asked, client_assertion="nonsense").status_code == 401


@pytest.mark.parametrize(
    ("tenant", "other", "status", "error"),
    [
        ("00000000-0000-4000-8000-000000000000", {}, 400, "invalid_tenant"),
        (TENANT, {"client_secret": "wrong"}, 401, "invalid_client"),
        (TENANT, {"client_id": "other"}, 400, "unauthorized_client"),
        (TENANT, {"scope": "https://other.crm4.dynamics.com/.default"}, 400, "invalid_resource"),
        (TENANT, {"scope": "http://127.0.0.1//.default"}, 400, "invalid_scope"),
        (TENANT, {"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_the_login_says_what_is_wrong(
    sandbox: DataverseSandbox, tenant: str, other: dict[str, str], status: int, error: str
) -> None:
    answer = ask(sandbox, tenant, **other)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"].startswith("AADSTS")


def test_a_wrong_tenant_is_found_out_at_discovery(sandbox: DataverseSandbox) -> None:
    assert requests.get(f"{sandbox.url}/nowhere/v2.0/.well-known/openid-configuration", timeout=10).status_code == 400


def test_without_a_token_nothing_opens(api: Api) -> None:
    assert api("GET", "WhoAmI", Authorization="Bearer wrong").status_code == 401
    assert api("GET", "contacts", Authorization="").status_code == 401
