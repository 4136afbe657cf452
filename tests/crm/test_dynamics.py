"""The reading half of the CRM contract on Dynamics, over real sockets against the sandbox, and Dynamics' own traps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.crm import LOST
from connector.crm.dynamics import Dynamics
from connector.crm.dynamics.opening import Reading
from connector.errors import CrmError, Denied, OutcomeUnknown, Transient
from connector.sandbox.dataverse import DataverseSandbox
from connector.sandbox.dataverse.people import populated
from tests.crm.asking_dynamics import Open, cursor_of, one, records, told
from tests.crm.contract import AccountContract, Contract, ReadingContract
from tests.crm.organisation import FURTHER, Organisation


@pytest.fixture
def world(organisation: Organisation) -> Organisation:
    return organisation


@pytest.fixture
def crm(dynamics: Dynamics) -> Dynamics:
    return dynamics


class TestDynamics(ReadingContract, AccountContract):
    """Every promise of the protocol about reading and about the account, on Dynamics."""

    text, other = "jobtitle", "address1_city"
    further = FURTHER
    keeps_deleted = False
    several_companies = False

    choices = ("710000000", "710000001", "710000002")


class TestDynamicsByLinks(Contract):
    """What concerns changes once more, where they go on from the link that a full scan left."""

    text, other = "jobtitle", "address1_city"

    changed = ReadingContract.changed
    test_an_edit_at_once = ReadingContract.test_an_edit_at_the_very_moment_of_the_cursor_is_seen
    test_edits_during_a_scan = ReadingContract.test_lesson_07_edits_during_a_scan_are_seen_by_the_first_incremental_read
    test_each_once = ReadingContract.test_a_window_names_each_changed_record_once
    test_a_quiet_time = ReadingContract.test_a_quiet_time_has_no_changes_and_still_moves_the_cursor
    test_merges = ReadingContract.test_trap_11_a_merged_record_names_those_it_swallowed

    @pytest.fixture
    def crm(self, open_dynamics: Open, monkeypatch: pytest.MonkeyPatch) -> Dynamics:
        crm = open_dynamics()
        monkeypatch.setattr(crm, "begin", lambda kind, now: cursor_of(crm, kind))
        return crm

    def test_what_is_deleted_is_told(self, crm: Dynamics, world: Organisation) -> None:
        """Also of somebody who came and went between two reads."""
        ids = world.people(5)
        cursor = cursor_of(crm)
        world.remove("contact", ids[3])
        world.remove("contact", fleeting := world.people(1)[0])

        batches = list(crm.changes("contact", cursor, world.now()))

        assert [id for batch in batches for id in batch.gone] == [ids[3], fleeting]
        assert [id for batch in batches for id in batch.ids] == []


# -- links to changes ------------------------------------------------------------------------------------


def test_a_scan_leaves_the_link_from_which_changes_go_on(dynamics: Dynamics, world: Organisation) -> None:
    """Everything that happened since the scan began, deletions and own writes among it; then nothing."""
    ids = world.people(6)
    pages = dynamics.scan("contact", ["jobtitle"])
    first = next(pages)
    world.edit("contact", ids[0], {"jobtitle": "edited behind the scan"})
    cursor = [first, *pages][-1].cursor
    assert cursor is not None
    world.edit("contact", ids[2], {"jobtitle": "x"})
    world.remove("contact", ids[4])
    (new,) = world.people(1)

    changed, gone, later = told(dynamics, cursor, world)

    assert changed == {ids[0], ids[2], new}
    assert gone == {ids[4]}
    assert told(dynamics, later, world)[:2] == (set(), set())
    assert [page.cursor is None for page in dynamics.scan("contact", [])] == [True, True, False]


def test_lesson_08_dataverse_trap_02_and_03_many_changes_come_in_pages_and_each_can_be_gone_on_from(
    dynamics: Dynamics, world: Organisation
) -> None:
    """Nine edits and three deletions in pages of two; broken off anywhere, the rest follows."""
    world.sandbox.switch(page_limit=2)
    ids = world.people(14)
    dynamics.begin("contact", world.now())
    cursor = cursor_of(dynamics)
    for id in ids[:9]:
        world.edit("contact", id, {"jobtitle": "x"})
    for id in ids[9:12]:
        world.remove("contact", id)

    batches = list(dynamics.changes("contact", cursor, world.now()))

    assert [id for batch in batches for id in batch.ids] == ids[:9]
    assert [id for batch in batches for id in batch.gone] == ids[9:12]
    assert all(batch.mark for batch in batches)
    for place, batch in enumerate(batches[:-1]):
        changed, gone, _ = told(dynamics, batch.mark or "", world)
        assert changed == {id for later in batches[place + 1 :] for id in later.ids}
        assert gone == {id for later in batches[place + 1 :] for id in later.gone}
        assert batch.complete_until is not None
        assert batch.complete_until < world.now()
    assert batches[-1].complete_until == world.now()


def test_dataverse_trap_03_an_empty_last_page_ends_a_scan_like_any_other(
    dynamics: Dynamics, world: Organisation
) -> None:
    """Full pages all the way, and one more that is empty: everybody once, and the link to changes."""
    world.sandbox.switch(empty_last_page=True)
    ids = world.people(6)

    pages = list(dynamics.scan("contact", []))

    assert sorted(ids) == sorted(record.id for page in pages for record in page.records)
    assert pages[-1].cursor is not None
    assert pages[-1].mark is None


def test_dataverse_trap_04_the_next_page_begins_where_the_server_says(dynamics: Dynamics, world: Organisation) -> None:
    """Not behind as many rows as were asked for: a page may be shorter, or hold nothing at all."""
    ids = world.people(7)
    following = f"{world.sandbox.url}/api/data/v9.2/contacts?$select=contactid,statecode"
    empty = {"value": [], "@odata.nextLink": following}
    for fault in ({"action": "short_page", "rows": 1, "nth": 2}, {"action": "answer", "status": 200, "body": empty}):
        script = world.sandbox.fault(path=r"/contacts\?", method="GET", **fault)

        found = [record.id for page in dynamics.scan("contact", []) for record in page.records]

        assert (sorted(found), script.struck) == (sorted(ids), 1)


def test_dataverse_trap_01_tracked_reads_ask_for_no_annotations(dynamics: Dynamics, world: Organisation) -> None:
    """They would cost the link; where it is missing anyway, the time of change takes its place, and that is told."""
    world.sandbox.fault("answer", path="/contacts", method="GET", status=200, body={"value": []})
    dynamics.begin("contact", world.now())

    pages = list(dynamics.scan("contact", []))

    assert [page.warning for page in pages if page.warning] == [
        "contacts gave no link to its changes: they are read by their time of change"
    ]
    last = pages[-1]
    assert last.cursor is not None
    world.pass_time(60)
    (new,) = world.people(1)
    world.pass_time(600)
    assert new in told(dynamics, last.cursor, world)[0]


def test_an_answer_without_any_link_keeps_the_old_one(dynamics: Dynamics, world: Organisation) -> None:
    """That is how some environments say that nothing changed."""
    world.sandbox.switch(delta_empty="bare")
    ids = world.people(3)
    cursor = cursor_of(dynamics)

    ids_, gone, later = told(dynamics, cursor, world)
    world.edit("contact", ids[1], {"jobtitle": "x"})

    assert (ids_, gone) == (set(), set())
    assert told(dynamics, later, world)[0] == {ids[1]}


def test_changes_that_end_without_a_link_say_that_everything_must_be_read(
    dynamics: Dynamics, world: Organisation
) -> None:
    """The old link would tell the same for ever, or a page of it."""
    (id,) = world.people(1)
    cursor = cursor_of(dynamics)
    changed = {"value": [{"contactid": id}]}
    world.sandbox.fault("answer", path="deltatoken", status=200, body=changed)

    with pytest.raises(CrmError) as caught:
        list(dynamics.changes("contact", cursor, world.now()))
    assert caught.value.code == LOST


@pytest.mark.parametrize("status", [400, 404, 409, 410, 412, 500, 503])
def test_lesson_10_a_link_that_is_dead_says_that_everything_must_be_read(
    dynamics: Dynamics, world: Organisation, status: int
) -> None:
    """Whatever the refusal is called."""
    world.sandbox.switch(delta_dead=status)
    cursor = cursor_of(dynamics)
    world.pass_time(8 * 86400)

    with pytest.raises(CrmError) as caught:
        list(dynamics.changes("contact", cursor, world.now()))

    assert caught.value.code == LOST
    assert not isinstance(caught.value, Denied | Transient)
    assert "deltatoken" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 500])
def test_lesson_10_where_tracking_was_switched_off_everything_is_read_and_then_the_time_of_change_tells(
    dynamics: Dynamics, world: Organisation, status: int
) -> None:
    """It cannot be, says the manual; whoever restores an environment or swaps its table meets it all the same."""
    cursor = cursor_of(dynamics)
    world.inside.tables["contact"].change_tracking = False
    body = {"error": {"code": "0x80072491", "message": "Entity: contact isn't enabled for change tracking."}}
    world.sandbox.fault("answer", path="/contacts", status=status, body=body)

    with pytest.raises(CrmError) as caught:
        list(dynamics.changes("contact", cursor, world.now()))
    assert (caught.value.code, isinstance(caught.value, Transient)) == (LOST, False)

    (id,) = world.people(1)
    begun = dynamics.begin("contact", world.now())
    assert set(records(dynamics)) == {id}
    world.pass_time(3600)
    assert told(dynamics, begun, world)[0] == {id}


@pytest.mark.parametrize(("status", "kind"), [(401, Denied), (403, Denied), (500, Transient), (503, Transient)])
def test_a_closed_door_or_an_outage_kills_no_link(
    open_dynamics: Open, world: Organisation, status: int, kind: type[CrmError]
) -> None:
    """The run ends, and the next one goes on from the same place."""
    dynamics = open_dynamics(attempts=1)
    cursor = cursor_of(dynamics)
    world.sandbox.fault("answer", path="/contacts", status=status, times=0)

    with pytest.raises(kind) as caught:
        list(dynamics.changes("contact", cursor, world.now()))
    assert caught.value.code != LOST


def test_links_are_followed_to_the_configured_host_only(dynamics: Dynamics, world: Organisation) -> None:
    """The token goes with them."""
    world.people(5)
    world.sandbox.switch(foreign_links=True)

    with pytest.raises(Denied) as caught:
        list(dynamics.scan("contact", []))
    assert caught.value.code == "foreign_link"


@pytest.mark.parametrize("what", ["scan", "changes"])
def test_a_link_to_another_host_is_told_when_it_is_given_and_never_stored(
    dynamics: Dynamics, world: Organisation, what: str
) -> None:
    """The last link of all pages, which nobody would follow before the next run."""
    world.people(1)
    cursor = cursor_of(dynamics)
    world.sandbox.switch(foreign_links=True)

    with pytest.raises(Denied) as caught:
        list(dynamics.scan("contact", []) if what == "scan" else dynamics.changes("contact", cursor, world.now()))
    assert caught.value.code == "foreign_link"


def test_links_of_an_environment_that_has_moved_are_not_followed_and_everything_is_read(
    dynamics: Dynamics, world: Organisation
) -> None:
    """Its address is another one now: what was stored leads to the old one, and says so to no avail for ever."""
    ids = world.people(5)
    mark = next(iter(dynamics.scan("contact", []))).mark
    cursor = cursor_of(dynamics)
    moved = world.sandbox.url.replace("http://", "https://contoso.example.")
    assert mark is not None

    with pytest.raises(CrmError, match="another host") as caught:
        list(dynamics.changes("contact", cursor.replace(world.sandbox.url, moved), world.now()))
    pages = list(dynamics.scan("contact", [], after=mark.replace(world.sandbox.url, moved)))

    assert (caught.value.code, pages[0].again) == (LOST, True)
    assert {record.id for page in pages for record in page.records} == set(ids)


def test_a_column_that_a_table_gains_is_one_whose_changes_are_told_from_then_on(
    dynamics: Dynamics, world: Organisation
) -> None:
    """The link knows nothing of it, so that all is read anew, once."""
    world.sandbox.switch(delta_unselected=False)
    lead = world.lead()
    cursor = cursor_of(dynamics, "contact", "cx_new")
    world.sandbox.do("column", {"table": "lead", "add": "cx_New string 20"})
    world.pass_time(3600)
    world.set("lead", lead, cx_new="x")

    with pytest.raises(CrmError, match="leads did not have cx_new then") as caught:
        list(dynamics.changes("contact", cursor, world.now()))

    assert caught.value.code == LOST
    later = cursor_of(dynamics, "contact", "cx_new")
    world.set("lead", lead, cx_new="y")
    assert told(dynamics, later, world)[0] == {lead}


def test_a_cursor_that_nobody_can_read_is_an_error_with_a_name(dynamics: Dynamics, world: Organisation) -> None:
    """As of another CRM's adapter."""
    with pytest.raises(CrmError) as caught:
        list(dynamics.changes("contact", "2026-11-22T09:00:00+00:00", world.now()))
    assert caught.value.code == "cursor"


def test_own_writes_come_back_as_changes_and_hold_what_was_written(dynamics: Dynamics, world: Organisation) -> None:
    """An echo costs one comparison; it is the record as it stands now."""
    (id,) = world.people(1)
    cursor = cursor_of(dynamics, "contact", "jobtitle")
    world.inside.write("contact", id, {"jobtitle": "ours"}, by=world.inside.app.id)

    assert told(dynamics, cursor, world)[0] == {id}
    assert one(dynamics, "contact", id, "jobtitle").properties == {"jobtitle": "ours"}


def test_what_links_records_is_told_as_a_change_of_theirs(dynamics: Dynamics, world: Organisation) -> None:
    """Whether a change of columns that nobody selected is told is not documented; these are always selected."""
    world.sandbox.switch(delta_unselected=False)
    (person, other), company = world.people(2), world.add("company", {"name": "Acme"})
    deal, call = world.add("deal", {"name": "x"}), world.add("call", {"subject": "x"})
    cursors = {kind: cursor_of(dynamics, kind) for kind in ("contact", "deal", "call")}
    world.link("contact", person, "company", company)
    world.edit("contact", other, {"jobtitle": "nobody selected it"})
    world.link("contact", person, "deal", deal)
    world.link("contact", person, "call", call)

    found = {kind: told(dynamics, cursor, world, kind)[0] for kind, cursor in cursors.items()}

    assert found == {"contact": {person}, "deal": {deal}, "call": {call}}


def test_a_deleted_record_that_is_restored_is_told_and_read_again(dynamics: Dynamics, world: Organisation) -> None:
    """Under its old id."""
    (id,) = world.people(1)
    cursor = cursor_of(dynamics)
    row = world.inside.get("contact", id)
    world.remove("contact", id)
    changed, gone, later = told(dynamics, cursor, world)
    assert (changed, gone) == (set(), {id})

    world.inside.restore("contact", row)

    assert told(dynamics, later, world)[:2] == ({id}, set())
    assert one(dynamics, "contact", id).id == id


def test_what_is_told_as_changed_and_as_deleted_is_looked_at(dynamics: Dynamics, world: Organisation) -> None:
    """Deleted while the pages were read, or deleted and restored: which it is, only the record says."""
    there, deleted = world.people(2)
    cursor = cursor_of(dynamics)
    rows = [
        {"contactid": there},
        {"contactid": deleted},
        *({"@odata.context": "x/$deletedEntity", "id": id, "reason": "deleted"} for id in (there, deleted)),
    ]
    body = {"value": rows, "@odata.deltaLink": f"{world.sandbox.url}/api/data/v9.2/contacts?$deltatoken=2"}
    world.sandbox.fault("answer", path="/contacts", status=200, body=body)
    world.remove("contact", deleted)

    batches = list(dynamics.changes("contact", cursor, world.now()))

    assert ({id for one in batches for id in one.ids}, [one.gone for one in batches if one.gone]) == (
        {there, deleted},
        [],
    )
    assert [record.id for record in dynamics.read("contact", [there, deleted], [])] == [there]


def test_what_was_told_as_changed_before_it_was_deleted_is_read_once_more(
    dynamics: Dynamics, world: Organisation
) -> None:
    """On a later page: what was read in between is not the last word."""
    (id,) = world.people(1)
    cursor = cursor_of(dynamics)
    base = f"{world.sandbox.url}/api/data/v9.2/contacts?$deltatoken="
    first = {"value": [{"contactid": id}], "@odata.nextLink": base + "1"}
    gone = {"@odata.context": "x/$deletedEntity", "id": id, "reason": "deleted"}
    world.sandbox.fault("answer", path="/contacts", status=200, body=first, nth=1)
    world.sandbox.fault(
        "answer", path="/contacts", status=200, body={"value": [gone], "@odata.deltaLink": base + "2"}, nth=2
    )

    batches = list(dynamics.changes("contact", cursor, world.now()))

    assert [(one.ids, one.gone) for one in batches if one.ids or one.gone] == [((id,), ()), ((id,), ())]


# -- scans -----------------------------------------------------------------------------------------------


def test_a_mark_that_is_understood_no_more_begins_anew_and_says_so(dynamics: Dynamics, world: Organisation) -> None:
    """A paging cookie may have ended since, and so may the way we write marks: told again is better than missed."""
    ids = world.people(5)
    mark = next(iter(dynamics.scan("contact", []))).mark
    assert mark is not None
    for stale in (mark.replace("pagingcookie", "pagingcake").replace("skiptoken=", "skiptoken=x"), "100012"):
        pages = list(dynamics.scan("contact", [], after=stale))

        assert sorted(ids) == sorted(record.id for page in pages for record in page.records)
        assert all(page.again for page in pages)
        assert "from its beginning" in pages[0].warning


def test_lesson_09_dataverse_trap_12_a_table_without_change_tracking_is_read_by_time_of_change(
    dynamics: Dynamics, world: Organisation
) -> None:
    """Leads are not tracked, contacts are: each goes its own way, in one cursor."""
    world.inside.tables["lead"].change_tracking = False
    people, lead = world.people(3), world.lead()
    world.pass_time(3600)
    dynamics.begin("contact", world.now())
    cursor = cursor_of(dynamics)
    world.pass_time(60)
    world.set("lead", lead, jobtitle="x")
    world.edit("contact", people[0], {"jobtitle": "x"})
    world.pass_time(600)

    changed, gone, later = told(dynamics, cursor, world)

    assert (changed, gone) == ({lead, people[0]}, set())
    world.pass_time(600)
    assert told(dynamics, later, world)[0] == set()


def test_g3_a_clock_that_is_ahead_of_dataverses_misses_nothing(dynamics: Dynamics, world: Organisation) -> None:
    """Twenty minutes: an edit after a read whose end, by our clock, lay ahead of it is told by the next one."""
    world.inside.tables["lead"].change_tracking = False
    world.sandbox.switch(tells_time=True)
    lead, ahead = world.lead(), timedelta(minutes=20)
    world.pass_time(3600)
    assert dynamics.count("contact") == 1
    assert abs(dynamics.clock_ahead(world.now() + ahead) - ahead) <= timedelta(seconds=1)
    dynamics.begin("contact", world.now() + ahead)
    cursor = cursor_of(dynamics)
    mark = list(dynamics.changes("contact", cursor, world.now() + ahead))[-1].mark
    world.pass_time(60)
    world.set("lead", lead, jobtitle="x")
    world.pass_time(600)

    assert mark is not None
    assert {id for batch in dynamics.changes("contact", mark, world.now() + ahead) for id in batch.ids} == {lead}


def test_a_clock_of_ours_that_goes_before_theirs_loses_no_change(dynamics: Dynamics, world: Organisation) -> None:
    """Half an hour: what is read by the time of change ends where the environment's own clock is."""
    for table in ("contact", "lead"):
        world.sandbox.do("table", {"table": table, "change_tracking": False})
    world.sandbox.switch(tells_time=True)
    ahead = timedelta(minutes=30)
    first, second = world.people(2)
    world.pass_time(3600)
    cursor = dynamics.begin("contact", world.now() + ahead)
    world.pass_time(60)
    world.edit("contact", first, {"jobtitle": "x"})

    *batches, last = dynamics.changes("contact", cursor, world.now() + ahead)
    world.pass_time(600)
    world.edit("contact", second, {"jobtitle": "x"})
    assert last.mark is not None
    later = list(dynamics.changes("contact", last.mark, world.now() + ahead))

    assert first in {id for one in batches for id in one.ids}
    assert second in {id for one in later for id in one.ids}
    assert abs(dynamics.clock_ahead(world.now() + ahead) - ahead) <= timedelta(seconds=2)


def test_dataverse_trap_11_by_time_of_change_a_little_of_the_past_is_read_again(
    open_dynamics: Open, world: Organisation
) -> None:
    """Many rows of one instant over several pages, and one that became visible late: each once, none missed."""
    for table in ("contact", "lead"):
        world.inside.tables[table].change_tracking = False
    crm = open_dynamics()
    cursor = crm.begin("contact", world.now())
    assert list(crm.scan("contact", []))[-1].cursor is None
    world.pass_time(120)
    ids = world.people(7)
    world.pass_time(3600)
    changed, _, later = told(crm, cursor, world)
    late = world.inside.add("contact", {"lastname": "Late"}, modified_at=world.inside.clock.now() - 240_000).id

    assert changed == set(ids)
    assert told(crm, later, world)[0] == {late}


def test_an_environment_without_the_sales_app_has_contacts_and_no_leads(
    dynamics: Dynamics, world: Organisation
) -> None:
    """No table, nothing to read: not an error."""
    del world.inside.tables["lead"], world.inside.sets["leads"]
    ids = world.people(3)

    assert set(records(dynamics)) == set(ids)
    assert told(dynamics, cursor_of(dynamics), world)[:2] == (set(), set())


@pytest.mark.parametrize("body", [{}, {"Attributes": []}, {"Attributes": None, "ChangeTrackingEnabled": True}])
def test_a_table_whose_columns_nobody_tells_is_not_taken_for_blank(
    dynamics: Dynamics, world: Organisation, body: dict[str, Any]
) -> None:
    """Else every person's every field would be emptied."""
    world.people(2)
    world.sandbox.fault("answer", path="EntityDefinitions", status=200, body=body)

    with pytest.raises(OutcomeUnknown, match="contactid"):
        list(dynamics.scan("contact", ["jobtitle"]))
    assert len(records(dynamics, "contact", "jobtitle")) == 2


def test_a_row_without_its_id_is_an_error_and_nobody(dynamics: Dynamics, world: Organisation) -> None:
    """Whose values are these?"""
    world.sandbox.fault("answer", path="v9.2/contacts", status=200, body={"value": [{"jobtitle": "x"}]})

    with pytest.raises(CrmError) as caught:
        list(dynamics.scan("contact", ["jobtitle"]))
    assert caught.value.code == "search_id"


def test_a_table_that_comes_after_the_cursor_was_stored_is_read_in_full(
    dynamics: Dynamics, world: Organisation
) -> None:
    """As when the Sales app is installed: nobody knows what changed of it, so everything is read once more."""
    lead, set_ = world.inside.tables.pop("lead"), world.inside.sets.pop("leads")
    cursor = cursor_of(dynamics)
    world.inside.tables["lead"], world.inside.sets["leads"] = lead, set_
    world.pass_time(3600)

    with pytest.raises(CrmError) as caught:
        list(dynamics.changes("contact", cursor, world.now()))
    assert caught.value.code == LOST


def test_dataverse_trap_18_a_table_that_may_not_be_read_stops_the_run_and_names_the_privilege(
    dynamics: Dynamics, world: Organisation
) -> None:
    """Half of the people would be taken for deleted otherwise, however they are asked after."""
    ids, lead = world.people(2), world.lead()
    cursor = cursor_of(dynamics)
    world.inside.app.denied.add(("Read", "lead"))

    with pytest.raises(Denied, match="prvReadLead"):
        list(dynamics.scan("contact", []))
    with pytest.raises(Denied, match="prvReadLead"):
        list(dynamics.read("contact", [*ids, lead], []))
    with pytest.raises(Denied, match="prvReadLead"):
        list(dynamics.changes("contact", cursor, world.now()))


def test_dataverse_trap_18_what_changes_do_not_name_is_not_gone(dynamics: Dynamics, world: Organisation) -> None:
    """Only what they name as deleted is; whoever is not in them may stand there as before."""
    ids = world.people(3)
    cursor = cursor_of(dynamics)
    world.edit("contact", ids[0], {"jobtitle": "x"})
    world.remove("contact", ids[1])

    assert told(dynamics, cursor, world)[:2] == ({ids[0]}, {ids[1]})


def test_a_column_deleted_in_the_middle_of_a_scan_reads_as_blank_and_nobody_is_missed(
    dynamics: Dynamics, world: Organisation
) -> None:
    """The links of the pages name it; so the scan begins anew without it, and says so."""
    ids = world.people(5)
    pages = dynamics.scan("contact", ["jobtitle", "address1_city"])
    told = [next(pages)]
    world.sandbox.do("column", {"table": "contacts", "name": "jobtitle", "delete": True})

    told += pages

    again = [record for page in told if page.again for record in page.records]
    assert sorted(ids) == sorted(record.id for record in again)
    assert all(record.properties["jobtitle"] is None for record in again)
    assert one(dynamics, "contact", ids[0], "jobtitle").properties == {"jobtitle": None}


def test_g3_rows_that_a_list_leaves_out_without_a_word_are_found_by_counting(
    dynamics: Dynamics, world: Organisation
) -> None:
    """Every fifth is not there: the table is gone through once more, which says so; nobody is missed."""
    ids = world.people(11)
    world.sandbox.switch(lost_rows_every=5)

    pages = list(dynamics.scan("contact", []))

    assert {record.id for page in pages for record in page.records} == set(ids)
    assert {record.id for page in pages if not page.again for record in page.records} < set(ids)
    assert any("showed 9 rows and counts 11; it is read once more" in page.warning for page in pages)
    assert pages[-1].cursor is not None


def test_lesson_08_12345_contacts_are_read_to_the_end() -> None:
    """Three pages, as large as they may be."""
    crowd = populated(12_345, activities=False, alone=False, beside=False)
    with DataverseSandbox(crowd) as sandbox:
        crm = Dynamics(sandbox.service.token, sandbox.url, read=Reading(page=5000))
        pages = list(crm.scan("contact", []))
        counted = crm.count("contact")
        crm.close()

    assert len({record.id for page in pages for record in page.records}) == counted == 12_345
    assert [len(page.records) for page in pages] == [5000, 5000, 2345]


def test_g13_pages_batches_and_threads_never_show(open_dynamics: Open, world: Organisation) -> None:
    """The same records however they were read."""
    contacts = world.people(7)
    for number, contact in enumerate(contacts[:4]):
        world.lead(parent=contact, subject=f"{number}")
    for _ in range(3):
        world.lead()
    world.merge("contact", contacts[6], contacts[5])
    wanted = records(open_dynamics(read=Reading()), "contact", "jobtitle")

    for sizes in (Reading(page=1, batch=1, ids=1, threads=1), Reading(page=3, batch=2, ids=2, threads=2)):
        crm = open_dynamics(read=sizes)
        assert records(crm, "contact", "jobtitle") == wanted
        assert {one.id: one for one in crm.read("contact", list(wanted), ["jobtitle"])} == wanted
