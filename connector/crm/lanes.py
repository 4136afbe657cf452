"""
How many requests may be under way at once, where nobody says what a server bears: begin low, grow slowly, halve when it
complains.

A lane more is opened after a number of answers without a complaint, and only while all lanes are in use; a complaint
closes half of them, once for all requests that were under way then. What the server recommends is a ceiling, which
the processes on one ledger divide between them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connector.crm.priorities import PRIORITIES, Priority, rank_of
from connector.crm.quota import Entry, Facts, Lease

#: Lanes at the beginning.
TO_BEGIN_WITH = 4

#: Good answers, with all lanes in use, after which another lane is opened.
PATIENCE = 20

#: For how many seconds as many lanes as drew a complaint about their number are not opened again.
REMEMBERED = 600.0

#: Seconds for which a process is believed to use its lanes without saying so again.
LEASED = 30.0

#: Seconds between two looks of whoever waits, at whether anybody still wants the answer.
GLANCE = 0.5


class Lanes:
    """The requests of one user of a server; a page of the book. Safe to share between threads."""

    def __init__(self, most: int, *, clock: Callable[[], float]) -> None:
        self._most, self._clock = most, clock
        self._hint: int | None = None
        self._changed = threading.Condition()
        self._open = float(TO_BEGIN_WITH)
        self._used = 0
        self._waiting = [0] * len(PRIORITIES)
        self._good = 0  # answers since the number of lanes last changed
        self._halved_at = float("-inf")
        self._too_many, self._too_many_until = most + 1, float("-inf")
        self._processes = 1

    @property
    def open(self) -> int:
        """Lanes that may be used now."""
        return max(1, min(int(self._open), self.ceiling))

    @property
    def ceiling(self) -> int:
        """Lanes that may be used at most: our part of what the server recommends."""
        most = min(self._most, self._hint or self._most)
        if self._clock() < self._too_many_until:
            most = min(most, self._too_many - 1)
        return max(1, most // self._processes)

    def take(self, priority: Priority | None, awake: Callable[[float], None]) -> float:
        """Wait for a lane and return the instant at which it was taken; the urgent go first. `awake` is called now and
        then with 0 seconds to sleep, so that whoever waits in vain may be told to stop."""
        rank = rank_of(priority)
        with self._changed:
            self._waiting[rank] += 1
            try:
                while not self.try_take(priority):
                    awake(0.0)
                    self._changed.wait(GLANCE)
            finally:
                self._waiting[rank] -= 1
                self._changed.notify_all()  # whoever let us pass may be next
            return self._clock()

    def try_take(self, priority: Priority | None = None) -> bool:
        """Take a lane where one is free and nobody more urgent waits for it."""
        with self._changed:
            if self._used >= self.open or any(self._waiting[: rank_of(priority)]):
                return False
            self._used += 1
            return True

    def give_back(self, *, good: bool) -> None:
        """The answer is here; `good` unless the server complained of us."""
        with self._changed:
            full = self._used >= self.open
            self._used -= 1
            if good and full and self._open < self.ceiling:
                self._good += 1
                if self._good >= PATIENCE:
                    self._open, self._good = self._open + 1, 0
            self._changed.notify_all()

    def recommended(self, lanes: int) -> None:
        """The server says how many requests at once suit it best."""
        with self._changed:
            self._hint = lanes if lanes > 0 else None
            self._changed.notify_all()

    def complained(self, since: float, *, of_their_number: bool) -> None:
        """A request that was under way since then was refused for what we do altogether."""
        with self._changed:
            if since <= self._halved_at:
                return  # sent before the last halving, which answers it
            if of_their_number:
                self._too_many, self._too_many_until = self.open, self._clock() + REMEMBERED
            self._open, self._good = max(1.0, self.open / 2), 0
            self._halved_at = self._clock()

    def entry(self, now: float, *, leaving: bool) -> Entry:
        """See connector.crm.desk.Member."""

        def entered(facts: Facts, others: Sequence[Mapping[str, Any]]) -> tuple[Facts, Lease | None]:
            with self._changed:
                self._hint = self._hint or facts.get("hint")
                self._processes = 1 + len(others)
                self._changed.notify_all()
                return {**facts, "hint": self._hint}, None if leaving else ({"lanes": self.open}, now + LEASED)

        return entered
