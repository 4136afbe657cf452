"""
The table of everything the sandbox answers: method, area, parts; who answers; what it counts as; which scope opens it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connector.sandbox.exchange import Answer, Call, refusal
from connector.sandbox.hubspot.paths import Path
from connector.sandbox.limits import Limits
from connector.sandbox.schema import KIND_OF
from connector.sandbox.tokens import Tokens
from connector.sandbox.world import World

UNAVAILABLE = {"leads", "0-136", "tickets", "0-5", "notes", "0-46", "communications", "0-18", "users", "0-115"}


@dataclass(frozen=True, slots=True)
class Request:
    """A call on its way to whoever answers it: the world, the call, what the path named, and who asks."""

    world: World
    call: Call
    version: str  # of the API, as the path says it
    named: Mapping[str, str]
    app_id: str
    limits: Limits
    tokens: Tokens
    scopes: tuple[str, ...]  # those that the token has

    @property
    def kind(self) -> str:
        """The object the path names; Refusal where HubSpot knows none of that name or the account lacks it."""
        return kind_named(self.named["kind"])

    @property
    def to(self) -> str:
        return kind_named(self.named["to"])


Scopes = Callable[[Mapping[str, str]], tuple[str, ...]]
Answers = Callable[[Request], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """
    One line of the table. `parts` in braces are named; any one of the scopes opens it, none means open. What counts
    in the bucket "open" needs no token and uses up no limit.
    """

    method: str
    area: str
    parts: tuple[str, ...]
    answers: Answers
    counts_as: str
    scopes: Scopes
    bucket: str = "burst"

    def names(self, parts: tuple[str, ...]) -> dict[str, str] | None:
        """What the path names, None where it is another path."""
        named = {}
        for pattern, part in zip(self.parts, parts, strict=True):
            if pattern.startswith("{"):
                named[pattern[1:-1]] = part
            elif pattern != part:
                return None
        return named


class Routes:
    """Finds the line of a path; earlier lines win, so literal parts stand above named ones."""

    def __init__(self, *groups: tuple[Route, ...]) -> None:
        self._lines: dict[tuple[str, str, int], list[Route]] = {}
        for route in (route for group in groups for route in group):
            self._lines.setdefault((route.method, route.area, len(route.parts)), []).append(route)

    def find(self, method: str, path: Path | None) -> tuple[Route, dict[str, str]] | None:
        """The route of a path with what it names."""
        if path is None:
            return None
        for route in self._lines.get((method, path.area, len(path.parts)), ()):
            named = route.names(path.parts)
            if named is not None:
                return route, named
        return None


def kind_named(name: str) -> str:
    """The object of a path part, by plural, singular or number."""
    kind = KIND_OF.get(name)
    if kind is None:
        if name in UNAVAILABLE:
            raise refusal(403, "This object is not available to this account.", "MISSING_SCOPES")
        raise refusal(400, f"Unable to infer object type from: {name}", "VALIDATION_ERROR")
    return kind


def opened_by(*scopes: str) -> Scopes:
    """Always the same scopes, whatever the path names."""
    return lambda named: scopes


def object_scopes(right: str) -> Scopes:
    """The object's own read or write scope; activities go by the contacts'."""

    def scopes(named: Mapping[str, str]) -> tuple[str, ...]:
        return (f"crm.objects.{_scope_object(named['kind'])}.{right}",)

    return scopes


def schema_scopes(right: str) -> Scopes:
    """Property definitions: the schema's scope, for reading also the object's."""

    def scopes(named: Mapping[str, str]) -> tuple[str, ...]:
        one = _scope_object(named["kind"])
        schema = f"crm.schemas.{one}.{right}"
        return (f"crm.objects.{one}.read", schema) if right == "read" else (schema,)

    return scopes


def _scope_object(name: str) -> str:
    kind = KIND_OF.get(name, "contacts")
    return kind if kind in ("companies", "deals") else "contacts"
