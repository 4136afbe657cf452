"""
The same small world on the Dataverse sandbox: real HTTP, the real adapter and mapping, the same people and futures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from connector.agreement import Agreement
from connector.crm.dynamics import Dynamics, Reading
from connector.sandbox.clock import Clock as AccountClock
from connector.sandbox.dataverse import DataverseSandbox, Environment, merging
from connector.sandbox.dataverse.automations import automation
from connector.sandbox.dataverse.known import SOMEBODY, owner_id
from connector.sandbox.dataverse.rows import Row
from connector.sandbox.dataverse.schema import Column, Ref
from tests.sync.dynamics_words import Words, to_ms
from tests.sync.over_http import OverHttp, Told
from tests.sync.short_names import ShortNames, long, short
from tests.sync.test_writing_dynamics import set_up
from tests.sync.world import AS_OF, OWNER, agreement

TABLES = {"contact": "contact", "company": "account", "deal": "opportunity", "email": "email", "task": "task"}

#: Users who are programs: an integration, and what else writes for nobody.
PROGRAMS = {"integration": "4711", "automation": "12345", "import": "9", "crm": "50", "other": "8"}


def dynamics_agreement() -> Agreement:
    """The shipped agreement as Dynamics' mapping has it, with scores written at every change."""
    return agreement("dynamics")


def empty_environment() -> Environment:
    """An organisation in which nothing has happened, at the instant the tests begin; changes of columns are audited."""
    made = Environment(clock=AccountClock(AS_OF))
    set_up(made)
    for number in (OWNER.id, "88", "99"):
        made.add("systemuser", {"fullname": f"Rep {number}", "isdisabled": False}, id=owner_id(number))
    for name, number in PROGRAMS.items():
        made.add("systemuser", {"fullname": f"# {name}", "applicationid": owner_id(number)}, id=owner_id(number))
    return made


@dataclass
class DynamicsWorld(OverHttp):
    """An environment on loopback and the connector beside it; the sandbox must come from `empty_environment`."""

    sandbox: DataverseSandbox | None = None
    agreement: Agreement = field(default_factory=dynamics_agreement)

    def __post_init__(self) -> None:
        assert self.sandbox is not None
        self.sandbox.reset()
        self.sandbox.switch(rate_limits=False)
        self.account = self.sandbox.world
        self.words = Words(agreement().wiring, self.agreement.wiring, self.account)
        self._told = Told()
        self._bin: dict[str, Row] = {}
        self._columns: dict[str, Column] = {}

    @property
    def running(self) -> DataverseSandbox:
        """The sandbox that it runs in."""
        assert self.sandbox is not None
        return self.sandbox

    def look_again(self) -> None:
        """The sandbox goes on with another environment."""
        assert self.sandbox is not None
        self.account = self.words.account = self.sandbox.world

    def adapter(self) -> Any:
        """A connection of its own for every run, as a process would open it."""
        assert self.sandbox is not None
        self.at_its_time()
        return ShortNames(
            Dynamics(
                self.sandbox.service.token,
                self.sandbox.url,
                read=Reading(page=self.page, ids=min(self.page, 100), batch=min(self.page, 50), threads=1),
                clock=self._told,
                sleep=self._told.sleep,
            )
        )

    def api(self, crm: Any) -> Any:
        """Where a way in makes its calls."""
        return crm.crm._env.api

    def before_calls(self, crm: Any, happens: Callable[[str], None], turn: AbstractContextManager[Any]) -> None:
        """Something happens before each call of this way in is sent, one after the other."""
        api = self.api(crm)
        once = api._once

        def asked(request: Any, counted_as: str, rows: int) -> Any:
            with turn:
                happens(counted_as)
                return once(request, counted_as, rows)

        api._once = asked

    def deal_states(self) -> Mapping[tuple[str, str], str]:
        """The mapping names all there are."""
        return {}

    # -- what happens in it ------------------------------------------------------------------------------------

    def add(self, kind: str, id: str, properties: Mapping[str, str]) -> None:
        """A record appears that has been there for a while."""
        self.at_its_time()
        made = to_ms(properties["createdate"]) if kind == "deal" else to_ms(AS_OF - timedelta(days=200))
        self.account.add(TABLES[kind], self.words.columns(kind, properties), id=long(kind, id), created_at=made)

    def joins(self, contact: str, deal: str) -> None:
        """An opportunity names two contacts and no more."""
        if self.account.get("opportunity", long("deal", deal)).values.get("customerid") is None:
            self.link("deal", deal, "contact", contact)

    def link(self, kind: str, id: str, to: str, to_id: str) -> None:
        """Two records are associated, by the one lookup there is."""
        here, there = Ref(TABLES[kind], long(kind, id)), Ref(TABLES[to], long(to, to_id))
        if (kind, to) == ("contact", "company"):
            column = "parentcustomerid"
        elif kind == "deal":
            row = self.account.get("opportunity", here.id)
            column = "customerid" if row.values.get("parentcontactid") else "parentcontactid"
            assert row.values.get(column) is None, "an opportunity names two contacts and no more"
        else:
            column = "regardingobjectid"
        self.account.write(here.table, here.id, {column: there})

    def saw(self, id: str, source: str, *days_ago: float) -> None:
        """A person did something, and whoever knows of it has written when it was last."""
        how, _, key = source.partition(":")
        signal = next(one.signal for one in agreement().wiring.signals if (one.how, one.key) == (how, key))
        column = next(one.key for one in self.agreement.wiring.signals if one.signal == signal)
        at = to_ms(self.clock() - timedelta(days=min(days_ago)))
        before = self.account.get("contact", long("contact", id)).values.get(column)
        self._write(id, {column: max(at, before) if isinstance(before, int) else at})

    def edit(self, id: str, properties: Mapping[str, str]) -> None:
        """A person edits a contact by hand."""
        self._write(id, self.words.columns("contact", properties))

    def set_by(self, how: str, id: str, properties: Mapping[str, str]) -> None:
        """Somebody or something of the environment sets properties."""
        by = owner_id(PROGRAMS[how]) if how in PROGRAMS else SOMEBODY
        self._write(id, self.words.columns("contact", properties), by=by)

    def _write(self, id: str, columns: Mapping[str, Any], by: str = SOMEBODY) -> None:
        self.at_its_time()
        self.account.write("contact", long("contact", id), columns, by=by)

    def takes_only(self, property: str, *values: str) -> None:
        """An admin leaves a choice of contacts only these options; without any, it takes what it took before."""
        column, numbers = self.words.values(property, values)
        here = self.account.tables["contact"].columns
        before = self._columns.setdefault(column, here[column])
        kept = tuple(one for one in before.options if one.value in numbers)
        here[column] = replace(before, options=kept) if values else before
        self.account.schema_version += 1

    def automation(self, id: str, name: str, property: str) -> None:
        """The environment has a workflow that sets this property of contacts; `set_by` acts for it."""
        automation(self.account, name, "contact", self.words.column(property))

    def delete(self, id: str) -> None:
        """A person deletes a contact for good where its number is odd, else they deactivate it: both are gone."""
        self.at_its_time()
        row_id = long("contact", id)
        self._bin[id] = self.account.get("contact", row_id)
        if int(id) % 2:
            self.account.delete("contact", row_id)
        else:
            self.account.write("contact", row_id, {"statecode": 1, "statuscode": 2})

    def restore(self, id: str) -> None:
        """A person takes a contact out of the bin again, or activates it."""
        self.at_its_time()
        row_id = long("contact", id)
        if self.account.row("contact", row_id) is None:
            self.account.restore("contact", self._bin.pop(id))
        else:
            self.account.write("contact", row_id, {"statecode": 0, "statuscode": 1})

    def merge(self, survivor: str, loser: str, *, kind: str = "contact", into: str | None = None) -> str:
        """A person merges two records; one of the two is always left."""
        assert into is None, "no third record comes of a merge here"
        self.at_its_time()
        merging.merge(self.account, TABLES[kind], long(kind, survivor), long(kind, loser), {}, SOMEBODY)
        return survivor

    # -- what it is like -------------------------------------------------------------------------------------------

    def named(self, name: str) -> str:
        """The contacts' column behind what HubSpot calls so."""
        return self.words.column(name)

    def text(self, name: str, text: str) -> str:
        """The number of its option, as a text."""
        return str(self.words.columns("contact", {name: text})[self.named(name)])

    def told_as(self, how: str) -> tuple[str, str]:
        """People are people here, and whatever is a program is an app like any other."""
        if how in PROGRAMS:
            return "integration", f"application_user {owner_id(PROGRAMS[how])}"
        return "person", f"user {SOMEBODY}"

    def lets_stages_back(self, *, any_way: bool) -> None:
        """A choice takes whatever it has an option for."""
        assert any_way, "no column of Dynamics knows which of its options come before which"

    def tells_by_time(self) -> None:
        """Nobody has switched change tracking on."""
        for table in self.account.tables.values():
            table.change_tracking = False

    def deal_on_hold(self, id: str, contact: str) -> None:
        """By its status, which no stage says."""
        self.add("deal", id, {"dealstage": "on hold", "createdate": "2026-03-01T00:00:00Z"})
        self.link("deal", id, "contact", contact)

    def hides(self, table: str, column: str, *, hidden: bool) -> None:
        """An admin secures a column, and the connector reads nothing there any more; or lets it be read again."""
        change = self.account.secured.add if hidden else self.account.secured.discard
        change((table, column))
        self.account.app.denied.add(("ReadSecured", table))

    # -- what people see of it -------------------------------------------------------------------------------------

    @property
    def writes(self) -> int:
        """How many rows the connector has written."""
        return sum(self.account.writes.values())

    def state(self) -> dict[str, Any]:
        """Filled properties of the people, and the tasks with whom they regard."""
        return {"contact": self.contacts(), "task": sorted(self._tasks())}

    def _tasks(self) -> list[tuple[str, str]]:
        found = []
        for row in self.account.shelf("task").rows():
            regarding = row.values.get("regardingobjectid")
            if isinstance(regarding, Ref):
                found.append((short(regarding.id), str(row.values.get("description") or "")))
        return found

    def properties(self, id: str) -> dict[str, str]:
        """A contact's filled properties."""
        return self.words.properties(self.account.tables["contact"], self.account.get("contact", long("contact", id)))

    def in_the_bin(self, id: str) -> dict[str, str]:
        """The filled properties of a contact that was deleted, or is deactivated."""
        row = self.account.row("contact", long("contact", id)) or self._bin[id]
        return self.words.properties(self.account.tables["contact"], row)

    def task_bodies(self) -> list[str]:
        """What stands in every task."""
        return [body for _, body in self._tasks()]

    def contacts(self) -> dict[str, dict[str, str]]:
        """Every active contact's filled properties."""
        table = self.account.tables["contact"]
        rows = self.account.shelf("contact").rows()
        return {short(row.id): self.words.properties(table, row) for row in rows if row.values.get("statecode") == 0}

    def handed_over(self) -> list[str]:
        """The contacts of all tasks, one entry for each task."""
        return sorted(contact for contact, _ in self._tasks())
