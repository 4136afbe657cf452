"""Reading rows: one of them, pages of them, how many there are, what changed since."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from typing import Any

from connector.sandbox.dataverse import filters, links, query
from connector.sandbox.dataverse.errors import malformed, no_such_row, refused
from connector.sandbox.dataverse.links import Place
from connector.sandbox.dataverse.preferences import SCHEMA_VERSION, Preferences
from connector.sandbox.dataverse.request import Request, alternate
from connector.sandbox.dataverse.rows import Row
from connector.sandbox.dataverse.schema import Table
from connector.sandbox.exchange import Answer
from connector.sandbox.mangling import thinned

#: Counts end here, whatever there is.
_MOST_COUNTED = 5000
_READ = ("$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken")


def one(request: Request) -> Answer:
    """A single row by id or alternate key."""
    request.check_options("$select", "$expand")
    table = request.table
    request.may("Read", table)
    if not table.retrieve:
        raise refused("NoSuchMessage", f"The 'Retrieve' method does not support entities of type '{table.name}'.")
    row = row_of(request)
    prefer = request.prefer
    unseen = request.call.headers.get("if-none-match", "")
    if table.versions and unseen == row.etag and not request.option("$expand") and not prefer.annotations:
        return Answer(304, None, {"ETag": row.etag})
    told = query.telling(request, table, prefer)(row)
    request.counted["rows"] += 1
    context = f"{request.base}/$metadata#{table.set_name}{_told_columns(request)}/$entity"
    headers = {"ETag": row.etag, **prefer.applied()} if table.versions else prefer.applied()
    return Answer(200, {"@odata.context": context, **told}, headers)


def row_of(request: Request) -> Row:
    """The living row that the path names; Refusal 404 when there is none."""
    table, first = request.table, request.segments[0]
    id = first.id()
    if id is not None:
        row = request.environment.row(table.name, id)
        if row is None:
            raise no_such_row(table.name, id)
        return row
    row = by_key(request, alternate(table, first.pairs()))
    if row is None:
        raise refused("KeyNotFound", f"A record with the specified key values does not exist in {table.name} entity")
    return row


def by_key(request: Request, key: dict[str, str]) -> Row | None:
    """The row of an alternate key."""
    for row in request.environment.shelf(request.table.name).rows():
        if all(str(row.values.get(name)).lower() == value.lower() for name, value in key.items()):
            return row
    return None


def several(request: Request) -> Answer:
    """A page of rows, of a tracked read or not; what changed since, where the link says so."""
    table, prefer = request.table, request.prefer
    request.may("Read", table)
    if request.option("$deltatoken") is not None:
        return _changes(request, table, prefer)
    if prefer.track_changes:
        _may_be_tracked(request, table)
    request.check_options(*_READ)
    where = links.place(request)
    size = _page_size(request, prefer)
    top = _top(request) if prefer.page is None else None  # with a page size, $top goes unheard
    test, order = query.meant(request, table), query.ordered(request, table)
    found = _found(request, table, where, test, order)
    rows = list(islice(found, (size if top is None else top) + 1))
    page = rows[: size if top is None else top]
    more = top is None and (len(rows) > size or (request.environment.switches.empty_last_page and len(page) == size))
    body = _page(request, table, prefer, page, "")
    if request.option("$count") == "true":
        body["@odata.count"] = _count(request, table, test)
    since = where.since or request.environment.version
    if more:
        keys = order.keys(page[-1]) if order else ()
        following = Place(where.page + 1, page[-1].id, keys, since=since if prefer.track_changes else 0)
        body["@odata.nextLink"] = links.next_link(request, following, tracking=prefer.track_changes)
    elif prefer.track_changes and not _link_is_lost(request, prefer):
        body["@odata.deltaLink"] = links.delta_link(request, since)
    return Answer(200, body, prefer.applied())


def count(request: Request) -> Answer:
    """How many rows there are, or how many changed: `leads/$count`."""
    request.check_options("$select", "$filter", "$deltatoken")
    table = request.table
    request.may("Read", table)
    if request.option("$deltatoken") is not None:
        since, shelf = links.delta_version(request), request.environment.shelf(table.name)
        return _number(len(shelf.changed_since(since)) + len(shelf.gone_since(since)))
    return _number(_count(request, table, query.meant(request, table)))


def _number(number: int) -> Answer:
    return Answer(200, str(number).encode(), {"content-type": "text/plain"})


def _found(
    request: Request, table: Table, where: Place, test: filters.Test | None, order: query.Order | None
) -> Iterator[Row]:
    """The rows from a place on, in their order."""
    shelf = request.environment.shelf(table.name)
    text = request.option("$filter") or ""
    asked = filters.pointed_at(text)
    pointing = shelf.among(asked, table.id_column) if asked else None
    if text == "merged eq true":  # which nobody is born as
        pointing = iter(sorted(shelf.written(), key=lambda row: row.id))
    if order is None:
        rows = (row for row in pointing if row.id > where.after) if pointing is not None else shelf.rows(where.after)
        return (row for row in rows if test is None or test(row))
    rows = shelf.rows() if pointing is None else pointing
    return _sorted(request, where, order, (row for row in rows if test is None or test(row)))


def _sorted(request: Request, where: Place, order: query.Order, rows: Iterator[Row]) -> Iterator[Row]:
    """The rows of a sorted read from a place on; while nothing is written, the next page need not sort anew."""
    environment, shelf = request.environment, request.environment.shelf(request.table.name)
    about = (links.signature(request), environment.version)
    if environment.sorted_before[0] != about:
        environment.sorted_before = (about, order.sort(rows))
    everyone = environment.sorted_before[1]

    def follows(one: query.Sorted) -> bool:
        return order.compare(one.keys, one.id, where.keys, where.after) > 0

    first = bisect_left(everyone, True, key=follows) if where.after else 0
    found = (shelf.row(one.id) for one in islice(everyone, first, None))
    return (row for row in found if row is not None)


def _page(request: Request, table: Table, prefer: Preferences, rows: list[Row], suffix: str) -> dict[str, Any]:
    """The body of a page: what it is about, and the rows."""
    environment = request.environment
    tell = query.telling(request, table, prefer)
    told = thinned([tell(row) for row in rows], environment.switches.lost_rows_every, environment.passed, table.name)
    request.counted["rows"] += len(rows)
    context = f"{request.base}/$metadata#{table.set_name}{_told_columns(request)}{suffix}"
    schema = {f"@{SCHEMA_VERSION}": str(environment.schema_version)} if prefer.wants(SCHEMA_VERSION) else {}
    return {"@odata.context": context, **schema, "value": told}


def _told_columns(request: Request) -> str:
    text = request.option("$select")
    return f"({text})" if text else ""


def _count(request: Request, table: Table, test: filters.Test | None) -> int:
    shelf = request.environment.shelf(table.name)
    if test is None:
        return min(_MOST_COUNTED, shelf.count())
    return sum(1 for _ in islice(filter(test, shelf.rows()), _MOST_COUNTED))


def _page_size(request: Request, prefer: Preferences) -> int:
    most = request.environment.switches.page_limit
    return min(prefer.page or most, most)


def _top(request: Request) -> int | None:
    text = request.option("$top")
    if text is None:
        return None
    if not text.isdigit():
        raise malformed(f"$top is a number, not {text!r}.")
    return min(int(text), _MOST_COUNTED)


# -- change tracking -------------------------------------------------------------------------------------


def _may_be_tracked(request: Request, table: Table) -> None:
    if not table.change_tracking:
        raise refused("NotTracked", f"Entity {table.name} isn't enabled for change tracking.")
    for option in ("$filter", "$orderby", "$expand", "$top"):
        if request.option(option) is not None:
            raise malformed(f"The {option} query option is not supported with the odata.track-changes preference.")


def _link_is_lost(request: Request, prefer: Preferences) -> bool:
    return bool(prefer.annotations) and request.environment.switches.annotations_cost_link


def _changes(request: Request, table: Table, prefer: Preferences) -> Answer:
    """What changed since a version: written rows with the oldest change first, then deleted ones."""
    request.check_options("$select", "$deltatoken", "$skiptoken")
    if not table.change_tracking:
        raise refused("NotTracked", f"Entity {table.name} isn't enabled for change tracking.")
    since, where, environment = links.delta_version(request), links.place(request), request.environment
    until = where.since or environment.version
    selected = {column.name for column in query.selected(environment, table, request.option("$select"))}
    watched = None if environment.switches.delta_unselected else frozenset(selected)
    shelf = environment.shelf(table.name)
    rows = [] if where.gone else shelf.changed_since(max(since, where.version), watched)
    gone = shelf.gone_since(max(since, where.version) if where.gone else since)
    size = _page_size(request, prefer)
    page, left = rows[:size], gone[: max(0, size - len(rows))]
    if not (rows or gone) and environment.switches.delta_empty == "bare":
        return Answer(200, {}, prefer.applied())
    body = _page(request, table, prefer, page, "/$delta")
    body["value"] += [_told_gone(request, table, id) for _, id in left]
    if len(rows) > len(page) or len(gone) > len(left):
        body["@odata.nextLink"] = links.next_link(request, _after(where, page, left, rows, until), tracking=True)
    elif not _link_is_lost(request, prefer):
        body["@odata.deltaLink"] = links.delta_link(request, until)
    return Answer(200, body, prefer.applied())


def _after(where: Place, page: list[Row], left: list[tuple[int, str]], rows: list[Row], until: int) -> Place:
    """Where the next page of changes begins."""
    telling_gone = len(page) == len(rows)
    if not telling_gone:
        return Place(where.page + 1, version=page[-1].version, since=until)
    return Place(where.page + 1, version=left[-1][0] if left else 0, gone=True, since=until)


def _told_gone(request: Request, table: Table, id: str) -> dict[str, Any]:
    context = f"{request.base}/$metadata#{table.set_name}/$deletedEntity"
    return {"@odata.context": context, "id": id, "reason": "deleted"}
