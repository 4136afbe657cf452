"""What HubSpot and the network in front of it say when something is wrong: one body for each status."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from connector.sandbox.clock import Clock
from connector.sandbox.exchange import Answer
from connector.sandbox.faults import Fault
from connector.sandbox.limits import COMMONEST, throttled

_MESSAGES = {
    400: "The request was refused as a whole.",
    409: "The request conflicts with another one. No record was changed.",
    423: "The resource is locked, because it is changed too often at once. Wait two seconds.",
    477: "This account is being moved to another data centre.",
    500: "internal error",
    502: "Bad Gateway",
    503: "The service is temporarily unavailable.",
    504: "Gateway Timeout",
}
#: Statuses that the network in front of HubSpot answers by itself, with a web page.
_PAGES = {
    521: "Web server is down",
    522: "Connection timed out",
    523: "Origin is unreachable",
    524: "A timeout occurred",
    525: "SSL handshake failed",
    526: "Invalid SSL certificate",
    530: "The site is frozen",
}


def instead(fault: Fault, clock: Clock) -> Answer:
    """What a fault answers, the account untouched."""
    wait = _wait(fault, clock)
    headers = {"Retry-After": str(wait)} if wait else {}
    headers |= fault.headers or {}
    if fault.action == "throttle":
        return Answer(429, throttled(fault.policy or COMMONEST, fault.variant or "policy").body, headers)
    if fault.action == "html" or (fault.status in _PAGES and fault.body is None):
        status = fault.status or 502
        return Answer(status, web_page(status, _PAGES.get(status, "Bad Gateway")), _HTML | headers)
    status = fault.status or 500
    return Answer(status, _body(status) if fault.body is None else fault.body, headers)


def web_page(status: int, title: str) -> bytes:
    """A page in Latin-1 that no UTF-8 reader can read."""
    return f"<html><head><title>{status} {title}</title></head><body>D\xe9sol\xe9: {title}</body></html>".encode(
        "latin-1"
    )


_HTML = {"content-type": "text/html"}


_CATEGORIES = {400: "VALIDATION_ERROR", 409: "CONFLICT"}


def _body(status: int) -> dict[str, Any]:
    message = _MESSAGES.get(status, "The request could not be answered.")
    body = {"status": "error", "message": message, "correlationId": str(uuid4())}
    return body | ({"category": _CATEGORIES[status]} if status in _CATEGORIES else {})


def _wait(fault: Fault, clock: Clock) -> int:
    """Seconds for `Retry-After`: as scripted, else what is left of `for_s`; a moving account always tells."""
    if fault.retry_after:
        return max(1, round(fault.retry_after))
    if fault.status == 477 or (fault.for_s and fault.action == "throttle"):
        left = (fault.over_at or clock.now()) - clock.now()
        return max(1, -(-left // 1000))
    return 0
