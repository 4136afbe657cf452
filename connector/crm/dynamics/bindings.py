"""
How a lookup is set: by the navigation property that leads to the table, and the address of the row there.

Navigation properties are not the lookups' names: where a lookup leads to several tables each has its own, and the case
of a custom one counts. They are asked of the environment; only what it leaves out of Microsoft's own is taken from the
documentation, where those stand.
Source: "Associate table rows on update using the Web API" and "Query table definitions" of Microsoft's documentation.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from connector.crm.dynamics.api import NEXT, Api, Call
from connector.crm.dynamics.names import CONTACT, LEAD, TABLES, TASK, Table, id_in
from connector.crm.dynamics.refusals import Refused
from connector.crm.dynamics.schema import KEPT_FOR
from connector.errors import Denied, NotFound

#: Lookup -> table that it leads to -> navigation property.
Navigations = Mapping[str, Mapping[str, str]]

BIND = "@odata.bind"

_FACTS = "ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName"
_SETS = {table.name: table.set_name for tables in TABLES.values() for table in tables} | {
    "systemuser": "systemusers",
    "team": "teams",
}
#: Where the lookup to an owner leads: to users and teams alike.
OWNER = "owner"

#: The lookup of an activity to whatever it is about.
REGARDING = "regardingobjectid"


class Bindings:
    """The navigation properties of one environment. Safe to share between threads."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Navigations]] = {}
        self._sets = dict(_SETS)
        self._teams: tuple[float, frozenset[str]] | None = None

    def of(self, table: Table) -> Navigations:
        """The lookups of a table, with where they lead and by which navigation property."""
        with self._lock:
            asked_at, known = self._known.get(table.name, (0.0, None))
            if known is not None and self._api.clock() - asked_at < KEPT_FOR:
                return known
        fresh = self._asked(table)
        with self._lock:
            self._known[table.name] = self._api.clock(), fresh
        return fresh

    def forget(self, table: Table) -> None:
        """A navigation property was not found: ask anew when it is needed again."""
        with self._lock:
            self._known.pop(table.name, None)

    def address(self, target: str, id: str) -> str:
        """How a row of this table is named. Raises ValueError for what is no id, NotFound for an unknown table."""
        if id_in(id) != id.lower():
            raise ValueError("no id")
        name = ("team" if id.lower() in self._owning_teams() else "systemuser") if target == OWNER else target
        return f"/{self._set_of(name)}({id.lower()})"

    def _asked(self, table: Table) -> Navigations:
        path = f"EntityDefinitions(LogicalName='{table.name}')/ManyToOneRelationships"
        found: dict[str, dict[str, str]] = defaultdict(dict)
        try:
            told = self._api.page(Call(path, "metadata", query=(("$select", _FACTS),)))[0]
        except (Refused, NotFound):
            told = []
        for one in told:
            lookup, target, name = (one.get(fact) for fact in _FACTS.split(","))
            if isinstance(lookup, str) and isinstance(target, str) and isinstance(name, str):
                found[lookup][target] = name
        return found | _well_known(table, found)

    def _set_of(self, table: str) -> str:
        with self._lock:
            known = self._sets.get(table)
        if known is None:
            path = f"EntityDefinitions(LogicalName='{table}')"
            known = str(self._api.ask(Call(path, "metadata", query=(("$select", "EntitySetName"),)))["EntitySetName"])
            with self._lock:
                self._sets[table] = known
        return known

    def _owning_teams(self) -> frozenset[str]:
        """The ids of teams: whatever else owns is a user. Who may not see teams cannot give them anything."""
        with self._lock:
            if self._teams is not None and self._api.clock() - self._teams[0] < KEPT_FOR:
                return self._teams[1]
        teams = frozenset(str(one.get("teamid")).lower() for one in self._listed_teams())
        with self._lock:
            self._teams = self._api.clock(), teams
        return teams

    def _listed_teams(self) -> list[dict[str, Any]]:
        call = Call("teams", "metadata", query=(("$select", "teamid"),))
        try:
            found, beside = self._api.page(call)
            while isinstance(link := beside.get(NEXT), str):
                more, beside = self._api.page(Call(link, call.counted_as))
                found = found + more
        except (Refused, NotFound):
            return []
        except Denied as error:
            if error.code != "scope":
                raise
            return []
        return found


def _well_known(table: Table, told: Navigations) -> dict[str, Mapping[str, str]]:
    """What needs no telling: one property leads to all owners, whichever tables they are said to stand in; and where
    nothing is said of whom a task regards, the documentation names the properties that lead there."""
    owner = told.get("ownerid", {})
    known: dict[str, Mapping[str, str]] = {
        "ownerid": {OWNER: owner.get(OWNER) or next(iter(owner.values()), "ownerid")}
    }
    if table == TASK and not told.get(REGARDING):
        known[REGARDING] = {one.name: f"{REGARDING}_{one.name}_{TASK.name}" for one in (CONTACT, LEAD)}
    return known
