"""
What every CRM promises, as one suite: the memory CRM, HubSpot and Dynamics inherit it and are proven alike.

An adapter's test module gives two fixtures and five names:

    class TestHubSpot(CrmContract):
        text, other, number = "jobtitle", "city", "numemployees"     # writable contact properties
        refused = ("hs_lead_status", "NO_SUCH_STATUS")               # a value the CRM does not take
        further = "hs_additional_emails"                             # a contact's further addresses

        @pytest.fixture
        def world(self): ...        # the CRM's own side, see World
        @pytest.fixture
        def crm(self, world): ...   # the adapter on it, with page and batch sizes of 2 or 3

Kinds are ours ("contact"), property names are the CRM's. Small sizes are the point: paging is what breaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import pytest

from connector.codes import CODES
from connector.crm import CRM, PropertyDefinition, Task, Update
from connector.errors import NotFound


class World(Protocol):
    """The CRM's own side, past the adapter: what a test may arrange and look at."""

    def now(self) -> datetime:
        """The CRM's clock, which stands still unless time passes."""

    def pass_time(self, seconds: float) -> None:
        """Let the clock run on."""

    def add(self, kind: str, properties: Mapping[str, str]) -> str:
        """A record that is simply there; its id."""

    def edit(self, kind: str, id: str, properties: Mapping[str, str]) -> None:
        """A person edits a record in the CRM's own pages; history says so."""

    def remove(self, kind: str, id: str) -> None:
        """A person deletes a record."""

    def link(self, kind: str, id: str, to: str, to_id: str, *, primary: bool = False) -> None:
        """Associate two records."""

    def merge(self, kind: str, survivor: str, loser: str) -> None:
        """A person merges two records."""

    def automate(self, id: str, name: str, sets: str, *, enabled: bool = True) -> str:
        """The account gets an automation that sets this property of contacts; its id, which the CRM may choose."""

    def stored(self, kind: str, id: str) -> Mapping[str, str | None]:
        """What the CRM holds of a living record; blank properties may be absent."""


class Contract:
    """What every part of the contract needs to know of a CRM."""

    text: str
    other: str
    refused: tuple[str, str]
    further: str  # the property with a contact's further e-mail addresses
    keeps_deleted = True  # deleted records can still be listed, as archived ones
    several_companies = True  # a contact may be linked to more than one
    choices = ("a", "b", "c")  # values that an option of a choice may have

    def met(self, crm: CRM, *ids: str) -> None:
        """Whoever writes has read: what became of a record since then is met by the write."""
        assert {one.id for one in crm.read("contact", ids, [self.text])} == set(ids)

    def people(self, world: World, count: int) -> list[str]:
        return [world.add("contact", {self.text: f"title {number}"}) for number in range(count)]


class ReadingContract(Contract):
    """Scans, changes, reads by id, links."""

    # -- full scans ------------------------------------------------------------------------------------------

    def test_a_scan_sees_every_record_once_with_its_values(self, crm: CRM, world: World) -> None:
        """Nobody is missed and nobody comes twice, whatever the page size."""
        ids = self.people(world, 11)

        seen = [record for page in crm.scan("contact", [self.text]) for record in page.records]

        assert sorted(ids) == sorted(record.id for record in seen)
        assert {f"title {n}" for n in range(11)} == {record.properties[self.text] for record in seen}
        assert all(record.kind == "contact" and not record.archived for record in seen)

    def test_a_scan_of_nothing_is_one_empty_page(self, crm: CRM, world: World) -> None:
        """An empty account ends the scan at once, with a page whose mark is None."""
        pages = list(crm.scan("deal", []))

        assert [(page.records, page.mark) for page in pages] == [((), None)]

    def test_a_scan_resumes_after_any_page(self, crm: CRM, world: World) -> None:
        """Broken off after any page, the rest follows from its mark: together everybody, each once."""
        self.people(world, 9)
        pages = list(crm.scan("contact", [self.text]))

        for place, page in enumerate(pages[:-1]):
            rest = [r.id for p in crm.scan("contact", [self.text], after=page.mark) for r in p.records]
            assert [r.id for p in pages[place + 1 :] for r in p.records] == rest
        assert pages[-1].mark is None

    def test_trap_10_a_scan_leaves_out_who_was_deleted(self, crm: CRM, world: World) -> None:
        """Deleted records are found by asking for them, where at all, never among the living."""
        ids = self.people(world, 4)
        world.remove("contact", ids[1])

        assert {ids[0], *ids[2:]} == {r.id for page in crm.scan("contact", []) for r in page.records}
        gone = {r.id for page in crm.scan("contact", [], archived=True) for r in page.records}
        assert gone == ({ids[1]} if self.keeps_deleted else set())

    # -- incremental reads -----------------------------------------------------------------------------------

    def changed(self, crm: CRM, world: World, cursor: str) -> tuple[list[str], str]:
        batches = list(crm.changes("contact", cursor, world.now()))
        assert batches[-1].mark is not None
        return [id_ for batch in batches for id_ in batch.ids], batches[-1].mark

    def test_an_edit_at_the_very_moment_of_the_cursor_is_seen(self, crm: CRM, world: World) -> None:
        """`since` is inclusive: two things may happen in one millisecond."""
        ids = self.people(world, 3)
        world.pass_time(3600)
        cursor = crm.begin("contact", world.now())
        world.edit("contact", ids[1], {self.text: "edited"})
        world.pass_time(600)

        assert ids[1] in self.changed(crm, world, cursor)[0]

    def test_lesson_07_edits_during_a_scan_are_seen_by_the_first_incremental_read(self, crm: CRM, world: World) -> None:
        """The cursor is taken before the first page, so nothing falls between scan and increment."""
        ids = self.people(world, 7)
        world.pass_time(3600)
        cursor = crm.begin("contact", world.now())
        pages = crm.scan("contact", [self.text])
        next(pages)
        world.edit("contact", ids[0], {self.text: "edited behind the scan"})
        list(pages)
        world.pass_time(600)

        assert ids[0] in self.changed(crm, world, cursor)[0]

    def test_a_window_names_each_changed_record_once(self, crm: CRM, world: World) -> None:
        """Many edits of many records on one instant: every id, each once, over several pages."""
        ids = self.people(world, 12)
        world.pass_time(3600)
        cursor = crm.begin("contact", world.now())
        for id_ in (*ids[:9], *ids[:4]):
            world.edit("contact", id_, {self.text: f"edited {id_}"})
        world.pass_time(600)

        assert sorted(ids[:9]) == sorted(self.changed(crm, world, cursor)[0])

    def test_a_quiet_time_has_no_changes_and_still_moves_the_cursor(self, crm: CRM, world: World) -> None:
        """Nothing changed: no ids, and a cursor from which nothing changed either."""
        self.people(world, 3)
        world.pass_time(3600)
        cursor = crm.begin("contact", world.now())
        world.pass_time(3600)

        ids, later = self.changed(crm, world, cursor)
        assert not ids
        world.pass_time(3600)
        assert not self.changed(crm, world, later)[0]

    # -- reads by id ----------------------------------------------------------------------------------------

    def test_a_read_skips_who_is_gone(self, crm: CRM, world: World) -> None:
        """Deleted and never-existing ids are missing, the others come with current values."""
        ids = self.people(world, 7)
        world.remove("contact", ids[2])

        found = {r.id: r for r in crm.read("contact", [*ids, "999999999"], [self.text, self.other])}

        assert {*ids} - {ids[2]} == set(found)
        assert found[ids[6]].properties[self.text] == "title 6"
        assert not found[ids[6]].properties.get(self.other)

    def test_reading_nobody_asks_nothing(self, crm: CRM, world: World) -> None:
        """An empty list of ids is an empty answer."""
        assert list(crm.read("contact", [], [self.text])) == []

    def test_trap_11_a_merged_record_names_those_it_swallowed(self, crm: CRM, world: World) -> None:
        """A chain of two merges: scans and reads show one record with both ids, and its changes are told."""
        first, second, third, other = self.people(world, 4)
        world.pass_time(3600)
        cursor = crm.begin("contact", world.now())
        world.merge("contact", second, first)
        world.pass_time(60)
        world.merge("contact", third, second)
        world.pass_time(600)

        listed = {r.id: set(r.merged_ids) for page in crm.scan("contact", []) for r in page.records}
        read = {r.id: set(r.merged_ids) for r in crm.read("contact", [third, other], [])}

        assert listed == read == {third: {first, second}, other: set()}
        assert third in self.changed(crm, world, cursor)[0]

    def test_lesson_26_further_addresses_of_a_contact_are_told(self, crm: CRM, world: World) -> None:
        """Whoever reads a contact is told by which other addresses forms may know it."""
        id_ = world.add("contact", {self.further: "b@company.example;c@company.example"})

        (record,) = crm.read("contact", [id_], [self.text])

        assert record.other_emails == ("b@company.example", "c@company.example")

    def test_links_name_the_partners_and_the_primary_one(self, crm: CRM, world: World) -> None:
        """Every id asked for is answered; without partners with ()."""
        ids = self.people(world, 5)
        main, side = (world.add("company", {"name": name}) for name in ("Main", "Side"))
        world.link("contact", ids[0], "company", main, primary=True)
        if self.several_companies:
            world.link("contact", ids[0], "company", side)
        world.link("contact", ids[3], "company", side, primary=True)

        links = crm.links("contact", ids, "company")

        assert set(ids) == set(links)
        theirs = {main: True, side: False} if self.several_companies else {main: True}
        assert theirs == {link.to_id: "primary" in link.labels for link in links[ids[0]]}
        assert [side] == [link.to_id for link in links[ids[3]]]
        assert links[ids[1]] == ()

    def test_an_unknown_source_of_occurrences_is_not_found(self, crm: CRM, world: World) -> None:
        """A list that was renamed is an error with a name, never an empty success."""
        with pytest.raises(NotFound):
            list(crm.occurrences("list:There is no such list", None, world.now()))


class WritingContract(Contract):
    """Writes and the history they leave, tasks."""

    # -- writing --------------------------------------------------------------------------------------------

    def test_every_update_has_its_outcome_in_order(self, crm: CRM, world: World) -> None:
        """One refused and one deleted record among seven: the other five are written, nobody is forgotten."""
        ids = self.people(world, 7)
        self.met(crm, *ids)
        world.remove("contact", ids[4])
        updates = [Update(id_, {self.text: f"new {id_}"}) for id_ in ids]
        updates[1] = Update(ids[1], {self.text: "new", self.refused[0]: self.refused[1]})

        outcomes = crm.write("contact", updates)

        assert ids == [outcome.id for outcome in outcomes]
        states = [outcome.state for outcome in outcomes]
        assert states == ["written", "rejected", "written", "written", "gone", "written", "written"]
        assert f"new {ids[5]}" == world.stored("contact", ids[5])[self.text]
        assert world.stored("contact", ids[1])[self.text] == "title 1"
        assert (outcomes[1].refused, outcomes[4].code) == ((self.refused[0],), "gone")
        assert {outcome.code for outcome in outcomes} - {""} <= set(CODES)  # docs/errors.md tells what each means

    def test_a_refusal_never_quotes_the_value(self, crm: CRM, world: World) -> None:
        """Rejects are kept and shown; a person's data has no place in them."""
        (id_,) = self.people(world, 1)
        self.met(crm, id_)

        (outcome,) = crm.write("contact", [Update(id_, {self.refused[0]: self.refused[1]})])

        assert self.refused[1] not in outcome.message + outcome.code
        assert self.refused[0] in outcome.message

    def test_an_empty_text_clears(self, crm: CRM, world: World) -> None:
        """ "" blanks a property; the others stay."""
        id_ = world.add("contact", {self.text: "title", self.other: "Warsaw"})
        self.met(crm, id_)

        (outcome,) = crm.write("contact", [Update(id_, {self.text: ""})])

        assert outcome.state == "written"
        assert not world.stored("contact", id_).get(self.text)
        assert world.stored("contact", id_)[self.other] == "Warsaw"

    def test_writing_twice_is_writing_once(self, crm: CRM, world: World) -> None:
        """Repeating an update is harmless."""
        ids = self.people(world, 3)
        self.met(crm, *ids)
        updates = [Update(id_, {self.text: "same"}) for id_ in ids]
        crm.write("contact", updates)

        assert [outcome.state for outcome in crm.write("contact", updates)] == ["written"] * 3
        assert {"same"} == {world.stored("contact", id_)[self.text] for id_ in ids}

    def test_an_id_twice_in_one_write_is_a_programming_error(self, crm: CRM, world: World) -> None:
        """Rows of one batch may be applied in any order, so two for one record cannot be meant."""
        (id_,) = self.people(world, 1)

        with pytest.raises(ValueError, match="twice"):
            crm.write("contact", [Update(id_, {self.text: "a"}), Update(id_, {self.text: "b"})])

    def test_writing_nothing_is_nothing(self, crm: CRM, world: World) -> None:
        """No updates, no outcomes."""
        assert crm.write("contact", []) == []

    def test_history_tells_who_changed_what_newest_first(self, crm: CRM, world: World) -> None:
        """A person's edit and our own write can be told apart."""
        ids = self.people(world, 4)
        for id_ in ids:
            world.pass_time(60)
            world.edit("contact", id_, {self.text: "by hand"})
            world.pass_time(60)
            self.met(crm, id_)
            crm.write("contact", [Update(id_, {self.text: "by us"})])

        history = crm.history("contact", ids, [self.text])

        for id_ in ids:
            newest, before = history[id_][self.text][:2]
            assert (newest.value, before.value) == ("by us", "by hand")
            assert (newest.by, before.by) == ("integration", "person")
            assert newest.at > before.at

    # -- tasks ------------------------------------------------------------------------------------------------

    def task(self, world: World, contact_id: str, body: str) -> Task:
        return Task(contact_id, "Call back", body, world.now() + timedelta(hours=4), "HIGH", None)

    def test_a_created_task_is_found_on_its_contact(self, crm: CRM, world: World) -> None:
        """Created once each, announced right before, found by association at once."""
        ids = self.people(world, 4)
        announced: list[int] = []

        outcomes = crm.create_tasks(
            [self.task(world, ids[0], "marker one"), self.task(world, ids[2], "marker two")], announced.append
        )

        found = crm.find_tasks(ids)
        assert announced == [0, 1]
        assert [outcome.state for outcome in outcomes] == ["written", "written"]
        assert {(ids[0], outcomes[0].id), (ids[2], outcomes[1].id)} == {(t.contact_id, t.id) for t in found}
        assert [task.body for task in found if task.contact_id == ids[0]] == ["marker one"]

    def test_g2_a_created_task_is_found_by_its_marker_as_well(self, crm: CRM, world: World) -> None:
        """Whoever hangs on whom: a second witness, should associations not be told."""
        (id,) = self.people(world, 1)
        task = replace(self.task(world, id, "Anna asked for a call.\n\n[cx-1a]"), marker="cx-1a")

        (outcome,) = crm.create_tasks([task], lambda _: None)

        sent_at = world.now()
        assert crm.tasks_marked({"cx-1a": sent_at, "cx-2b": sent_at}) == {"cx-1a": outcome.id}
        assert crm.tasks_marked({"cx-2b": sent_at}) == {}

    def test_contacts_without_tasks_have_none(self, crm: CRM, world: World) -> None:
        """Nothing hangs there, nothing is found."""
        assert crm.find_tasks(self.people(world, 3)) == []


class AccountContract(Contract):
    """What the account is like, and what is made in it."""

    # -- the account ------------------------------------------------------------------------------------------

    def test_the_description_names_account_properties_and_owners(self, crm: CRM, world: World) -> None:
        """What check and discover live on."""
        told = crm.describe(["contact", "deal"])

        assert told.account
        assert told.zone
        assert self.text in told.properties["contact"]
        assert told.properties["contact"][self.text].type == "string"
        assert {"contact", "deal"} == set(told.properties)
        assert told.deal_stages
        assert {"open", "won", "lost"} >= {stage.state for stage in told.deal_stages}
        assert all(owner.id for owner in told.owners)

    def test_records_are_counted_by_value(self, crm: CRM, world: World) -> None:
        """All of a kind, those with a value, those without any."""
        for number in range(5):
            world.add("contact", {self.text: "VP"} if number < 3 else {self.other: "Warsaw"})
        world.pass_time(120)

        counts = crm.count("contact"), crm.count("contact", self.text, "VP"), crm.count("contact", self.text, None)
        assert counts == (5, 3, 2)
        assert crm.count("deal") == 0

    def test_the_oldest_record_says_how_far_back_a_full_read_goes(self, crm: CRM, world: World) -> None:
        """When the first one that still lives was created; None where there is none."""
        begun = world.now()
        first = world.add("contact", {self.text: "first"})
        world.pass_time(3600)
        second_at = world.now()
        world.add("contact", {self.text: "second"})
        world.pass_time(120)

        oldest = crm.oldest("contact")
        world.remove("contact", first)
        world.pass_time(120)
        left = crm.oldest("contact")

        assert oldest is not None
        assert left is not None
        assert abs(oldest - begun) < timedelta(seconds=2)
        assert abs(left - second_at) < timedelta(seconds=2)
        assert crm.oldest("deal") is None

    def test_a_contact_has_a_page_or_none_is_claimed(self, crm: CRM, world: World) -> None:
        """Where a CRM says where it lives, the address holds the id; else there is no address."""
        (id_,) = self.people(world, 1)

        page = crm.describe(["contact"]).page_of(id_)

        assert page == "" or (page.startswith("https://") and id_ in page and "{" not in page)

    def test_automations_are_found_by_what_they_set(self, crm: CRM, world: World) -> None:
        """Those on a property that was asked for, on or off; what sets something else is nobody's business."""
        first = world.automate("9001", "Raise", self.text)
        second = world.automate("9002", "Old", self.text, enabled=False)
        world.automate("9003", "Elsewhere", self.other)

        found = crm.automations({"contact": [self.text]})

        told = {(one.id, one.name, one.kind, one.property, one.enabled) for one in found}
        assert told == {(first, "Raise", "contact", self.text, True), (second, "Old", "contact", self.text, False)}
        assert crm.automations({"contact": []}) == []

    def test_owners_have_teams_as_words(self, crm: CRM, world: World) -> None:
        """Names and ids of teams, none of them blank; somebody has one."""
        teams = [owner.teams for owner in crm.describe(["contact"]).owners]

        assert any(teams)
        assert all(isinstance(word, str) and word for those in teams for word in those)

    @pytest.mark.parametrize(
        ("type_", "value"),
        [
            ("string", "why"),
            ("number", "12"),
            ("bool", "true"),
            ("datetime", "2026-11-22T09:00:00Z"),
            ("enumeration", ""),
        ],
    )
    def test_a_created_property_can_be_written(self, crm: CRM, world: World, type_: str, value: str) -> None:
        """Own properties of every type; creating one again is fine."""
        options = {self.choices[0]: "A", self.choices[1]: "B"} if type_ == "enumeration" else {}
        definition = PropertyDefinition("cx_thing", type_, "A thing", options)
        crm.create_property("contact", definition, "agreement")
        crm.create_property("contact", definition, "agreement")
        crm.publish()
        (id_,) = self.people(world, 1)
        self.met(crm, id_)

        (outcome,) = crm.write("contact", [Update(id_, {"cx_thing": value or self.choices[1]})])

        assert type_ == crm.describe(["contact"]).properties["contact"]["cx_thing"].type
        assert outcome.state == "written"
        (record,) = crm.read("contact", [id_], ["cx_thing"])
        assert record.properties["cx_thing"]

    def test_options_can_be_added_and_the_others_stay(self, crm: CRM, world: World) -> None:
        """A new persona in the agreement becomes a value the CRM takes; nothing that is there gets lost."""
        a, b, c = self.choices
        definition = PropertyDefinition("cx_choice", "enumeration", "A choice", {a: "A", b: "B"})
        crm.create_property("contact", definition, "agreement")

        crm.add_options("contact", "cx_choice", {b: "B", c: "C"})
        crm.add_options("contact", "cx_choice", {c: "C"})
        crm.publish()

        options = crm.describe(["contact"]).properties["contact"]["cx_choice"].options
        assert sorted(options.items()) == [(a, "A"), (b, "B"), (c, "C")]


class CrmContract(ReadingContract, WritingContract, AccountContract):
    """Inherit, give `crm` and `world`, and every promise of the protocol is put to the test."""
