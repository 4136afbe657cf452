"""What a decision needs to know of the account: where a record is opened, its owner's clock, who is in which team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from connector.model import Person, page_at


@dataclass(frozen=True, slots=True)
class Office:
    """The account as sales sees it. Empty: no link, and everybody's clock is the agreement's."""

    contact_page: str = ""  # the address of a contact's page, as model.page_at wants it
    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)  # owner id -> time zone; "": of people without one
    teams: Mapping[str, frozenset[str]] = field(default_factory=dict)  # owner id -> names and ids of their teams

    def page_of(self, person: Person) -> str:
        """Where people open this contact; "" where that is not known."""
        return page_at(self.contact_page, person.id, person.form)

    def zone_of(self, owner_id: str | None, otherwise: ZoneInfo) -> ZoneInfo:
        """The zone in which an owner reads times."""
        return self.zones.get(owner_id or "", otherwise)
