"""
What the connections of this process share, so that it outlives their runs: one desk for each ledger, where calls ask
whether they may go out, and one token for each app and account.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from connector.cli.working import died_here

if TYPE_CHECKING:
    from connector.crm.desk import Desk
    from connector.crm.wire import Token
    from connector.ledger.quota import QuotaBook

_DESKS: dict[str, Desk] = {}
_TOKENS: dict[tuple[str, ...], Token] = {}
_LOCK = threading.Lock()

#: What a process that died called last, the server counts for so many seconds.
LONGEST_WINDOW = 10.5


def desk_for(state_url: str) -> Desk:
    """The desk for connections whose state is there; for a state that does not exist yet one that shares nothing."""
    from connector.crm.desk import Desk  # noqa: PLC0415 - --help does without
    from connector.ledger.quota import QuotaBook  # noqa: PLC0415 - the same

    name = f"{socket.gethostname()}:{os.getpid()}"
    if not _exists(state_url):
        return Desk(clock=time.monotonic, sleep=time.sleep, wall=time.time, name=name)
    with _LOCK:
        if state_url not in _DESKS:
            book = QuotaBook(state_url)
            _bury_the_dead(book)
            _DESKS[state_url] = Desk(book, clock=time.monotonic, sleep=time.sleep, wall=time.time, name=name)
        return _DESKS[state_url]


def shared_token(key: tuple[str, ...], made: Callable[[], Token]) -> Token:
    """The token of what this key names, an app and all that makes it this one; made where nobody had it yet."""
    with _LOCK:
        if key not in _TOKENS:
            _TOKENS[key] = made()
        return _TOKENS[key]


def _exists(state_url: str) -> bool:
    from sqlalchemy.engine import make_url  # noqa: PLC0415 - --help does without

    url = make_url(state_url)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").exists()


def _bury_the_dead(book: QuotaBook) -> None:
    """A process of this machine that was killed keeps its places for a while; nobody needs to wait that long."""
    now = time.time()
    book.bury([one for one in book.holders(now) if died_here(one)], now, LONGEST_WINDOW)
    book.close()
