"""People in our words, brought into a HubSpot account and a Dynamics environment alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.fields import FieldMap
from connector.model import Deal, Person, Signal
from connector.sandbox import World
from connector.sandbox.clock import to_ms
from connector.sandbox.dataverse import Environment
from connector.sandbox.dataverse.known import owner_id
from connector.sandbox.dataverse.rows import Value
from connector.sandbox.dataverse.schema import Ref

OWNER = "502"

#: What is said of a person's company, which is a record of its own in both CRMs.
OF_COMPANIES = ("company_name", "company_size", "revenue", "industry")

#: Our word for an industry -> the word that Microsoft's list has for it. What is not here, that list does not have.
INDUSTRIES = {"manufacturing": "durable_manufacturing"}


def newest(person: Person) -> dict[str, Signal]:
    """The last signal of each kind: what a column that says "when last" can tell."""
    found: dict[str, Signal] = {}
    for one in sorted(person.signals, key=lambda each: each.at):
        found[one.kind] = one
    return found


def to_hubspot(account: World, fields: FieldMap, name: str, person: Person, *, born: datetime, now: datetime) -> None:
    """Contact, company, deals, and what lists, a form and a counter saw."""
    wiring = fields.wiring
    properties = {
        wiring.fields["contact"][field].property: fields.encode(field, value) for field, value in said(name, person)
    }
    seen = newest(person)
    sources = {one.signal: one for one in wiring.signals}
    for kind, signal in seen.items():
        if sources[kind].how == "counter":
            properties |= {sources[kind].key: "1", str(sources[kind].date): str(to_ms(signal.at))}
    properties["hubspot_owner_id"] = OWNER
    contact = account.add("contacts", properties, created_at=born, modified_at=now)
    company = {wiring.fields["company"][field].property: str(value) for field, value in of_company(person).items()}
    if company:
        account.associate("contacts", contact, "companies", account.add("companies", company), primary=True)
    for kind, signal in seen.items():
        if sources[kind].how == "list":
            account.join_list(sources[kind].key, contact, at=signal.at)
        elif sources[kind].how == "form":
            account.submit_form(sources[kind].key, {"email": properties["email"]}, at=signal.at)
    stages = {ours: (pipeline, stage) for (pipeline, stage), ours in reversed(wiring.deal_stages.items())}
    for number, deal in enumerate(person.deals):
        pipeline, stage = stages[str(deal.deal_stage)]
        opened = deal.opened_at or born + timedelta(hours=number)
        told = {"pipeline": pipeline, "dealstage": stage, "createdate": opened.isoformat(), **_closed(deal, opened)}
        account.associate("deals", account.add("deals", told, created_at=opened, modified_at=now), "contacts", contact)


def _closed(deal: Deal, opened: datetime) -> dict[str, str]:
    closed = deal.closed_at or opened + timedelta(days=1)
    return {"closedate": closed.isoformat(), **({"closed_lost_reason": deal.lost_reason} if deal.lost_reason else {})}


def to_dynamics(environment: Environment, fields: FieldMap, name: str, person: Person, *, born: datetime) -> None:
    """Contact, account, opportunities, and the columns that say when something was done last."""
    wiring = fields.wiring
    sources = {one.signal: one for one in wiring.signals}
    owner: dict[str, Value] = {"ownerid": Ref("systemuser", owner_id(OWNER))}
    values: dict[str, Value] = {**owner}
    for field, value in said(name, person):
        text = fields.encode(field, value)
        values[wiring.fields["contact"][field].property] = int(text) if text.isdigit() else text
    if "donotbulkemail" in values:
        values["donotbulkemail"] = values["donotbulkemail"] == "true"
    values |= {sources[kind].key: to_ms(signal.at) for kind, signal in newest(person).items()}
    company = of_company(person)
    if company:
        told: dict[str, Value] = {"name": company.get("company_name"), "numberofemployees": company.get("company_size")}
        if "revenue" in company:
            told["revenue"] = Decimal(company["revenue"])
        if "industry" in company:
            told["industrycode"] = int(wiring.fields["company"]["industry"].values[INDUSTRIES[company["industry"]]][0])
        values["parentcustomerid"] = Ref("account", environment.add("account", told).id)
    contact = environment.add("contact", values, created_at=to_ms(born)).id
    numbers = {ours: stage for (_, stage), ours in reversed(wiring.deal_stages.items())}
    for number, deal in enumerate(person.deals):
        opened = deal.opened_at or born + timedelta(hours=number)
        closed = (deal.closed_at or opened + timedelta(days=1)).date().isoformat()
        stage: dict[str, Value] = {"parentcontactid": Ref("contact", contact), "cx_lostreason": deal.lost_reason}
        if deal.state == "lost":
            stage |= {"statecode": 2, "statuscode": 4, "actualclosedate": closed}
        else:
            stage |= {"salesstage": int(numbers[str(deal.deal_stage)]), "estimatedclosedate": closed}
        environment.add("opportunity", {**stage, **owner}, created_at=to_ms(opened))


def said(name: str, person: Person) -> list[tuple[str, Any]]:
    """What the record says of the person; each has an address of their own, at the same domain."""
    own = {field: value for field, value in person.fields.items() if field not in OF_COMPANIES}
    if "email" in own:
        own["email"] = f"{name}@{str(own['email']).partition('@')[2]}"
    return [*own.items(), *((field, value) for field in ("stage", "status") if (value := getattr(person, field)))]


def of_company(person: Person) -> Mapping[str, Any]:
    """What is known of the person's company."""
    return {field: person.fields[field] for field in OF_COMPANIES if field in person.fields}
