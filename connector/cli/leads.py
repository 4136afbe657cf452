"""A person's leads as `explain` shows them, and whose a lead is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.cli import show

if TYPE_CHECKING:
    from connector.ledger import Ledger
    from connector.model import Person


def person_behind(ledger: Ledger, id: str) -> str:
    """The person that a record id stands for: itself, the record it became part of, or the contact of a lead."""
    if ledger.mirror.alive("contact", [id]):
        return id
    return ledger.folding.survivor_of("contact", id) or ledger.mirror.links.contact_of("lead", id) or id


def told(person: Person) -> None:
    """What stands on each lead: of its track while it is open."""
    if not person.leads:
        return
    show.title("Leads")
    rows = [
        (
            f"lead {one.id}",
            "open" if one.is_open else "closed",
            one.lead_type or "(blank)",
            one.stage or "(blank)",
            one.status or "(blank)",
        )
        for one in person.leads
    ]
    show.table(("", "", "lead type", "stage", "status"), rows)


def plain(person: Person) -> list[dict[str, Any]]:
    """The same as plain JSON."""
    return [
        {
            "id": one.id,
            "open": one.is_open,
            "lead_type": one.lead_type,
            "stage": one.stage,
            "status": one.status,
        }
        for one in person.leads
    ]
