"""
Staying inside a quota of "190 in any 10 seconds": who may send now.

What is counted are requests, or what they weigh: where a server counts seconds of its work, a request takes the places
that it will probably need and gives back as many as it needed.

The server counts a request when it arrives there, which we never see. So an entry of our log is under way until its
*answer* is here and leaves the log one window after that: later than the server forgets it, never earlier. A log kept
by send times gets 429s; a refilled bucket leaves a tenth unused.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from connector.crm.priorities import ABOUT, AT_LEAST, PRIORITIES, ROOM, Priority, rank_of

#: Places a process asks for before it knows how many it will need.
TO_BEGIN_WITH = 8

#: For how many seconds others are left half of a quota whose answers do not say what they use.
RETREAT = 60.0

_NEVER = float("-inf")
_ALWAYS = float("inf")


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of the CRM's quota a connection may use: `share` and `daily_floor` concern the daily pool."""

    share: float = 0.5
    daily_floor: int = 50_000
    burst_share: float = 1.0


class SlidingLog:
    """Lets at most `limit` requests into any `window` seconds; safe to share between threads.

    `take` waits for a place (or for as many as a request weighs), `give_back` reports that the answer is here. `learn`
    takes over what the server says about itself, `pause` stops everybody for a while (after a 429). Where several
    processes draw from one quota, each has a number of places for a time (`grant`, see connector.crm.quota) and stands
    still without.
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
        self.share = share
        self.window = window
        self._limit = limit
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._answered: deque[tuple[float, int, int]] = deque()  # when, class, places
        self._occupied = [0] * len(PRIORITIES)  # places of each class, under way or answered less than a window ago
        self._peak = list(self._occupied)
        self._hungry = [0] * len(PRIORITIES)  # places that somebody of a class had to wait for since the last `wants`
        self._called = [_NEVER] * len(PRIORITIES)
        self._foreign, self._foreign_until = 0, _NEVER
        self._paused_until = _NEVER
        self._places, self._places_until, self._elsewhere = limit, _ALWAYS, 0
        self._leased = False

    def take(self, priority: Priority | None = None, weight: int = 1) -> None:
        """Wait until one more request fits, and count it as under way."""
        while (wait := self.try_take(priority, weight)) > 0:
            self._sleep(wait)

    def give_back(self, priority: Priority | None = None, weight: int = 1, taken: int = 1) -> None:
        """The answer has arrived: from now on the entry ages, with what it weighed in the end."""
        with self._lock:
            rank = rank_of(priority)
            self._occupied[rank] += weight - taken
            self._answered.append((self._clock(), rank, weight))

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
            self.window = window or self.window
            if remaining is not None:
                ours = sum(self._occupied) + self._elsewhere
                self._foreign = max(0, limit - remaining - ours)
                self._foreign_until = self._clock() + self.window

    def retreat(self, seconds: float = RETREAT, *, to_what_we_had: bool = False) -> None:
        """Refused, although by our own count there was room, and nobody tells how much others use: leave them half, or
        all that we did not have at this moment."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            theirs = self._limit - sum(self._occupied) if to_what_we_had else self._limit // 2
            self._foreign = max(self._foreign if now < self._foreign_until else 0, theirs)
            self._foreign_until = now + seconds

    @property
    def limit(self) -> int:
        """Requests a window that are ours at this moment, at least a tenth of the quota, so that work goes on."""
        whole = max(1, int(self._limit * self.share))
        foreign = self._foreign if self._clock() < self._foreign_until else 0
        # Others are left a little more than they have: in a window that we fill up they could never take more.
        return max(1, whole // 10, whole - foreign - foreign // 8)

    def try_take(self, priority: Priority | None = None, weight: int = 1) -> float:
        """Take a place, or `weight` of them, and return 0, or return the seconds after which to try again."""
        rank = rank_of(priority)
        with self._lock:
            now = self._clock()
            self._forget(now)
            if priority is not None:
                self._called[rank] = now
            if self._paused_until > now:
                return self._paused_until - now
            if self._fits(rank, weight, now):
                self._occupied[rank] += weight
                self._peak[rank] = max(self._peak[rank], self._occupied[rank])
                return 0.0
            self._hungry[rank] = max(self._hungry[rank], weight)
            # With every place under way nothing can leave sooner than one window after an answer arriving now.
            oldest = self._answered[0][0] if self._answered else now
            # Never 0: rounding may leave a remainder too small to move the clock.
            return max(oldest + self.window - now, 0.001)

    def _forget(self, now: float) -> None:
        while self._answered and self._answered[0][0] + self.window <= now:
            _, rank, weight = self._answered.popleft()
            self._occupied[rank] -= weight

    def _fits(self, rank: int, weight: int, now: float) -> bool:
        """The places are free, and none that are kept for the more urgent; alone it may weigh more than there are."""
        places, used = self.limit, sum(self._occupied)
        if self._leased:
            places = min(places, self._places if now < self._places_until else 0)
        if used >= places or used + min(weight, places) > places:
            return False
        if all(called + ABOUT <= now for called in self._called[:rank]):
            return True
        room, least = self._of_all(ROOM[PRIORITIES[rank]]), self._of_all(AT_LEAST)
        return used + min(weight, room) <= room or self._occupied[rank] + min(weight, least) <= least

    def _of_all(self, part: float) -> int:
        return max(1, int(self.limit * part))

    # -- sharing with other processes ---------------------------------------------------------------------

    def now(self) -> float:
        """The clock it goes by."""
        return self._clock()

    @property
    def quota(self) -> int:
        """Requests a window as the server says, whoever sends them."""
        return self._limit

    @property
    def occupied(self) -> int:
        """Places that cannot be given away: under way, or answered less than a window ago."""
        with self._lock:
            self._forget(self._clock())
            return sum(self._occupied)

    @property
    def starved(self) -> bool:
        """Somebody had to wait since the last `wants`."""
        return any(self._hungry)

    @property
    def may_send(self) -> bool:
        """Its places have not run out of time."""
        return not self._leased or self._clock() < self._places_until

    @property
    def pause_left(self) -> float:
        """Seconds for which nobody sends."""
        return max(0.0, self._paused_until - self._clock())

    def called(self, rank: int) -> float:
        """Seconds since a class last called, here or (`heard`) elsewhere."""
        return self._clock() - self._called[rank]

    def heard(self, rank: int, seconds_ago: float) -> None:
        """Another process called in this class."""
        self._called[rank] = max(self._called[rank], self._clock() - seconds_ago)

    def wants(self, beginner: int | None) -> list[int]:
        """How many places each class could use, judged by the time since the last question; `beginner` is the class
        of the call that is about to be made."""
        with self._lock:
            self._forget(self._clock())
            wanted = [peak + peak // 4 + 2 if peak else 0 for peak in self._peak]
            for rank, hungry in enumerate(self._hungry):
                if hungry:
                    wanted[rank] = max(TO_BEGIN_WITH, 2 * self._occupied[rank], self._occupied[rank] + hungry)
            if beginner is not None:
                wanted[beginner] = max(wanted[beginner], TO_BEGIN_WITH)
            self._peak, self._hungry = list(self._occupied), [0] * len(PRIORITIES)
            return [min(one, self.limit) for one in wanted]

    def grant(self, places: int, seconds: float, elsewhere: int) -> None:
        """So many places for so long; `elsewhere` are those that other processes of ours have."""
        with self._lock:
            self._leased = True
            self._places, self._places_until, self._elsewhere = places, self._clock() + seconds, elsewhere
