"""What the search index has taken in: everything up to a while ago, for some records a longer while than for others."""

from __future__ import annotations

from connector.sandbox.chance import share
from connector.sandbox.records import Row, Until
from connector.sandbox.world import World


def taken_in(world: World, kind: str) -> Until | None:
    """Up to when the index knows each row; None when it knows everything."""
    switches = world.switches
    if not (switches.index_lag_s or switches.index_lag_random_s):
        return None
    now = world.clock.now() - round(switches.index_lag_s * 1000)
    spread, seed = switches.index_lag_random_s * 1000, switches.chance_seed
    if not spread:
        return lambda row: now

    def until(row: Row) -> int:
        return now - round(spread * share(seed, kind, row.id))

    return until
