"""
CreateMultiple, UpdateMultiple, UpsertMultiple: many rows of one table in one transaction.

Any error rolls all of them back and does not say which row it was; there are no ETags here. Of a row that is named
twice UpdateMultiple does the first and passes over the rest without a word.
"""

from __future__ import annotations

from typing import Any

from connector.sandbox.dataverse import payload, reading, writing
from connector.sandbox.dataverse.errors import malformed, no_such_row, refused
from connector.sandbox.dataverse.request import ENTITLED, Request, segments
from connector.sandbox.dataverse.schema import Table
from connector.sandbox.exchange import Answer

_TYPE = "Microsoft.Dynamics.CRM."


def create(request: Request) -> Answer:
    """All new rows, or none."""
    table, targets = _asked(request, "CreateMultiple", "Create")
    environment = request.environment
    with environment.all_or_nothing():
        wanted = [payload.parsed(environment, table, one, creating=True) for one in targets]
        ids = [writing.made(request, table, one).id for one in wanted]
    return Answer(200, {"@odata.context": f"{request.base}/$metadata#Microsoft.Dynamics.CRM.Response", "Ids": ids})


def update(request: Request) -> Answer:
    """All changes, or none; of a row that is there twice, the first."""
    table, targets = _asked(request, "UpdateMultiple", "Write")
    environment, seen = request.environment, set[str]()
    with environment.all_or_nothing():
        for one in targets:
            wanted = payload.parsed(environment, table, one, creating=False)
            if wanted.id is None:
                raise refused("InvalidArgument", f"A target of UpdateMultiple has no {table.id_column}.")
            if wanted.id in seen:
                continue
            seen.add(wanted.id)
            row = environment.row(table.name, wanted.id)
            if row is None:
                raise no_such_row(table.name, wanted.id)
            writing.changed(request, table, row, wanted.values)
    return Answer(204)


def upsert(request: Request) -> Answer:
    """All rows made or changed, by id or alternate key; it does not say which was which."""
    table, targets = _asked(request, "CreateMultiple", "Create")
    request.may("Write", table)
    seen = set[str]()
    with request.environment.all_or_nothing():
        for one in targets:
            where = str(one.get("@odata.id") or f"{table.set_name}({one.get(table.id_column)})")
            if where in seen:
                raise refused("DuplicateRow", "The targets of UpsertMultiple name a row twice.")
            seen.add(where)
            _upsert_one(request, table, one, where)
    return Answer(204)


def _upsert_one(request: Request, table: Table, target: dict[str, Any], where: str) -> None:
    environment, (segment,) = request.environment, segments(where.rpartition("/")[2])
    key = {} if segment.id() else segment.pairs()
    if set(key) & set(target):
        raise refused("InvalidArgument", "The columns of a key are not repeated in the target.")
    row = environment.row(table.name, segment.id() or "") if not key else reading.by_key(request, key)
    wanted = payload.parsed(environment, table, target, creating=row is None)
    if row is not None:
        writing.changed(request, table, row, wanted.values)
        return
    wanted.id = segment.id() or wanted.id
    wanted.values |= {name: payload.stored(table, table.columns[name], text) for name, text in key.items()}
    writing.made(request, table, wanted)


def _asked(request: Request, message: str, right: str) -> tuple[Table, list[dict[str, Any]]]:
    """The table and the targets; Refusal where the table has no such message or a target is none."""
    table = request.table
    if message not in table.multiple:
        raise refused("NoSuchMessage", f"The '{message}' method does not support entities of type '{table.name}'.")
    request.may(right, table)
    targets = request.body().get("Targets")
    if not isinstance(targets, list) or not targets:
        raise refused("InvalidArgument", f"{message} wants a list of Targets.")
    for one in targets:
        if not isinstance(one, dict) or str(one.get("@odata.type", "")).lstrip("#") != f"{_TYPE}{table.name}":
            raise malformed(f"Every target of {message} has the @odata.type {_TYPE}{table.name}.")
    request.counted[ENTITLED] += len(targets) - 1
    return table, targets
