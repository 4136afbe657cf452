"""
A full scan: the whole list of a kind, read by several cursors at once where the list allows it.

The first pages are read by one cursor; a list that is longer is shared out (see partitions). In the end the records
told are held against what the search counts, stretch by stretch where the sum falls short, and what fell short is read
once more. Whatever is not as it should be costs speed, never a record, and is told on the page that comes next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from connector.crm import Page
from connector.crm.hubspot.api import Api, Call, listed, type_of
from connector.crm.hubspot.partitions import BOTTOM, Partition, Stretch, Surprise
from connector.crm.hubspot.records import ident
from connector.crm.hubspot.verdict import Refused
from connector.errors import CrmError, NotFound
from connector.log import get_logger

#: Pages that one cursor reads before it is worth a call to know how many there are.
FIRST_PAGES = 4

#: Asks for the page at a cursor; its mark is the cursor that follows.
Ask = Callable[[str | None], Page]

log = get_logger("connector.crm")


class Scan:
    """One full scan, from its beginning or from a mark."""

    def __init__(self, api: Api, kind: str, ask: Ask, *, after: str | None, shared: bool, counted: bool = True) -> None:
        """`shared`: by several cursors; `counted`: the search counts what this list holds."""
        self._api, self._kind, self._ask = api, kind, ask
        self._parts = Partition.resumed(after)
        self._parts.alone |= not shared
        self._counted = counted and (after is None or after.startswith("{"))  # from an id on, not all is told
        self._coming: dict[Stretch, tuple[Future[Page], float]] = {}  # at most one page each, and when it was asked for
        self._pages = 0
        self._resumed = after is not None
        self._pieces = self._resumed  # whether the list is longer than a page
        self._warning = ""
        self._short = 0

    def pages(self) -> Iterator[Page]:
        """Page after page; those that follow are under way while the caller works on one."""
        try:
            while self._parts.open:
                self._fetch()
                for stretch in self._ready():
                    page = self._told(stretch) if stretch in self._coming else None
                    if page is not None:
                        yield page
        finally:
            self._drop(list(self._coming))

    # -- asking -----------------------------------------------------------------------------------------

    def _fetch(self) -> None:
        """A page is under way for every stretch, and a stretch for every cursor."""
        self._parts.share(self._api.reading.threads, self._api.sizes["page"])
        for stretch in self._parts.open:
            if stretch not in self._coming:
                future = self._api.ahead(lambda at=stretch.at: self._ask(at))  # type: ignore[misc]  # typed by Ask
                self._coming[stretch] = future, self._api.clock()

    def _ready(self) -> list[Stretch]:
        """The stretches whose page is here, after waiting for the first."""
        wait([future for future, _ in self._coming.values()], return_when=FIRST_COMPLETED)
        return [stretch for stretch, (future, _) in self._coming.items() if future.done()]

    def _drop(self, stretches: Sequence[Stretch]) -> None:
        """Whoever stops early must not leave calls behind that nobody hears the outcome of."""
        dropped = [self._coming.pop(one)[0] for one in stretches]
        wait([future for future in dropped if not future.cancel()])

    # -- telling ----------------------------------------------------------------------------------------

    def _told(self, stretch: Stretch) -> Page | None:
        """The next page of a stretch, with the mark behind it; None where it holds nothing for anybody."""
        future, asked_at = self._coming.pop(stretch)
        try:
            page = future.result()
        except (Refused, NotFound) as error:
            if self._resumed and stretch.at is not None and isinstance(error, Refused):
                self._begin_anew()
                return None
            if self._parts.alone or stretch.read or stretch.start == BOTTOM:
                raise
            self._fall_back("a list begun at a record id was refused")
            return None
        self._resumed = False
        places = self._taken(stretch, page)
        if places is None:
            return None
        self._pages += 1
        if self._counted and self._pages == FIRST_PAGES and self._parts.open:
            self._learn()
        self._pieces |= bool(self._parts.open)
        if not self._parts.open:
            self._conclude()
        self._fetch()
        records, mark = tuple(page.records[place] for place in places), self._parts.mark()
        if not (records or mark is None or self._warning):
            return None
        warning, self._warning = self._warning, ""
        age = self._api.clock() - asked_at
        again, short = self._parts.again, self._short
        return Page(records, mark, self._parts.total, age=age, again=again, warning=warning, short=short)

    def _taken(self, stretch: Stretch, page: Page) -> range | None:
        """The places of its records in a page; None where it had better be asked for again by one cursor."""
        asked, ids = stretch.at, [one.id for one in page.records]
        try:
            places = self._parts.take(stretch, ids, page.mark)
        except Surprise as surprise:
            self._fall_back(str(surprise), quietly=page.mark is None)
            if stretch not in self._parts.open:
                return None
            places = self._parts.take(stretch, ids, page.mark)
        if page.mark is not None and page.mark == asked:
            raise CrmError(f"the list of {self._kind} records does not advance at {asked}", code="list_stuck")
        return places

    def _fall_back(self, why: str, *, quietly: bool = False) -> None:
        """One cursor from now on; the pages of the others are of no use any more."""
        self._parts.fall_back()
        self._drop([one for one in self._coming if one not in self._parts.open])
        if not quietly:
            self._warning = f"the list of {self._kind} records is read by one cursor, which takes longer: {why}"
            log.warning(self._warning)

    def _begin_anew(self) -> None:
        """From the beginning, by one cursor: those of an earlier run are understood no more."""
        self._resumed = False
        self._drop(list(self._coming))
        self._parts.begin_anew()
        self._warning = f"the list of {self._kind} records is read from its beginning: it refuses where it was left"

    # -- how many there are -----------------------------------------------------------------------------

    def _learn(self) -> None:
        """How many records there are, and the highest id among them: what sharing goes by."""
        newest = [{"propertyName": "hs_object_id", "direction": "DESCENDING"}]
        answer = self._search({"filterGroups": [], "sorts": newest})
        found = listed(answer)
        highest = ident(found[0].get("id")) if found else None
        total = answer.get("total")
        if isinstance(total, int) and highest is not None and highest.isdigit():
            self._parts.total, self._parts.highest = total, int(highest)

    def _conclude(self) -> None:
        """Everything is told. Where that is less than the search counted and counts, what fell short is read again."""
        parts = self._parts
        if parts.total is None and self._counted and self._pieces:
            parts.total = self._count(BOTTOM, None)
        if parts.total is None or parts.told >= parts.total:
            return
        counted = self._count(BOTTOM, None)
        if counted is None or parts.told >= min(parts.total, counted):
            return
        told = f"the list told {parts.told:,} {self._kind} records where the search counts {counted:,}"
        if parts.again:
            self._warning, self._short = f"{told}, and once more when read again", counted - parts.told
            return
        short = [one for one in parts.done if (self._count(one[0], one[1]) or 0) > one[2]]
        if short:
            self._warning = f"{told}; what fell short is read again"
            parts.reread(short)

    def _count(self, above: int, up_to: int | None) -> int | None:
        """How many records the search counts above one id and up to another."""
        bounds = [("GT", above)] if above != BOTTOM else []
        bounds += [("LTE", up_to)] if up_to is not None else []
        filters = [{"propertyName": "hs_object_id", "operator": how, "value": str(id)} for how, id in bounds]
        total = self._search({"filterGroups": [{"filters": filters}] if filters else []}).get("total")
        return total if isinstance(total, int) else None

    def _search(self, body: dict[str, Any]) -> dict[str, Any]:
        """A search's answer; nothing where the search cannot say, which is no reason to end a scan."""
        whole = {**body, "properties": ["hs_object_id"], "limit": 1}
        try:
            return self._api.ask(Call("search", "search", params=type_of(self._kind), body=whole))
        except CrmError as error:
            log.debug("the search does not tell how many there are", error=str(error))
            return {}
