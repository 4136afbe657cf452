"""
Two accounts that a third system keeps alike (lesson 34, trap 20): the harness in which naive connectors run in circles.

Left and right hold the same person; the connector decides differently on them, because each knows of other facts. A
mirror copies our properties from one to the other whenever they change, in a spelling of its own, and knows nothing of
who wrote them: whatever one connector writes comes back to the other as a change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from connector.ledger import Ledger
from tests.sync.conftest import Build
from tests.sync.world import World

MIRRORED = ("cx_fit_score", "cx_score_grade", "cx_persona", "cx_stage", "cx_icp_band")


def _respelt(value: str) -> str:
    """Numbers come back as decimals, as from a system that keeps them so."""
    return f"{value}.00" if value.isdigit() else value


@dataclass
class Mirror:
    """Copies what changed since the last look, whoever changed it."""

    sides: tuple[World, World]
    seen: list[dict[str, str]] = field(default_factory=lambda: [{}, {}])
    copied: int = 0

    def exchange(self, source: int) -> None:
        """What changed on one side goes to the other."""
        here, there = self.sides[source], self.sides[1 - source]
        now = {name: value for name, value in here.properties("1").items() if name in MIRRORED}
        changed = {name: _respelt(value) for name, value in now.items() if value != self.seen[source].get(name)}
        if changed:
            there.set_by("integration", "1", changed)
            self.copied += len(changed)
        self.seen[source] = now
        self.seen[1 - source] = {name: value for name, value in there.properties("1").items() if name in MIRRORED}


def _cycles(left: World, right: World, ledgers: Callable[[int], Ledger]) -> Iterator[int]:
    """Cycle after cycle: both connectors run, the mirror after each; yields what was written in a cycle."""
    mirror = Mirror((left, right))
    while True:
        before = left.writes + right.writes
        for side, world in enumerate((left, right)):
            ledger = ledgers(side)
            world.sync(ledger)
            ledger.database.close()
            mirror.exchange(side)
            for one in (left, right):
                one.clock.pass_by(minutes=5)
        yield left.writes + right.writes - before


def _pair(build: Build, folder: Path) -> tuple[World, World]:
    """The left account knows of interest and a title that the right one does not know."""
    (folder / "right").mkdir()
    left, right = build(), World(folder / "right")
    left.person("1")
    left.interested("1")
    right.person("1", jobtitle="Student")
    return left, right


def test_lesson_34_trap_20_two_mirrored_accounts_come_to_rest(build: Build, tmp_path: Path) -> None:
    """Nothing is written after the second cycle: what comes back is told by its value, however it is spelt."""
    left, right = _pair(build, tmp_path)
    cycles = _cycles(left, right, lambda side: (left, right)[side].ledger())

    written = [next(cycles) for _ in range(3)]

    assert written[0] > 0
    assert written[2:] == [0]


def test_lesson_34_without_the_value_ledger_the_same_accounts_run_in_circles(tmp_path: Path) -> None:
    """The harness is no paper tiger: with a ledger that forgets, each cycle writes, for ever."""
    (tmp_path / "left").mkdir()
    left, right = _pair(lambda folder="left", *, page=100: World(tmp_path / "left"), tmp_path)
    numbers = count()
    cycles = _cycles(left, right, lambda side: (left, right)[side].ledger(f"forgotten{next(numbers)}"))

    assert all(next(cycles) >= 2 for _ in range(3))


def test_trap_20_an_echo_of_our_own_write_is_met_as_known(build: Build) -> None:
    """Another system writes back what we wrote, in other words: looked at, and nothing comes of it."""
    world = build()
    world.person("1")
    world.interested("1")
    ledger = world.ledger()
    world.sync(ledger)
    writes = world.writes
    world.clock.pass_by(minutes=5)
    ours = {name: value for name, value in world.properties("1").items() if name in MIRRORED}
    world.set_by("integration", "1", {name: _respelt(value) for name, value in ours.items()})
    world.set_by("integration", "1", {"lifecyclestage": "marketingqualifiedlead"})

    report = world.sync(ledger)

    assert (world.writes, ledger.holds.of(["1"]), ledger.reversals.every()) == (writes, [], [])
    assert report.counts["held"] == 0
