"""
HubSpot's search: filter groups over one object, one sort, pages of an offset, at most 10,000 rows (as switched).

It sees the account as far as the index has taken it in. Generated records that nobody wrote are filtered by whole
columns, all others one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any

import orjson

from connector.sandbox.clock import iso, parse_ms
from connector.sandbox.exchange import invalid
from connector.sandbox.index import taken_in
from connector.sandbox.manners import COMPUTED
from connector.sandbox.records import Row
from connector.sandbox.schema import CREATED, KIND_OF, MODIFIED, Definition
from connector.sandbox.world import World

MOST_GROUPS, MOST_PER_GROUP, MOST_FILTERS = 5, 6, 18
#: The result of a search is kept for its next page up to this size.
MOST_REMEMBERED = 50_000
NOT_FILTERABLE = {"hs_body_preview_html", "hs_email_html", "hs_body_preview"}

_BY_SIZE = ("number", "date", "datetime")
_TOLD_DATES = {*CREATED.values(), *MODIFIED.values()}
_COMPARE: dict[str, Callable[[Any, Any, Any], bool]] = {
    "LT": lambda value, low, high: value < low,
    "LTE": lambda value, low, high: value <= low,
    "GT": lambda value, low, high: value > low,
    "GTE": lambda value, low, high: value >= low,
    "BETWEEN": lambda value, low, high: low <= value <= high,
}

Test = Callable[[str | None], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition: a test on a property, or (for an association) the ids that pass."""

    name: str
    test: Test


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search found: all of it counted, one page of it in hand."""

    total: int
    rows: list[Row]
    after: str | None


class Search:
    """One search request, checked and ready to run."""

    def __init__(self, world: World, kind: str, request: Mapping[str, Any]) -> None:
        self._world = world
        self._kind = kind
        self.until = taken_in(world, kind)
        self._by_links = False
        self._groups = self._checked_groups(request)
        self._sort_by, self._descending = self._checked_sort(request)
        self._offset, self._limit = self._checked_paging(request)
        self._latest = self._signature(request)

    def run(self) -> Hits:
        """All matching records in order, cut to the page that was asked for."""
        found = self._found()
        ghosts = self._world.switches.search_ghosts
        end = self._offset + self._limit
        after = str(end) if end < len(found) + ghosts else None
        return Hits(len(found), found[max(0, self._offset - ghosts) : max(0, end - ghosts)], after)

    def _found(self) -> list[Row]:
        """All of it; the next page of the same search does not look for it again while nothing changes."""
        world = self._world
        if self._latest is not None and world.latest_search[:1] == (self._latest,):
            rows: list[Row] = world.latest_search[1]
            return rows
        found = sorted(self._matching(), key=self._rank(), reverse=self._descending)
        if self._latest is not None and len(found) <= MOST_REMEMBERED:
            world.latest_search = (self._latest, found)
        return found

    def _signature(self, request: Mapping[str, Any]) -> tuple[str, int, bytes] | None:
        """What makes two searches the same; None where links or a lagging index have their part in it."""
        names = {one.name for group in self._groups for one in group} | {self._sort_by}
        asked = [request.get("filterGroups"), self._sort_by, self._descending]
        if self.until is not None or self._by_links or names & COMPUTED[self._kind].keys():
            return None
        return self._kind, self._world.store.version, orjson.dumps(asked)

    # -- what was asked ----------------------------------------------------------------------------------

    def _checked_groups(self, request: Mapping[str, Any]) -> list[list[Filter]]:
        groups = [group.get("filters", []) for group in request.get("filterGroups", [])]
        if len(groups) > MOST_GROUPS or sum(map(len, groups)) > MOST_FILTERS:
            raise invalid(f"at most {MOST_GROUPS} filter groups and {MOST_FILTERS} filters are allowed")
        if any(len(group) > MOST_PER_GROUP for group in groups):
            raise invalid(f"at most {MOST_PER_GROUP} filters are allowed in one group")
        return [[self._filter(one) for one in group] for group in groups] or [[]]

    def _filter(self, asked: Mapping[str, Any]) -> Filter:
        name = str(asked.get("propertyName"))
        if name.startswith("associations."):
            return self._association(name.removeprefix("associations."), asked)
        definition = self._world.definitions[self._kind].get(name)
        if definition is None or name in NOT_FILTERABLE:
            raise invalid(f"There was a problem with the request: property {name} cannot be filtered by")
        return Filter(name, _test(definition, asked))

    def _association(self, named: str, asked: Mapping[str, Any]) -> Filter:
        to = KIND_OF.get(named)
        if to is None or asked.get("operator") != "EQ":
            raise invalid("There was a problem with the request: associations are filtered by EQ and a standard object")
        self._by_links = True
        linked = self._world.links.of(to, str(asked.get("value")), self._kind)
        return Filter("hs_object_id", lambda id: id in linked)

    def _checked_sort(self, request: Mapping[str, Any]) -> tuple[str, bool]:
        sorts = request.get("sorts") or [{"propertyName": CREATED[self._kind]}]
        if len(sorts) > 1:
            raise invalid("only one sort is allowed")
        sort = {"propertyName": sorts[0]} if isinstance(sorts[0], str) else sorts[0]
        name = str(sort.get("propertyName"))
        if name not in self._world.definitions[self._kind]:
            raise invalid(f"There was a problem with the request: property {name} cannot be sorted by")
        return name, sort.get("direction") == "DESCENDING"

    def _checked_paging(self, request: Mapping[str, Any]) -> tuple[int, int]:
        switches = self._world.switches
        limit, after = request.get("limit", 10), request.get("after") or "0"
        if not isinstance(limit, int) or not 1 <= limit <= switches.search_limit:
            raise invalid(f"limit must be between 1 and {switches.search_limit}")
        if not str(after).isdigit():
            raise invalid("after must be an integer offset")
        if int(after) + limit > switches.search_depth:
            raise invalid(f"Paging beyond {switches.search_depth} results is not possible; narrow the filters")
        return int(after), limit

    # -- what is found -----------------------------------------------------------------------------------

    def _matching(self) -> Iterable[Row]:
        return chain(self._matching_generated(), self._matching_written())

    def _matching_generated(self) -> Iterable[Row]:
        """Whole columns, one filter after the other, then the rows that are left and nobody wrote."""
        world, kind = self._world, self._kind
        numbers: set[int] = set()
        for group in self._groups:
            left: Iterable[int] = range(world.population.count(kind))
            for one in group:
                column = world.column(kind, one.name)
                left = [number for number in left if one.test(column[number])]
            numbers.update(left)
        written = world.written_rows(kind)
        for number in sorted(numbers):
            id = world.population.id_of(kind, number)
            row = None if id in written else world.row(kind, id)
            if row is not None and self._indexed(row):
                yield row

    def _matching_written(self) -> Iterable[Row]:
        for row in self._world.written_rows(self._kind).values():
            if self._indexed(row) and any(self._passes(row, group) for group in self._groups):
                yield row

    def _passes(self, row: Row, group: list[Filter]) -> bool:
        """Ids and dates first: they cost nothing to look up, and usually decide."""
        slow = []
        for one in group:
            if (told := self._quick(row, one.name)) is None:
                slow.append(one)
            elif not one.test(told):
                return False
        if not slow:
            return True
        values = self._world.view(self._kind, [one.name for one in slow], self.until)(row)
        return all(one.test(values[one.name]) for one in slow)

    def _quick(self, row: Row, name: str) -> str | None:
        if name == "hs_object_id":
            return row.id
        if name == MODIFIED[self._kind]:
            return iso(self._modified_at(row))
        return iso(row.created_at) if name == CREATED[self._kind] else None

    def _modified_at(self, row: Row) -> int:
        return row.modified_at(self.until(row) if self.until else None)

    def _indexed(self, row: Row) -> bool:
        """Whether the index knows the record and does not know it to be archived."""
        until = self.until(row) if self.until else None
        if until is None:
            return row.archived_at is None
        return row.created_at <= until and (row.archived_at is None or row.archived_at > until)

    def _rank(self) -> Callable[[Row], tuple[float | str, int]]:
        """The sort key; equal ones go by id, so that pages do not overlap."""
        if self._sort_by == "hs_object_id":
            return lambda row: (0, int(row.id))
        if self._sort_by == CREATED[self._kind]:
            return lambda row: (row.created_at, int(row.id))
        if self._sort_by == MODIFIED[self._kind]:
            return lambda row: (self._modified_at(row), int(row.id))
        show = self._world.view(self._kind, [self._sort_by], self.until)
        weight = _weight(self._world.definitions[self._kind][self._sort_by])
        return lambda row: (weight(show(row)[self._sort_by]), int(row.id))


def _as_number(definition: Definition, value: str | None) -> float | None:
    """A stored value as something to compare; None for a blank or a value that is none."""
    if not value:
        return None
    try:
        return float(value) if definition.type == "number" else float(parse_ms(value))
    except ValueError:
        return None


def _weight(definition: Definition) -> Callable[[str | None], float | str]:
    """What a value weighs in a sort; blanks come first."""
    if definition.type not in _BY_SIZE:
        return lambda value: (value or "").lower()

    def weigh(value: str | None) -> float:
        number = _as_number(definition, value)
        return float("-inf") if number is None else number

    return weigh


def _test(definition: Definition, asked: Mapping[str, Any]) -> Test:
    """The test of one filter. Texts compare without case, choices exactly, numbers and dates by size."""
    operator = asked.get("operator")
    if operator == "HAS_PROPERTY":
        return bool
    if operator == "NOT_HAS_PROPERTY":
        return lambda value: not value
    if operator in ("EQ", "NEQ", "IN", "NOT_IN"):
        return _membership(definition, asked)
    if operator in _COMPARE:
        return _range(definition, asked)
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        return _token(str(asked.get("value", "")), wanted=operator == "CONTAINS_TOKEN")
    raise invalid(f"There was a problem with the request: unknown operator {operator}")


def _membership(definition: Definition, asked: Mapping[str, Any]) -> Test:
    several = asked["operator"] in ("IN", "NOT_IN")
    values = asked.get("values") if several else [asked.get("value")]
    if not values or values == [None]:
        raise invalid("There was a problem with the request: a filter needs value or values")
    key = _comparable(definition)
    wanted = {key(str(value)) for value in values}
    if asked["operator"] in ("EQ", "IN"):
        return lambda value: value not in (None, "") and key(str(value)) in wanted
    return lambda value: value in (None, "") or key(str(value)) not in wanted


def _comparable(definition: Definition) -> Callable[[str], float | str | None]:
    if definition.type in _BY_SIZE:
        return lambda value: _as_number(definition, value)
    return str.lower if definition.type == "string" else str


def _range(definition: Definition, asked: Mapping[str, Any]) -> Test:
    low: float | str
    high: float | str
    operator, key = asked["operator"], _weight_of(definition)
    low = key(asked.get("value"))
    high = key(asked.get("highValue")) if operator == "BETWEEN" else low
    compare = _COMPARE[operator]
    if definition.name in _TOLD_DATES:
        # These are always printed alike, and such texts sort as the instants do: no parsing per record.
        low, high = iso(int(float(low))), iso(int(float(high)))
        return lambda value: bool(value) and compare(value, low, high)
    if definition.type not in _BY_SIZE:
        return lambda value: bool(value) and compare(str(value).lower(), low, high)
    return lambda value: (number := _as_number(definition, value)) is not None and compare(number, low, high)


def _weight_of(definition: Definition) -> Callable[[Any], float | str]:
    """Reads a filter's own value; Refusal 400 when it is none."""

    def read(value: Any) -> float | str:
        if definition.type not in _BY_SIZE:
            return str(value).lower()
        number = None if value is None else _as_number(definition, str(value))
        if number is None:
            raise invalid(f"There was a problem with the request: {definition.name} needs a number or an instant")
        return number

    return read


def _token(pattern: str, *, wanted: bool) -> Test:
    def holds(value: str | None) -> bool:
        tokens = re.findall(r"\w+", (value or "").lower())
        return any(fnmatchcase(token, pattern.lower()) for token in [*tokens, (value or "").lower()]) is wanted

    return holds
