"""What several folders of tests share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import connector.agreement
from connector.agreement import Agreement, load_agreement
from connector.ledger import open_ledger
from tests import postgres


@pytest.fixture(scope="session")
def databases() -> Iterator[Callable[[str], str]]:
    """Gives the address of a PostgreSQL database with an empty ledger for every name."""
    with postgres.running() as server:
        open_ledger(server.database("empty"), "none").database.close()
        yield lambda name: server.database(name, template="db0")


@pytest.fixture(scope="session", autouse=True)
def agreements_read_once() -> Iterator[None]:
    """The command line reads its agreement anew for every verb: here a folder whose files still say the same is taken
    as read. What does not load is read again, and so is what a test loads by itself."""
    known: dict[tuple[str, str, str | None, bytes], Agreement] = {}

    def load(folder: Path, crm: str = "hubspot", language: str | None = None) -> Agreement:
        key = str(folder), crm, language, _said_in(folder)
        if key not in known:
            known[key] = load_agreement(folder, crm, language)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connector.agreement, "load_agreement", load)
        yield


def _said_in(folder: Path) -> bytes:
    """What the names and contents of its files come to."""
    said = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            said.update(b"%s\0%d\0" % (str(file).encode(), file.stat().st_size) + file.read_bytes())
    return said.digest()
