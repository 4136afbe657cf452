"""Whose lease is whose: two sessions of one process are two, and a dead predecessor of the same number is none."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime

from connector.cli.opening import choose
from connector.cli.sessions import session_for
from connector.ledger import open_ledger
from tests.cli.desk import Desk


def test_two_sessions_of_one_process_do_not_share_a_lease(synced: Desk) -> None:
    """As a daemon's thread and another: the second is Busy, and welcome once the first has ended."""
    with session_for(choose(synced.config, None)) as session:
        fence = session.ledger.runs.take_lease(session.worker, session.now())
        assert synced("sync").code == 6
        session.ledger.runs.drop_lease(fence)
    assert synced("sync").code == 0


def test_a_lease_of_a_dead_process_with_our_number_blocks_nobody(synced: Desk) -> None:
    """In a container every daemon is process 1: the one that was killed is not the one that runs."""
    ledger = open_ledger(f"sqlite:///{synced.ledger}", "acme")
    ledger.runs.take_lease(f"{socket.gethostname()}:{os.getpid()}:dead00", datetime.now(UTC))
    ledger.database.close()

    assert synced("sync").code == 0
