"""Writing single rows: create, update or create ("upsert"), delete, one property; with what their headers demand."""

from __future__ import annotations

from typing import Any

from connector.sandbox.dataverse import payload, plugins, query, reading, states
from connector.sandbox.dataverse.errors import no_such_row, refused
from connector.sandbox.dataverse.payload import Payload
from connector.sandbox.dataverse.request import Request, alternate
from connector.sandbox.dataverse.rows import Row, Value
from connector.sandbox.dataverse.schema import Ref, Table
from connector.sandbox.exchange import Answer, Refusal


def create(request: Request) -> Answer:
    """POST of a set: a new row."""
    table = _writable(request)
    request.may("Create", table)
    wanted = payload.parsed(request.environment, table, request.body(), creating=True)
    return _answered(request, table, made(request, table, wanted), created=True)


def update(request: Request) -> Answer:
    """PATCH of a row: changes it, or makes it where it is missing and no header forbids that."""
    table, first = _writable(request), request.segments[0]
    id = first.id()
    row = request.environment.row(table.name, id) if id else reading.by_key(request, alternate(table, first.pairs()))
    if not _may_write(request, table, row):
        request.may("Create", table)
        wanted = payload.parsed(request.environment, table, request.body(), creating=True)
        wanted.id = id or wanted.id
        if id is None:
            wanted.values |= _key_values(table, alternate(table, first.pairs()))
        return _answered(request, table, made(request, table, wanted), created=True)
    assert row is not None  # _may_write refuses or says False where there is none
    request.may("Write", table)
    wanted = payload.parsed(request.environment, table, request.body(), creating=False)
    return _answered(request, table, changed(request, table, row, wanted.values), created=False)


def delete(request: Request) -> Answer:
    """DELETE of a row."""
    request.check_options()
    table = _writable(request)
    request.may("Delete", table)
    row = reading.row_of(request)
    _check_version(request, table, row)
    plugins.run(request.environment, table.name, row.id, ())
    request.environment.delete(table.name, row.id, by=request.environment.app.id)
    count_write(request, table)
    return Answer(204)


def put_property(request: Request) -> Answer:
    """PUT of `contacts(id)/jobtitle`: one property, its value in `value`."""
    return _one_property(request, request.body().get("value"))


def delete_property(request: Request) -> Answer:
    """DELETE of `contacts(id)/jobtitle`: one property becomes empty."""
    return _one_property(request, None)


def _one_property(request: Request, value: Any) -> Answer:
    table = _writable(request)
    request.may("Write", table)
    row = reading.row_of(request)
    _check_version(request, table, row)
    wanted = payload.parsed(request.environment, table, {request.segments[1].name: value}, creating=False)
    changed(request, table, row, wanted.values)
    return Answer(204)


def made(request: Request, table: Table, wanted: Payload) -> Row:
    """A new row as it was wanted; Refusal where its id or key is taken, or the environment does not like it."""
    environment = request.environment
    if wanted.id and environment.row(table.name, wanted.id) is not None:
        raise refused("DuplicateRow", "Cannot insert duplicate key.")
    _check_key(request, table, wanted.values)
    status = wanted.values.get("statuscode")
    if status is not None and states.born(table, wanted.values)["statecode"] != 0:
        raise refused("BadStatus", f"{status} is not a valid status code for state code 0 on {table.name}.")
    _check_combinations(request, table, wanted.values)
    plugins.run(environment, table.name, wanted.id or "", wanted.values)
    row = environment.add(table.name, wanted.values, id=wanted.id, by=environment.app.id)
    for party in wanted.parties:
        environment.add("activityparty", {**party, "activityid": Ref(table.name, row.id)}, by=environment.app.id)
    count_write(request, table)
    return row


def changed(request: Request, table: Table, row: Row, values: dict[str, Value]) -> Row:
    """A row after a write; Refusal where its state, a rule or a plug-in forbids it."""
    environment = request.environment
    if row.values.get("merged"):
        raise refused("ReadOnlyRow", f"The {table.name} was merged into another one and cannot be updated.")
    settled = states.settled(environment, table, row, values)
    _check_combinations(request, table, {**row.values, **settled})
    plugins.run(environment, table.name, row.id, settled)
    written = environment.write(table.name, row.id, settled, by=environment.app.id)
    count_write(request, table)
    return written


def count_write(request: Request, table: Table) -> None:
    """One more row that the application user wrote."""
    request.environment.writes[table.name] += 1
    request.counted["rows"] += 1


def _writable(request: Request) -> Table:
    table = request.table
    if not table.writable:
        raise refused("NotSupported", f"The table {table.name} is filled by the system.")
    return table


def _may_write(request: Request, table: Table, row: Row | None) -> bool:
    """Whether there is a row to update; Refusal where the headers want it otherwise."""
    headers = request.call.headers
    if headers.get("if-none-match") == "*" and row is not None:
        raise refused("DuplicateRow", "A record with matching key values already exists.")
    if row is None and "if-match" in headers:
        segment = request.segments[0]
        if headers["if-match"] != "*" and request.environment.switches.missing_row == "412":
            raise _mismatch()
        raise no_such_row(table.name, segment.key or "")
    if row is None:
        return False
    _check_version(request, table, row)
    return True


def _check_version(request: Request, table: Table, row: Row) -> None:
    """Refusal 412 where the row is another than If-Match says."""
    wanted = request.call.headers.get("if-match", "*")
    if wanted == "*":
        return
    if not table.versions:
        raise refused("NoVersions", f"Optimistic concurrency isn't enabled for entity type {table.name}.")
    if wanted != row.etag:
        raise _mismatch()


def _mismatch() -> Refusal:
    return refused(
        "VersionMismatch", "The version of the existing record doesn't match the RowVersion property provided."
    )


def _check_key(request: Request, table: Table, values: dict[str, Value]) -> None:
    if table.key and all(name in values for name in table.key):
        key = {name: str(values[name]) for name in table.key}
        if reading.by_key(request, key) is not None:
            raise refused(
                "DuplicateKey", f"Entity Key {table.key_name} violated. A duplicate record cannot be created."
            )


def _key_values(table: Table, pairs: dict[str, str]) -> dict[str, Value]:
    """What the key of a path says, as columns; on create a differing body is passed over."""
    return {name: payload.stored(table, table.columns[name], text) for name, text in pairs.items()}


def _check_combinations(request: Request, table: Table, after: dict[str, Value]) -> None:
    """A business rule forbids certain values beside each other."""
    for name, values in request.environment.forbidden:
        if name == table.name and all(after.get(column) == value for column, value in values.items()):
            told = ", ".join(f"{column} {value}" for column, value in values.items())
            raise refused("PluginRefused", f"A rule of this environment forbids {told} beside each other.")


def _answered(request: Request, table: Table, row: Row, *, created: bool) -> Answer:
    prefer = request.prefer
    headers = {"OData-EntityId": f"{request.base}/{table.set_name}({row.id})"}
    if not prefer.representation:
        return Answer(204, None, headers)
    request.check_options("$select")
    told = query.telling(request, table, prefer)(row)
    request.counted["rows"] += 1
    context = f"{request.base}/$metadata#{table.set_name}/$entity"
    etag = {"ETag": row.etag} if table.versions else {}
    return Answer(201 if created else 200, {"@odata.context": context, **told}, {**headers, **etag, **prefer.applied()})
