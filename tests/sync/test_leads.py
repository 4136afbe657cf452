"""A person's leads are tracks: they show what their track shows, and what is said on them is said of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from connector.crm import Batch, Outcome, Page
from connector.crm.memory import MemoryCRM
from connector.errors import GuardRefused
from connector.fields.places import on_lead
from connector.model import Link, Record
from connector.sync import Order, run
from tests.sync.crashing import Crash, Fuse, fragile, points
from tests.sync.leads_world import LeadsWorld
from tests.sync.test_reverting import undo
from tests.sync.test_reviewed import applied, reviewed
from tests.sync.world import World

MQL, SQL, CUSTOMER = "marketingqualifiedlead", "salesqualifiedlead", "customer"


@pytest.fixture
def world(tmp_path: Path) -> LeadsWorld:
    return LeadsWorld(tmp_path)


@pytest.fixture
def handed_over(world: LeadsWorld) -> Any:
    """Somebody with one lead who has asked for a demo, after the run that handed them over; its ledger."""
    world.person("1")
    world.lead("10", "1")
    world.asked_for_demo("1")
    ledger = world.ledger()
    world.sync(ledger)
    assert world.handed_over() == ["1"]
    return ledger


def test_g1_open_leads_show_what_their_track_shows_and_a_second_run_writes_nothing(world: LeadsWorld) -> None:
    """Stage, status and clocks of the track, and nothing of the person; one task, however many leads."""
    world.person("1")
    world.lead("10", "1")
    world.lead("11", "1")
    world.asked_for_demo("1")
    ledger = world.ledger()

    report = world.sync(ledger)

    assert (report.status, report.counts["written"]) == ("done", 1)
    person = world.properties("1")
    for id in ("10", "11"):
        lead = world.on(id)
        assert lead["lifecyclestage"] == person["lifecyclestage"] == MQL
        assert (lead["lead_stage"], lead["hs_lead_status"]) == (person["cx_stage"], person["hs_lead_status"])
        assert (lead["cx_cycle"], lead["cx_lead_type"]) == ("1", "new_business")
        assert "cx_fit_score" not in lead
    assert world.handed_over() == ["1"]
    before = world.writes
    assert [world.later(ledger).status, world.later(ledger).status] == ["done", "done"]
    assert world.writes == before


def test_closed_leads_get_nothing(world: LeadsWorld) -> None:
    """Neither when the person is handed over, nor ever."""
    world.person("1")
    world.lead("10", "1")
    world.crm.close_record("lead", "10", {"lifecyclestage": "lead"})
    world.asked_for_demo("1")
    ledger = world.ledger()

    assert world.sync(ledger).status == world.later(ledger).status == "done"

    assert world.on("10") == {"lifecyclestage": "lead"}
    assert world.handed_over() == ["1"]


def test_a_lead_that_is_closed_while_it_is_being_written_is_left_out_in_the_same_run(world: LeadsWorld) -> None:
    """The person is written all the same."""
    world.person("1")
    world.lead("10", "1")
    world.asked_for_demo("1")
    write = world.crm.write

    def closing(kind: str, updates: Sequence[Any]) -> Any:
        if kind == "lead" and not world.on("10").get("closed_as"):
            world.crm.close_record("lead", "10", {"closed_as": "x"})
        return write(kind, updates)

    world.crm.write = closing  # type: ignore[method-assign]  # somebody acts between reading and writing

    report = world.sync(world.ledger())

    assert (report.status, report.counts["written"]) == ("done", 1)
    assert world.on("10") == {"closed_as": "x"}
    assert world.properties("1")["lifecyclestage"] == MQL


class Watched(MemoryCRM):
    """Notes which kinds are asked for."""

    kinds: set[str]

    def scan(self, kind: str, properties: Sequence[str], **how: Any) -> Iterator[Page]:
        self.kinds.add(kind)
        return super().scan(kind, properties, **how)

    def changes(self, kind: str, cursor: str, now: Any) -> Iterator[Batch]:
        self.kinds.add(kind)
        return super().changes(kind, cursor, now)

    def read(self, kind: str, ids: Sequence[str], properties: Sequence[str]) -> Iterator[Record]:
        self.kinds.add(kind)
        return super().read(kind, ids, properties)

    def links(self, kind: str, ids: Sequence[str], to: str) -> Mapping[str, tuple[Link, ...]]:
        self.kinds |= {kind, to}
        return super().links(kind, ids, to)

    def write(self, kind: str, updates: Sequence[Any]) -> Any:
        self.kinds.add(kind)
        return super().write(kind, updates)


def test_a_mapping_without_leads_costs_not_one_call_for_them(tmp_path: Path) -> None:
    """However many the CRM has."""
    world = World(tmp_path)
    watched = Watched(world.clock)
    watched.kinds, watched.deal_stages, watched.owners = set(), world.crm.deal_stages, world.crm.owners
    watched.empty_sources = world.crm.empty_sources
    world.crm = watched
    world.person("1")
    world.asked_for_demo("1")
    watched.add("lead", "10", {})
    watched.link("contact", "1", "lead", "10")
    ledger = world.ledger()

    world.sync(ledger)
    world.clock.pass_by(hours=25)
    world.sync(ledger)

    assert "contact" in watched.kinds
    assert "lead" not in watched.kinds


# -- what people say on a lead -----------------------------------------------------------------------------------------


def test_g4_a_stage_that_a_person_sets_on_a_lead_is_adopted_by_its_track(world: LeadsWorld, handed_over: Any) -> None:
    """As one on the person's own record is: the record follows, the lead stays as they left it."""
    world.crm.edit("lead", "10", {"lifecyclestage": SQL})

    report = world.later(handed_over)

    assert report.status == "done"
    track = world.tracks(handed_over, "1")["new_business"]
    assert (track["stage"], track["cause"]) == ("sql", "person")
    assert world.on("10")["lifecyclestage"] == world.properties("1")["lifecyclestage"] == SQL
    before = world.writes
    world.later(handed_over)
    assert world.writes == before


def test_g4_a_status_that_a_person_sets_on_a_lead_is_a_judgement_of_its_track(
    world: LeadsWorld, handed_over: Any
) -> None:
    """Sales disqualifies the lead by its status; the person's record says so as well."""
    world.crm.edit("lead", "10", {"hs_lead_status": "UNQUALIFIED", "cx_rejection_reason": "no_budget"})

    world.later(handed_over)

    track = world.tracks(handed_over, "1")["new_business"]
    assert (track["stage"], track["handed_over"]) == ("disqualified", False)
    assert world.properties("1")["cx_stage"] == world.on("10")["lead_stage"] == "disqualified"


def test_an_answer_on_a_lead_is_an_answer_to_its_hand_off_and_counts_once(world: LeadsWorld, handed_over: Any) -> None:
    """A new hand-off blanks it on the lead, too."""
    world.crm.edit("lead", "10", {"cx_sales_answer": "returned_not_ready"})

    world.later(handed_over)

    track = world.tracks(handed_over, "1")["new_business"]
    assert (track["stage"], track["handed_over"], track["returned_count"]) == ("nurture", False, 1)
    world.later(handed_over)
    assert world.tracks(handed_over, "1")["new_business"]["returned_count"] == 1
    world.clock.pass_by(days=200)
    world.asked_for_demo("1")
    world.later(handed_over)
    assert world.handed_over() == ["1", "1"]
    assert "cx_sales_answer" not in world.on("10")
    assert world.tracks(handed_over, "1")["new_business"]["handed_over"]


def test_how_a_lead_is_closed_is_an_answer_where_the_mapping_maps_it(world: LeadsWorld, handed_over: Any) -> None:
    """It stays on the closed lead for good, and answers no later hand-off."""
    world.crm.close_record("lead", "10", {"closed_as": "rejected"})

    world.later(handed_over)

    track = world.tracks(handed_over, "1")["new_business"]
    assert (track["stage"], track["status"], track["handed_over"]) == ("disqualified", "unqualified", False)
    before = world.on("10")
    world.later(handed_over)
    assert world.on("10") == before
    world.edit("1", {"lifecyclestage": SQL})
    world.later(handed_over)
    assert world.tracks(handed_over, "1")["new_business"]["stage"] == "sql"
    world.later(handed_over)
    assert world.tracks(handed_over, "1")["new_business"]["stage"] == "sql"


def test_g4_what_others_set_on_a_lead_is_held_at_its_own_place(world: LeadsWorld, handed_over: Any) -> None:
    """The person's record and the other lead are written on."""
    world.lead("11", "1")
    world.later(handed_over)
    world.crm.edit("lead", "10", {"lead_stage": "sql"})
    world.crm.edit("contact", "1", {"lifecyclestage": CUSTOMER})

    world.later(handed_over)

    assert world.on("10")["lead_stage"] == "sql"
    assert world.on("11")["lead_stage"] == world.properties("1")["cx_stage"] == "customer"
    (hold,) = handed_over.holds.every("1")
    assert (hold.property, hold.live, hold.ours) == (on_lead("10", "lead_stage"), "sql", "customer")
    assert handed_over.holds.every(property="lead_stage") == [hold]
    before = world.writes
    world.later(handed_over)
    assert world.writes == before


def test_g4_two_reversals_on_a_lead_are_a_conflict_told_once_for_all_leads(world: LeadsWorld) -> None:
    """By the property, not by the lead."""
    world.person("1")
    world.asked_for_demo("1")
    for id in ("10", "11"):
        world.lead(id, "1")
    ledger = world.ledger()
    world.sync(ledger)
    told = []
    for _ in range(3):
        for id in ("10", "11"):
            world.crm.edit("lead", id, {"lifecyclestage": "lead"}, by="automation", source="AUTOMATION_PLATFORM 1")
        told += world.later(ledger).conflicts

    assert len(told) == 1
    assert "lifecyclestage" in told[0]
    assert "lead:" not in told[0]
    assert world.on("10")["lifecyclestage"] == "lead"
    assert world.properties("1")["lifecyclestage"] == MQL


def test_g11_a_lead_whose_stage_nobody_has_a_word_for_is_left_alone(world: LeadsWorld) -> None:
    """And told; the person and the other leads are written."""
    world.person("1")
    world.lead("10", "1", lifecyclestage="evangelist_of_ours")
    world.lead("11", "1")
    world.asked_for_demo("1")

    report = world.sync(world.ledger())

    assert world.on("10") == {"lifecyclestage": "evangelist_of_ours"}
    assert world.on("11")["lifecyclestage"] == world.properties("1")["lifecyclestage"] == MQL
    assert any("lead 10" in warning for warning in report.warnings)


# -- lead types --------------------------------------------------------------------------------------------------------


def test_a_lead_of_another_type_begins_that_track_and_shows_it(world: LeadsWorld) -> None:
    """A customer with an open lead of later: a track of its own, where the lead stands. The customer's own lead shows
    the customer."""
    world.person("1")
    world.deal("40", "1", "closedwon")
    world.lead("10", "1")
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(days=30)
    world.lead("11", "1")

    world.later(ledger)

    tracks = world.tracks(ledger, "1")
    assert set(tracks) == {"new_business", "existing_customer"}
    assert (tracks["new_business"]["stage"], world.on("10")["cx_lead_type"]) == ("customer", "new_business")
    assert world.on("11").get("lead_stage") == tracks["existing_customer"]["stage"] != "customer"
    assert world.properties("1")["lifecyclestage"] == "customer"
    before = world.writes
    world.later(ledger)
    assert world.writes == before


# -- outcomes ----------------------------------------------------------------------------------------------------------


def test_g6_a_lead_whose_part_is_refused_leaves_the_person_to_be_looked_at_again(world: LeadsWorld) -> None:
    """Nothing of the track counts; once the lead takes the value, all is as it would have been."""
    world.person("1")
    world.lead("10", "1")
    world.asked_for_demo("1")
    world.crm.allowed["lead_stage"] = frozenset(("lead",))
    ledger = world.ledger()

    report = world.sync(ledger)

    assert (report.counts["written"], report.counts["rejected"]) == (0, 1)
    assert not ledger.people.remember(["1"]) or not ledger.people.remember(["1"])["1"].tracks
    assert world.handed_over() == []
    reject = ledger.rejects.of("contact", ["1"])["1"]
    assert reject.names == (on_lead("10", "lead_stage"),)
    writes = world.writes
    world.later(ledger)
    assert (world.writes, ledger.rejects.of("contact", ["1"])["1"].attempts) == (writes, 1)
    del world.crm.allowed["lead_stage"]
    world.later(ledger, hours=2)
    assert world.handed_over() == ["1"]
    assert world.on("10")["lead_stage"] == world.properties("1")["cx_stage"]
    assert not ledger.rejects.of("contact", ["1"])


def test_a_refused_word_on_a_lead_that_only_tells_is_left_out(world: LeadsWorld) -> None:
    """The rest of the lead and of the person is written."""
    world.person("1")
    world.lead("10", "1")
    world.asked_for_demo("1")
    world.crm.allowed["cx_sla_state"] = frozenset(("late",))
    ledger = world.ledger()

    report = world.sync(ledger)

    assert (report.counts["written"], world.handed_over()) == (1, ["1"])
    assert (world.on("10")["lead_stage"], "cx_sla_state" in world.on("10")) == ("sal", False)


def test_g6_a_lead_of_which_no_answer_came_is_read_before_anything_more_is_written(world: LeadsWorld) -> None:
    """The write had arrived: the next run finds it and makes the task, once."""
    world.person("1")
    world.lead("10", "1")
    world.asked_for_demo("1")
    write = world.crm.write

    def lost(kind: str, updates: Sequence[Any]) -> Any:
        outcomes = write(kind, updates)
        return [Outcome(one.id, "unknown") for one in outcomes] if kind == "lead" else outcomes

    ledger = world.ledger()
    world.crm.write = lost  # type: ignore[method-assign]  # the answer gets lost on its way
    assert world.sync(ledger).counts["unknown"] == 1
    assert world.handed_over() == []
    world.crm.write = write  # type: ignore[method-assign]  # see above
    before = world.on("10")

    report = world.later(ledger, as_of=world.clock())

    assert (report.status, world.handed_over()) == ("done", ["1"])
    assert world.on("10") == before
    assert world.tracks(ledger, "1")["new_business"]["cycle"] == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_g2_whatever_call_dies_the_next_run_ends_where_an_undisturbed_one_ends(tmp_path: Path, moment: str) -> None:
    """With leads whose parts go out after the person's own."""

    def played(name: str) -> LeadsWorld:
        world = LeadsWorld(tmp_path / name)
        world.folder.mkdir()
        world.person("1")
        world.lead("10", "1")
        world.lead("11", "1")
        world.asked_for_demo("1")
        return world

    calm = played("calm")
    as_of = calm.clock()
    calm.sync(calm.ledger())
    for number in points(moment):
        world = played(f"dies {moment} {number}")
        ledger, crm = world.ledger(), fragile(world, Fuse(number, moment))
        try:
            run(world.session(ledger, crm), Order("sync", world.clock()))
            survived = True
        except Crash:
            survived = False
        world.crm.__dict__.pop("_create_task", None)
        world.clock.pass_by(minutes=5)
        run(world.session(ledger, world.crm), Order("sync", as_of))
        assert world.state() == calm.state(), number
        before = world.writes
        run(world.session(ledger, world.crm), Order("sync", as_of))
        assert world.writes == before
        if survived:
            return


def test_g8_revert_puts_back_what_a_run_wrote_to_leads(world: LeadsWorld) -> None:
    """And leaves it alone afterwards."""
    world.person("1")
    world.lead("10", "1", lifecyclestage="lead", lead_stage="")
    ledger = world.ledger()
    world.sync(ledger)
    before = world.on("10")
    world.clock.pass_by(minutes=10)
    world.asked_for_demo("1")
    report = world.later(ledger)
    assert world.on("10")["lead_stage"] == "sal"
    world.clock.pass_by(minutes=10)

    undone, survey = undo(world, ledger, report.run)

    assert undone.status == "done"
    after = world.on("10")
    assert {name: after.get(name) for name in ("lead_stage", "hs_lead_status", "cx_sla_state")} == {
        name: before.get(name) for name in ("lead_stage", "hs_lead_status", "cx_sla_state")
    }
    assert survey.values["lead_stage"] == 1
    assert set(survey.values.values()) == {1}  # people, on however many of their records
    writes = world.writes
    world.later(ledger)
    assert world.writes == writes


@pytest.mark.parametrize("edit", [{}, {"lifecyclestage": SQL}, {"lead_stage": "sql"}])
def test_g8_what_was_reviewed_is_written_to_leads_or_nothing_is(world: LeadsWorld, edit: dict[str, str]) -> None:
    """An edit of a lead between plan and apply is as much another plan as one of the person's own record."""
    world.person("1")
    world.lead("10", "1", lifecyclestage="lead")
    world.asked_for_demo("1")
    ledger = world.ledger()
    world.sync(ledger, mode="observe")
    plan = reviewed(world, ledger)
    assert on_lead("10", "lifecyclestage") in {name for _, name, *_ in plan["1"]["sets"]}
    world.clock.pass_by(minutes=1)
    world.crm.edit("lead", "10", edit)
    writes = world.writes

    if edit:
        with pytest.raises(GuardRefused):
            applied(world, ledger, plan)
        assert world.writes == writes
    else:
        assert applied(world, ledger, plan).status == "done"
        assert world.on("10")["lifecyclestage"] == world.properties("1")["lifecyclestage"] == MQL


# -- where a lead stands alone -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["contact first", "lead first"])
def test_g9_the_track_of_a_lead_keeps_its_id_when_it_folds_into_a_contact(world: LeadsWorld, order: str) -> None:
    """Its cycle, hold and task stay; what we wrote on the lead is ours there still."""
    world.person("L")
    world.asked_for_demo("L")
    ledger = world.ledger()
    world.sync(ledger)
    (before,) = ledger.people.remember(["L"])["L"].tracks
    world.edit("L", {"cx_stage": "sql", "cx_cycle": "7"})
    world.later(ledger)
    held = {one.property for one in ledger.holds.every("L")}
    assert held >= {"cx_cycle"}

    if order == "contact first":
        world.person("C", lifecyclestage="")
        world.later(ledger)
        world.crm.become_lead_of("C", "L")
    else:
        world.person("C", lifecyclestage="")
        world.crm.become_lead_of("C", "L")
    report = world.later(ledger)

    assert (report.status, report.drift) == ("done", 0)
    (track,) = ledger.people.remember(["C"])["C"].tracks
    assert (track["cycle"], track["handed_over"]) == (before["cycle"], True)
    assert track["id"] == before["id"]
    assert world.handed_over() == ["C"]
    assert world.properties("C")["cx_stage"] == track["stage"]
    assert world.on("L")["cx_cycle"] == "7"
    assert on_lead("L", "cx_cycle") in {one.property for one in ledger.holds.every("C")}
    writes = world.writes
    world.later(ledger)
    assert world.writes == writes


def test_g9_a_chain_of_leads_and_contacts_ends_in_one_history(world: LeadsWorld) -> None:
    """A lead's contact is merged into another: its lead goes along."""
    world.person("L")
    world.asked_for_demo("L")
    ledger = world.ledger()
    world.sync(ledger)
    (before,) = ledger.people.remember(["L"])["L"].tracks
    world.person("C", lifecyclestage="")
    world.crm.become_lead_of("C", "L")
    world.clock.pass_by(minutes=10)
    world.person("D", lifecyclestage="")
    world.merge("D", "C")

    report = world.later(ledger)

    assert report.status == "done"
    (track,) = ledger.people.remember(["D"])["D"].tracks
    assert (track["id"], world.handed_over()) == (before["id"], ["D"])
    assert {link.id for link in ledger.mirror.around(["D"])["D"].links if link.kind == "lead"} == {"L"}
    writes = world.writes
    world.later(ledger)
    assert world.writes == writes


def test_a_person_whose_lead_is_closed_is_seen_and_not_written(world: LeadsWorld) -> None:
    """How it was closed is the answer of sales. Scores change and are not written; once it is reopened all is."""
    world.person("L")
    world.asked_for_demo("L")
    ledger = world.ledger()
    world.sync(ledger)
    world.crm.close_record("contact", "L", {"closed_as": "rejected"})

    report = world.later(ledger)

    assert (report.counts["gone"], ledger.mirror.contacts("", 9)) == (0, ["L"])
    (track,) = ledger.people.remember(["L"])["L"].tracks
    assert (track["stage"], track["status"], track["handed_over"]) == ("disqualified", "unqualified", False)
    writes = world.writes
    world.interested("L")
    assert world.later(ledger, days=1).status == "done"
    assert world.later(ledger, days=30).status == "done"
    assert world.writes == writes
    world.crm.reopen("contact", "L")
    world.crm.edit("contact", "L", {"closed_as": ""})
    world.later(ledger)
    assert world.properties("L")["cx_stage"] == "disqualified"
    assert world.tracks(ledger, "L")["new_business"]["id"] == track["id"]


def test_g14_whoever_is_forgotten_is_forgotten_with_their_leads(world: LeadsWorld, handed_over: Any) -> None:
    """Those there are, and those that come."""
    handed_over.forgetting.forget("1", world.clock(), "salt")
    assert handed_over.mirror.count("lead") == 0
    world.lead("11", "1")
    world.crm.edit("lead", "10", {"lead_stage": "lead"})

    report = world.later(handed_over)

    assert report.status == "done"
    assert (handed_over.mirror.count("lead"), handed_over.mirror.count("contact")) == (0, 0)
