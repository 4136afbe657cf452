"""
The account's day: how many of its calls are ours, and when the work must wait for midnight.

All processes on one ledger spend one share of the account's daily quota, whichever connections they serve; a floor of
it stays with others. Calls are handed out in small blocks, counted as used when a process takes them and given back
when it leaves: ten restarts do not begin at zero, and a crash counts a few calls too many, never too few. What other
apps use shows only in the headers of the next answer; what they took lately is therefore expected to go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from connector.crm.pacing import Budget
from connector.crm.priorities import KEPT, PRIORITIES, ROOM, Priority, rank_of
from connector.crm.quota import Entry, Facts, Lease
from connector.errors import Deferred

#: Whether to meet the book is still due, now that it is one's turn.
Due = Callable[[], bool]

#: Calls that a process takes from the day at once, at most, and requests that it takes them for where each counts for
#: many; fewer as the day comes to its end.
BLOCK, WORTH = 50, 10

#: Seconds between two looks at what other processes learnt, and after which a block is no longer expected to be used.
LOOK, FORGOTTEN = 15.0, 120.0

#: Calls of ours after which it shows how many others make beside them: so many for each that is under way, of which
#: nobody knows whether the server has counted it yet.
ENOUGH = 4

#: Seconds after which a process that has heard nothing from the server asks it once whether the day is spent still: a
#: limit may have been raised, and the server's midnight need not be ours. At most a few calls, of a day that has none.
ASK_AGAIN = 600.0

#: Seconds that a refusal holds, and for which numbers are believed where the account's midnight is not known.
HOUR = 3600.0


@dataclass(slots=True)
class Day:
    """What is known of an account's day: a page of the book. Instants are seconds since 1970, 0 for never."""

    zone: str = ""  # of the account; "" while it is not known
    date: str = ""
    limit: int | None = None
    remaining: int | None = None  # as the server last said
    seen_at: float = 0.0
    beside: float = 0.0  # calls that others made lately beside each of ours
    used: int = 0  # by us, blocks that are handed out included
    renewed_at: float = 0.0  # when the server's numbers showed a new day that our clock did not
    refused_at: float = 0.0
    refused_until: float = 0.0
    refused_for: float = 0.0  # seconds, where the server named them

    def turn(self, now: float) -> None:
        """Begin the next day when the account's midnight has passed."""
        date = self._local(now).date().isoformat()
        if date != self.date:
            # Nothing is used of it, and the server has said nothing of it.
            self.date, self.used, self.remaining = date, 0, None

    def midnight(self, now: float) -> datetime:
        """When the account's next day begins; UTC's where its zone is not known."""
        local = self._local(now)
        day = local.date() + timedelta(days=1)
        return datetime(day.year, day.month, day.day, tzinfo=local.tzinfo).astimezone(UTC)

    def _local(self, now: float) -> datetime:
        return datetime.fromtimestamp(now, ZoneInfo(self.zone or "UTC"))

    def ours(self, budget: Budget, priority: Priority) -> int | None:
        """Calls of the day that a class may make; None while nobody knows how many there are. The floor lies below them
        where nobody says what others use."""
        if self.limit is None:
            return None
        share = int(self.limit * budget.share)
        most = share if self.remaining is not None else min(share, self.limit - self.floor(budget))
        return int(most * ROOM[priority])

    def floor(self, budget: Budget) -> int:
        """Calls that stay with others: never more than half of the day, or on a small account nothing could be sent."""
        return min(budget.daily_floor, (self.limit or 0) // 2)

    def stop(self, budget: Budget, priority: Priority) -> int:
        """Calls that must be left where a class stops: the floor, and for all but the most urgent what is kept to end
        what was begun; of a small day no more than a twentieth."""
        return self.floor(budget) + (0 if priority == PRIORITIES[0] else self.kept(budget))

    def kept(self, budget: Budget) -> int:
        """Calls above the floor that only the most urgent make."""
        return min(KEPT, ((self.limit or 0) - self.floor(budget)) // 20)

    def refused(self, now: float) -> bool:
        """The server has said that the day is spent, and nothing since."""
        return self.refused_at >= self.seen_at and now < self.refused_until

    def met(self, other: Day, now: float) -> Day:
        """The page after somebody with `other` numbers of the same day has read it: the latest of both."""
        both = replace(self, zone=other.zone or self.zone)
        both.turn(now)
        if other.date == both.date and other.seen_at >= both.seen_at:
            known = [
                one.remaining for one in (self, other) if one.remaining is not None and one.seen_at == other.seen_at
            ]
            both.limit, both.remaining = other.limit, min(known, default=None)
            both.seen_at, both.beside = other.seen_at, other.beside
        both.limit = other.limit if both.limit is None else both.limit  # an assumption of a day that has not begun yet
        if other.refused_at > both.refused_at:
            both.refused_at, both.refused_until = other.refused_at, other.refused_until
            both.refused_for = other.refused_for
        if other.date == both.date and other.renewed_at > both.renewed_at + HOUR:
            both.used, both.renewed_at = 0, other.renewed_at
        return both


class DailyPool:
    """One account's day in one process: `take` before each call, `answered` and perhaps `learn` after it.

    `enter` has `entry` meet the book if that is still due; without one the process keeps the day to itself.
    """

    def __init__(self, wall: Callable[[], float], enter: Callable[[Due], None] | None = None) -> None:
        self._wall = wall
        self._enter = enter or self._alone
        self._lock = threading.Lock()
        self._day = Day()
        self._budget = Budget()
        self._in_hand = 0  # calls of the block that nobody took yet
        self._wanted = 1  # calls that somebody waits for at once
        self._under_way = 0
        self._silent = 0  # calls whose answers said nothing of the day, since one that did
        self._uncounted = 0  # calls that stand on another page of the book
        self._elsewhere = 0  # calls in the hands of other processes
        self._answered = 0
        self._heard_at = float("-inf")  # when an answer came to this process
        self._others_rate = 0.0  # calls that others made lately in each second
        self._mark: tuple[float, int | None, int] = (0.0, None, 0)  # when, what was left, calls of ours until then
        self._looked_at = float("-inf")

    @property
    def day(self) -> Day:
        """What is known of it now; a copy."""
        with self._lock:
            return replace(self._day)

    # -- a call ---------------------------------------------------------------------------------------------

    def take(self, priority: Priority | None = None, budget: Budget | None = None, calls: int = 1) -> None:
        """Count one call, or as many as the server counts a request for, or raise Deferred when our part of the day is
        spent. The last request of a day may go beyond our part by what it counts for."""
        wanted, looked = PRIORITIES[rank_of(priority)], False
        while True:
            with self._lock:
                now = self._wall()
                self._budget = budget or self._budget
                self._day.turn(now)
                self._wanted = calls
                if looked or (self._in_hand >= calls and now < self._looked_at + LOOK):
                    if self._asks_again(now):
                        self._uncounted += calls
                        self._under_way += calls
                        return
                    self._refuse_when_spent(now, wanted)
                    if self._in_hand >= calls:
                        self._in_hand -= calls
                        self._under_way += calls
                        return
            self._enter(partial(self._due, calls))  # of all threads that wait here one is enough
            looked = True

    def _due(self, calls: int) -> bool:
        with self._lock:
            return self._in_hand < calls or self._wall() >= self._looked_at + LOOK

    def answered(self, calls: int = 1) -> None:
        """One request is over, and whatever it cost is spent."""
        with self._lock:
            self._under_way -= calls
            self._silent += calls
            self._answered += calls
            self._heard_at = self._wall()

    def assume(self, limit: int) -> None:
        """How many calls a day has, where the server never says so."""
        with self._lock:
            self._day.limit = limit

    def learn(self, limit: int | None, remaining: int) -> None:
        """Take over the server's count; a rest that jumps up means that a new day has begun there."""
        with self._lock:
            day, now = self._day, self._wall()
            day.turn(now)
            same = limit is None or limit == day.limit
            if day.remaining is not None and same and remaining > day.remaining + max(20, (day.limit or 0) // 100):
                day.used, day.renewed_at = self._in_hand, now
                day.remaining = None  # of another day
            if day.remaining is not None and same:
                remaining = min(remaining, day.remaining)  # an answer may be overtaken by a later one
            self._watch_others(remaining, now)
            day.limit, day.remaining, day.seen_at = limit or day.limit, remaining, now
            self._silent = 0

    def exhausted(self, seconds: float | None = None) -> datetime:
        """The server itself says that the day is spent, perhaps for how long; returns when the work goes on."""
        with self._lock:
            day, now = self._day, self._wall()
            day.turn(now)
            midnight = day.midnight(now)
            until = now + seconds if seconds else min(midnight.timestamp(), now + HOUR)
            day.refused_at, day.refused_until, day.refused_for = now, until, seconds or 0.0
            self._heard_at = now
        self._enter(lambda: True)
        return datetime.fromtimestamp(until, UTC) if seconds else midnight

    def meet(self, zone: str) -> None:
        """Whose midnight counts."""
        with self._lock:
            self._day.zone = zone

    def made_elsewhere(self, calls: int) -> None:
        """Calls that were counted before anybody knew that they are this account's."""
        with self._lock:
            self._uncounted += calls

    def _watch_others(self, remaining: int, now: float) -> None:
        """How much others take beside each call of ours and in each second, by what is gone and was not ours."""
        since, left, before = self._mark
        calls, passed = self._answered - before, now - since
        if left is not None and remaining <= left and passed < FORGOTTEN:
            if calls < ENOUGH * (1 + self._under_way) and passed < 1.0:
                return  # calls under way would be taken for those of others, or the other way round
            theirs = max(0, left - remaining - calls)
            self._day.beside = max(theirs / max(1, calls), self._day.beside * 0.9)
            if passed >= 1.0:
                self._others_rate = max(theirs / passed, self._others_rate * 0.9)
        self._mark = now, remaining, self._answered

    # -- our part of it -------------------------------------------------------------------------------------

    def _asks_again(self, now: float) -> bool:
        """Nothing is left that anybody might use, it was said, but not to this process, or long ago: the next answer
        tells."""
        if self._day.refused(now) and self._day.refused_for:
            return False  # until when is known
        left = self._day.remaining
        spent = self._day.refused(now) or (left is not None and left <= self._day.kept(self._budget))
        return spent and now >= self._heard_at + ASK_AGAIN

    def _refuse_when_spent(self, now: float, priority: Priority) -> None:
        day, budget = self._day, self._budget
        until, why = day.midnight(now), ""
        ours, left = day.ours(budget, priority), self._expected(now)
        if day.refused(now) and day.refused_for:
            until, why = datetime.fromtimestamp(day.refused_until, UTC), "The CRM asks to wait."
        elif day.refused(now):
            until = max(until, datetime.fromtimestamp(day.refused_until, UTC))
            why = "The account's daily quota is spent, says the CRM."
        elif ours is not None and day.used - self._in_hand >= ours:
            why = f"Our share of the account's day is used, {_part(ours, priority)} (budget.share)."
        elif left is not None and left <= (stop := day.stop(budget, priority)):
            kept = stop - (floor := day.floor(budget))
            to_end = f", {kept:,} to end what was begun" if kept else ""
            why = (
                f"Only {max(left, 0):,} calls of the account's day are left; {floor:,} stay for others{to_end}"
                " (budget.daily_floor)."
            )
        if why:
            raise Deferred(f"{why} {goes_on(until, day.zone)}", until=until)

    def _expected(self, now: float) -> int | None:
        """Calls that are left of the day by now, at least; None where nobody knows."""
        day = self._day
        if day.limit is None or day.remaining is None or (not day.zone and now >= day.seen_at + HOUR):
            return None
        beside = day.beside * (1 + self._under_way + self._silent)
        by_others = int(max(beside, self._others_rate * min(now - day.seen_at + 1.0, FORGOTTEN)))
        return day.remaining - self._under_way - self._silent - self._elsewhere - by_others

    def entry(self, now: float, *, leaving: bool) -> Entry:
        """See connector.crm.desk.Member."""

        def entered(facts: Facts, others: Sequence[Mapping[str, Any]]) -> tuple[Facts, Lease | None]:
            with self._lock:
                self._day = day_from(facts).met(self._day, now)
                self._day.used += self._uncounted
                self._uncounted = 0
                self._elsewhere = sum(int(one["calls"]) for one in others)
                self._looked_at = now
                block = -self._in_hand if leaving else self._block(now)
                self._day.used = max(0, self._day.used + block)
                self._in_hand += block
                held = self._in_hand + self._under_way  # whoever leaves may have sent what the server has not counted
                return _to_json(self._day), ({"calls": held}, now + FORGOTTEN) if held else None

        return entered

    def _block(self, now: float) -> int:
        """Calls to take from the day now: none while there are enough in hand, few when few are left."""
        day, left = self._day, self._expected(now)
        ours = day.ours(self._budget, PRIORITIES[0])
        rests = [] if ours is None else [ours - day.used]
        rests += [] if left is None else [left - day.floor(self._budget)]
        least = min(rests, default=BLOCK * 20)
        missing = self._wanted - self._in_hand
        if missing <= 0 or least <= 0:
            return missing if missing > 0 and self._in_hand else 0  # what is in hand must not lie there unused
        return max(missing, min(max(BLOCK, WORTH * self._wanted), least // 20))

    def _alone(self, _due: Due) -> None:
        entered = self.entry(self._wall(), leaving=False)
        entered(_to_json(self._day), ())


def _to_json(day: Day) -> Facts:
    return {name: getattr(day, name) for name in Day.__slots__}


def day_from(facts: Mapping[str, Any]) -> Day:
    """The day on a page of the book."""
    return Day(**{name: facts[name] for name in Day.__slots__ if name in facts})


def _part(calls: int, priority: Priority) -> str:
    room = round((1 - ROOM[priority]) * 100)
    kept = f"; the last {room} % is kept for what is more urgent than a {priority}" if room else ""
    return f"{calls:,} calls{kept}"


def goes_on(until: datetime, zone: str) -> str:
    """When the work goes on, on the account's clock and on everybody's."""
    if not zone and (until.hour, until.minute, until.second) == (0, 0, 0):
        return "The work goes on after the account's midnight; nothing is lost."  # whenever that is
    there = until.astimezone(ZoneInfo(zone or "UTC"))
    local = f" ({there:%H:%M} {zone})" if zone and zone != "UTC" else ""
    return f"The work goes on after {until:%Y-%m-%d %H:%M} UTC{local}; nothing is lost."
