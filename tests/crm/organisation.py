"""The Dataverse sandbox's environment in the contract's words: kinds for tables, texts for values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from connector.crm.dynamics.names import TABLES
from connector.sandbox.clock import to_ms
from connector.sandbox.dataverse import DataverseSandbox, Environment, merging
from connector.sandbox.dataverse.automations import automation
from connector.sandbox.dataverse.known import SOMEBODY
from connector.sandbox.dataverse.rows import Row, Value
from connector.sandbox.dataverse.schema import LOOKUPS, Column, Ref
from connector.sandbox.dataverse.telling import value_of

#: The contract's one property for further addresses; Dataverse has a column for each.
FURTHER = "further addresses"
_OTHER_EMAILS = ("emailaddress2", "emailaddress3")
#: (kind, kind) -> the lookup of the first that points to the second.
_LOOKUPS = {
    ("contact", "company"): "parentcustomerid",
    ("contact", "deal"): "parentcontactid",
    ("contact", "call"): "regardingobjectid",
    ("contact", "task"): "regardingobjectid",
}
_WHOLE = ("integer", "bigint", "choice", "state", "status")


class Organisation:
    """World of the contract, and what only Dynamics has: leads, parties, states."""

    def __init__(self, sandbox: DataverseSandbox) -> None:
        self.sandbox = sandbox
        self.inside: Environment = sandbox.world

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.inside.clock.now() / 1000, UTC)

    def pass_time(self, seconds: float) -> None:
        self.inside.clock.advance(seconds)

    def add(self, kind: str, properties: Mapping[str, str]) -> str:
        table = TABLES[kind][0].name
        return self.inside.add(table, self.values(table, properties)).id

    def edit(self, kind: str, id: str, properties: Mapping[str, str]) -> None:
        table = TABLES[kind][0].name
        self.inside.write(table, id, self.values(table, properties))

    def remove(self, kind: str, id: str) -> None:
        self.inside.delete(TABLES[kind][0].name, id)

    def link(self, kind: str, id: str, to: str, to_id: str, *, primary: bool = False) -> None:
        """By the one lookup there is, on whichever side it stands."""
        del primary
        column, here, there = _LOOKUPS[kind, to], TABLES[kind][0].name, TABLES[to][0].name
        if to == "company":
            self.inside.write(here, id, {column: Ref(there, to_id)})
        else:
            self.inside.write(there, to_id, {column: Ref(here, id)})

    def merge(self, kind: str, survivor: str, loser: str) -> None:
        merging.merge(self.inside, TABLES[kind][0].name, survivor, loser, {}, SOMEBODY)

    def automate(self, id: str, name: str, sets: str, *, enabled: bool = True) -> str:
        """A workflow; Dataverse gives ids of its own."""
        return automation(self.inside, name, "contact", sets, enabled=enabled)

    def stored(self, kind: str, id: str) -> Mapping[str, str | None]:
        table = self.inside.tables[TABLES[kind][0].name]
        row = self.inside.get(table.name, id)
        return {name: _told(value_of(table, row, name)) for name in table.columns}

    # -- what only Dynamics has ---------------------------------------------------------------------------

    def lead(self, *, parent: str | None = None, **values: Value) -> str:
        """A lead, of a contact or alone."""
        belongs = {"parentcontactid": Ref("contact", parent)} if parent else {}
        return self.inside.add("lead", {"lastname": "Lead", **belongs, **values}).id

    def merge_leads(self, survivor: str, loser: str) -> None:
        """A person merges two leads."""
        merging.merge(self.inside, "lead", survivor, loser, {}, SOMEBODY)

    def give(self, lead: str, parent: str | None) -> None:
        """The lead gains a parent contact, or loses it."""
        self.inside.write("lead", lead, {"parentcontactid": Ref("contact", parent) if parent else None})

    def set(self, table: str, id: str, **values: Value) -> Row:
        """A person edits columns of any table."""
        return self.inside.write(table, id, values)

    def party(self, table: str, activity: str, person: Ref, role: int = 2) -> None:
        """Somebody takes part in an activity."""
        values = {"activityid": Ref(table, activity), "partyid": person, "participationtypemask": role}
        self.inside.add("activityparty", values)

    def people(self, count: int) -> list[str]:
        return [self.add("contact", {"jobtitle": f"title {number}"}) for number in range(count)]

    def values(self, table: str, properties: Mapping[str, str]) -> dict[str, Value]:
        """Texts as the columns of a table hold them."""
        made: dict[str, Value] = {}
        for name, text in properties.items():
            if name == FURTHER:
                made |= dict(zip(_OTHER_EMAILS, text.split(";"), strict=False))
            else:
                made[name] = column_value(self.inside.tables[table].columns[name], text)
        return made


def column_value(column: Column, text: str) -> Value:
    """A text as what the column holds; "" is nothing."""
    if text == "":
        return None
    if column.kind in LOOKUPS:
        return Ref(column.targets[0], text)
    if column.kind in _WHOLE:
        return int(text)
    if column.kind == "boolean":
        return text == "true"
    if column.kind in ("money", "decimal", "double"):
        return Decimal(text)
    if column.kind in ("datetime", "localdate"):
        return to_ms(datetime.fromisoformat(text))
    return tuple(int(part) for part in text.split(";")) if column.kind == "choices" else text


def _told(value: Value) -> str | None:
    if value is None or isinstance(value, Ref):
        return value.id if isinstance(value, Ref) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return ";".join(map(str, value)) if isinstance(value, tuple) else str(value)
