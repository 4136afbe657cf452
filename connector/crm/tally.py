"""What became of the calls of one connection, counted; and how often one is tried while nobody has ever answered."""

from __future__ import annotations

import threading

from connector.crm import Calls

#: Before the account has ever answered, the address is more likely wrong than the network weak: say so soon.
FIRST_CONTACT = 3


class Tally:
    """The count of a run, which is another for each, and what is known for good. Safe to share between threads."""

    def __init__(self) -> None:
        self.calls = Calls()
        self._lock = threading.Lock()
        self._reached = False

    def sent(self, counted_as: str) -> None:
        """A request went out and came back, whatever it said."""
        with self._lock:
            self.calls.by_class[counted_as] = self.calls.by_class.get(counted_as, 0) + 1

    def refused(self) -> None:
        """It was refused for the pace."""
        with self._lock:
            self.calls.throttled += 1

    def retried(self) -> None:
        """It is tried once more."""
        with self._lock:
            self.calls.retries += 1

    def answered(self) -> None:
        """By what came back nobody else can have answered."""
        self._reached = True

    def attempts(self, most: int) -> int:
        """How often to try."""
        return most if self._reached else min(most, FIRST_CONTACT)
