"""
People, automation, merges, deletions, deals, faults, crashes, runs and runs undone, in any order (G1 to G6, G9).

Hypothesis decides what happens; after a quiet time and two runs the laws hold. `make check` plays a few games that are
always the same, `make crash` many new ones.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from connector.crm import Outcome
from connector.errors import Transient
from connector.ledger.memories import NOTHING
from connector.sync import Order, Report
from tests.sync.crashing import Crash, Fuse, dying
from tests.sync.deaths import Life, State
from tests.sync.lives import SCENARIOS
from tests.sync.places import over_http
from tests.sync.world import STAGES, World

#: Games of `make check`; `make crash` says how many it plays.
GAMES = int(os.environ.get("STATEFUL_GAMES", "0"))
FEW = {"memory": 6, "hubspot": 3, "dynamics": 2}
STEPS = 18

HOLD = timedelta(days=30)
TITLES = ("Director of Operations", "Process Engineer", "Chief Financial Officer", "Poet", "")
STATUSES = ("IN_PROGRESS", "BAD_TIMING", "UNQUALIFIED", "")
ANSWERS = ("accepted", "rejected", "returned_not_ready", "")

#: Whom something happens to: the n-th of those who are there.
someone = st.integers(0, 30)


class Unlucky:
    """The account on a bad day: the answers to some writes are lost, applied or not, and a read may fail."""

    def __init__(self, crm: Any, lost: str, every: int) -> None:
        self._crm, self._lost, self._every = crm, lost, every

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crm, name)

    def write(self, kind: str, updates: Any) -> list[Outcome]:
        """Every so manieth outcome is unknown, deferred or rejected."""
        if self._lost == "connection":
            raise Transient("The account cannot be reached.")
        hit = {update.id for place, update in enumerate(updates) if place % self._every == 0}
        sent = updates if self._lost == "answer" else [update for update in updates if update.id not in hit]
        outcomes = {one.id: one for one in self._crm.write(kind, sent)}
        codes = {"answer": ("unknown", "dropped"), "request": ("unknown", "dropped"), "quota": ("deferred", "quota")}
        state, code = codes[self._lost]
        return [
            Outcome(update.id, state, code=code) if update.id in hit else outcomes[update.id]  # type: ignore[arg-type]  # a state by its name
            for update in updates
        ]


class Game(RuleBasedStateMachine):
    """An account that people work in, and a connector that runs, fails and dies beside them."""

    life: ClassVar[Life]
    begin: ClassVar[State]

    def __init__(self) -> None:
        super().__init__()
        self.life.back_to(self.begin)
        self.number = self.choices = 0
        self.there: list[str] = []  # people who live
        self.wrote: list[int] = []  # runs that can be undone
        self.edited: dict[str, tuple[str, datetime]] = {}  # a persona that a person chose
        self.blanked: set[str] = set()  # whose stage a person blanked
        self.tombs: dict[str, dict[str, str]] = {}

    @property
    def world(self) -> World:
        return self.life.world

    # -- who is there ------------------------------------------------------------------------------------------------

    def living(self) -> list[str]:
        return sorted(self.there)

    def one(self, number: int) -> str:
        return self.living()[number % len(self.living())]

    def ours(self, id: str) -> bool:
        """Whether the connector has decided on this person, so that another's value is told from its own."""
        return id in self.edited or "cx_persona" in self.life.ledger.people.remember([id]).get(id, NOTHING).base

    # -- people and automation ---------------------------------------------------------------------------------------

    @initialize()
    def two_people(self) -> None:
        for _ in range(2):
            self.somebody_new(0)

    @rule(title=st.integers(0, len(TITLES) - 1))
    def somebody_new(self, title: int) -> None:
        self.number += 1
        self.world.person(str(self.number), jobtitle=TITLES[title])
        self.there.append(str(self.number))

    @rule(who=someone, stage=st.sampled_from((*STAGES, "")), by=st.sampled_from(("person", "automation")))
    def stage_is_set(self, who: int, stage: str, by: str) -> None:
        id = self.one(who)
        self.world.set_by(by, id, {"lifecyclestage": stage})
        if not stage:
            self.blanked.add(id)

    @rule(who=someone, status=st.sampled_from(STATUSES))
    def status_is_set(self, who: int, status: str) -> None:
        self.world.edit(self.one(who), {"hs_lead_status": status})

    @rule(who=someone, answer=st.sampled_from(ANSWERS))
    def sales_answers(self, who: int, answer: str) -> None:
        self.world.edit(self.one(who), {"cx_sales_answer": answer})

    @rule(who=someone)
    def a_persona_is_chosen(self, who: int) -> None:
        self.choices += 1  # what stands there already would be no choice
        id, persona = self.one(who), f"chosen {self.choices}"
        self.world.edit(id, {"cx_persona": persona})
        if self.ours(id):  # at first sight what stands there is the base
            self.edited[id] = persona, self.world.clock()

    @rule(who=someone, title=st.integers(0, len(TITLES) - 1))
    def title_changes(self, who: int, title: int) -> None:
        self.world.edit(self.one(who), {"jobtitle": TITLES[title]})

    @rule(who=someone)
    def interest(self, who: int) -> None:
        self.world.interested(self.one(who))

    @rule(who=someone)
    def demo(self, who: int) -> None:
        self.world.asked_for_demo(self.one(who))

    @rule(who=someone, stage=st.sampled_from(("appointmentscheduled", "closedwon", "closedlost")))
    def deal(self, who: int, stage: str) -> None:
        self.number += 1
        self.world.deal(f"{900_000 + self.number}", self.one(who), stage)
        self.world.edit(self.one(who), {"city": f"C{self.number}"})

    @precondition(lambda self: len(self.living()) > 2)
    @rule(who=someone, other=someone)
    def merged(self, who: int, other: int) -> None:
        survivor, loser = self.one(who), self.one(other)
        if survivor != loser:
            self.world.merge(survivor, loser)
            self.there.remove(loser)
            self.edited.pop(loser, None)

    @precondition(lambda self: len(self.living()) > 2)
    @rule(who=someone)
    def deleted(self, who: int) -> None:
        id = self.one(who)
        self.world.delete(id)
        self.there.remove(id)
        self.tombs[id] = self.world.in_the_bin(id)
        self.edited.pop(id, None)

    @precondition(lambda self: bool(self.tombs))
    @rule(who=someone)
    def restored(self, who: int) -> None:
        id = sorted(self.tombs)[who % len(self.tombs)]
        del self.tombs[id]
        self.world.restore(id)
        self.there.append(id)
        self.world.edit(id, {"city": "back"})

    @rule(minutes=st.sampled_from((1, 7, 60, 24 * 60, 3 * 24 * 60, 31 * 24 * 60)))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.pass_by(minutes=minutes)

    # -- the connector -----------------------------------------------------------------------------------------------

    def run(self, order: Order, crm: Any = None) -> Report:
        report = self.life.run(order, crm)
        ends = ("written", "unchanged", "held", "parked", "rejected", "gone", "unknown")
        counts = report.counts
        assert not order.write or counts["looked_at"] == sum(counts[name] for name in ends), "somebody has no end"
        if counts["written"] and order.undoes is None:
            self.wrote.append(report.run)
        return report

    @rule()
    def sync(self) -> None:
        self.run(Order("sync", self.world.clock()))

    @rule()
    def backfill(self) -> None:
        self.run(Order("backfill", self.world.clock(), everything=True))

    @rule()
    def plan_then_apply(self) -> None:
        writes = self.world.writes
        plan = self.run(Order("plan", self.world.clock(), write=False))
        assert self.world.writes == writes, "a plan wrote"
        found = {one.person_id: one.body for one in self.life.ledger.work.every(plan.run)}
        if found:
            self.run(Order("apply", self.world.clock(), only=tuple(found), expected=found))

    @precondition(lambda self: bool(self.wrote))
    @rule(which=st.integers(0, 5))
    def reverted(self, which: int) -> None:
        run = self.wrote.pop(which % len(self.wrote))
        self.run(Order("revert", self.world.clock(), undoes=run))

    @rule(lost=st.sampled_from(("answer", "request", "quota", "connection")), every=st.integers(1, 3))
    def unlucky_sync(self, lost: str, every: int) -> None:
        try:
            self.run(Order("sync", self.world.clock()), Unlucky(self.world.adapter(), lost, every))
        except Transient:
            assert lost == "connection"

    @rule(at=st.integers(0, 130), moment=st.sampled_from(("before", "after")), everything=st.booleans())
    def dies(self, at: int, moment: str, everything: bool) -> None:
        order = Order("backfill" if everything else "sync", self.world.clock(), everything=everything)
        try:
            with dying(self.world, self.life.ledger, Fuse(at, moment)) as crm:
                self.life.run(order, crm)
        except Crash:
            runs = self.life.ledger.runs
            runs.drop_lease(runs.connection().fence)  # as whoever comes next does with a lease of the dead

    # -- the laws ----------------------------------------------------------------------------------------------------

    @invariant()
    def g2_no_task_twice(self) -> None:
        marks = Counter(body.rpartition("[")[2] for body in self.world.task_bodies())
        assert {mark for mark, times in marks.items() if times > 1} == set()

    @invariant()
    def g9_tombstones_stay_as_they_are(self) -> None:
        assert {id: self.world.in_the_bin(id) for id in self.tombs} == self.tombs

    @invariant()
    def g4_what_people_chose_stands_for_as_long_as_agreed(self) -> None:
        for id, (persona, at) in self.edited.items():
            if self.world.clock() < at + HOLD:
                assert self.world.properties(id)["cx_persona"] == persona

    def teardown(self) -> None:
        """A quiet time, and two runs."""
        self.world.clock.pass_by(minutes=10)
        if not self.living():
            return
        self.run(Order("sync", self.world.clock()))
        self.run(Order("sync", self.world.clock()))
        state, writes = self.world.state(), self.world.writes
        self.run(Order("sync", self.world.clock()))
        self.run(Order("backfill", self.world.clock(), everything=True))
        assert (self.world.writes, self.world.state()) == (writes, state), "a run after quiet wrote"
        self.g2_no_task_twice()
        self.g9_tombstones_stay_as_they_are()
        self.g4_what_people_chose_stands_for_as_long_as_agreed()
        self.g5_nobody_is_blank()
        self.g3_nobody_is_missed()
        self.nothing_is_left_open()

    def g5_nobody_is_blank(self) -> None:
        blank = {id for id in self.living() if not self.world.properties(id).get("lifecyclestage")}
        assert blank <= self.blanked

    def g3_nobody_is_missed(self) -> None:
        """The mirror holds everybody who lives, as they are, and nobody else."""
        mirror, fields = self.life.ledger.mirror, self.world.session(self.life.ledger).fields
        assert mirror.contacts("", 1000) == self.living()
        crm = self.world.adapter()
        properties = fields.properties("contact")
        there = {one.id: fields.facts(one) for one in crm.read("contact", self.living(), properties)}
        crm.close()
        kept = mirror.kept("contact", self.living())
        assert {id: _without_stamps(kept[id].facts) for id in there} == {
            id: _without_stamps(facts) for id, facts in there.items()
        }

    def nothing_is_left_open(self) -> None:
        ledger = self.life.ledger
        assert ledger.work.open_clears() == []
        assert {one.state for id in self.living() for one in ledger.outbox.of(id)} <= {"created"}
        assert [id for id, memory in ledger.people.remember(self.living()).items() if memory.intended] == []
        assert ledger.mirror.waiting() == 0


def _without_stamps(facts: Any) -> dict[str, Any]:
    """Without the CRM's dates of entering stages, which the echo of our own write brings."""
    return {name: value for name, value in facts.items() if name != "e"}


@pytest.mark.parametrize("place", FEW)
def test_g1_g2_g3_g4_g5_g6_g9_whatever_happens_in_whatever_order(
    place: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Always the same few games, or as many new ones as are asked for."""
    how = settings(
        max_examples=GAMES or FEW[place],
        stateful_step_count=STEPS,
        derandomize=not GAMES,
        phases=(Phase.generate, Phase.shrink) if GAMES else (Phase.generate,),
        report_multiple_bugs=False,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    world = World(tmp_path) if place == "memory" else over_http(tmp_path, request.getfixturevalue(place))
    next(one for one in SCENARIOS if one.name == "stages go back").settings(world)
    Game.life = Life(world, world.ledger())
    Game.begin = Game.life.state()
    run_state_machine_as_test(Game, settings=how)  # type: ignore[no-untyped-call]  # as Hypothesis ships it
