"""
From a status code and an error body to one of our errors: a table, and a careful reader of HubSpot's words.

Every field of an error body is optional. HubSpot's messages quote the values they complain about, so none is ever
passed on: our messages are made of codes, property names and scopes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from connector.crm.hubspot.leniency import leniently
from connector.crm.hubspot.names import too_many
from connector.crm.hubspot.refusals import ours
from connector.crm.hubspot.transport import Request
from connector.crm.wire import Answer
from connector.errors import CrmError, Deferred, Denied, NotFound, OutcomeUnknown, Rejected, Throttled, Transient


class Refused(Rejected):
    """A 4xx that is about what was sent. `properties` are the ones HubSpot named; `allowed` is not None where it
    is about the number of inputs (0: more than allowed, but not how many are); `theirs` is HubSpot's own code."""

    def __init__(self, where: str, status: int, said: Complaint) -> None:
        self.status = status
        self.theirs = said.code
        self.properties = said.properties
        self.allowed = said.allowed
        self.sentence = said.sentence
        self.ours = ours(said.code, status)
        super().__init__(f"{where}. {said.sentence}.", code=self.ours, correlation_id=said.correlation_id)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error body, or one entry of a 207's `errors`, says; codes and names only."""

    code: str
    properties: tuple[str, ...]
    scopes: tuple[str, ...]
    ids: tuple[str, ...]  # record ids and write trace ids it points at
    policy: str
    allowed: int | None
    correlation_id: str | None
    status: int | None = None

    @property
    def about_absence(self) -> bool:
        """The record is not there (any more)."""
        return self.status == 404 or "NOT_FOUND" in self.code.upper()

    @property
    def ours(self) -> str:
        """The documented code for it."""
        return ours(self.code, self.status)

    @property
    def sentence(self) -> str:
        """What it says without quoting anybody."""
        names = ", ".join(self.properties)
        return f"HubSpot refused {names or 'it'}: {self.code or 'no reason given'}"


# -- the table -------------------------------------------------------------------------------------------

#: Status -> (error class, seconds to wait or None for the policy's own backoff, what to do).
#: Locks (423) last two seconds. 502 and 504 come after sustained load. 521 and 523: nothing reached HubSpot.
_TABLE: Mapping[int, tuple[type[CrmError], float | None, str]] = {
    401: (Denied, None, "Check that the token is complete, of this account, and not rotated."),
    403: (Denied, None, "Add the scope to the app or service key, or take the feature out of the mapping."),
    404: (NotFound, None, "It does not exist or is not part of this account's plan."),
    408: (OutcomeUnknown, None, ""),
    423: (Transient, 2.0, ""),
    429: (Throttled, None, ""),
    477: (Transient, 60.0, "The account is moving between data centres."),
    501: (NotFound, None, "Nothing at this address answers such a call."),
    502: (OutcomeUnknown, 3.0, ""),
    504: (OutcomeUnknown, 3.0, ""),
    521: (Transient, None, ""),
    523: (Transient, None, ""),
    525: (Denied, None, "The TLS connection behind HubSpot's front fails; ask HubSpot support."),
    526: (Denied, None, "The TLS connection behind HubSpot's front fails; ask HubSpot support."),
    530: (Denied, None, "This is how a malformed token shows: check that it is complete and has no blanks."),
}

#: Codes of ours for what ends a run or a feature, whatever HubSpot calls it.
_OURS: Mapping[int, str] = {
    401: "token",
    403: "scope",
    404: "not_found",
    501: "not_found",
    525: "tls",
    526: "tls",
    530: "token",
}

#: Rate limit policy -> seconds to wait. An unknown one is treated as the burst limit without a named wait.
_POLICIES: Mapping[str, float] = {"TEN_SECONDLY_ROLLING": 10.0, "SECONDLY": 1.0}


def error_of(request: Request, answer: Answer) -> CrmError | Deferred:
    """The error that a status of 300 or more stands for."""
    said = complaint(body_of(answer))
    kind, wait, fix = _TABLE.get(answer.status) or _by_hundred(answer.status)
    where = f"{request} answered {answer.status}"
    if answer.status == 429 and said.policy == "DAILY":
        return Deferred("HubSpot's daily quota is spent.")
    if issubclass(kind, Transient):
        named, what = retry_after(answer), f"{where}. {fix}".strip()
        seconds = _POLICIES.get(said.policy, wait) if named is None else named
        if kind is Throttled:
            return Throttled(what, limit=said.policy, correlation_id=said.correlation_id, retry_after=seconds)
        return kind(what, code=f"http_{answer.status}", correlation_id=said.correlation_id, retry_after=seconds)
    if kind is Refused:
        return Refused(where, answer.status, said)
    if said.scopes:
        where += f": the token lacks a scope, one of {', '.join(said.scopes)}"
    return kind(f"{where}. {fix}", code=_OURS.get(answer.status, "denied"), correlation_id=said.correlation_id)


def _by_hundred(status: int) -> tuple[type[CrmError], float | None, str]:
    if status >= 500:
        return OutcomeUnknown, None, ""
    if status >= 400:
        return Refused, None, ""
    return Denied, None, "It points elsewhere; set base_url to where the API really is."


def retry_after(answer: Answer) -> float | None:
    """Seconds the answer asks to wait; None where it does not say, or says 0: what it refuses now it took a moment ago,
    and a wait that was rounded away must not switch off ours."""
    value = answer.headers.get("Retry-After")
    try:
        return max(0.0, float(value)) or None if value else None
    except ValueError:
        return None  # a date: not a form HubSpot documents


# -- reading what it says --------------------------------------------------------------------------------


def body_of(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer; empty for anything else, such as a proxy's error page."""
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        body = leniently(answer.body)
    return body if isinstance(body, dict) else {}


def complaint(body: Mapping[str, Any]) -> Complaint:
    """Read an error body, or one entry of a batch's `errors`; they have the same shape."""
    message = body.get("message")
    text = message if isinstance(message, str) else ""
    details = [*_dicts(body.get("errors")), *_embedded(text)]
    contexts = [body.get("context"), *(detail.get("context") for detail in details)]
    names = [name for c in contexts for name in _words(c, "propertyName")]
    names += [name for detail in details if "error" in detail for name in _words(detail, "name")]
    codes = [detail.get("code") or detail.get("error") for detail in details]
    codes += [body.get("errorType"), body.get("subCategory"), body.get("category"), body.get("error")]
    property_trouble = any(names)
    return Complaint(
        code=next((code for code in map(_code, codes) if code), ""),
        properties=_unique(name for name in map(_property, names) if name),
        scopes=_unique(s for c in contexts for key in _SCOPES for s in map(_code, _words(c, key)) if s),
        ids=_unique(i for c in contexts for key in _POINTERS for i in _words(c, key)),
        policy=_policy(body, text),
        allowed=None if property_trouble else too_many(text),
        correlation_id=_code(body.get("correlationId")) or None,
        status=_number(body.get("status")) or _number(body.get("code")),
    )


_SCOPES = ("requiredGranularScopes", "requiredScopes")
_POINTERS = ("objectWriteTraceId", "ids", "id", "objectId", "fromObjectId")


def _policy(body: Mapping[str, Any], text: str) -> str:
    """The rate limit's name, from its field or, where that is missing, from the wording."""
    named = _code(body.get("policyName")).upper()
    if named:
        return named
    lowered = text.lower()
    for policy in ("TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY"):
        if policy.lower() in lowered:
            return policy
    return ""


def _embedded(text: str) -> Iterator[Mapping[str, Any]]:
    """The JSON list that "Property values were not valid: [...]" carries in its text."""
    start = text.find("[{")
    if start < 0:
        return
    try:
        yield from _dicts(orjson.loads(text[start : text.rindex("]") + 1]))
    except (orjson.JSONDecodeError, ValueError):
        return


def _dicts(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, dict))


def _words(context: object, key: str) -> list[str]:
    """A context's entry as texts; HubSpot sends lists, single values pass too."""
    value = context.get(key) if isinstance(context, dict) else None
    values = value if isinstance(value, list) else [value]
    return [str(word) for word in values if isinstance(word, str | int)]


_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,120}")


def _code(value: object) -> str:
    """A code, id or scope, if that is what it is; free text never passes."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


def _property(value: object) -> str:
    return value if isinstance(value, str) and _NAME.fullmatch(value) else ""


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return value if isinstance(value, int) else None


def _unique(words: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
