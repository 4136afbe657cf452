"""
The people of these tests in Dynamics' words: the worlds speak HubSpot's, and the two mappings say what that means here.

A value that no mapping names is an option that somebody has added; it gets a number, and is told by its text again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

from connector.agreement.wiring import FieldSpec, Wiring
from connector.crm.dynamics.values import plain
from connector.sandbox import clock
from connector.sandbox.dataverse import Environment
from connector.sandbox.dataverse.rows import Row, Value
from connector.sandbox.dataverse.schema import DATES, Column, Option, Ref, Table
from connector.sandbox.dataverse.telling import value_of
from tests.crm.organisation import column_value
from tests.sync.short_names import OWNER, short, user

#: The first number of an option that somebody has added.
ADDED = 719_000_000

#: What no agreement uses, and people edit all the same. What contacts do not have here is a note.
_BESIDE = {"city": "address1_city", "address": "address1_line1", "annualrevenue": "description"}

_DEALS: Mapping[str, Mapping[str, Value]] = {
    "appointmentscheduled": {"salesstage": 0},
    "contractsent": {"salesstage": 2},
    "on hold": {"salesstage": 1, "statuscode": 2},
    "closedwon": {"statecode": 1, "statuscode": 3},
    "closedlost": {"statecode": 2, "statuscode": 4},
}
_EMAIL: Mapping[str, Value] = {"statecode": 1, "statuscode": 3, "directioncode": True}


@dataclass
class Words:
    """HubSpot's properties and texts as columns and values, and back."""

    hubspot: Wiring
    dynamics: Wiring
    account: Environment
    added: dict[tuple[str, str], int] = field(default_factory=dict)  # (column, text) -> the number of its option

    def columns(self, kind: str, properties: Mapping[str, str]) -> dict[str, Value]:
        """What to set of a row; "" empties."""
        if kind == "deal":
            return dict(_DEALS[properties["dealstage"]])
        if kind == "email":
            at = to_ms(properties["hs_timestamp"])
            owner = Ref("systemuser", user(properties["hubspot_owner_id"]))
            return {**_EMAIL, "actualend": at, "senton": at, "ownerid": owner}
        return dict(self._column(kind, name, text) for name, text in properties.items())

    def properties(self, table: Table, row: Row) -> dict[str, str]:
        """The filled properties of a person, as HubSpot would have them."""
        told = {}
        for name, (column, ours, theirs) in self._of_people().items():
            value = value_of(table, row, column) if column in table.columns else None
            if value is not None:
                told[name] = self._text(table.columns[column], value, ours, theirs)
        return told

    def option(self, column: str, text: str) -> int:
        """The number of the option that has been added for a text."""
        number = self.added.setdefault((column, text), ADDED + len(self.added))
        for table in (self.account.tables["contact"], self.account.tables["lead"]):
            known = table.columns.get(column)
            if known is not None and known.option(number) is None:
                table.columns[column] = replace(known, options=(*known.options, Option(number, text)))
        return number

    def values(self, property: str, texts: tuple[str, ...]) -> tuple[str, tuple[int, ...]]:
        """A choice, and the numbers of these texts."""
        made = [self._column("contact", property, text) for text in texts]
        return self.column(property), tuple(value for _, value in made if isinstance(value, int))

    def column(self, property: str) -> str:
        """The contacts' column behind a property."""
        return self._name("contact", property)[0]

    # -- one value ---------------------------------------------------------------------------------------------------

    def _column(self, kind: str, property: str, text: str) -> tuple[str, Value]:
        name, theirs = self._name(kind, property)
        column = self.account.tables[_TABLES[kind]].columns[name]
        if text == "":
            return name, None
        if name == OWNER:
            return name, Ref("systemuser", user(text))
        if column.kind == "choice":
            said = _theirs_of(_spec(self.hubspot, kind, property), theirs, text)
            return name, int(said) if said else self.option(name, text)
        if column.kind == "decimal" and not text.replace(".", "").isdecimal():
            self._as_text(name)
            return name, text
        return name, column_value(column, text)

    def _as_text(self, name: str) -> None:
        """Somebody has made a column of ours before `setup` could, and as a text."""
        for table in (self.account.tables["contact"], self.account.tables["lead"]):
            table.columns[name] = replace(table.columns[name], kind="memo")

    def _text(self, column: Column, value: Value, ours: FieldSpec | None, theirs: FieldSpec | None) -> str:
        if isinstance(value, Ref):
            return short(value.id)
        if column.kind in DATES:
            return f"{clock.iso(cast(int, value))[:-5]}Z"
        if column.kind != "choice":
            return plain(value)
        for (name, text), number in self.added.items():
            if (name, number) == (column.name, value):
                return text
        word = next((word for word, numbers in (theirs.values if theirs else {}).items() if str(value) in numbers), "")
        return ours.values[word][0] if ours is not None and word in ours.values else word or str(value)

    def _name(self, kind: str, property: str) -> tuple[str, FieldSpec | None]:
        """The column behind a property, and how the mapping of Dynamics reads it."""
        spec = _spec(self.hubspot, kind, property)
        theirs = (
            self.dynamics.fields[kind].get(spec.field) if spec is not None else _spec(self.dynamics, kind, property)
        )
        return (theirs.property if theirs is not None else _BESIDE.get(property, property)), theirs

    def _of_people(self) -> dict[str, tuple[str, FieldSpec | None, FieldSpec | None]]:
        """Property -> its column, and both mappings' word on it."""
        found: dict[str, tuple[str, FieldSpec | None, FieldSpec | None]] = {
            name: (column, None, None) for name, column in _BESIDE.items()
        }
        for field_, theirs in self.dynamics.fields["contact"].items():
            ours = self.hubspot.fields["contact"].get(field_)
            if ours is not None:
                found[ours.property] = (theirs.property, ours, theirs)
        return found


#: Kinds as these worlds know them -> the table of their rows.
_TABLES = {"contact": "contact", "company": "account", "deal": "opportunity", "email": "email", "task": "task"}


def to_ms(at: datetime | str) -> int:
    """An instant as rows keep it."""
    return clock.to_ms(datetime.fromisoformat(at) if isinstance(at, str) else at)


def _spec(wiring: Wiring, kind: str, property: str) -> FieldSpec | None:
    return next((one for one in wiring.fields.get(kind, {}).values() if one.property == property), None)


def _theirs_of(ours: FieldSpec | None, theirs: FieldSpec | None, text: str) -> str | None:
    """What Dynamics has for what HubSpot has for a word of ours; for a word of ours, where HubSpot has no other."""
    if theirs is None:
        return None
    word = (
        text if ours is None or not ours.values else next((w for w, those in ours.values.items() if text in those), "")
    )
    return theirs.values[word][0] if word in theirs.values else None
