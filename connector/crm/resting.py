"""
Waiting on a CRM: what for, and no longer than anybody is interested in the answer.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connector.errors import Transient


class Rest:
    """A sleep that ends when the connection is closed, and knows for what its threads wait."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._waiting: Counter[str] = Counter()

    def __call__(self, seconds: float) -> None:
        """Sleep. Raises Transient when the connection is closed before or meanwhile."""
        if self._sleep is not time.sleep:
            self._sleep(seconds)  # a test's clock, which moves at once
        if self._over.wait(seconds if self._sleep is time.sleep else 0.0):
            raise Transient("the connection was closed while a call waited for its turn", code="closed")

    def before_another_try(self, seconds: float) -> None:
        """Sleep after a failed call, for as long as the CRM asked or as it is wise."""
        with self.waiting_for(f"the {seconds:.0f} s before a failed call is tried again"):
            self(seconds)

    def end(self) -> None:
        """Nobody is interested any more."""
        self._over.set()

    @contextmanager
    def waiting_for(self, what: str) -> Iterator[None]:
        """Whoever asks meanwhile is told that this thread waits for this."""
        with self._lock:
            self._waiting[what] += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting[what] -= 1

    def told(self) -> str:
        """What most threads wait for; "" where none does."""
        with self._lock:
            self._waiting = +self._waiting
            return next((what for what, _ in self._waiting.most_common(1)), "")
