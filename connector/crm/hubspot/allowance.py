"""
What one connection may send to HubSpot, and what its answers tell about that.

Burst is counted by token, searches, associations and the day by account. Search and associations have limits of their
own; whether they count against the burst as well is not documented, so they take a place in both logs, which costs
little and is right either way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from connector.crm.daily import DailyPool, goes_on
from connector.crm.desk import Desk, SharedLog
from connector.crm.pacing import Budget
from connector.crm.pools import Pools
from connector.crm.priorities import Priority
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
        self._budget, self._sleep = budget, sleep or desk.sleep
        shares = {"search": 1.0}
        makers = {
            name: partial(SharedLog, desk, *limits[name], shares.get(name, budget.burst_share))
            for name in ("burst", *OWN)
        }
        self._pools = Pools(
            desk,
            host,
            whose,
            of_caller={"burst": makers["burst"]},
            remembers="burst",
            of_account={name: makers[name] for name in OWN},
        )

    # -- a call ---------------------------------------------------------------------------------------------

    def take(self, counted_as: str) -> Places:
        """Wait until a call of this class may go out; its places are given back with the block that holds them. Raises
        Deferred when the day is spent."""
        pools, priority = self._pools.opened(), self.priority
        logs = [pools.log(name) for name in ((counted_as, "burst") if counted_as in OWN else ("burst",))]
        pools.day.take(priority, self._budget)
        self._pools.count(1)
        places = Places(pools.day, priority)
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
            own = counted_as if counted_as in OWN else "burst"
            self._pools.opened().log(own).log.learn(limit, remaining, window)
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
        pools = self._pools.opened()
        for name in names:
            if name in pools.members:
                pools.log(name).pause(seconds)
        if counted_as in OWN:  # their answers do not say what others use
            pools.log(counted_as).log.retreat()

    def spent(self, why: str, seconds: float | None = None) -> Deferred:
        """HubSpot will not take calls of this account until its midnight, or for so many seconds."""
        until: datetime = self.day.exhausted(seconds)
        return Deferred(f"{why} {goes_on(until, self.day.day.zone)}", until=until)

    # -- whose it is ----------------------------------------------------------------------------------------

    @property
    def day(self) -> DailyPool:
        """The day of the account, as far as it is known which account that is."""
        return self._pools.day

    @property
    def name_of_day(self) -> str:
        """Under which name the book of quotas keeps that day."""
        return self._pools.name_of_day

    def meet(self, account: str, zone: str) -> None:
        """The account behind the token: its day, searches and associations are counted from now on."""
        self._pools.meet(account, zone)

    def close(self) -> None:
        """Give back what is not used."""
        self._pools.close()


def _whole(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(_LIMIT + name)
    return int(value) if value is not None and value.strip().isdigit() else None
