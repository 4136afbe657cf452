"""
Which pools of a desk one connection draws from: those of whoever calls, and those of the account that is called.

Whose calls they are is asked at the first one. Which account that opens is mostly known later, from an answer or from
who was here before us; until then the account's pools go by the caller, and what was called meanwhile is counted to
the account as soon as it is known.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from connector.crm.daily import DailyPool
from connector.crm.desk import Desk, Member, SharedLog
from connector.crm.quota import day_of, hashed

M = TypeVar("M", bound=Member)

#: How the member of a pool is made, by the pool's name.
Makers = Mapping[str, Callable[[], Member]]


@dataclass(frozen=True, slots=True)
class Open:
    """The pools as they are now; calls under way go on with those that they began with."""

    day: DailyPool
    members: Mapping[str, Member]

    def log(self, name: str) -> SharedLog:
        """One of those that count requests."""
        found = self.members[name]
        assert isinstance(found, SharedLog)  # as whoever named it made it
        return found


class Pools:
    """
    The pools of one connection. Safe to share between threads.

    `whose` names the caller, `remembers` is the caller's log that keeps the account for whoever comes later. `a_day` is
    how many calls a day there are, where the CRM never says so.
    """

    def __init__(
        self,
        desk: Desk,
        host: str,
        whose: Callable[[], str],
        *,
        of_caller: Makers,
        remembers: str,
        of_account: Makers | None = None,
        a_day: int | None = None,
    ) -> None:
        self._desk, self._host, self._whose, self._a_day = desk, host, whose, a_day
        self._of_caller, self._of_account, self._remembers = of_caller, of_account or {}, remembers
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}  # what we call it -> pool
        self._open: Open | None = None
        self._account = ""
        self._made = 0  # calls, from the beginning

    def opened(self) -> Open:
        """All of them, opened where they are not."""
        with self._lock:
            try:
                return self._open or self._first()
            except BaseException:
                self._give_back()  # or whoever tries again would hold some of them twice
                raise

    @property
    def day(self) -> DailyPool:
        """The day of the account, as far as it is known which account that is."""
        return self.opened().day

    @property
    def name_of_day(self) -> str:
        """Under which name the book keeps that day."""
        self.opened()
        return self._names["day"]

    def count(self, calls: int) -> None:
        """So many calls were let out."""
        with self._lock:
            self._made += calls

    def meet(self, account: str, zone: str) -> None:
        """The account behind the caller: what is counted by account is from now on counted by this one."""
        open_now = self.opened()
        with self._lock:
            if account and account != self._account:
                before = [pool for name, pool in self._names.items() if name not in self._of_caller]
                made = 0 if self._account else self._made
                self._account = open_now.log(self._remembers).account = account
                open_now = self._with_account(open_now.members, account)
                self._desk.close(before)
                open_now.day.made_elsewhere(made)
        open_now.day.meet(zone)

    def close(self) -> None:
        """Give back what is not used."""
        with self._lock:
            self._give_back()

    def _give_back(self) -> None:
        pools, self._names, self._open = list(self._names.values()), {}, None
        if pools:
            self._desk.close(pools)

    def _first(self) -> Open:
        whose = self._whose()
        members = self._made_by(self._of_caller, whose)
        self._look()  # who was here before us knows the account
        remembers = members[self._remembers]
        assert isinstance(remembers, SharedLog)  # as whoever named it made it
        self._account = remembers.account
        return self._with_account(members, self._account or f"of {whose}")

    def _with_account(self, members: Mapping[str, Member], account: str) -> Open:
        own = self._made_by(self._of_account, account)
        day = self._opened("day", day_of(self._host, account), lambda: DailyPool(self._desk.wall, self._look))
        if self._a_day is not None:
            day.assume(self._a_day)
        self._open = Open(day, {**members, **own})
        return self._open

    def _made_by(self, makers: Makers, whom: str) -> dict[str, Member]:
        return {name: self._opened(name, f"{name} {hashed(self._host, whom)}", make) for name, make in makers.items()}

    def _opened(self, name: str, pool: str, make: Callable[[], M]) -> M:
        member = self._desk.open(pool, make)
        self._names[name] = pool
        return member

    def _look(self, due: Callable[[], bool] = lambda: True) -> None:
        self._desk.enter(due, wait=True)
