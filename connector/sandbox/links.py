"""Associations between records: those of the population, those added since, minus those removed."""

from __future__ import annotations

from collections.abc import Iterable

from connector.sandbox.population import Population
from connector.sandbox.schema import KINDS, LinkType
from connector.sandbox.stock import LINK_TYPES

Types = tuple[LinkType, ...]


class Links:
    """Who is associated with whom, always told from both sides."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._added: dict[tuple[str, str, str], dict[str, Types]] = {}
        self._removed: set[tuple[str, str, str, str]] = set()

    def of(self, kind: str, id: str, to: str) -> dict[str, Types]:
        """The records of kind `to` linked to this one, each with its association types, in order of id."""
        found = dict(self._born_with(kind, id, to))
        found |= self._added.get((kind, id, to), {})
        return dict(sorted(found.items(), key=lambda pair: int(pair[0]))) if len(found) > 1 else found

    def add(self, kind: str, id: str, to: str, to_id: str, *, primary: bool = False) -> None:
        """Link two records; a new primary one takes the place of the old."""
        self._add_one_way(kind, id, to, to_id, primary=primary)
        self._add_one_way(to, to_id, kind, id, primary=primary)
        if primary:
            for other in self.of(kind, id, to):
                if other != to_id:
                    self._demote(kind, id, to, other)

    def remove(self, kind: str, id: str, to: str, to_id: str) -> None:
        """End every association between two records."""
        for key, target in (((kind, id, to), to_id), ((to, to_id, kind), id)):
            self._added.get(key, {}).pop(target, None)
            self._removed.add((*key, target))

    def move(self, kind: str, loser: str, survivor: str) -> None:
        """Hang everything of a merged record on the one that survives."""
        for to in KINDS:
            for to_id, types in self.of(kind, loser, to).items():
                primary = len(types) > 1 and self.primary(kind, survivor, to) is None
                self.remove(kind, loser, to, to_id)
                if primary or to_id not in self.of(kind, survivor, to):
                    self.add(kind, survivor, to, to_id, primary=primary)

    def primary(self, kind: str, id: str, to: str) -> str | None:
        """The id of the primary linked record, if one is."""
        for to_id, types in self.of(kind, id, to).items():
            if len(types) > 1:
                return to_id
        return None

    def _born_with(self, kind: str, id: str, to: str) -> Iterable[tuple[str, Types]]:
        number = self._population.number_of(kind, id)
        if number is None:
            return
        types = LINK_TYPES.get((kind, to), ())
        for to_id, primary in self._population.links(kind, number, to):
            if (kind, id, to, to_id) not in self._removed:
                yield to_id, types if primary else types[:1]

    def _add_one_way(self, kind: str, id: str, to: str, to_id: str, *, primary: bool) -> None:
        types = LINK_TYPES[kind, to]
        self._removed.discard((kind, id, to, to_id))
        keeps = self.of(kind, id, to).get(to_id, types[:1])
        self._added.setdefault((kind, id, to), {})[to_id] = types if primary else keeps

    def _demote(self, kind: str, id: str, to: str, to_id: str) -> None:
        self._added.setdefault((kind, id, to), {})[to_id] = LINK_TYPES[kind, to][:1]
        self._added.setdefault((to, to_id, kind), {})[id] = LINK_TYPES[to, kind][:1]
