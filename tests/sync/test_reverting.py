"""`revert RUN`: what still holds our value is put back, and stays put back (G8)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date
from pathlib import Path
from typing import Any

import pytest

from connector.agreement.terms import Backward
from connector.config import Freeze, Quiet
from connector.errors import GuardRefused
from connector.quiet import Quiet as QuietTimes
from connector.sandbox.schema import Definition
from connector.scope import compile_scope
from connector.sync import Order, Report, run
from connector.sync.guarding import DAY
from connector.sync.reverting.standing import Survey
from tests.sync.conftest import Build
from tests.sync.crashing import Crash, Fragile, Fuse
from tests.sync.sandbox_world import SandboxWorld
from tests.sync.world import World

#: The outcome of a call in which somebody was reached.
CONNECTED = "f240bbac-87c9-4f6e-bf70-924b57d47db7"


def undo(world: World, ledger: Any, number: int, **more: Any) -> tuple[Report, Survey]:
    """`connector revert NUMBER`, with a yes."""
    told: list[Survey] = []

    def agree(survey: Survey) -> bool:
        told.append(survey)
        return True

    session = world.session(ledger)
    try:
        report = run(session, Order("revert", world.clock(), undoes=number, agree=agree, **more))
    finally:
        session.crm.close()
    return report, told[0]


def handed_over(world: World) -> tuple[Any, Report]:
    """Two people: one is handed over, the other only scored."""
    ledger = world.ledger()
    world.person("1")
    world.person("2")
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    world.asked_for_demo("1")
    report = world.sync(ledger)
    assert world.handed_over() == ["1"]
    world.clock.pass_by(minutes=10)
    return ledger, report


def own(world: World, id: str) -> dict[str, str]:
    """Our own properties of somebody."""
    return {name: value for name, value in world.properties(id).items() if name.startswith("cx_")}


def test_g8_a_run_is_undone_and_stays_undone(build: Build) -> None:
    """Every value of ours is what it was before; the next runs write nothing; the task is told and stays."""
    world = build()
    ledger = world.ledger()
    world.person("1")
    world.person("2")
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    before = own(world, "1")
    world.asked_for_demo("1")
    done = world.sync(ledger)
    world.clock.pass_by(minutes=10)

    report, survey = undo(world, ledger, done.run)
    after = own(world, "1")
    writes = world.writes

    assert (report.status, report.counts["written"], survey.undoes) == ("done", 1, 1)
    assert {name: after.get(name) for name in before} == before
    assert set(after) - set(before) == {"cx_cycle"}  # counts on, for the task is there
    assert [contact for _, contact in survey.tasks] == ["1"]
    for _ in range(3):
        world.clock.pass_by(hours=30)
        assert world.sync(ledger).counts["written"] == 0
    assert (world.writes, world.handed_over()) == (writes, ["1"])


def test_g8_a_second_revert_writes_nothing(memory: Build) -> None:
    """It finds what it put back, and says that nothing is left to undo."""
    world = memory()
    ledger, done = handed_over(world)
    undo(world, ledger, done.run)
    writes = world.writes
    world.clock.pass_by(minutes=10)

    again, survey = undo(world, ledger, done.run)

    assert (again.status, again.counts["written"], survey.undoes, world.writes) == ("done", 0, 0, writes)


def test_g8_what_somebody_changed_since_is_theirs(memory: Build) -> None:
    """A stage set by hand, a score set by hand: both stay, everything else of the person is put back."""
    world = memory()
    ledger, done = handed_over(world)
    world.edit("1", {"lifecyclestage": "salesqualifiedlead", "cx_engagement_score": "77"})
    world.clock.pass_by(minutes=10)

    report, survey = undo(world, ledger, done.run)

    assert report.counts["written"] == 1
    assert world.properties("1")["lifecyclestage"] == "salesqualifiedlead"
    assert world.properties("1")["cx_engagement_score"] == "77"
    assert {one.property for one in survey.left if one.why == "changed"} >= {"lifecyclestage", "cx_engagement_score"}
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    assert world.properties("1")["lifecyclestage"] == "salesqualifiedlead"


def test_g8_a_value_that_a_person_confirmed_by_hand_is_theirs(build: Build) -> None:
    """Away from it and back by hand: it reads like ours, and the CRM's history knows better."""
    world = build()
    ledger, done = handed_over(world)
    ours = world.properties("1")["hs_lead_status"]
    world.edit("1", {"hs_lead_status": "CONNECTED"})
    world.clock.pass_by(minutes=1)
    world.edit("1", {"hs_lead_status": ours})
    world.clock.pass_by(minutes=10)

    _, survey = undo(world, ledger, done.run)

    assert world.properties("1")["hs_lead_status"] == ours
    assert (world.named("hs_lead_status"), "set_again") in {(one.property, one.why) for one in survey.left}


def test_g8_a_later_run_of_ours_is_undone_first(memory: Build) -> None:
    """Run 2 wrote over run 1: undoing 1 leaves those values; undoing 2, then 1, goes all the way back."""
    world = memory()
    ledger = world.ledger()
    world.person("1")
    first = world.sync(ledger)
    world.clock.pass_by(minutes=10)
    world.asked_for_demo("1")
    second = world.sync(ledger)
    world.clock.pass_by(minutes=10)

    _, survey = undo(world, ledger, first.run)
    assert ("cx_engagement_score", "later") in {(one.property, one.why) for one in survey.left}
    assert world.properties("1")["cx_engagement_score"] != "0"
    undo(world, ledger, second.run)
    undo(world, ledger, first.run)

    assert set(own(world, "1")) == {"cx_cycle"}
    world.clock.pass_by(minutes=10)
    assert world.sync(ledger).counts["written"] == 0


def test_g8_what_is_new_after_a_revert_is_decided_on(memory: Build) -> None:
    """The demo request that was undone moves nobody; the next one does, with a task of its own."""
    world = memory()
    ledger, done = handed_over(world)
    undo(world, ledger, done.run)
    world.clock.pass_by(days=1)
    world.sync(ledger)
    assert world.handed_over() == ["1"]
    world.asked_for_demo("1")
    world.clock.pass_by(minutes=10)

    world.sync(ledger)

    assert world.handed_over() == ["1", "1"]
    assert world.properties("1")["cx_cycle"] == "2"


def test_g8_a_corrected_agreement_decides_anew(memory: Build) -> None:
    """Undone because the agreement was wrong: as soon as another one is in force, the same facts count once more."""
    world = memory()
    ledger, done = handed_over(world)
    undo(world, ledger, done.run)
    stage = world.properties("1")["cx_stage"]
    world.agreement = replace(world.agreement, fingerprint="corrected")
    world.clock.pass_by(minutes=10)

    planned = run(world.session(ledger), Order("plan", world.clock(), write=False))
    assert planned.counts["changed"] > 0
    world.agreement = replace(world.agreement, fingerprint=done.fingerprint)
    assert world.sync(ledger).counts["written"] == 0  # a plan of another agreement has let go of nothing
    world.agreement = replace(world.agreement, fingerprint="corrected")
    world.clock.pass_by(minutes=10)
    world.sync(ledger)

    assert (stage, world.properties("1")["cx_stage"]) == ("lead", "sal")
    assert ledger.undone.of(["1"]) == {}
    assert [one.property for one in ledger.holds.of(["1"])] == []
    world.clock.pass_by(minutes=10)
    assert world.sync(ledger).counts["written"] == 0


def test_g8_who_is_let_go_of_is_decided_on_again(memory: Build) -> None:
    """`holds --release`: the next run writes what was agreed, with a task of its own; a revert with `anew` the same."""
    for anew in (False, True):
        world = memory(f"anew {anew}")
        ledger, done = handed_over(world)
        wanted = own(world, "1")
        undo(world, ledger, done.run, anew=anew)
        assert own(world, "1") != wanted
        if not anew:
            ledger.let_go("1", [one.property for one in ledger.holds.of(["1"])])
        world.clock.pass_by(minutes=10)

        world.sync(ledger)

        assert own(world, "1")["cx_stage"] == wanted["cx_stage"]
        assert own(world, "1")["cx_cycle"] == "2"
        assert world.handed_over() == ["1", "1"]


def test_g8_a_stage_further_back_is_told_and_stays_where_the_agreement_says_never(memory: Build) -> None:
    """Our own stage steps back, the CRM's shows the furthest, and the next runs leave it so."""
    world = memory()
    ledger, done = handed_over(world)

    _, survey = undo(world, ledger, done.run)

    assert ("lifecyclestage", "forward_only") in {(one.property, one.why) for one in survey.left}
    assert world.properties("1")["lifecyclestage"] == "marketingqualifiedlead"  # as the mapping shows an sal
    assert world.properties("1")["cx_stage"] == "lead"
    last = ledger.people.transitions("1")[-2:]
    assert [(one.move.what, one.move.after, one.move.cause) for one in last] == [
        ("stage", "lead", "revert"),
        ("status", None, "revert"),
    ]


def test_g5_a_stage_is_put_back_where_the_agreement_lets_it(build: Build) -> None:
    """`backwards` names the move: cleared, then set, and nobody is blank in the end."""
    world = build()
    world.agreement = replace(world.agreement, backwards=(Backward("sal_to_lead", ("sal",), "lead"),))
    ledger, done = handed_over(world)

    report, survey = undo(world, ledger, done.run)

    assert (report.status, report.blank_for_a_moment) == ("done", 1)
    assert world.properties("1")["lifecyclestage"] == "lead"
    assert "lifecyclestage" not in {one.property for one in survey.left}
    world.clock.pass_by(minutes=10)
    assert world.sync(ledger).counts["written"] == 0


def test_g8_values_on_hold_are_not_touched_by_a_revert(memory: Build) -> None:
    """What a person set and we hold is no value of ours; who is on hold in the CRM is left alone whole."""
    world = memory()
    ledger, done = handed_over(world)
    world.edit("1", {"cx_engagement_score": "77"})
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    _, held = undo(world, ledger, done.run)
    assert ("cx_engagement_score", "held") in {(one.property, one.why) for one in held.left}
    assert world.properties("1")["cx_engagement_score"] == "77"

    other = memory("other")
    ledger, done = handed_over(other)
    other.edit("1", {"cx_hold_until": "2026-06-01", "cx_hold_reason": "legal"})
    other.clock.pass_by(minutes=10)
    before = own(other, "1")
    report, survey = undo(other, ledger, done.run)
    assert (report.counts["written"], own(other, "1")) == (0, before)
    assert {one.why for one in survey.left} == {"on_hold"}


def test_g9_the_survivor_of_a_merge_is_compared_and_tombstones_are_skipped(build: Build) -> None:
    """Four were handed over: two became one record, one became part of somebody else, one was deleted."""
    world = build()
    ledger = world.ledger()
    for id in ("1", "2", "3", "4", "5"):
        world.person(id)
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    for id in ("1", "2", "3", "4"):
        world.asked_for_demo(id)
    done = world.sync(ledger)
    merge(world, "2", "1")
    merge(world, "5", "4")
    world.delete("3")
    world.clock.pass_by(minutes=10)

    fifth = own(world, "5")

    report, survey = undo(world, ledger, done.run)

    assert (survey.people, survey.merged, report.status) == (4, 2, "done")
    assert ("3", "gone") in {(one.person_id, one.why) for one in survey.left}
    assert world.properties("2")["cx_stage"] == "lead"  # by its own row
    assert own(world, "5") == fifth  # never ours of that run


def merge(world: World, survivor: str, loser: str) -> None:
    """Two records become one, whichever CRM it is."""
    world.merge(survivor, loser)


def test_g8_a_pause_and_a_freeze_hold_for_a_revert_too(memory: Build) -> None:
    """A pause defers it, a freeze refuses it, quiet hours do not: somebody has looked at exactly this."""
    world = memory()
    ledger, done = handed_over(world)
    writes = world.writes
    ledger.runs.pause(world.clock(), None, "")
    paused = run(world.session(ledger), Order("revert", world.clock(), undoes=done.run))
    ledger.runs.resume()
    freeze = Freeze(begins=date(2026, 3, 30), ends=date(2026, 3, 31), reason="quarter's end")
    frozen = world.session(ledger, quiet=QuietTimes(Quiet(), (freeze,), UTC))
    with pytest.raises(GuardRefused, match="quarter's end"):
        run(frozen, Order("revert", world.clock(), undoes=done.run))
    assert (paused.status, world.writes) == ("deferred", writes)
    quiet = world.session(ledger, quiet=QuietTimes(Quiet(days=("tue",)), (), UTC))

    assert run(quiet, Order("revert", world.clock(), undoes=done.run)).counts["written"] == 1


def test_g8_a_revert_takes_nobodys_place_in_the_budget(memory: Build) -> None:
    """Somebody asked for it, change by change: the next demo request is handed over all the same."""
    world = memory()
    ledger, done = handed_over(world)
    undo(world, ledger, done.run)
    counted = ledger.work.counted_since(world.clock() - DAY)

    assert counted == 1  # the hand-off of the undone run alone


def test_g8_a_property_that_nobody_maps_any_more_is_put_back_too(memory: Build) -> None:
    """The wiring was wrong: what it wrote is put back, although the corrected wiring does not know the property."""
    world = memory()
    contact = world.agreement.wiring.fields["contact"]
    misled = {**contact, "grade": replace(contact["grade"], property="jobtitle_of_old")}
    right = world.agreement
    world.agreement = replace(
        right, wiring=replace(right.wiring, fields={**right.wiring.fields, "contact": misled}, fingerprint="misled")
    )
    if isinstance(world, SandboxWorld):
        world.account.definitions["contacts"]["jobtitle_of_old"] = Definition("jobtitle_of_old", "string")
    ledger = world.ledger()
    world.person("1", jobtitle_of_old="Head of Looms")
    done = world.sync(ledger)
    assert world.properties("1")["jobtitle_of_old"] != "Head of Looms"
    world.agreement = right
    world.clock.pass_by(minutes=10)

    undo(world, ledger, done.run)

    assert world.properties("1")["jobtitle_of_old"] == "Head of Looms"
    assert "cx_fit_score" not in world.properties("1")


def test_g8_observing_and_scores_write_no_stage_back(memory: Build) -> None:
    """In mode scores only our own properties are put back; who only observes is refused."""
    world = memory()
    ledger, done = handed_over(world)
    with pytest.raises(GuardRefused, match="only observes"):
        run(world.session(ledger, mode="observe"), Order("revert", world.clock(), undoes=done.run))

    told: list[Survey] = []
    order = Order("revert", world.clock(), undoes=done.run, agree=lambda one: not told.append(one))
    run(world.session(ledger, mode="scores"), order)

    assert ("hs_lead_status", "mode") in {(one.property, one.why) for one in told[0].left}
    assert world.properties("1")["cx_stage"] == "lead"


def test_g8_outside_the_scope_nothing_is_put_back(memory: Build) -> None:
    """Who left the scope is no longer written, not even to undo what we wrote."""
    world = memory()
    ledger, done = handed_over(world)
    before = own(world, "1")
    session = world.session(ledger)
    session.scope = compile_scope({"job_title": ("nobody",)}, {}, lambda _: frozenset())
    told: list[Survey] = []
    run(session, Order("revert", world.clock(), undoes=done.run, agree=lambda one: not told.append(one)))

    assert own(world, "1") == before
    assert {one.why for one in told[0].left} == {"scope"}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_g2_a_revert_that_dies_at_its_write_ends_where_an_undisturbed_one_ends(tmp_path: Path, moment: str) -> None:
    """Killed right before or right after the call, then an ordinary run: everything is put back, nothing else is
    written by it, nothing by the revert typed again, nothing after."""
    origin = World(tmp_path)
    ledger, done = handed_over(origin)
    ledger.database.close()
    undisturbed = copy_of(origin, tmp_path, "undisturbed")
    undo(undisturbed, undisturbed.ledger(), done.run)
    world = copy_of(origin, tmp_path, "killed")
    session = world.session(world.ledger())
    session.crm = Fragile(world.crm, Fuse(0, moment), frozenset({"write"}))
    with pytest.raises(Crash):
        run(session, Order("revert", world.clock(), undoes=done.run))
    session.ledger.database.close()
    ledger = world.ledger()
    assert [one.person_id for one in ledger.work.undoing()] == ["1"]
    world.clock.pass_by(minutes=10)

    between = world.sync(ledger)
    wanted, writes = own(undisturbed, "1"), world.writes
    assert own(world, "1") == wanted
    world.clock.pass_by(minutes=10)
    again, _ = undo(world, ledger, done.run)
    world.clock.pass_by(minutes=10)
    after = world.sync(ledger)

    assert (own(world, "1"), world.writes, world.handed_over()) == (wanted, writes, ["1"])
    assert [one.counts["written"] for one in (between, again, after)] == [0, 0, 0]


def copy_of(origin: World, tmp_path: Path, name: str) -> World:
    """The same account and state again: to get there costs more than to copy it."""
    folder = tmp_path / name
    folder.mkdir()
    (folder / "state.db").write_bytes((origin.folder / "state.db").read_bytes())
    world = World(folder)
    world.clock.at = origin.clock.at
    world.crm._records, world.crm._links, world.crm._occurrences = deepcopy(
        (origin.crm._records, origin.crm._links, origin.crm._occurrences)
    )
    return world


def test_g9_a_revert_that_died_comes_to_an_end_when_its_person_was_merged_meanwhile(tmp_path: Path) -> None:
    """Killed at its call, and the record becomes part of another before the next run: the half that was begun is over,
    nothing is written to an id that is none any more, and the run after that makes no call of it either."""
    world = World(tmp_path)
    ledger, done = handed_over(world)
    session = world.session(ledger)
    session.crm = Fragile(world.crm, Fuse(0, "before"), frozenset({"write"}))
    with pytest.raises(Crash):
        run(session, Order("revert", world.clock(), undoes=done.run))
    ledger.database.close()
    merge(world, "2", "1")
    world.clock.pass_by(minutes=10)
    ledger = world.ledger()

    healed = world.sync(ledger)
    begun = ledger.work.undoing()
    world.clock.pass_by(minutes=10)
    after = world.sync(ledger)

    assert (begun, ledger.people.remember(["1"])) == ([], {})
    assert (healed.status, after.status, after.counts["written"]) == ("done", "done", 0)
    assert after.calls.get("write") == healed.calls.get("write")  # none of them is of the run after
    assert world.handed_over() == ["2"]


def both_halves(world: World) -> tuple[Any, Report, dict[str, str]]:
    """Two people of unlike scores are handed over in one run, and become one record; what the one that is left held
    before the run."""
    world.settings = replace(world.settings, chunk=1)
    ledger = world.ledger()
    world.person("1", jobtitle="Intern")
    world.person("2")
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    before = own(world, "2")
    for id in ("1", "2"):
        world.asked_for_demo(id)
    done = world.sync(ledger)
    merge(world, "2", "1")
    world.clock.pass_by(minutes=10)
    return ledger, done, before


def test_g9_both_halves_of_a_merge_are_put_back_once_however_far_apart_they_stand(memory: Build) -> None:
    """One person, one change, one end: by the survivor's own row."""
    world = memory()
    ledger, done, before = both_halves(world)

    report, survey = undo(world, ledger, done.run)

    assert (report.status, report.counts["looked_at"], report.counts["written"]) == ("done", 2, 1)
    assert (survey.people, survey.undoes, survey.merged) == (2, 1, 1)
    assert {name: own(world, "2").get(name) for name in before} == before


def test_g9_a_survivor_that_changes_before_the_write_goes_back_by_its_own_row(memory: Build) -> None:
    """Looked at again under our hands, it is not given what the other one held."""
    world = memory()
    ledger, done, before = both_halves(world)
    session = world.session(ledger)

    def agree(_survey: Survey) -> bool:
        world.edit("2", {"jobtitle": "Director of Weaving"})
        world.clock.pass_by(minutes=10)
        return True

    run(session, Order("revert", world.clock(), undoes=done.run, agree=agree))

    assert {name: own(world, "2").get(name) for name in before} == before


def test_g8_of_a_run_that_died_only_those_it_came_to_are_people_it_wrote_to(tmp_path: Path) -> None:
    """Killed after its first batch: the others are looked at, and not told as written to."""
    world = World(tmp_path)
    ledger = world.ledger()
    for id in ("1", "2", "3", "4"):
        world.person(id)
    session = world.session(ledger, write_chunk=2)
    session.crm = Fragile(world.crm, Fuse(1, "before"), frozenset({"write"}))
    with pytest.raises(Crash):
        run(session, Order("sync", world.clock()))
    died = ledger.runs.recent(1)[0].number
    world.clock.pass_by(minutes=10)

    report, survey = undo(world, ledger, died, write=False)

    assert (report.counts["looked_at"], survey.people, survey.undoes) == (4, 2, 2)


def test_g4_a_stage_set_by_a_person_stays_theirs_when_the_run_that_adopted_it_is_undone(memory: Build) -> None:
    """Marketing takes an MQL back to lead, a run says so in our own properties, and that run is undone: what is put
    back are our words; the stage is not ours, and no later run sets it back to MQL."""
    world = memory()
    ledger, _ = handed_over(world)
    world.edit("1", {"lifecyclestage": "lead"})
    world.clock.pass_by(minutes=10)
    adopted = world.sync(ledger)
    assert world.properties("1")["cx_stage"] == "lead"
    world.clock.pass_by(minutes=10)

    undo(world, ledger, adopted.run)
    world.clock.pass_by(minutes=10)
    world.sync(ledger)

    assert world.properties("1")["lifecyclestage"] == "lead"


def test_g8_a_status_that_was_put_back_stays_put_back(memory: Build) -> None:
    """Sales reached somebody, a run said so, and is undone: the next runs know nothing new, and write nothing."""
    world = memory()
    ledger, _ = handed_over(world)
    call = {
        "hs_timestamp": world.clock().isoformat(),
        "hs_call_direction": "OUTBOUND",
        "hs_call_disposition": CONNECTED,
    }
    world.add("call", "501", call)
    world.link("call", "501", "contact", "1")
    world.clock.pass_by(minutes=10)
    told = world.sync(ledger)
    assert world.properties("1")["hs_lead_status"] == "CONNECTED"
    world.clock.pass_by(minutes=10)

    undo(world, ledger, told.run)
    writes = world.writes
    for _ in range(3):
        world.clock.pass_by(minutes=10)
        world.sync(ledger)

    assert (world.writes, world.properties("1")["hs_lead_status"]) == (writes, "NEW")
