"""What several folders of tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from connector.ledger import open_ledger
from tests import postgres


@pytest.fixture(scope="session")
def databases() -> Iterator[Callable[[str], str]]:
    """Gives the address of a PostgreSQL database with an empty ledger for every name."""
    with postgres.running() as server:
        open_ledger(server.database("empty"), "none").database.close()
        yield lambda name: server.database(name, template="db0")
