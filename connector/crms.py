"""
The CRMs there are, one line each. Whoever must know which ones, or what one is called, asks here and names none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Product:
    """One CRM: its name in a configuration, which is that of its mapping file too, and what those who sell it call it;
    `api_version` is spoken where a configuration says none. `usual` and `usual_read` are settings of a connection, and
    of its table `read`, that hold there in place of the general defaults."""

    name: str
    label: str
    api_version: str
    usual: Mapping[str, Any] = field(default_factory=dict)
    usual_read: Mapping[str, Any] = field(default_factory=dict)
    leads: bool = False  # whether a contact's leads are records of their own, which can be read and written

    @property
    def file(self) -> str:
        """Its mapping file in the folder of an agreement."""
        return f"{self.name}.toml"


#: By name; where a folder has files for several, the first of these is meant.
CRMS: Mapping[str, Product] = {
    one.name: one
    for one in (
        Product("hubspot", "HubSpot", "2026-03"),
        # Dataverse gives pages of up to 5,000, and does a batch's requests one after the other.
        Product("dynamics", "Dynamics 365", "v9.2", {"timeout": "120s"}, {"page": 2000, "batch": 50}, leads=True),
    )
}


def label_of(name: str) -> str:
    """What a CRM is called by those who sell it."""
    return CRMS[name].label if name in CRMS else name
