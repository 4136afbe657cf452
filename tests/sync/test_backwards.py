"""G5: lifecycle can go back, and nobody is left without a stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.agreement.terms import Backward
from connector.crm import Outcome, Update
from connector.ledger.work import OpenClear
from connector.sync import backwards
from tests.sync.conftest import Build
from tests.sync.world import AS_OF, World

#: By now the interest of `World.interested` has faded below the value at which an MQL is left.
FADED = AS_OF + timedelta(days=60)


def _faded(build: Build, folder: str = "world", *, opted_in: bool) -> World:
    """An MQL of two months ago, with the move back opted in for the CRM's own stage or not."""
    world = build(folder)
    if opted_in:
        moves = (Backward("mql_to_nurture", ("mql",), "nurture"),)
        world.agreement = replace(world.agreement, backwards=moves)
    world.person("1")
    world.interested("1")
    ledger = world.ledger()
    world.sync(ledger)
    assert world.properties("1")["lifecyclestage"] == "marketingqualifiedlead"
    ledger.database.close()
    world.clock.at = FADED
    return world


def test_g5_by_default_the_crm_keeps_the_furthest_stage(build: Build) -> None:
    """The return stands in our own property; the CRM's stage is never written backwards."""
    world = _faded(build, opted_in=False)

    world.sync(world.ledger())

    after = world.properties("1")
    assert (after["lifecyclestage"], after["cx_stage"]) == ("marketingqualifiedlead", "nurture")


def test_g5_an_opted_in_move_is_cleared_then_set(build: Build) -> None:
    """On a CRM that only moves forward the earlier stage stands in the end, and a second run writes nothing."""
    world = _faded(build, opted_in=True)
    ledger = world.ledger()

    report = world.sync(ledger)
    writes = world.writes
    again = world.sync(ledger)

    assert report.status == "done"
    assert report.blank_for_a_moment == 1
    assert (world.properties("1")["lifecyclestage"], world.properties("1")["cx_stage"]) == ("lead", "nurture")
    assert (again.counts["written"], world.writes) == (0, writes)


def test_g5_whom_a_crm_lets_back_for_certain_nobody_foretells_a_blank(build: Build) -> None:
    """Where it is known beforehand that an earlier stage is taken, a plan tells of no moment without one."""
    world = _faded(build, opted_in=True)
    world.lets_stages_back(any_way=True)
    ledger = world.ledger()

    report = world.sync(ledger, stages_go_back=True)

    assert (report.counts["written"], report.blank_for_a_moment) == (1, 0)
    assert world.properties("1")["lifecyclestage"] == "lead"


def test_g5_where_the_crm_lets_it_back_nothing_is_cleared(build: Build) -> None:
    """A plain write that takes is enough: nobody is blank for a moment."""
    world = _faded(build, opted_in=True)
    world.lets_stages_back(any_way=True)
    blanks: list[OpenClear] = []
    ledger = world.ledger()
    ledger.work.open_clear = lambda one, run, at: blanks.append(one)  # type: ignore[method-assign]  # listens in

    world.sync(ledger)

    assert world.properties("1")["lifecyclestage"] == "lead"
    assert blanks == []


def test_g5_somebody_who_acts_meanwhile_is_not_overwritten(build: Build) -> None:
    """A clear is open, and a person has set a stage since: their stage stands, the clear is closed."""
    world = _faded(build, opted_in=True)
    ledger = world.ledger()
    was, wanted = (world.text("lifecyclestage", stage) for stage in ("marketingqualifiedlead", "lead"))
    ledger.work.open_clear(OpenClear("1", world.named("lifecyclestage"), was, wanted), 1, AS_OF)
    world.edit("1", {"lifecyclestage": "opportunity"})
    world.clock.pass_by(minutes=10)

    world.sync(ledger)

    assert world.properties("1")["lifecyclestage"] == "opportunity"
    assert ledger.work.open_clears() == []


def test_g5_a_text_the_crm_keeps_in_another_form_does_not_hold_up_the_stage(memory: Build) -> None:
    """The stage is cleared and set; of the property that only tells nothing is believed, and the rest is done."""
    world = _faded(memory, opted_in=True)
    may_set = world.crm._may_set
    world.crm._may_set = (  # type: ignore[method-assign]  # an account that accepts, and keeps what stood there
        lambda stored, name, value: name != "cx_score_reasons" and may_set(stored, name, value)
    )
    ledger = world.ledger()

    world.sync(ledger)

    assert (world.properties("1")["lifecyclestage"], world.properties("1")["cx_stage"]) == ("lead", "nurture")
    (reject,) = ledger.rejects.every()
    assert (reject.code, reject.names) == ("not_taken", ("cx_score_reasons",))
    assert ledger.people.remember(["1"])["1"].tracks[0]["stage"] == "nurture"


def test_g5_whoever_is_cleared_is_set_before_anybody_else_is_cleared(
    memory: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many go back in one batch, only so many stand blank at a time as one call takes."""
    monkeypatch.setattr(backwards, "AT_ONCE", 2)
    world = memory()
    moves = (Backward("mql_to_nurture", ("mql",), "nurture"),)
    world.agreement = replace(world.agreement, backwards=moves)
    ids = [str(number) for number in range(1, 6)]
    for id in ids:
        world.person(id)
        world.interested(id)
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.at = FADED
    crm, blank = world.adapter(), list[int]()
    write = crm.write

    def watched(kind: str, updates: Sequence[Update]) -> list[Outcome]:
        outcomes = write(kind, updates)
        blank.append(sum("lifecyclestage" not in world.properties(id) for id in ids))
        return outcomes

    crm.write = watched  # type: ignore[method-assign]  # looks in after each call

    world.sync(ledger)

    assert {world.properties(id)["lifecyclestage"] for id in ids} == {"lead"}
    assert max(blank) == 2
