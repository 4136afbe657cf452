"""Who is one person, or one company: leads and their contacts, merges, deactivated records; over the sandbox."""

from __future__ import annotations

import pytest

from connector.crm.dynamics import Dynamics
from connector.sandbox.dataverse.schema import Ref
from tests.crm.asking_dynamics import Open, cursor_of, one, records, told
from tests.crm.organisation import Organisation


@pytest.fixture
def world(organisation: Organisation) -> Organisation:
    return organisation


# -- leads -----------------------------------------------------------------------------------------------


def test_a_lead_without_a_contact_is_a_person(dynamics: Dynamics, world: Organisation) -> None:
    """Beside the contacts, in scans, reads and changes alike."""
    (contact,), lead = world.people(1), world.lead(jobtitle="Lead of something")
    cursor = cursor_of(dynamics)

    assert set(records(dynamics)) == {contact, lead}
    assert one(dynamics, "contact", lead, "jobtitle").properties == {"jobtitle": "Lead of something"}
    world.set("lead", lead, jobtitle="x")
    assert told(dynamics, cursor, world)[0] == {lead}
    assert dynamics.count("contact") == 2


def test_a_lead_says_that_it_is_one(dynamics: Dynamics, world: Organisation) -> None:
    """Its page is another than a contact's, which is the usual one."""
    (contact,), lead = world.people(1), world.lead()

    assert {id: one.form for id, one in records(dynamics).items()} == {contact: "", lead: "lead"}
    assert {one.id: one.form for one in dynamics.read("contact", [contact, lead], [])} == {contact: "", lead: "lead"}


def test_a_lead_that_gains_a_contact_folds_into_it_like_a_merge(dynamics: Dynamics, world: Organisation) -> None:
    """Told by the lead's own change; whoever asks for the lead is answered by the contact, which lists it."""
    lead = world.lead()
    cursor = cursor_of(dynamics)
    (contact,) = world.people(1)
    world.give(lead, contact)

    changed, gone, later = told(dynamics, cursor, world)

    assert (changed, gone) == ({contact, lead}, set())
    read = list(dynamics.read("contact", sorted(changed), ["jobtitle"]))
    assert [(record.id, record.merged_ids) for record in read] == [(contact, (lead,))]
    assert [record.properties for record in read] == [{"jobtitle": "title 0"}]
    assert one(dynamics, "contact", lead).id == contact
    assert {id: set(record.merged_ids) for id, record in records(dynamics).items()} == {contact: {lead}}
    assert told(dynamics, later, world)[0] == set()


@pytest.mark.parametrize("first", ["contact", "lead"])
def test_it_does_not_matter_which_of_the_two_is_told_first(dynamics: Dynamics, world: Organisation, first: str) -> None:
    """Whoever is read, the answer is the whole person as it stands now."""
    lead, (contact,) = world.lead(), world.people(1)
    world.give(lead, contact)

    for id in (contact, lead) if first == "contact" else (lead, contact):
        assert one(dynamics, "contact", id).merged_ids == (lead,)


def test_several_leads_of_one_contact_are_one_person(dynamics: Dynamics, world: Organisation) -> None:
    """Open and closed ones: what is closed belongs to its contact all the same."""
    (contact,) = world.people(1)
    leads = {world.lead(parent=contact), world.lead(parent=contact, statecode=1), world.lead(parent=contact)}

    assert set(one(dynamics, "contact", contact).merged_ids) == leads
    assert set(records(dynamics)) == {contact}


def test_a_lead_that_loses_its_contact_stands_alone_again(dynamics: Dynamics, world: Organisation) -> None:
    """As after a contact that was set by mistake."""
    (contact,) = world.people(1)
    lead = world.lead(parent=contact)
    cursor = cursor_of(dynamics)
    world.give(lead, None)

    assert told(dynamics, cursor, world)[0] == {lead}
    found = {record.id: record.merged_ids for record in dynamics.read("contact", [lead, contact], [])}
    assert found == {lead: (), contact: ()}


def test_chains_of_merges_and_parents_end_at_the_one_that_is_left(dynamics: Dynamics, world: Organisation) -> None:
    """A lead merged into another, whose contact was merged into a third: one person, whoever is asked for."""
    old, new = world.people(2)
    lead = world.lead(parent=old)
    loser = world.lead()
    everybody = {old, lead, loser}
    world.merge_leads(lead, loser)
    world.inside.write("lead", lead, {"parentcontactid": Ref("contact", old)})
    world.merge("contact", new, old)
    world.inside.write("lead", lead, {"parentcontactid": Ref("contact", old)})  # a merge may leave them behind

    for id in sorted({new, *everybody}):
        record = one(dynamics, "contact", id)
        assert (record.id, set(record.merged_ids)) == (new, everybody)
    assert {id: set(record.merged_ids) for id, record in records(dynamics).items()} == {new: everybody}


def test_rows_that_point_at_each_other_are_nobody_and_end_no_run(dynamics: Dynamics, world: Organisation) -> None:
    """Nothing forbids an import to write such a circle."""
    one_, other, third = world.people(3)
    for id, master in ((one_, other), (other, one_)):
        world.inside.write("contact", id, {"merged": True, "masterid": Ref("contact", master)})

    assert [record.id for record in dynamics.read("contact", [one_, other, third], [])] == [third]
    assert set(records(dynamics)) == {third}


# -- merges ----------------------------------------------------------------------------------------------


def test_a_merge_is_told_by_the_loser_and_answered_by_the_survivor(dynamics: Dynamics, world: Organisation) -> None:
    """Dataverse deactivates the loser instead of deleting it; it is never told, and never written."""
    survivor, loser = world.people(2)
    cursor = cursor_of(dynamics)
    world.merge("contact", survivor, loser)

    changed, gone, _ = told(dynamics, cursor, world)

    assert (loser in changed, gone) == (True, set())
    assert one(dynamics, "contact", loser).merged_ids == (loser,)
    assert set(records(dynamics)) == {survivor}
    assert dynamics._env.versions.of(loser) is None


def test_a_survivor_that_is_read_lists_those_that_were_merged_since_the_last_scan(
    dynamics: Dynamics, world: Organisation
) -> None:
    """Whoever asks for it need not know of them."""
    survivor, loser = world.people(2)
    assert records(dynamics)[survivor].merged_ids == ()
    world.merge("contact", survivor, loser)

    assert one(dynamics, "contact", survivor).merged_ids == (loser,)


def test_a_scan_asks_after_the_merged_only_where_anything_was_merged(open_dynamics: Open, world: Organisation) -> None:
    """Two questions at the beginning, or two for every page instead of one."""
    ids = world.people(12)
    plain = open_dynamics()
    records(plain)
    world.merge("contact", ids[0], ids[1])
    merged = open_dynamics()
    records(merged)

    assert "batch_read" not in plain.calls.by_class
    assert merged.calls.by_class["batch_read"] >= 6


def test_companies_merge_as_well(dynamics: Dynamics, world: Organisation) -> None:
    """The account that is left answers for the other."""
    left, lost = (world.add("company", {"name": name}) for name in ("Left", "Lost"))
    world.merge("company", left, lost)

    assert one(dynamics, "company", lost, "name").properties == {"name": "Left"}
    assert records(dynamics, "company")[left].merged_ids == (lost,)


# -- in use or not ---------------------------------------------------------------------------------------


def test_a_deactivated_contact_is_archived_and_comes_back_when_reactivated(
    dynamics: Dynamics, world: Organisation
) -> None:
    """Both are told as changes; what does not answer a read is gone for us, what answers again is back."""
    id, other = world.people(2)
    cursor = cursor_of(dynamics)
    world.set("contact", id, statecode=1, statuscode=2)

    changed, _, later = told(dynamics, cursor, world)
    assert changed == {id}
    assert list(dynamics.read("contact", [id], [])) == []
    assert set(records(dynamics)) == {other}
    archived = records(dynamics, archived=True)
    assert {id: record.archived for id, record in archived.items()} == {id: True}
    assert dynamics.count("contact") == 1

    world.set("contact", id, statecode=0, statuscode=1)
    assert told(dynamics, later, world)[0] == {id}
    assert one(dynamics, "contact", id).archived is False


def test_a_deactivated_account_still_says_where_somebody_works(dynamics: Dynamics, world: Organisation) -> None:
    """Nothing is written to companies, so nothing is lost by it; one that was merged away is another."""
    kept, closed, merged = (world.add("company", {"name": name}) for name in ("Kept", "Closed", "Merged"))
    world.set("account", closed, statecode=1, statuscode=2)
    world.merge("company", kept, merged)

    assert set(records(dynamics, "company")) == {kept, closed}
    assert records(dynamics, "company", archived=True) == {}
    assert dynamics.count("company") == 2


@pytest.mark.parametrize(("state", "status"), [(1, 3), (2, 4)])
def test_a_lead_that_is_closed_without_a_contact_is_a_person_who_takes_no_writes(
    dynamics: Dynamics, world: Organisation, state: int, status: int
) -> None:
    """Dataverse refuses writes to it until it is reopened, and we never reopen one. How it was closed is told."""
    lead = world.lead(statecode=state, statuscode=status)

    record = one(dynamics, "contact", lead, "derived.closed", "derived.closed_as")
    assert record.closed
    assert not record.archived
    assert record.properties == {"derived.closed": str(state), "derived.closed_as": str(status) if state == 2 else None}
    assert records(dynamics)[lead].closed
    assert records(dynamics, archived=True) == {}
    assert dynamics.count("contact") == 1
    world.set("lead", lead, statecode=0, statuscode=1)
    assert not records(dynamics)[lead].closed


# -- leads of a contact ----------------------------------------------------------------------------------


def test_the_leads_of_contacts_are_records_of_their_own_and_linked(dynamics: Dynamics, world: Organisation) -> None:
    """Open or closed, in scans, reads and changes alike; those that stand alone are none of them."""
    (contact, other), alone = world.people(2), world.lead()
    opened, closed = world.lead(parent=contact), world.lead(parent=contact, statecode=2, statuscode=4)
    cursor = cursor_of(dynamics, "lead")

    assert {id: record.closed for id, record in records(dynamics, "lead").items()} == {opened: False, closed: True}
    assert {record.id for record in dynamics.read("lead", [opened, closed, alone], [])} == {opened, closed}
    links = dynamics.links("contact", [contact, other], "lead")
    assert {id: {link.to_id for link in those} for id, those in links.items()} == {
        contact: {opened, closed},
        other: set(),
    }
    assert [link.to_id for link in dynamics.links("lead", [opened, alone], "contact")[opened]] == [contact]
    assert dynamics.count("lead") == 2
    world.set("lead", opened, subject="x")
    world.set("lead", alone, subject="x")
    assert told(dynamics, cursor, world, "lead")[:2] == ({opened}, {alone})


def test_leads_follow_their_contact_and_each_other_through_merges(dynamics: Dynamics, world: Organisation) -> None:
    """A lead of a contact that was merged is the survivor's; of two leads that were merged one is left."""
    first, second = world.people(2)
    one_lead, other_lead = world.lead(parent=first), world.lead(parent=first)
    world.merge("contact", second, first)
    world.merge_leads(one_lead, other_lead)

    assert [link.to_id for link in dynamics.links("lead", [one_lead], "contact")[one_lead]] == [second]
    assert {link.to_id for link in dynamics.links("contact", [second], "lead")[second]} == {one_lead}
    assert set(records(dynamics, "lead")[one_lead].merged_ids) == {other_lead}
    assert one(dynamics, "lead", other_lead).id == one_lead


def test_a_lead_whose_contact_is_out_of_use_is_nobodys(dynamics: Dynamics, world: Organisation) -> None:
    """Until the contact is in use again."""
    (contact,) = world.people(1)
    lead = world.lead(parent=contact)
    world.set("contact", contact, statecode=1, statuscode=2)

    assert dynamics.links("lead", [lead], "contact") == {lead: ()}
    world.set("contact", contact, statecode=0, statuscode=1)
    assert [link.to_id for link in dynamics.links("lead", [lead], "contact")[lead]] == [contact]


def test_a_lead_that_loses_its_contact_is_told_as_gone_from_it(dynamics: Dynamics, world: Organisation) -> None:
    """And is a person of its own from then on."""
    (contact,) = world.people(1)
    lead = world.lead(parent=contact)
    cursor = cursor_of(dynamics, "lead")
    world.give(lead, None)

    assert told(dynamics, cursor, world, "lead")[:2] == (set(), {lead})
    assert list(dynamics.read("lead", [lead], [])) == []
    assert one(dynamics, "contact", lead).id == lead


def test_won_and_lost_deals_are_deals_like_others(dynamics: Dynamics, world: Organisation) -> None:
    """Their state is how they ended, not whether they are in use; so it is with activities that are done."""
    deals = {world.inside.add("opportunity", {"name": "x", "statecode": state}).id for state in (0, 1, 2)}
    call = world.inside.add("phonecall", {"subject": "x", "statecode": 1}).id

    assert set(records(dynamics, "deal")) == deals
    assert set(records(dynamics, "call")) == {call}
    assert records(dynamics, "deal", archived=True) == {}


def test_a_contact_that_is_deactivated_takes_its_leads_with_it(dynamics: Dynamics, world: Organisation) -> None:
    """A person out of use is out of use, whichever of its rows is asked for."""
    (contact,) = world.people(1)
    lead = world.lead(parent=contact)
    world.set("contact", contact, statecode=1, statuscode=2)

    assert list(dynamics.read("contact", [lead, contact], [])) == []
    assert records(dynamics) == {}


# -- what a write is conditional on ----------------------------------------------------------------------


def test_reads_and_scans_remember_the_version_of_each_row(open_dynamics: Open, world: Organisation) -> None:
    """Exactly as it came, with the table it stands in; the latest read counts."""
    (contact,), lead = world.people(1), world.lead()
    crm = open_dynamics()
    versions = crm._env.versions
    records(crm)
    before = versions.of(contact)
    world.edit("contact", contact, {"jobtitle": "x"})

    one(crm, "contact", contact)

    after = versions.of(contact)
    assert before is not None
    assert after is not None
    assert after.etag == world.inside.get("contact", contact).etag != before.etag
    assert (after.table.set_name, getattr(versions.of(lead), "table", after.table).set_name) == ("contacts", "leads")


def test_a_table_without_versions_has_none_to_remember(dynamics: Dynamics, world: Organisation) -> None:
    """Nothing is written to it then."""
    world.inside.tables["contact"].versions = False
    (contact,) = world.people(1)

    assert set(records(dynamics)) == {contact}
    assert dynamics._env.versions.of(contact) is None
