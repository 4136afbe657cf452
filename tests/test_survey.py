"""What an account is asked, on the CRM in a dict."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector import survey
from connector.agreement import Agreement
from connector.agreement.wiring import SignalSource
from connector.crm import Automation, Description, PropertyDefinition
from connector.crm.memory import MemoryCRM
from connector.errors import CrmError, Denied, NotFound
from connector.model import Occurrence
from tests.cli.desk import shipped

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
STAGE = PropertyDefinition("lifecyclestage", "enumeration", "Stage", {"lead": "Lead", "customer": "Customer"})


@pytest.fixture
def crm() -> MemoryCRM:
    return MemoryCRM(lambda: NOW)


def account(*names: str, **more: Any) -> Description:
    definitions = {name: PropertyDefinition(name, "number") for name in names}
    return Description("1", "UTC", {"contact": {**definitions, "lifecyclestage": STAGE}}, **more)


class Refusing(MemoryCRM):
    """Refuses to show its automations."""

    def __init__(self, error: CrmError) -> None:
        super().__init__(lambda: NOW)
        self.error = error

    def automations(self, properties: Any) -> list[Automation]:
        del properties
        raise self.error


def test_a_signal_is_delivered_when_its_source_answers(crm: MemoryCRM) -> None:
    """A list with somebody on it, an empty form, a counter that exists; the rest is missing, each with its reason."""
    agreement: Agreement = shipped()
    crm.happen(Occurrence("1", "list:Visited pricing", NOW, "1"))
    crm.empty_sources = frozenset({"form:demo-request"})

    found = survey.delivered(crm, agreement, account("hs_email_click"), NOW)

    assert found.names == {"pricing_page", "demo_request", "email_click", "meeting_held", "email_reply"}
    reasons = {one.signal: one.why for one in found.unseen}
    assert set(reasons) == set(agreement.signals) - found.names
    assert all(reasons.values())
    without = survey.delivered(crm, agreement, account(), NOW).unseen
    assert [one.why for one in without if one.signal == "email_click"] == ["contact has no property hs_email_click."]


def test_a_property_of_ours_that_nobody_filled_is_a_signal_that_nobody_saw(crm: MemoryCRM) -> None:
    """It can be delivered, and says whether anybody does; what the file says cannot be seen has its own reason."""
    mine = shipped()
    source = SignalSource("webinar_attended", "date", "cx_webinar_on", where="hubspot.toml:7")
    wiring = replace(mine.wiring, signals=(source,), unseen={"trial_start": "trials are in another system"})
    agreement = replace(mine, wiring=wiring)
    for number in range(3):
        crm.add("contact", str(number), {})

    before = survey.unfilled(crm, agreement, account("cx_webinar_on"))
    crm.edit("contact", "1", {"cx_webinar_on": "2026-11-01"})

    assert [one.where for one in before] == ["hubspot.toml:7"]
    assert "nobody has cx_webinar_on yet, so webinar_attended was never seen." in before[0].what
    assert survey.unfilled(crm, agreement, account("cx_webinar_on")) == []
    assert survey.unfilled(crm, agreement, account()) == []  # setup comes first
    found = survey.delivered(crm, agreement, account(), NOW)
    assert found.names == {"webinar_attended"}
    assert next(one.why for one in found.unseen if one.signal == "trial_start") == "trials are in another system."


def test_the_first_read_is_counted_in_calls_and_hours(crm: MemoryCRM) -> None:
    """201 people and a deal: four pages; it goes back to the oldest of them."""
    for number in range(201):
        crm.add("contact", f"{number:04}", {}, created_at=NOW - timedelta(days=number))
    crm.add("deal", "1", {}, created_at=NOW - timedelta(days=900))
    counts, shut = survey.counted(crm, ("contact", "deal", "call"))

    cost = survey.first_read(crm, account(daily_limit=100), counts, 100, 10.0)
    larger = survey.first_read(crm, account(daily_limit=100), counts, 1_000_000, 0.1)

    assert (counts, shut) == ({"contact": 201, "deal": 1, "call": 0}, {})
    assert (cost.records, cost.calls, cost.share_of_day) == (202, 4, 0.04)
    assert (larger.records, larger.calls) == (202, 2)
    assert (round(cost.minutes * 60, 3), round(larger.minutes * 60, 3)) == (0.4, 20.0)
    assert cost.reaches_back_to == NOW - timedelta(days=900)


def test_people_are_counted_by_option(crm: MemoryCRM) -> None:
    """Each option of the account, those of nobody too; a property that is not there has none."""
    crm.add("contact", "1", {"lifecyclestage": "lead"})
    assert survey.people_per_option(crm, account(), "lifecyclestage") == {"lead": 1, "customer": 0}
    assert survey.people_per_option(crm, account(), "nothing") == {}


def test_automations_on_what_we_write_are_found_and_those_that_are_on_remarked(crm: MemoryCRM) -> None:
    """On and off are listed; only the one that is on contests what the agreement writes."""
    on = Automation("7", "Raise", "contact", "lifecyclestage")
    off = Automation("8", "Old", "contact", "hs_lead_status", enabled=False)
    crm.workflows = (on, off, Automation("9", "City", "contact", "city"))

    found = survey.automations(crm, shipped())

    assert found.found == (off, on)
    (remark,) = survey.contested(found)
    assert str(remark).startswith(
        "automation 7, 'Raise': is on and sets lifecyclestage, which the agreement writes too."
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Denied("the scope automation would show them.", code="scope"), "the scope automation would show them"),
        (NotFound("no such thing", code="x"), "no way of telling"),
        (CrmError("nonsense", code="x"), "The CRM did not say"),
    ],
)
def test_automations_that_cannot_be_seen_are_unknown(error: CrmError, said: str) -> None:
    """A missing scope, a broken answer and a call that is not there alike: nobody said that there are none."""
    found = survey.automations(Refusing(error), shipped())
    assert found.found == ()
    assert said in found.unknown


def test_a_wrong_token_is_no_unknown() -> None:
    """What concerns everything stops everything."""
    with pytest.raises(Denied):
        survey.automations(Refusing(Denied("no", code="token")), shipped())
