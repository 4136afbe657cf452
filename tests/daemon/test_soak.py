"""A month of the daemon on a real ledger: people act, a connection fails now and then, and nothing piles up."""

from __future__ import annotations

import gc
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connector.daemon import Schedule
from connector.errors import Transient
from tests.daemon.house import House

#: `make check` lives through half a month, `make story` through all of it.
DAYS = int(os.environ.get("SOAK_DAYS", "15"))
WARM = 6  # days after which nothing but the ledger may grow any more
PEOPLE = 12
MB = 1 << 20

SOURCES = ("list:Visited pricing", "list:Attended webinar", "list:Read case study", "list:Read comparison guide")
TITLES = ("Director of Operations", "Head of Sales", "Intern")


@dataclass(frozen=True, slots=True)
class Measured:
    """What the process holds, and how large the ledger's file is."""

    memory: int
    handles: int
    ledger: int


def measured(house: House) -> Measured:
    """Now, without garbage."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    handles = len(os.listdir("/proc/self/fd"))
    return Measured(pages * os.sysconf("SC_PAGESIZE"), handles, (house.folder / "state.db").stat().st_size)


def a_day(house: House, chance: random.Random, day: int) -> None:
    """What people do to an account in a day, and what breaks."""
    world, evening = house.world("acme"), datetime.now(UTC) + timedelta(days=1)
    for _ in range(2):
        world.edit(str(chance.randrange(PEOPLE)), {"jobtitle": chance.choice(TITLES)})
        house.broken = {"beta": Transient("the CRM is down")} if chance.random() < 0.3 else {}
        house.wait(hours=chance.choice((7, 11)))
    if day % 3 == 0:
        world.saw(str(chance.randrange(PEOPLE)), chance.choice(SOURCES), 0)
    if day % 6 == 0:
        world.asked_for_demo(str(chance.randrange(PEOPLE)))
    if day % 7 == 3:
        world.person(str(1000 + day))
    house.wait(seconds=(evening - datetime.now(UTC)).total_seconds())


def test_a_month_leaves_memory_and_handles_flat(
    build: Callable[..., House], said: Callable[..., list[dict[str, Any]]]
) -> None:
    """Runs by the hundred, planned and due: the ledger grows by a few kilobytes a run, and nothing else grows; the
    failing connection has run whenever it could."""
    every = Schedule(every=timedelta(hours=6), jitter=timedelta(seconds=30))
    house = build(schedules={"acme": every, "beta": Schedule(cron="0 6 * * *")})
    for id in range(PEOPLE):
        house.world("acme").person(str(id))
    house.world("beta").person("1")
    house.confirmed().started()
    chance = random.Random(7)
    seen: list[tuple[int, Measured]] = []
    for day in range(DAYS):
        a_day(house, chance, day)
        seen.append((len(house.runs("acme")), measured(house)))

    (few, warm), (many, end) = seen[WARM], seen[-1]
    assert many > DAYS * 4
    assert len(house.runs("beta")) + len(said("run failed")) == DAYS
    assert (house.word("acme")["missed"], house.word("beta")["missed"]) == (0, 0)
    assert end.handles == warm.handles
    assert end.memory - warm.memory < 8 * MB, (warm, end)
    assert (end.ledger - warm.ledger) / (many - few) < 6_000, (warm, end)
