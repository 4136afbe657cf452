"""
A full scan: every row of the tables of a kind, several tables at once, each page by page along the server's links.

Where the environment tracks changes of a table, its scan asks for that too: then its last page brings the link to
whatever changes from the scan's beginning on. Such a read cannot be filtered, so rows that are not told are left out
here: those out of use, and those that are part of others, which list them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from typing import Any

from connector.crm import Page
from connector.crm.dynamics.api import NEXT, Call
from connector.crm.dynamics.counting import at_least
from connector.crm.dynamics.cursors import Mark, Place, Places, Stretch, read, written
from connector.crm.dynamics.derived import Row
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.kinship import Tellers, anything_merged, members, points_to
from connector.crm.dynamics.names import STATE, Table
from connector.crm.dynamics.records import ETAG, Teller, id_of, in_use
from connector.crm.dynamics.refusals import Refused
from connector.errors import CrmError, NotFound
from connector.log import get_logger
from connector.model import Record

DELTA = "@odata.deltaLink"

log = get_logger("connector.crm")

#: The rows of a page and what stands beside them, and when it was asked for.
Coming = tuple[Future[tuple[list[dict[str, Any]], dict[str, Any]]], float]


class Scan:
    """One full scan, from its beginning or from a mark."""

    def __init__(self, env: Environment, tellers: Tellers, *, after: str | None, archived: bool, alone: bool) -> None:
        self._env, self._tellers = env, tellers
        self._archived, self._alone = archived, alone
        self._coming: dict[str, Coming] = {}
        self._resumed = set[str]()  # tables whose next page is the first that is asked for by a link of another run
        self._merged: frozenset[str] | None = None  # the tables with merged rows, once that is known
        self._again, self._renewed = False, False
        self._warnings: list[str] = []  # to be told on the next page
        self._mark = self._begun(after)

    def pages(self) -> Iterator[Page]:
        """Page after page; the one that follows is under way while the caller works on one."""
        try:
            if not self._mark.stretches:
                yield Page((), None)
            while open_ := self._open():
                if self._alone:
                    self._fetch(open_[0])
                else:
                    for table in open_:
                        self._fetch(table)
                page = self._told(open_[0])
                if page is not None:
                    yield page
        finally:
            self._drop()

    # -- where it stands ----------------------------------------------------------------------------------

    def _begun(self, after: str | None) -> Mark:
        names = [table.name for table in self._tellers.tables if table.deactivates or not self._archived]
        mark = Mark.of(after) if after is not None else None
        if mark is not None and list(mark.stretches) == names and all(map(self._leads_home, mark.stretches.values())):
            self._resumed = {name for name, one in mark.stretches.items() if one.link is not None}
            self._again = any(one.second for one in mark.stretches.values())
            return mark
        if after is not None:
            self._say_again("the stored place is not understood")
        return Mark({name: Stretch() for name in names}, begun=self._env.begun.get(self._tellers.kind))

    def _leads_home(self, stretch: Stretch) -> bool:
        """Whether the links of a stored place are those of this environment: it may have moved meanwhile."""
        links = (stretch.link, stretch.changes.link if stretch.changes else None)
        return all(link is None or self._env.api.leads_home(link) for link in links)

    def _open(self) -> list[Table]:
        """The tables that are not through, the one whose turn it is first."""
        tables = [table for table in self._tellers.tables if table.name in self._mark.stretches]
        turn = self._mark.turn % max(1, len(tables))
        return [table for table in (*tables[turn:], *tables[:turn]) if not self._mark.stretches[table.name].done]

    def _say_again(self, why: str) -> None:
        kind = self._tellers.kind
        self._again = True
        self._warn(f"the list of {kind} records is read from its beginning: {why}")

    def _warn(self, what: str) -> None:
        self._warnings.append(what)
        log.warning(what)

    # -- asking -------------------------------------------------------------------------------------------

    def _fetch(self, table: Table) -> None:
        """The next page of a table is under way."""
        if table.name not in self._coming:
            call = self._call(table, self._mark.stretches[table.name].link)
            self._coming[table.name] = self._env.api.ahead(lambda: self._env.api.page(call)), self._env.api.clock()

    def _call(self, table: Table, link: str | None) -> Call:
        tracked = self._tracks(table)
        prefer = f"odata.maxpagesize={self._env.reading.page}"
        headers = {"Prefer": f"odata.track-changes,{prefer}" if tracked else prefer}
        if link is not None:
            return Call(link, "list", headers=headers)
        query = [("$select", self._teller(table).select)]
        if self._archived:
            query.append(("$filter", f"{STATE} ne 0"))
        if not tracked:
            query.append(("$orderby", f"{table.key} asc"))
        return Call(table.set_name, "list", query=tuple(query), headers=headers)

    def _tracks(self, table: Table) -> bool:
        shape = self._env.schema.of(table)
        return shape is not None and shape.tracked and not self._archived

    def _teller(self, table: Table) -> Teller:
        return self._tellers.by_table[table.name]

    def _drop(self) -> None:
        """Whoever stops early must not leave calls behind that nobody hears the outcome of."""
        dropped = [future for future, _ in self._coming.values()]
        self._coming.clear()
        wait([future for future in dropped if not future.cancel()])

    # -- telling ------------------------------------------------------------------------------------------

    def _told(self, table: Table) -> Page | None:
        """The next page of a table, with the mark behind it; None where it holds nothing for anybody."""
        future, asked_at = self._coming.pop(table.name)
        try:
            rows, beside = future.result()
        except (Refused, NotFound) as error:
            missing = isinstance(error, Refused) and error.code == "property_missing" and not self._renewed
            if not (missing or table.name in self._resumed):
                raise
            self._begin_anew("a column is there no more" if missing else "it refuses where it was left")
            return None
        self._resumed.discard(table.name)
        self._mark.stretches[table.name].met += len(rows)
        again = self._again
        self._advance(table, beside)
        records = self._records(table, rows)
        whole = not self._open()
        if not (records or whole or self._warnings):
            return None
        warning, self._warnings = "; ".join(self._warnings), []
        return Page(
            records,
            None if whole else str(self._mark),
            age=self._env.api.clock() - asked_at,
            again=again,
            warning=warning,
            cursor=self._cursor() if whole else None,
            short=sum(one.short for one in self._mark.stretches.values()) if whole else 0,
        )

    def _advance(self, table: Table, beside: Mapping[str, Any]) -> None:
        """Its following page is asked for at once, before anything is made of this one: save by who may stop here."""
        stretch, link = self._mark.stretches[table.name], beside.get(NEXT)
        if isinstance(link, str):
            if link == stretch.link:
                raise CrmError(f"the list of {table.set_name} does not advance", code="list_stuck")
            stretch.link = link
            if not self._alone:
                self._fetch(table)
        else:
            delta = beside.get(DELTA)
            stretch.link, stretch.done = None, True
            stretch.changes = self._place(table, delta) if isinstance(delta, str) else None
            if self._tracks(table) and stretch.changes is None:
                self._warn(f"{table.set_name} gave no link to its changes: they are read by their time of change")
            if not self._archived:
                self._hold_against_count(table, stretch)
        self._mark.turn += 1

    def _place(self, table: Table, delta: str) -> Place:
        """Raises Denied for a link to another host, which would be stored and never followed."""
        self._env.api.prove(delta)
        return Place(link=delta, lacking=self._teller(table).lacking)

    def _hold_against_count(self, table: Table, stretch: Stretch) -> None:
        """A table that shows fewer rows than it counts is gone through once more: nobody is missed for good."""
        counted, met = at_least(self._env, table), stretch.met
        if met >= counted:
            return
        short = f"{table.set_name} showed {met} rows and counts {counted}"
        if stretch.second:
            stretch.short = counted - met
            self._warn(f"{short}, and once more when read again")
            return
        self._warn(f"{short}; it is read once more")
        self._again = True
        stretch.met, stretch.done, stretch.second = 0, False, True

    def _begin_anew(self, why: str) -> None:
        """From the beginning: the links are understood no more."""
        self._drop()
        self._resumed.clear()
        self._tellers, self._renewed = self._tellers.renewed(self._env), True
        begun_before = any(one.link or one.done for one in self._mark.stretches.values())
        self._mark = Mark({name: Stretch() for name in self._mark.stretches}, begun=self._mark.begun)
        if begun_before:
            self._say_again(why)

    def _records(self, table: Table, rows: Sequence[Row]) -> tuple[Record, ...]:
        """Those of a page that are told: in use and their own, or else out of use."""
        teller = self._teller(table)
        if self._archived:
            return tuple(teller.record(row) for row in rows)
        told = {id_of(table, row): row for row in rows if in_use(table, row) and points_to(table, row) is None}
        parts = members(self._env, self._tellers, dict.fromkeys(told, table), self._with_merged()) if told else {}
        for id, row in told.items():
            self._env.versions.remember(id, table, row.get(ETAG))
        return tuple(teller.record(row, parts.get(id, ())) for id, row in told.items())

    def _with_merged(self) -> frozenset[str]:
        """Looked up once: a merge that happens meanwhile is told by its rows, as every change is."""
        if self._merged is None:
            self._merged = anything_merged(self._env, self._tellers)
        return self._merged

    def _cursor(self) -> str | None:
        """The places of all tables; None where one has neither a link nor a time from which its changes are known."""
        begun: Places = (read(self._mark.begun) if self._mark.begun else None) or {}
        places = {name: _since_begun(one.changes, begun.get(name)) for name, one in self._mark.stretches.items()}
        known = {name: place for name, place in places.items() if place is not None}
        linked = any(place.link for place in known.values())
        return written(known) if linked and len(known) == len(places) else None


def _since_begun(place: Place | None, begun: Place | None) -> Place | None:
    """The link a scan came to holds from the scan's beginning on."""
    return replace(place, until=begun.until if begun else None) if place else begun
