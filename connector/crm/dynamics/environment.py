"""
What all rooms of this adapter share: the API of one environment, its tables, and what was read last of its rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connector.crm.dynamics.api import Api
from connector.crm.dynamics.bindings import Bindings
from connector.crm.dynamics.opening import Reading, Writing
from connector.crm.dynamics.schema import Schema
from connector.crm.dynamics.versions import Versions


@dataclass(frozen=True, slots=True)
class Environment:
    """One opened environment. Safe to share between threads. `begun` is, of each kind, the cursor that `begin` gave
    last: from there the changes are read of a table whose scan brings no link to them."""

    api: Api
    reading: Reading
    schema: Schema
    versions: Versions
    bindings: Bindings
    writing: Writing = field(default_factory=Writing)
    begun: dict[str, str] = field(default_factory=dict)

    @classmethod
    def opened(cls, api: Api, reading: Reading, writing: Writing | None = None) -> Environment:
        """With nothing known of it yet."""
        return cls(api, reading, Schema(api), Versions(), Bindings(api), writing or Writing())
