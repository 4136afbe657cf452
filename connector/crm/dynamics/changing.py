"""
What changed since: the link that a tracked read left, or the time of change where a table is not tracked.

A link tells every row that was written or deleted after it, our own writes among them, and gives the next link, which
holds once everything was told. It ends after some days; then, and whenever it is refused, only a full scan knows what
happened meanwhile. By the time of change, deletions do not show, and a little of the past is read again each time: a
row's time is that of its writing, not of its becoming visible.
Sources: "Use change tracking to synchronize data with external systems" of Microsoft's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connector.crm import LOST, Batch
from connector.crm.dynamics.api import NEXT, Call
from connector.crm.dynamics.cursors import Place, read, until, written
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.names import CHANGED, TABLES, Table, id_in
from connector.crm.dynamics.records import id_of
from connector.crm.dynamics.refusals import Refused
from connector.crm.dynamics.scanning import DELTA
from connector.errors import CrmError, NotFound


def begin(env: Environment, kind: str, now: datetime) -> str:
    """A cursor from which every edit made after this moment will be seen."""
    settled = now - env.reading.settle
    place = Place(since=settled, until=settled)
    tables = [table for table in TABLES[kind] if env.schema.of(table) is not None]
    env.begun[kind] = cursor = written({table.name: place for table in tables})
    return cursor


def changes(env: Environment, kind: str, cursor: str, now: datetime) -> Iterator[Batch]:
    """The ids of what changed and of what is gone, a page a batch, table by table; a batch that ends a table carries
    the cursor behind it, the last one the instant up to which everything is known."""
    places = read(cursor)
    if places is None:
        raise CrmError(f"the stored cursor of {kind} cannot be read; a full backfill sets it anew", code="cursor")
    for table in TABLES[kind]:
        if table.name not in places and env.schema.of(table) is not None:
            raise _lost(kind, f"nothing is known of the changes of {table.set_name}")
    for table in (one for one in TABLES[kind] if one.name in places):
        told, place = _Told(), places[table.name]
        pages = _along(env, kind, table, place, now) if place.link else _since(env, table, place, now)
        for page in pages:
            ids, gone = told.news(page)
            places[table.name] = page.place or place
            complete = until(places)
            if ids or gone:
                mark = written(places) if page.place and complete else None
                yield Batch(ids, gone, mark, complete_until=complete if mark else None)
    yield Batch((), (), written(places), complete_until=until(places) or now)


@dataclass(frozen=True, slots=True)
class _Page:
    """Some changes of a table, and the place behind them where reading can go on from there."""

    ids: list[str]
    gone: list[str]
    place: Place | None


@dataclass(slots=True)
class _Told:
    """What was told already, so that each row is told once.

    A row that is told as changed and as deleted was deleted and came back, or has gone since: who reads it finds out.
    """

    ids: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def news(self, page: _Page) -> tuple[tuple[str, ...], tuple[str, ...]]:
        here, deleted = dict.fromkeys(page.ids), dict.fromkeys(page.gone)
        again = [id for id in deleted if id in self.ids and id not in self.gone]
        ids = tuple(dict.fromkeys([*(id for id in here if id not in self.ids), *again]))
        gone = tuple(id for id in deleted if id not in self.gone and id not in self.ids and id not in here)
        self.ids.update(ids)
        self.gone.update(deleted)
        return ids, gone


# -- along links -----------------------------------------------------------------------------------------


def _along(env: Environment, kind: str, table: Table, place: Place, now: datetime) -> Iterator[_Page]:
    """Page by page to the link that follows; where none is given, nothing changed, and this one still holds."""
    at = place.link or ""
    while True:
        rows, beside = _changed(env, kind, at)
        following, delta = beside.get(NEXT), beside.get(DELTA)
        ids = [id_of(table, row) for row in rows if row.get(table.key)]
        gone = [id for row in rows if not row.get(table.key) and (id := id_in(row.get("id")))]
        if not isinstance(following, str):
            if not isinstance(delta, str) and (rows or at != place.link):
                raise _lost(kind, f"{table.set_name} gave no link to what follows")
            yield _Page(ids, gone, Place(link=delta if isinstance(delta, str) else at, until=now))
            return
        if following == at:
            raise CrmError(f"the changes of {table.set_name} do not advance", code="list_stuck")
        yield _Page(ids, gone, Place(link=following, until=place.until))
        at = following


def _changed(env: Environment, kind: str, link: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """As the link came, with no wish of ours beside it: a refusal would be taken for the end of the link."""
    try:
        return env.api.page(Call(link, "changes"), bare=True)
    except NotFound as error:
        raise _lost(kind, str(error)) from error
    except Refused as error:
        if error.status >= 500:
            raise
        raise _lost(kind, str(error)) from error


def _lost(kind: str, why: str) -> CrmError:
    """Only a full scan tells what happened meanwhile."""
    return CrmError(f"what changed of the {kind} records since the last time is told no more: {why}", code=LOST)


# -- by the time of change -------------------------------------------------------------------------------


def _since(env: Environment, table: Table, place: Place, now: datetime) -> Iterator[_Page]:
    """Rows by their time of change, oldest first, so that whatever is edited meanwhile comes again at the end."""
    since = place.since or now
    from_ = (since - env.reading.look_back).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = (
        ("$select", table.key),
        ("$filter", f"{CHANGED} ge {from_}"),
        ("$orderby", f"{CHANGED} asc,{table.key} asc"),
    )
    call = Call(table.set_name, "changes", query=query, headers={"Prefer": f"odata.maxpagesize={env.reading.page}"})
    at: str | None = None
    while True:
        rows, beside = env.api.page(call)
        ids, following = [id_of(table, row) for row in rows], beside.get(NEXT)
        if not isinstance(following, str):
            settled = max(since, now - env.reading.settle)
            yield _Page(ids, [], Place(since=settled, until=settled))
            return
        if following == at:
            raise CrmError(f"the changes of {table.set_name} do not advance", code="list_stuck")
        yield _Page(ids, [], None)
        at, call = following, Call(following, "changes", headers=call.headers)
