"""
Which CRMs there are: how each is opened, and which setting its refusals are about. A third CRM is one line of ADAPTERS,
one adapter under connector.crm and one mapping file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.cli.budgeting import budget_of

if TYPE_CHECKING:
    from connector.config import Connection
    from connector.crm import CRM


@dataclass(frozen=True, slots=True)
class Adapter:
    """One CRM: `address` is the key of a connection that holds where it answers, `settings` the key that a refusal is
    most likely about, by its code; where none is named, the refusal says so itself. `secret` is the variable in which
    the configuration to start from looks for what opens it."""

    secret: str
    open: Callable[[Connection, str], CRM]
    address: str
    settings: Mapping[str, str]


def open_crm(connection: Connection, state_url: str) -> CRM:
    """The adapter of a connection whose state is there."""
    return ADAPTERS[connection.crm].open(connection, state_url)


# Adapters are imported late: their libraries take a third of a second that `explain` and `status` need not pay.


def _hubspot(connection: Connection, state_url: str) -> CRM:
    from connector.cli.desks import desk_for, token_of  # noqa: PLC0415 - see above
    from connector.config import proxy_url, resolve_secret  # noqa: PLC0415 - the same
    from connector.crm.hubspot import HubSpot, Reading  # noqa: PLC0415 - the same

    read = connection.read
    return HubSpot(
        resolve_secret(connection.token, os.environ) if connection.token else token_of(connection),
        base_url=connection.base_url,
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


def _dynamics(connection: Connection, state_url: str) -> CRM:
    from connector.cli.desks import app_token_of, desk_for  # noqa: PLC0415 - see above
    from connector.config import proxy_url, resolve_secret  # noqa: PLC0415 - the same
    from connector.crm.dynamics.adapter import Dynamics  # noqa: PLC0415 - the same
    from connector.crm.dynamics.opening import Reading, Writing  # noqa: PLC0415 - the same

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


ADAPTERS: Mapping[str, Adapter] = {
    "hubspot": Adapter("HUBSPOT_TOKEN", _hubspot, "base_url", {"token": "token", "tls": "base_url"}),
    "dynamics": Adapter(
        "DYNAMICS_SECRET",
        _dynamics,
        "environment_url",
        {
            "token": "token",
            "tls": "environment_url",
            "user_missing": "client_id",
            "user_disabled": "client_id",
            "user_without_roles": "client_id",
        },
    ),
}
