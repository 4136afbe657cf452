"""
Which records belong together: by the lookups of their rows, and by who takes part in an activity.

A lead is the contact's that it names. A deal is somebody's whose lookups name them; the deals of the account they work
for are not. An activity is theirs who take part in it; where nobody does whom we know, or the environment does not list
who does, it is theirs whom it regards. Parties and regarded people may be leads: the contact that a lead has become
part of stands for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from connector.crm import ACTIVITIES
from connector.crm.dynamics.asking import ANNOTATED, Question, questions, rows_of
from connector.crm.dynamics.derived import Row
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.kinship import Tellers, alive, followed, members, speaks_for
from connector.crm.dynamics.names import (
    ACCOUNT,
    CONTACT,
    DEAL,
    LEAD,
    MERGED,
    PARTIES,
    TABLES,
    TRACK,
    Table,
    is_id,
    looked_up,
)
from connector.crm.dynamics.records import id_of
from connector.crm.dynamics.refusals import Refused
from connector.errors import NotFound
from connector.log import get_logger
from connector.model import PRIMARY, Link

log = get_logger("connector.crm")

#: Roles of parties that tell whom an activity regards and whose it is, not who takes part in it.
_REGARDED, _OWNING = 8, 9

_REGARDED_AS = "regardingobjectid"
_REGARDING = looked_up(_REGARDED_AS)
_PARTY, _ACTIVITY = looked_up("partyid"), looked_up("activityid")
_PEOPLE = (CONTACT.name, LEAD.name)

Links = Mapping[str, tuple[Link, ...]]


def links(env: Environment, kind: str, ids: Sequence[str], to: str) -> Links:
    """Partners of each record; () where it has none."""
    asked = [id for id in dict.fromkeys(ids) if is_id(id)]
    found: Mapping[str, Mapping[str, tuple[str, ...]]] = {}
    if (kind, to) == ("contact", "company"):
        found = _companies(env, asked)
    elif (kind, to) == ("contact", "lead"):
        found = _leads(env, asked)
    elif (kind, to) == ("lead", "contact"):
        found = _people_of_leads(env, asked)
    elif (kind, to) == ("contact", "deal"):
        found = _deals(env, asked)
    elif (kind, to) == ("deal", "contact"):
        found = _people_of_deals(env, asked)
    elif kind == "contact" and to in ACTIVITIES:
        found = _activities(env, asked, to)
    elif kind in ACTIVITIES and to == "contact":
        found = {id: dict.fromkeys(people, ()) for id, people in _people_of(env, kind, asked).items()}
    else:
        raise ValueError(f"nothing links {kind} records to {to} records")
    return {id: tuple(Link(one, labels) for one, labels in sorted(found.get(id, {}).items())) for id in ids}


# -- companies and deals ---------------------------------------------------------------------------------


def _companies(env: Environment, ids: Sequence[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """A contact's parent may be another contact, which is no company."""
    asked: list[Question] = []
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for table in (CONTACT, LEAD):
        (column,) = table.links
        if _has(env, table, column):
            select = f"{table.key},{looked_up(column)}"
            asked += questions(env, table.set_name, select, (table.key,), ids, annotated=True)
    for row in rows_of(env, asked):
        table = CONTACT if row.get(CONTACT.key) else LEAD
        company = _pointed_at(row, looked_up(*table.links), (ACCOUNT.name,))
        if company is not None:
            found[id_of(table, row)] = {company: (PRIMARY,)}
    return found


def _leads(env: Environment, ids: Sequence[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """The leads of contacts, those that a contact had who became part of this one among them."""
    people = Tellers.of(env, "contact", ())
    known = {id: one.table for id, one in followed(env, people, ids).items() if one.table == CONTACT}
    whose = {part: id for id, parts in members(env, people, known).items() for part in parts} | {id: id for id in known}
    if not _has(env, TRACK, TRACK.whose):
        return {}
    key, found = looked_up(TRACK.whose), defaultdict[str, dict[str, tuple[str, ...]]](dict)
    for row in rows_of(env, questions(env, TRACK.set_name, f"{TRACK.key},{MERGED},{key}", (key,), list(whose))):
        if not row.get(MERGED):
            found[whose[str(row[key]).lower()]][id_of(TRACK, row)] = ()
    return found


def _people_of_leads(env: Environment, ids: Sequence[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    if not _has(env, TRACK, TRACK.whose):
        return {}
    people, key = Tellers.of(env, "contact", ()), looked_up(TRACK.whose)
    rows = list(rows_of(env, questions(env, TRACK.set_name, f"{TRACK.key},{key}", (TRACK.key,), ids)))
    parents = {id_of(TRACK, row): str(row[key]).lower() for row in rows if row.get(key)}
    found = followed(env, people, set(parents.values()))
    spoken_for = {id: speaks_for(found, parent) for id, parent in parents.items()}
    return {id: {whose: ()} for id, whose in spoken_for.items() if whose is not None and alive(found, whose)}


def _deals(env: Environment, ids: Sequence[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    keys = [looked_up(column) for column in DEAL.links if _has(env, DEAL, column)]
    found: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    wanted = set(ids)
    if keys:
        for row in rows_of(env, questions(env, DEAL.set_name, ",".join([DEAL.key, *keys]), keys, ids)):
            for person, labels in _named(row).items():
                if person in wanted:
                    found[person][id_of(DEAL, row)] = labels
    return found


def _people_of_deals(env: Environment, ids: Sequence[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    keys = [looked_up(column) for column in DEAL.links if _has(env, DEAL, column)]
    asked = questions(env, DEAL.set_name, ",".join([DEAL.key, *keys]), (DEAL.key,), ids, annotated=True) if keys else []
    return {id_of(DEAL, row): _named(row) for row in rows_of(env, asked)}


def _named(row: Row) -> dict[str, tuple[str, ...]]:
    """The contacts that a deal names, each with the lookups that do: they are the labels of the links."""
    found: dict[str, tuple[str, ...]] = {}
    for column in DEAL.links:
        person = _pointed_at(row, looked_up(column), (CONTACT.name,))
        if person is not None:
            found[person] = (*found.get(person, ()), column)
    return found


def _pointed_at(row: Row, key: str, tables: Iterable[str]) -> str | None:
    """Where a lookup points, if that is a row of one of these tables or nobody says."""
    id, table = row.get(key), row.get(f"{key}@{ANNOTATED}")
    return str(id).lower() if id and (table is None or table in tables) else None


def _has(env: Environment, table: Table, column: str) -> bool:
    shape = env.schema.of(table)
    return shape is not None and column in shape.columns


# -- activities ------------------------------------------------------------------------------------------


def _activities(env: Environment, ids: Sequence[str], to: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """The activities of people: those that any row of theirs takes part in or is regarded by, and that are theirs."""
    people = Tellers.of(env, "contact", ())
    parts = members(env, people, {id: one.table for id, one in followed(env, people, ids).items()})
    rows = [*ids, *(part for id in ids for part in parts.get(id, ()))]
    (table,) = TABLES[to]
    if not _has(env, table, _REGARDED_AS):
        return {}
    regarding = questions(env, table.set_name, table.key, (_REGARDING,), rows)
    taking_part = questions(env, PARTIES, _ACTIVITY, (_PARTY,), rows)
    candidates = {id_of(table, row) for row in rows_of(env, regarding)}
    candidates |= {str(row[_ACTIVITY]).lower() for row in _listed(env, taking_part) if row.get(_ACTIVITY)}
    wanted, found = set(ids), defaultdict[str, dict[str, tuple[str, ...]]](dict)
    for activity, those in _people_of(env, to, sorted(candidates)).items():
        for person in wanted.intersection(those):
            found[person][activity] = ()
    return found


def _people_of(env: Environment, kind: str, ids: Sequence[str]) -> dict[str, list[str]]:
    """The people of activities of one kind; those of other kinds are not answered."""
    (table,) = TABLES[kind]
    if not _has(env, table, _REGARDED_AS):
        return {}
    asked = questions(env, table.set_name, f"{table.key},{_REGARDING}", (table.key,), ids, annotated=True)
    regarded = {id_of(table, row): _pointed_at(row, _REGARDING, _PEOPLE) for row in rows_of(env, asked)}
    parties = _parties(env, list(regarded))
    rows = {id: parties.get(id) or ([one] if one else []) for id, one in regarded.items()}
    people = Tellers.of(env, "contact", ())
    found = followed(env, people, {row for those in rows.values() for row in those})
    return {
        id: sorted({whose for row in those if (whose := speaks_for(found, row)) is not None})
        for id, those in rows.items()
    }


def _parties(env: Environment, ids: Sequence[str]) -> dict[str, list[str]]:
    """The people who take part in activities: contacts and leads."""
    select = f"{_ACTIVITY},{_PARTY},participationtypemask"
    found: dict[str, list[str]] = defaultdict(list)
    for row in _listed(env, questions(env, PARTIES, select, (_ACTIVITY,), ids, annotated=True)):
        person = _pointed_at(row, _PARTY, _PEOPLE)
        if person is not None and row.get("participationtypemask") not in (_REGARDED, _OWNING):
            found[str(row[_ACTIVITY]).lower()].append(person)
    return found


def _listed(env: Environment, asked: Sequence[Question]) -> list[Row]:
    """Rows about parties; none where the environment has no such list."""
    try:
        return list(rows_of(env, asked))
    except NotFound:
        pass
    except Refused as error:
        if error.code != "not_supported":
            raise
    log.info("this environment does not list who takes part in activities: they are theirs whom they regard")
    return []
