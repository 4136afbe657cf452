"""What Dataverse and the network in front of it say when something is wrong, and the trouble that chance picks from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.sandbox.chaos import Kinds
from connector.sandbox.clock import Clock
from connector.sandbox.dataverse.errors import REASONS, body
from connector.sandbox.dataverse.limits import throttled
from connector.sandbox.exchange import Answer, Call
from connector.sandbox.faults import ACTIONS as COMMON_ACTIONS
from connector.sandbox.faults import Fault
from connector.sandbox.mangling import without_middle
from connector.sandbox.trouble import web_page

#: What each kind of trouble may do. All of it passes by itself.
KINDS: Kinds = {
    "throttled": (
        {"action": "throttle", "policy": "requests", "retry_after": 1},
        {"action": "throttle", "policy": "time", "retry_after": 1},
        {"action": "throttle", "policy": "concurrency", "retry_after": 1},
        {"action": "throttle", "policy": "concurrency", "variant": "silent"},
    ),
    "server_error": tuple({"action": "answer", "status": status} for status in (500, 502, 503, 504)),
    "sql_error": ({"action": "answer", "status": 500, "variant": "sql"},),
    "dropped": ({"action": "drop_before"}, {"action": "drop_after"}),
    "garbled": ({"action": "malformed"}, {"action": "truncated"}, {"action": "html"}),
    "slow": ({"action": "slow", "latency_ms": 50}, {"action": "drip", "pieces": 4, "latency_ms": 5}),
}
#: Every action of a fault with what it does here.
ACTIONS = COMMON_ACTIONS | {
    "answer": "answers with `status` (and `body`, `headers`, `retry_after`; of a 500 the `variant` `sql`, `timeout` or "
    "`again`) and applies nothing",
    "throttle": "answers the 429 of `policy` (`requests`, `time`, `concurrency`, `entitlement`), with `retry_after` in "
    "the form of `variant` (`seconds`, `date`, `silent`)",
    "lose_rows": "applies the call and leaves `rows` out of a page, or the last `rows` parts out of a batch's answer, "
    "without a word",
    "short_page": "shows only `rows` of a page, with a link to the first row that it does not show",
}
#: How a 429 may say when to come back, and which of its own errors a 500 tells.
VARIANTS = ("seconds", "date", "silent", "sql", "timeout", "again")
_ERRORS = {"sql": "SqlError", "timeout": "SqlTimeout", "again": "TryAgain"}
_OF_STATUS = {400: "InvalidArgument", 401: "NoToken", 403: "PrivilegeDenied", 404: "NotFound", 412: "VersionMismatch"}
_WAIT_S = 30
_PAGE_SIZE = re.compile(r"odata\.maxpagesize=\d+", re.IGNORECASE)


def instead(fault: Fault, clock: Clock) -> Answer:
    """What a fault answers, the environment untouched."""
    wait = _wait(fault, clock)
    if fault.action == "throttle":
        how = {"date": "date", "silent": "none"}.get(fault.variant, "seconds")
        said = throttled(fault.policy or "requests", wait or _WAIT_S, how, clock.now())
        return replace(said, headers={**said.headers, **(fault.headers or {})})
    headers = ({"Retry-After": str(wait)} if wait else {}) | dict(fault.headers or {})
    status = fault.status or (502 if fault.action == "html" else 500)
    if fault.action == "html" or (status in (502, 503, 504) and fault.body is None):
        return Answer(status, web_page(status, "Bad Gateway"), {"content-type": "text/html"} | headers)
    reason = _ERRORS.get(fault.variant) or _OF_STATUS.get(status, "Unexpected")
    told = body(REASONS[reason].code, "The request could not be answered.") if fault.body is None else fault.body
    return Answer(status, told, headers)


def asked(call: Call, fault: Fault) -> Call:
    """The call as a fault wants it understood: a page that comes back short is asked for with a smaller size."""
    if fault.action != "short_page":
        return call
    prefer = _PAGE_SIZE.sub("", call.headers.get("prefer", "")).strip(", ")
    sized = ",".join(filter(None, [prefer, f"odata.maxpagesize={max(1, fault.rows)}"]))
    return replace(call, headers={**call.headers, "prefer": sized})


def mangled(answer: Answer, call: Call, fault: Fault) -> Answer:
    """What is left of an answer: rows of a page or parts of a batch missing without a word, a page without rows."""
    if fault.action == "lose_rows" and isinstance(answer.body, bytes):
        return replace(answer, body=_without_last(answer, 1 if fault.rows < 0 else fault.rows))
    told = answer.body
    if not isinstance(told, dict) or not isinstance(told.get("value"), list):
        return answer
    if fault.action == "lose_rows":
        return replace(
            answer, body=told | {"value": without_middle(told["value"], 1 if fault.rows < 0 else fault.rows)}
        )
    if fault.action == "short_page" and fault.rows < 1:
        return replace(answer, body=_emptied(told, call))
    return answer


def _emptied(told: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """An empty page with a link to the rows that it should have held: to itself."""
    link = f"http://{call.headers.get('host', '')}{call.target}"
    kept = {name: value for name, value in told.items() if not name.endswith(("nextLink", "deltaLink"))}
    return kept | {"value": [], "@odata.nextLink": link}


def _without_last(answer: Answer, lost: int) -> bytes:
    """A multipart body without its last parts."""
    boundary = answer.headers.get("content-type", "").partition("boundary=")[2].strip('"').encode()
    if not boundary:
        return bytes(answer.encoded())
    parts = answer.encoded().split(b"--" + boundary)
    return (b"--" + boundary).join([*parts[: max(1, len(parts) - 1 - lost)], parts[-1]])


def _wait(fault: Fault, clock: Clock) -> int:
    """Seconds for `Retry-After`: as scripted, else what is left of `for_s`."""
    if fault.retry_after:
        return max(1, round(fault.retry_after))
    if fault.for_s and fault.action == "throttle":
        return max(1, -(-((fault.over_at or clock.now()) - clock.now()) // 1000))
    return 0
