"""
What the connections of this process share, so that it outlives their runs: one desk for each ledger, where calls ask
whether they may go out, and one token for each app and account.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from connector.cli.working import died_here

if TYPE_CHECKING:
    from connector.config import Connection
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


def app_token_of(connection: Connection) -> Token:
    """The token of a connection's app registration. Raises ConfigError where its secret is not there."""
    from connector.config import proxy_url, resolve_secret  # noqa: PLC0415 - --help does without
    from connector.crm.dynamics.auth import App, Certificate  # noqa: PLC0415 - the same
    from connector.crm.dynamics.opening import app_token  # noqa: PLC0415 - the same

    mine, proof = connection, connection.certificate
    assert mine.tenant_id is not None  # or the configuration would be refused
    assert mine.client_id is not None  # the same
    secret = partial(resolve_secret, mine.client_secret, os.environ) if mine.client_secret else None
    passphrase = partial(resolve_secret, proof.passphrase, os.environ) if proof and proof.passphrase else None
    for reference in (secret, passphrase):
        if reference is not None:
            reference()  # said now, and not in the middle of a run
    app = App(
        mine.tenant_id,
        mine.client_id,
        mine.authority,
        f"connections.{mine.name}",
        secret=secret,
        certificate=Certificate(proof.file, proof.thumbprint, passphrase) if proof else None,
    )
    proved_by = mine.client_secret or (str(proof.file) if proof else "")
    key = (mine.tenant_id, mine.client_id, mine.authority, mine.address, proved_by)
    with _LOCK:
        if key not in _TOKENS:
            _TOKENS[key] = app_token(
                app,
                mine.address,
                timeout=mine.timeout.total_seconds(),
                proxy=proxy_url(mine, os.environ, mine.authority),
            )
        return _TOKENS[key]


def token_of(connection: Connection) -> Token:
    """The token of a connection's OAuth app. Raises ConfigError where its secrets are not there."""
    from connector.cli.keeping_tokens import InFiles, InMemory  # noqa: PLC0415 - --help does without
    from connector.config import proxy_url, resolve_secret  # noqa: PLC0415 - the same
    from connector.crm.hubspot import oauth_token  # noqa: PLC0415 - the same

    oauth = connection.oauth
    assert oauth is not None  # whoever asks has looked
    key = (oauth.client_id, oauth.client_secret, oauth.refresh_token, connection.base_url, connection.api_version)
    refresh_token = partial(resolve_secret, oauth.refresh_token, os.environ)
    secret = partial(resolve_secret, oauth.client_secret, os.environ)
    refresh_token(), secret()  # said now, and not in the middle of a run
    path = oauth.refresh_token.partition(":")[2] if oauth.refresh_token.startswith("file:") else None
    with _LOCK:
        if key not in _TOKENS:
            _TOKENS[key] = oauth_token(
                oauth.client_id,
                secret,
                InMemory(refresh_token) if path is None else InFiles(Path(path), refresh_token),
                where=f"connections.{connection.name}.oauth",
                base_url=connection.base_url,
                api_version=connection.api_version,
                timeout=connection.timeout.total_seconds(),
                proxy=proxy_url(connection, os.environ),
            )
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
