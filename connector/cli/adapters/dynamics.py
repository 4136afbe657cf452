"""From a connection to Dynamics 365: the adapter, and the token of its app registration where it has one."""

from __future__ import annotations

import os
from functools import partial

from connector.cli.budgeting import budget_of
from connector.cli.desks import desk_for, shared_token
from connector.config import Connection, proxy_url, resolve_secret
from connector.crm import CRM
from connector.crm.dynamics.adapter import Dynamics
from connector.crm.dynamics.auth import App
from connector.crm.dynamics.opening import Reading, Writing, app_token
from connector.crm.dynamics.pem import Certificate
from connector.crm.wire import Token


def opened(connection: Connection, state_url: str) -> CRM:
    """The adapter of a connection whose state is there. Raises ConfigError where its secrets are not there."""
    read = connection.read
    return Dynamics(
        resolve_secret(connection.token, os.environ) if connection.token else app_token_of(connection),
        connection.address,
        api_version=connection.api_version,
        read=Reading(
            settle=read.settle, look_back=read.look_back, page=read.page, batch=read.batch, threads=read.threads
        ),
        write=Writing(
            states=connection.write.states,
            bulk=connection.write.bulk or "",
            predictive_score=connection.write.predictive_score or "",
            predictive_grade=connection.write.predictive_grade or "",
        ),
        budget=budget_of(connection),
        daily_quota=connection.budget.daily_quota,
        timeout=connection.timeout.total_seconds(),
        proxy=proxy_url(connection, os.environ),
        desk=desk_for(state_url),
    )


def app_token_of(connection: Connection) -> Token:
    """The token of a connection's app registration. Raises ConfigError where its secret is not there."""
    mine, proof = connection, connection.certificate
    assert mine.tenant_id is not None  # or the configuration would be refused
    assert mine.client_id is not None  # the same
    assert mine.authority is not None  # it has a usual one
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
    proxy = proxy_url(mine, os.environ, mine.authority)
    proved_by = mine.client_secret or (str(proof.file) if proof else "")
    return shared_token(
        (mine.tenant_id, mine.client_id, mine.authority, mine.address, proved_by),
        lambda: app_token(app, mine.address, timeout=mine.timeout.total_seconds(), proxy=proxy),
    )
