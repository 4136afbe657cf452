"""Functions and actions: who am I, what may I, merge, and what the sandbox lets a configured connector do to deals."""

from __future__ import annotations

from typing import Any

from connector.sandbox.dataverse import metadata
from connector.sandbox.dataverse.environment import BUSINESS_UNIT, ORGANIZATION
from connector.sandbox.dataverse.request import Request
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


def privileges(request: Request) -> Answer:
    """RetrieveUserPrivileges of a user: every right on every table that it has."""
    environment = request.environment
    held: list[dict[str, Any]] = [
        {
            "Depth": "Global",
            "PrivilegeId": metadata.privilege_id(right, table),
            "PrivilegeName": f"prv{right}{table.schema_name}",
            "BusinessUnitId": BUSINESS_UNIT,
        }
        for table in environment.tables.values()
        for right in metadata.RIGHTS
        if environment.app.may(right, table.name)
    ]
    context = f"{request.base}/$metadata#Microsoft.Dynamics.CRM.RetrieveUserPrivilegesResponse"
    return Answer(200, {"@odata.context": context, "RolePrivileges": held})
