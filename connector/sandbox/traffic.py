"""
What the sandbox saw of its clients: how many calls, how close together, how many at once.

It counts by itself what a client claims of its own pace: the fullest ten seconds, and how much of a limit was used.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from connector.sandbox.clock import iso
from connector.sandbox.limits import WINDOW_MS

#: How many seconds are remembered one by one.
MOST_SECONDS = 4 * 3600


class Traffic:
    """Counters over every call that reached the account's door."""

    def __init__(self) -> None:
        self.arrived = 0
        self.under_way = 0
        self.most_under_way = 0
        self.trouble: Counter[str] = Counter()  # calls that a fault or chaos struck, by action
        self._lines: dict[str, _Line] = {}

    def begin(self) -> None:
        """A call arrives."""
        self.arrived += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)

    def end(self) -> None:
        """Its answer went out, or what a fault left of it."""
        self.under_way -= 1

    def count(self, bucket: str, now: int, *, refused: bool) -> None:
        """One call that counts against a limit."""
        line = self._lines.get(bucket)
        if line is None:
            line = self._lines[bucket] = _Line()
        line.add(now)
        line.refused += refused

    def summary(self) -> dict[str, Any]:
        """The ceiling: what `state` tells."""
        fullest = {bucket: {"10s": line.most_in_10, "1s": line.most_in_1} for bucket, line in self._lines.items()}
        return {
            "arrived": self.arrived,
            "under_way_at_most": self.most_under_way,
            "fullest": fullest,
            "trouble": dict(self.trouble),
        }

    def per_second(self, bucket: str) -> dict[str, Any]:
        """Calls against one limit, second by second of the sandbox's clock."""
        line = self._lines.get(bucket)
        if line is None:
            return {"calls": 0, "refused": 0, "from": None, "per_second": []}
        first, last = min(line.seconds), max(line.seconds)
        told = [line.seconds[second] for second in range(first, min(last, first + MOST_SECONDS) + 1)]
        return {"calls": line.calls, "refused": line.refused, "from": iso(first * 1000), "per_second": told}


class _Line:
    """The calls of one bucket in time."""

    def __init__(self) -> None:
        self.calls = self.refused = self.most_in_10 = self.most_in_1 = 0
        self.seconds: Counter[int] = Counter()
        self._ten: deque[int] = deque()
        self._one: deque[int] = deque()

    def add(self, now: int) -> None:
        self.calls += 1
        self.most_in_10 = max(self.most_in_10, _fill(self._ten, now, WINDOW_MS))
        self.most_in_1 = max(self.most_in_1, _fill(self._one, now, 1000))
        self.seconds[now // 1000] += 1
        if len(self.seconds) > MOST_SECONDS:
            del self.seconds[min(self.seconds)]


def _fill(window: deque[int], now: int, span: int) -> int:
    """How many calls a rolling window holds with this one."""
    window.append(now)
    while window[0] <= now - span:
        window.popleft()
    return len(window)


def busy(told: dict[str, Any], limit_per_10_s: int, *, trim_s: int = 10) -> float | None:
    """The share of a limit that was used between the first and the last `trim_s` seconds; None for too short a time."""
    seconds = told["per_second"][trim_s:-trim_s] if trim_s else told["per_second"]
    return sum(seconds) / (len(seconds) * limit_per_10_s / 10) if seconds else None
