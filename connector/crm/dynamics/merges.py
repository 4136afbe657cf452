"""
Whether anything of a table was ever merged: where not, nobody has to be asked after the merged.
"""

from __future__ import annotations

import threading

from connector.crm.dynamics.api import Api, Call
from connector.crm.dynamics.names import MERGED, Table

#: Seconds for which it holds that nothing was.
NONE_FOR = 300.0


class Merges:
    """What is known of one environment. Safe to share between threads."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._none_at: dict[str, float] = {}

    def any(self, table: Table) -> bool:
        """Asked anew after a while. A merge that this misses is told by the row that was merged away."""
        now = self._api.clock()
        with self._lock:
            at = self._none_at.get(table.name)
        if at is not None and now - at < NONE_FOR:
            return False
        query = (("$select", table.key), ("$filter", f"{MERGED} eq true"), ("$top", "1"))
        call = Call(table.set_name, "read", query=query)
        if self._api.page(call)[0]:
            return True
        with self._lock:
            self._none_at[table.name] = now
        return False
