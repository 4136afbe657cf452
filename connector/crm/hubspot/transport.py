"""
One request to HubSpot and its whole answer.

The official client's `ApiClient` gives authentication header, host and path quoting; its own way of sending is
replaced, because it raises on error pages that are not UTF-8, has no timeout, retries silently and prints numbers
that cost more than the rest of a run. `Wire.send` is the only place that knows urllib3: what goes wrong below
HTTP leaves it as one of our errors, every status code as a value.
"""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import unquote, urlencode, urlsplit

import urllib3
from hubspot.crm.objects.api_client import ApiClient
from hubspot.crm.objects.configuration import Configuration

from connector.crm.wire import CONNECT_SECONDS, Answer, Token, read_whole
from connector.errors import Denied, OutcomeUnknown, Transient

#: Nothing was sent when these happen: the call was certainly not applied.
_NOT_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NameResolutionError,
    urllib3.exceptions.ProxyError,
)

#: How TLS says that the other side hung up: no question of trust.
_HUNG_UP = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


@dataclass(frozen=True, slots=True)
class Request:
    """One call: a path template with its parameters, a query, a body as bytes."""

    method: str
    path: str
    path_params: Mapping[str, str] = field(default_factory=dict)
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    content_type: str = "application/json"

    def __str__(self) -> str:
        """How errors name it: the template, because a filled-in path can hold a person's list name."""
        return f"{self.method} {self.path}"


class _Client(ApiClient):  # type: ignore[misc]  # the package is untyped
    """The official client with bytes in and an unread response out, whatever its status."""

    def request(  # the client's own signature
        self,
        method: str,
        url: str,
        query_params: list[tuple[str, str]] | None = None,
        headers: dict[str, str] | None = None,
        post_params: object = None,
        body: bytes | None = None,
        _preload_content: bool = True,
        _request_timeout: urllib3.Timeout | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """Send it as it is: no retry, no redirect, no model."""
        if query_params:
            url += "?" + urlencode(query_params, safe=",")
        answer: urllib3.BaseHTTPResponse = self.rest_client.pool_manager.request(
            method,
            url,
            body=body,
            headers=headers,
            timeout=_request_timeout,
            retries=False,
            redirect=False,
            preload_content=False,
        )
        return answer


class Wire:
    """Sends requests over one connection pool; safe to share between threads."""

    def __init__(
        self,
        token: Token,
        base_url: str,
        *,
        connections: int,
        timeout: float,
        clock: Callable[[], float],
        proxy: str | None,
    ) -> None:
        self._token, self._timeout, self._clock = token, timeout, clock
        self.host = urlsplit(base_url).netloc
        configuration = Configuration(host=base_url.rstrip("/"))
        configuration.connection_pool_maxsize = connections
        configuration.proxy = proxy = proxy or _proxy_from_environment(base_url)
        configuration.proxy_headers = _credentials(proxy) if proxy else None
        self._client = _Client(configuration)
        self._client.user_agent = "agreement-connector"
        self._trusted = False  # it has answered

    def send(self, request: Request) -> Answer:
        """The answer to a request; after a 401 once more, if there is another token (OAuth). Without a token, "", it
        is sent bare.

        Raises Transient when nothing can have arrived there, OutcomeUnknown when it may have.
        """
        token = self._token.now()
        answer = self._exchange(request, token)
        if answer.status == 401 and (fresh := self._token.after(token)) != token:
            return self._exchange(request, fresh)
        return answer

    @property
    def whose(self) -> str:
        """Whose burst quota these requests draw from."""
        return self._token.whose

    def close(self) -> None:
        """Drop all connections."""
        self._client.rest_client.pool_manager.clear()

    def _exchange(self, request: Request, token: str) -> Answer:
        """The whole answer, read within the timeout by the wall clock, the connection given back."""
        deadline = self._clock() + self._timeout
        try:
            response = self._open(request, token)
        except _NOT_SENT as error:
            raise Transient(
                f"cannot reach {self.host} ({_name(error)}). Check base_url, network and proxy.",
                code="unreachable",
            ) from None
        except urllib3.exceptions.SSLError as error:
            if not self._mistrusts(error):
                raise self._lost(request, _name(error)) from None
            raise Denied(
                f"no trusted TLS connection to {self.host} ({_name(error)}). Check base_url and SSL_CERT_FILE.",
                code="tls",
            ) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._lost(request, _name(error)) from None
        self._trusted = True
        try:
            body = self._read(response, request, deadline)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._lost(request, _name(error)) from None
        except BaseException:
            response.close()  # half read: the rest would be taken for the next answer
            raise
        return Answer(response.status, response.headers, body)

    def _open(self, request: Request, token: str) -> urllib3.BaseHTTPResponse:
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        answer: urllib3.BaseHTTPResponse = self._client.call_api(
            request.path,
            request.method,
            path_params=dict(request.path_params),
            query_params=list(request.query),
            header_params=headers,
            body=request.body,
            auth_settings=["oauth2"] if token else [],
            _preload_content=False,
            _request_timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, self._timeout), read=self._timeout),
            _request_auth={"in": "header", "key": "Authorization", "value": f"Bearer {token}"} if token else None,
        )
        return answer

    def _read(self, response: urllib3.BaseHTTPResponse, request: Request, deadline: float) -> bytes:
        body = read_whole(partial(response.read1, decode_content=True), clock=self._clock, deadline=deadline)
        if body is None:
            raise self._lost(request, "the answer did not end in time")
        response.release_conn()
        return body

    def _mistrusts(self, error: urllib3.exceptions.SSLError) -> bool:
        """Whether trying again is pointless: a certificate, or a host that has never spoken TLS with us. Connections
        that worked break by TLS errors of many names."""
        cause = error.args[0] if error.args else None
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        return not (self._trusted or isinstance(cause, _HUNG_UP))

    def _lost(self, request: Request, why: str) -> OutcomeUnknown:
        return OutcomeUnknown(f"no usable answer to {request} from {self.host}: {why}", code="no_answer")


def _name(error: BaseException) -> str:
    """What kind of trouble; the text of network errors quotes addresses and is left out."""
    return type(error).__name__


def _proxy_from_environment(base_url: str) -> str | None:
    """HTTPS_PROXY unless NO_PROXY names the host; plain http is only ever spoken to this machine."""
    parts = urlsplit(base_url)
    if parts.scheme != "https" or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return urllib.request.getproxies().get("https")


def _credentials(proxy: str) -> dict[str, str] | None:
    """User and password in a proxy's address, as the header that the proxy asks for; urllib3 passes over them."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return None
    return urllib3.util.make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")
