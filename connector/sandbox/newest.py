"""
The search everybody may ask of a large account, answered without looking at each record: how many are there, and
which has the highest id?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import merge
from itertools import islice
from typing import Any

from connector.sandbox.records import Row
from connector.sandbox.search import Hits, Search
from connector.sandbox.world import World


def newest(world: World, kind: str, request: Mapping[str, Any], search: Search) -> Hits | None:
    """The answer to a search without filters, from the highest id down; None for any other search."""
    order = [{"propertyName": "hs_object_id", "direction": "DESCENDING"}]
    whole = not any(group.get("filters") for group in request.get("filterGroups", []))
    seen_otherwise = search.until is not None or world.switches.search_ghosts
    if seen_otherwise or not whole or request.get("sorts") != order or request.get("after"):
        return None
    limit, total = int(request.get("limit", 10)), world.count(kind)
    return Hits(total, list(islice(_downwards(world, kind), limit)), str(limit) if limit < total else None)


def _downwards(world: World, kind: str) -> Iterator[Row]:
    population, written = world.population, world.written_rows(kind)
    generated = (int(population.id_of(kind, number)) for number in reversed(range(population.count(kind))))
    others = sorted((int(id) for id in written if population.number_of(kind, id) is None), reverse=True)
    for id in merge(generated, others, reverse=True):
        row = world.living(kind, str(id))
        if row is not None and not world.is_merged_away(kind, row.id):
            yield row
