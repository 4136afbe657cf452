"""An account of each CRM to try the whole job on, with a token that opens it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connector.sandbox.dataverse import DataverseSandbox
from connector.sandbox.dataverse import server as dynamics
from connector.sandbox.server import TOKEN, Sandbox
from connector.sandbox.shell import Shell

#: Calls in ten seconds of a HubSpot account with raised limits: all verbs of a trial together stay below it.
BURST = 250


def _hubspot(people: int) -> tuple[Shell, str]:
    return Sandbox(people=people, burst=BURST), TOKEN


def _dynamics(people: int) -> tuple[Shell, str]:
    return DataverseSandbox(people=people), dynamics.TOKEN


#: CRM -> from a number of people to the account that they are in, not running yet, and its token.
TRIALS: Mapping[str, Callable[[int], tuple[Shell, str]]] = {"hubspot": _hubspot, "dynamics": _dynamics}
