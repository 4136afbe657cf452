"""
What an environment is made of: tables with their columns, choices and lookups, as metadata tells them.

Shapes only; the stock of Dynamics 365 Sales stands in `stock.py`. Names are logical ones (lower case, singular) unless
a word says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

#: Column kinds by what metadata calls them: attribute type, and the cast that tells more of it.
KINDS = {
    "string": ("String", "StringAttributeMetadata"),
    "memo": ("Memo", "MemoAttributeMetadata"),
    "integer": ("Integer", "IntegerAttributeMetadata"),
    "bigint": ("BigInt", "BigIntAttributeMetadata"),
    "decimal": ("Decimal", "DecimalAttributeMetadata"),
    "double": ("Double", "DoubleAttributeMetadata"),
    "money": ("Money", "MoneyAttributeMetadata"),
    "base": ("Money", "MoneyAttributeMetadata"),  # the same in the organisation's currency
    "boolean": ("Boolean", "BooleanAttributeMetadata"),
    "choice": ("Picklist", "PicklistAttributeMetadata"),
    "choices": ("Virtual", "MultiSelectPicklistAttributeMetadata"),
    "state": ("State", "StateAttributeMetadata"),
    "status": ("Status", "StatusAttributeMetadata"),
    "datetime": ("DateTime", "DateTimeAttributeMetadata"),  # an instant in UTC
    "localdate": ("DateTime", "DateTimeAttributeMetadata"),  # shown as a date, kept as the author's midnight in UTC
    "dateonly": ("DateTime", "DateTimeAttributeMetadata"),  # a date without a time
    "lookup": ("Lookup", "LookupAttributeMetadata"),
    "customer": ("Customer", "LookupAttributeMetadata"),
    "owner": ("Owner", "LookupAttributeMetadata"),
    "id": ("Uniqueidentifier", "UniqueIdentifierAttributeMetadata"),
    "guid": ("Uniqueidentifier", "UniqueIdentifierAttributeMetadata"),
}
LOOKUPS = ("lookup", "customer", "owner")
DATES = ("datetime", "localdate")
OPTION_KINDS = ("choice", "choices", "state", "status")


class Ref(NamedTuple):
    """Where a lookup points."""

    table: str
    id: str


class Option(NamedTuple):
    """One value of a choice; those of a status belong to a state."""

    value: int
    label: str
    state: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `least` and `most` bound numbers; `length` bounds texts; `labels` are those of false and true."""

    schema_name: str
    kind: str
    number: int = 0
    options: tuple[Option, ...] = ()
    targets: tuple[str, ...] = ()
    length: int = 0
    least: float | None = None
    most: float | None = None
    labels: tuple[str, str] = ("No", "Yes")
    required: bool = False
    read_only: bool = False
    custom: bool = False
    secured: bool = False
    audited: bool = True

    @property
    def name(self) -> str:
        return self.schema_name.lower()

    @property
    def told_as(self) -> str:
        """The key under which a row tells it."""
        return f"_{self.name}_value" if self.kind in LOOKUPS else self.name

    def option(self, value: int) -> Option | None:
        for one in self.options:
            if one.value == value:
                return one
        return None


@dataclass(slots=True)
class Table:
    """One table: its names, columns, and what may be done with it. Mutable, since admins change it while it runs."""

    name: str
    schema_name: str
    set_name: str
    id_column: str
    name_column: str
    type_code: int
    columns: dict[str, Column] = field(default_factory=dict)
    key: tuple[str, ...] = ()  # the columns of its alternate key
    key_name: str = ""
    is_activity: bool = False
    closed_states: tuple[int, ...] = ()  # rows in these states are not changed until reopened
    mergeable: bool = False
    change_tracking: bool = True
    versions: bool = True  # optimistic concurrency: ETags that hold
    retrieve: bool = True  # single rows can be read by id
    multiple: tuple[str, ...] = ("CreateMultiple", "UpdateMultiple")
    audited: bool = True
    writable: bool = True

    def add(self, column: Column) -> Column:
        """One more column, numbered after the highest there was."""
        number = 1 + max((one.number for one in self.columns.values()), default=0)
        self.columns[column.name] = made = replace(column, number=column.number or number)
        return made

    def navigations(self) -> dict[str, tuple[Column, str]]:
        """Navigation properties with their column and where they lead; their case counts."""
        return {name: (column, target) for column in self.columns.values() for name, target in self.leads(column)}

    def leads(self, column: Column) -> Iterable[tuple[str, str]]:
        """How the navigation properties of one column are called: with the target where there are several."""
        if column.kind not in LOOKUPS:
            return
        plain = column.schema_name if "_" in column.schema_name else column.name
        if column.kind == "owner":
            yield plain, "owner"
        elif column.name == "regardingobjectid":
            yield from ((f"{plain}_{target}_{self.name}", target) for target in column.targets)
        elif len(column.targets) > 1 or column.kind == "customer":
            yield from ((f"{plain}_{target}", target) for target in column.targets)
        else:
            yield plain, column.targets[0]

    def state(self) -> Column | None:
        return self.columns.get("statecode")


def parsed_options(text: str) -> tuple[Option, ...]:
    """Options from "1 Hot; 2 Warm" and, for a status, "3 Sent @1"."""
    found = []
    for part in " ".join(text.split()).split(";"):
        value, _, label = part.strip().partition(" ")
        label, _, state = label.partition(" @")
        found.append(Option(int(value), label.strip(), int(state) if state else None))
    return tuple(found)
