"""Query options that rows are read with: which columns, which rows, in which order, with which other rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from connector.sandbox.dataverse import filters
from connector.sandbox.dataverse.environment import Environment
from connector.sandbox.dataverse.errors import malformed
from connector.sandbox.dataverse.preferences import Preferences
from connector.sandbox.dataverse.request import Request
from connector.sandbox.dataverse.rights import require
from connector.sandbox.dataverse.rows import Row, Value
from connector.sandbox.dataverse.schema import LOOKUPS, Column, Ref, Table
from connector.sandbox.dataverse.telling import Tell, teller, value_of

_EXPANDED = re.compile(r"(\w+)(?:\(\$select=([\w,\s]+)\))?\s*(?:,|$)")


def selected(environment: Environment, table: Table, text: str | None) -> list[Column]:
    """The columns of a `$select`, every one where there is none; Refusal 400 names one that does not exist."""
    known = environment.columns_of(table)
    if text is None:
        return list(known.values())
    return [column_told_as(environment, table, name.strip()) for name in text.split(",") if name.strip()]


def column_told_as(environment: Environment, table: Table, name: str) -> Column:
    """The column of this key of a row: `_parentcontactid_value` for a lookup, its plain name also where it selects."""
    known = environment.columns_of(table)
    column = known.get(name)
    if column is None and name.startswith("_") and name.endswith("_value"):
        column = known.get(name[1 : -len("_value")])
        if column is not None and column.kind not in LOOKUPS:
            column = None
    if column is None:
        raise malformed(f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table.name}'.")
    return column


def telling(request: Request, table: Table, prefer: Preferences) -> Tell:
    """A function that tells a row as `$select`, `$expand` and the annotations want it."""
    environment = request.environment
    tell = teller(environment, table, selected(environment, table, request.option("$select")), prefer)
    expand = request.option("$expand")
    if not expand:
        return tell
    others = [_expanded(environment, table, name, columns, prefer) for name, columns in _expansions(expand)]
    return lambda row: {**tell(row), **{name: show(row) for name, show in others}}


def _expansions(text: str) -> list[tuple[str, str]]:
    found = _EXPANDED.findall(text)
    if "".join(match[0] for match in _EXPANDED.finditer(text)) != text.strip():
        raise malformed(f"The $expand {text!r} is not supported: navigation properties with a $select at most.")
    return found


def _expanded(
    environment: Environment, table: Table, name: str, columns: str, prefer: Preferences
) -> tuple[str, Callable[[Row], dict[str, Any] | None]]:
    """One single-valued navigation property and how the row behind it is told."""
    found = table.navigations().get(name)
    if found is None or found[1] not in environment.tables:
        raise malformed(f"Could not find a single-valued navigation property named '{name}' on {table.name}.")
    column, target = found
    other = environment.tables[target]
    require(environment, "Read", other)
    tell = teller(environment, other, selected(environment, other, columns or None), prefer)

    def show(row: Row) -> dict[str, Any] | None:
        ref = value_of(table, row, column.name)
        behind = environment.row(target, ref.id) if isinstance(ref, Ref) and ref.table == target else None
        return None if behind is None else tell(behind)

    return name, show


def meant(request: Request, table: Table) -> filters.Test | None:
    """The test of a `$filter`; None where there is none."""
    text, environment = request.option("$filter"), request.environment
    return None if text is None else filters.parsed(text, _finder(environment, table), environment.switches.conditions)


def _finder(environment: Environment, table: Table) -> filters.Find:
    """How a filter over this table finds its columns, those behind a lookup (`sdkmessageid/name`) included."""

    def find(name: str) -> tuple[Column, Callable[[Any], Value]]:
        navigation, _, behind = name.rpartition("/")
        if not navigation:
            column = column_told_as(environment, table, name)
            if column.kind in LOOKUPS and not name.startswith("_"):
                raise malformed(f"The lookup {name} is filtered by _{name}_value.")
            return column, lambda row: value_of(table, row, column.name)
        return _behind(environment, table, navigation, behind)

    return find


def _behind(
    environment: Environment, table: Table, navigation: str, name: str
) -> tuple[Column, Callable[[Row], Value]]:
    leads = table.navigations().get(navigation)
    if leads is None or leads[1] not in environment.tables:
        raise malformed(
            f"Could not find a property named '{navigation}' on type 'Microsoft.Dynamics.CRM.{table.name}'."
        )
    lookup, target = leads
    other = environment.tables[target]
    column = column_told_as(environment, other, name)

    def read(row: Row) -> Value:
        ref = value_of(table, row, lookup.name)
        found = environment.row(target, ref.id) if isinstance(ref, Ref) and ref.table == target else None
        return None if found is None else value_of(other, found, column.name)

    return column, read


class Sorted(NamedTuple):
    """A row in a sorted read: what it is sorted by, and its id."""

    keys: tuple[Any, ...]
    id: str


def _rank(place: int, one: Sorted) -> tuple[bool, Any]:
    """What is unset comes before everything."""
    return one.keys[place] is not None, one.keys[place]


@dataclass(frozen=True, slots=True)
class Order:
    """An `$orderby`: columns, each with whether it falls; the id decides between equals."""

    table: Table
    columns: tuple[tuple[Column, bool], ...]

    def keys(self, row: Row) -> tuple[Any, ...]:
        """What a row is sorted by, as a cookie can hold it."""
        return tuple(_sortable(value_of(self.table, row, column.name)) for column, _ in self.columns)

    def sort(self, rows: Iterable[Row]) -> list[Sorted]:
        """The rows in this order, from one where ids rise; only what they are sorted by is kept of them."""
        found = [Sorted(self.keys(row), row.id) for row in rows]
        for place, (_, falls) in reversed(list(enumerate(self.columns))):
            found.sort(key=partial(_rank, place), reverse=falls)  # stable, also in reverse
        return found

    def compare(self, keys: tuple[Any, ...], id: str, other: tuple[Any, ...], other_id: str) -> int:
        """Negative where the first of two rows comes first; what is unset comes before everything."""
        for (_, falls), mine, theirs in zip(self.columns, keys, other, strict=True):
            if mine != theirs:
                first = mine is None or (theirs is not None and mine < theirs)
                return -1 if first != falls else 1
        return (id > other_id) - (id < other_id)


def ordered(request: Request, table: Table) -> Order | None:
    """The order of an `$orderby`; None for that of the ids."""
    text = request.option("$orderby")
    if not text:
        return None
    columns = []
    for part in text.split(","):
        name, *direction = part.split()
        if direction not in ([], ["asc"], ["desc"]):
            raise malformed(f"{part.strip()!r} is no part of $orderby.")
        columns.append((column_told_as(request.environment, table, name), direction == ["desc"]))
    if columns == [(table.columns[table.id_column], False)]:
        return None
    return Order(table, tuple(columns))


def _sortable(value: Value) -> Any:
    """A value as it sorts and as JSON can hold it."""
    if isinstance(value, Ref):
        return value.id
    if isinstance(value, tuple):
        return list(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return value.lower() if isinstance(value, str) else float(value)
