"""
Who goes first when calls are scarce: webhook, incremental, reconcile, backfill.

One table serves the window of seconds and the day alike. A class may use a quota only up to its part of it; what is
above stays free for the more urgent. In the window that holds while a more urgent class is about; a backfill that has
the account to itself uses all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

Priority = Literal["webhook", "incremental", "reconcile", "backfill"]

#: The most urgent first.
PRIORITIES: tuple[Priority, ...] = ("webhook", "incremental", "reconcile", "backfill")

#: Up to which part of a quota (of our share of it) a class may call.
ROOM: Mapping[Priority, float] = {"webhook": 1.0, "incremental": 0.95, "reconcile": 0.9, "backfill": 0.8}

#: Calls of a day, above the floor that stays with others, that only the most urgent make: to end what was begun. Stages
#: that were cleared are set by some ten calls, or more where a batch is halved.
KEPT = 40

#: However much the more urgent want, so much of the window is for the others: everybody moves on.
AT_LEAST = 0.1

#: A class that called within so many seconds is about: room is kept for its next call.
ABOUT = 600.0

#: Places wanted of a quota, one number for each class.
Wants = Sequence[int]


def rank_of(priority: Priority | None) -> int:
    """0 for the most urgent. Who does not say counts as incremental: a person at a terminal, an opening run."""
    return PRIORITIES.index(priority or "incremental")


def portion(places: int, mine: Wants, others: Sequence[Wants], about: Sequence[bool]) -> int:
    """How many of `places` are for `mine`, when every process that draws from them reckons like this.

    The urgent are served first and leave a tenth; within a class who wants little gets it, and the rest is shared
    alike. `about` says of each class whether it called lately, here or elsewhere.
    """
    given, left = 0, places
    for rank, priority in enumerate(PRIORITIES):
        lower = sum(sum(one[rank + 1 :]) for one in (mine, *others))
        room = int(places * ROOM[priority]) if any(about[:rank]) else places
        most = min(left - min(lower, int(places * AT_LEAST)), room - (places - left))
        most = min(left, max(most, int(places * AT_LEAST), 0))
        theirs = [one[rank] for one in others]
        got = _alike(most, mine[rank], theirs)
        given += got
        left -= min(most, mine[rank] + sum(theirs))
    return given


def _alike(places: int, mine: int, theirs: Sequence[int]) -> int:
    """An equal share of places, but what others do not want of theirs goes to who wants more."""
    left, sharers = places, len(theirs) + 1
    for want in sorted(theirs):
        if want * sharers > left:
            break
        left -= want
        sharers -= 1
    return min(mine, -(-left // sharers))
