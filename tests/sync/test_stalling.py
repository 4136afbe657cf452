"""A run in which nothing moves says what it waits for, and ends instead of hanging for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.crm import Page
from connector.crm.resting import Rest
from connector.errors import Deferred, Transient
from connector.sync import Order, ahead, run
from connector.sync.stalling import ENDED, TOLD
from tests.sync.world import World


class Silent:
    """A CRM whose list says nothing more after the first page; every look at the clock takes a while."""

    def __init__(self, world: World, each_look: timedelta) -> None:
        self._crm, self._world, self._each_look = world.adapter(), world, each_look
        self.over = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crm, name)

    def scan(self, *arguments: Any, **named: Any) -> Iterator[Page]:
        """One page, then silence."""
        yield next(self._crm.scan(*arguments, **named))
        self.over.wait()

    def waits_for(self) -> str:
        """Time passes while somebody wonders."""
        self._world.clock.pass_by(seconds=self._each_look.total_seconds())
        return "a place in the quota"


def a_world(folder: Path) -> World:
    world = World(folder, page=2)
    world.usual_people()
    return world


def stalled(world: World, **changes: Any) -> tuple[Any, Silent]:
    crm = Silent(world, TOLD)
    session = world.session(world.ledger(), crm, records=1)
    for name, value in changes.items():
        setattr(session, name, value)
    now = session.now

    def passing() -> Any:
        world.clock.pass_by(seconds=5)
        return now()

    session.now = passing
    return session, crm


def test_lesson_42_a_stall_is_told_and_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a minute whoever watches knows what it waits for; after a quarter of an hour it fails, and can go on."""
    monkeypatch.setattr(ahead, "GLANCE", 0.001)
    world = a_world(tmp_path)
    session, crm = stalled(world)

    with pytest.raises(Transient, match=r"15 minutes.* waits for a place in the quota") as raised:
        run(session, Order("backfill", world.clock(), everything=True))
    crm.over.set()

    (last,) = world.ledger().runs.recent()
    assert (raised.value.code, last.status) == ("stalled", "failed")
    assert any("nothing came from the CRM for 1 minute" in one for one in last.report["warnings"])
    world.clock.pass_by(minutes=ENDED.total_seconds() / 60)
    healed = run(world.session(world.ledger()), Order("backfill", world.clock(), everything=True))
    assert (healed.run, healed.status, healed.counts["read"] > 0) == (last.number, "done", True)


def test_whoever_is_stopped_while_nothing_moves_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM is heard between two looks, not after the answer that never comes."""
    monkeypatch.setattr(ahead, "GLANCE", 0.001)
    world = a_world(tmp_path)
    looks = iter(range(10**6))
    session, crm = stalled(world, stopping=lambda: next(looks) > 40)

    report = run(session, Order("backfill", world.clock(), everything=True))
    crm.over.set()

    assert report.status == "deferred"


def test_closing_a_connection_wakes_who_waits_for_a_place() -> None:
    """Nobody sleeps out a long Retry-After for a run that is over."""
    rest, woken = Rest(), threading.Event()

    def wait() -> None:
        with pytest.raises(Transient, match="closed"):
            rest.before_another_try(3600)
        woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    while not rest.told():
        pass
    assert rest.told() == "the 3600 s before a failed call is tried again"
    rest.end()
    thread.join()

    assert woken.is_set()
    assert rest.told() == ""


def test_what_a_source_yields_comes_in_its_order_whoever_else_yields() -> None:
    """Several at once, each in turn; one that fails says so and hinders nobody."""

    def numbers(start: int) -> Iterator[int]:
        yield from range(start, start + 50)
        if start == 100:
            raise Deferred("the day is spent")

    sources = {start: (lambda start=start: numbers(start)) for start in (0, 100, 200)}

    got = list(ahead.together(sources, 2))  # type: ignore[arg-type]  # the lambda's default is its argument

    for start in sources:
        of_it = [item for key, item in got if key == start]
        assert [one for one in of_it if isinstance(one, int)] == list(range(start, start + 50))
        assert isinstance(of_it[-1], ahead.Failed) == (start == 100)
