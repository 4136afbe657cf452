"""
The columns of the environment's tables as properties: types, options by value, bounds, who may write what.

Labels are read for people alone. Yes and no are told as true and false, whatever an environment calls them: two stock
columns say No where they are true. A kind that is several tables has the columns of all of them: one that some do not
have says so, and its options are those that all of them take.
Source: "Query table definitions using the Web API" of Microsoft's documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connector.crm import PropertyDefinition
from connector.crm.dynamics.api import Call
from connector.crm.dynamics.derived import definitions as derived
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.metadata import CRM, Fact, answers, text_of, value_in
from connector.crm.dynamics.names import ALIASES, TABLES, Table
from connector.crm.dynamics.plainly import NOT_UNDERSTOOD
from connector.crm.dynamics.refusals import Refused

#: Dataverse's types -> ours; other types are made by other columns and cannot be asked for.
_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("String", "Memo", "Lookup", "Customer", "Owner", "Uniqueidentifier"), "string"),
    **dict.fromkeys(("Integer", "BigInt", "Decimal", "Double", "Money"), "number"),
    **dict.fromkeys(("Picklist", "State", "Status", "MultiSelectPicklist"), "enumeration"),
    "Boolean": "bool",
    "DateTime": "datetime",
}

_FACTS = (
    "LogicalName,AttributeType,AttributeTypeName,AttributeOf,IsValidForRead,IsValidForUpdate,IsSecured,DisplayName,"
    "Description"
)
_NEEDED = "LogicalName,AttributeType,IsValidForRead,IsValidForUpdate"
_OPTIONS = "OptionSet($select=Options),GlobalOptionSet($select=Options)"
_YES_AND_NO = "OptionSet($select=TrueOption,FalseOption)"

#: Types about which a cast says more: what to select, what to expand, and whether only a kind that is written needs it.
_CASTS: Mapping[str, tuple[str, str, bool]] = {
    "Picklist": ("LogicalName", _OPTIONS, False),
    "MultiSelectPicklist": ("LogicalName", _OPTIONS, False),
    "State": ("LogicalName", _OPTIONS, False),
    "Status": ("LogicalName", _OPTIONS, False),
    "Boolean": ("LogicalName", _YES_AND_NO, False),
    "DateTime": ("LogicalName,DateTimeBehavior,Format", "", False),
    "String": ("LogicalName,MaxLength", "", True),
    "Memo": ("LogicalName,MaxLength", "", True),
    "Integer": ("LogicalName,MinValue,MaxValue", "", True),
    "Decimal": ("LogicalName,MinValue,MaxValue,Precision", "", True),
    "Double": ("LogicalName,MinValue,MaxValue,Precision", "", True),
    "Money": ("LogicalName,MinValue,MaxValue,Precision", "", True),
}

#: The kinds whose columns are written.
_WRITTEN = ("contact", "lead")


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a choice, by its value; that of a status belongs to a state."""

    value: int
    label: str
    state: int | None = None


@dataclass(slots=True)
class Columns:
    """The columns of one table, and the options of its choices."""

    definitions: dict[str, PropertyDefinition] = field(default_factory=dict)
    choices: dict[str, tuple[Choice, ...]] = field(default_factory=dict)


def columns(env: Environment, kinds: Sequence[str]) -> dict[str, Columns]:
    """The columns of the tables of these kinds, by the table's logical name; a table that is not there is left out."""
    tables = _tables(kinds)
    listed = _listed(env, [table for table, _ in tables])
    found: dict[str, Columns] = {}
    casts: list[tuple[Table, str]] = []
    for (table, written), answer in zip(tables, listed, strict=True):
        if answer is None:
            continue
        facts = [one for one in answer.get("value", ()) if isinstance(one, dict) and _is_readable(one)]
        found[table.name] = Columns({str(one["LogicalName"]): _definition(one) for one in facts})
        types = {_type(one) for one in facts}
        casts += [(table, type_) for type_, (*_, only) in _CASTS.items() if type_ in types and (written or not only)]
    told = answers(env, [_call(table, type_, *_CASTS[type_][:2]) for table, type_ in casts], spared=True)
    for (table, type_), answer in zip(casts, told, strict=True):
        for fact in (answer or {}).get("value", ()):
            _refine(found[table.name], type_, fact)
    return found


def _tables(kinds: Sequence[str]) -> list[tuple[Table, bool]]:
    """The tables of these kinds, each once, and whether their columns are written."""
    found: dict[str, tuple[Table, bool]] = {}
    for kind, table in [(one, table) for one in kinds for table in TABLES[one]]:
        known = found.get(table.name)
        found[table.name] = (known[0] if known else table, kind in _WRITTEN or (known is not None and known[1]))
    return list(found.values())


def _listed(env: Environment, tables: Sequence[Table]) -> list[dict[str, Any] | None]:
    """The columns of each table, with as many facts as the environment tells."""
    try:
        return answers(env, [_call(table, "", _FACTS, "") for table in tables])
    except Refused as error:
        if error.status not in NOT_UNDERSTOOD:
            raise
        return answers(env, [_call(table, "", _NEEDED, "") for table in tables])


def of_kind(kind: str, found: Mapping[str, Columns]) -> dict[str, PropertyDefinition]:
    """The properties of a kind: the columns of its tables, and those that are made of several columns."""
    tables = [(table.name, _as_the_first(kind, table, found)) for table in TABLES[kind] if table.name in found]
    names = dict.fromkeys(name for _, known in tables for name in known)
    merged = {name: _merged(name, tables) for name in names}
    return {**merged, **(derived(kind) if tables else {})}


def _as_the_first(kind: str, table: Table, found: Mapping[str, Columns]) -> Mapping[str, PropertyDefinition]:
    """The columns of a table under the names that the kind's first table has for them."""
    known = found[table.name].definitions
    called = {theirs: ours for (name, ours), theirs in ALIASES.items() if name == table.name and theirs in known}
    return {called.get(name, name): replace(one, name=called.get(name, name)) for name, one in known.items()}


def _merged(name: str, tables: Sequence[tuple[str, Mapping[str, PropertyDefinition]]]) -> PropertyDefinition:
    """One column of several tables: what all of them let be read and written."""
    every = [known[name] for _, known in tables if name in known]
    first = every[0]
    if len(every) == 1:
        return replace(first, lacking=tuple(table for table, known in tables if name not in known))
    return replace(
        first,
        options={
            value: label for value, label in first.options.items() if all(value in one.options for one in every[1:])
        },
        read_only=any(one.read_only for one in every),
        secured=any(one.secured for one in every),
        length=_least(one.length for one in every),
        most=_least(one.most for one in every),
    )


def _least(numbers: Iterable[Any]) -> Any:
    return min((one for one in numbers if one is not None), default=None)


# -- one column ------------------------------------------------------------------------------------------


def _call(table: Table, type_: str, select: str, expand: str) -> Call:
    path = f"EntityDefinitions(LogicalName='{table.name}')/Attributes" + (
        f"/{CRM}{type_}AttributeMetadata" * bool(type_)
    )
    query = (("$select", select), *((("$expand", expand),) if expand else ()))
    return Call(path, "describe", query=query)


def _type(fact: Fact) -> str:
    """Dataverse's own word for the type; that of several choices hides behind another."""
    named = str(value_in(fact.get("AttributeTypeName")) or "").removesuffix("Type")
    return named if named in _TYPES else str(fact.get("AttributeType"))


def _is_readable(fact: Fact) -> bool:
    known = isinstance(fact.get("LogicalName"), str) and _type(fact) in _TYPES
    return known and not fact.get("AttributeOf") and fact.get("IsValidForRead") is not False


def _definition(fact: Fact) -> PropertyDefinition:
    return PropertyDefinition(
        str(fact["LogicalName"]),
        _TYPES[_type(fact)],
        text_of(fact.get("DisplayName")),
        read_only=fact.get("IsValidForUpdate") is False,
        description=text_of(fact.get("Description")),
        secured=fact.get("IsSecured") is True,
    )


def _refine(table: Columns, type_: str, fact: Any) -> None:
    """Take over what the cast of a column's type says."""
    name = fact.get("LogicalName") if isinstance(fact, Mapping) else None
    definition = table.definitions.get(name) if isinstance(name, str) else None
    if definition is None:
        return
    if type_ in ("Picklist", "MultiSelectPicklist", "State", "Status"):
        table.choices[definition.name] = choices = options_of(fact)
        definition = replace(definition, options={str(one.value): one.label for one in choices})
    elif type_ == "Boolean":
        definition = replace(definition, options=_yes_and_no(fact))
    elif type_ == "DateTime":
        is_day = value_in(fact.get("DateTimeBehavior")) == "DateOnly" or fact.get("Format") == "DateOnly"
        definition = replace(definition, type="date" if is_day else "datetime")
    else:
        definition = replace(
            definition,
            length=fact.get("MaxLength"),
            least=_number(fact.get("MinValue")),
            most=_number(fact.get("MaxValue")),
            decimals=fact.get("Precision"),
        )
    table.definitions[definition.name] = definition


def options_of(fact: Fact) -> tuple[Choice, ...]:
    """The options of a choice, be they its own or those of a choice that several columns share."""
    sets = [one for name in ("OptionSet", "GlobalOptionSet") if isinstance(one := fact.get(name), Mapping)]
    told: Sequence[Any] = next((options for one in sets if (options := one.get("Options"))), ())
    return tuple(
        Choice(one["Value"], text_of(one.get("Label")), one.get("State"))
        for one in told
        if isinstance(one, Mapping) and isinstance(one.get("Value"), int)
    )


def _yes_and_no(fact: Fact) -> dict[str, str]:
    told = fact.get("OptionSet") if isinstance(fact.get("OptionSet"), Mapping) else {}
    labels = {"true": (told or {}).get("TrueOption"), "false": (told or {}).get("FalseOption")}
    return {value: text_of(one.get("Label")) if isinstance(one, Mapping) else "" for value, one in labels.items()}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
