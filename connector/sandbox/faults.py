"""
Scripted trouble: which calls fail, when, and how.

A fault names the calls it means (method and path by pattern, the n-th of them, how many in a row) and what happens
to them. More kinds of trouble are more actions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from connector.sandbox.exchange import Answer
from connector.sandbox.limits import MESSAGES, throttled

Action = Literal["answer", "throttle", "drop_before", "drop_after", "malformed", "truncated", "slow"]


@dataclass(slots=True)
class Fault:
    """One piece of trouble.

    answer       `status` and `body` instead of doing anything
    throttle     the 429 of `policy`
    drop_before  the connection ends, nothing was applied
    drop_after   it was applied, then the connection ends without an answer
    malformed    applied, and answered with something that is not JSON
    truncated    applied, and the answer breaks off in the middle
    slow         `latency_ms` later than usual

    `method` and `path` are regular expressions that must match somewhere (path with query); `nth` counts matching
    calls from 1; `times` of them in a row are hit, 0 for all that follow.
    """

    action: Action
    method: str = ""
    path: str = ""
    nth: int = 1
    times: int = 1
    status: int = 500
    body: Any = None
    headers: Mapping[str, str] | None = None
    policy: str = "TEN_SECONDLY_ROLLING"
    latency_ms: int = 0
    seen: int = 0

    def strikes(self, method: str, target: str) -> bool:
        """Whether this call is one that is meant; counts it."""
        if not (re.search(self.method, method) and re.search(self.path, target)):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times == 0 or self.seen < self.nth + self.times)

    def answer(self) -> Answer:
        """What is answered instead, for `answer` and `throttle`."""
        if self.action == "throttle":
            told = throttled(self.policy)
            return Answer(told.status, told.body, self.headers or {})
        body = {"status": "error", "message": "scripted"} if self.body is None else self.body
        return Answer(self.status, body, self.headers or {})


class Faults:
    """The script: faults in the order given, the first that strikes a call decides."""

    def __init__(self) -> None:
        self._script: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        self._script.append(fault)
        return fault

    def clear(self) -> None:
        self._script.clear()

    def striking(self, method: str, target: str) -> Fault | None:
        """The fault that hits this call. Every fault counts it, so that `nth` does not depend on the others."""
        struck = [fault for fault in self._script if fault.strikes(method, target)]
        return struck[0] if struck else None


def fault_from(wanted: Mapping[str, Any]) -> Fault:
    """A fault from JSON; ValueError says what is wrong with it."""
    known = {one.name for one in fields(Fault)} - {"seen"}
    if unknown := sorted(set(wanted) - known):
        raise ValueError(f"unknown key {unknown[0]!r} in a fault; there are {', '.join(sorted(known))}")
    if wanted.get("action") not in get_args(Action):
        raise ValueError(f"action is one of {', '.join(get_args(Action))}")
    if wanted.get("policy", "DAILY") not in MESSAGES:
        raise ValueError(f"policy is one of {', '.join(MESSAGES)}")
    return Fault(**wanted)
