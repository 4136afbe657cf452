"""The desks of this process: one for each ledger, where all its connections ask whether a call may go out."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from connector.cli.working import died_here

if TYPE_CHECKING:
    from connector.crm.desk import Desk
    from connector.ledger.quota import QuotaBook

_DESKS: dict[str, Desk] = {}
_LOCK = threading.Lock()

#: What a process that died called last, the server counts for so many seconds.
LONGEST_WINDOW = 10.5


def desk_for(state_url: str) -> Desk:
    """The desk for connections whose state is there; for a state that does not exist yet one that shares nothing."""
    from connector.crm.desk import Desk  # noqa: PLC0415 - --help does without
    from connector.ledger.quota import QuotaBook  # noqa: PLC0415 - the same

    name = f"{socket.gethostname()}:{os.getpid()}"
    if not _exists(state_url):
        return Desk(name=name, wall=time.time)
    with _LOCK:
        if state_url not in _DESKS:
            book = QuotaBook(state_url)
            _bury_the_dead(book)
            _DESKS[state_url] = Desk(book, name=name, wall=time.time)
        return _DESKS[state_url]


def _exists(state_url: str) -> bool:
    from sqlalchemy.engine import make_url  # noqa: PLC0415 - --help does without

    url = make_url(state_url)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").exists()


def _bury_the_dead(book: QuotaBook) -> None:
    """A process of this machine that was killed keeps its places for a while; nobody needs to wait that long."""
    now = time.time()
    book.bury([one for one in book.holders(now) if died_here(one)], now, LONGEST_WINDOW)
    book.close()
