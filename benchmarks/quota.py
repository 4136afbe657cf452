"""
How well a backfill uses the quota: the account with latency and quotas as a middling customer has them, watched from
its own side while the connector reads and writes everybody.

Calls of every class count together, as the connector takes them to. The first and the last seconds of reading and of
writing are left out: a window of ten seconds has to fill before it can be full.
"""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import orjson

#: Calls in any ten seconds, and the seconds that every call takes on its way.
BURST, LATENCY_MS = 190, 150
SWITCHES = (f"burst={BURST}", "associations_burst=150", f"latency_ms={LATENCY_MS}", "daily=1000000000")

#: Seconds left out at both ends, and between two looks.
MARGIN, EVERY = 10.0, 0.5

READING, WRITING = ("list",), ("batch_update",)


@dataclass(frozen=True, slots=True)
class Look:
    """The account's own tally at one moment."""

    at: float
    calls: dict[str, int]
    throttled: int

    def of(self, classes: Sequence[str]) -> int:
        """Calls of these classes so far."""
        return sum(self.calls.get(name, 0) for name in classes)


def watched(command: Sequence[str], environment: dict[str, str], url: str, patience: float) -> dict[str, Any]:
    """Run a measure and watch the account meanwhile."""
    looks = [_look(url)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        end = time.monotonic() + patience
        while process.poll() is None:
            if time.monotonic() > end:
                process.kill()
                raise TimeoutError(f"{command[2]} did not end within {patience:.0f} s")
            time.sleep(EVERY)
            looks.append(_look(url))
        said = process.stdout.read() if process.stdout else b""
    if process.returncode:
        raise RuntimeError(f"{command[2]} ended with {process.returncode}")
    result: dict[str, Any] = orjson.loads(said.splitlines()[-1])
    return {
        **result,
        "reading": used(looks, READING),
        "writing": used(looks, WRITING),
        "throttled": looks[-1].throttled - looks[0].throttled,
    }


def used(looks: Sequence[Look], classes: Sequence[str]) -> dict[str, float]:
    """The share of the quota used between the first and the last call of these classes, without the margins."""
    moments = [b.at for a, b in pairwise(looks) if b.of(classes) > a.of(classes)]
    if not moments:
        return {"share": 0.0, "seconds": 0.0}
    margin = min(MARGIN, (moments[-1] - moments[0]) / 4)  # of a small account there would be nothing left
    middle = [look for look in looks if moments[0] + margin <= look.at <= moments[-1] - margin]
    if len(middle) < 2:
        return {"share": 0.0, "seconds": 0.0}
    seconds = middle[-1].at - middle[0].at
    calls = sum(middle[-1].calls.values()) - sum(middle[0].calls.values())
    return {"share": calls / (seconds / 10 * BURST), "seconds": seconds}


def _look(url: str) -> Look:
    with urllib.request.urlopen(f"{url}/_sandbox/state", timeout=60) as answer:
        state = orjson.loads(answer.read())
    return Look(time.monotonic(), state["calls"], state["throttled"])
