"""What a decision needs to know of the account: where a record is opened, its owner's clock, who is in which team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Office:
    """The account as sales sees it. Empty: no link, and everybody's clock is the agreement's."""

    contact_page: str = ""  # the address of a contact's page with {id} in it
    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)  # owner id -> time zone; "": of people without one
    teams: Mapping[str, frozenset[str]] = field(default_factory=dict)  # owner id -> names and ids of their teams

    def page_of(self, contact_id: str) -> str:
        """Where a person opens this contact; "" where that is not known."""
        return self.contact_page.replace("{id}", contact_id)

    def zone_of(self, owner_id: str | None, otherwise: ZoneInfo) -> ZoneInfo:
        """The zone in which an owner reads times."""
        return self.zones.get(owner_id or "", otherwise)
