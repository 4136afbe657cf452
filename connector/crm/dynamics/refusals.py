"""
From a status and an error body to one of our errors: status first, code second, message last.

Error bodies of Dataverse often carry an empty code, and a code may come with another status than its page says; so
the status decides what it can, the code the rest, and the wording only where both are silent. Messages quote the
values they complain about, so none is passed on: ours are made of codes, their names and our own words.
Sources: "Service error codes" and "Compose HTTP requests and handle errors" of Microsoft's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from connector.crm.wire import Answer
from connector.errors import CrmError, Denied, NotFound, OutcomeUnknown, Rejected, Throttled

#: Their code -> (what they call it, ours). Ours decides which of our errors it becomes, see _DOORS.
_CODES: Mapping[str, tuple[str, str]] = {
    "0x80040217": ("ObjectDoesNotExist", "gone"),
    "0x80060891": ("RecordNotFoundByEntityKey", "gone"),
    "0x80060882": ("ConcurrencyVersionMismatch", "moved_meanwhile"),
    "0x80060883": ("ConcurrencyVersionNotProvided", "refused"),
    "0x8006088D": ("OptimisticConcurrencyNotEnabled", "no_versions"),
    "0x80040237": ("DuplicateRecord", "collision"),
    "0x80060892": ("DuplicateRecordEntityKey", "collision"),
    "0x80040333": ("DuplicateRecordsFound", "collision"),
    "0x80072322": ("ThrottlingBurstRequestLimitExceeded", "REQUESTS"),
    "0x80072321": ("ThrottlingTimeExceeded", "EXECUTION_TIME"),
    "0x80072326": ("ThrottlingConcurrencyLimitExceeded", "CONCURRENCY"),
    "0x8005F103": ("Throttling", "THROTTLED"),
    "0x80048544": ("DataEngineQueryThrottling", "THROTTLED"),
    "0x80040265": ("IsvAborted", "plugin"),
    "0x80040224": ("IsvUnExpected", "plugin"),
    "0x80040220": ("PrivilegeDenied", "scope"),
    "0x80048405": ("AccessDenied", "scope"),
    "0x80040256": ("CrmSecurityError", "scope"),
    "0x80048306": ("AccessDenied", "scope"),
    "0x80040231": ("PrincipalPrivilegeDenied", "scope"),
    "0x8004020D": ("InvalidAccessRights", "scope"),
    "0x8004A110": ("CannotActOnBehalfOfAnotherUser", "scope"),
    "0x8004F504": ("AttributePermissionReadIsMissing", "scope"),
    "0x8004F507": ("AttributePermissionUpdateIsMissing", "property_read_only"),
    "0x80042F09": ("UserNotAssignedRoles", "user_without_roles"),
    "0x80072560": ("UserNotMemberOfOrg", "user_missing"),
    "0x8004A112": ("SystemUserDisabled", "user_disabled"),
    "0x8004A101": ("ExpiredAuthTicket", "token"),
    "0x80041D52": ("ExpiredOAuthToken", "token"),
    "0x8005F101": ("AccessTokenExpired", "token"),
    "0x80044300": ("MissingCrmAuthenticationToken", "token"),
    "0x80040204": ("InvalidUserAuth", "token"),
    "0x80040203": ("InvalidArgument", "value_invalid"),
    "0x8006088A": ("CrmHttpError", ""),
    "0x80044331": ("StringLengthTooLong", "value_invalid"),
    "0x8004432F": ("IntegerValueOutOfRange", "value_invalid"),
    "0x80044330": ("DecimalValueOutOfRange", "value_invalid"),
    "0x8004431C": ("BooleanOptionOutOfRange", "value_invalid"),
    "0x8004431A": ("PicklistValueOutOfRange", "value_not_allowed"),
    "0x80040393": ("PicklistValueNotFound", "value_not_allowed"),
    "0x80048408": ("InvalidStateCodeStatusCode", "value_not_allowed"),
    "0x8004F00E": ("InvalidStateTransition", "value_not_allowed"),
    "0x8004F857": ("StateTransitionActivateNewStatus", "value_not_allowed"),
    "0x80041103": ("QueryBuilderNoAttribute", "property_missing"),
    "0x80040215": ("MissingOwner", "required_missing"),
    "0x80040233": ("InvalidState", "record_closed"),
    "0x8004022E": ("CannotUpdateBecauseItIsReadOnly", "record_closed"),
    "0x80043B1D": ("EntityIsLocked", ""),
    "0x80040800": ("SdkEntityDoesNotSupportMessage", "not_supported"),
    "0x8004023B": ("InvalidOperation", "not_supported"),
    "0x80040315": ("NotSupported", "not_supported"),
    "0x80040227": ("CannotDeleteDueToAssociation", "not_supported"),
    "0x80072491": ("ChangeTrackingNotEnabledForEntity", "not_tracked"),
    "0x80072492": ("ChangeTrackingNotEnabledForRelatedEntities", "not_tracked"),
    "0x80044352": ("ExpiredVersionStamp", "cursor"),
    "0x80044182": ("SdkCorrelationTokenDepthTooHigh", "plugin"),
    "0x80040216": ("UnExpected", "unavailable"),
    "0x80044150": ("GenericSqlError", "unavailable"),
    "0x80044151": ("SqlTimeout", "unavailable"),
    "0x8004418D": ("SandboxWorkerNotAvailable", "unavailable"),
    "0x80044171": ("SandboxClientPluginTimeout", "unavailable"),
    "0x80081116": ("SandboxWorkerThrottleLimit", "unavailable"),
    "0x80154B53": ("OperationFailedTryAgain", "unavailable"),
}

#: Their codes that say too little: the wording is asked before them.
_VAGUE = frozenset({"0x80040203", "0x8006088A"})

#: Codes of ours that are about our user or its token, whatever was asked, with what to do about them.
_DOORS: Mapping[str, str] = {
    "token": "Check tenant_id, client_id and environment_url, or that a token written down still holds.",
    "user_disabled": "The application user of client_id is disabled in this environment. Activate it in the Power"
    " Platform admin center, under application users.",
    "user_without_roles": "The application user of client_id has no security role in this environment. Give it one"
    " in the Power Platform admin center, under application users.",
    "user_missing": "The environment has no application user for client_id. Add one with a security role in the Power"
    " Platform admin center, or correct environment_url.",
    "scope": "A security role of the application user must grant it; connector check proves what is needed.",
}

#: Wordings that tell what an empty code hides, in the order in which they are looked for.
_WORDINGS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(words, re.IGNORECASE), ours)
    for words, ours in (
        (r"number of requests exceeded", "REQUESTS"),
        (r"combined execution time", "EXECUTION_TIME"),
        (r"number of concurrent requests", "CONCURRENCY"),
        (r"user was disabled", "user_disabled"),
        (r"not been assigned any roles", "user_without_roles"),
        (r"not a member of the organization", "user_missing"),
        (r"optimistic concurrency isn't enabled", "no_versions"),
        (r"isn't enabled for change tracking", "not_tracked"),
        (r"version stamp .*expired", "cursor"),
        (r"rowversion|version of the existing record", "moved_meanwhile"),
        (r"duplicate|already exists|matching key values", "collision"),
        (
            r"could not find a property|attribute does not exist|undeclared property|invalid property '"
            r"|property '[^']*' does not exist on type",
            "property_missing",
        ),
        (r"resource not found for the segment", "not_found"),
        (r"because it is read-only|not in a valid state to perform", "record_closed"),
        (r"picklist value is out of|status ?code is invalid|from an invalid state", "value_not_allowed"),
        (r"validation error|cannot convert", "value_invalid"),
        (r"does ?not exist|object was not found", "gone"),
    )
)

#: What a wording means under these statuses only.
_ONLY_WITH: Mapping[str, tuple[int, ...]] = {
    "gone": (404,),
    "not_found": (404,),
    "REQUESTS": (429,),
    "EXECUTION_TIME": (429,),
    "CONCURRENCY": (429,),
    "user_disabled": (401, 403),
    "user_without_roles": (401, 403),
    "user_missing": (401, 403),
}

_UNKNOWN_AFTER = frozenset({408, 502, 503, 504})

#: Whoever says so has not begun, and never will, whatever code stands beside it.
_NOT_IMPLEMENTED = 501


class Refused(Rejected):
    """A 4xx or 5xx that is about what was sent. `theirs` is Dataverse's own code ("0x80040265", or ""); `too_large`
    that it would be taken in smaller pieces."""

    def __init__(self, where: str, status: int, said: Complaint, code: str) -> None:
        self.status, self.theirs, self.too_large = status, said.theirs, status == 413
        self.sentence = f"Dataverse refused it: {said.named or 'no reason given'}"
        self._words = said.words
        super().__init__(f"{where}. {self.sentence}.", code=code, correlation_id=said.request_id)

    @property
    def ends_a_link(self) -> bool:
        """Of a link to changes: whether it is refused for good. An outage is none of the link's, unless it says so."""
        return self.status < 500 or self.code in _LINKS_END

    def named(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Those of the columns that were sent which the refusal names."""
        return tuple(column for column in columns if column.lower() in self._words)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error body says: codes and names only, and the words in which columns are looked for."""

    theirs: str  # the code: "0x80040265", "" where the body has none
    text: str = field(repr=False)
    status: int
    request_id: str | None = None

    @property
    def named(self) -> str:
        """The code as people find it in Microsoft's list."""
        return f"{_CODES[self.theirs][0]} ({self.theirs})" if self.theirs in _CODES else self.theirs

    @property
    def words(self) -> frozenset[str]:
        """Everything in the message that could be the name of a column."""
        return frozenset(_WORD.findall(self.text.lower()))

    @property
    def ours(self) -> str:
        """The documented code of ours, by their code or else by the wording; "" for neither."""
        known = _CODES.get(self.theirs, ("", ""))[1]
        if known and self.theirs not in _VAGUE:
            return known
        found = next((ours for pattern, ours in _WORDINGS if pattern.search(self.text)), known)
        # A plug-in's own words may say anything: that something does not exist, or that a user was disabled.
        return found if self.status in _ONLY_WITH.get(found, (self.status,)) else known

    @property
    def privileges(self) -> str:
        """The privileges it says are missing, such as prvReadLead."""
        return ", ".join(dict.fromkeys(_PRIVILEGE.findall(self.text)))

    def about_another_than(self, shown: str) -> bool:
        """Whether the record that is not there is one that a column points to, not the one that was asked for."""
        ids = _GUID.findall(self.text.lower())
        return bool(ids) and not any(one in shown.lower() for one in ids)


def error_of(shown: str, answer: Answer, headers: Mapping[str, str] | None = None) -> CrmError:
    """The error that a status of 300 or more stands for, of a request or of one part of a batch.

    `shown` names the request with the id it is about, `headers` are those it was sent with. A Denied of one part of a
    batch is about its record, of a whole request about the run: which it is, the caller knows.
    """
    said, status = complaint(answer), answer.status
    where = f"{shown} answered {status}"
    if status < 400:
        return Denied(f"{where}: it points elsewhere. Set environment_url to where the API really is.", code="denied")
    if status == 429 or said.ours in _THROTTLES:
        return _throttled(where, answer, said)
    if status == 401 or (said.ours in _DOORS and status not in _UNKNOWN_AFTER):
        return _denied(where, said, "token")
    if status == 403 and said.ours != "property_read_only":
        return _denied(where, said, "scope")
    if status in (400, 404) and said.ours == "gone":
        if said.about_another_than(shown):
            return Refused(where, status, said, "target_missing")
        return NotFound(f"{where}.", code="gone", correlation_id=said.request_id)
    if status == 404:
        return NotFound(f"{where}.", code="not_found", correlation_id=said.request_id)
    if status == 412:
        return Refused(where, status, said, _precondition(said, headers or {}))
    if said.ours not in _LINKS_END and (
        status in _UNKNOWN_AFTER or (status >= 500 and status != _NOT_IMPLEMENTED and said.ours not in _FINAL)
    ):
        what = f"{where}: {said.named}." if said.named else f"{where}."
        return OutcomeUnknown(
            what, code=f"http_{status}", correlation_id=said.request_id, retry_after=retry_after(answer)
        )
    return Refused(where, status, said, _refusal(status, said))


#: Codes of ours for throttling, in the words of connector.codes: capitals.
_THROTTLES = frozenset({"REQUESTS", "EXECUTION_TIME", "CONCURRENCY", "THROTTLED"})

#: What a 5xx may say that another try does not change.
_FINAL = frozenset(
    {"plugin", "collision", "not_supported", "record_closed", "value_invalid", "value_not_allowed", "property_missing"}
)


#: What ends a link to changes, whatever status it comes with. Nothing was asked to be done, so nothing is unknown.
_LINKS_END = frozenset({"cursor", "not_tracked"})


def _throttled(where: str, answer: Answer, said: Complaint) -> Throttled:
    """Nothing of it was done, and everybody who calls with our user would be told the same."""
    limit = said.ours if said.ours in _THROTTLES else ""
    return Throttled(f"{where}.", limit=limit, correlation_id=said.request_id, retry_after=retry_after(answer))


def _denied(where: str, said: Complaint, otherwise: str) -> Denied:
    code = said.ours if said.ours in _DOORS else otherwise
    told = " ".join(part for part in (said.named, said.privileges) if part)
    named = f": {told}" if told else ""
    return Denied(f"{where}{named}. {_DOORS[code]}", code=code, correlation_id=said.request_id)


def _precondition(said: Complaint, headers: Mapping[str, str]) -> str:
    """A 412 tells of another version, or of a duplicate; where it says neither, what was asked for tells."""
    if said.ours in ("moved_meanwhile", "collision"):
        return said.ours
    return "collision" if any(name.lower() == "if-none-match" for name in headers) else "moved_meanwhile"


def _refusal(status: int, said: Complaint) -> str:
    if status in (405, 501):
        return "not_supported"
    if said.ours in ("", "unavailable", "gone", "not_found"):
        return "refused"  # none of these goes with such a status, so it is not believed
    return said.ours


def retry_after(answer: Answer) -> float | None:
    """Seconds the answer asks to wait: a number, or the time between its own Date and the one it names. No time at all
    is no wish: whoever says so has rounded, and means to be asked less."""
    value = (answer.headers.get("Retry-After") or "").strip()
    try:
        seconds = float(value) if value else 0.0
    except ValueError:
        seconds = _until(value, answer.headers.get("Date") or "")
    return seconds if 0.0 < seconds < float("inf") else None


def _until(value: str, date: str) -> float:
    try:
        return (parsedate_to_datetime(value) - parsedate_to_datetime(date)).total_seconds()
    except (TypeError, ValueError):
        return 0.0


# -- reading what it says --------------------------------------------------------------------------------

_HEX = re.compile(r"0x[0-9a-fA-F]{8}")
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_WORD = re.compile(r"[a-z_][a-z0-9_]*")
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PRIVILEGE = re.compile(r"\bprv[A-Za-z0-9_]{3,80}\b")


def body_of(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer; empty for anything else, such as a proxy's error page."""
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def complaint(answer: Answer) -> Complaint:
    """Read an error body. Every field of it is optional, and what annotations add to it is passed over."""
    error = body_of(answer).get("error")
    error = error if isinstance(error, dict) else {}
    code, text = error.get("code"), error.get("message")
    found = _HEX.match(code) if isinstance(code, str) else None
    request_id = answer.headers.get("x-ms-service-request-id") or answer.headers.get("REQ_ID") or ""
    return Complaint(
        theirs="0x" + found[0][2:].upper() if found else "",
        text=text if isinstance(text, str) else "",
        status=answer.status,
        request_id=request_id if _ID.fullmatch(request_id) else None,
    )
