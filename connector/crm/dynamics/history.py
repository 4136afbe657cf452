"""
Who changed a property: by the audit log where it is on, else by what a row says of its last writer.

An audit row names the columns that changed, the values stand in its details. Where nothing is audited a row tells of
its last writer alone, who may have changed any column. That is believed where there was no other writer, or where it
was a person: a person's doing is left alone, so to take another's for it overwrites nobody. What a program does in the
name of a user is the program's.
Names of people are never asked for.
Source: "Retrieve the history of audited data changes" of Microsoft's documentation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

from connector.crm import PropertyVersion
from connector.crm.dynamics.api import Call
from connector.crm.dynamics.asking import questions, rows_of
from connector.crm.dynamics.derived import Row
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.metadata import answers
from connector.crm.dynamics.names import ALIASES, CHANGED, CREATED, TABLES, Table, is_id, looked_up
from connector.crm.dynamics.records import id_of
from connector.crm.dynamics.refusals import Refused
from connector.crm.dynamics.schema import Column
from connector.crm.dynamics.values import instant, spelling
from connector.errors import Denied, NotFound

Versions = Mapping[str, tuple[PropertyVersion, ...]]

#: Audit rows whose values are looked up, of one record at most: the newest.
MOST = 25

_AUDIT = Table("audit", "audits", "auditid")
_OBJECT, _USER, _CALLER = looked_up("objectid"), looked_up("userid"), looked_up("callinguserid")
_AUDITED = ("auditid", "attributemask", CREATED, _USER, _OBJECT)
#: Of all that is audited, what gives columns their values: that a row was made, and that it was changed.
_CHANGES = "(operation eq 1 or operation eq 2)"

#: Who wrote a row last and who made it, each with who did so in their name: a program that acts as a user is the one
#: whose doing it is. Not every table has a column for that.
_CHANGER = (looked_up("modifiedby"), looked_up("modifiedonbehalfby"))
_MAKER = (looked_up("createdby"), looked_up("createdonbehalfby"))

#: An id that is nobody's.
_NOBODY = "00000000-0000-0000-0000-000000000000"

USER = Table("systemuser", "systemusers", "systemuserid")
#: How a user gets in: by no client at all, as services do.
_NON_INTERACTIVE = 4


class Entry(NamedTuple):
    """One audit row: the record, when it was, whose doing, and the numbers of the columns that changed."""

    id: str
    record: str
    at: str
    user: str
    numbers: frozenset[str]


def history(env: Environment, kind: str, ids: Sequence[str], properties: Sequence[str]) -> Mapping[str, Versions]:
    """What is known of who changed these properties, newest first; records that are gone are missing."""
    asked = [id for id in dict.fromkeys(ids) if is_id(id)]
    found: dict[str, Versions] = {}
    for table in TABLES[kind]:
        columns = _columns(env, table, properties)
        rows = _rows(env, table, asked, columns.values())
        entries = _entries(env, table, rows, columns.values())
        writers = [_user(row, keys) for row in rows for keys in (_CHANGER, _MAKER)]
        users = _Users(env, [*(one.user for one in entries), *writers])
        audited = _audited(env, entries, columns, users)
        for row in rows:
            id = id_of(table, row)
            last = _last(row, columns, users)
            found[id] = {name: _newest_first(audited[id].get(name, ()), last.get(name, ())) for name in properties}
    return found


def _newest_first(audited: Sequence[PropertyVersion], last: tuple[PropertyVersion, ...]) -> tuple[PropertyVersion, ...]:
    """What the log tells. Of two versions of one second the newer is the one that stands there; where that is none of
    them, it came in while nothing was audited, and the row says what it knows."""
    standing = [one.value for one in last]
    told = tuple(sorted(audited, key=lambda one: (one.at, one.value in standing), reverse=True))
    return told if told and (not last or told[0].value in standing) else (*last, *told)


def _columns(env: Environment, table: Table, properties: Sequence[str]) -> dict[str, Column]:
    shape = env.schema.of(table)
    known = shape.columns if shape is not None else {}
    named = ((name, known.get(ALIASES.get((table.name, name), name))) for name in properties)
    return {name: column for name, column in named if column is not None}


def _rows(env: Environment, table: Table, ids: Sequence[str], columns: Iterable[Column]) -> list[Row]:
    shape = env.schema.of(table)
    if shape is None:
        return []
    writers = [column.key for column in shape.columns.values() if column.key in (*_CHANGER, *_MAKER)]
    keys = [table.key, CREATED, CHANGED, *writers, *(column.key for column in columns)]
    asked = questions(env, table.set_name, ",".join(dict.fromkeys(keys)), (table.key,), ids)
    return list(rows_of(env, asked))


# -- the audit log ---------------------------------------------------------------------------------------


def _entries(env: Environment, table: Table, rows: Sequence[Row], columns: Iterable[Column]) -> list[Entry]:
    """The audit rows that are about these columns, newest first, of each record the newest few."""
    if not rows:
        return []
    wanted = frozenset(_numbers(env, table, columns).values())
    select, ids = ",".join(_AUDITED + _calling(env)), [id_of(table, row) for row in rows]
    asked = questions(env, _AUDIT.set_name, select, (_OBJECT,), ids, only=_CHANGES)
    try:  # question by question: what a few records went through in their lives may be many rows
        found = list(env.api.each(lambda question: _newest(rows_of(env, [question]), wanted), asked))
    except (NotFound, Refused):
        return []
    except Denied as error:
        if error.code != "scope":
            raise
        return []  # whoever may not read the log is told by check; the rows tell of their last writers
    return [entry for those in found for entry in those]


def _calling(env: Environment) -> tuple[str, ...]:
    """The column of who acted in a user's name, where the log has it."""
    shape = env.schema.of(_AUDIT)
    return (_CALLER,) if shape is not None and any(one.key == _CALLER for one in shape.columns.values()) else ()


def _newest(rows: Iterable[Row], wanted: Set[str]) -> list[Entry]:
    """The newest few entries of each record that are about these columns, by their numbers."""
    of_record: dict[str, list[Entry]] = defaultdict(list)
    for row in rows:
        entry = _entry(row)
        if entry.numbers & wanted:
            of_record[entry.record].append(entry)
    return [
        one for those in of_record.values() for one in sorted(those, key=lambda entry: entry.at, reverse=True)[:MOST]
    ]


def _entry(row: Row) -> Entry:
    numbers = frozenset(part.strip() for part in str(row.get("attributemask") or "").split(","))
    record, user = str(row.get(_OBJECT) or "").lower(), _user(row, (_USER, _CALLER))
    return Entry(str(row["auditid"]), record, str(row.get(CREATED) or ""), user, numbers)


def _numbers(env: Environment, table: Table, columns: Iterable[Column]) -> dict[str, str]:
    """Column -> its number, by which audit rows name it."""
    wanted = {column.name for column in columns}
    path = f"EntityDefinitions(LogicalName='{table.name}')/Attributes"
    facts = env.api.page(Call(path, "metadata", query=(("$select", "LogicalName,ColumnNumber"),)))[0]
    return {str(one["LogicalName"]): str(one.get("ColumnNumber")) for one in facts if one.get("LogicalName") in wanted}


def _audited(
    env: Environment, entries: Sequence[Entry], columns: Mapping[str, Column], users: _Users
) -> Mapping[str, Versions]:
    path = f"{_AUDIT.set_name}({{}})/Microsoft.Dynamics.CRM.RetrieveAuditDetails"
    calls = [Call(path.format(one.id), "history") for one in entries]
    found: dict[str, dict[str, tuple[PropertyVersion, ...]]] = defaultdict(lambda: defaultdict(tuple))
    try:
        told = answers(env, calls)
    except Refused:
        return found
    except Denied as error:
        if error.code != "scope":
            raise
        return found  # the list and the details of the log are two rights: without the second, as without the first
    for entry, answer in zip(entries, told, strict=True):
        for name, version in _versions(entry, (answer or {}).get("AuditDetail"), columns, users):
            found[entry.record][name] += (version,)
    return found


def _versions(
    entry: Entry, detail: Any, columns: Mapping[str, Column], users: _Users
) -> Iterator[tuple[str, PropertyVersion]]:
    """The versions in one audit row: a column that it names and that has no new value was emptied."""
    at = instant(entry.at)
    if not isinstance(detail, dict) or at is None:
        return
    old, new = (part if isinstance(part := detail.get(key), dict) else {} for key in ("OldValue", "NewValue"))
    for name, column in columns.items():
        if column.key in new or column.key in old:
            by, source, called = users.told(entry.user)
            yield name, PropertyVersion(_told(column, new.get(column.key)), at, by, source, called)


# -- the last writer -------------------------------------------------------------------------------------


def _last(row: Row, columns: Mapping[str, Column], users: _Users) -> Versions:
    """What a row says of its last writer, as far as that can be said of every column of it."""
    changed = instant(row.get(CHANGED))
    if changed is None:
        return {}
    untouched = changed == instant(row.get(CREATED))
    by, source, called = users.told(_user(row, _MAKER if untouched else _CHANGER))
    if not untouched and by != "person":
        by, source, called = "unknown", "", ""
    return {
        name: (PropertyVersion(_told(column, row.get(column.key)), changed, by, source, called),)
        for name, column in columns.items()
    }


class _Users:
    """Who the users are that wrote: people, or programs."""

    def __init__(self, env: Environment, ids: Iterable[str]) -> None:
        wanted = sorted({id for id in ids if is_id(id)})
        shape = env.schema.of(USER) if wanted else None
        facts = [name for name in _FACTS if shape is not None and name in shape.columns]
        asked = questions(env, USER.set_name, ",".join([USER.key, *facts]), (USER.key,), wanted) if shape else []
        self._known = {id_of(USER, row): row for row in rows_of(env, asked)}

    def told(self, id: str) -> tuple[str, str, str]:
        """Who this is, in the words of PropertyVersion: by, source, and what a program is called."""
        row = self._known.get(id)
        if row is None:
            return "unknown", f"user {id}".strip(), ""
        if row.get("applicationid"):
            return "integration", f"application_user {id}", str(row.get("applicationid"))
        if row.get("accessmode") == _NON_INTERACTIVE:
            return "integration", f"user {id}", ""
        return "person", f"user {id}", ""


_FACTS = ("applicationid", "accessmode")


def _user(row: Row, keys: tuple[str, str]) -> str:
    """Whose doing it is: of a user in whose name somebody else acted, that other one."""
    ids = [str(row.get(key) or "").lower() for key in keys]
    return next((id for id in reversed(ids) if id and id != _NOBODY), "")


def _told(column: Column, value: Any) -> str | None:
    spell = spelling(column)
    return value if value is None or spell is None else spell(value)
