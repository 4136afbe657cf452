"""
What can be turned on the sandbox while it runs.

A switch is one field here, with the sentence that tells it; the room that obeys it asks `world.switches`. Each is
reachable at once from the constructor, the control path `/_sandbox/switches`, a `do` fault in the middle of a run and
the command line (`--set name=value`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from math import inf
from typing import Any

from connector.sandbox.schema import KINDS

#: The kinds of trouble that chance knows; `chaos` says what each may do.
TROUBLES = ("throttled", "locked", "moving", "server_error", "edge_error", "dropped", "garbled", "slow")


def _switch(default: Any, says: str, *choices: str, least: float = 0, most: float = inf) -> Any:
    return field(default=default, metadata={"says": says, "choices": choices, "least": least, "most": most})


@dataclass(frozen=True, slots=True)
class Switches:
    """The manners of the account; the defaults are those of a Starter account in good health."""

    # -- limits and time
    rate_limits: bool = _switch(True, "refuses calls beyond the limits below")
    burst: int = _switch(100, "calls per rolling 10 s and app")
    associations_burst: int = _switch(100, "calls per rolling 10 s to the associations API, which counts by itself")
    search_per_second: int = _switch(5, "searches per second and account")
    daily: int = _switch(250_000, "calls per account until midnight in its time zone")
    throttle_body: str = _switch("policy", "how the body of a 429 tells its kind", "policy", "category", "bare")
    retry_after: bool = _switch(False, "a 429 says in Retry-After when there is room again")
    foreign_calls_per_s: float = _switch(0.0, "another app spends so many calls of the daily pool each second")
    foreign_calls_per_call: float = _switch(0.0, "and so many beside each call of ours")
    foreign_search_per_s: int = _switch(0, "another app takes so many of the searches per second")
    tells_time: bool = _switch(False, "answers carry the account's time in a Date header")
    latency_ms: int = _switch(0, "answers this much later")
    latency_jitter_ms: int = _switch(0, "and up to so much later or earlier than that, by chance")

    # -- access
    token_life_s: float = _switch(1800.0, "seconds until an OAuth access token ends")
    rotate_refresh_token: bool = _switch(False, "each refresh hands out a new refresh token, the old one ends")

    # -- reading
    index_lag_s: float = _switch(0.0, "search sees the world as it was this long ago")
    index_lag_random_s: float = _switch(0.0, "and up to so many seconds longer ago, for each record another while")
    time_grain_ms: int = _switch(1, "modifications carry instants rounded down to this many milliseconds", least=1)
    list_limit: int = _switch(100, "records on a page of a list at most; more are a 400")
    history_limit: int = _switch(50, "records with property history on a page or in a batch read at most")
    search_limit: int = _switch(200, "records on a page of a search at most")
    search_depth: int = _switch(10_000, "how far a search can be paged; beyond is a 400")
    search_ghosts: int = _switch(0, "a search begins with so many rows that are not there: short and empty pages")
    lost_rows_every: int = _switch(0, "every n-th row of lists and searches is left out without a word")
    lost_results_every: int = _switch(0, "every n-th result of a batch is left out of its answer without a word")
    associations_omitted: tuple[str, ...] = _switch((), "links to these objects are told as if there were none", *KINDS)
    merged_ids_answer: bool = _switch(True, "reading a merged-away id returns the survivor")

    # -- writing
    batch_limit: int = _switch(100, "records in a batch at most; more are a 400")
    associations_limit: int = _switch(1000, "records in a batch read of associations at most")
    batch_errors: str = _switch("refuse", "one bad row of a batch: 400 for all, or a 207", "refuse", "partial")
    lifecycle: str = _switch("forward_only", "whether a stage may be written back", "forward_only", "any")
    normalise_values: bool = _switch(False, "stores phones, numbers, e-mail addresses and domains in a form of its own")
    merge_makes_new_id: bool = _switch(False, "a merge ends both records and makes a third")
    deal_moves_stage: bool = _switch(False, "a deal makes its contacts opportunities, a won one customers")

    # -- chance
    chaos: float = _switch(0.0, "the share of calls that meet trouble by chance", most=1)
    chaos_of: tuple[str, ...] = _switch(TROUBLES, "the kinds of trouble that chance picks from", *TROUBLES)
    chance_seed: int = _switch(7, "what all chance here depends on")

    def turned(self, wanted: Mapping[str, Any]) -> Switches:
        """A copy with some switches turned. Values may be text; raises ValueError naming a bad one."""
        known = {one.name: one for one in fields(self)}
        if unknown := sorted(set(wanted) - set(known)):
            raise ValueError(f"unknown switch {unknown[0]!r}; there are {', '.join(known)}")
        turned: dict[str, Any] = {name: _fitting(known[name], value) for name, value in wanted.items()}
        return replace(self, **turned)


def _fitting(switch: Field[Any], value: Any) -> object:
    """`value` as the type of the switch's default, so that "true" and "150" from a command line work."""
    name, default, choices = switch.name, switch.default, switch.metadata["choices"]
    if isinstance(default, bool):
        if str(value).lower() not in ("true", "false"):
            raise ValueError(f"switch {name!r} is true or false, not {value!r}")
        return str(value).lower() == "true"
    if isinstance(default, int | float):
        return _number(switch, type(default), value)
    if isinstance(default, tuple):
        parts = tuple(filter(None, value.split(",")) if isinstance(value, str) else value)
        if wrong := [part for part in parts if part not in choices]:
            raise ValueError(f"switch {name!r} names some of {', '.join(choices)}, not {wrong[0]!r}")
        return parts
    if value not in choices:
        raise ValueError(f"switch {name!r} is one of {', '.join(choices)}, not {value!r}")
    return value


def _number(switch: Field[Any], type_: type[int | float], value: Any) -> float:
    least, most = switch.metadata["least"], switch.metadata["most"]
    try:
        number = type_(value)
    except (TypeError, ValueError):
        raise ValueError(f"switch {switch.name!r} is a number, not {value!r}") from None
    if not least <= number <= most:
        raise ValueError(
            f"switch {switch.name!r} is {least} or more{f', up to {most}' if most < inf else ''}, not {value}"
        )
    return number
