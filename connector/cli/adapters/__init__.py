"""
How each CRM is opened. A third one is one line of ADAPTERS, a room beside this one, an adapter under connector.crm, a
declaration under connector.crms and a mapping file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.config import Connection
    from connector.crm import CRM


def open_crm(connection: Connection, state_url: str) -> CRM:
    """The adapter of a connection whose state is there."""
    return ADAPTERS[connection.crm](connection, state_url)


# Adapters are imported late: their libraries take a third of a second that `explain` and `status` need not pay.


def _hubspot(connection: Connection, state_url: str) -> CRM:
    from connector.cli.adapters.hubspot import opened  # noqa: PLC0415 - see above

    return opened(connection, state_url)


def _dynamics(connection: Connection, state_url: str) -> CRM:
    from connector.cli.adapters.dynamics import opened  # noqa: PLC0415 - see above

    return opened(connection, state_url)


#: By the CRM's name in a configuration.
ADAPTERS: Mapping[str, Callable[[Connection, str], CRM]] = {"hubspot": _hubspot, "dynamics": _dynamics}
