"""
Staying inside a CRM's quota: who may send now, and how much of the day is ours.

A quota of "190 in any 10 seconds" is counted by the server when a request arrives there, which we never see. So an
entry of our log is under way until its *answer* is here and leaves the log one window after that: later than the
server forgets it, never earlier. A log kept by send times gets 429s; a refilled bucket leaves a tenth unused.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from connector.errors import Deferred

#: How long an observation that the day is spent holds before one call may look whether a new day has begun.
LOOK_AGAIN_AFTER = 600.0


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of the CRM's quota a connection may use: `share` and `daily_floor` concern the daily pool."""

    share: float = 0.5
    daily_floor: int = 50_000
    burst_share: float = 1.0


class SlidingLog:
    """Lets at most `limit` requests into any `window` seconds; safe to share between threads.

    `take` waits for a place, `give_back` reports that the answer is here. `learn` takes over what the server says
    about itself, `pause` stops everybody for a while (after a 429).
    """

    def __init__(
        self,
        limit: int,
        window: float,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        share: float = 1.0,
    ) -> None:
        self._limit, self._window, self._share = limit, window, share
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._answered: deque[float] = deque()
        self._under_way = 0
        self._foreign, self._foreign_until = 0, float("-inf")
        self._paused_until = float("-inf")

    def take(self) -> None:
        """Wait until one more request fits, and count it as under way."""
        while (wait := self.try_take()) > 0:
            self._sleep(wait)

    def give_back(self) -> None:
        """The answer has arrived: from now on the entry ages."""
        with self._lock:
            self._under_way -= 1
            self._answered.append(self._clock())

    def pause(self, seconds: float) -> None:
        """Nobody sends for so many seconds."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    def learn(self, limit: int, remaining: int | None = None, window: float | None = None) -> None:
        """Take over the server's own numbers; what it counts beyond our requests is somebody else's."""
        if limit < 1:
            return
        with self._lock:
            self._limit = limit
            self._window = window or self._window
            if remaining is not None:
                ours = self._under_way + len(self._answered)
                self._foreign = max(0, limit - remaining - ours)
                self._foreign_until = self._clock() + self._window

    @property
    def limit(self) -> int:
        """Requests a window that are ours at this moment, at least a tenth of the quota, so that work goes on."""
        whole = max(1, int(self._limit * self._share))
        foreign = self._foreign if self._clock() < self._foreign_until else 0
        return max(1, whole // 10, whole - foreign)

    def try_take(self) -> float:
        """Take a place and return 0, or return the seconds after which to try again."""
        with self._lock:
            now = self._clock()
            while self._answered and self._answered[0] + self._window <= now:
                self._answered.popleft()
            if self._paused_until > now:
                return self._paused_until - now
            if self._under_way + len(self._answered) < self.limit:
                self._under_way += 1
                return 0.0
            # With every place under way nothing can leave sooner than one window after an answer arriving now.
            oldest = self._answered[0] if self._answered else now
            # Never 0: rounding may leave a remainder too small to move the clock.
            return max(oldest + self._window - now, 0.001)


class DailyPool:
    """The account's daily quota, shared with every other app: ours is a share of it, and a floor stays untouched.

    The floor is never more than half of the quota: on a small account nothing could be sent otherwise.
    """

    def __init__(self, budget: Budget, clock: Callable[[], float]) -> None:
        self._budget, self._clock = budget, clock
        self._lock = threading.Lock()
        self._refused_at: float | None = None
        self.limit: int | None = None
        self.remaining: int | None = None
        self.sent = 0  # by us, since the day began as far as we saw it

    def take(self) -> None:
        """Count one call, or raise Deferred when our part of the day is spent."""
        with self._lock:
            spent = self._spent()
            if spent and not self._may_look_again():
                raise Deferred(f"{spent} The work goes on after the account's midnight.")
            self.sent += 1

    def learn(self, limit: int | None, remaining: int) -> None:
        """Take over the server's count; a rest that jumps up means that a new day has begun."""
        with self._lock:
            self.limit = limit or self.limit
            jump = (self.limit or 0) // 100
            if self.remaining is not None and remaining > self.remaining + jump:
                self.sent = 0
            self.remaining = remaining

    def exhausted(self) -> None:
        """The server itself says that the day is spent."""
        with self._lock:
            self.remaining = 0

    def _spent(self) -> str:
        if self.remaining == 0:
            return "The account's daily quota is spent."
        if self.limit is None or self.remaining is None:
            return ""
        own = int(self.limit * self._budget.share)
        floor = min(self._budget.daily_floor, self.limit // 2)
        if self.sent >= own:
            return f"This connection has used its share of the day, {own} calls (budget.share)."
        if self.remaining <= floor:
            return f"Only {self.remaining} calls are left today; {floor} stay for others (budget.daily_floor)."
        return ""

    def _may_look_again(self) -> bool:
        now = self._clock()
        if self._refused_at is None:
            self._refused_at = now
        if now - self._refused_at < LOOK_AGAIN_AFTER:
            return False
        self._refused_at = now
        return True
