"""
Both CRMs at once: one agreement, a HubSpot account and a Dynamics environment, and a copier between the two, such as
HubSpot's own sync with Dynamics (lesson 34, G4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.agreement import load_agreement
from connector.config import shipped_mappings
from connector.ledger import open_ledger
from connector.sandbox import Sandbox
from connector.sandbox.clock import Clock, to_ms
from connector.sandbox.dataverse import DataverseSandbox, Environment
from connector.sandbox.dataverse.people import InventedRows
from connector.sandbox.dataverse.rows import Value
from connector.sandbox.dataverse.schema import Ref
from connector.sandbox.generate import GeneratedPeople
from connector.sandbox.records import Source
from connector.sandbox.server import generated
from tests.crm.organisation import Organisation
from tests.sync.alike import Place, on_dynamics, on_hubspot, with_own_columns, with_own_properties
from tests.sync.copying import Copier
from tests.sync.world import STAGES, empty_ledger

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
PEOPLE = 20
COPIED = (
    "stage",
    "status",
    "current_stage",
    "furthest_stage",
    "grade",
    "fit_score",
    "engagement_score",
    "stage_reason",
)
STAGE = "lifecyclestage"
RECORDS = ("contact", "lead")


@dataclass
class HubSpotSide:
    """The account, as the copier sees it: what it sets has a source of its own, and a stage goes only forward."""

    place: Place
    sandbox: Sandbox

    def __post_init__(self) -> None:
        self.fields = self.place.fields

    def known(self) -> Mapping[str, tuple[str, Mapping[str, str]]]:
        people = self.sandbox.world.snapshot(("contacts",))["contacts"]
        filled = {id: {name: text for name, text in one.items() if text} for id, one in people.items()}
        return {one["email"].lower(): (id, one) for id, one in filled.items() if "email" in one}

    def put(self, id: str, properties: Mapping[str, str]) -> None:
        before = self.sandbox.world.get("contacts", id).get(STAGE, "")
        if STAGE in properties and before in STAGES and STAGES.index(properties[STAGE]) < STAGES.index(before):
            return
        self.sandbox.world.write("contacts", id, properties, Source("INTEGRATIONS_SYNC", "1692"))


@dataclass
class DynamicsSide:
    """The environment, as the copier sees it: it writes as an application user of its own."""

    place: Place
    sandbox: DataverseSandbox
    user: str = field(init=False)

    def __post_init__(self) -> None:
        self.fields = self.place.fields
        self.organisation = Organisation(self.sandbox)
        app: dict[str, Value] = {"fullname": "# HubSpot", "applicationid": "0a7e57ab-0000-4000-8000-000000001692"}
        self.user = self.sandbox.world.add("systemuser", {**app, "isdisabled": False}).id

    def known(self) -> Mapping[str, tuple[str, Mapping[str, str]]]:
        found = {}
        for row in self.sandbox.world.shelf("contact").rows():
            told = self.organisation.stored("contact", row.id)
            if address := told.get("emailaddress1"):
                found[address.lower()] = (row.id, {name: text for name, text in told.items() if text})
        return found

    def put(self, id: str, properties: Mapping[str, str]) -> None:
        values = self.organisation.values("contact", properties)
        self.sandbox.world.write("contact", id, values, by=self.user)
        on_leads = {name: value for name, value in values.items() if name in self.fields.leads.properties_mapped}
        for lead in self.leads_of(id) if on_leads else ():
            self.sandbox.world.write("lead", lead, on_leads, by=self.user)

    def leads_of(self, contact: str) -> list[str]:
        """The leads beside a contact: the copier keeps those alike as well."""
        rows = self.sandbox.world.shelf("lead").rows()
        return [row.id for row in rows if row.values.get("parentcontactid") == Ref("contact", contact)]


@dataclass
class Both:
    """Two accounts and what copies between them."""

    hubspot: HubSpotSide
    dynamics: DynamicsSide
    copier: Copier

    def round(self) -> int:
        """A run in each, a minute apart, and a pass of the copier after each; how much was written by whomever."""
        before, copied = self.writes, 0
        for side in (self.hubspot, self.dynamics):
            self.pass_by(60)
            assert side.place.sync().status == "done"
            copied += self.copier.copy()
        return copied + self.writes - before

    def pass_by(self, seconds: int) -> None:
        """Time goes by in both."""
        clocks = (self.hubspot.place.clock, self.dynamics.place.clock)
        at = max(clock.now() for clock in clocks) / 1000 + seconds
        for clock in clocks:
            clock.set(datetime.fromtimestamp(at, UTC))

    @property
    def writes(self) -> int:
        """Records that the connector wrote."""
        return self.hubspot.sandbox.world.writes + sum(self.dynamics.sandbox.world.writes[one] for one in RECORDS)

    def quarrels(self) -> list[Any]:
        """Holds and reversals of both."""
        ledgers = [side.place.ledger for side in (self.hubspot, self.dynamics)]
        return [one for ledger in ledgers for one in (*ledger.holds.every(), *ledger.reversals.every())]


def _environment() -> Environment:
    people = GeneratedPeople(PEOPLE, seed=7, now=to_ms(NOW))
    return Environment(InventedRows(people, alone=False, beside=False), clock=Clock(NOW))


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    """One state for both connections; each has run once, and nothing was copied yet."""
    here, there = load_agreement(shipped_mappings()), load_agreement(shipped_mappings(), "dynamics")
    (tmp_path / "state.db").write_bytes(empty_ledger())
    url = f"sqlite:///{tmp_path / 'state.db'}"
    with (
        Sandbox(lambda: with_own_properties(generated(PEOPLE, 7, now=NOW), here)) as one,
        DataverseSandbox(lambda: with_own_columns(_environment(), there)) as other,
    ):
        one.switch(rate_limits=False)
        hubspot = HubSpotSide(on_hubspot(one, open_ledger(url, "acme")), one)
        dynamics = DynamicsSide(on_dynamics(other, open_ledger(url, "nordic")), other)
        hubspot.place.neighbours = {"nordic": dynamics.fields}
        dynamics.place.neighbours = {"acme": hubspot.fields}
        for side in (hubspot, dynamics):
            side.place.sync()
        yield Both(hubspot, dynamics, Copier(hubspot, dynamics, "one", COPIED))


def test_lesson_34_a_copier_between_both_crms_finds_no_owner_and_no_quarrel(both: Both) -> None:
    """Who is heard of by one CRM alone is decided on unlike. Ten rounds: after the first everything is written, then it
    is quiet; what one CRM says of such people stands in the other, where no track has moved and nothing is held."""
    readers = _leads(both)[:3]
    _read_much(both, readers)

    told = [both.round() for _ in range(10)]

    assert told[0] > 0
    assert not any(told[1:]), told
    assert both.quarrels() == []
    stages = {both.dynamics.known()[address][1]["cx_stage"] for address in readers}
    assert {both.dynamics.fields.decode("current_stage", one) for one in stages} == {"mql"}
    ids = [both.dynamics.known()[address][0] for address in readers]
    tracks = both.dynamics.place.ledger.people.remember(ids)
    assert {tracks[id].tracks[0]["stage"] for id in ids} == {"lead"}


def test_lesson_34_what_is_copied_into_the_leads_of_a_contact_finds_no_owner_either(both: Both) -> None:
    """A vendor's sync writes into contacts and leads alike. The track of a lead answers to nobody who copies, nothing
    on it is held, and it is quiet after the first round."""
    readers = _leads(both)[:3]
    beside = {address: both.dynamics.organisation.lead(parent=both.dynamics.known()[address][0]) for address in readers}
    both.pass_by(60)
    both.dynamics.place.sync()
    _read_much(both, readers)

    told = [both.round() for _ in range(6)]

    assert told[0] > 0
    assert not any(told[1:]), told
    assert both.quarrels() == []
    leads = both.dynamics.fields.leads
    shown = [both.dynamics.organisation.stored("lead", id) for id in beside.values()]
    assert {leads.decode("stage", one["cx_lifecyclestage"]) for one in shown} == {"mql"}
    remembered = both.dynamics.place.ledger.people.remember([both.dynamics.known()[one][0] for one in readers])
    tracks = [track for one in remembered.values() for track in one.tracks]
    assert {(track["stage"], track["cause"] == "person") for track in tracks} == {("lead", False)}


def _read_much(both: Both, readers: Sequence[str]) -> None:
    """What makes them an MQL, where only HubSpot hears of it."""
    for address in readers:
        for name in ("Visited pricing", "Attended webinar", "Read case study", "Read comparison guide"):
            both.hubspot.sandbox.world.join_list(name, both.hubspot.known()[address][0], at=both.hubspot.place.now())


def _leads(both: Both) -> list[str]:
    """Those who are leads in both, with everything a hand-off asks for."""
    return [
        address
        for address, (_, one) in both.hubspot.known().items()
        if one.get("cx_stage") == "lead" and int(one.get("cx_fit_score", "0")) >= 50
    ]


def test_g4_lesson_34_without_audits_what_was_copied_is_nobodys_word_either(both: Both) -> None:
    """Dynamics then says of a row that a program wrote last nothing of who set its values. It runs before HubSpot is
    read: the stage that sales set there is a person's word there alone."""
    both.dynamics.sandbox.world.auditing = False
    address = _leads(both)[0]
    here, there = (side.known()[address][0] for side in (both.hubspot, both.dynamics))
    both.copier.copy()
    both.hubspot.sandbox.world.write("contacts", here, {STAGE: "customer"}, Source("CRM_UI", "userId:7001"))
    both.copier.copy()
    both.pass_by(60)
    assert both.dynamics.place.sync().status == "done"

    assert [both.round() for _ in range(3)][-1] == 0

    told = both.hubspot.place.ledger.people.remember([here])[here].tracks[0]
    copied = both.dynamics.place.ledger.people.remember([there])[there].tracks[0]
    assert (told["stage"], told["cause"]) == ("customer", "person")
    assert copied["cause"] != "person"
    assert both.dynamics.known()[address][1]["cx_lifecyclestage"] == "710000005"
    assert both.quarrels() == []
