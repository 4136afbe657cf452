"""How the account's day is told: what is left of it and whose it was, and when a backfill ends. Nothing here calls."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connector.crms import CRMS

if TYPE_CHECKING:
    from connector.config import Connection
    from connector.crm.daily import Day
    from connector.crm.pacing import Budget
    from connector.ledger import Ledger
    from connector.sync import Session
    from connector.sync.forecast import Costs, Forecast


def budget_of(connection: Connection) -> Budget:
    """The budget of a connection, in the terms of those who pace."""
    from connector.crm.pacing import Budget  # noqa: PLC0415 - --help does without

    mine = connection.budget
    return Budget(share=mine.share, daily_floor=mine.daily_floor, burst_share=mine.burst_share)


def costs_of(connection: Connection) -> Costs:
    """What a call of a connection brings, in the terms of those who foretell."""
    from connector.sync.forecast import Costs  # noqa: PLC0415 - --help does without

    read, theirs = connection.read, CRMS[connection.crm].costs
    return Costs(read.page, read.batch, theirs.linked, theirs.calls_a_second)


def found(ledger: Ledger, connection: Connection, now: datetime) -> tuple[dict[str, Any], Forecast | None]:
    """The account's day as the ledger knows it, as plain JSON, and the forecast of a backfill."""
    from connector.sync.forecast import foresee, today  # noqa: PLC0415 - --help does without

    day, budget = today(ledger, connection.address, now), budget_of(connection)
    return _as_json(day, budget, now), foresee(ledger, day, budget, now)


def _as_json(day: Day, budget: Budget, now: datetime) -> dict[str, Any]:
    from connector.crm.priorities import PRIORITIES  # noqa: PLC0415 - --help does without
    from connector.sync.forecast import left_today  # noqa: PLC0415 - the same

    gone = None if day.limit is None or day.remaining is None else day.limit - day.remaining
    return {
        "daily_quota": day.limit,
        "ours": day.ours(budget, "webhook"),
        "used_by_us": day.used,
        "used_by_others": None if gone is None else max(0, gone - day.used),
        "floor": None if day.limit is None else day.floor(budget),
        "left_to_us": {one: left_today(day, budget, now, one) for one in PRIORITIES},
        "resets_at": day.midnight(now.timestamp()),
        "time_zone": day.zone or None,
        "refused_until": _instant(day.refused_until) if day.refused(now.timestamp()) else None,
    }


def forecast_as_json(forecast: Forecast | None) -> dict[str, Any] | None:
    """A forecast for programs."""
    if forecast is None:
        return None
    return {
        "calls": forecast.calls,
        "calls_per_second": round(forecast.pace, 2),
        "pace_was_seen": forecast.seen,
        "ends_at": forecast.ends_at,
        "share_of_day": None if forecast.share_of_day is None else round(forecast.share_of_day, 4),
    }


def rows(budget: dict[str, Any], forecast: Forecast | None) -> list[tuple[str, str]]:
    """The same for people."""
    told = [("calls today", _told(budget))]
    if forecast is not None:
        told.append(("backfill", str(forecast)))
    return told


def _told(budget: dict[str, Any]) -> str:
    if budget["daily_quota"] is None:
        return f"{budget['used_by_us']:,} by us; the account has not told its daily quota"
    others = "an unknown number" if budget["used_by_others"] is None else f"{budget['used_by_others']:,}"
    left = budget["left_to_us"]["incremental"]
    used = f"{budget['used_by_us']:,} of our {budget['ours']:,} and {others} by others, of {budget['daily_quota']:,}"
    resets = f"a new day begins at {budget['resets_at']:%Y-%m-%d %H:%M} UTC"
    if budget["refused_until"] is not None:
        return f"{used}; the CRM takes no more; {resets}"
    return f"{used}; {left:,} left to us, {budget['floor']:,} stay for others; {resets}"


def foretell(session: Session, connection: Connection, *, aloud: bool, dry: bool = False) -> None:
    """Count what a backfill is about to read, and say on stderr when it will end; a `dry` one writes to nobody."""
    from connector.sync.forecast import begin, today  # noqa: PLC0415 - --help does without

    day = today(session.ledger, connection.address, session.now())
    forecast = begin(session, day, budget_of(connection), costs_of(connection), dry=dry)
    if aloud and forecast.calls:
        print(f"backfill: {forecast}", file=sys.stderr)  # noqa: T201 - said before the work, as progress is


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
