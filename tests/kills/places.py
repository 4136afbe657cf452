"""
The two CRMs in which processes are killed: how each account is started, what people see in it, what happens in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

CONFIG = """\
[state]
url = "sqlite:///connector.db"

[connections.acme]
crm = "{crm}"
token = "env:KILLS_TOKEN"
{address} = "{url}"
mapping = "shipped"
mode = "live"
go_live = "always"
require_approval = false
read = {{ {read}, threads = 4 }}
guard = {{ changes_per_run = 100000, changes_per_day = 100000, max_share = 1.0 }}
tasks = {{ per_owner_per_day = 10000, per_day = 10000 }}
"""

Row = Mapping[str, Any]


class Account(Protocol):
    """The hand on an account's control path."""

    def do(self, name: str, /, **body: Any) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Place:
    """One CRM. `read` is its reading settings for a page size; `people` its tables of people; `stage` the property that
    must never be blank; `task` of a task: its text, and whom it is for; `unlike` what differs from life to life;
    `afresh` how the account calls reads of people right before they are written, where it counts them apart."""

    crm: str
    address: str
    read: Callable[[int], str]
    people: tuple[str, ...]
    stage: str
    task: Callable[[Row], tuple[Any, str]]
    unlike: Callable[[str], bool]
    happens: Callable[[Account, Sequence[str]], None]  # between the first run and the next
    afresh: str = ""

    def config(self, url: str, page: int) -> str:
        """The configuration of a connector of this account."""
        return CONFIG.format(crm=self.crm, address=self.address, url=url, read=self.read(page))

    def writes(self, state: Row) -> int:
        """How much the account has been written to."""
        return int(sum(state["writes"].values()) if isinstance(state["writes"], dict) else state["writes"])

    def calls(self, state: Row) -> int:
        """How many calls the account has had."""
        return int(sum(state["servers"].values() if "servers" in state else state["calls"].values()))


# -- HubSpot ---------------------------------------------------------------------------------------------------------


def _task_of_hubspot(task: Row) -> tuple[Any, str]:
    return task["contacts"], task["properties"]["hs_task_body"]


def _day_in_hubspot(account: Account, people: Sequence[str]) -> None:
    """In each of these people something, two are merged, somebody leaves and somebody is new."""
    for number, id in enumerate(people):
        if number % 4 == 0:
            account.do("edit", kind="contacts", id=id, properties={"jobtitle": "Chief Operating Officer"})
        elif number % 4 == 1:
            account.do("form", form="demo-request", values={"email": f"p{id}@northmill.example"})
        elif number % 4 == 2:
            account.do("edit", kind="contacts", id=id, properties={"cx_persona": "somebody_else"})
        else:
            account.do("list", name="Visited pricing", contact_id=id)
    account.do("merge", kind="contacts", survivor="1", loser="2")
    account.do("archive", kind="contacts", id="3")
    properties = {"email": "new@northmill.example", "jobtitle": "Director of Operations", "lifecyclestage": "lead"}
    account.do("create", kind="contacts", properties=properties, id="9001")
    account.do("form", form="demo-request", values={"email": properties["email"]})


HUBSPOT = Place(
    crm="hubspot",
    address="base_url",
    read=lambda page: f'settle = "0s", page = {page}, batch = {page}, search_page = {page}',
    people=("contacts",),
    stage="lifecyclestage",
    task=_task_of_hubspot,
    unlike=lambda name: name.startswith("hs_lifecyclestage_") or name.endswith("lastmodifieddate"),
    happens=_day_in_hubspot,
    afresh="batch_read",
)

# -- Dynamics --------------------------------------------------------------------------------------------------------


def person(number: int) -> str:
    """The id of one of the people of the environment: contacts are even, leads that stand alone are odd."""
    return f"{number % 2:08x}-0000-4000-8000-{number:012}"


def _task_of_dynamics(task: Row) -> tuple[Any, str]:
    return task.get("regardingobjectid"), task["description"]


def _day_in_dynamics(account: Account, people: Sequence[str]) -> None:
    """The same, with a lead that becomes part of a contact."""
    for number, id in enumerate(map(int, people)):
        values: dict[str, Any]
        if number % 4 == 0:
            values = {"jobtitle": "Chief Operating Officer"}
        elif number % 4 == 1:
            values = {"cx_demo_request_on": "2026-03-31T12:00:00Z"}
        elif number % 4 == 2:
            values = {"cx_persona": 710000002}
        else:
            values = {"cx_pricing_page_on": "2026-03-31T12:00:00Z"}
        account.do("edit", table="leads" if id % 2 else "contacts", id=person(id), values=values)
    account.do("merge", table="contacts", survivor=person(4), loser=person(2))
    account.do("delete", table="contacts", id=person(6))
    account.do("edit", table="leads", id=person(3), values={"parentcontactid": f"contact:{person(8)}"})
    values = {"emailaddress1": "new@northmill.example", "lastname": "New", "jobtitle": "Director of Operations"}
    hot = {"cx_lifecyclestage": 710000001, "cx_demo_request_on": "2026-03-31T12:00:00Z"}
    account.do("create", table="contacts", id=person(9000), values={**values, **hot})


DYNAMICS = Place(
    crm="dynamics",
    address="environment_url",
    read=lambda page: f"page = {page}, batch = {page}",
    people=("contacts", "leads"),
    stage="cx_lifecyclestage",
    task=_task_of_dynamics,
    unlike=lambda name: name in ("etag", "versionnumber", "modifiedon"),
    happens=_day_in_dynamics,
)

PLACES = (HUBSPOT, DYNAMICS)
