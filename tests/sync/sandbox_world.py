"""
The same small world on the HubSpot sandbox: real HTTP, the real adapter, the same people with the same futures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from connector.crm import CRM, PropertyDefinition
from connector.crm.hubspot import HubSpot, Reading
from connector.sandbox import Sandbox, fates
from connector.sandbox import World as Account
from connector.sandbox.clock import Clock as AccountClock
from connector.sandbox.records import Source
from connector.sandbox.schema import Definition, Option
from connector.sandbox.workflows import Workflow
from tests.sync.over_http import OverHttp, Told
from tests.sync.world import AS_OF, SOURCES

KINDS = {
    "contact": "contacts",
    "company": "companies",
    "deal": "deals",
    "task": "tasks",
    "call": "calls",
    "email": "emails",
}


def empty_account() -> Account:
    """An account in which nothing has happened, at the instant the tests begin."""
    return Account(clock=AccountClock(AS_OF))


#: Definitions and groups of an account that was set up, by what the mapping has of its own.
_SET_UP: dict[str, Any] = {}


@dataclass
class SandboxWorld(OverHttp):
    """An account on loopback and the connector beside it; the sandbox must come from `empty_account`."""

    sandbox: Sandbox | None = None

    def __post_init__(self) -> None:
        assert self.sandbox is not None
        self.sandbox.reset()
        self.sandbox.switch(rate_limits=False)
        self.account = self.sandbox.world
        self._definitions: dict[str, Definition] = {}
        self._told = Told()
        self.account.audience.add_form("demo-request")
        for one in self.agreement.wiring.signals:
            if one.how == "list":
                self.account.audience.add_list(one.key)
        self._set_up()

    def _set_up(self) -> None:
        """As `connector setup` leaves an account: made once over HTTP, and the same for every later one."""
        wiring = self.agreement.wiring
        key = repr((wiring.own, wiring.own_group))
        if key not in _SET_UP:
            adapter = self.adapter()
            for own in wiring.own:
                definition = PropertyDefinition(own.property, own.type, own.label, dict(own.options))
                adapter.create_property(own.kind, definition, wiring.own_group)
            adapter.close()
            _SET_UP[key] = deepcopy((self.account.definitions, self.account.groups))
        self.account.definitions, self.account.groups = deepcopy(_SET_UP[key])

    def adapter(self) -> CRM:
        """A connection of its own for every run, as a process would open it."""
        assert self.sandbox is not None
        self.at_its_time()
        return HubSpot(
            self.sandbox.hubspot.token,
            base_url=self.sandbox.url,
            read=Reading(threads=1, page=min(self.page, 100), search_page=min(self.page, 200)),
            clock=self._told,
            sleep=self._told.sleep,
        )

    @property
    def running(self) -> Sandbox:
        """The sandbox that it runs in."""
        assert self.sandbox is not None
        return self.sandbox

    def look_again(self) -> None:
        """The sandbox goes on with another account."""
        assert self.sandbox is not None
        self.account = self.sandbox.world

    def before_calls(self, crm: Any, happens: Callable[[str], None], turn: AbstractContextManager[Any]) -> None:
        """Something happens before each call of this way in is sent, one after the other."""
        api = self.api(crm)
        once = api._once

        def asked(call: Any, request: Any) -> Any:
            with turn:
                happens(call.counted_as)
                return once(call, request)

        api._once = asked

    # -- what happens in it ------------------------------------------------------------------------------------

    def add(self, kind: str, id: str, properties: Mapping[str, str]) -> None:
        """A record appears that has been there for a while."""
        created = AS_OF - timedelta(days=200)
        self.account.add(KINDS[kind], dict(properties), id=id, created_at=created)

    def link(self, kind: str, id: str, to: str, to_id: str) -> None:
        """Two records are associated."""
        self.account.associate(KINDS[kind], id, KINDS[to], to_id)

    def saw(self, id: str, source: str, *days_ago: float) -> None:
        """A person did something that a list or form recorded."""
        for days in days_ago:
            how, _, key = source.partition(":")
            at = self.clock() - timedelta(days=days)
            if how == "list":
                self.account.join_list(key, id, at=at)
            else:
                self.account.submit_form(key, {"email": self.properties(id)["email"]}, at=at)

    def lets_stages_back(self, *, any_way: bool) -> None:
        """An admin changes how the account takes earlier stages."""
        assert self.sandbox is not None
        self.sandbox.switch(lifecycle="any" if any_way else "forward_only")

    # -- what people see of it -------------------------------------------------------------------------------------

    @property
    def writes(self) -> int:
        """How many writes the account has taken."""
        return self.account.writes

    def state(self) -> dict[str, Any]:
        """Filled properties of the contacts, and the tasks with whom they hang on. HubSpot's own stamps of when a
        stage was entered tell the time of the write, which healing makes later, and are left out."""
        contacts = {
            id: {name: value for name, value in one.items() if not name.startswith("hs_lifecyclestage_")}
            for id, one in self.contacts().items()
        }
        return {"contact": contacts, "task": sorted(self._tasks())}

    def _tasks(self) -> list[tuple[str, str]]:
        return [
            (contact, values.get("hs_task_body", ""))
            for id, values in self.account.snapshot(("tasks",))["tasks"].items()
            for contact in self.account.links.of("tasks", id, "contacts")
        ]

    def properties(self, id: str) -> dict[str, str]:
        """A contact's filled properties."""
        return self.contacts()[id]

    def in_the_bin(self, id: str) -> dict[str, str]:
        """The filled properties of a contact that was deleted."""
        row = next(one for one in self.account.rows("contacts", archived=True) if one.id == id)
        return {name: value for name, value in self.account.values("contacts", row).items() if value}

    def task_bodies(self) -> list[str]:
        """What stands in every task."""
        return [body for _, body in self._tasks()]

    def contacts(self) -> dict[str, dict[str, str]]:
        """Every contact's filled properties."""
        found = self.account.snapshot(("contacts",))["contacts"]
        return {id: {name: value for name, value in one.items() if value is not None} for id, one in found.items()}

    def handed_over(self) -> list[str]:
        """The contacts of all tasks, one entry for each task."""
        return sorted(contact for contact, _ in self._tasks())

    def edit(self, id: str, properties: Mapping[str, str]) -> None:
        """A person edits a contact by hand."""
        self.account.clock.set(self.clock())
        self.account.edit("contacts", id, properties)

    def takes_only(self, property: str, *values: str) -> None:
        """An admin leaves a property of contacts only these options; without any, it takes what it took before."""
        here = self.account.definitions["contacts"]
        self._definitions.setdefault(property, here[property])
        options = tuple(Option(value, value) for value in values)
        here[property] = replace(here[property], options=options) if values else self._definitions[property]

    def set_by(self, how: str, id: str, properties: Mapping[str, str]) -> None:
        """Somebody or something of the account sets properties."""
        kind, _, source = SOURCES[how].partition(" ")
        self.account.clock.set(self.clock())
        self.account.write("contacts", id, properties, Source(kind, source))

    def automation(self, id: str, name: str, property: str) -> None:
        """The account has a workflow that sets this property of contacts; it is asleep, `set_by` acts for it."""
        self.account.add_workflow(Workflow(id, name, "email", "never", property, "x"))

    def delete(self, id: str) -> None:
        """A person deletes a contact."""
        self.account.clock.set(self.clock())
        self.account.archive("contacts", id)

    def restore(self, id: str) -> None:
        """A person takes a contact out of the bin again."""
        self.account.clock.set(self.clock())
        fates.restore(self.account, "contacts", id)

    def merge(self, survivor: str, loser: str, *, kind: str = "contact", into: str | None = None) -> str:
        """A person merges two records; where a third one is left, the account chooses its id."""
        self.account.clock.set(self.clock())
        return self.account.merge(KINDS[kind], survivor, loser, new_id=into is not None).id
