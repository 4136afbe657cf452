"""
Scripted trouble: which calls fail, when, and how.

A fault names the calls it means (method and path by pattern, the n-th of them, how many in a row or for how long) and
what happens to them. It is one JSON object, the same in a test, on the control path and on the command line:

    {"action": "kill_after", "path": "batch/update", "nth": 3, "pid": 4711}
    {"action": "answer", "status": 423, "path": "batch/update", "for_s": 2}
    {"action": "do", "path": "/search", "nth": 2, "control": "switches", "body": {"search_limit": 50}}
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import orjson

#: Every action with what it does, as `connector sandbox --manners` tells it.
ACTIONS = {
    "answer": "answers with `status` (and `body`, `headers`, `retry_after`) and applies nothing",
    "throttle": "answers the 429 of `policy`, its body in the style of `variant`, with `retry_after` where given",
    "drop_before": "cuts the connection, nothing was applied",
    "drop_after": "applies the call, then cuts the connection without an answer",
    "malformed": "applies the call and answers with something that is not JSON",
    "truncated": "applies the call and breaks off in the middle of the answer",
    "html": "answers with a web page that is not UTF-8 and applies nothing; `status` 502 unless given",
    "slow": "answers `latency_ms` later than usual",
    "drip": "applies the call and sends the answer in `pieces`, `latency_ms` apart",
    "lose_rows": "applies the call and leaves `rows` of the results out of the answer without a word",
    "short_page": "shows only `rows` of a page, with a cursor to the first row that it does not show",
    "kill_before": "kills the process `pid` (SIGKILL) before the call is applied",
    "kill_after": "applies the call, then kills the process `pid` (SIGKILL) before it gets the answer",
    "do": "makes the control call `control` with `body` first, then answers as the changed account does",
}
#: What comes instead of an answer, the account untouched.
INSTEAD = ("answer", "throttle", "html")
KILLS = ("kill_before", "kill_after")


@dataclass(slots=True)
class Fault:
    """
    One piece of trouble; `ACTIONS` says what each does.

    `method` and `path` are regular expressions that must match somewhere (path with query); `nth` counts matching
    calls from 1; `times` of them in a row are hit, 0 for all that follow; with `for_s` all of them are hit until
    so many seconds of the sandbox's clock have passed since the first hit.

    A kill without a `pid` means the process that the control call `process` names; until it has named one, the call
    that is to be the last waits for it.
    """

    action: str
    method: str = ""
    path: str = ""
    nth: int = 1
    times: int = 1
    for_s: float = 0.0
    status: int = 0
    body: Any = None
    headers: Mapping[str, str] | None = None
    policy: str = ""  # of the limits that the CRM has; "": the one that is hit most
    variant: str = ""
    retry_after: float = 0.0
    latency_ms: int = 0
    pieces: int = 8
    rows: int = -1
    pid: int = 0
    control: str = ""
    seen: int = 0
    struck: int = 0
    over_at: int | None = None

    def strikes(self, method: str, target: str, now: int) -> bool:
        """Whether this call is one that is meant; counts it."""
        if not (re.search(self.method, method) and re.search(self.path, target)):
            return False
        self.seen += 1
        if not self._meant(now):
            return False
        self.struck += 1
        return True

    def _meant(self, now: int) -> bool:
        if self.seen < self.nth:
            return False
        if self.for_s:
            self.over_at = self.over_at or now + round(self.for_s * 1000)
            return now < self.over_at
        return self.times == 0 or self.seen < self.nth + self.times

    def as_json(self) -> dict[str, Any]:
        """As it was given, with how many calls matched and how many were hit."""
        given = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in _COUNTED}
        plain = Fault(self.action)
        told = {name: value for name, value in given.items() if name == "action" or value != getattr(plain, name)}
        return told | {"seen": self.seen, "struck": self.struck}


class Faults:
    """The script: faults in the order given, the first that strikes a call decides; every `do` is done besides."""

    def __init__(self) -> None:
        self._script: list[Fault] = []

    def __iter__(self) -> Any:
        return iter(self._script)

    def add(self, fault: Fault) -> Fault:
        self._script.append(fault)
        return fault

    def clear(self) -> None:
        self._script.clear()

    def striking(self, method: str, target: str, now: int) -> tuple[list[Fault], Fault | None]:
        """What to do first, and the fault that hits this call. Every fault counts it, so that `nth` does not depend
        on the others."""
        if not self._script:
            return [], None
        struck = [fault for fault in self._script if fault.strikes(method, target, now)]
        others = [fault for fault in struck if fault.action != "do"]
        return [fault for fault in struck if fault.action == "do"], others[0] if others else None


_COUNTED = ("seen", "struck", "over_at")
_DEFAULTS = {name: value for name, value in asdict(Fault("")).items() if name not in _COUNTED}


def fault_from(wanted: Mapping[str, Any], *, policies: Collection[str], variants: Collection[str]) -> Fault:
    """A fault from JSON, with the names that the CRM's limits have; ValueError says what is wrong with it."""
    if unknown := sorted(set(wanted) - set(_DEFAULTS)):
        raise ValueError(f"unknown key {unknown[0]!r} in a fault; there are {', '.join(sorted(_DEFAULTS))}")
    fault = Fault(**{name: _fitting(name, value) for name, value in wanted.items()} | {"action": wanted.get("action")})
    if fault.action not in ACTIONS:
        raise ValueError(f"action is one of {', '.join(ACTIONS)}")
    for name in ("method", "path"):
        try:
            re.compile(getattr(fault, name))
        except re.error as wrong:
            raise ValueError(f"{name} is no regular expression: {wrong}") from None
    if fault.policy and fault.policy not in policies:
        raise ValueError(f"policy is one of {', '.join(policies)}")
    if fault.variant and fault.variant not in variants:
        raise ValueError(f"variant is one of {', '.join(variants)}")
    if fault.action == "do" and not fault.control:
        raise ValueError("do wants the name of a control call as `control`")
    return fault


def fault_from_words(text: str) -> dict[str, Any]:
    """A fault's JSON from a command line: as it is, or the action and words ("drop_after path=/tasks nth=2")."""
    if text.startswith("{"):
        try:
            found: dict[str, Any] = orjson.loads(text)
        except orjson.JSONDecodeError as wrong:
            raise ValueError(f"--fault {text}: {wrong}") from None
        return found
    action, *words = text.split()
    wanted: dict[str, Any] = {"action": action}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator:
            raise ValueError(f"--fault wants an action and key=value words, or JSON; not {word!r}")
        wanted[name] = value
    return wanted


def _fitting(name: str, value: Any) -> Any:
    """A value as the field wants it, so that words of a command line do, too; ValueError names the key."""
    default = _DEFAULTS[name]
    if default is None:
        return orjson.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
    if isinstance(default, str):
        return str(value)
    try:
        return type(default)(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} of a fault is a number, not {value!r}") from None
