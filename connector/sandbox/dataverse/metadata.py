"""
What tables and columns there are: EntityDefinitions with Attributes, their casts, options and relationships.

Metadata is never paged. A filter works over a few plain properties, as callers use them; anything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from connector.sandbox.dataverse.errors import malformed, refused
from connector.sandbox.dataverse.metadata_query import chosen, expansions, filtered
from connector.sandbox.dataverse.request import Request, Segment
from connector.sandbox.dataverse.rights import RIGHTS
from connector.sandbox.dataverse.schema import DATES, KINDS, LOOKUPS, Column, Option, Table
from connector.sandbox.exchange import Answer

CRM = "Microsoft.Dynamics.CRM."
_NAME = re.compile(r"LogicalName='(\w+)'")
#: Casts that metadata has, by name.
_CASTS = {cast for _, cast in KINDS.values()}


def definitions(request: Request) -> Answer:
    """EntityDefinitions: all tables, or some by name."""
    request.check_options("$select", "$filter", "$expand")
    tables = list(request.environment.tables.values())
    kept = filtered(request.option("$filter"), tables, _table_facts)
    told = [_told_table(request, table) for table in kept]
    return _list(request, "EntityDefinitions", told)


def definition(request: Request) -> Answer:
    """EntityDefinitions(LogicalName='contact'): one table."""
    request.check_options("$select", "$expand")
    table = table_named(request, request.segments[0])
    told = _told_table(request, table)
    return Answer(200, {"@odata.context": f"{request.base}/$metadata#EntityDefinitions/$entity", **told})


def attributes(request: Request) -> Answer:
    """The columns of a table, of one kind where the path ends in a cast."""
    request.check_options("$select", "$filter", "$expand")
    table = table_named(request, request.segments[0])
    cast = _cast(request.segments[2]) if len(request.segments) > 2 else None
    columns = _kept_by(cast, _seen(request, table))
    kept = filtered(request.option("$filter"), columns, _column_facts)
    told = [_told_column(request, table, column, cast) for column in kept]
    path = f"EntityDefinitions('{table.name}')/Attributes" + (f"/{CRM}{cast}" if cast else "")
    return _list(request, path, told)


def attribute(request: Request) -> Answer:
    """One column, with what its cast tells where the path ends in one."""
    request.check_options("$select", "$expand")
    table = table_named(request, request.segments[0])
    name = _logical_name(request.segments[1])
    column = request.environment.columns_of(table).get(name)
    cast = _cast(request.segments[2]) if len(request.segments) > 2 else None
    if column is None or (cast and not _kept_by(cast, [column])):
        raise refused("NoAttribute", f"Could not find an attribute '{name}' of '{table.name}'.", status=404)
    told = _told_column(request, table, column, cast)
    return Answer(200, {"@odata.context": f"{request.base}/$metadata#EntityDefinitions/Attributes/$entity", **told})


def relationships(request: Request) -> Answer:
    """ManyToOneRelationships: which lookup leads where, and how its navigation property is spelled."""
    request.check_options("$select", "$filter")
    table = table_named(request, request.segments[0])
    found = [_relationship(request, table, name, *leads) for name, leads in table.navigations().items()]
    kept = filtered(request.option("$filter"), found, lambda one: one)
    return _list(request, "ManyToOneRelationships", [chosen(one, request.option("$select")) for one in kept])


def keys(request: Request) -> Answer:
    """The alternate keys of a table."""
    request.check_options("$select")
    table = table_named(request, request.segments[0])
    one = {
        "LogicalName": table.key_name.lower(),
        "SchemaName": table.key_name,
        "KeyAttributes": list(table.key),
        "EntityKeyIndexStatus": "Active",
    }
    return _list(request, "Keys", [chosen(one, request.option("$select"))] if table.key else [])


def table_named(request: Request, segment: Segment) -> Table:
    """The table of `EntityDefinitions(LogicalName='x')`; Refusal 404 for a name that is none."""
    name = _logical_name(segment)
    table = request.environment.tables.get(name)
    if table is None:
        raise refused("NotFound", f"Could not find an entity with specified entity name: {name}.")
    return table


def metadata_id(*names: str) -> str:
    """The id that a definition always has."""
    return str(uuid5(NAMESPACE_URL, "/".join(names)))


def _logical_name(segment: Segment) -> str:
    found = _NAME.fullmatch(segment.key or "")
    if found is None:
        raise malformed(f"Metadata is asked for by LogicalName='...', not by {segment.key!r}.")
    return found[1]


def _cast(segment: Segment) -> str:
    name = segment.name.removeprefix(CRM)
    if name not in _CASTS:
        raise malformed(f"The type {segment.name} cannot be cast to here.")
    return name


def _kept_by(cast: str | None, columns: Iterable[Column]) -> list[Column]:
    return [column for column in columns if cast is None or KINDS[column.kind][1] == cast]


def _seen(request: Request, table: Table) -> list[Column]:
    return list(request.environment.columns_of(table).values())


# -- how they are told -----------------------------------------------------------------------------------


def _told_table(request: Request, table: Table) -> dict[str, Any]:
    facts = _table_facts(table)
    told = chosen({**facts, "Privileges": _privileges(table)}, request.option("$select"))
    for name, select in expansions(request.option("$expand")):
        if name == "Attributes":
            told[name] = [chosen(_column_facts(one) | _names(one), select) for one in _seen(request, table)]
        elif name == "Keys":
            told[name] = [{"SchemaName": table.key_name, "KeyAttributes": list(table.key)}] if table.key else []
        elif name == "ManyToOneRelationships":
            found = (_relationship(request, table, one, *leads) for one, leads in table.navigations().items())
            told[name] = [chosen(one, select) for one in found]
        else:
            raise malformed(f"Could not find a navigation property named '{name}' on EntityMetadata.")
    return told | {"MetadataId": metadata_id(table.name)}


def _table_facts(table: Table) -> dict[str, Any]:
    return {
        "LogicalName": table.name,
        "SchemaName": table.schema_name,
        "EntitySetName": table.set_name,
        "LogicalCollectionName": table.set_name,
        "PrimaryIdAttribute": table.id_column,
        "PrimaryNameAttribute": table.name_column or None,
        "ObjectTypeCode": table.type_code,
        "ChangeTrackingEnabled": table.change_tracking,
        "CanChangeTrackingBeEnabled": _managed(table.writable),
        "IsOptimisticConcurrencyEnabled": table.versions,
        "IsAuditEnabled": _managed(table.audited),
        "IsActivity": table.is_activity,
        "IsCustomEntity": False,
        "OwnershipType": "UserOwned" if "ownerid" in table.columns else "OrganizationOwned",
        "DisplayName": _label(table.schema_name),
    }


def _privileges(table: Table) -> list[dict[str, Any]]:
    return [
        {"Name": f"prv{right}{table.schema_name}", "PrivilegeId": privilege_id(right, table), "PrivilegeType": right}
        for right in RIGHTS
    ]


def privilege_id(right: str, table: Table) -> str:
    """The id of a right on a table."""
    return metadata_id("privilege", right, table.name)


def _told_column(request: Request, table: Table, column: Column, cast: str | None) -> dict[str, Any]:
    facts = _column_facts(column) | _names(column) | (_cast_facts(column) if cast else {})
    facts |= {"EntityLogicalName": table.name, "IsSecured": (table.name, column.name) in request.environment.secured}
    told = chosen(facts, request.option("$select"))
    for name, select in expansions(request.option("$expand")):
        if cast is None or name not in ("OptionSet", "GlobalOptionSet"):
            raise malformed(f"Could not find a navigation property named '{name}' on AttributeMetadata.")
        told[name] = _option_set(column, select) if name == "OptionSet" else None
    kind = {"@odata.type": f"#{CRM}{KINDS[column.kind][1]}"}
    return kind | told | {"MetadataId": metadata_id(table.name, column.name)}


def _column_facts(column: Column) -> dict[str, Any]:
    writable = not column.read_only
    return {
        "LogicalName": column.name,
        "SchemaName": column.schema_name,
        "AttributeType": KINDS[column.kind][0],
        "AttributeOf": None,
        "IsValidForCreate": writable and column.kind != "state",
        "IsValidForUpdate": writable and column.kind != "id",
        "IsValidForRead": True,
        "IsCustomAttribute": column.custom,
        "IsPrimaryId": column.kind == "id",
        "ColumnNumber": column.number,
    }


def _names(column: Column) -> dict[str, Any]:
    kind = "MultiSelectPicklist" if column.kind == "choices" else KINDS[column.kind][0]
    return {
        "AttributeTypeName": {"Value": f"{kind}Type"},
        "RequiredLevel": {"Value": "ApplicationRequired" if column.required else "None", "CanBeChanged": True},
        "IsAuditEnabled": _managed(column.audited),
        "DisplayName": _label(column.schema_name),
        "Description": _label(""),
        "IsManaged": not column.custom,
    }


def _cast_facts(column: Column) -> dict[str, Any]:
    """What only the cast to the column's own kind tells."""
    if column.kind in ("string", "memo"):
        return {"MaxLength": column.length, "Format": "TextArea" if column.kind == "memo" else "Text"}
    if column.kind in ("integer", "bigint"):
        return {"MinValue": column.least, "MaxValue": column.most}
    if column.kind in ("money", "base", "decimal", "double"):
        return {"MinValue": column.least, "MaxValue": column.most, "Precision": 4}
    if column.kind in LOOKUPS:
        return {"Targets": list(column.targets)}
    if column.kind in DATES or column.kind == "dateonly":
        behaviour = "DateOnly" if column.kind == "dateonly" else "UserLocal"
        format = "DateAndTime" if column.kind == "datetime" else "DateOnly"
        return {"DateTimeBehavior": {"Value": behaviour}, "Format": format}
    return {"DefaultFormValue": None} if column.kind in ("choice", "choices", "state", "status") else {}


def _option_set(column: Column, select: str) -> dict[str, Any]:
    if column.kind == "boolean":
        no, yes = (Option(value, label) for value, label in enumerate(column.labels))
        told: dict[str, Any] = {"FalseOption": _told_option(no), "TrueOption": _told_option(yes)}
    else:
        told = {"Options": [_told_option(one) for one in column.options]}
    told |= {"IsGlobal": False, "Name": column.name}
    return chosen(told, select) | {"MetadataId": metadata_id("optionset", column.name)}


def _told_option(option: Option) -> dict[str, Any]:
    state = {} if option.state is None else {"State": option.state}
    return {"Value": option.value, "Label": _label(option.label), "Description": _label(""), **state}


def _label(text: str) -> dict[str, Any]:
    if not text:
        return {"LocalizedLabels": [], "UserLocalizedLabel": None}
    one = {"Label": text, "LanguageCode": 1033, "IsManaged": True, "MetadataId": metadata_id("label", text)}
    return {"LocalizedLabels": [one], "UserLocalizedLabel": one}


def _managed(value: bool) -> dict[str, Any]:
    return {"Value": value, "CanBeChanged": True}


def _relationship(request: Request, table: Table, name: str, column: Column, target: str) -> dict[str, Any]:
    other = request.environment.tables.get(target)
    return {
        "SchemaName": f"{target}_{table.set_name}_{column.name}",
        "ReferencingEntity": table.name,
        "ReferencingAttribute": column.name,
        "ReferencedEntity": target,
        "ReferencedAttribute": other.id_column if other else f"{target}id",
        "ReferencingEntityNavigationPropertyName": name,
        "ReferencedEntityNavigationPropertyName": f"{target}_{table.set_name}_{column.name}",
        "MetadataId": metadata_id("relationship", table.name, name),
    }


def _list(request: Request, path: str, told: list[dict[str, Any]]) -> Answer:
    return Answer(200, {"@odata.context": f"{request.base}/$metadata#{path}", "value": told})
