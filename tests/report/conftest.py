"""An invented account for the reports, small enough to count by hand; and the desk of the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from connector.agreement import Agreement
from connector.crm import Description, Owner, PropertyDefinition
from connector.model import Activity, Deal, Person
from connector.report.baseline import Baseline, Ground, baseline
from connector.survey import Delivered
from tests.cli.conftest import desk, running  # noqa: F401 - fixtures
from tests.decide.conftest import NOON, agreement, person  # noqa: F401 - fixtures and builders

STAGES = {
    "subscriber": "Subscriber",
    "lead": "Lead",
    "marketingqualifiedlead": "Marketing Qualified Lead",
    "salesqualifiedlead": "Sales Qualified Lead",
    "opportunity": "Opportunity",
    "customer": "Customer",
    "evangelist": "Evangelist",
    "other": "Other",
    "4711": "Partner <b>",
}
STATUSES = {"NEW": "New", "OPEN": "Open", "IN_PROGRESS": "In progress", "BAD_TIMING": "Bad timing"}

ACCOUNT = Description(
    "4242",
    "UTC",
    {
        "contact": {
            "lifecyclestage": PropertyDefinition("lifecyclestage", "enumeration", "Stage", STAGES),
            "hs_lead_status": PropertyDefinition("hs_lead_status", "enumeration", "Status", STATUSES),
        }
    },
    owners=(
        Owner("7", "rep@seller.example", active=True, user_id="12"),
        Owner("8", "gone@seller.example", active=False, user_id="13"),
    ),
    contact_page="https://crm.example/contacts/4242/record/0-1/{id}",
)


def ago(days: float) -> datetime:
    """So long before noon."""
    return NOON - timedelta(days=days)


def someone(id: str, *signals: Any, owner: str | None = "7", left: bool = False, **more: Any) -> Person:
    """One of the invented people, as the loop puts them together: an owner who left owns nobody."""
    entered, unmapped = more.pop("entered", {}), more.pop("unmapped", {})
    fields = {**more.pop("fields", {}), "owner_id": owner}
    made = person(*signals, fields=fields, owner_id=None if left else owner, **more)
    return replace(made, id=id, entered=entered, unmapped=unmapped)


def call(days: float, *, outcome: str = "no_answer", direction: str = "outbound") -> Activity:
    """A call of sales."""
    return Activity(f"call{days}", "call", ago(days), direction, outcome, "rep", "7", 30.0)


def deal(state: str, opened: float, *, closed: float | None = None) -> Deal:
    """A deal opened so many days ago."""
    return Deal(f"d{opened}", state, opened_at=ago(opened), closed_at=None if closed is None else ago(closed))


@pytest.fixture
def stand(agreement: Agreement) -> Callable[..., Baseline]:  # noqa: F811 - the fixture
    """The baseline of these people."""

    def made(people: Iterable[Person], **more: Any) -> Baseline:
        usual = {"agreement": agreement, "account": ACCOUNT, "as_of": NOON, "connection": "acme", "activities": 1}
        seen = Delivered(frozenset(agreement.signals))
        return baseline(Ground(**{**usual, "delivered": seen, **more}), people)

    return made
