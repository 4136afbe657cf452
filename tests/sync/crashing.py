"""
How a process dies in these tests: an exception no room catches, before or after the n-th call or commit.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connector.ledger import Ledger
from tests.sync.over_http import OverHttp
from tests.sync.world import World


class Crash(Exception):
    """The process dies here."""


class Fragile:
    """Counts calls on what it wraps and dies before or after the given one."""

    def __init__(self, wrapped: Any, fuse: Fuse, names: frozenset[str]) -> None:
        self._wrapped, self._fuse, self._names = wrapped, fuse, names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._wrapped, name)
        if name not in self._names:
            return found

        def called(*arguments: Any, **named: Any) -> Any:
            with self._fuse:
                return found(*arguments, **named)

        return called


class _UnderWay(threading.local):
    """The numbers of the calls that a thread is in the middle of."""

    def __init__(self) -> None:
        self.numbers: list[int] = []


class Fuse:
    """Burns at call number `at`, before or after it has its effect, on whichever thread that is made."""

    def __init__(self, at: int, moment: str) -> None:
        self.met = 0  # calls so far
        self._at, self._moment = at, moment
        self._lock, self._under_way = threading.Lock(), _UnderWay()

    def __enter__(self) -> None:
        with self._lock:
            number, self.met = self.met, self.met + 1
        if (number, self._moment) == (self._at, "before"):
            raise Crash
        self._under_way.numbers.append(number)

    def __exit__(self, *_: object) -> None:
        number = self._under_way.numbers.pop()
        if (number, self._moment) == (self._at, "after"):
            raise Crash


#: `make check` dies at every so manieth call or commit, `make crash` at each.
EVERY = int(os.environ.get("CRASH_EVERY", "16"))


def points(moment: str, at_most_every: int = EVERY) -> Iterator[int]:
    """The calls to die at; those before and those after a call are not the same ones."""
    every = min(EVERY, at_most_every)
    return itertools.count(0 if moment == "before" else every // 2, every)


CALLS = frozenset({"read", "links", "write", "find_tasks", "tasks_marked", "history"})


def fragile(world: World, fuse: Fuse) -> Any:
    """The way into the CRM that dies at a call: at the protocol in memory, else on the wire."""
    crm: Any = world.adapter()
    if isinstance(world, OverHttp):
        world.api(crm)._wire = Fragile(world.wire(crm), fuse, frozenset({"send"}))
        return crm
    create = crm._create_task

    def dying(task: Any) -> Any:
        with fuse:
            return create(task)

    crm._create_task = dying
    return Fragile(crm, fuse, CALLS)


def ledger_that_dies(ledger: Ledger, fuse: Fuse) -> Ledger:
    """Every outermost transaction is a place to die: before its commit, or right after."""
    database = ledger.database
    original = database.transaction

    class Dying:
        def __init__(self) -> None:
            self._outer = database._connection is None
            self._context = original()

        def __enter__(self) -> Any:
            return self._context.__enter__()

        def __exit__(self, *error: Any) -> Any:
            if not self._outer or error[0] is not None:
                return self._context.__exit__(*error)
            try:
                fuse.__enter__()
            except Crash as crash:
                self._context.__exit__(Crash, crash, None)
                raise
            self._context.__exit__(None, None, None)
            fuse.__exit__()
            return None

    database.transaction = Dying  # type: ignore[assignment]  # the seam where a commit happens
    return ledger


# -- the matrix: one life, many deaths ------------------------------------------------------------------------------

#: `make check` samples what costs much, `make crash` leaves nothing out.
EVERYTHING = EVERY == 1


def moments() -> Iterator[tuple[int, str]]:
    """Every call and commit, before and after it; of those, `make check` takes every fifteenth."""
    every = ((number, moment) for number in itertools.count() for moment in ("before", "after"))
    return every if EVERYTHING else itertools.islice(every, 0, None, 15)


@contextmanager
def dying(world: World, ledger: Ledger, fuse: Fuse) -> Iterator[Any]:
    """The CRM to open a session with; its calls and the commits of the ledger burn the fuse."""
    with _commits(ledger, fuse):
        if isinstance(world, OverHttp):
            crm: Any = world.adapter()
            wire = world.wire(crm)
            wire.send = _fused(wire.send, fuse)
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
