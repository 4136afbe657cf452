"""
Full scans and reads by id: the two ways to current values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.crm import Page
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.kinship import Tellers, alive, followed, members, speaks_for
from connector.crm.dynamics.records import ETAG
from connector.crm.dynamics.refusals import Refused
from connector.crm.dynamics.scanning import Scan
from connector.model import Record


def scan(
    env: Environment, kind: str, properties: Sequence[str], *, after: str | None, archived: bool, alone: bool
) -> Iterator[Page]:
    """Every record, a page at a time: those in use, or the others."""
    return Scan(env, Tellers.of(env, kind, properties), after=after, archived=archived, alone=alone).pages()


def read(env: Environment, kind: str, ids: Sequence[str], properties: Sequence[str]) -> Iterator[Record]:
    """Current values of these records, each once, in no promised order. Whoever is deleted or not in use is missing;
    what became part of another is answered for by that one."""
    asked = list(dict.fromkeys(ids))
    if not asked:
        return
    tellers = Tellers.of(env, kind, properties)
    try:
        found = followed(env, tellers, asked)
    except Refused as error:
        if error.code != "property_missing":
            raise
        tellers = tellers.renewed(env)
        found = followed(env, tellers, asked)
    answers = {id: whose for id in asked if (whose := speaks_for(found, id)) is not None and alive(found, whose)}
    parts = members(env, tellers, {id: found[id].table for id in answers.values()})
    for id, whose in answers.items():
        if id != whose:
            parts[whose].add(id)
    for id in {*asked, *found} - set(answers.values()):
        env.versions.forget(id)  # nothing is written to what does not speak for itself
    for whose in dict.fromkeys(answers.values()):
        table, row = found[whose]
        env.versions.remember(whose, table, row.get(ETAG))
        yield tellers.by_table[table.name].record(row, parts.get(whose, ()))
