"""
Carries one request over `requests` and brings the whole answer back.

The only place that knows `requests`: what goes wrong below HTTP leaves it as one of our errors, every status as a
value. Nothing is followed, retried, remembered or read from a .netrc file; cookies are dropped, because the affinity
cookie would tie all requests to one server and to that server's share of the limits.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from connector.crm.wire import CONNECT_SECONDS, Answer, read_whole
from connector.errors import CrmError, Denied, OutcomeUnknown, Transient

#: Nothing was sent when these happen: the call was certainly not applied.
_NOT_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NameResolutionError,
    urllib3.exceptions.ProxyError,
)

#: How OpenSSL says that both sides have no TLS in common, or that one of them speaks none.
_NO_COMMON_TLS = (
    "WRONG_VERSION_NUMBER",
    "UNSUPPORTED_PROTOCOL",
    "PROTOCOL_VERSION",
    "HANDSHAKE_FAILURE",
    "NO_PROTOCOLS",
)

#: Where whoever runs behind a company's own certificate authority names its file, the first that is set.
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class Courier:
    """Sends requests over one pool of connections; safe to share between threads.

    `setting` is the one that names the address, for messages.
    """

    def __init__(
        self,
        setting: str,
        *,
        connections: int,
        timeout: float,
        clock: Callable[[], float],
        proxy: str | None,
    ) -> None:
        self._setting, self._timeout, self._clock = setting, timeout, clock
        self._trusted: str | bool = next((path for name in _BUNDLES if (path := os.environ.get(name))), True)
        self._session = requests.Session()
        self._session.trust_env = False  # a .netrc would replace our Authorization header
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.proxies = {"http": proxy, "https": proxy} if proxy else {}
        pool = HTTPAdapter(pool_connections=2, pool_maxsize=connections, max_retries=0)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, pool)

    def carry(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, shown: str) -> Answer:
        """The whole answer, read within the timeout by the wall clock, the connection given back.

        The address is sent as it is given. `shown` is how errors name the request: an address can hold personal data.
        Raises Transient when nothing can have arrived there, OutcomeUnknown when it may have, Denied without TLS.
        """
        deadline = self._clock() + self._timeout
        host = urlsplit(url).netloc
        try:
            response = self._open(method, url, headers, body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._failure(error, host, shown) from None
        try:
            read = self._read(response, deadline)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            response.raw.close()
            raise _lost(shown, host, _name(error)) from None
        except BaseException:
            response.raw.close()  # half read: the rest would be taken for the next answer
            raise
        if read is None:
            raise _lost(shown, host, "the answer did not end in time")
        return Answer(response.status_code, response.headers, read)

    def close(self) -> None:
        """Drop all connections."""
        self._session.close()

    def _open(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> requests.Response:
        # Prepared by hand: `requests` would quote a link of the server anew, and it must go back as it came.
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url, prepared.body = method, url, body
        prepared.headers = CaseInsensitiveDict(
            {"Accept-Encoding": "gzip", "User-Agent": "agreement-connector", **headers}
        )
        prepared.prepare_cookies(self._session.cookies)  # a jar that stays empty
        if body is not None or method not in {"GET", "HEAD"}:
            prepared.headers["Content-Length"] = str(len(body or b""))
        return self._session.send(
            prepared,
            stream=True,
            allow_redirects=False,
            timeout=(min(CONNECT_SECONDS, self._timeout), self._timeout),
            verify=self._trusted,
            proxies=self._session.proxies,
        )

    def _read(self, response: requests.Response, deadline: float) -> bytes | None:
        """None when it took too long."""
        body = read_whole(partial(response.raw.read1, decode_content=True), clock=self._clock, deadline=deadline)
        if body is None:
            response.raw.close()
        else:
            response.raw.release_conn()
        return body

    def _failure(self, error: Exception, host: str, shown: str) -> CrmError:
        """What it means that no answer began: `requests` wraps the cause that says whether anything was sent."""
        causes = [error, *_causes(error)]
        if any(isinstance(cause, _NOT_SENT) for cause in causes) or isinstance(error, requests.ConnectTimeout):
            what = f"cannot reach {host} ({_name(causes[-1])}). Check {self._setting}, network and proxy."
            return Transient(what, code="unreachable")
        bundle_is_missing = self._trusted is not True and not os.path.exists(self._trusted)
        if bundle_is_missing or any(_is_distrust(cause) for cause in causes):
            what = f"no trusted TLS connection to {host} ({_name(causes[-1])})."
            return Denied(f"{what} Check {self._setting} and SSL_CERT_FILE.", code="tls")
        return _lost(shown, host, _name(error))


def _causes(error: BaseException) -> list[BaseException]:
    """What lies below an error of `requests`: urllib3 keeps it as an argument, its pool as the reason."""
    below = next((one for one in error.args if isinstance(one, BaseException)), None)
    reason = below or getattr(error, "reason", None)
    return [reason, *_causes(reason)] if isinstance(reason, BaseException) else []


def _is_distrust(error: BaseException) -> bool:
    """Whether TLS was refused for good; a connection that merely breaks off is an SSLError as well."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return True
    said = getattr(error, "reason", None) or ""
    return isinstance(error, ssl.SSLError) and any(word in said for word in _NO_COMMON_TLS)


def _lost(shown: str, host: str, why: str) -> OutcomeUnknown:
    return OutcomeUnknown(f"no usable answer to {shown} from {host}: {why}", code="no_answer")


def _name(error: BaseException) -> str:
    """What kind of trouble; the text of network errors quotes addresses and is left out."""
    return type(error).__name__
