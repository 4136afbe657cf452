"""A call on its way to whoever answers it, and the resource that its path names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import orjson

from connector.sandbox.dataverse.environment import Environment
from connector.sandbox.dataverse.errors import malformed, refused
from connector.sandbox.dataverse.preferences import Preferences, preferences
from connector.sandbox.dataverse.rights import require
from connector.sandbox.dataverse.schema import Table
from connector.sandbox.exchange import Call

#: Query options that are understood somewhere; `tag` is for plug-ins.
#: Under what name the service counts requests for the day's entitlement: each call and each part of a batch is one,
#: however many rows it reads, and each target of a bulk message.
ENTITLED = "entitled"

_OPTIONS = {"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken", "$deltatoken"}
_KEYED = re.compile(r"(?P<name>[\w.$]+)\((?P<key>.*)\)$", re.DOTALL)
_PAIR = re.compile(r"\s*(\w+)\s*=\s*('(?:[^']|'')*'|[^,]+?)\s*(?:,|$)")


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a path: `contacts`, `contacts(<id>)`, `msdyn_predictivescores(a='x',b='y')`."""

    name: str
    key: str | None = None

    def id(self) -> str | None:
        """The id between the brackets, in lower case; None when there is none or it is an alternate key."""
        try:
            return str(UUID(self.key)) if self.key else None
        except ValueError:
            return None

    def pairs(self) -> dict[str, str]:
        """The columns of an alternate key; Refusal 400 when the brackets hold something else."""
        found = _PAIR.findall(self.key or "")
        if not found:
            raise malformed(f"Bad key {self.key!r} of {self.name}.")
        return {name: value[1:-1].replace("''", "'") if value[0] == "'" else value for name, value in found}


@dataclass(slots=True)
class Request:
    """One operation: on its own, or a part of a batch."""

    environment: Environment
    call: Call
    base: str  # "http://127.0.0.1:1234/api/data/v9.2"
    segments: tuple[Segment, ...]
    counted: Counter[str]  # what the service counts: rows, the day's entitlement, calls by class
    in_batch: bool = False

    @property
    def prefer(self) -> Preferences:
        return preferences(self.call.headers.get("prefer", ""))

    @property
    def table(self) -> Table:
        """The table that the first part of the path names; Refusal 404 for a name that is none."""
        return table_of_set(self.environment, self.segments[0].name)

    def option(self, name: str) -> str | None:
        return self.call.one(name)

    def check_options(self, *allowed: str) -> None:
        """Refusal 400 for any system query option that is not among these."""
        for name in self.call.query:
            if not name.startswith("$"):
                continue
            if name == "$skip":
                raise malformed("Skip Clause is not supported in CRM")
            if name not in allowed or name not in _OPTIONS:
                raise malformed(f"The query parameter {name} is not supported here.")

    def body(self) -> dict[str, Any]:
        """The body as an object; Refusal 400 when it is not one, 413 when it is too large."""
        if len(self.call.body) > self.environment.switches.body_limit:
            raise refused("Malformed", "The request body is too large.", status=413)
        if "json" not in self.call.headers.get("content-type", ""):
            raise refused("BadPayload", "A body needs the content type application/json.", status=415)
        try:
            found = orjson.loads(self.call.body or b"{}")
        except orjson.JSONDecodeError:
            raise refused("BadPayload", "The body is no JSON.") from None
        if not isinstance(found, dict):
            raise refused("BadPayload", "The body is no JSON object.")
        return found

    def may(self, right: str, table: Table) -> None:
        """Refusal 403 where the application user lacks a right on a table."""
        require(self.environment, right, table)


def table_of_set(environment: Environment, name: str) -> Table:
    """The table of an entity set; Refusal 404 for a name that is none."""
    table = environment.sets.get(name)
    if table is None:
        raise refused("NoRoute", f"Resource not found for the segment '{name}'.")
    return table


def segments(path: str) -> tuple[Segment, ...]:
    """The parts of a path below the service root."""
    return tuple(_segment(unquote(part)) for part in _split(path) if part)


def _segment(text: str) -> Segment:
    keyed = _KEYED.match(text)
    return Segment(keyed["name"], keyed["key"]) if keyed else Segment(text)


def _split(path: str) -> list[str]:
    """The path at its slashes, except those inside brackets."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(path):
        depth += (letter == "(") - (letter == ")")
        if letter == "/" and depth == 0:
            parts.append(path[start:place])
            start = place + 1
    return [*parts, path[start:]]


def alternate(table: Table, pairs: Mapping[str, str]) -> dict[str, str]:
    """The columns of a table's alternate key as a path gives them; Refusal 400 when the table has no such key."""
    if not table.key or set(pairs) != set(table.key):
        raise refused("InvalidArgument", f"The specified key attributes are not a defined key for {table.name}.")
    return dict(pairs)
