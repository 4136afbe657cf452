"""`apply FILE` under concurrent edits (G8): what was reviewed is written, or nothing; never anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from connector.errors import GuardRefused
from connector.ledger import Ledger
from connector.sync import Order, Report, run
from tests.sync.conftest import Build
from tests.sync.world import AS_OF, World


def reviewed(world: World, ledger: Ledger) -> dict[str, Any]:
    """A plan of everybody, as `plan -o FILE` keeps it."""
    report = run(world.session(ledger), Order("plan", world.clock(), everything=True, write=False))
    return {one.person_id: one.body for one in ledger.work.every(report.run)}


def applied(world: World, ledger: Ledger, plan: Mapping[str, Any], session: Any = None, **settings: Any) -> Report:
    """`connector apply FILE`."""
    order = Order("apply", AS_OF, only=tuple(plan), expected=plan)  # as of the plan's instant
    return run(session or world.session(ledger, **settings), order)


def two_requests(build: Build) -> tuple[World, Ledger, dict[str, Any]]:
    """Three people, two of whom asked for a demo, and the plan of it."""
    world = build()
    ledger = world.ledger()
    for id in ("1", "2", "3"):
        world.person(id)
    world.asked_for_demo("1")
    world.asked_for_demo("2")
    return world, ledger, reviewed(world, ledger)


def test_g8_what_does_not_matter_may_change_between_plan_and_apply(memory: Build) -> None:
    """A city and an address line: the plan is written as it was reviewed."""
    world, ledger, plan = two_requests(memory)
    world.clock.pass_by(minutes=1)
    world.edit("1", {"city": "Gdynia", "address": "1 Quay"})

    report = applied(world, ledger, plan)

    assert (report.status, report.counts["written"], world.handed_over()) == ("done", 3, ["1", "2"])


@pytest.mark.parametrize(
    "edit",
    [{"lifecyclestage": "opportunity"}, {"jobtitle": "Student"}, {"cx_fit_score": "3"}, {"hubspot_owner_id": "99"}],
)
def test_g8_what_matters_refuses_the_whole_plan(memory: Build, edit: dict[str, str]) -> None:
    """Stage, a scored field, a value of ours, who gets the task: nothing is written, to nobody."""
    world, ledger, plan = two_requests(memory)
    writes = world.writes
    world.clock.pass_by(minutes=1)
    world.edit("1", edit)

    with pytest.raises(GuardRefused, match=r"no longer as they were reviewed.*contact 1"):
        applied(world, ledger, plan)

    assert (world.writes, world.handed_over()) == (writes, [])


def test_g8_an_edit_while_the_plan_is_being_written_is_nobody_elses_affair(build: Build) -> None:
    """The base of a write is at most max_age old: whoever changed since is left as they are and told, the others are
    written as reviewed; nothing is written that nobody reviewed. (Within max_age the race is HubSpot's, which has no
    ETag.)"""
    world, ledger, plan = two_requests(build)
    session = world.session(ledger, write_chunk=1)

    def meanwhile(phase: str, done: int, total: int | None) -> None:
        del total
        if (phase, done) == ("written", 1):
            world.clock.pass_by(minutes=2)
            world.edit("2", {"jobtitle": "Student", "cx_fit_score": "3"})

    session.progress = meanwhile
    report = applied(world, ledger, plan, session)

    assert report.status == "partial"
    assert (report.counts["written"], report.counts["unknown"], world.handed_over()) == (2, 1, ["1"])
    assert "cx_stage" not in world.properties("2")
    assert any("1 of 3 people changed while the plan was being written" in one for one in report.warnings)


def test_g8_the_same_plan_twice_is_refused_and_so_is_the_second_of_two(memory: Build) -> None:
    """Two plans of the same state: whichever comes first is written, the other one no longer fits."""
    world, ledger, plan = two_requests(memory)
    other = reviewed(world, ledger)
    assert applied(world, ledger, plan).status == "done"
    writes = world.writes
    for late in (plan, other):
        with pytest.raises(GuardRefused, match="no longer as they were reviewed"):
            applied(world, ledger, late)
    assert (world.writes, world.handed_over()) == (writes, ["1", "2"])


def test_g8_a_plan_cut_down_by_hand_is_as_good_as_what_is_left_of_it(memory: Build) -> None:
    """Whoever takes people out of the file has reviewed the rest; whoever changes a value in it gets nothing."""
    world, ledger, plan = two_requests(memory)
    forged = {**plan, "1": {**plan["1"], "sets": [[*one[:3], "x"] for one in plan["1"]["sets"]]}}
    with pytest.raises(GuardRefused):
        applied(world, ledger, forged)

    report = applied(world, ledger, {"2": plan["2"]})

    assert (report.counts["written"], world.handed_over()) == (1, ["2"])


@pytest.mark.parametrize("changed", ["scope", "mode", "wiring", "pause"])
def test_g8_changed_circumstances_refuse_a_reviewed_plan(memory: Build, changed: str) -> None:
    """Scope, mode, wiring: decided otherwise by now; a pause defers it, and it may be applied afterwards."""
    world, ledger, plan = two_requests(memory)
    writes, session = world.writes, world.session(ledger)
    if changed == "scope":
        session.scope = replace(session.scope, never=(lambda values: values.get("job_title") is not None,))
    elif changed == "mode":
        session = world.session(ledger, mode="scores")
    elif changed == "wiring":
        rules = {name: rule for name, rule in world.agreement.write_back.rules.items() if name != "fit_score"}
        session.agreement = replace(world.agreement, write_back=replace(world.agreement.write_back, rules=rules))
    else:
        ledger.runs.pause(world.clock(), None, "")
        assert applied(world, ledger, plan, session).status == "deferred"
        assert world.writes == writes
        ledger.runs.resume()
        assert applied(world, ledger, plan).status == "done"
        return
    with pytest.raises(Exception, match=r"no longer as they were reviewed|matches nobody"):
        applied(world, ledger, plan, session)
    assert (world.writes, world.handed_over()) == (writes, [])
