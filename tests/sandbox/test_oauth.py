"""The token endpoint: refresh, rotation, tokens that end by the sandbox's clock, and what tells that they did."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from connector.sandbox import Sandbox, World
from connector.sandbox.tokens import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from tests.sandbox.conftest import Api

OWNERS = "/crm/owners/2026-03"
APP = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


class App:
    """An OAuth app at the door."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._url = sandbox.url

    def form(self, path: str = "/oauth/2026-03/token", **fields: str) -> requests.Response:
        return requests.post(self._url + path, data=APP | fields, timeout=10)

    def refresh(self, token: str = REFRESH_TOKEN, path: str = "/oauth/2026-03/token") -> dict[str, Any]:
        answer = self.form(path, grant_type="refresh_token", refresh_token=token)
        assert answer.status_code == 200, answer.text
        granted: dict[str, Any] = answer.json()
        return granted

    def call(self, access: str) -> requests.Response:
        return requests.get(self._url + OWNERS, headers={"Authorization": f"Bearer {access}"}, timeout=10)


@pytest.fixture
def app(sandbox: Sandbox) -> App:
    return App(sandbox)


@pytest.mark.parametrize("version", ["2026-03", "2026-09", "v3"])
def test_a_refresh_token_becomes_an_access_token_that_opens_the_account(app: App, version: str) -> None:
    """With the fields of the reference; refreshing uses up no limit."""
    granted = app.refresh(path=f"/oauth/{version}/token")

    assert (granted["token_type"], granted["expires_in"], granted["hub_id"]) == ("bearer", 1800, 4242)
    assert granted["refresh_token"] == REFRESH_TOKEN
    answer = app.call(granted["access_token"])
    assert answer.status_code == 200
    assert answer.headers["X-HubSpot-RateLimit-Remaining"] == "99"
    assert "X-HubSpot-RateLimit-Daily" not in answer.headers


def test_an_access_token_ends_by_the_sandboxs_clock_and_says_so(api: Api, app: App, world: World) -> None:
    """Half an hour passes at once; 401 EXPIRED_AUTHENTICATION, and a refresh opens again."""
    access = app.refresh()["access_token"]
    world.clock.advance(1799)
    assert app.call(access).status_code == 200
    world.clock.advance(4)
    refused = app.call(access)

    assert (refused.status_code, refused.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert "expired 3 second(s) ago" in refused.json()["message"]
    assert refused.json()["context"] == {"expire time": ["2026-11-21T09:30:00.000Z"]}
    assert app.call(app.refresh()["access_token"]).status_code == 200
    assert api.get("/_sandbox/state")["refreshes"] == 2


def test_the_life_of_a_token_is_a_switch_and_all_can_be_ended_at_once(api: Api, app: App, sandbox: Sandbox) -> None:
    """Between two calls of a run, which a `do` fault can say, too."""
    sandbox.switch(token_life_s=60)
    granted = app.refresh()
    sandbox.fault("do", path=OWNERS, nth=2, control="access", body={"expire": True})

    statuses = [app.call(granted["access_token"]).status_code for _ in range(3)]

    assert granted["expires_in"] == 60
    assert statuses == [200, 401, 401]
    assert app.call(app.refresh()["access_token"]).status_code == 200


def test_a_rotating_refresh_token_holds_once(app: App, sandbox: Sandbox) -> None:
    """Who does not keep the new one is locked out: what two refreshes at a time come to."""
    sandbox.switch(rotate_refresh_token=True)
    second = app.refresh()["refresh_token"]
    refused = app.form(grant_type="refresh_token", refresh_token=REFRESH_TOKEN)

    assert second != REFRESH_TOKEN
    assert (refused.status_code, refused.json()["status"]) == (400, "BAD_REFRESH_TOKEN")
    assert refused.json()["error"] == "invalid_grant"
    assert app.refresh(second)["refresh_token"] not in (second, REFRESH_TOKEN)
    assert sandbox.hubspot.tokens.refreshes == 2


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"client_id": "else"}, "BAD_CLIENT_ID"),
        ({"client_secret": "guess"}, "BAD_CLIENT_SECRET"),
        ({"grant_type": "password"}, "BAD_GRANT_TYPE"),
        ({"refresh_token": "guess"}, "BAD_REFRESH_TOKEN"),
    ],
)
def test_a_wrong_form_is_refused_by_its_name(app: App, form: dict[str, str], status: str) -> None:
    """400, and nothing is handed out."""
    refused = app.form(**{"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN} | form)

    assert (refused.status_code, refused.json()["status"]) == (400, status)
    assert "access_token" not in refused.json()


def test_tokens_can_be_looked_at_and_revoked(api: Api, app: App) -> None:
    """A revoked access token opens nothing, a revoked refresh token refreshes nothing; the static one may go, too."""
    access = app.refresh()["access_token"]
    look, revoke = "/oauth/2026-03/token/introspect", "/oauth/2026-03/token/revoke"
    assert app.form(look, token=access).json()["expires_in"] == 1800
    assert app.form(look, token=REFRESH_TOKEN).json()["active"] is True
    for token in (access, REFRESH_TOKEN):
        assert app.form(revoke, token=token).status_code == 200
        assert app.form(look, token=token).json() == {"active": False}

    assert app.call(access).json()["category"] == "INVALID_AUTHENTICATION"
    assert app.form(grant_type="refresh_token", refresh_token=REFRESH_TOKEN).json()["status"] == "BAD_REFRESH_TOKEN"
    assert api("GET", OWNERS).status_code == 200
    api("POST", "/_sandbox/access", {"token": None})
    assert api("GET", OWNERS).status_code == 401
