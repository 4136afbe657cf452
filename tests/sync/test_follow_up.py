"""The follow-up of a hand-off as the loop lives it: sequences, owners who leave, deals on hold (cases 43, 48, 64)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.agreement.terms import Entry, LeadType
from connector.decide.tracks import track_from_json
from connector.ledger import Ledger
from connector.model import Track
from connector.sync import Order, Report, run
from tests.sync.conftest import Build
from tests.sync.world import AS_OF, OWNER, World

NEXT = "88"  # the owner who comes after


def _handed_over(build: Build) -> tuple[World, Ledger]:
    """Somebody was handed over on Tuesday at noon."""
    world = build()
    world.person("1")
    world.interested("1")
    ledger = world.ledger()
    world.sync(ledger)
    assert world.handed_over() == ["1"]
    return world, ledger


def _sent(world: World, number: str, hours: float, **properties: str) -> None:
    """An e-mail to the person, so many hours after the hand-off."""
    at = f"{AS_OF + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
    base = {
        "hs_timestamp": at,
        "hs_email_direction": "EMAIL",
        "hs_email_status": "SENT",
        "hubspot_owner_id": OWNER.id,
        "hs_lastmodifieddate": at,
    }
    world.add("email", number, {**base, **properties})
    world.link("email", number, "contact", "1")


def _at(text: str) -> datetime:
    """An instant, however the account spells it."""
    return datetime.fromisoformat(text)


def _sync(world: World, ledger: Ledger, *owners: str) -> Report:
    """One run of an account in which these are the active owners."""
    session = world.session(ledger)
    session.owners = frozenset(owners)
    try:
        return run(session, Order("sync", world.clock()))
    finally:
        session.crm.close()


def _track(ledger: Ledger) -> Track:
    return track_from_json(ledger.people.remember(("1",))["1"].tracks[0])


def test_case_43_a_sequence_by_hand_is_one_attempt_and_a_workflow_is_none(build: Build) -> None:
    """What the CRM says of each e-mail decides: the step that somebody sent off counts, its later steps and what a
    workflow sends do not; a second run writes nothing."""
    world, ledger = _handed_over(build)
    _sent(world, "900", 0.5, hs_engagement_source="WORKFLOWS")
    world.clock.pass_by(hours=1)
    world.sync(ledger)
    assert world.properties("1")["cx_attempts"] == "0"

    for number, hours in (("901", 2), ("902", 26), ("903", 50)):
        _sent(world, number, hours, hs_sequence_id="7001", hs_engagement_source="SEQUENCES")
    world.clock.pass_by(hours=60)
    world.sync(ledger)
    after, writes = world.properties("1"), world.writes
    world.sync(ledger)

    assert (after["cx_attempts"], after["hs_lead_status"]) == ("1", "ATTEMPTED_TO_CONTACT")
    assert (after["cx_sla_state"], _at(after["cx_first_attempt_at"])) == ("met", AS_OF + timedelta(hours=2))
    assert world.writes == writes


def test_an_email_by_hand_still_counts_each_time(build: Build) -> None:
    """Without a sequence nothing is different."""
    world, ledger = _handed_over(build)
    _sent(world, "901", 2, hs_engagement_source="CRM_UI")
    _sent(world, "902", 4)
    world.clock.pass_by(hours=6)
    world.sync(ledger)

    assert world.properties("1")["cx_attempts"] == "2"


def test_case_64_who_left_owns_nobody_and_the_next_owner_has_all_the_time(build: Build) -> None:
    """The owner leaves the firm: nobody's, told after the agreed hours, no second task; re-assigned, a clock begins."""
    world, ledger = _handed_over(build)
    world.clock.pass_by(hours=2)
    _sync(world, ledger, NEXT)
    left = world.properties("1")
    world.clock.pass_by(days=1)
    told = _sync(world, ledger, NEXT)
    world.edit("1", {"hubspot_owner_id": NEXT})
    world.clock.pass_by(minutes=30)
    _sync(world, ledger, NEXT)
    again, writes = world.properties("1"), world.writes
    _sync(world, ledger, NEXT)

    assert (left["cx_sla_state"], left.get("cx_sla_due", "")) == ("no_owner", "")
    assert told.warnings == ["1 handed over had no owner for longer than agreed: contact 1"]
    assert (again["cx_sla_state"], _at(again["cx_sla_due"])) == ("running", datetime(2026, 4, 2, 14, 30, tzinfo=UTC))
    assert (_track(ledger).owners, world.handed_over()) == ((OWNER.id, NEXT), ["1"])
    assert world.writes == writes


def test_case_64_lesson_31_the_task_of_somebody_whose_owner_left_goes_to_the_queue(build: Build) -> None:
    """Handed over while the owner is gone: routing begins, and the queue has the task."""
    world = build()
    world.settings = replace(world.settings, no_owner=NEXT)
    world.person("1")
    world.interested("1")
    ledger = world.ledger()
    _sync(world, ledger, NEXT)

    assert world.properties("1")["cx_sla_state"] == "no_owner"
    assert [one.owner_id for one in ledger.outbox.of("1")] == [NEXT]


def test_on_hold_the_clock_stands_still_in_the_account(build: Build) -> None:
    """The only open deal is put on hold for two days and goes on: paused, then due with what was left; every second
    run writes nothing, and there is one task."""
    world, ledger = _handed_over(build)
    world.deal_on_hold("70", "1")
    world.edit("1", {"city": "Warsaw"})
    world.clock.pass_by(hours=2)
    seen = []
    for wait in (timedelta(0), timedelta(days=2)):
        world.clock.at += wait
        world.sync(ledger)
        writes = world.writes
        world.sync(ledger)
        seen.append((world.properties("1")["cx_sla_state"], _at(world.properties("1")["cx_sla_due"])))
        assert world.writes == writes
    world.deal("71", "1", "appointmentscheduled")
    world.edit("1", {"city": "Gdynia"})
    world.sync(ledger)
    goes_on, writes = world.properties("1"), world.writes
    world.sync(ledger)

    assert seen == [("paused", AS_OF + timedelta(days=1))] * 2
    assert (goes_on["cx_sla_state"], _at(goes_on["cx_sla_due"])) == ("running", AS_OF + timedelta(days=3))
    assert (world.writes, world.handed_over()) == (writes, ["1"])


def test_an_answer_to_one_of_two_hand_offs_is_dated_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two kinds of interest are with sales at once, and the record speaks of the newer: what was answered to it is no
    news at every later look, which would ask the CRM's history for it each time."""
    world = World(tmp_path)
    mql = next(stage for stage in world.agreement.stages if stage.name == "mql")
    easier = replace(mql, enter=Entry(engagement_at_least=5, minimum_information="mql"), leave=None)
    service = LeadType("service", "Service", signals=("case_study",), skips=("sal",), stages=(easier,))
    world.agreement = replace(world.agreement, lead_types=(world.agreement.lead_types[0], service))
    ledger = world.ledger()
    world.person("1")
    world.asked_for_demo("1")
    world.sync(ledger)
    world.clock.pass_by(hours=1)
    world.saw("1", "list:Read case study", 0)
    world.edit("1", {"phone": "1"})
    world.sync(ledger)
    world.edit("1", {"cx_sales_answer": "accepted"})
    world.sync(ledger)
    tracks = {track["lead_type"]: track for track in ledger.people.remember(["1"])["1"].tracks}
    assert tracks["service"]["answer"] == "accepted"
    assert all(track["handed_over"] for track in tracks.values())

    asked: list[object] = []
    monkeypatch.setattr(world.crm, "history", lambda *about: asked.append(about) or {})
    for number in ("2", "3"):
        world.clock.pass_by(hours=1)
        world.edit("1", {"phone": number})
        world.sync(ledger)
    assert asked == []
