"""Functions and actions: who am I, what may I, merging, qualifying, closing deals, what an audit row is about."""

from __future__ import annotations

import re
from typing import Any

from connector.sandbox.dataverse import merging, metadata, payload, reading, writing
from connector.sandbox.dataverse.errors import no_such_row, refused
from connector.sandbox.dataverse.known import BUSINESS_UNIT, ORGANIZATION
from connector.sandbox.dataverse.request import Request, segments
from connector.sandbox.dataverse.rights import RIGHTS
from connector.sandbox.dataverse.rows import Row, Values
from connector.sandbox.dataverse.schema import Table
from connector.sandbox.dataverse.telling import wire
from connector.sandbox.exchange import Answer


def who_am_i(request: Request) -> Answer:
    """The ids of the caller, its business unit and the organisation."""
    return Answer(
        200,
        {
            "@odata.context": f"{request.base}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
            "BusinessUnitId": BUSINESS_UNIT,
            "UserId": request.environment.app.id,
            "OrganizationId": ORGANIZATION,
        },
    )


def total_count(request: Request) -> Answer:
    """RetrieveTotalRecordCount: how many rows some tables have, whatever state they are in."""
    names = re.findall(r"'(\w+)'", request.segments[0].key or "")
    unknown = [name for name in names if name not in request.environment.tables]
    if unknown or not names:
        raise refused("InvalidArgument", f"The entity with a name = '{(unknown or ['?'])[0]}' was not found.")
    counts = [request.environment.shelf(name).count() for name in names]
    told = {"Count": len(names), "IsReadOnly": False, "Keys": names, "Values": counts}
    context = f"{request.base}/$metadata#Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse"
    return Answer(200, {"@odata.context": context, "EntityRecordCountCollection": told})


def privileges(request: Request) -> Answer:
    """RetrieveUserPrivileges of a user: every right on every table that it has."""
    environment = request.environment
    held: list[dict[str, Any]] = [
        {
            "Depth": environment.app.depths.get((right, table.name), "Global"),
            "PrivilegeId": metadata.privilege_id(right, table),
            "PrivilegeName": f"prv{right}{table.schema_name}",
            "BusinessUnitId": BUSINESS_UNIT,
        }
        for table in environment.tables.values()
        for right in RIGHTS
        if environment.app.may(right, table.name)
    ]
    context = f"{request.base}/$metadata#Microsoft.Dynamics.CRM.RetrieveUserPrivilegesResponse"
    return Answer(200, {"@odata.context": context, "RolePrivileges": held})


def merge(request: Request) -> Answer:
    """Merge: the subordinate's children go to the target, it is deactivated, not deleted."""
    environment, body = request.environment, request.body()
    table = _typed(request, body.get("Target"))
    if not table.mergeable or _typed(request, body.get("Subordinate")) is not table:
        raise refused("NoSuchMessage", f"The 'Merge' method does not support entities of type '{table.name}'.")
    request.may("Write", table)
    target, loser = (_row_in(request, table, body[name]) for name in ("Target", "Subordinate"))
    content = payload.parsed(environment, table, body.get("UpdateContent") or {}, creating=False)
    if target.values.get("merged") or loser.values.get("merged") or target.id == loser.id:
        raise refused("InvalidState", "A row that was merged before cannot be merged again.")
    merging.merge(environment, table.name, target.id, loser.id, content.values, environment.app.id)
    writing.count_write(request, table)
    writing.count_write(request, table)
    return Answer(204)


def qualify_lead(request: Request) -> Answer:
    """QualifyLead: closes the lead and makes what is asked for."""
    environment, body = request.environment, request.body()
    table = environment.tables["lead"]
    request.may("Write", table)
    lead = reading.row_of(request)
    if lead.values.get("statecode") != 0:
        raise refused("InvalidState", "The lead is already closed.")
    account, contact, deal = (bool(body.get(f"Create{kind}")) for kind in ("Account", "Contact", "Opportunity"))
    wanted = merging.Wanted(account, contact, deal, int(body.get("Status", 3)))
    made = merging.qualify(environment, lead.id, wanted, environment.app.id)
    writing.count_write(request, table)
    told = [{"@odata.type": f"#Microsoft.Dynamics.CRM.{ref.table}", f"{ref.table}id": ref.id} for ref in made]
    return Answer(200, {"@odata.context": f"{request.base}/$metadata#Collection(crmbaseentity)", "value": told})


def win_opportunity(request: Request) -> Answer:
    """WinOpportunity: an open deal is won."""
    return _closed(request, 1)


def lose_opportunity(request: Request) -> Answer:
    """LoseOpportunity: an open deal is lost."""
    return _closed(request, 2)


def _closed(request: Request, state: int) -> Answer:
    environment, body = request.environment, request.body()
    table = environment.tables["opportunity"]
    request.may("Write", table)
    close = body.get("OpportunityClose")
    if not isinstance(close, dict) or not isinstance(body.get("Status"), int):
        raise refused("InvalidArgument", "Status and OpportunityClose are required.")
    address = str(close.get("opportunityid@odata.bind", ""))
    id = segments(address.rpartition("/")[2])[0].id() if address else None
    row = environment.row(table.name, id or "")
    if row is None:
        raise no_such_row(table.name, id or "")
    option = table.columns["statuscode"].option(body["Status"])
    if row.values.get("statecode") != 0 or option is None or option.state != state:
        raise refused("BadStatus", f"The opportunity cannot be closed with the status {body['Status']}.")
    environment.write(table.name, row.id, {"statecode": state, "statuscode": body["Status"]}, by=environment.app.id)
    writing.count_write(request, table)
    return Answer(204)


def audit_details(request: Request) -> Answer:
    """RetrieveAuditDetails of an audit row: the values before and after."""
    environment = request.environment
    row = reading.row_of(request)
    detail = environment.audit_details.get(row.id)
    if detail is None:
        raise no_such_row("audit", row.id)
    table = environment.tables[detail.table]
    told = {
        "@odata.type": "#Microsoft.Dynamics.CRM.AttributeAuditDetail",
        "OldValue": _told(table, detail.old),
        "NewValue": _told(table, detail.new),
    }
    context = f"{request.base}/$metadata#Microsoft.Dynamics.CRM.RetrieveAuditDetailsResponse"
    return Answer(200, {"@odata.context": context, "AuditDetail": told})


def publish(request: Request) -> Answer:
    """PublishXml and PublishAllXml: what was made in metadata can be used from now on."""
    request.environment.unpublished.clear()
    return Answer(204)


def _told(table: Table, values: Values) -> dict[str, Any]:
    kind = {"@odata.type": f"#Microsoft.Dynamics.CRM.{table.name}"}
    return kind | {table.columns[name].told_as: wire(table.columns[name], value) for name, value in values.items()}


def _typed(request: Request, body: Any) -> Table:
    """The table of a row in a body, by its @odata.type; Refusal 400 where it says none."""
    name = str(body.get("@odata.type", "")).rpartition(".")[2] if isinstance(body, dict) else ""
    table = request.environment.tables.get(name)
    if table is None:
        raise refused("InvalidArgument", "Target and Subordinate each need an @odata.type.")
    return table


def _row_in(request: Request, table: Table, body: dict[str, Any]) -> Row:
    id = str(body.get(table.id_column, "")).lower()
    row = request.environment.row(table.name, id)
    if row is None:
        raise no_such_row(table.name, id)
    return row
