"""
What can be turned on the sandbox while it runs.

A switch is one field here, with the sentence that tells it; the room that obeys it asks `world.switches`. Each is
reachable at once from the constructor, the control path `/_sandbox/switches`, a `do` fault in the middle of a run and
the command line (`--set name=value`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal


def _switch(default: Any, says: str, *choices: str) -> Any:
    return field(default=default, metadata={"says": says, "choices": choices})


@dataclass(frozen=True, slots=True)
class Switches:
    """The manners of the account; the defaults are those of a Starter account in good health."""

    # -- limits
    rate_limits: bool = _switch(True, "refuses calls beyond the limits below")
    burst: int = _switch(100, "calls per rolling 10 s and app")
    associations_burst: int = _switch(100, "calls per rolling 10 s to the associations API, which counts by itself")
    search_per_second: int = _switch(5, "searches per second and account")
    daily: int = _switch(250_000, "calls per account until midnight in its time zone")
    latency_ms: int = _switch(0, "answers this much later")

    # -- access
    token_life_s: float = _switch(1800.0, "seconds until an OAuth access token ends")
    rotate_refresh_token: bool = _switch(False, "each refresh hands out a new refresh token, the old one ends")

    # -- reading
    index_lag_s: float = _switch(0.0, "search sees the world as it was this long ago")
    merged_ids_answer: bool = _switch(True, "reading a merged-away id returns the survivor")

    # -- writing
    lifecycle: Literal["forward_only", "any"] = _switch(
        "forward_only", "whether a stage may be written back", "forward_only", "any"
    )
    batch_errors: Literal["refuse", "partial"] = _switch(
        "refuse", "one bad row of a batch: 400 for all, or a 207", "refuse", "partial"
    )
    deal_moves_stage: bool = _switch(
        False, "portal automation: a deal makes its contacts opportunities, a won one customers"
    )

    def turned(self, wanted: Mapping[str, Any]) -> Switches:
        """A copy with some switches turned. Values may be text; raises ValueError naming a bad one."""
        known = {one.name: one for one in fields(self)}
        if unknown := sorted(set(wanted) - set(known)):
            raise ValueError(f"unknown switch {unknown[0]!r}; there are {', '.join(known)}")
        turned: dict[str, Any] = {
            name: _like(known[name].default, name, value, known[name].metadata["choices"])
            for name, value in wanted.items()
        }
        return replace(self, **turned)


def _like(default: object, name: str, value: Any, choices: tuple[str, ...]) -> object:
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
    if choices and value not in choices:
        raise ValueError(f"switch {name!r} is one of {', '.join(choices)}, not {value!r}")
    return str(value)
