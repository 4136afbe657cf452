"""
Making columns and options through the Web API, as `setup` does: POST of Attributes, InsertOptionValue.

Where the switch `publish` is on, a new column can be used only once it is published.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connector.sandbox.dataverse import metadata
from connector.sandbox.dataverse.errors import refused
from connector.sandbox.dataverse.request import Request
from connector.sandbox.dataverse.schema import OPTION_KINDS, Column, Option, Table
from connector.sandbox.exchange import Answer

_CRM = "Microsoft.Dynamics.CRM."
#: Kinds of column that can be made, by the type that the body names.
_KINDS = {
    "StringAttributeMetadata": "string",
    "MemoAttributeMetadata": "memo",
    "IntegerAttributeMetadata": "integer",
    "DecimalAttributeMetadata": "decimal",
    "DoubleAttributeMetadata": "double",
    "MoneyAttributeMetadata": "money",
    "BooleanAttributeMetadata": "boolean",
    "PicklistAttributeMetadata": "choice",
    "MultiSelectPicklistAttributeMetadata": "choices",
    "DateTimeAttributeMetadata": "datetime",
}
_LENGTHS = {"string": 100, "memo": 2000}
_LONGEST = {"string": 4000, "memo": 1_048_576}
_FIRST_CUSTOM_OPTION = 10_000


def create(request: Request) -> Answer:
    """POST EntityDefinitions(LogicalName='x')/Attributes: one more column, under the prefix of a publisher."""
    environment, body = request.environment, request.body()
    table = metadata.table_named(request, request.segments[0])
    _may_customise(request)
    kind = _KINDS.get(str(body.get("@odata.type", "")).lstrip("#").removeprefix(_CRM))
    name = str(body.get("SchemaName", ""))
    if kind is None:
        raise refused("InvalidArgument", f"A column of the type {body.get('@odata.type')!r} cannot be made here.")
    _check_name(request, table, name)
    _check_label(body.get("DisplayName"))
    column = table.add(_column(name, kind, body))
    environment.schema_version += 1
    if environment.switches.publish:
        environment.unpublished.add((table.name, column.name))
    id = metadata.metadata_id(table.name, column.name)
    where = f"{request.base}/EntityDefinitions(LogicalName='{table.name}')/Attributes({id})"
    return Answer(204, None, {"OData-EntityId": where})


def insert_option(request: Request) -> Answer:
    """InsertOptionValue: one more option of a column, by EntityLogicalName, AttributeLogicalName, Value and Label."""
    body = request.body()
    _may_customise(request)
    table = request.environment.tables.get(str(body.get("EntityLogicalName")))
    column = table.columns.get(str(body.get("AttributeLogicalName"))) if table else None
    if table is None or column is None or column.kind not in OPTION_KINDS:
        raise refused("NoAttribute", "There is no choice column of this name.", status=404)
    value = body.get("Value")
    if value is None:
        value = 1 + max((one.value for one in column.options), default=_FIRST_CUSTOM_OPTION)
    if not isinstance(value, int) or column.option(value):
        raise refused("InvalidArgument", f"The option {value} is there already, or is no number.")
    options = (*column.options, Option(value, _check_label(body.get("Label"))))
    table.columns[column.name] = _with(column, options)
    request.environment.schema_version += 1
    context = f"{request.base}/$metadata#{_CRM}InsertOptionValueResponse"
    return Answer(200, {"@odata.context": context, "NewOptionValue": value})


def _column(name: str, kind: str, body: dict[str, Any]) -> Column:
    """The column that a body describes."""
    if kind in _LENGTHS:
        length = body.get("MaxLength", _LENGTHS[kind])
        if not isinstance(length, int) or not 1 <= length <= _LONGEST[kind]:
            raise refused("InvalidArgument", f"MaxLength of {name} is 1 to {_LONGEST[kind]}.")
        return Column(name, kind, length=length, custom=True)
    if kind == "datetime":
        return Column(name, _date_kind(body), custom=True)
    if kind in OPTION_KINDS:
        options = (body.get("OptionSet") or {}).get("Options")
        if not options:
            raise refused(
                "InvalidArgument", f"{name} needs an OptionSet with Options; global ones are not served here."
            )
        return Column(name, kind, options=tuple(_option(one) for one in options), custom=True)
    if kind == "boolean":
        return Column(name, kind, labels=_labels(body.get("OptionSet") or {}), custom=True)
    least, most = body.get("MinValue"), body.get("MaxValue")
    return Column(name, kind, least=least, most=most, custom=True)


def _date_kind(body: dict[str, Any]) -> str:
    if (body.get("DateTimeBehavior") or {}).get("Value") == "DateOnly":
        return "dateonly"
    return "localdate" if body.get("Format") == "DateOnly" else "datetime"


def _option(body: dict[str, Any]) -> Option:
    if not isinstance(body.get("Value"), int):
        raise refused("InvalidArgument", "Every option needs a Value.")
    return Option(body["Value"], _check_label(body.get("Label")))


def _labels(option_set: dict[str, Any]) -> tuple[str, str]:
    no, yes = option_set.get("FalseOption"), option_set.get("TrueOption")
    if not no or not yes:
        raise refused("InvalidArgument", "A boolean needs a TrueOption and a FalseOption.")
    return _check_label(no.get("Label")), _check_label(yes.get("Label"))


def _check_name(request: Request, table: Table, name: str) -> None:
    prefixes = [str(row.values["customizationprefix"]) for row in request.environment.shelf("publisher").rows()]
    if name.partition("_")[0].lower() not in prefixes or not name.partition("_")[2].isidentifier():
        raise refused("InvalidArgument", f"The name {name!r} does not begin with the prefix of a publisher.")
    if name.lower() in table.columns:
        raise refused("DuplicateRow", f"An attribute with the name {name.lower()} already exists.", status=400)


def _check_label(label: Any) -> str:
    """The text of a label; Refusal 400 where it is none in the sandbox's language."""
    texts = label.get("LocalizedLabels") if isinstance(label, dict) else None
    for one in texts or ():
        if one.get("LanguageCode") == 1033 and one.get("Label"):
            return str(one["Label"])
    raise refused("InvalidArgument", "A label needs LocalizedLabels with a text for the language 1033.")


def _may_customise(request: Request) -> None:
    if not request.environment.app.may("Create", "attribute"):
        raise refused("PrivilegeDenied", "The user lacks prvCreateAttribute: it may not customise this environment.")


def _with(column: Column, options: tuple[Option, ...]) -> Column:
    return replace(column, options=options)
