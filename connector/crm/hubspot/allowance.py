"""
What one connection may send to HubSpot, and what its answers tell about that.

Burst is counted by token, searches, associations and the day by account. Search and associations have limits of their
own; whether they count against the burst as well is not documented, so they take a place in both logs, which costs
little and is right either way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime

from connector.crm.daily import DailyPool, goes_on
from connector.crm.desk import Desk, SharedLog
from connector.crm.pacing import Budget
from connector.crm.priorities import Priority
from connector.crm.quota import day_of, hashed
from connector.crm.wire import Answer
from connector.errors import Deferred, Throttled

#: Endpoint classes that have a log of their own.
OWN = ("search", "links")

_LIMIT = "X-HubSpot-RateLimit-"


class Places:
    """What one call occupies until its answer is here."""

    def __init__(self, day: DailyPool, priority: Priority | None) -> None:
        self._day, self._priority = day, priority
        self.logs: list[SharedLog] = []

    def __enter__(self) -> Places:
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()

    def give_back(self) -> None:
        """The call is over, however it ended."""
        for log in self.logs:
            log.log.give_back(self._priority)
        self._day.answered()


class Allowance:
    """The logs and the day that one connection draws from. Safe to share between threads.

    `limits` gives requests and seconds to begin with: of the burst ("burst") and of each class in OWN. `whose` names
    the holder of the burst quota, asked at the first call: an OAuth app knows its account only then. `sleep` is how
    this connection waits.
    """

    def __init__(
        self,
        desk: Desk,
        host: str,
        whose: Callable[[], str],
        budget: Budget,
        limits: Mapping[str, tuple[int, float]],
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.priority: Priority | None = None  # of the calls made now; None: nobody said
        self._desk, self._host, self._whose, self._budget, self._limits = desk, host, whose, budget, limits
        self._sleep = sleep or desk.sleep
        self._lock = threading.Lock()
        self._pools: dict[str, str] = {}  # "burst", "day", ... -> pool
        self._logs: dict[str, SharedLog] = {}
        self._day: DailyPool | None = None
        self._account = ""
        self._made = 0  # calls before the account was known

    # -- a call ---------------------------------------------------------------------------------------------

    def take(self, counted_as: str) -> Places:
        """Wait until a call of this class may go out; its places are given back with the block that holds them. Raises
        Deferred when the day is spent."""
        day, logs, priority = *self._opened(counted_as), self.priority
        day.take(priority, self._budget)
        self._made += 1
        places = Places(day, priority)
        try:
            for log in logs:
                log.take(priority, self._sleep)
                places.logs.append(log)
        except BaseException:
            places.give_back()
            raise
        return places

    def learn(self, counted_as: str, answer: Answer) -> None:
        """Take over what the headers say; those about a second are sent and no longer enforced."""
        limit, remaining = _whole(answer.headers, "Max"), _whole(answer.headers, "Remaining")
        if limit is not None and counted_as != "search":
            window = (_whole(answer.headers, "Interval-Milliseconds") or 0) / 1000 or None
            self._logs[counted_as if counted_as in OWN else "burst"].log.learn(limit, remaining, window)
        left = _whole(answer.headers, "Daily-Remaining")
        if left is not None:
            self.day.learn(_whole(answer.headers, "Daily"), left)

    def refused(self, counted_as: str, error: Throttled, patience: float) -> None:
        """A 429: everybody else under the same limit would be refused as well. Raises Deferred where the wait is
        longer than anybody sits through."""
        seconds = error.retry_after
        if not seconds:
            return
        if seconds > patience:
            raise self.spent("HubSpot asks to wait.", seconds)
        names = [counted_as] if error.limit == "SECONDLY" and counted_as in OWN else ["burst", counted_as]
        for name in names:
            if name in self._logs:
                self._logs[name].pause(seconds)
        if counted_as in OWN:  # their answers do not say what others use
            self._logs[counted_as].log.retreat()

    def spent(self, why: str, seconds: float | None = None) -> Deferred:
        """HubSpot will not take calls of this account until its midnight, or for so many seconds."""
        until: datetime = self.day.exhausted(seconds)
        return Deferred(f"{why} {goes_on(until, self.day.day.zone)}", until=until)

    # -- whose it is ----------------------------------------------------------------------------------------

    @property
    def day(self) -> DailyPool:
        """The day of the account, as far as it is known which account that is."""
        return self._opened("burst")[0]

    def meet(self, account: str, zone: str) -> None:
        """The account behind the token: its day, searches and associations are counted from now on."""
        day = self.day
        with self._lock:
            if account and account != self._account:
                before = [pool for name, pool in self._pools.items() if name != "burst"]
                made, self._account = self._made if not self._account else 0, account
                self._open_for(account)
                self._logs["burst"].account = account
                self._desk.close(before)
                day = self._day or day
                day.made_elsewhere(made)
        day.meet(zone)

    def close(self) -> None:
        """Give back what is not used."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
            if pools:
                self._desk.close(pools)

    def _opened(self, counted_as: str) -> tuple[DailyPool, list[SharedLog]]:
        with self._lock:
            if not self._pools:
                whose = self._whose()
                self._open("burst", f"burst {hashed(self._host, whose)}")
                self._look()  # who was here before us knows the account
                self._account = self._logs["burst"].account
                self._open_for(self._account or f"of {whose}")
            assert self._day is not None  # opened above
            logs = [self._logs[counted_as]] if counted_as in OWN else []
            return self._day, [*logs, self._logs["burst"]]

    def _open_for(self, account: str) -> None:
        for name in OWN:
            self._open(name, f"{name} {hashed(self._host, account)}")
        pool = day_of(self._host, account)
        self._pools["day"] = pool
        self._day = self._desk.open(pool, lambda: DailyPool(self._desk.wall, self._look))

    def _open(self, name: str, pool: str) -> None:
        share = 1.0 if name == "search" else self._budget.burst_share
        self._pools[name] = pool
        self._logs[name] = self._desk.open(pool, lambda: SharedLog(self._desk, *self._limits[name], share))

    def _look(self, due: Callable[[], bool] = lambda: True) -> None:
        self._desk.enter(due, wait=True)


def _whole(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(_LIMIT + name)
    return int(value) if value is not None and value.strip().isdigit() else None
