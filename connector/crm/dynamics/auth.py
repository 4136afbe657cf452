"""
The token of an app registration, by client credentials: no person signs in, and there is no refresh token.

`msal` knows how a secret or a certificate becomes a token; when to fetch one is ours (see CurrentAccess). Each fetch
begins with an empty cache of msal's, which would otherwise hand out the very token that was refused, and repeat for a
minute what it was told during an outage.
Sources: "Use OAuth authentication with Microsoft Dataverse"; the error numbers (AADSTS...) are Microsoft Entra's.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from connector.crm.dynamics.courier import Courier
from connector.crm.dynamics.pem import Certificate, pem_of
from connector.crm.dynamics.refusals import retry_after
from connector.crm.retry import Policy
from connector.crm.wire import Access, Answer, CurrentAccess
from connector.errors import CrmError, Denied, Throttled, Transient

#: How often a fetch is tried when the network fails it.
ATTEMPTS = 4

#: Seconds a token is taken to live where the answer does not say.
USUAL_LIFE = 3600.0


@dataclass(frozen=True, slots=True)
class App:
    """An app registration: whose it is, and what proves that we are it. `secret` is read anew for each fetch.

    `where` names the connection in the configuration, for messages.
    """

    tenant_id: str
    client_id: str
    authority: str
    where: str
    secret: Callable[[], str] | None = None
    certificate: Certificate | None = None


class AppToken:
    """The token of an app for one environment (wire.Token). Safe to share between threads and adapters."""

    def __init__(
        self,
        app: App,
        environment_url: str,
        *,
        courier: Courier,
        policy: Policy,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._app, self._policy, self._wall = app, policy, wall
        self._scope = f"{environment_url.rstrip('/')}/.default"
        self._door = _Door(courier, app.authority)
        self._held = CurrentAccess(self._fetched, wall)

    @property
    def whose(self) -> str:
        """See Token: Dataverse counts by user, and an app is one user of an environment."""
        return f"{self._app.tenant_id} {self._app.client_id}"

    def now(self) -> str:
        """See Token. Raises Denied when the app is refused, Transient when nobody answers and no token holds: whatever
        became of the fetch, the call that wanted the token was not sent."""
        return self._held.now().token

    def after(self, refused: str) -> str:
        """See Token: the refused one is dropped and another fetched, once, however many threads were refused."""
        return self._held.after(refused).token

    def _fetched(self, _refused: str | None) -> Access:
        try:
            granted = self._policy.run(self._ask, repeatable=True, on_retry=lambda: None)
        except Throttled:
            raise
        except Transient as error:
            raise Transient(str(error), code="login", retry_after=error.retry_after) from error
        life = granted.get("expires_in")
        seconds = float(life) if isinstance(life, int | float) and life > 0 else USUAL_LIFE
        return Access.granted(str(granted["access_token"]), self._wall(), seconds)

    def _ask(self) -> Mapping[str, Any]:
        import msal  # noqa: PLC0415 - half a second that a static token need not pay

        credential, app = self._credential(), self._app
        try:
            client = msal.ConfidentialClientApplication(
                app.client_id,
                client_credential=credential,
                authority=f"{_over_tls(app.authority)}/{app.tenant_id}",
                http_client=self._door,
                instance_discovery=False,  # whom to trust is said in the configuration, not asked of Microsoft
            )
            said = client.acquire_token_for_client(scopes=[self._scope])
        except (ValueError, LookupError, msal.exceptions.MsalError):  # no description of a tenant, no JSON, a 5xx
            raise self._no_answer() from None
        if isinstance(said, dict) and said.get("access_token"):
            return said
        raise self._refusal(said if isinstance(said, dict) else {})

    # -- what proves us ---------------------------------------------------------------------------------

    def _credential(self) -> str | dict[str, str]:
        mine = self._app.certificate
        if mine is None:
            assert self._app.secret is not None  # one of the two is there, or the configuration would be refused
            return self._app.secret()
        return pem_of(mine, f"{self._app.where}.certificate")

    # -- what is refused --------------------------------------------------------------------------------

    def _no_answer(self) -> CrmError:
        """What msal could not read: of a tenant that is not there, or of whoever stands in between."""
        if (busy := self._busy()) is not None:
            return busy
        status = self._door.status
        if self._door.asks_of_the_tenant and status == 400:
            what = f"{self._app.authority} knows no such tenant. Copy the tenant's id from the app registration."
            return Denied(f"{self._app.where}.tenant_id: {what}", code="tenant")
        if self._door.asks_of_the_tenant and status > 400:
            what = (
                f"{self._app.authority} answered {status}: it is no token service, or something in between refuses us."
            )
            return Denied(f"{self._app.where}.authority: {what}", code="tenant")
        what = f"{self._door.host} does not answer like a token service. Is a proxy in between?"
        return Transient(what)

    def _busy(self) -> Transient | None:
        status = self._door.status
        if status < 500 and status not in (408, 429):
            return None
        what = f"{self._door.host} answered {status} instead of a token."
        return _busy(what, status, self._door.wait)

    def _refusal(self, said: Mapping[str, Any]) -> CrmError:
        """What Entra refuses and which setting that is about; its own words are not passed on."""
        if (busy := self._busy()) is not None:
            return busy
        if not said.get("error"):
            what = f"{self._door.host} answered without a token. Is a proxy in between?"
            return Transient(what)
        number = _number(said)
        setting, what, code = _ENTRA.get(number) or _OAUTH.get(str(said["error"]), _OTHERWISE)
        key = "certificate" if setting == _PROOF and self._app.certificate else setting
        told = f" (AADSTS{number})" if number else ""
        return Denied(f"{self._app.where}.{key}: {what}{told}", code=code)


_PROOF = "client_secret"
_SECRET = "Entra does not accept what proves the app: {}. Take a valid one from the app registration."

#: Number of Entra's error -> (the setting it is about, what to tell, our code).
_ENTRA: Mapping[int, tuple[str, str, str]] = {
    90002: ("tenant_id", "Entra knows no such tenant. Copy the tenant's id from the app registration.", "tenant"),
    900023: ("tenant_id", "this is no tenant's id. Copy it from the app registration.", "tenant"),
    900021: ("tenant_id", "this is no tenant's id. Copy it from the app registration.", "tenant"),
    700016: ("client_id", "the tenant has no such app. Copy its id, or correct tenant_id.", "app"),
    7000112: ("client_id", "the app is disabled in the tenant. Enable it in Entra.", "app"),
    7000215: (_PROOF, _SECRET.format("the secret is wrong"), "app"),
    7000222: (_PROOF, _SECRET.format("the secret has expired"), "app"),
    700027: (_PROOF, _SECRET.format("the certificate is not that of the app, or has expired"), "app"),
    700023: (_PROOF, _SECRET.format("the certificate proves another app or tenant"), "app"),
    50027: (_PROOF, _SECRET.format("what the certificate signs cannot be read"), "app"),
    70011: ("environment_url", "the tenant has no environment at this address. Correct it, or tenant_id.", "tenant"),
    7000229: ("client_id", "the app is not consented to in the tenant; an administrator must do that.", "app"),
    500011: ("environment_url", "the tenant has no environment at this address. Correct it, or tenant_id.", "tenant"),
    53003: ("client_id", "a conditional access policy of the tenant blocks the app.", "app"),
}  # fmt: skip

#: OAuth's own word for it -> the same, where Entra gives no number that we know.
_OAUTH: Mapping[str, tuple[str, str, str]] = {
    "invalid_client": (_PROOF, _SECRET.format("it is wrong, or has expired"), "app"),
    "unauthorized_client": ("client_id", "the tenant has no such app, or it may not ask for tokens.", "app"),
    "invalid_tenant": ("tenant_id", "Entra knows no such tenant. Copy its id from the app registration.", "tenant"),
    "invalid_scope": ("environment_url", "the tenant has no environment at this address.", "tenant"),
    "invalid_resource": ("environment_url", "the tenant has no environment at this address.", "tenant"),
}
_OTHERWISE = ("client_id", "Entra refuses the app for a reason that it tells in the sign-in logs of the tenant.", "app")


def _number(said: Mapping[str, Any]) -> int:
    """The number of Entra's error, from its list or from its text; 0 for none."""
    codes = said.get("error_codes")
    if isinstance(codes, list) and codes and isinstance(codes[0], int):
        return codes[0]
    found = re.search(r"AADSTS(\d{3,9})\b", str(said.get("error_description") or ""))
    return int(found[1]) if found else 0


# -- how msal reaches the authority ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Response:
    """An answer as msal wants it."""

    status_code: int
    text: str
    headers: Mapping[str, str]

    def raise_for_status(self) -> None:
        """msal asks so for what is neither a description nor a refusal."""
        if self.status_code >= 400:
            raise _busy(f"the authority answered {self.status_code}.", self.status_code)


class _Door:
    """msal's way to the authority: over our courier, with its deadline and proxy.

    msal speaks of https addresses only. An authority on this machine, for trials, may be plain http: what msal calls
    https of that host is sent as http, and what the host calls itself is told to msal as https.
    """

    def __init__(self, courier: Courier, authority: str) -> None:
        self._courier = courier
        self._plain, self._secure = authority, _over_tls(authority)
        self.host = urlsplit(authority).netloc
        self.status, self.asks_of_the_tenant = 0, True  # of the last answer, and what it was about
        self.wait: float | None = None  # seconds for which it asked us to stay away

    def get(self, url: str, params: Mapping[str, str] | None = None, headers: Any = None, **_: object) -> _Response:
        """See msal's HttpClient."""
        return self._carry("GET", url, params, headers, None)

    def post(
        self, url: str, params: Mapping[str, str] | None = None, data: Any = None, headers: Any = None, **_: object
    ) -> _Response:
        """See msal's HttpClient."""
        form = data if isinstance(data, str) else urlencode(data or {})
        wanted = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self._carry("POST", url, params, wanted, form.encode())

    def close(self) -> None:
        """See msal's HttpClient; the courier is closed by whoever opened it."""

    def _carry(
        self, method: str, url: str, params: Mapping[str, str] | None, headers: Any, body: bytes | None
    ) -> _Response:
        address = url.replace(_root(self._secure), _root(self._plain), 1) + (f"?{urlencode(params)}" if params else "")
        self.asks_of_the_tenant = method == "GET"
        answer: Answer = self._courier.carry(method, address, headers or {}, body, f"{method} {urlsplit(address).path}")
        self.status, self.wait = answer.status, retry_after(answer)
        text = answer.body.decode("utf-8", "replace").replace(_root(self._plain), _root(self._secure))
        return _Response(answer.status, text, dict(answer.headers))


def _busy(what: str, status: int, wait: float | None = None) -> Transient:
    if status == 429:
        return Throttled(what, retry_after=wait)
    return Transient(what, code=f"http_{status}", retry_after=wait)


def _root(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _over_tls(address: str) -> str:
    return re.sub(r"\Ahttp://", "https://", address.rstrip("/"))
