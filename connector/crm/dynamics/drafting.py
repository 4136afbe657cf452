"""
Updates as the bodies that Dataverse wants: which columns they set, to what, and what of it stands in a row afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.crm import Outcome, Update
from connector.crm.dynamics.api import Call
from connector.crm.dynamics.bindings import BIND
from connector.crm.dynamics.derived import DERIVED, Row
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.names import ALIASES, STATE, STATUS, Table
from connector.crm.dynamics.records import ETAG
from connector.crm.dynamics.refusals import Refused
from connector.crm.dynamics.schema import LOOKUPS, Column, Shape
from connector.crm.dynamics.values import same, spelling, value_of
from connector.crm.dynamics.versions import Version
from connector.errors import NotFound

#: Columns that open and close rows.
_STATES = (STATE, STATUS)


@dataclass(frozen=True, slots=True)
class Draft:
    """One row's changes: what goes into the body, and by which columns it is recognised afterwards."""

    id: str
    version: Version
    body: Mapping[str, Any]
    columns: Mapping[str, Column]  # property -> its column
    names: Mapping[str, str] = field(default_factory=dict)  # what the body calls a column -> property
    ours_alone: bool = False  # see Update

    @property
    def table(self) -> Table:
        """Where the row stands."""
        return self.version.table

    @property
    def keys(self) -> list[str]:
        """Under which names a row tells what was set."""
        return [column.key for column in self.columns.values()]

    @property
    def call(self) -> Call:
        """As a request: only if the row is as it was read, and with an answer that tells what is stored."""
        headers = {"If-Match": self.version.etag, "Prefer": "return=representation"}
        query = (("$select", ",".join(dict.fromkeys([self.table.key, *self.keys]))),)
        path = f"{self.table.set_name}({self.id})"
        return Call(path, "write", "PATCH", query=query, headers=headers, body=self.body)

    def stored(self, row: Row) -> dict[str, str | None]:
        """What a row holds of these properties, where it tells."""
        return {name: _told(column, row[column.key]) for name, column in self.columns.items() if column.key in row}

    def stands_in(self, row: Row) -> bool:
        """Whether a row holds everything that was to be set."""
        return all(
            column.key in row and same(column, _plain(column, row[column.key]), self._sent(column))
            for column in self.columns.values()
        )

    def untouched_in(self, row: Row) -> bool:
        """Whether a row is still as it was read."""
        return row.get(ETAG) == self.version.etag

    def named_by(self, refused: Refused) -> tuple[str, ...]:
        """The properties that a refusal names, by their columns."""
        return tuple(dict.fromkeys(self.names[name] for name in refused.named(self.names)))

    def _sent(self, column: Column) -> Any:
        if column.type not in LOOKUPS:
            return self.body[column.name]
        bound = next(value for name, value in self.body.items() if name.endswith(BIND) and self._is_of(name, column))
        return bound and bound.partition("(")[2].rstrip(")")

    def _is_of(self, bound: str, column: Column) -> bool:
        return self.columns.get(self.names[bound.removesuffix(BIND)]) == column


class Drafter:
    """Makes drafts for the rows of one table; compiled once for the updates of a write."""

    def __init__(self, env: Environment, kind: str, table: Table, shape: Shape) -> None:
        self._env, self._kind, self._table, self._shape = env, kind, table, shape

    def draft(self, update: Update, version: Version) -> Draft | Outcome:
        """One update as a draft; a rejected Outcome, with the properties it is about, where it cannot be one."""
        refused: dict[str, str] = {}
        body: dict[str, Any] = {}
        columns: dict[str, Column] = {}
        names: dict[str, str] = {}
        for name, text in update.properties.items():
            column = self._column(name)
            if column is None or self._is_closed_to_us(column):
                refused[name] = self._why_not(name, column)
                continue
            try:
                key, value = self._set(column, text)
            except ValueError:
                refused[name] = "value_invalid"
            except _NoWay:
                refused[name] = "not_supported"
            else:
                body[key] = value
                columns[name] = column
                names |= {column.name: name, key.removesuffix(BIND): name}
        if refused:
            return _refused(update, refused)
        return Draft(update.id, version, body, columns, names, update.ours_alone)

    def lacks(self, updates: Iterable[Update]) -> bool:
        """Whether any of these sets a column that the table did not have when it was asked about last."""
        return any(
            name not in DERIVED.get(self._kind, {}) and self._column(name) is None
            for update in updates
            for name in update.properties
        )

    def _column(self, name: str) -> Column | None:
        return self._shape.columns.get(ALIASES.get((self._table.name, name), name))

    def _is_closed_to_us(self, column: Column) -> bool:
        return column.name in _STATES and not self._env.writing.states

    def _why_not(self, name: str, column: Column | None) -> str:
        derived = name in DERIVED.get(self._kind, {})
        return "property_missing" if column is None and not derived else "property_read_only"

    def _set(self, column: Column, text: str) -> tuple[str, Any]:
        if column.type not in LOOKUPS:
            return column.name, value_of(column, text)
        leads = self._env.bindings.of(self._table).get(column.name, {})
        target = self._target(leads, text)
        try:
            return leads[target] + BIND, self._env.bindings.address(target, text) if text else None
        except NotFound:
            raise _NoWay from None

    def _target(self, leads: Mapping[str, str], id: str) -> str:
        """Where a lookup is to lead, by the id alone: where it may lead to several tables, to that of a row we know."""
        if len(leads) == 1 or (leads and not id):
            return next(iter(leads))
        known = self._env.versions.of(id)
        if known is None or known.table.name not in leads:
            raise _NoWay
        return known.table.name


class _NoWay(Exception):
    """A lookup leads to several tables, and nobody says to which of them this id belongs."""


def _refused(update: Update, refused: Mapping[str, str]) -> Outcome:
    told = ", ".join(refused)
    said = {
        "property_missing": f"the table has no column {told}",
        "property_read_only": f"{told} is not ours to write",
        "value_invalid": f"{told} does not take a value of this form",
        "not_supported": f"{told} leads to several tables, and the id says not to which",
    }
    code = next(iter(refused.values()))
    return Outcome(update.id, "rejected", {}, code, said[code], tuple(refused))


def _plain(column: Column, value: Any) -> Any:
    return value.lower() if column.type in LOOKUPS and isinstance(value, str) else value


def _told(column: Column, value: Any) -> str | None:
    spell = spelling(column)
    return value if value is None or spell is None else spell(value)
