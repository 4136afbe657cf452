"""
What changed since: the link that a tracked read left, or the time of change where a table is not tracked.

A link tells every row that was written or deleted after it, our own writes among them, and gives the next link, which
holds once everything was told. It ends after some days; then, and whenever it is refused, only a full scan knows what
happened meanwhile. By the time of change, deletions do not show, and a little of the past is read again each time: a
row's time is that of its writing, not of its becoming visible.
Sources: "Use change tracking to synchronize data with external systems" of Microsoft's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from connector.crm import LOST, Batch
from connector.crm.dynamics.api import NEXT, Call
from connector.crm.dynamics.cursors import Place, read, until, written
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.names import CHANGED, TABLES, Table, id_in, looked_up
from connector.crm.dynamics.records import id_of
from connector.crm.dynamics.refusals import Refused
from connector.crm.dynamics.scanning import DELTA
from connector.errors import CrmError, NotFound


def begin(env: Environment, kind: str, now: datetime) -> str:
    """A cursor from which every edit made after this moment will be seen."""
    tables = [table for table in TABLES[kind] if env.schema.of(table) is not None]
    settled = env.api.their_clock.now(now) - env.reading.settle
    place = Place(since=settled, until=settled)
    env.begun[kind] = cursor = written({table.name: place for table in tables})
    return cursor


def changes(env: Environment, kind: str, cursor: str, now: datetime) -> Iterator[Batch]:
    """The ids of what changed and of what is gone, a page a batch, table by table; a batch that ends a table carries
    the cursor behind it, the last one the instant up to which everything is known."""
    places, now = read(cursor), env.api.their_clock.now(now)
    if places is None:
        raise CrmError(f"the stored cursor of {kind} cannot be read; a full backfill sets it anew", code="cursor")
    for table in TABLES[kind]:
        if table.name not in places and env.schema.of(table) is not None:
            raise _lost(kind, f"nothing is known of the changes of {table.set_name}")
    for table in (one for one in TABLES[kind] if one.name in places):
        told, place = _Told(), _proved(env, kind, table, places[table.name])
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
    """What was told already, so that each row is told once."""

    ids: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def news(self, page: _Page) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Ids to be read, and those that are gone. Of a row that is told as changed and as deleted, be it restored or
        deleted meanwhile, only a look can tell: it is to be read, once more."""
        ids = tuple(id for id in dict.fromkeys(page.ids) if id not in self.ids)
        self.ids.update(ids)
        deleted = tuple(id for id in dict.fromkeys(page.gone) if id not in self.gone)
        self.gone.update(deleted)
        doubtful = tuple(id for id in deleted if id in self.ids and id not in ids)
        return (*ids, *doubtful), tuple(id for id in deleted if id not in self.ids)


# -- along links -----------------------------------------------------------------------------------------


def _along(env: Environment, kind: str, table: Table, place: Place, now: datetime) -> Iterator[_Page]:
    """Page by page to the link that follows; where none is given, nothing changed, and this one still holds."""
    at = place.link or ""
    while True:
        rows, beside = _changed(env, kind, table, at)
        following, delta = beside.get(NEXT), beside.get(DELTA)
        ids = [id_of(table, row) for row in rows if row.get(table.key) and not _is_nobodys(table, row)]
        gone = [id for row in rows if not row.get(table.key) and (id := id_in(row.get("id")))]
        gone += [id_of(table, row) for row in rows if row.get(table.key) and _is_nobodys(table, row)]
        if not isinstance(following, str):
            if not isinstance(delta, str) and (rows or at != place.link):
                raise _lost(kind, f"{table.set_name} gave no link to what follows")
            after = delta if isinstance(delta, str) else at
            env.api.prove(after)
            yield _Page(ids, gone, replace(place, link=after, until=now))
            return
        if following == at:
            raise CrmError(f"the changes of {table.set_name} do not advance", code="list_stuck")
        yield _Page(ids, gone, replace(place, link=following))
        at = following


def _is_nobodys(table: Table, row: Mapping[str, Any]) -> bool:
    """Whether a row says that it is none of the kind, which has to be somebody's: nobody need ask for it."""
    key = looked_up(table.whose)
    return bool(table.whose) and key in row and row[key] is None


def _proved(env: Environment, kind: str, table: Table, place: Place) -> Place:
    """A place from which reading can go on. A link to another host is never followed: the environment has moved since
    it was stored; and a column that came to the table later is none of those whose changes a link tells."""
    if place.link is None:
        return place
    if not env.api.leads_home(place.link):
        raise _lost(kind, f"the link to the changes of {table.set_name} leads to another host than environment_url")
    shape = env.schema.of(table) if place.lacking else None
    if new := [name for name in place.lacking if shape is not None and name in shape.columns]:
        raise _lost(kind, f"{table.set_name} did not have {', '.join(new)} then")
    return place


def _changed(env: Environment, kind: str, table: Table, link: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """As the link came, with no wish of ours beside it: a refusal would be taken for the end of the link."""
    try:
        return env.api.page(Call(link, "changes"), bare=True)
    except NotFound as error:
        raise _lost(kind, str(error)) from error
    except Refused as error:
        if not error.ends_a_link:
            raise
        env.schema.forget(table)  # whether it is tracked at all may have changed
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
