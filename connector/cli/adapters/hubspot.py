"""From a connection to HubSpot: the adapter, and the token of its OAuth app where it has one."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from connector.cli.budgeting import budget_of
from connector.cli.desks import desk_for, shared_token
from connector.cli.keeping_tokens import InFiles, InMemory
from connector.config import Connection, proxy_url, resolve_secret
from connector.crm import CRM
from connector.crm.hubspot import HubSpot, Reading, oauth_token
from connector.crm.wire import Token


def opened(connection: Connection, state_url: str) -> CRM:
    """The adapter of a connection whose state is there. Raises ConfigError where its secrets are not there."""
    read = connection.read
    return HubSpot(
        resolve_secret(connection.token, os.environ) if connection.token else token_of(connection),
        base_url=connection.address,
        api_version=connection.api_version,
        read=Reading(
            settle=read.settle,
            look_back=read.look_back,
            page=read.page,
            search_page=read.search_page,
            batch=read.batch,
            threads=read.threads,
        ),
        budget=budget_of(connection),
        timeout=connection.timeout.total_seconds(),
        proxy=proxy_url(connection, os.environ),
        desk=desk_for(state_url),
    )


def token_of(connection: Connection) -> Token:
    """The token of a connection's OAuth app. Raises ConfigError where its secrets are not there."""
    oauth = connection.oauth
    assert oauth is not None  # whoever asks has looked
    refresh_token = partial(resolve_secret, oauth.refresh_token, os.environ)
    secret = partial(resolve_secret, oauth.client_secret, os.environ)
    refresh_token(), secret()  # said now, and not in the middle of a run
    path = oauth.refresh_token.partition(":")[2] if oauth.refresh_token.startswith("file:") else None
    key = (oauth.client_id, oauth.client_secret, oauth.refresh_token, connection.address, connection.api_version)
    return shared_token(
        key,
        lambda: oauth_token(
            oauth.client_id,
            secret,
            InMemory(refresh_token) if path is None else InFiles(Path(path), refresh_token),
            where=f"connections.{connection.name}.oauth",
            base_url=connection.address,
            api_version=connection.api_version,
            timeout=connection.timeout.total_seconds(),
            proxy=proxy_url(connection, os.environ),
        ),
    )
