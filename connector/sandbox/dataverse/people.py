"""Invented people in an environment: those of the HubSpot sandbox, told in Dataverse's columns."""

from __future__ import annotations

from datetime import datetime

from connector.sandbox.clock import Clock
from connector.sandbox.dataverse.environment import Environment


def populated(people: int, seed: int = 7, *, activities: bool = True, now: datetime | None = None) -> Environment:
    """An environment of invented people; the same seed and `now` give the same one."""
    if people:
        raise ValueError("the Dynamics sandbox invents nobody yet; say --people 0")
    return Environment(clock=Clock(now))
