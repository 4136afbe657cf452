"""
What one connection may ask of an environment, and what its answers tell about that.

Dataverse counts three ways, by user and web server: requests in 300 seconds, the time they take there in 300 seconds,
and requests at once. The servers behind an environment are not known, so we stay inside the limits of one. Beside these
every row that is created, updated or deleted counts against the tenant's day. A 429 names how long to wait, for
everybody who calls with our user; its debug headers jump from server to server and are not for pacing.
Sources: "Service protection API limits", "Send parallel requests", "Requests limits and allocations" (Microsoft).
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from connector.crm.daily import DailyPool, goes_on
from connector.crm.desk import Desk, SharedLog
from connector.crm.lanes import Lanes
from connector.crm.pacing import Budget
from connector.crm.pools import Pools
from connector.crm.priorities import Priority
from connector.crm.wire import Answer
from connector.errors import Deferred, Throttled

#: Requests, and seconds in which they count.
REQUESTS, WINDOW = 6000, 300.0

#: Seconds of the server's work in the same time; counted in tenths.
WORK, TENTHS = 1200, 10

#: Requests at once.
AT_ONCE = 52

#: Calls a day that every tenant has, whatever its licences.
A_DAY = 500_000

#: Seconds that everybody waits where a 429 does not say how many.
UNNAMED = 5.0

#: Seconds for which a window is taken to hold no more than it held when it drew a 429.
REMEMBERED = 2 * WINDOW

#: Seconds that are waited where a 429 names them: a full window is free again after as many as it is long. Who is told
#: to wait for longer has called on and on in spite of refusals, or the tenant's day is spent.
PATIENCE = WINDOW + 30.0

#: Seconds over which those who were told to wait come back, at most.
SPREAD = 3.0

#: How much the latest request of a class says about how long the next will take.
NEWS = 0.2


class Places:
    """What one request occupies until its answer is here: until the end of the block that it stands over. `took` is
    told the tenths of a second that it lasted."""

    def __init__(
        self, facets: Facets, priority: Priority | None, rows: int, tenths: int, took: Callable[[int], None]
    ) -> None:
        self._facets, self._priority, self._rows, self._tenths, self._took = facets, priority, rows, tenths, took
        self.since = facets.clock()  # when it went out
        self.complained = False  # its answer was a 429

    def __enter__(self) -> Places:
        return self

    def __exit__(self, *_: object) -> None:
        facets, took = self._facets, max(1, math.ceil((self._facets.clock() - self.since) * TENTHS))
        facets.lanes.give_back(good=not self.complained)
        facets.work.log.give_back(self._priority, took, self._tenths)
        facets.requests.log.give_back(self._priority)
        facets.day.answered(self._rows)
        self._took(took)


@dataclass(frozen=True, slots=True)
class Facets:
    """The pools that one request draws from."""

    requests: SharedLog
    work: SharedLog
    lanes: Lanes
    day: DailyPool
    clock: Callable[[], float]


class Allowance:
    """What one connection may send. Safe to share between threads.

    `whose` names the user, asked at the first call; `a_day` is how many calls the tenant has a day. `sleep` is how this
    connection waits, `dice` gives numbers from 0 to 1.
    """

    def __init__(
        self,
        desk: Desk,
        host: str,
        whose: Callable[[], str],
        budget: Budget,
        *,
        a_day: int = A_DAY,
        sleep: Callable[[float], None] | None = None,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.priority: Priority | None = None  # of the calls made now; None: nobody said
        self._budget, self._sleep, self._dice, self._clock = budget, sleep or desk.sleep, dice, desk.clock
        self._lock = threading.Lock()
        self._usual: dict[str, float] = {}  # class -> tenths of a second that its requests take
        share = budget.burst_share
        self._pools = Pools(
            desk,
            host,
            whose,
            of_caller={
                "requests": lambda: SharedLog(desk, REQUESTS, WINDOW, share),
                "work": lambda: SharedLog(desk, WORK * TENTHS, WINDOW, share),
                "lanes": lambda: Lanes(AT_ONCE, clock=desk.clock),
            },
            remembers="requests",
            a_day=a_day,
        )

    # -- a call ---------------------------------------------------------------------------------------------

    def take(self, counted_as: str, rows: int = 1) -> Places:
        """Wait until a request may go out, which counts for so many rows; its places are given back with the block that
        holds them. Raises Deferred when the day is spent."""
        facets, priority = self._opened(), self.priority
        tenths = max(1, math.ceil(self._usual.get(counted_as, 0.0)))
        facets.day.take(priority, self._budget, rows)
        self._pools.count(rows)
        with ExitStack() as undo:
            undo.callback(facets.day.answered, rows)
            self._wait_out(facets)
            facets.requests.take(priority, self._sleep)
            undo.callback(facets.requests.log.give_back, priority)
            facets.work.take(priority, self._sleep, tenths)
            undo.callback(facets.work.log.give_back, priority, 1, tenths)
            self._lane(facets, priority)
            undo.pop_all()
        return Places(facets, priority, rows, tenths, lambda took: self._remember(counted_as, took))

    def learn(self, answer: Answer) -> None:
        """Take over how many requests at once the environment recommends."""
        hint = answer.headers.get("x-ms-dop-hint") or ""
        if hint.strip().isdigit():
            self._opened().lanes.recommended(int(hint))

    def refused(self, since: float, error: Throttled, patience: float) -> None:
        """A 429 to what went out then: everybody who calls with this user waits as long as it says, and fewer call at
        once from then on. Raises Deferred where the wait is longer than anybody sits through."""
        facets, seconds = self._opened(), error.retry_after or UNNAMED
        facets.lanes.complained(since, of_their_number=error.limit == "CONCURRENCY")
        if (full := {"REQUESTS": facets.requests, "EXECUTION_TIME": facets.work}.get(error.limit)) is not None:
            # We thought there was room: the environment bears less than documented, or somebody else calls as our user.
            full.log.retreat(REMEMBERED, to_what_we_had=True)
        if seconds > patience:
            until = facets.day.exhausted(seconds)
            raise Deferred(f"Dataverse asks to wait. {goes_on(until, facets.day.day.zone)}", until=until)
        facets.requests.pause(seconds)

    def _remember(self, counted_as: str, took: int) -> None:
        with self._lock:
            before = self._usual.get(counted_as, took)
            self._usual[counted_as] = before + NEWS * (took - before)

    def _lane(self, facets: Facets, priority: Priority | None) -> None:
        """Last of all, so that who waits for a place keeps no lane from those who have one."""
        facets.lanes.take(priority, self._sleep)
        while facets.requests.log.pause_left:  # somebody was refused while we stood there
            facets.lanes.give_back(good=False)
            self._wait_out(facets)
            facets.lanes.take(priority, self._sleep)

    def _wait_out(self, facets: Facets) -> None:
        """The time that Dataverse asked for, and a little more for each, so that not all come back at one moment."""
        while left := facets.requests.log.pause_left:
            self._sleep(left + min(left / 10, SPREAD) * self._dice())

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
        """The account behind the token: its day is counted from now on."""
        self._pools.meet(account, zone)

    def close(self) -> None:
        """Give back what is not used."""
        self._pools.close()

    def _opened(self) -> Facets:
        pools = self._pools.opened()
        lanes = pools.members["lanes"]
        assert isinstance(lanes, Lanes)  # as it was made
        return Facets(pools.log("requests"), pools.log("work"), lanes, pools.day, self._clock)
