"""
From settings to an API that can be asked: what the adapter and the registry of CRMs have in common.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from connector.crm.desk import Desk
from connector.crm.dynamics.api import Api
from connector.crm.dynamics.auth import ATTEMPTS, App, AppToken
from connector.crm.dynamics.courier import Courier
from connector.crm.dynamics.limits import A_DAY, PATIENCE
from connector.crm.dynamics.transport import VERSION, Wire
from connector.crm.pacing import Budget
from connector.crm.resting import Rest
from connector.crm.retry import Policy
from connector.crm.wire import Token, token_from


@dataclass(frozen=True, slots=True)
class Reading:
    """How a connection reads: rows per page, requests per batch, ids per request (some hundred conditions are refused
    as too complex), threads, and the two trailing times of reading by the time of change, where a table has no change
    tracking."""

    settle: timedelta = timedelta(seconds=60)
    look_back: timedelta = timedelta(minutes=5)
    page: int = 1000
    batch: int = 50
    ids: int = 100
    threads: int = 8


@dataclass(frozen=True, slots=True)
class Writing:
    """How a connection writes. `states`: state and status of rows may be written, which closes and reopens them.
    `bulk`: what nobody but the connector sets (Update.ours_alone), a backfill writes `bulk_rows` rows at a time where
    the columns' names begin so, without asking whether anybody changed the rows meanwhile; "" for none.
    `predictive_score` and `predictive_grade`: the columns of people that their open leads and deals show as well, in
    the table of predictive scores; "" for none."""

    states: bool = False
    bulk: str = ""
    bulk_rows: int = 200
    predictive_score: str = ""
    predictive_grade: str = ""


def api_of(
    token: str | Callable[[], str] | Token,
    environment_url: str,
    *,
    api_version: str = VERSION,
    read: Reading | None = None,
    budget: Budget | None = None,
    daily_quota: int | None = None,
    timeout: float = 120.0,
    proxy: str | None = None,
    attempts: int = 6,
    desk: Desk | None = None,
    clock: Callable[[], float] | None = None,
    sleep: Callable[[float], None] | None = None,
    wall: Callable[[], float] | None = None,
) -> Api:
    """One environment, opened by a token, by an app's (see `app_token`), or by whoever returns the token of the moment.

    `desk` paces the calls; adapters that share a user should share it. Without one there is a desk of its own, by
    `clock`, `sleep` and `wall` (the time of day; by default the clock's, where one is given); the first two are
    otherwise the desk's.
    """
    desk = desk or Desk(clock=clock or time.monotonic, sleep=sleep or time.sleep, wall=wall or clock or time.time)
    threads, rest = (read or Reading()).threads, Rest(sleep or desk.sleep)
    wire = Wire(
        token_from(token),
        environment_url,
        version=api_version,
        connections=2 * threads + 2,
        timeout=timeout,
        clock=clock or desk.clock,
        proxy=proxy,
    )
    return Api(
        wire,
        threads=threads,
        budget=budget or Budget(),
        policy=Policy(rest.before_another_try, attempts=attempts, patience=PATIENCE),
        clock=clock or desk.clock,
        rest=rest,
        desk=desk,
        a_day=daily_quota or A_DAY,
    )


def app_token(
    app: App,
    environment_url: str,
    *,
    timeout: float = 60.0,
    proxy: str | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    wall: Callable[[], float] = time.time,
) -> AppToken:
    """The token of an app for one environment. Keep it: whoever opens the environment by this app shares it."""
    courier = Courier("authority", connections=1, timeout=timeout, clock=clock, proxy=proxy)
    return AppToken(app, environment_url, courier=courier, policy=Policy(sleep, attempts=ATTEMPTS), wall=wall)
