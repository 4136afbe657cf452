"""
What the environment's tables look like, as far as reading and writing rows has to know: their columns and types.

Asked for when first needed and kept for a while, since admins add and delete columns while we run. A column that a
table does not have is never asked of its rows: that would be refused for all of them.
Source: "Query table definitions using the Web API" of Microsoft's documentation.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.crm.dynamics.api import Api, Call, no_answer_of
from connector.crm.dynamics.names import Table, looked_up
from connector.crm.dynamics.plainly import plainly
from connector.errors import NotFound

#: Seconds after which a table is asked about anew.
KEPT_FOR = 900.0

LOOKUPS = frozenset({"Lookup", "Customer", "Owner"})
_MULTI_SELECT = "MultiSelectPicklist"

#: Types whose columns can be selected; the others (names of lookups, images' addresses ...) are made by other columns.
_SELECTABLE = LOOKUPS | {
    "String",
    "Memo",
    "Integer",
    "BigInt",
    "Decimal",
    "Double",
    "Money",
    "Boolean",
    "Picklist",
    "State",
    "Status",
    "DateTime",
    "Uniqueidentifier",
    _MULTI_SELECT,
}

_COLUMN_FACTS = "LogicalName,AttributeType,AttributeTypeName,AttributeOf,IsValidForRead"
_PLAIN_FACTS = "LogicalName,AttributeType,IsValidForRead"
_TABLE_FACTS = "LogicalName,EntitySetName,PrimaryIdAttribute,ChangeTrackingEnabled,IsOptimisticConcurrencyEnabled"
_DATES = "Microsoft.Dynamics.CRM.DateTimeAttributeMetadata"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `type` is Dataverse's ("Picklist", "MultiSelectPicklist", "DateTime", ...); `day` says of a DateTime
    that it is shown as a day: "DateOnly" where it is stored as one, "UserLocal" where as an instant."""

    name: str
    type: str
    day: str = ""

    @property
    def key(self) -> str:
        """Under which name a row tells it, and $select asks for it."""
        return looked_up(self.name) if self.type in LOOKUPS else self.name


@dataclass(frozen=True, slots=True)
class Shape:
    """One table as the environment has it: whether changes are tracked and rows have ETags, and its columns."""

    tracked: bool
    versioned: bool
    columns: Mapping[str, Column]


class Schema:
    """The tables of one environment. Safe to share between threads."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Shape | None]] = {}

    def of(self, table: Table) -> Shape | None:
        """How this table looks; None where the environment does not have it, as one without the Sales app."""
        with self._lock:
            asked_at, shape = self._known.get(table.name, (0.0, None))
            if table.name in self._known and self._api.clock() - asked_at < KEPT_FOR:
                return shape
        shape = self._asked(table)
        with self._lock:
            self._known[table.name] = self._api.clock(), shape
        return shape

    def forget(self, table: Table) -> None:
        """It was changed: ask about it when it is needed again."""
        with self._lock:
            self._known.pop(table.name, None)

    def _asked(self, table: Table) -> Shape | None:
        path = f"EntityDefinitions(LogicalName='{table.name}')"
        query = (("$select", _TABLE_FACTS), ("$expand", f"Attributes($select={_COLUMN_FACTS})"))
        call = Call(path, "metadata", query=query)
        try:
            told = plainly(self._api.ask, call, _TABLE_FACTS)
        except NotFound:
            return None
        days, facts = self._days(path), told.get("Attributes")
        if not isinstance(facts, list):
            facts = self._listed(path) if told.get("LogicalName") == table.name else []
        columns = [one for fact in facts if (one := _column(fact, days)) is not None]
        if table.key not in {one.name for one in columns}:  # or all the others would be taken for blank
            raise no_answer_of(call, f"does not name {table.key} among the table's columns")
        return Shape(
            told.get("ChangeTrackingEnabled") is True,
            told.get("IsOptimisticConcurrencyEnabled") is not False,
            {one.name: one for one in columns},
        )

    def _listed(self, path: str) -> list[dict[str, Any]]:
        """The columns as a list of their own: not everywhere do they come along with the table."""
        call = Call(f"{path}/Attributes", "metadata", query=(("$select", _COLUMN_FACTS),))
        return plainly(self._api.page, call, _PLAIN_FACTS)[0]

    def _days(self, path: str) -> Mapping[str, str]:
        """The date columns that are shown as days, and how they are stored."""
        call = Call(
            f"{path}/Attributes/{_DATES}", "metadata", query=(("$select", "LogicalName,DateTimeBehavior,Format"),)
        )
        return {
            str(one.get("LogicalName")): behaviour
            for one in self._api.page(call)[0]
            if (behaviour := _value(one.get("DateTimeBehavior"))) == "DateOnly" or one.get("Format") == "DateOnly"
        }


def _column(fact: Any, days: Mapping[str, str]) -> Column | None:
    """A column that can be read; None for any other."""
    if not isinstance(fact, dict):
        return None
    name, type_ = fact.get("LogicalName"), fact.get("AttributeType")
    if _value(fact.get("AttributeTypeName")) == f"{_MULTI_SELECT}Type":
        type_ = _MULTI_SELECT
    if not isinstance(name, str) or type_ not in _SELECTABLE:
        return None
    if fact.get("AttributeOf") or fact.get("IsValidForRead") is False:
        return None
    return Column(name, type_, days.get(name, "") if type_ == "DateTime" else "")


def _value(fact: Any) -> str:
    """Metadata wraps some words: {"Value": "DateOnly"}."""
    return str(fact.get("Value") or "") if isinstance(fact, dict) else ""
