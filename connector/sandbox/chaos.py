"""
Trouble by chance: the switch `chaos` is the share of calls that meet some, `chaos_of` says of which kinds.

Which call meets which trouble depends on the seed and on how many calls came before, on nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from connector.sandbox.chance import share
from connector.sandbox.faults import Fault

if TYPE_CHECKING:
    from connector.sandbox.shell import CommonSwitches

Wanted = dict[str, Any]
Kinds = Mapping[str, tuple[Wanted, ...]]

#: What each kind may do. All of it passes by itself; a spent daily pool or a bad certificate would not.
KINDS: Kinds = {
    "throttled": (
        {"action": "throttle"},
        {"action": "throttle", "policy": "SECONDLY", "retry_after": 1},
        {"action": "throttle", "variant": "category"},
        {"action": "throttle", "variant": "bare", "retry_after": 1},
    ),
    "locked": ({"action": "answer", "status": 423},),
    "moving": ({"action": "answer", "status": 477, "retry_after": 1},),
    "server_error": tuple({"action": "answer", "status": status} for status in (500, 502, 503, 504)),
    "edge_error": tuple({"action": "answer", "status": status} for status in (521, 522, 523, 524)),
    "dropped": ({"action": "drop_before"}, {"action": "drop_after"}),
    "garbled": ({"action": "malformed"}, {"action": "truncated"}, {"action": "html"}),
    "slow": ({"action": "slow", "latency_ms": 50}, {"action": "drip", "pieces": 4, "latency_ms": 5}),
}


class Chaos:
    """Draws a lot for each call."""

    def __init__(self, kinds: Kinds = KINDS) -> None:
        self._kinds = kinds
        self._calls = 0

    def striking(self, switches: CommonSwitches) -> Fault | None:
        """The trouble that this call meets; None for most."""
        if not switches.chaos:
            return None
        self._calls += 1
        if share(switches.chance_seed, "chaos", self._calls) >= switches.chaos:
            return None
        kinds = [self._kinds[one] for one in switches.chaos_of]
        kind = kinds[int(share(switches.chance_seed, "kind", self._calls) * len(kinds))]
        return Fault(**kind[int(share(switches.chance_seed, "which", self._calls) * len(kind))])
