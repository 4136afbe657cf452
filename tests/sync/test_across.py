"""
G4, lesson 34: two accounts under one agreement, and something that copies values from one to the other.

On the memory CRM, which both accounts are here; tests/sync/test_both.py has the two sandboxes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from connector.fields import FieldMap
from connector.ledger import Ledger, open_ledger
from connector.sync import Order, Report, run
from tests.sync.copying import COPIED, Copier
from tests.sync.world import World

COPIER = "INTEGRATION 4711"
GRADE, STAGE, PERSONA = "cx_score_grade", "lifecyclestage", "cx_persona"


@dataclass
class Account:
    """One of the two accounts, its part of the state, and what it knows of the other one."""

    world: World
    ledger: Ledger
    neighbours: Callable[[], Mapping[str, FieldMap]] = dict

    def __post_init__(self) -> None:
        self.fields = self.world.session(self.ledger).fields

    def known(self) -> Mapping[str, tuple[str, Mapping[str, str]]]:
        """As the copier asks."""
        return {values["email"].lower(): (id, values) for id, values in self.world.contacts().items()}

    def put(self, id: str, properties: Mapping[str, str]) -> None:
        """As the copier sets; its API cannot set a stage back either."""
        stages = self.world.crm._forward_only[STAGE]
        before = self.world.properties(id).get(STAGE, "")
        if STAGE in properties and before and stages.index(properties[STAGE]) < stages.index(before):
            return
        self.world.crm.edit("contact", id, properties, by="integration", source=COPIER)

    def sync(self) -> Report:
        """One run."""
        session = self.world.session(self.ledger)
        session.neighbours = self.neighbours
        return run(session, Order("sync", self.world.clock()))

    @property
    def quarrels(self) -> tuple[list[object], list[object]]:
        """Holds and reversals."""
        return list(self.ledger.holds.every()), list(self.ledger.reversals.every())


@dataclass
class Two:
    """Both, with what copies between them."""

    acme: Account
    nordic: Account
    copier: Copier

    def round(self) -> int:
        """Ten minutes later both have run, and what changed was copied; returns what was written by whomever."""
        before = self.acme.world.writes + self.nordic.world.writes
        copied = 0
        for one in (self.acme, self.nordic):
            one.world.clock.pass_by(minutes=10)
            assert one.sync().status == "done"
            copied += self.copier.copy()
        self.nordic.world.clock.at = self.acme.world.clock.at = max(self.acme.world.clock(), self.nordic.world.clock())
        return copied + self.acme.world.writes + self.nordic.world.writes - before

    def quiet_after(self, rounds: int) -> int | None:
        """The first of so many rounds after which nobody wrote anything any more; None where it never ends."""
        told = [self.round() for _ in range(rounds)]
        noisy = [number for number, written in enumerate(told, 1) if written]
        return None if told[-1] else max(noisy, default=0) + 1


Build = Callable[..., Two]


@pytest.fixture
def two(tmp_path: Path) -> Build:
    """Two accounts that know the same three people; the first sees that two of them are interested, the other of one
    who asked for a demo."""

    def make(wins: Literal["one", "other"] = "one", *, apart: bool = False, copied: tuple[str, ...] = COPIED) -> Two:
        accounts = []
        for name, prefix in (("acme", ""), ("nordic", "7")):
            (tmp_path / name).mkdir()
            world = World(tmp_path / name)
            for number in ("1", "2", "3"):
                world.person(f"{prefix}{number}", mail=f"p{number}@northmill.example")
            ledger = world.ledger() if name == "acme" else open_ledger(accounts[0].ledger.database.url, name)
            accounts.append(Account(world, ledger))
        acme, nordic = accounts
        acme.world.interested("1")
        acme.world.interested("2")
        nordic.world.asked_for_demo("72")
        if not apart:
            acme.neighbours = lambda: {"nordic": nordic.fields}
            nordic.neighbours = lambda: {"acme": acme.fields}
        return Two(acme, nordic, Copier(acme, nordic, wins, copied))

    return make


@pytest.mark.parametrize("wins", ["one", "other"])
def test_lesson_34_two_accounts_and_a_copier_come_to_rest(two: Build, wins: Literal["one", "other"]) -> None:
    """Who is decided on alike, and who is not: within two rounds all is written, nobody is blamed and nothing is held;
    ten rounds long nothing more happens."""
    both = two(wins)

    quiet = both.quiet_after(10)

    assert quiet is not None
    assert quiet <= 3
    assert both.acme.quarrels == both.nordic.quarrels == ([], [])
    assert both.acme.world.properties("1")[STAGE] == both.nordic.world.properties("71")[STAGE]


def test_lesson_34_without_knowing_of_each_other_they_quarrel(two: Build) -> None:
    """The same accounts and the same copier, each on its own: so the copier is one that can be quarrelled with."""
    both = two(apart=True)

    both.quiet_after(10)

    assert both.acme.quarrels != ([], []) or both.nordic.quarrels != ([], [])
