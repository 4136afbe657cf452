"""
Two rows become one, and a lead becomes what it was qualified into: what Dataverse moves, and what it leaves behind.

The subordinate of a merge is deactivated, not deleted: it says `merged` and who its master is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.sandbox.dataverse import states
from connector.sandbox.dataverse.environment import Environment
from connector.sandbox.dataverse.pointing import pointing_at
from connector.sandbox.dataverse.rows import Row, Value
from connector.sandbox.dataverse.schema import Ref

#: How the loser of a merge ends, by table: state and status.
_ENDED = {"contact": (1, 2), "account": (1, 2), "lead": (2, 7)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a lead is to be qualified into."""

    account: bool = False
    contact: bool = False
    opportunity: bool = False
    status: int = 3


def merge(
    environment: Environment, table: str, target: str, subordinate: str, content: Mapping[str, Value], by: str
) -> None:
    """The subordinate's children move to the target, it ends; `content` is written to the target."""
    loser = environment.get(table, subordinate)
    environment.get(table, target)
    for name, column, row in list(pointing_at(environment, Ref(table, subordinate))):
        if (name, row.id) != (table, target):
            environment.write(name, row.id, {column.name: Ref(table, target)}, by=by)
    state, status = _ENDED[table]
    ended: dict[str, Value] = {"merged": True, "masterid": Ref(table, target), "statecode": state, "statuscode": status}
    environment.write(table, loser.id, ended, by=by)
    environment.write(table, target, content, by=by)


def qualify(environment: Environment, lead_id: str, wanted: Wanted, by: str) -> list[Ref]:
    """A lead is closed as qualified; what it becomes is made and linked to it."""
    lead = environment.get("lead", lead_id)
    values, made = lead.values, list[Ref]()
    account = values.get("parentaccountid")
    contact = values.get("parentcontactid")
    if wanted.account and not account:
        account = _made(environment, made, "account", {"name": values.get("companyname") or values.get("fullname")}, by)
    if wanted.contact and not contact:
        contact = _made(environment, made, "contact", _as_contact(lead, account), by)
    links: dict[str, Value] = {"parentaccountid": account, "parentcontactid": contact}
    if wanted.opportunity:
        deal = {"name": values.get("subject") or values.get("fullname"), "customerid": account or contact}
        deal |= links | {"originatingleadid": Ref("lead", lead_id), "estimatedvalue": values.get("estimatedamount")}
        links["qualifyingopportunityid"] = _made(environment, made, "opportunity", _filled(deal), by)
    closed = {"statecode": 1, "statuscode": wanted.status or states.first_status(environment.tables["lead"], 1)}
    environment.write("lead", lead_id, {**_filled(links), **closed}, by=by)
    return made


def _as_contact(lead: Row, account: Value) -> dict[str, Value]:
    """The contact that a lead describes."""
    same = ("firstname", "lastname", "jobtitle", "emailaddress1", "telephone1", "mobilephone", "donotemail", "ownerid")
    values = {name: lead.values.get(name) for name in same}
    return _filled({**values, "parentcustomerid": account, "originatingleadid": Ref("lead", lead.id)})


def _made(environment: Environment, made: list[Ref], table: str, values: Mapping[str, Value], by: str) -> Ref:
    ref = Ref(table, environment.add(table, values, by=by).id)
    made.append(ref)
    return ref


def _filled(values: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if value is not None}
