"""
The desk where every call of this process asks whether it may go out.

One log for each pool, however many adapters and threads draw from it; about every other second all of them make one
entry in the book they share with other processes. A pool that nobody uses any more is forgotten: what it still
occupies stays in the book until it is over.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from connector.crm.pacing import SlidingLog
from connector.crm.priorities import ABOUT, PRIORITIES, Priority, portion, rank_of
from connector.crm.quota import SKEW, Book, Entry, Facts, Lease, OwnBook

#: Seconds between two looks at a quota that is full, at least.
GLANCE = 0.05

#: Seconds between two entries, at most: so long may somebody who has just begun wait for what others do not need.
LONGEST_LOOK = 5.0


class Member(Protocol):
    """What keeps a page of the book."""

    def entry(self, now: float, *, leaving: bool) -> Entry:
        """What it has to say and to take now; `leaving`: for the last time."""


M = TypeVar("M", bound=Member)


class Desk:
    """Everything a process may send, pool by pool. `clock` paces, `wall` tells the time of day."""

    def __init__(
        self,
        book: Book | None = None,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        wall: Callable[[], float],
        name: str = "",
    ) -> None:
        self.clock, self.sleep, self.wall = clock, sleep, wall
        self._book = book or OwnBook()
        self._name = name
        self._holder = ""
        self._members: dict[str, tuple[Any, int]] = {}  # pool -> member, users
        self._lock = threading.RLock()
        self._entering = threading.Lock()

    def open(self, pool: str, make: Callable[[], M]) -> M:
        """The member of a pool, made when nobody uses it yet. Whoever opens must close."""
        with self._lock:
            self._holder = self._holder or self._another_name()
            member, users = self._members.get(pool) or (make(), 0)
            self._members[pool] = member, users + 1
            found: M = member
            return found

    def close(self, pools: Sequence[str]) -> None:
        """One user less of these pools; the last one gives back what is not occupied."""
        with self._entering, self._lock:
            gone = {}
            for pool in pools:
                member, users = self._members[pool]
                self._members[pool] = member, users - 1
                if users == 1:
                    gone[pool] = self._members.pop(pool)[0]
            self._leave(gone)
            if not self._members:
                self._book.close()

    def enter(self, due: Callable[[], bool], *, wait: bool) -> None:
        """Make an entry for every pool if it is still due; `wait` where another thread is at it."""
        if not self._entering.acquire(blocking=wait):
            return
        try:
            if due():
                with self._lock:
                    members = {pool: member for pool, (member, _) in self._members.items()}
                self._enter(members, self._holder, leaving=False)
        finally:
            self._entering.release()

    def _enter(self, members: Mapping[str, Member], holder: str, *, leaving: bool) -> None:
        now = self.wall()
        entries = {pool: member.entry(now, leaving=leaving) for pool, member in members.items()}
        if entries:
            self._book.enter(holder, now, entries)

    def _leave(self, members: Mapping[str, Member]) -> None:
        """What is left behind stays occupied under a name that nobody goes on with: whoever opens these pools again, be
        it this process, must meet it as somebody else's."""
        if self._members and members:
            self._enter(members, self._another_name(), leaving=True)
            self._book.enter(self._holder, self.wall(), dict.fromkeys(members, _nothing))
        else:
            self._enter(members, self._holder, leaving=True)
        self._holder = self._holder if self._members else ""

    def _another_name(self) -> str:
        return f"{self._name}:{secrets.token_hex(4)}"

    @property
    def open_pools(self) -> int:
        """How many pools somebody uses."""
        return len(self._members)


class SharedLog:
    """A sliding log whose places are leased from the book."""

    def __init__(self, desk: Desk, limit: int, window: float, share: float) -> None:
        self.log = SlidingLog(limit, window, clock=desk.clock, sleep=desk.sleep, share=share)
        self.log.grant(0, 0.0, 0)
        self._desk = desk
        self.account = ""  # behind the token whose burst this is, once anybody knows
        self._agreed = (limit, window)  # what the book and we last thought of the quota
        self._beginner: int | None = None
        self._renew_at = self._ask_at = float("-inf")

    def take(self, priority: Priority | None, sleep: Callable[[float], None], weight: int = 1) -> None:
        """Wait until one more request fits, and count it as under way."""
        while (wait := self.try_take(priority, weight)) > 0:
            sleep(wait)

    def try_take(self, priority: Priority | None, weight: int = 1) -> float:
        """Take a place, or `weight` of them, and return 0, or return the seconds after which to try again."""
        if self._due():
            self._beginner = rank_of(priority)
            self._desk.enter(self._due, wait=not self.log.may_send)
        wait = self.log.try_take(priority, weight)
        if wait and self._due():
            self._desk.enter(self._due, wait=True)
            wait = self.log.try_take(priority, weight)
        return wait and min(wait, max(GLANCE, self._next() - self._desk.clock()))

    def pause(self, seconds: float) -> None:
        """Nobody sends for so many seconds, in no process."""
        self.log.pause(seconds)
        self._desk.enter(lambda: True, wait=True)

    def _due(self) -> bool:
        return self._next() <= self._desk.clock()

    def _next(self) -> float:
        """When to look into the book again: soon where somebody waits for places."""
        if not self.log.may_send:
            return float("-inf")
        return self._ask_at if self.log.starved else self._renew_at

    def entry(self, now: float, *, leaving: bool) -> Entry:
        """See Member."""

        def entered(facts: Facts, others: Sequence[Mapping[str, Any]]) -> tuple[Facts, Lease | None]:
            known = self._agree(facts, now)
            if not leaving:
                return known, self._lease(others, now)
            left_behind = {"places": self.log.occupied, "wants": _NOTHING, "window": self.log.window}
            return known, (left_behind, now + self.log.window + SKEW) if left_behind["places"] else None

        return entered

    def _lease(self, others: Sequence[Mapping[str, Any]], now: float) -> Lease:
        """As many places as are ours by rule and free, for as long as three looks into the book are apart."""
        log = self.log
        wants, self._beginner = log.wants(self._beginner), None
        about = [log.called(rank) < ABOUT for rank in range(len(PRIORITIES))]
        elsewhere = sum(int(one["places"]) for one in others)
        due = portion(log.limit, wants, [one["wants"] for one in others], about)
        ours = max(0, min(due, log.limit - elsewhere))
        # What is occupied beyond that is given back as it ages, and not used again.
        places = max(log.occupied, ours)
        every = min(max(1.0, log.window / 5), LONGEST_LOOK)
        log.grant(ours, 3 * every, elsewhere)
        self._renew_at = log.now() + every
        # Who got all it asked for may ask for more at once; otherwise others must first give something back.
        pause = every if ours >= log.limit else every / 2 if ours < sum(wants) else 0.0
        self._ask_at = log.now() + pause
        return {"places": places, "wants": wants, "window": log.window}, now + 3 * every + log.window + SKEW

    def _agree(self, facts: Facts, now: float) -> Facts:
        """What is known of the quota after both have spoken: limit, pause, and who called when."""
        log = self.log
        if (log.quota, log.window) != self._agreed:
            facts |= {"limit": log.quota, "window": log.window}  # news from the server; a mere assumption is not kept
        elif "limit" in facts:
            log.learn(int(facts["limit"]), window=float(facts["window"]))
        self._agreed = (log.quota, log.window)
        paused = max(float(facts.get("paused_until", 0.0)), now + log.pause_left if log.pause_left else 0.0)
        log.pause(max(0.0, paused - now))
        called = facts.get("called") or [0.0] * len(PRIORITIES)
        for rank, at in enumerate(called):
            log.heard(rank, max(0.0, now - at))
        called = [max(0.0, now - log.called(rank)) for rank in range(len(PRIORITIES))]
        self.account = self.account or facts.get("account", "")
        return {**facts, "paused_until": paused, "called": called, "account": self.account}


_NOTHING = [0] * len(PRIORITIES)


def _nothing(facts: Facts, others: Sequence[Mapping[str, Any]]) -> tuple[Facts, Lease | None]:
    """The entry of who has nothing of a pool any more."""
    del others
    return facts, None
