"""
A small world for the laws: a memory CRM with people whose futures are known, a real ledger, a clock that is told.

`World` builds the same account again and again; a session can be opened on it with a fresh or a surviving ledger.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from connector.agreement import Agreement, load_agreement
from connector.config import shipped_mappings
from connector.crm import CRM, Automation, DealStage, Owner
from connector.crm.memory import MemoryCRM
from connector.fields import FieldMap
from connector.ledger import Ledger, open_ledger
from connector.model import ALWAYS, Occurrence
from connector.plan import Limits, TaskBudget
from connector.sync import Order, Report, Session, Settings, run

AS_OF = datetime(2026, 3, 31, 12, tzinfo=UTC)
STAGES = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
)
DEAL_STAGES = (
    DealStage("default", "appointmentscheduled", "Appointment", "open"),
    DealStage("default", "closedwon", "Won", "won"),
    DealStage("default", "closedlost", "Lost", "lost"),
)
COMPANY = "900"
NORTHMILL = {
    "name": "Northmill",
    "industry": "manufacturing",
    "numberofemployees": "420",
    "annualrevenue": "38000000",
    "country": "Poland",
}
OWNER = Owner("77", "rep@seller.example", active=True)

#: Who writes beside us, in the words of a history.
SOURCES = {
    "person": "CRM_UI 7001",
    "import": "IMPORT 9",
    "integration": "INTEGRATION 4711",
    "automation": "AUTOMATION_PLATFORM 12345",
    "crm": "DEALS 50",
    "other": "NEW_SOURCE 8",
}


@cache
def agreement(crm: str = "hubspot") -> Agreement:
    """The shipped agreement in one CRM's words, with scores written at every change of the shown number."""
    loaded = load_agreement(shipped_mappings(), crm)
    rules = {name: replace(rule, smallest_change=0) for name, rule in loaded.write_back.rules.items()}
    return replace(loaded, write_back=replace(loaded.write_back, rules=rules))


@cache
def empty_ledger() -> bytes:
    """A ledger with its schema and nothing in it: migrating two hundred of them would take a minute."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        open_ledger(f"sqlite:///{path}", "none").database.close()
        return path.read_bytes()


@dataclass
class Clock:
    """The time it is, until somebody says otherwise."""

    at: datetime = AS_OF

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **duration: float) -> None:
        """Let time pass."""
        self.at += timedelta(**duration)


@dataclass
class World:
    """An account and the connector beside it."""

    folder: Path
    page: int = 100
    settings: Settings = field(
        default_factory=lambda: Settings(
            mode="live",
            go_live=ALWAYS,
            limits=Limits(changes_per_run=1000, changes_per_day=5000, max_share=1.0),
            tasks=TaskBudget(1000, 1000),
        )
    )
    clock: Clock = field(default_factory=Clock)
    agreement: Agreement = field(default_factory=agreement)
    database: Callable[[str], str] | None = None  # gives addresses of databases; None: SQLite files in the folder
    _has_company: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.crm = MemoryCRM(self.clock, page=self.page, forward_only={"lifecyclestage": STAGES}, versioned=True)
        self.crm.deal_stages = DEAL_STAGES
        self.crm.owners = (OWNER,)
        self.crm.empty_sources = frozenset(one.source for one in self.agreement.wiring.signals)
        self._number = 0

    # -- what happens in it ------------------------------------------------------------------------------------

    def add(self, kind: str, id: str, properties: Mapping[str, str]) -> None:
        """A record appears that has been there for a while."""
        self.crm.add(kind, id, properties, created_at=AS_OF - timedelta(days=200))

    def link(self, kind: str, id: str, to: str, to_id: str) -> None:
        """Two records are associated; a contact's company is its primary one."""
        self.crm.link(kind, id, to, to_id, *(("primary",) if to == "company" else ()))

    def person(self, id: str, *, mail: str = "", **properties: str) -> None:
        """Somebody at a company that fits, a lead, with everything a hand-off asks for."""
        base = {
            "email": mail or f"p{id}@northmill.example",
            "firstname": "Anna",
            "jobtitle": "Director of Operations",
            "lifecyclestage": "lead",
            "hubspot_owner_id": OWNER.id,
        }
        self.add("contact", id, {**base, **properties})
        if not self._has_company:
            self.add("company", COMPANY, NORTHMILL)
            self._has_company = True
        self.link("contact", id, "company", COMPANY)

    def saw(self, id: str, source: str, *days_ago: float) -> None:
        """A person did something that a list or form recorded."""
        for days in days_ago:
            self._number += 1
            at = self.clock() - timedelta(days=days)
            self.crm.happen(Occurrence(f"{id}-{self._number}", source, at, id))

    def interested(self, id: str) -> None:
        """Pricing page and content of today: exactly enough for MQL."""
        for name in ("Visited pricing", "Attended webinar", "Read case study", "Read comparison guide"):
            self.saw(id, f"list:{name}", 0)

    def asked_for_demo(self, id: str) -> None:
        """The fast track."""
        self.saw(id, "form:demo-request", 0)

    def deal(self, id: str, contact: str, stage: str) -> None:
        """A deal with this person on it."""
        self.add("deal", id, {"pipeline": "default", "dealstage": stage, "createdate": "2026-03-01T00:00:00Z"})
        self.link("deal", id, "contact", contact)

    def joins(self, contact: str, deal: str) -> None:
        """One more person is put on a deal, where the account has room for that."""
        self.link("deal", deal, "contact", contact)

    def usual_people(self) -> None:
        """One of each future: MQL, fast track, private mailbox, customer, opportunity, nobody special, malformed."""
        self.person("1")
        self.interested("1")
        self.person("2")
        self.asked_for_demo("2")
        self.person("3", mail="somebody@gmail.com")
        self.interested("3")
        self.person("4")
        self.deal("40", "4", "closedwon")
        self.person("5")
        self.deal("50", "5", "appointmentscheduled")
        self.person("6", jobtitle="", firstname="")

    # -- what people see of it -------------------------------------------------------------------------------------

    @property
    def writes(self) -> int:
        """How many writes the CRM has taken."""
        return self.crm.writes

    def state(self) -> dict[str, Any]:
        """Everything people would see, for comparing worlds."""
        return self.crm.state()

    def properties(self, id: str) -> dict[str, str]:
        """A contact's filled properties."""
        return self.crm.properties("contact", id)

    def in_the_bin(self, id: str) -> dict[str, str]:
        """The filled properties of a contact that was deleted."""
        return self.properties(id)

    def task_bodies(self) -> list[str]:
        """What stands in every task."""
        return [task.body for task in self.crm.tasks()]

    def contacts(self) -> dict[str, dict[str, str]]:
        """Every contact's filled properties."""
        found: dict[str, dict[str, str]] = self.state()["contact"]
        return found

    def handed_over(self) -> list[str]:
        """The contacts of all tasks, one entry for each task."""
        return sorted(task.contact_id for task in self.crm.tasks())

    def edit(self, id: str, properties: Mapping[str, str]) -> None:
        """A person edits a contact by hand."""
        self.crm.edit("contact", id, properties)

    def takes_only(self, property: str, *values: str) -> None:
        """An admin leaves a property of contacts only these options; without any, it takes what it took before."""
        if values:
            self.crm.allowed[property] = frozenset(values)
        else:
            self.crm.allowed.pop(property, None)

    def set_by(self, how: str, id: str, properties: Mapping[str, str]) -> None:
        """Somebody or something of the account sets properties: person, import, integration, automation, crm, other."""
        self.crm.edit("contact", id, properties, by=how, source=SOURCES[how])

    def automation(self, id: str, name: str, property: str) -> None:
        """The account has a workflow that sets this property of contacts."""
        self.crm.workflows = (*self.crm.workflows, Automation(id, name, "contact", property))

    def delete(self, id: str) -> None:
        """A person deletes a contact."""
        self.crm.archive("contact", id)

    def restore(self, id: str) -> None:
        """A person takes a contact out of the bin again."""
        self.crm.restore("contact", id)

    def merge(self, survivor: str, loser: str, *, kind: str = "contact", into: str | None = None) -> str:
        """A person merges two records; returns the id of the one that is left. `into`: it is a third one's."""
        self.crm.merge(kind, survivor, loser, into=into)
        return into or survivor

    def win_deal(self, id: str, contact: str) -> None:
        """A deal with this person on it is won; the person's record is touched by it."""
        self.deal(id, contact, "closedwon")
        self.edit(contact, {"city": "Warsaw"})

    # -- what it is like -------------------------------------------------------------------------------------------

    def named(self, name: str) -> str:
        """What the account calls a property of contacts that HubSpot calls so."""
        return name

    def text(self, name: str, text: str) -> str:
        """How the account writes what HubSpot writes so."""
        del name
        return text

    def told_as(self, how: str) -> tuple[str, str]:
        """What a history says of who sets properties by `set_by`: by, and source."""
        return how, SOURCES[how]

    def lets_stages_back(self, *, any_way: bool) -> None:
        """An admin changes how the account takes earlier stages."""
        self.crm._forward_only = {} if any_way else {"lifecyclestage": STAGES}

    def tells_by_time(self) -> None:
        """From now on the account tells of changes by their instant alone, as most do anyway."""

    def deal_on_hold(self, id: str, contact: str) -> None:
        """A deal with this person on it is put on hold, by a stage that the mapping has for that."""
        stages = {**self.agreement.wiring.deal_stages, ("default", "contractsent"): "on_hold"}
        self.agreement = replace(self.agreement, wiring=replace(self.agreement.wiring, deal_stages=stages))
        self.deal(id, contact, "contractsent")

    # -- the connector ---------------------------------------------------------------------------------------------

    def ledger(self, name: str = "state") -> Ledger:
        """The ledger in a real file or database; another name is a lost ledger."""
        path = self.folder / f"{name}.db"
        if self.database is not None:
            return open_ledger(self.database(str(path)), "acme")
        if not path.exists():
            path.write_bytes(empty_ledger())
        return open_ledger(f"sqlite:///{path}", "acme")

    def adapter(self) -> CRM:
        """The way in, as a process would open it."""
        return self.crm

    def deal_states(self) -> Mapping[tuple[str, str], str]:
        """What the account itself says of its deal stages."""
        return {(one.pipeline, one.id): one.state for one in DEAL_STAGES}

    def session(self, ledger: Ledger, crm: Any = None, **changes: Any) -> Session:
        """A session on this account."""
        return Session(
            crm=crm or self.adapter(),
            ledger=ledger,
            agreement=self.agreement,
            fields=FieldMap(self.agreement.wiring, self.agreement.fields_used, self.deal_states()),
            settings=replace(self.settings, **changes),
            account="memory",
            owners=frozenset((OWNER.id,)),
            now=self.clock,
        )

    def sync(self, ledger: Ledger, *, as_of: datetime | None = None, **changes: Any) -> Report:
        """One run, as `connector sync` would make it."""
        session = self.session(ledger, **changes)
        try:
            return run(session, Order("sync", as_of or self.clock()))
        finally:
            session.crm.close()
