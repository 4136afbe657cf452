"""What a connection draws from: opened once, moved to the account as soon as it is known, given back whole."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from connector.crm.desk import Desk, SharedLog
from connector.crm.pools import Pools
from connector.crm.quota import Entry, OwnBook


class Book(OwnBook):
    """A book that cannot be written at first."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.failures = failures

    def enter(self, holder: str, now: float, entries: Mapping[str, Entry]) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("the disk is full")
        super().enter(holder, now, entries)


def desk_of(book: Book) -> Desk:
    return Desk(book, clock=lambda: 0.0, sleep=lambda _: None, wall=lambda: 1_800_000_000.0)


def pools_of(desk: Desk, whose: str = "token", a_day: int | None = 1000) -> Pools:
    """A burst of the caller's, searches and a day of the account's."""
    return Pools(
        desk,
        "host",
        lambda: whose,
        of_caller={"burst": lambda: SharedLog(desk, 100, 10.0, 1.0)},
        remembers="burst",
        of_account={"search": lambda: SharedLog(desk, 5, 1.0, 1.0)},
        a_day=a_day,
    )


def test_callers_of_one_account_share_what_is_counted_by_account_once_they_know_it() -> None:
    """Each has a burst of its own all the while."""
    desk = desk_of(Book())
    one, other = pools_of(desk, "one"), pools_of(desk, "other")
    before = one.opened(), other.opened()

    one.meet("7", "UTC")
    other.meet("7", "UTC")

    now = one.opened(), other.opened()
    assert before[0].log("search") is not before[1].log("search")
    assert now[0].log("search") is now[1].log("search")
    assert now[0].day is now[1].day
    assert now[0].log("burst") is not now[1].log("burst")


def test_what_was_called_before_the_account_was_known_is_the_account_s() -> None:
    """Told with the next entry in the book, and once."""
    desk = desk_of(Book())
    calling, silent = pools_of(desk, "one", None), pools_of(desk, "other", None)
    calling.opened(), silent.opened()
    calling.count(3)
    for pools, account in ((calling, "7"), (silent, "8"), (calling, "7")):
        pools.meet(account, "UTC")

    desk.enter(lambda: True, wait=True)

    assert calling.day.day.used == silent.day.day.used + 3


def test_g7_a_day_that_is_assumed_is_known_however_early_somebody_looks_into_the_book() -> None:
    """Before the first call of the account, as another thread may: else nothing would be kept for others all day."""
    desk = desk_of(Book())
    pools = pools_of(desk)
    pools.opened()

    desk.enter(lambda: True, wait=True)

    assert pools.day.day.limit == 1000


def test_whoever_comes_later_with_the_same_token_knows_the_account_at_once() -> None:
    """The caller's log remembers it."""
    desk = desk_of(Book())
    first, later = pools_of(desk), pools_of(desk)
    first.meet("7", "UTC")

    assert later.opened().log("search") is first.opened().log("search")
    assert later.day is first.day


def test_what_was_opened_is_given_back_once_each() -> None:
    """Also the pools that went by the caller until the account was known, and those of an opening that failed."""
    desk = desk_of(Book())
    pools = pools_of(desk)
    pools.opened()
    pools.meet("7", "UTC")
    assert desk.open_pools == 3

    pools.close()
    pools.close()

    assert desk.open_pools == 0


def test_an_opening_that_fails_leaves_nothing_open_and_can_be_tried_again() -> None:
    """The book could not be written: nothing is held twice after the second try."""
    desk = desk_of(Book(failures=2))  # the look, and what is said on leaving
    pools = pools_of(desk)

    with pytest.raises(OSError, match="full"):
        pools.opened()
    assert desk.open_pools == 0

    pools.opened()
    pools.close()
    assert desk.open_pools == 0
