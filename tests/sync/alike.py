"""Two accounts, one on each sandbox, and what the connector makes of the people in them, in our own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.agreement import Agreement, load_agreement
from connector.agreement.wiring import OwnProperty
from connector.config import shipped_mappings
from connector.crm import CRM
from connector.crm.dynamics import Dynamics
from connector.crm.dynamics import Reading as DynamicsReading
from connector.crm.hubspot import HubSpot, Reading
from connector.fields import FieldMap
from connector.ledger import Ledger
from connector.model import ALWAYS, Person
from connector.plan import Limits, TaskBudget
from connector.sandbox import Sandbox, World
from connector.sandbox.clock import Clock
from connector.sandbox.dataverse import DataverseSandbox, Environment
from connector.sandbox.dataverse.schema import Column
from connector.sandbox.dataverse.schema import Option as Choice
from connector.sandbox.schema import Definition, Option
from connector.sync import Order, Report, Session, Settings, run
from connector.sync.look import Look

SETTINGS = Settings(mode="live", go_live=ALWAYS, limits=Limits(9_000, 9_000, 1.0), tasks=TaskBudget(9_000, 9_000))

_COLUMNS = {"number": "decimal", "bool": "boolean", "date": "dateonly", "datetime": "datetime"}


def with_own_properties(world: World, agreement: Agreement) -> World:
    """The account after `connector setup`."""
    for own in agreement.wiring.own:
        kind = "contacts" if own.kind == "contact" else "deals"
        options = tuple(Option(value, label) for value, label in own.options)
        world.definitions[kind][own.property] = Definition(own.property, own.type, options=options, stock=False)
    return world


def with_own_columns(environment: Environment, agreement: Agreement) -> Environment:
    """The environment after `connector setup`; what changes in it is audited."""
    for own in agreement.wiring.own:
        for table in ("contact", "lead") if own.kind == "contact" else ("opportunity",):
            if own.property not in environment.tables[table].columns:
                environment.tables[table].add(_column(own))
    environment.auditing = True
    return environment


def _column(own: OwnProperty) -> Column:
    options = tuple(Choice(int(value), label) for value, label in own.options)
    return Column(own.property, "choice" if options else _COLUMNS.get(own.type, "memo"), options=options, length=4000)


@dataclass
class Place:
    """One account with the connector beside it."""

    crm: CRM
    agreement: Agreement
    ledger: Ledger
    clock: Clock

    def __post_init__(self) -> None:
        kinds = tuple(self.agreement.fields_used)
        account = self.crm.describe(kinds)
        states = {(one.pipeline, one.id): one.state for one in account.deal_stages}
        days = [name for name, one in account.properties["contact"].items() if one.type == "date"]
        self.fields = FieldMap(self.agreement.wiring, self.agreement.fields_used, states, days)
        self.owners = {one.id: one.name or one.email for one in account.owners if one.active}
        self.neighbours: Mapping[str, FieldMap] = {}

    def now(self) -> datetime:
        """What time it is in the account, and for the connector."""
        return datetime.fromtimestamp(self.clock.now() / 1000, tz=ALWAYS.tzinfo)

    def session(self) -> Session:
        """A process's session on it."""
        return Session(
            crm=self.crm,
            ledger=self.ledger,
            agreement=self.agreement,
            fields=self.fields,
            settings=SETTINGS,
            account="org",
            owners=frozenset(self.owners),
            now=self.now,
            neighbours=lambda: self.neighbours,
        )

    def sync(self) -> Report:
        """One run."""
        return run(self.session(), Order("sync", self.now()))

    def people(self) -> dict[datetime, Person]:
        """Everybody as the agreement sees them here, by when they were created, which is the same in both."""
        look = Look(self.session(), Order("explain", self.now()), Report(0, "", "live", self.now(), self.now(), ""))
        people = look.people(self.ledger.mirror.contacts("", 10_000))
        found = {one.created_at.replace(microsecond=0): one for one in people if one.created_at is not None}
        assert len(found) == len(people)
        return found

    def values(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """What the CRM holds of these people, by our fields."""
        found = {}
        for record in self.crm.read("contact", ids, self.fields.properties("contact")):
            facts = self.fields.facts(record)
            found[record.id] = {**facts["f"], **{f"unmapped {name}": one for name, one in facts.get("u", {}).items()}}
        return found


def on_hubspot(sandbox: Sandbox, ledger: Ledger) -> Place:
    """The connector beside a HubSpot account."""
    clock = sandbox.world.clock
    read = Reading(threads=1, page=100, search_page=100)
    told = {"clock": lambda: clock.now() / 1000, "sleep": clock.advance}
    crm = HubSpot(sandbox.hubspot.token, base_url=sandbox.url, read=read, **told)
    return Place(crm, load_agreement(shipped_mappings()), ledger, clock)


def on_dynamics(sandbox: DataverseSandbox, ledger: Ledger) -> Place:
    """The connector beside a Dynamics environment."""
    clock = sandbox.world.clock
    told = {"clock": lambda: clock.now() / 1000, "sleep": clock.advance}
    crm = Dynamics(
        sandbox.service.token, sandbox.url, read=DynamicsReading(page=500, ids=100, batch=100, threads=3), **told
    )
    return Place(crm, load_agreement(shipped_mappings(), "dynamics"), ledger, clock)
