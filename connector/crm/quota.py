"""
Where processes meet about a quota: pools, their pages, and the book that holds them.

A *pool* is what the CRM counts together: the burst of a token; the searches, associations and the day of an account.
Its page holds what is known of the quota and who has how many places of it until when. Places are leased: a process
that does not come back loses them, one that needs fewer gives the rest back. Names of pools are hashes; a token never
stands in the book.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

#: What is known of a pool, as plain JSON.
Facts = dict[str, Any]

#: What one process has of a pool, as plain JSON, and the instant until which it counts.
Lease = tuple[Mapping[str, Any], float]

#: From what is known and what others have to what is known now and what this process has (None: nothing).
Entry = Callable[[Facts, Sequence[Mapping[str, Any]]], tuple[Facts, Lease | None]]

#: Processes that share a book agree on the time to so many seconds.
SKEW = 0.5


class Book(Protocol):
    """Pages of pools, shared by processes. Instants are seconds since 1970; a lease that has ended is none."""

    def enter(self, holder: str, now: float, entries: Mapping[str, Entry]) -> None:
        """Let each entry see the page of its pool and change it: all at once, and nobody in between."""

    def close(self) -> None:
        """Nobody writes any more for now; a later entry opens it again."""


class OwnBook:
    """The book of a process that shares its quotas with no other."""

    def __init__(self) -> None:
        self._facts: dict[str, Facts] = {}
        self._leases: dict[tuple[str, str], Lease] = {}

    def enter(self, holder: str, now: float, entries: Mapping[str, Entry]) -> None:
        """See Book."""
        self._leases = {key: one for key, one in self._leases.items() if one[1] > now}
        for pool, entry in entries.items():
            others = [one[0] for (name, who), one in self._leases.items() if name == pool and who != holder]
            self._facts[pool], lease = entry(dict(self._facts.get(pool, {})), others)
            self._leases.pop((pool, holder), None)
            if lease is not None:
                self._leases[pool, holder] = lease

    def close(self) -> None:
        """See Book."""


def hashed(*parts: str) -> str:
    """The same name in every process, and no way back from it."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def day_of(host: str, account: str) -> str:
    """The pool of an account's daily calls."""
    return f"day {hashed(host, account)}"
