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
GRADE, STAGE, STATUS = "cx_score_grade", "lifecyclestage", "hs_lead_status"


@dataclass
class Account:
    """One of the two accounts, its part of the state, and what it knows of the other one."""

    world: World
    ledger: Ledger
    neighbours: Callable[[], Mapping[str, FieldMap]] = dict
    copied_by: tuple[str, str] = ("integration", COPIER)

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
        by, source = self.copied_by
        self.world.crm.edit("contact", id, properties, by=by, source=source)

    def sync(self) -> Report:
        """One run."""
        session = self.world.session(self.ledger)
        session.neighbours = self.neighbours
        return run(session, Order("sync", self.world.clock()))

    def track(self, id: str) -> Mapping[str, object]:
        """The default track of a person."""
        track: Mapping[str, object] = self.ledger.people.remember([id])[id].tracks[0]
        return track

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

    both.quiet_after(3)

    assert both.acme.quarrels != ([], []) or both.nordic.quarrels != ([], [])


def _known(both: Two) -> Two:
    """Both accounts have looked at everybody and written what they made of them, before anything was copied."""
    for one in (both.acme, both.nordic):
        one.sync()
        one.world.clock.pass_by(minutes=10)
    return both


#: What Dynamics says without audits of a row that a program wrote last.
NOBODY_KNOWN = ("unknown", "")


@pytest.mark.parametrize("by", [("integration", COPIER), NOBODY_KNOWN], ids=["a program", "nobody knows"])
@pytest.mark.parametrize("first", ["acme", "nordic"])
def test_a_persons_stage_and_status_are_adopted_where_they_were_set_and_left_alone_where_they_arrive(
    two: Build, first: str, by: tuple[str, str]
) -> None:
    """Whichever of the two runs first afterwards: what sales said in one account stands in both, is a person's word in
    that one alone, and is nobody's in the other; also where the other does not say who brought it."""
    both = _known(two())
    both.nordic.copied_by = by
    both.copier.copy()
    both.acme.world.set_by("person", "2", {STAGE: "customer", STATUS: "IN_PROGRESS"})
    both.copier.copy()
    assert both.nordic.world.properties("72")[STAGE] == "customer"
    if first == "nordic":
        both.nordic.sync()

    for _ in range(3):
        both.round()

    assert (both.acme.track("2")["stage"], both.acme.track("2")["cause"]) == ("customer", "person")
    assert both.nordic.track("72")["cause"] == "fast_track.demo"
    assert both.nordic.quarrels == both.acme.quarrels == ([], [])
    assert {one.world.properties(id)[STATUS] for one, id in _two(both)} == {"IN_PROGRESS"}
    assert {one.world.properties(id)[STAGE] for one, id in _two(both)} == {"customer"}


def _two(both: Two, number: str = "2") -> tuple[tuple[Account, str], tuple[Account, str]]:
    return (both.acme, number), (both.nordic, f"7{number}")


def test_a_value_that_is_held_for_a_person_in_one_account_is_not_held_in_the_other_as_well(two: Build) -> None:
    """The grade that a person chose stays where they chose it until its time; the copy is left alone as long."""
    both = _known(two())
    both.round()
    both.nordic.world.set_by("person", "71", {GRADE: "D4"})

    for _ in range(3):
        both.round()

    assert [one.world.properties(id)[GRADE] for one, id in _two(both, "1")] == ["D4", "D4"]
    assert [one.by for one in both.nordic.ledger.holds.every()] == ["person"]
    assert both.acme.quarrels == ([], [])


def test_what_is_copied_under_the_name_of_a_user_is_an_echo_as_well(two: Build) -> None:
    """Some copy as whoever set the copying up: it was written over there a moment before."""
    both = _known(two())
    for one in (both.acme, both.nordic):
        one.copied_by = ("person", "CRM_UI userId:7001")

    assert both.quiet_after(4) is not None

    assert both.acme.quarrels == both.nordic.quarrels == ([], [])
    assert both.nordic.track("71")["stage"] == "lead"
    assert both.nordic.world.properties("71")[STAGE] == "marketingqualifiedlead"


def test_who_says_the_same_in_both_accounts_by_hand_has_said_it_in_both(two: Build) -> None:
    """Nothing copies: the second account must not take a person's word for an echo of the first one's."""
    both = _known(two())
    both.copier.copied = ()
    both.acme.world.set_by("person", "2", {STATUS: "UNQUALIFIED"})
    both.round()
    both.nordic.world.set_by("person", "72", {STATUS: "UNQUALIFIED"})
    both.round()

    assert [one.track(id)["status"] for one, id in _two(both)] == ["unqualified", "unqualified"]
    assert not both.nordic.track("72")["handed_over"]


@pytest.mark.parametrize("after", ["it is read", "nothing is told of it", "a day"])
def test_g4_whoever_sets_a_value_and_is_not_named_waits_and_loses_nothing(two: Build, after: str) -> None:
    """A program has touched the row since, so nobody says that it was a person. It may be a copy until the other
    account has been read, or for a day: neither adopted, nor written over, and nobody is handed over meanwhile."""
    both = _known(two())
    both.copier.copied = ()
    both.nordic.world.crm.edit("contact", "71", {STAGE: "customer", GRADE: "D4"}, by="unknown", source="")
    both.nordic.world.asked_for_demo("71")

    both.round()

    assert (both.nordic.track("71")["stage"], both.nordic.track("71")["handed_over"]) == ("lead", False)
    assert [both.nordic.world.properties("71")[name] for name in (STAGE, GRADE)] == ["customer", "D4"]
    assert both.nordic.quarrels == ([], [])
    for world in (both.acme.world, both.nordic.world):
        world.clock.pass_by(**({"hours": 24} if after == "a day" else {"hours": 1}))
    if after != "a day":
        if after == "it is read":
            both.acme.world.edit("1", {"city": "Lodz"})
        both.acme.sync()
    both.nordic.sync()

    track = both.nordic.track("71")
    assert (track["stage"], track["cause"]) == ("customer", "person")
    assert [one.property for one in both.nordic.ledger.holds.every()] == [GRADE]
    assert [both.nordic.world.properties("71")[name] for name in (STAGE, GRADE)] == ["customer", "D4"]


def test_a_new_decision_is_written_over_an_echo_and_the_same_one_never_again(two: Build) -> None:
    """Nordic takes acme's MQL as it is, until it hears of a demo: then sales sees SAL in both accounts, and acme, which
    knows of no demo, does not write its own again."""
    both = _known(two())
    both.round()
    assert both.nordic.world.properties("71")["cx_stage"] == "mql"
    assert both.nordic.track("71")["stage"] == "lead"
    both.nordic.world.asked_for_demo("71")

    quiet = both.quiet_after(4)

    assert quiet is not None
    assert [one.world.properties(id)["cx_stage"] for one, id in _two(both, "1")] == ["sal", "sal"]
    assert (both.acme.track("1")["stage"], both.nordic.track("71")["stage"]) == ("mql", "sal")
    assert both.acme.quarrels == both.nordic.quarrels == ([], [])


def test_an_integration_that_brings_what_nobody_over_there_has_is_told_as_ever(two: Build) -> None:
    """It has a day's grace at most, as long as the other account has not been read: then it is another system that set
    our value back. And whoever is nobody's counterpart has no echo at all."""
    both = _known(two())
    both.copier.copied = ()
    both.acme.world.person("9")
    both.round()
    for id in ("1", "9"):
        both.acme.world.set_by("integration", id, {GRADE: "D4"})
    both.acme.world.clock.pass_by(minutes=1)
    both.acme.sync()
    assert [one.person_id for one in both.acme.ledger.reversals.every()] == ["9"]

    for _ in range(3):
        for world in (both.acme.world, both.nordic.world):
            world.clock.pass_by(hours=26)
        both.nordic.world.edit("71", {"city": "Lodz"})
        both.round()

    assert [one.person_id for one in both.acme.ledger.reversals.every()] == ["1", "9"]
