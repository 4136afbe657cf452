"""The Dataverse environment of the kills: half of its people are contacts, half are leads that stand alone."""

from __future__ import annotations

from datetime import timedelta

from connector.sandbox.clock import Clock, to_ms
from connector.sandbox.dataverse import Environment
from connector.sandbox.dataverse.known import owner_id
from connector.sandbox.dataverse.rows import Value
from connector.sandbox.dataverse.schema import Ref
from tests.kills.account import NOON, TITLES
from tests.kills.places import person
from tests.sync.test_writing_dynamics import set_up

LEAD = 710000001


def environment(people: int) -> Environment:
    """So many people: every tenth asked for a demo, every third looked at the prices, every seventh is on a deal."""
    made = Environment(clock=Clock(NOON))
    set_up(made)
    company = made.add("account", {"name": "Mill", "numberofemployees": 420, "address1_country": "Poland"}).id
    for number in range(1, people + 1):
        _somebody(made, number, Ref("account", company))
    return made


def _somebody(made: Environment, number: int, company: Ref) -> None:
    table = "lead" if number % 2 else "contact"
    values: dict[str, Value] = {
        "emailaddress1": f"p{number}@northmill.example",
        "firstname": "Anna",
        "lastname": f"Nowak {number}",
        "jobtitle": TITLES[number % len(TITLES)] or None,
        "cx_lifecyclestage": LEAD,
        "ownerid": Ref("systemuser", owner_id("501")),
        "parentaccountid" if table == "lead" else "parentcustomerid": company,
    }
    if number % 3 == 0:
        values["cx_pricing_page_on"] = to_ms(NOON - timedelta(hours=1))
    if number % 10 == 2:
        values["cx_demo_request_on"] = to_ms(NOON - timedelta(minutes=30))
    born = to_ms(NOON - timedelta(days=100, minutes=number))
    row = made.add(table, values, id=person(number), created_at=born)
    if number % 14 == 0:
        won: dict[str, Value] = {"statecode": 1, "statuscode": 3} if number % 28 else {}
        made.add("opportunity", {"name": "Looms", "salesstage": 0, "parentcontactid": Ref(table, row.id), **won})
