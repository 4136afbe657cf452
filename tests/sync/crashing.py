"""
How a process dies by an exception in these tests: at the n-th call or commit, before or after it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connector.ledger import Ledger
from tests.sync.sandbox_world import SandboxWorld
from tests.sync.world import World

#: `make check` samples what costs much, `make crash` leaves nothing out.
EVERYTHING = os.environ.get("CRASH_EVERY") == "1"


class Crash(Exception):
    """The process dies here."""


class Fuse:
    """Burns at call number `at`, before or after it has its effect."""

    def __init__(self, at: int, moment: str) -> None:
        self.left, self._moment = at, moment

    def __enter__(self) -> None:
        if self.left == 0 and self._moment == "before":
            raise Crash
        self.left -= 1

    def __exit__(self, *_: object) -> None:
        if self.left == -1 and self._moment == "after":
            self.left -= 1
            raise Crash


def moments() -> Iterator[tuple[int, str]]:
    """Every call and commit, before and after it; of those, `make check` takes every seventh."""
    every = ((number, moment) for number in itertools.count() for moment in ("before", "after"))
    return every if EVERYTHING else itertools.islice(every, 0, None, 7)


@contextmanager
def dying(world: World, ledger: Ledger, fuse: Fuse) -> Iterator[Any]:
    """The CRM to open a session with; its calls and the commits of the ledger burn the fuse."""
    with _commits(ledger, fuse):
        if isinstance(world, SandboxWorld):
            crm: Any = world.adapter()
            crm._api._wire.send = _fused(crm._api._wire.send, fuse)
            yield crm
            return
        world.crm._called = _fused(world.crm._called, fuse)  # type: ignore[method-assign]  # every call, pages too
        try:
            yield world.crm
        finally:
            del world.crm._called


def _fused(call: Any, fuse: Fuse) -> Any:
    def called(*arguments: Any, **named: Any) -> Any:
        with fuse:
            return call(*arguments, **named)

    return called


@contextmanager
def _commits(ledger: Ledger, fuse: Fuse) -> Iterator[None]:
    """Every outermost transaction is a place to die: before its commit, or right after."""
    database = ledger.database
    original = database.transaction

    @contextmanager
    def transaction() -> Iterator[Any]:
        if database._connection is not None:
            with original() as connection:
                yield connection
            return
        with original() as connection:
            yield connection
            fuse.__enter__()
        fuse.__exit__()

    database.transaction = transaction  # type: ignore[method-assign]  # the seam where a commit happens
    try:
        yield
    finally:
        del database.transaction  # type: ignore[method-assign]  # back to the class's own
