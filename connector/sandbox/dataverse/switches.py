"""What can be turned on the Dataverse sandbox while it runs, told as those of the HubSpot one are."""

from __future__ import annotations

from dataclasses import dataclass

from connector.sandbox.turning import Turnable, switch

#: The kinds of trouble that chance knows; `trouble.KINDS` says what each may do.
TROUBLES = ("throttled", "server_error", "sql_error", "dropped", "garbled", "slow")


@dataclass(frozen=True, slots=True)
class Switches(Turnable):
    """The manners of the environment; the defaults are those of one in good health."""

    # -- limits and time
    tells_time: bool = switch(False, "answers carry the environment's time in a Date header")
    rate_limits: bool = switch(True, "refuses calls beyond the three limits below")
    requests: int = switch(6000, "calls per rolling 300 s, user and web server")
    execution_s: float = switch(1200.0, "seconds of execution time per rolling 300 s, user and web server")
    concurrency: int = switch(52, "calls under way at once, per user and web server")
    execution_ms: float = switch(
        0.0, "execution time of each operation, beside the latency of its call, which counts too"
    )
    servers: int = switch(
        1, "web servers, each with limits of its own; the affinity cookie keeps a caller on one", least=1
    )
    retry_after: str = switch("seconds", "how a 429 says when to come back", "seconds", "date", "none")
    entitlement: int = switch(
        0, "requests per day before calls are refused (each target of a bulk message is one); 0 counts only"
    )
    dop_hint: int = switch(10, "the concurrency that x-ms-dop-hint advises; 0 tells none")
    latency_ms: int = switch(0, "answers this much later")
    latency_jitter_ms: int = switch(0, "and up to so much later or earlier than that, by chance")

    # -- access
    token_life_s: float = switch(3600.0, "seconds until an access token ends")

    # -- reading
    page_limit: int = switch(5000, "rows on a page at most, whatever odata.maxpagesize says", least=1)
    address_limit: int = switch(32_768, "characters of an address at most; longer ones are a 414")
    conditions: int = switch(500, "comparisons in a $filter at most, and four times as many values in its lists")
    empty_last_page: bool = switch(False, "a full last page has a link to one more page that is empty")
    delta_days: float = switch(7.0, "days until a delta link is dead; organizations tell the whole ones")
    delta_dead: int = switch(400, "the status that a dead delta link answers with", least=400, most=599)
    delta_empty: str = switch(
        "link", "a delta without changes: no rows and a new link, or a bare object", "link", "bare"
    )
    delta_unselected: bool = switch(True, "a delta tells rows of which only columns outside $select changed")
    annotations_cost_link: bool = switch(True, "asking for annotations loses the delta link of the last page")
    foreign_links: bool = switch(False, "links to pages and changes lead to another host")
    lost_rows_every: int = switch(0, "every n-th row of pages is left out without a word")
    secured_read: str = switch("omit", "a secured column is told as null, or the read is refused", "omit", "refuse")

    # -- writing
    batch_limit: int = switch(1000, "operations in a $batch at most")
    body_limit: int = switch(16_000_000, "bytes of a body at most; more are a 413")
    missing_row: str = switch("404", "an ETag for a row that is gone: 404, or 412", "404", "412")
    blank_codes: bool = switch(False, "errors carry an empty code, as in some of the vendor's samples")
    closed_deals: str = switch("refuse", "a plain write that closes a deal is refused or done", "refuse", "accept")
    change_set_errors: str = switch("one", "a failed change set answers with one part, or one for each", "one", "each")
    publish: bool = switch(False, "new columns can be used only after PublishXml or PublishAllXml")

    # -- chance
    chaos: float = switch(0.0, "the share of calls that meet trouble by chance", most=1)
    chaos_of: tuple[str, ...] = switch(TROUBLES, "the kinds of trouble that chance picks from", *TROUBLES)
    chance_seed: int = switch(7, "what all chance here depends on")
