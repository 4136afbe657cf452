"""
What can be turned on the sandbox while it runs.

A switch is one field here, with the sentence that tells it; the room that obeys it asks `world.switches`. Each is
reachable at once from the constructor, the control path `/_sandbox/switches`, a `do` fault in the middle of a run and
the command line (`--set name=value`).
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.sandbox.schema import KINDS
from connector.sandbox.turning import Turnable, switch

#: The kinds of trouble that chance knows; `chaos` says what each may do.
TROUBLES = ("throttled", "locked", "moving", "server_error", "edge_error", "dropped", "garbled", "slow")


@dataclass(frozen=True, slots=True)
class Switches(Turnable):
    """The manners of the account; the defaults are those of a Starter account in good health."""

    # -- limits and time
    rate_limits: bool = switch(True, "refuses calls beyond the limits below")
    burst: int = switch(100, "calls per rolling 10 s and app")
    associations_burst: int = switch(100, "calls per rolling 10 s to the associations API, which counts by itself")
    search_per_second: int = switch(5, "searches per second and account")
    daily: int = switch(250_000, "calls per account until midnight in its time zone")
    throttle_body: str = switch("policy", "how the body of a 429 tells its kind", "policy", "category", "bare")
    retry_after: bool = switch(False, "a 429 says in Retry-After when there is room again")
    foreign_calls_per_s: float = switch(0.0, "another app spends so many calls of the daily pool each second")
    foreign_calls_per_call: float = switch(0.0, "and so many beside each call of ours")
    foreign_search_per_s: int = switch(0, "another app takes so many of the searches per second")
    tells_time: bool = switch(False, "answers carry the account's time in a Date header")
    latency_ms: int = switch(0, "answers this much later")
    latency_jitter_ms: int = switch(0, "and up to so much later or earlier than that, by chance")

    # -- access
    token_life_s: float = switch(1800.0, "seconds until an OAuth access token ends")
    rotate_refresh_token: bool = switch(False, "each refresh hands out a new refresh token, the old one ends")

    # -- reading
    index_lag_s: float = switch(0.0, "search sees the world as it was this long ago")
    index_lag_random_s: float = switch(0.0, "and up to so many seconds longer ago, for each record another while")
    time_grain_ms: int = switch(1, "modifications carry instants rounded down to this many milliseconds", least=1)
    list_limit: int = switch(100, "records on a page of a list at most; more are a 400")
    history_limit: int = switch(50, "records with property history on a page or in a batch read at most")
    search_limit: int = switch(200, "records on a page of a search at most")
    search_depth: int = switch(10_000, "how far a search can be paged; beyond is a 400")
    search_ghosts: int = switch(0, "a search begins with so many rows that are not there: short and empty pages")
    lost_rows_every: int = switch(0, "every n-th row of lists and searches is left out without a word")
    lost_results_every: int = switch(0, "every n-th result of a batch is left out of its answer without a word")
    associations_omitted: tuple[str, ...] = switch((), "links to these objects are told as if there were none", *KINDS)
    merged_ids_answer: bool = switch(True, "reading a merged-away id returns the survivor")

    # -- writing
    batch_limit: int = switch(100, "records in a batch at most; more are a 400")
    associations_limit: int = switch(1000, "records in a batch read of associations at most")
    batch_errors: str = switch("refuse", "one bad row of a batch: 400 for all, or a 207", "refuse", "partial")
    lifecycle: str = switch("forward_only", "whether a stage may be written back", "forward_only", "any")
    normalise_values: bool = switch(False, "stores phones, numbers, e-mail addresses and domains in a form of its own")
    merge_makes_new_id: bool = switch(False, "a merge ends both records and makes a third")
    deal_moves_stage: bool = switch(False, "a deal makes its contacts opportunities, a won one customers")

    # -- chance
    chaos: float = switch(0.0, "the share of calls that meet trouble by chance", most=1)
    chaos_of: tuple[str, ...] = switch(TROUBLES, "the kinds of trouble that chance picks from", *TROUBLES)
    chance_seed: int = switch(7, "what all chance here depends on")
