"""
The access tokens of an OAuth app: short-lived, refreshed ahead of their end, one refresh at a time.

A token is renewed at 80 % of its life by our clock, so that a long run never meets its end, and once more after a 401;
if that does not help, the run stops. Whoever needs a token while another thread or process renews it waits and takes
the same one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any, Protocol
from urllib.parse import urlencode

from connector.crm.hubspot.names import path_of
from connector.crm.hubspot.transport import Request, Wire
from connector.crm.hubspot.verdict import body_of
from connector.crm.retry import Policy
from connector.crm.wire import Access, Answer, CurrentAccess, FixedToken
from connector.errors import CrmError, Denied, OutcomeUnknown, Throttled, Transient
from connector.log import get_logger

#: How often a renewal is tried when the network fails it.
ATTEMPTS = 4

FORM = "application/x-www-form-urlencoded"

log = get_logger("connector.crm")


class Keeper(Protocol):
    """Keeps what an app holds, where every process that uses it looks."""

    def turn(self) -> AbstractContextManager[None]:
        """For as long as the block lasts nobody else renews."""

    def refresh_token(self) -> str:
        """The refresh token of the moment."""

    def keep_refresh_token(self, token: str) -> bool:
        """HubSpot handed out another one; False where it could not be kept beyond this process."""

    def access(self) -> dict[str, Any]:
        """The access token that was kept last, as plain JSON; empty where there is none."""

    def keep_access(self, access: dict[str, Any]) -> None:
        """Let others find this access token."""


class OAuthToken:
    """The token of an OAuth app and account (transport.Token). Safe to share between threads and adapters.

    `where` names the setting in the configuration, for messages; `secret` gives the client secret.
    """

    def __init__(
        self,
        client_id: str,
        secret: Callable[[], str],
        keeper: Keeper,
        send: Callable[[Request], Answer],
        *,
        version: str,
        where: str,
        wall: Callable[[], float],
        policy: Policy,
    ) -> None:
        self._client_id, self._secret, self._keeper, self._send = client_id, secret, keeper, send
        self._path, self._where, self._wall, self._policy = path_of("oauth", version), where, wall, policy
        self._held = CurrentAccess(self._renewed, wall)
        self._warned = False

    @property
    def whose(self) -> str:
        """See Token: HubSpot counts an app's calls for each account."""
        return f"{self._client_id} {self._held.now().hub}"

    def now(self) -> str:
        """See Token. Raises Denied when the app is refused, Transient when nobody answers and no token holds."""
        return self._held.now().token

    def after(self, refused: str) -> str:
        """See Token."""
        return self._held.after(refused).token

    def _renewed(self, refused: str | None) -> Access:
        """Another token: one that somebody else renewed meanwhile, or one of our own."""
        with self._keeper.turn():
            found = _access_from(self._keeper.access())
            if found is not None and found.token != refused and self._wall() < found.renew_at:
                return found
            used = self._keeper.refresh_token()
            granted = self._policy.run(lambda: self._ask(used), repeatable=True, on_retry=lambda: None)
            self._keep_rotated(used, granted)
            access = self._accepted(granted)
            self._keeper.keep_access(asdict(access))
            return access

    def _ask(self, refresh_token: str) -> dict[str, Any]:
        form = {
            "grant_type": "refresh_token",
            "client_id": self._client_id,
            "client_secret": self._secret(),
            "refresh_token": refresh_token,
        }
        request = Request("POST", self._path, body=urlencode(form).encode(), content_type=FORM)
        answer = self._send(request)
        said = body_of(answer)
        if answer.status < 300 and isinstance(said.get("access_token"), str):
            return said
        raise self._refusal(request, answer, said)

    def _refusal(self, request: Request, answer: Answer, said: dict[str, Any]) -> CrmError:
        """What HubSpot refuses and which setting that is about; its own words are not passed on."""
        if answer.status == 429:
            return Throttled(f"{request} answered 429.")
        if answer.status >= 500 or answer.status == 408:
            return Transient(f"{request} answered {answer.status}.", code=f"http_{answer.status}")
        if answer.status < 300:
            return OutcomeUnknown(f"{request} answered without a token. Is a proxy in between?", code="not_json")
        if answer.status not in (400, 401):
            what = f"{request} answered {answer.status}, which says nothing of the token."
            return Denied(f"{self._where}: {what} Check base_url and proxy.", code="denied")
        words = " ".join(str(said.get(key, "")) for key in ("status", "error", "message")).lower()
        if "client" in words or "secret" in words:
            what = "client_id or client_secret is not the app's: HubSpot refuses them. Copy both from the app's page."
            return Denied(f"{self._where}: {what}", code="oauth_client")
        what = (
            "HubSpot refuses the refresh token: it was revoked, the app was uninstalled, or it belongs to another app."
            " Install the app in the account again and store the new refresh token."
        )
        return Denied(f"{self._where}.refresh_token: {what}", code="oauth_refresh")

    def _keep_rotated(self, used: str, granted: dict[str, Any]) -> None:
        fresh = granted.get("refresh_token")
        if not isinstance(fresh, str) or not fresh or fresh == used:
            return
        if not self._keeper.keep_refresh_token(fresh) and not self._warned:
            self._warned = True
            log.warning(
                "HubSpot handed out another refresh token that cannot be stored: it is lost when this process ends."
                " Keep the refresh token in a file that the connector may write",
                setting=f"{self._where}.refresh_token",
            )

    def _accepted(self, granted: dict[str, Any]) -> Access:
        life = granted.get("expires_in")
        seconds = float(life) if isinstance(life, int | float) and life > 0 else 1800.0
        return Access.granted(granted["access_token"], self._wall(), seconds, str(granted.get("hub_id") or "unknown"))


def oauth_token(
    client_id: str,
    secret: Callable[[], str],
    keeper: Keeper,
    *,
    where: str,
    base_url: str,
    api_version: str,
    timeout: float = 60.0,
    proxy: str | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    wall: Callable[[], float] = time.time,
) -> OAuthToken:
    """The token of an app, renewed at the host of the API. Keep it: whoever shares an app and account shares it."""
    wire = Wire(FixedToken(""), base_url, connections=1, timeout=timeout, clock=clock, proxy=proxy)
    policy = Policy(sleep, attempts=ATTEMPTS)
    return OAuthToken(client_id, secret, keeper, wire.send, version=api_version, where=where, wall=wall, policy=policy)


def _access_from(kept: dict[str, Any]) -> Access | None:
    try:
        return Access(str(kept["token"]), float(kept["renew_at"]), float(kept["ends_at"]), str(kept["hub"]))
    except (KeyError, TypeError, ValueError):
        return None  # nothing kept, or by hand
