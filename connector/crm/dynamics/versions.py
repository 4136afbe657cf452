"""
What was read last of each row: its table and its ETag, by which a write says what it was decided on.

The memory is bounded: who was read long ago is forgotten first, and is read again before anything is written.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

from connector.crm.dynamics.names import Table

#: Rows that are remembered. One takes about 300 bytes.
MOST = 50_000


class Version(NamedTuple):
    """The row of an id: the table it stands in and its ETag, exactly as it came."""

    table: Table
    etag: str


class Versions:
    """The ETags of one environment's rows. Safe to share between threads."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Version] = OrderedDict()
        self._bare: set[str] = set()  # the tables whose rows came without an ETag when they were read last

    def remember(self, id: str, table: Table, etag: str | None) -> None:
        """This row was read, or written, and has this ETag now; None where its table has none."""
        with self._lock:
            self._known.pop(id, None)
            if not etag:
                self._bare.add(table.name)
            else:
                self._bare.discard(table.name)
                self._known[id] = Version(table, etag)
                if len(self._known) > self._most:
                    self._known.popitem(last=False)

    def of(self, id: str) -> Version | None:
        """What was read last of it; None where it has to be read (again)."""
        with self._lock:
            return self._known.get(id)

    def are_told(self, table: Table) -> bool:
        """Whether the rows of a table come with ETags, as far as any was read."""
        with self._lock:
            return table.name not in self._bare

    def forget(self, id: str) -> None:
        """It has moved meanwhile: nothing is written before it was read again."""
        with self._lock:
            self._known.pop(id, None)
