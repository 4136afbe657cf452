"""
Links to the next page and to the changes since: opaque texts that have to come back as they were given.

A page's cookie is XML in the query, encoded twice, as Dataverse's are; it knows which query it belongs to and where the
page before it ended. A delta link holds a version and the instant at which it was handed out.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, unquote

import orjson

from connector.sandbox.clock import DAY_MS, to_ms
from connector.sandbox.dataverse.errors import malformed, refused
from connector.sandbox.dataverse.request import Request

_COOKIE = re.compile(r'<cookie pagenumber="(\d+)" pagingcookie="([\w=-]+)" istracking="(True|False)" />')
_TOKEN = re.compile(r"(\d+)!(\d\d/\d\d/\d{4} \d\d:\d\d:\d\d)")
_DATE = "%m/%d/%Y %H:%M:%S"
#: Options that make a query what it is; its cookies belong to no other.
_SIGNED = ("$select", "$filter", "$orderby", "$expand", "$count", "$deltatoken")
FOREIGN = "https://elsewhere.example"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: after the row `after` (with its sort values), or after a change of this version."""

    page: int = 1
    after: str = ""
    keys: tuple[Any, ...] = ()
    version: int = 0  # the change that was told last
    gone: bool = False  # the changed rows are told, the deleted ones are being told
    since: int = 0  # the version at which a tracked read began


def place(request: Request) -> Place:
    """Where the page that is asked for begins; Refusal 400 for a link that did not come back as it was."""
    text = request.option("$skiptoken")
    if text is None:
        return Place()
    found = _COOKIE.fullmatch(unquote(text))
    if found is None or quote(unquote(text), safe="") != text:  # decoded once too often, or encoded
        raise malformed("Malformed XML in the Paging Cookie.")
    told = orjson.loads(urlsafe_b64decode(found[2]))
    if told["q"] != signature(request):
        raise malformed("The paging cookie belongs to another query.")
    return Place(int(found[1]), told["a"], tuple(told["k"]), told["v"], told["g"], told["s"])


def next_link(request: Request, following: Place, *, tracking: bool) -> str:
    """The address of the next page: the query as it came, and a cookie."""
    told = {"q": signature(request), "a": following.after, "k": following.keys, "v": following.version}
    told |= {"g": following.gone, "s": following.since}
    packed = urlsafe_b64encode(orjson.dumps(told)).decode()
    cookie = f'<cookie pagenumber="{following.page}" pagingcookie="{packed}" istracking="{tracking}" />'
    return _address(request, without="$skiptoken", adding=f"$skiptoken={quote(quote(cookie, safe=''), safe='')}")


def delta_link(request: Request, version: int) -> str:
    """The address of what changes after a version."""
    at = datetime.fromtimestamp(request.environment.clock.now() / 1000, UTC).strftime(_DATE)
    token = quote(f"{version}!{at}", safe="")
    return _address(request, without="$deltatoken", adding=f"$deltatoken={token}")


def delta_version(request: Request) -> int:
    """The version after which a delta link tells changes; Refusal where it is too old, or was cut short."""
    found = _TOKEN.fullmatch(request.option("$deltatoken") or "")
    if found is None:
        raise malformed("The delta token is malformed.")
    environment = request.environment
    version, at = int(found[1]), to_ms(datetime.strptime(found[2], _DATE).replace(tzinfo=UTC))
    too_old = environment.clock.now() - at > environment.switches.delta_days * DAY_MS
    if too_old or version < environment.first_link_version:
        raise refused(
            "ExpiredVersion",
            "Version stamp associated with the client has expired. Please perform a full sync.",
            status=environment.switches.delta_dead,
        )
    return version


def _address(request: Request, *, without: str, adding: str) -> str:
    kept = [part for part in request.call.raw_query.split("&") if part and _name(part) not in (without, "$skiptoken")]
    path = request.call.path.removesuffix("/$count").rpartition("/")[2]
    base = request.base
    if request.environment.switches.foreign_links:
        base = FOREIGN + "/api/data" + base.rpartition("/api/data")[2]
    return f"{base}/{path}?{'&'.join([*kept, adding])}"


def _name(part: str) -> str:
    return unquote(part.partition("=")[0])


def signature(request: Request) -> str:
    """What tells one query from another."""
    told = [request.segments[0].name, *(request.option(name) or "" for name in _SIGNED)]
    return blake2b("\n".join(told).encode(), digest_size=6).hexdigest()
