"""
What a backfill still costs and when it ends: calls left, by the pace seen and by what the account's day allows.

Made from what the ledger holds, so that `status` can tell it without a call; how many records there are is counted
once, when a backfill begins. Writes are counted as if everybody were written to until it is known who is. The pace is
that of the time in which the run was at work: one that waits for tomorrow is not slow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson

from connector.crm import ACTIVITIES
from connector.crm.daily import Day, day_from
from connector.crm.pacing import Budget
from connector.crm.priorities import Priority
from connector.crm.quota import day_of
from connector.errors import CrmError
from connector.ledger import Ledger
from connector.sync.resuming import SCAN
from connector.sync.session import Session

#: A pace is believed after so many seconds of work.
SEEN = timedelta(seconds=10)

#: Beyond so many days nobody counts on an end.
FAR = 366

_KEPT = "forecast"


@dataclass(frozen=True, slots=True)
class Costs:
    """What a call brings: records a page of a list and in a batch, people whose links are read in one; and calls a
    second until a pace has been seen, which is what the smallest quota allows."""

    page: int
    batch: int
    linked: int
    calls_a_second: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is left of a backfill. `ends_at` None: not within a year by this budget."""

    calls: int
    pace: float  # calls a second
    seen: bool  # the pace is one that was seen, and not the usual one
    ends_at: datetime | None
    share_of_day: float | None  # calls by the account's daily quota; None while that is not known

    def __str__(self) -> str:
        ends = "does not end within a year by this budget" if self.ends_at is None else f"ends {_told(self.ends_at)}"
        share = "" if self.share_of_day is None else f", {self.share_of_day:.1%} of the account's daily quota"
        return f"about {self.calls:,} calls left at {self.pace:,.1f} a second, {ends}{share}"


def today(ledger: Ledger, address: str, now: datetime) -> Day:
    """The day of a connection's account, whose CRM answers at this address, as the ledger knows it: under the name that
    the account's last description gave it, for an account that hides its id is not counted by it."""
    known = ledger.runs.connection()
    described = known.described or {}
    account = known.account or described.get("account") or ""
    day = day_from(ledger.quota(described.get("day") or day_of(urlsplit(address).netloc, account)))
    day.turn(now.timestamp())
    return day


def begin(session: Session, day: Day, budget: Budget, costs: Costs, *, dry: bool = False) -> Forecast:
    """Count what a backfill is about to read (on), and foresee its end; a `dry` one writes to nobody. A refusal is no
    reason not to begin."""
    ledger, now = session.ledger, session.now()
    totals = {kind: _count(session, kind) for kind in session.kinds()}
    writes = not dry and session.mode != "observe"
    kept: dict[str, Any] = {"totals": totals, "writes": writes, "at": now.timestamp()}
    kept["costs"] = asdict(costs)
    number = _number(ledger)
    kept["reading"] = reading = _reading(ledger, kept, number)
    ledger.cursors.move(_KEPT, orjson.dumps(kept).decode())
    calls = reading + _writing(ledger, kept, number)
    return _forecast(calls, costs.calls_a_second, seen=False, day=day, budget=budget, now=now)


def foresee(ledger: Ledger, day: Day, budget: Budget, now: datetime) -> Forecast | None:
    """When the backfill that is under way, or waits to go on, ends; None where there is none."""
    kept, number = orjson.loads(ledger.cursors.of(_KEPT) or "null"), _number(ledger)
    if kept is None or "reading" not in kept or number is None:
        return None
    reading, began = _reading(ledger, kept, number), datetime.fromtimestamp(kept["at"], UTC)
    calls = reading + _writing(ledger, kept, number)
    made = kept["reading"] - reading + _written(ledger, kept, number, began)
    passed = _worked_until(ledger, number, began, now) - began
    seen = made > 0 and passed >= SEEN
    pace = made / passed.total_seconds() if seen else kept["costs"]["calls_a_second"]
    return _forecast(calls, pace, seen=seen, day=day, budget=budget, now=now) if calls > 0 else None


def _forecast(calls: int, pace: float, *, seen: bool, day: Day, budget: Budget, now: datetime) -> Forecast:
    share = calls / day.limit if day.limit else None
    return Forecast(calls, pace, seen, _end(calls, pace, day, budget, now), share)


def _end(calls: int, pace: float, day: Day, budget: Budget, now: datetime) -> datetime | None:
    """Day by day: what is ours of each, as fast as it goes, until nothing is left."""
    at, left = now, left_today(day, budget, now)
    whole = day.ours(budget, "backfill")
    for _ in range(FAR):
        midnight = day.midnight(at.timestamp())
        possible = int((midnight - at).total_seconds() * pace) + 1
        made = possible if left is None else min(possible, left)
        if calls <= made:
            return at + timedelta(seconds=calls / pace)
        calls, at, left = calls - made, midnight, whole
    return None


def left_today(day: Day, budget: Budget, now: datetime, priority: Priority = "backfill") -> int | None:
    """Calls that a class may still make today; None while nobody knows how many there are."""
    ours = day.ours(budget, priority)
    if day.refused(now.timestamp()):
        return 0
    if ours is None:
        return None
    rest = ours - day.used
    if day.remaining is not None:
        rest = min(rest, day.remaining - day.stop(budget, priority))
    return max(0, rest)


# -- what is left ---------------------------------------------------------------------------------------------------


def _number(ledger: Ledger) -> int | None:
    """The backfill that is being read, or whose changes are being decided on and written."""
    found = ledger.runs.unfinished_backfill()
    return None if found is None else found.number


def _worked_until(ledger: Ledger, number: int, began: datetime, now: datetime) -> datetime:
    """Until when the run was at work since it began, or went on: now, or its end; where it was killed, the end of its
    lease, or the beginning of whoever worked after it."""
    run, lease = ledger.runs.find(number), ledger.runs.connection()
    over = (run.finished_at if run is not None else None, ledger.runs.begun_after(number, began), lease.lease_until)
    return min([now, *(at for at in over if at is not None and at >= began)])


def _reading(ledger: Ledger, kept: Mapping[str, Any], number: int | None) -> int:
    """Calls for what is not read yet; `number` None: nothing has been read."""
    if number is not None and ledger.cursors.of(f"{SCAN} read") == str(number):
        return 0
    unread = {kind: _unread(ledger, kind, total, number) for kind, total in kept["totals"].items()}
    return sum(_to_read(kind, records, Costs(**kept["costs"])) for kind, records in unread.items())


def _writing(ledger: Ledger, kept: Mapping[str, Any], number: int | None) -> int:
    """Calls for whoever is still to be written to: everybody, and once all is read whoever is planned or undecided."""
    if number is None or ledger.cursors.of(f"{SCAN} read") != str(number):
        return _to_write(kept, kept["totals"].get("contact", 0))
    return _to_write(kept, ledger.work.left_to_write(number))


def _written(ledger: Ledger, kept: Mapping[str, Any], number: int, since: datetime) -> int:
    """Calls that writing has taken since then."""
    states = ledger.work.states(number, since)
    return _to_write(kept, sum(states.get(state, 0) for state in ("written", "rejected", "gone", "unknown")))


def _to_write(kept: Mapping[str, Any], people: int) -> int:
    """Whoever is written to is read again first."""
    return 2 * _pages(people, kept["costs"]["batch"]) if kept["writes"] else 0


def _unread(ledger: Ledger, kind: str, total: int, number: int | None) -> int:
    if number is None:
        return total
    if ledger.cursors.of(f"scanned:{kind}") == str(number):
        return 0
    began = ledger.cursors.of(f"since run:{kind}") if ledger.cursors.of(f"scan:{kind}") is not None else None
    return total if began is None else max(0, total - ledger.mirror.count_met(kind, int(began)))


def calls_to_read(session: Session, costs: Costs) -> int:
    """About how many calls it takes to read everything anew that the ledger knows."""
    return sum(_to_read(kind, session.ledger.mirror.count(kind), costs) or 1 for kind in session.kinds())


def _to_read(kind: str, records: int, costs: Costs) -> int:
    """Pages of a list, and the links of many records at a time."""
    linked = 2 if kind == "contact" else 1 if kind in ("deal", "lead", *ACTIVITIES) else 0
    return _pages(records, costs.page) + linked * _pages(records, costs.linked)


def _pages(records: int, size: int) -> int:
    return -(-records // size)


def _count(session: Session, kind: str) -> int:
    try:
        return session.crm.count(kind) or 0
    except CrmError:
        return 0


def _told(at: datetime) -> str:
    return f"{at.astimezone(UTC):%A %H:%M} UTC"
