"""
Automations of the environment as Dataverse keeps them: a workflow's steps as XAML, a cloud flow's as JSON, a plug-in's
step with the columns that it runs on. Nothing here runs: robots and plug-ins of the sandbox do that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from connector.sandbox.dataverse.schema import Ref

if TYPE_CHECKING:
    from connector.sandbox.dataverse.environment import Environment

KINDS = ("workflow", "rule", "flow", "plugin")
_CATEGORY = {"workflow": 0, "rule": 2, "flow": 5}


def automation(
    environment: Environment, name: str, table: str, column: str, *, kind: str = "workflow", enabled: bool = True
) -> str:
    """Something that sets this column of a table, or a plug-in that runs when it changes; its id."""
    if kind == "plugin":
        return _step(environment, name, table, column, enabled=enabled)
    flow = kind == "flow"
    steps = (
        {"clientdata": _flow(environment.tables[table].set_name, column)} if flow else {"xaml": _xaml(table, column)}
    )
    row = environment.add(
        "workflow",
        {
            "name": name,
            "category": _CATEGORY[kind],
            "type": 1,
            "primaryentity": "none" if flow else table,
            "statecode": 1 if enabled else 0,
            "statuscode": 2 if enabled else 1,
            **steps,
        },
    )
    return row.id


def _step(environment: Environment, name: str, table: str, column: str, *, enabled: bool) -> str:
    where = environment.add("sdkmessagefilter", {"primaryobjecttypecode": table})
    values = {
        "name": name,
        "filteringattributes": f"{column},modifiedon",
        "sdkmessagefilterid": Ref("sdkmessagefilter", where.id),
        "statecode": 0 if enabled else 1,
        "statuscode": 1 if enabled else 2,
    }
    return environment.add("sdkmessageprocessingstep", values).id


def _xaml(table: str, column: str) -> str:
    """A step that sets a column, the way the designer writes one."""
    entity = "[CreatedEntities(&quot;primaryEntity#Temp&quot;)]"
    setting = f'<mxswa:SetEntityProperty Attribute="{column}" Entity="{entity}" EntityName="{table}" Value="[Step1_1]">'
    return f"<Activity><mxswa:Workflow>{setting}</mxswa:SetEntityProperty></mxswa:Workflow></Activity>"


def _flow(set_name: str, column: str) -> str:
    """A cloud flow with an action that updates a row."""
    parameters = {"entityName": set_name, "recordId": "@triggerOutputs()?['body/id']", f"item/{column}": 1}
    host = {"operationId": "UpdateOnlyRecord", "connectionName": "shared_commondataserviceforapps"}
    action = {"type": "OpenApiConnection", "inputs": {"host": host, "parameters": parameters}}
    definition = {"actions": {"Condition": {"type": "If", "actions": {"Update_a_row": action}}}}
    return orjson.dumps({"properties": {"definition": definition}, "schemaVersion": "1.0.0.0"}).decode()
