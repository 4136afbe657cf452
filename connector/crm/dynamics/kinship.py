"""
Which rows are one person, or one company: what was merged into what, and which lead belongs to which contact.

A row that was merged points to its master, a lead with a parent contact to that one; either may point on. The row at
the end speaks for all of them, and its record lists the others. Both ways are asked of the CRM each time: a lead gains
its parent before or after the contact is read, and nobody here has to remember which.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from connector.crm.dynamics.api import Call
from connector.crm.dynamics.asking import Question, answered, questions
from connector.crm.dynamics.derived import Row
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.names import CONTACT, MASTER, MERGED, TABLES, Table, is_id, looked_up
from connector.crm.dynamics.records import Teller, id_of, in_use

MASTER_KEY = looked_up(MASTER)


class Found(NamedTuple):
    """A row, and the table it stands in."""

    table: Table
    row: Row


class Tellers(NamedTuple):
    """How the rows of each table of a kind are read."""

    kind: str
    properties: tuple[str, ...]
    by_table: Mapping[str, Teller]

    @classmethod
    def of(cls, env: Environment, kind: str, properties: Sequence[str]) -> Tellers:
        """Those tables that the environment has."""
        shapes = ((table, env.schema.of(table)) for table in TABLES[kind])
        by_table = {t.name: Teller(kind, t, shape, properties) for t, shape in shapes if shape is not None}
        return cls(kind, tuple(properties), by_table)

    def renewed(self, env: Environment) -> Tellers:
        """The same for the tables as they are now: an admin has changed them."""
        for table in self.tables:
            env.schema.forget(table)
        return self.of(env, self.kind, self.properties)

    @property
    def tables(self) -> list[Table]:
        """In the order in which they are read."""
        return [teller.table for teller in self.by_table.values()]


def points_to(table: Table, row: Row) -> str | None:
    """The id of the row that this one is part of; None where it speaks for itself. One that was merged and does not
    say into what is part of nothing that could be found."""
    if table.merges and row.get(MERGED):
        return str(row.get(MASTER_KEY) or "").lower()
    parent = row.get(looked_up(table.parent)) if table.parent else None
    return str(parent).lower() if parent else None


def followed(env: Environment, tellers: Tellers, ids: Iterable[str]) -> dict[str, Found]:
    """The rows of these ids, and those that they are part of, all the way."""
    found: dict[str, Found] = {}
    asked, wanted = set[str](), {id for id in ids if is_id(id)}
    while wanted:
        asked |= wanted
        fresh = dict(_by_id(env, tellers, sorted(wanted)))
        found |= fresh
        wanted = {to for one in fresh.values() if (to := points_to(*one))} - asked
    return found


def _by_id(env: Environment, tellers: Tellers, ids: Sequence[str]) -> Iterable[tuple[str, Found]]:
    asked: list[Question] = []
    for teller in tellers.by_table.values():
        asked += questions(env, teller.table.set_name, teller.select, (teller.table.key,), ids)
    tables = {table.set_name: table for table in tellers.tables}
    for question, rows in answered(env, asked):
        table = tables[question.set_name]
        yield from ((id_of(table, row), Found(table, row)) for row in rows)


def speaks_for(found: Mapping[str, Found], id: str) -> str | None:
    """The id of the row that answers for this one; None where that is gone."""
    seen = {id}
    while (one := found.get(id)) is not None:
        to = points_to(*one)
        if to is None:
            return id
        if to in seen:
            return None
        seen.add(to)
        id = to
    return None


def alive(found: Mapping[str, Found], id: str) -> bool:
    """Whether this row is there and in use."""
    return id in found and in_use(*found[id])


# -- the other way round ---------------------------------------------------------------------------------


def anything_merged(env: Environment, tellers: Tellers) -> frozenset[str]:
    """The tables of a kind in which any row was ever merged: whoever is to ask after thousands need not where not."""
    asked = [
        Call(one.set_name, "read", query=(("$select", one.key), ("$filter", f"{MERGED} eq true"), ("$top", "1")))
        for one in tellers.tables
        if one.merges
    ]
    found = env.api.each(lambda call: (call.path, env.api.page(call)[0]), asked)
    sets = {set_name for set_name, rows in found if rows}
    return frozenset(table.name for table in tellers.tables if table.set_name in sets)


def members(
    env: Environment, tellers: Tellers, rows: Mapping[str, Table], merged: frozenset[str] | None = None
) -> dict[str, set[str]]:
    """For each of these rows, which speak for themselves, the ids of all that became part of it. `rows` says in which
    table each stands, `merged` which tables have merged rows at all (None: nobody looked)."""
    whose = {id: id for id in rows}
    found: dict[str, set[str]] = defaultdict(set)
    asked = dict(rows)
    while asked:
        fresh: dict[str, Table] = {}
        for id, table, to in _pointing(env, tellers, asked, merged):
            if id not in whose:
                whose[id] = whose[to]
                found[whose[to]].add(id)
                fresh[id] = table
        asked = fresh
    return found


def _pointing(
    env: Environment, tellers: Tellers, rows: Mapping[str, Table], merged: frozenset[str] | None
) -> Iterable[tuple[str, Table, str]]:
    """Rows that are part of one of these, each with its table and the one it points to."""
    asked: list[Question] = []
    contacts = sorted(id for id, table in rows.items() if table == CONTACT)
    for table in tellers.tables:
        parent = [looked_up(table.parent)] if table.parent else []
        select = ",".join([table.key, *parent, *([MERGED, MASTER_KEY] if table.merges else [])])
        if parent:
            asked += questions(env, table.set_name, select, parent, contacts)
        own = sorted(id for id, other in rows.items() if other == table)
        if own and table.merges and (merged is None or table.name in merged):
            asked += questions(env, table.set_name, select, [MASTER_KEY], own)
    tables = {table.set_name: table for table in tellers.tables}
    for question, answers in answered(env, asked):
        table = tables[question.set_name]
        for row in answers:
            to = points_to(table, row)
            if to is not None and to in rows:
                yield id_of(table, row), table, to
