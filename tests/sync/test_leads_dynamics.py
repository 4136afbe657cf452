"""Leads as tracks on Dynamics: loop, ledger and adapter over the sandbox."""

# ruff: noqa: F811 - a fixture is an argument of the name it was imported under

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connector.fields.places import on_lead
from connector.sandbox.dataverse.schema import Ref
from tests.sync.test_writing_dynamics import (  # noqa: F401 - fixtures
    BATCH,
    CUSTOMER,
    MQL,
    Live,
    live,
    sandbox,
)

DISQUALIFIED = 2
NEW_BUSINESS, NEW = 710000000, 710000000
STAGES = {"nurture": 710000007, "disqualified": 710000008}


def lead_of(live: Live, contact: str, **values: Any) -> str:
    """A lead of a contact that says nothing of its own."""
    return live.world.lead(parent=contact, **values)


def version(live: Live, lead: str) -> int:
    """It grows with every change of a row."""
    return live.world.inside.get("lead", lead).version


def track(live: Live, person: str) -> Any:
    """Of whom there is one alone."""
    (found,) = live.ledger.people.remember([person])[person].tracks
    return found


def test_g1_open_leads_of_a_contact_show_their_track_and_closed_ones_get_nothing(live: Live) -> None:
    """Stage, status and clocks; scores stand on the contact alone; one task. Then quiet."""
    contact = live.contact()
    opened = [lead_of(live, contact), lead_of(live, contact)]
    closed = [lead_of(live, contact, statecode=state, statuscode=3 if state == 1 else 4) for state in (1, 2)]
    untouched = [version(live, id) for id in closed]

    report = live.sync()

    assert (report.status, report.counts["written"]) == ("done", 1)
    for row in map(live.row, opened):
        assert (row["cx_lifecyclestage"], row["cx_leadstatus"], row["cx_cycle"]) == (MQL, NEW, 1)
        assert (row["cx_lead_type"], row.get("cx_fit_score")) == (NEW_BUSINESS, None)
    assert [version(live, id) for id in closed] == untouched
    assert live.handed_over() == [contact]
    before = dict(live.world.inside.writes)
    assert (live.later().status, live.later().status) == ("done", "done")
    assert live.world.inside.writes == before


@pytest.mark.parametrize("order", ["contact first", "lead first"])
def test_g9_a_lead_that_gains_a_contact_keeps_its_track_its_hand_off_and_its_task(live: Live, order: str) -> None:
    """Whichever arrives first; in the next ten minutes that contact is merged into another one."""
    lead = live.lead()
    live.sync()
    before = track(live, lead)
    assert live.handed_over() == [lead]
    contact = live.world.inside.add("contact", {"lastname": "Nowak"}).id
    if order == "contact first":
        live.later()
    live.world.give(lead, contact)

    report = live.later()

    assert (report.status, report.drift) == ("done", 0)
    after = track(live, contact)
    assert (after["id"], after["cycle"], after["handed_over"]) == (before["id"], 1, True)
    assert live.row(contact)["cx_cycle"] == 1
    other = live.world.inside.add("contact", {"lastname": "Kowal"}).id
    live.world.merge("contact", other, contact)
    assert live.later().status == "done"
    assert (track(live, other)["id"], live.handed_over()) == (before["id"], [lead])
    assert live.row(other)["cx_cycle"] == 1
    writes = dict(live.world.inside.writes)
    assert live.later().status == "done"
    assert live.world.inside.writes == writes


def test_g4_a_stage_that_sales_sets_on_a_lead_is_adopted_by_its_track(live: Live) -> None:
    """The audits of the lead say who and when; the contact follows."""
    contact = live.contact()
    lead = lead_of(live, contact)
    live.sync()
    live.world.pass_time(3600)
    live.world.set("lead", lead, cx_lifecyclestage=CUSTOMER)

    assert live.later().status == "done"

    assert (track(live, contact)["stage"], track(live, contact)["cause"]) == ("customer", "person")
    assert live.row(contact)["cx_lifecyclestage"] == live.row(lead)["cx_lifecyclestage"] == CUSTOMER
    before = dict(live.world.inside.writes)
    live.later()
    assert live.world.inside.writes == before


def test_g4_what_somebody_sets_in_a_column_of_ours_on_a_lead_is_held_there(live: Live) -> None:
    """The contact goes on."""
    contact = live.contact()
    lead = lead_of(live, contact)
    live.sync()
    live.world.set("lead", lead, cx_stage=710000007)
    live.world.set("contact", contact, cx_lifecyclestage=CUSTOMER)

    live.later()

    assert (live.row(lead)["cx_stage"], live.row(contact)["cx_stage"]) == (710000007, 710000006)
    assert [one.property for one in live.ledger.holds.every(contact)] == [on_lead(lead, "cx_stage")]


@pytest.mark.parametrize(
    ("alone", "status", "stage", "why"),
    [(True, 4, "disqualified", "4"), (False, 5, "nurture", "Not reachable")],
    ids=["alone", "of a contact"],
)
def test_a_lead_that_sales_disqualifies_is_their_answer_and_is_never_written_again(
    live: Live, alone: bool, status: int, stage: str, why: str
) -> None:
    """Also where it was the whole person: no deletion, and no score of later is written to it. Whoever could not be
    reached may come back, as the agreement says of that reason."""
    if alone:
        lead = person = live.lead()
    else:
        person = live.contact()
        lead = lead_of(live, person)
    live.sync()
    assert live.handed_over() == [person]
    live.world.set("lead", lead, statecode=DISQUALIFIED, statuscode=status)
    closed = version(live, lead)

    report = live.later()

    assert (report.status, report.counts["gone"]) == ("done", 0)
    assert (track(live, person)["stage"], track(live, person)["handed_over"]) == (stage, False)
    moves = [one.move.because for one in live.ledger.people.transitions(person) if one.move.what == "stage"]
    assert moves[-1].endswith(f"reason: {why}")
    if not alone:
        assert live.row(person)["cx_stage"] == STAGES[stage]
    live.world.pass_time(90 * 86400)
    assert live.later().status == "done"
    assert version(live, lead) == closed
    assert live.handed_over() == [person]


def test_g5_an_edit_of_a_lead_between_reading_and_writing_is_decided_on_in_the_same_run(live: Live) -> None:
    """It is read and decided again, and nothing of the edit is lost."""
    contact = live.contact()
    lead = lead_of(live, contact)
    body = {"table": "lead", "id": lead, "values": {"statecode": DISQUALIFIED, "statuscode": 4}}
    live.world.sandbox.fault("do", path=BATCH, nth=1, times=1, control="edit", body=body)

    report = live.sync()

    assert (report.status, report.counts["written"]) == ("done", 1)
    assert live.row(lead).get("cx_stage") is None
    assert live.row(contact)["cx_lifecyclestage"] == MQL
    assert live.handed_over() == [contact]


def test_g2_a_lost_answer_about_a_lead_leaves_one_task_and_nothing_half_done(live: Live) -> None:
    """The batch of leads arrived, or did not; the next run ends both alike."""
    ids = [live.contact(), live.contact()]
    leads = [lead_of(live, id) for id in ids]
    live.world.sandbox.fault("drop_after", path=BATCH, method="POST", nth=2)

    live.sync()
    live.later()

    assert [live.row(id)["cx_cycle"] for id in leads] == [1, 1]
    assert live.handed_over() == sorted(ids)
    assert live.world.inside.writes["lead"] == 2


def test_a_lead_goes_over_to_another_contact_with_its_interest(live: Live) -> None:
    """The links follow, and the two people are decided on as they stand."""
    first, second = live.contact(), live.contact()
    lead = lead_of(live, first)
    live.sync()
    live.world.give(lead, second)

    assert live.later().status == "done"

    links = live.ledger.mirror.links.of([first, second])
    assert [one.id for one in links[second] if one.kind == "lead"] == [lead]
    assert not [one for one in links[first] if one.kind == "lead"]
    assert live.row(lead)["parentcontactid"] == Ref("contact", second)
    before = dict(live.world.inside.writes)
    live.later()
    assert live.world.inside.writes == before


@pytest.mark.parametrize("how", ["a plug-in", "an option"])
@pytest.mark.parametrize("later", [{"hours": 2}, {"hours": 30}], ids=["soon", "a day later"])
def test_g6_a_lead_whose_part_is_refused_loses_neither_the_track_nor_the_task(
    live: Live, how: str, later: dict[str, float]
) -> None:
    """The contact is written first and shows the decision already; nothing of it is remembered, and nobody is handed
    over. As long as the lead is refused, runs leave both alone; then the next one finishes it, with one task."""
    contact = live.contact()
    lead = lead_of(live, contact)
    inside = live.world.inside
    column = inside.tables["lead"].columns["cx_stage"]
    if how == "a plug-in":
        live.world.sandbox.do("plugin", {"table": "lead", "ids": [lead]})
    else:
        inside.tables["lead"].columns["cx_stage"] = replace(column, options=column.options[:1])

    report = live.sync()

    assert (report.status, report.counts["written"], report.counts["rejected"]) == ("partial", 0, 1)
    assert (live.row(contact)["cx_lifecyclestage"], live.row(contact)["cx_cycle"]) == (MQL, 1)
    assert (live.row(lead).get("cx_lifecyclestage"), live.handed_over()) == (None, [])
    assert live.ledger.people.remember([contact])[contact].tracks == ()
    writes = dict(inside.writes)
    live.later()
    assert (inside.writes, live.handed_over()) == (writes, [])

    live.world.sandbox.do("plugin", {"clear": True})
    inside.tables["lead"].columns["cx_stage"] = column
    live.world.pass_time(later["hours"] * 3600)
    report = live.later()

    assert (report.counts["written"], report.counts["rejected"]) == (1, 0)
    assert (live.row(lead)["cx_lifecyclestage"], live.row(lead)["cx_cycle"]) == (MQL, 1)
    assert (track(live, contact)["stage"], track(live, contact)["handed_over"]) == ("sal", True)
    assert live.handed_over() == [contact]
    assert live.ledger.rejects.by_code() == {}
    assert live.ledger.holds.every(contact) == []
    writes = dict(inside.writes)
    assert live.later().status == "done"
    assert (inside.writes, live.handed_over()) == (writes, [contact])


@pytest.mark.parametrize("nth", [1, 2], ids=["before the leads of contacts", "before the leads that are people"])
def test_g9_a_contact_that_arrives_after_its_lead_in_one_run_takes_its_track_over(live: Live, nth: int) -> None:
    """The second time, the changes of contacts have been told when it is made, and those of leads tell whose the lead
    is. The track, its hand-off and its task go over; nobody is two people in between, and nothing is doubled."""
    lead = live.lead()
    live.sync()
    before = track(live, lead)
    contact = "0c047ac7-0000-4000-8000-000000000001"
    made = {"table": "contact", "id": contact, "values": {"lastname": "Nowak"}}
    given = {"table": "lead", "id": lead, "values": {"parentcontactid": f"contact:{contact}"}}
    arrives = [
        live.world.sandbox.fault("do", path=r"/leads\?.*deltatoken", nth=nth, control=control, body=body)
        for control, body in (("create", made), ("edit", given))
    ]
    told = live.world.sandbox.fault("slow", path=r"/contacts\?.*deltatoken", times=0)

    report = live.later()

    assert [one.struck for one in arrives] == [1, 1]
    assert told.seen == 1
    assert (report.status, report.drift, live.handed_over()) == ("done", 0, [lead])
    tracks = live.ledger.people.remember([lead, contact])
    assert sorted(one["id"] for memory in tracks.values() for one in memory.tracks) == [before["id"]]
    assert live.later().status == "done"
    after = track(live, contact)
    assert (after["id"], after["cycle"], after["handed_over"]) == (before["id"], 1, True)
    assert live.row(contact)["cx_cycle"] == 1
    assert live.handed_over() == [lead]
    writes = dict(live.world.inside.writes)
    assert live.later().status == "done"
    assert (live.world.inside.writes, live.handed_over()) == (writes, [lead])
