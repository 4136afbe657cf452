"""What several folders of tests share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

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


@pytest.fixture(scope="session", autouse=True)
def statements_compiled_once() -> Iterator[None]:
    """Nearly every test opens a ledger of its own, whose engine would make the same texts of the same statements anew:
    engines for the same database share what the first one has compiled, and its dialect, by which that is found."""
    known: dict[str, sa.Engine] = {}
    create_engine = sa.create_engine

    def create(*arguments: Any, **named: Any) -> sa.Engine:
        engine = create_engine(*arguments, **named)
        first = known.get(engine.dialect.name)
        if first is None or first.dialect.server_version_info is None:  # it has never reached its database
            known[engine.dialect.name] = engine
        else:
            engine.dialect = engine.pool._dialect = first.dialect
            engine._compiled_cache = first._compiled_cache
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sa, "create_engine", create)
        yield


def _said_in(folder: Path) -> bytes:
    """What the names and contents of its files come to."""
    said = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            said.update(b"%s\0%d\0" % (str(file).encode(), file.stat().st_size) + file.read_bytes())
    return said.digest()
