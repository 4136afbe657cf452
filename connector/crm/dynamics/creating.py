"""
Columns of ours that the environment is still missing: made in a solution, under its publisher's prefix, published once.

A column of people is made in every table that a person can stand in. What is there already stays as it is, so that
making it twice is as good as once. Source: "Create and update column definitions using the Web API" of Microsoft's
documentation.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from connector.crm import PropertyDefinition
from connector.crm.dynamics.api import Call
from connector.crm.dynamics.columns import options_of
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.metadata import CRM, Fact
from connector.crm.dynamics.names import TABLES, Table
from connector.crm.dynamics.refusals import Refused
from connector.errors import Denied, NotFound, Rejected, Transient
from connector.log import get_logger

#: The longest text that is no memo, and the longest memo.
LONGEST, LONGEST_MEMO = 4000, 1_048_576

#: What an Integer column can hold.
_LEAST, _MOST = -2_147_483_648, 2_147_483_647
_MOST_DECIMAL = 100_000_000_000

#: English, where the environment does not say which language it is in.
_ENGLISH = 1033

#: So many options a publisher can number, from its choice value prefix on.
_RANGE = 10_000

_OF_PUBLISHERS = "friendlyname,customizationprefix,customizationoptionvalueprefix"

#: How often a new column is looked for.
_LOOKS = 8

log = get_logger("connector.crm")


class Maker:
    """Makes columns and options in one environment, and publishes them in the end."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._lock = threading.Lock()
        self._proved: set[tuple[str, str]] = set()  # solutions with the prefixes that fit them
        self._first_option = 0  # where the publisher's own options begin; 0 for unknown
        self._language: int | None = None
        self._made: dict[tuple[str, str], Table] = {}  # what is to be published, by table and column

    def create(self, kind: str, definition: PropertyDefinition, solution: str) -> None:
        """Make a column in every table of a kind that lacks it. Raises Denied where the solution, its publisher or a
        right is not there, before anything is made."""
        self._prove(solution, definition.name.partition("_")[0])
        self._compare_numbers(definition)
        for table in TABLES[kind]:
            shape = self._env.schema.of(table)
            if shape is not None and definition.name not in shape.columns:
                body = body_of(definition, self._in_language)
                self._make(f"{_of(table)}/Attributes", body, {"MSCRM.SolutionUniqueName": solution})
                self._remember(table, definition.name)

    def add_options(self, kind: str, name: str, options: Mapping[str, str]) -> None:
        """Let a choice take further values in every table of a kind; those that are there stay."""
        for table in TABLES[kind]:
            fact = self._choice(table, name)
            if fact is None:
                continue
            known = {str(one.value) for one in options_of(fact)}
            for value, label in options.items():
                if value not in known:
                    told = {"Value": _number(name, value), "Label": self._in_language(label or value)}
                    self._make("InsertOptionValue", {**_where(table, name, fact), **told}, {})
                    self._remember(table, name)

    def publish(self) -> None:
        """Publish what was made, and wait until it can be seen. Raises Transient when that takes too long."""
        with self._lock:
            made, self._made = self._made, {}
        if not made:
            return
        tables = "".join(f"<entity>{name}</entity>" for name in dict.fromkeys(name for name, _ in made))
        xml = f"<importexportxml><entities>{tables}</entities></importexportxml>"
        self._env.api.ask(Call("PublishXml", "setup", "POST", body={"ParameterXml": xml}, repeatable=True))
        for name, table in {table.name: table for table in made.values()}.items():
            self._wait_for(table, {column for of, column in made if of == name})

    # -- within --------------------------------------------------------------------------------------------

    def _make(self, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> None:
        """One request that makes something whose name makes it unique: there already is as good as made."""
        try:
            self._env.api.ask(Call(path, "setup", "POST", headers=headers, body=body, repeatable=True))
        except Refused as error:
            if error.code != "collision":
                raise
        except Denied as error:
            what = "Setting up needs a role that may customize, such as System Customizer; take it back afterwards."
            raise Denied(f"{error} {what}", code=error.code) from None

    def _remember(self, table: Table, column: str) -> None:
        with self._lock:
            self._made[(table.name, column)] = table

    def _wait_for(self, table: Table, names: set[str]) -> None:
        policy = self._env.api.policy
        call = Call(f"{_of(table)}/Attributes", "setup", query=(("$select", "LogicalName"),))
        self._env.schema.forget(table)
        for look in range(1, _LOOKS + 1):
            hidden = names - {str(one.get("LogicalName")) for one in self._env.api.page(call)[0]}
            if not hidden:
                return
            policy.sleep(policy.wait(look))
        what = f"{table.name}.{min(hidden)} was made and published, and the environment does not show it yet."
        raise Transient(f"{what} Wait some minutes, then run connector check.", code="unavailable")

    def _choice(self, table: Table, name: str) -> Fact | None:
        path = f"{_of(table)}/Attributes(LogicalName='{name}')/{CRM}PicklistAttributeMetadata"
        expand = "OptionSet($select=Options,Name,IsGlobal),GlobalOptionSet($select=Options,Name)"
        try:
            return self._env.api.ask(Call(path, "setup", query=(("$select", "LogicalName"), ("$expand", expand))))
        except NotFound:
            return None

    def _in_language(self, text: str) -> dict[str, Any]:
        """A label in the environment's own language."""
        if self._language is None:
            told = self._asked_for_language()
            self._language = told if isinstance(told, int) else _ENGLISH
        one = {"@odata.type": f"{CRM}LocalizedLabel", "Label": text, "LanguageCode": self._language}
        return {"@odata.type": f"{CRM}Label", "LocalizedLabels": [one]}

    def _asked_for_language(self) -> Any:
        try:
            found = self._env.api.page(Call("organizations", "setup", query=(("$select", "languagecode"),)))[0]
        except (Denied, NotFound, Refused) as error:
            if isinstance(error, Denied) and error.code != "scope":
                raise
            return None
        return found[0].get("languagecode") if found else None

    def _prove(self, solution: str, prefix: str) -> None:
        """The solution is there, can be added to, and its publisher's prefix is the one that our columns have. An
        environment that lists no solutions says so when the first column is made."""
        if (solution, prefix) in self._proved:
            return
        query = (
            ("$select", "uniquename,ismanaged"),
            ("$expand", f"publisherid($select={_OF_PUBLISHERS})"),
            ("$filter", f"uniquename eq '{solution}'"),
        )
        try:
            found = next(iter(self._env.api.page(Call("solutions", "setup", query=query))[0]), None)
        except (NotFound, Refused):
            self._proved.add((solution, prefix))
            return
        if wrong := _wrong_with(found, solution, prefix) if found else self._no_solution(solution, prefix):
            raise Denied(wrong, code="publisher")
        self._proved.add((solution, prefix))
        self._first_option = _first_option(found or {})

    def _compare_numbers(self, definition: PropertyDefinition) -> None:
        """Any number will do; those of another publisher's range may meet that publisher's some day."""
        first, values = self._first_option, [int(one) for one in definition.options if one.isdecimal()]
        if first and any(not first <= value < first + _RANGE for value in values):
            log.warning(
                "options of ours are numbered outside the range of the solution's publisher",
                column=definition.name,
                publishers_range=f"{first} to {first + _RANGE - 1}",
            )

    def _no_solution(self, solution: str, prefix: str) -> str:
        query = (("$select", "friendlyname"), ("$filter", f"customizationprefix eq '{prefix}'"))
        publisher = next(iter(self._env.api.page(Call("publishers", "setup", query=query))[0]), None)
        under = (
            f"the publisher {publisher.get('friendlyname')}" if publisher else f"a publisher with the prefix {prefix}"
        )
        return (
            f"There is no solution {solution} to put our columns into. Create it in Power Apps, under {under};"
            " or name one of yours as own_group, and the prefix of its publisher as own_prefix."
        )


def _wrong_with(found: Fact, solution: str, prefix: str) -> str:
    publisher = found.get("publisherid")
    theirs = str(publisher.get("customizationprefix") or "") if isinstance(publisher, Mapping) else ""
    if found.get("ismanaged") is True:
        return f"The solution {solution} is managed, so nothing can be added to it. Name one of yours as own_group."
    if theirs.lower() == prefix.lower():
        return ""
    return (
        f'Columns in the solution {solution} begin with its publisher\'s prefix "{theirs}_", and ours with "{prefix}_".'
        f' Write own_prefix = "{theirs}_" and call our columns so; or name another solution as own_group.'
    )


def _first_option(solution: Fact) -> int:
    publisher = solution.get("publisherid")
    prefix = publisher.get("customizationoptionvalueprefix") if isinstance(publisher, Mapping) else None
    return prefix * _RANGE if isinstance(prefix, int) else 0


def _of(table: Table) -> str:
    return f"EntityDefinitions(LogicalName='{table.name}')"


def _where(table: Table, name: str, choice: Fact) -> dict[str, str]:
    """Whose options these are: the column's own, or those of a choice that several columns share."""
    shared = choice.get("GlobalOptionSet")
    if isinstance(shared, Mapping) and shared.get("Name"):
        return {"OptionSetName": str(shared["Name"])}
    return {"EntityLogicalName": table.name, "AttributeLogicalName": name}


def _number(column: str, value: str) -> int:
    if not value.isdecimal():
        what = f"The options of {column} need numbers in Dynamics."
        raise Rejected(f"{what} Name them under values in dynamics.toml.", code="value_invalid")
    return int(value)


# -- what a column looks like --------------------------------------------------------------------------------


def body_of(definition: PropertyDefinition, label: Any) -> dict[str, Any]:
    """A column as Dataverse wants it described; `label` makes a label of a text."""
    cast, more = _kind(definition, label)
    return {
        "@odata.type": f"{CRM}{cast}AttributeMetadata",
        "AttributeType": cast,
        "AttributeTypeName": {"Value": f"{cast}Type"},
        "SchemaName": definition.name,
        "DisplayName": label(definition.label or definition.name),
        **({"Description": label(definition.description)} if definition.description else {}),
        "RequiredLevel": {"Value": "None"},
        **more,
    }


def _kind(definition: PropertyDefinition, label: Any) -> tuple[str, dict[str, Any]]:
    if definition.type == "enumeration":
        options = [
            {"Value": _number(definition.name, value), "Label": label(text or value)}
            for value, text in definition.options.items()
        ]
        told = {"@odata.type": f"{CRM}OptionSetMetadata", "IsGlobal": False, "OptionSetType": "Picklist"}
        return "Picklist", {"OptionSet": {**told, "Options": options}}
    if definition.type == "bool":
        yes, no = {"Value": 1, "Label": label("Yes")}, {"Value": 0, "Label": label("No")}
        told = {"@odata.type": f"{CRM}BooleanOptionSetMetadata", "TrueOption": yes, "FalseOption": no}
        return "Boolean", {"DefaultValue": False, "OptionSet": told}
    if definition.type in ("date", "datetime"):
        day = definition.type == "date"
        behaviour = {"Value": "DateOnly" if day else "UserLocal"}
        return "DateTime", {"Format": "DateOnly" if day else "DateAndTime", "DateTimeBehavior": behaviour}
    if definition.type == "number":
        if definition.decimals:
            bounds = {"MinValue": -_MOST_DECIMAL, "MaxValue": _MOST_DECIMAL}
            return "Decimal", {**bounds, "Precision": definition.decimals}
        return "Integer", {"MinValue": _LEAST, "MaxValue": _MOST, "Format": "None"}
    length = definition.length or LONGEST
    if length > LONGEST:
        return "Memo", {"MaxLength": min(length, LONGEST_MEMO), "Format": "TextArea"}
    return "String", {"MaxLength": length, "FormatName": {"Value": "Text"}}
