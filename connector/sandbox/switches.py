"""
What can be turned on the sandbox while it runs.

A switch is one field here; the room that obeys it asks `world.switches`. Later manners (random lag, shrinking
batch limits, automation that fights back) join as further fields and are reachable at once from the constructor,
the control path `/_sandbox/switches` and the command line (`--set name=value`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Switches:
    """The manners of the account; the defaults are those of a Starter account in good health."""

    rate_limits: bool = True
    burst: int = 100  # calls per rolling 10 s and app
    associations_burst: int = 100  # the associations API counts by itself
    search_per_second: int = 5  # per account
    daily: int = 250_000  # per account, until midnight in its time zone
    latency_ms: int = 0
    index_lag_s: float = 0.0  # search sees the world as it was this long ago
    lifecycle: Literal["forward_only", "any"] = "forward_only"
    batch_errors: Literal["refuse", "partial"] = "refuse"  # one bad row: 400 for all, or 207
    deal_moves_stage: bool = False  # portal automation: a deal makes its contacts opportunities, a won one customers
    merged_ids_answer: bool = True  # reading a merged-away id returns the survivor

    def turned(self, wanted: Mapping[str, Any]) -> Switches:
        """A copy with some switches turned. Values may be text; raises ValueError naming a bad one."""
        known = {one.name: one.default for one in fields(self)}
        if unknown := sorted(set(wanted) - set(known)):
            raise ValueError(f"unknown switch {unknown[0]!r}; there are {', '.join(known)}")
        turned: dict[str, Any] = {name: _like(known[name], name, value) for name, value in wanted.items()}
        return replace(self, **turned)


_CHOICES = {"lifecycle": ("forward_only", "any"), "batch_errors": ("refuse", "partial")}


def _like(default: object, name: str, value: Any) -> object:
    """`value` as the type of the switch's default, so that "true" and "150" from a command line work."""
    if isinstance(default, bool):
        if str(value).lower() not in ("true", "false"):
            raise ValueError(f"switch {name!r} is true or false, not {value!r}")
        return str(value).lower() == "true"
    if isinstance(default, int | float):
        try:
            return type(default)(value)
        except (TypeError, ValueError):
            raise ValueError(f"switch {name!r} is a number, not {value!r}") from None
    if value not in _CHOICES[name]:
        raise ValueError(f"switch {name!r} is one of {', '.join(_CHOICES[name])}, not {value!r}")
    return value
