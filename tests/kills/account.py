"""
`python -m tests.kills.account CRM PEOPLE`: a sandbox as a process, with an account in which something is to be done.

SIGUSR1 saves the account as it is; from then on `POST /_sandbox/reset` brings that back. It is answered on stdout.
"""

from __future__ import annotations

import pickle
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.sandbox import Sandbox, World
from connector.sandbox.clock import Clock
from connector.sandbox.dataverse import DataverseSandbox
from connector.sandbox.schema import Definition, Option
from tests.cli.desk import DOMAIN, LISTS, TOKEN, shipped

#: When every kill happens, by the sandbox's clock and by the connector's.
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)

TITLES = ("Director of Operations", "Process Engineer", "Chief Financial Officer", "Shift Supervisor", "")


def account(people: int) -> World:
    """So many people at three companies: every tenth asked for a demo, every third looked at the prices, every seventh
    is on a deal."""
    world = World(clock=Clock(NOON))
    world.audience.add_form("demo-request")
    for name in LISTS:
        world.audience.add_list(name)
    for own in shipped().wiring.own:
        options = tuple(Option(value, label) for value, label in own.options)
        world.definitions["contacts"][own.property] = Definition(
            own.property, own.type, label=own.label, options=options, stock=False
        )
    for company in ("901", "902", "903"):
        properties = {"name": f"Mill {company}", "industry": "MANUFACTURING", "numberofemployees": company}
        world.add("companies", {**properties, "country": "Poland", "annualrevenue": "38000000"}, id=company)
    for number in range(1, people + 1):
        _somebody(world, number)
    return world


def _somebody(world: World, number: int) -> None:
    id = str(number)
    properties = {
        "email": f"p{id}@{DOMAIN}",
        "firstname": "Anna",
        "jobtitle": TITLES[number % len(TITLES)],
        "lifecyclestage": "lead",
        "hubspot_owner_id": "501",
    }
    world.add("contacts", properties, id=id, created_at=NOON - timedelta(days=100, minutes=number))
    world.associate("contacts", id, "companies", str(901 + number % 3), primary=True)
    if number % 3 == 0:
        world.join_list("Visited pricing", id, at=NOON - timedelta(hours=1))
    if number % 10 == 2:
        world.submit_form("demo-request", {"email": f"p{id}@{DOMAIN}"}, at=NOON - timedelta(minutes=30))
    if number % 7 == 0:
        deal = {"pipeline": "default", "dealstage": "closedwon" if number % 2 else "appointmentscheduled"}
        world.add("deals", {**deal, "createdate": "2026-03-01T00:00:00Z"}, id=f"7{id}")
        world.associate("deals", f"7{id}", "contacts", id)


def _hubspot(saved: Callable[[], Any], people: int) -> Sandbox:
    return Sandbox(
        lambda: saved() or account(people),
        token=TOKEN,
        burst=100_000,
        associations_burst=100_000,
        search_per_second=100_000,
    )


def _dynamics(saved: Callable[[], Any], people: int) -> DataverseSandbox:
    from tests.kills.environment import environment  # noqa: PLC0415 - the HubSpot account has no use for it

    return DataverseSandbox(lambda: saved() or environment(people), token=TOKEN, rate_limits=False)


def main(crm: str, people: int) -> None:
    """Serve until somebody ends it."""
    saved: list[bytes] = []

    def last() -> Any:
        return pickle.loads(saved[-1]) if saved else None

    sandbox = _dynamics(last, people) if crm == "dynamics" else _hubspot(last, people)

    def save(*_: object) -> None:
        saved.append(pickle.dumps(sandbox.world))
        print("saved", flush=True)  # noqa: T201 - the answer to the signal

    signal.signal(signal.SIGUSR1, save)
    sandbox.serve(announce=lambda url: print(url, flush=True))  # noqa: T201 - whoever started it waits for the address


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
