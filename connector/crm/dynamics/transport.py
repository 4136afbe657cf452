"""
One request to the Dataverse Web API, as it has to look, and its whole answer.

What Dataverse asks of every request stands here: the version headers, the tag by which an environment's plug-ins know
us, and that a link out of an answer is followed to the configured host only, since the token goes with it.
Sources: "Compose HTTP requests and handle errors", "Optional parameters", "Page results" of Microsoft's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, urlencode, urljoin, urlsplit

from connector.crm.dynamics.courier import Courier
from connector.crm.wire import Answer, Token
from connector.errors import Denied

VERSION = "v9.2"

#: What plug-ins see as the shared variable "tag", so that an environment can make exceptions for us.
TAG = "agreement-connector"

#: Sent with every request.
HEADERS: Mapping[str, str] = {"Accept": "application/json", "OData-MaxVersion": "4.0", "OData-Version": "4.0"}

_PORTS = {"https": 443, "http": 80}

#: An address out of an answer: whole, below the host, or below the API's root, which only its query tells from paths of
#: ours: those have none.
_LINK = re.compile(r"/|[a-z][a-z0-9+.-]*:/|[^?]*\?", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)

#: What no address holds, and what programs that read it differently are misled by.
_MISLEADING = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `path` is below /api/data/v9.2/, such as "contacts" or "contacts(<id>)", or a whole link that an
    answer gave; a link is sent as it came, without further query or tag."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"

    def __str__(self) -> str:
        """How errors name it: without the query, where people's values stand."""
        return f"{self.method} {urlsplit(self.path).path if self.is_link else self.path}"

    @property
    def is_link(self) -> bool:
        """Whether the path is an address out of an answer."""
        return _LINK.match(self.path) is not None

    @property
    def writes(self) -> bool:
        """Whether plug-ins may run on it; of a batch its parts do, and carry the tag themselves."""
        return self.method != "GET" and self.path != "$batch"

    def all_headers(self) -> dict[str, str]:
        """The request's own headers and those that Dataverse wants."""
        wanted = dict(HEADERS)
        if self.body is not None:
            wanted["Content-Type"] = self.content_type
        if self.method == "GET" and any(name == "$expand" for name, _ in self.query):
            wanted["If-None-Match"] = "null"  # or expanded collections may come from a cache
        return wanted | dict(self.headers)

    def target(self, version: str = VERSION) -> str:
        """Path and query below the host, quoted: of a request line, or of one part of a batch."""
        query = (*self.query, ("tag", TAG)) if self.writes else self.query
        shown = urlencode(query, quote_via=quote, safe="$,()'/:*@")
        return f"/api/data/{version}/{quote(self.path, safe=_IN_A_PATH)}" + (f"?{shown}" if shown else "")


#: What stands for itself in a path: keys in parentheses, quoted texts, type casts.
_IN_A_PATH = "$,()'/=@.-_~"


class Wire:
    """Sends requests to one environment with the token of the moment; safe to share between threads."""

    def __init__(
        self,
        token: Token,
        environment_url: str,
        *,
        connections: int,
        timeout: float,
        clock: Callable[[], float],
        proxy: str | None,
        version: str = VERSION,
    ) -> None:
        self._token, self._version = token, version
        self._root = environment_url.rstrip("/")
        self._courier = Courier("environment_url", connections=connections, timeout=timeout, clock=clock, proxy=proxy)
        self.host = urlsplit(self._root).netloc

    def send(self, request: Request, about_to_send: Callable[[], None] = lambda: None) -> Answer:
        """The answer to a request; after a 401 once more, if there is another token. `about_to_send` is called right
        before each of them goes out: to fetch a token may take long, and what it raises stops the request.

        Raises Transient when nothing can have arrived there, OutcomeUnknown when it may have, Denied when the request
        is a link that points to another host.
        """
        url = self._address(request)
        token = self._token.now()
        about_to_send()
        answer = self._exchange(request, url, token)
        if answer.status == 401 and (fresh := self._token.after(token)) != token:
            about_to_send()
            return self._exchange(request, url, fresh)
        return answer

    def prove(self, link: str) -> None:
        """Raises Denied for a link that is never followed."""
        followed(link, self._root, self._version)

    def leads_home(self, link: str) -> bool:
        """Whether a link would be followed."""
        return _same_origin(_whole(link, self._root, self._version), self._root)

    def target(self, request: Request) -> str:
        """The request as the first line of a batch's part has it."""
        return request.target(self._version)

    @property
    def whose(self) -> str:
        """Whose limits these requests draw from: Dataverse counts by user."""
        return self._token.whose

    def close(self) -> None:
        """Drop all connections."""
        self._courier.close()

    def _exchange(self, request: Request, url: str, token: str) -> Answer:
        headers = {**request.all_headers(), "Authorization": f"Bearer {token}"}
        return self._courier.carry(request.method, url, headers, request.body, str(request))

    def _address(self, request: Request) -> str:
        if not request.is_link:
            return self._root + request.target(self._version)
        return followed(request.path, self._root, self._version)


def followed(link: str, root: str, version: str = VERSION) -> str:
    """A link out of an answer, unchanged, when it leads to the host it came from. Raises Denied for another one."""
    whole = _whole(link, root, version)
    if not _same_origin(whole, root):
        raise Denied(
            f"An answer of {urlsplit(root).netloc} points to another host. Links are followed to environment_url only,"
            " since the token goes with them. Set environment_url to the address that the environment itself uses, and"
            " look for a proxy that rewrites addresses.",
            code="foreign_link",
        )
    return whole


def _whole(link: str, root: str, version: str) -> str:
    return link if _SCHEME.match(link) else urljoin(f"{root}/api/data/{version}/", link)


def _same_origin(link: str, root: str) -> bool:
    try:
        there = urlsplit(link)
        plain = there.username is None and not _MISLEADING.search(link)
        return plain and _origin(there) == _origin(urlsplit(root))
    except ValueError:
        return False


def _origin(url: SplitResult) -> tuple[str, str, int | None]:
    return url.scheme, (url.hostname or "").lower(), url.port or _PORTS.get(url.scheme)
