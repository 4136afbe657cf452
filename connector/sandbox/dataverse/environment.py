"""
A Dataverse environment that can be read, written, edited by people and looked at by tests.

It keeps rows, versions, users and metadata; who may call and how it answers is the service's matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import NAMESPACE_OID, UUID, uuid5

from connector.sandbox.agenda import Agenda
from connector.sandbox.clock import Clock
from connector.sandbox.dataverse import auditing, furniture, pointing, states, stock
from connector.sandbox.dataverse.known import APP_USER, CURRENCY, SOMEBODY
from connector.sandbox.dataverse.plugins import Plugin
from connector.sandbox.dataverse.population import Nobody, Rows
from connector.sandbox.dataverse.robots import Robot
from connector.sandbox.dataverse.rows import FIRST_VERSION, Kept, Row, Shelf, Value, Values
from connector.sandbox.dataverse.schema import Column, Ref, Table
from connector.sandbox.dataverse.switches import Switches

if TYPE_CHECKING:
    from connector.sandbox.dataverse.query import Sorted


@dataclass(slots=True)
class AppUser:
    """The application user that stands for the app in this environment."""

    id: str = APP_USER
    disabled: bool = False
    has_roles: bool = True
    is_member: bool = True
    #: Rights it does not have, "Read contact" and the like; reading secured columns is "ReadSecured", writing
    #: them "UpdateSecured".
    denied: set[tuple[str, str]] = field(default_factory=set)
    #: How far a right reaches, where that is not the whole organisation; told, and not enforced.
    depths: dict[tuple[str, str], str] = field(default_factory=dict)

    def may(self, right: str, table: str) -> bool:
        return (right, table) not in self.denied


class Environment:
    """Tables, rows and users of one organisation."""

    def __init__(
        self,
        people: Rows | None = None,
        *,
        clock: Clock | None = None,
        switches: Switches | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.switches = switches or Switches()
        self.tables = stock.tables()
        self.sets = {table.set_name: table for table in self.tables.values()}
        self.people: Rows = people or Nobody()
        self._shelves = {name: Shelf(name, self.people) for name in self.tables}
        self.version = FIRST_VERSION
        self.first_link_version = 0  # delta links from before are dead
        self.schema_version = 1
        self.app = AppUser()
        self.plugins: list[Plugin] = []
        self.forbidden: list[tuple[str, Values]] = []  # combinations that no row of a table may have
        self.transitions: dict[tuple[str, int], set[int]] = {}  # (table, status) -> where it may go, where restricted
        self.unpublished: set[tuple[str, str]] = set()
        self.auditing = False
        self.agenda = Agenda()
        self.robots: dict[str, Robot] = {}
        self.deleted_columns: dict[tuple[str, str], Column] = {}
        self.sorted_before: tuple[tuple[str, int], list[Sorted]] = (("", 0), [])  # the rows of the last sorted read
        self.passed: Counter[str] = Counter()  # rows that went by, for those that get lost
        self.writes: Counter[str] = Counter()  # rows written by the app user, by table
        self.secured: set[tuple[str, str]] = set()
        self.audit_details: dict[str, auditing.Detail] = {}
        self._journal: list[tuple[str, str, Kept]] | None = None
        furniture.put_in(self)

    # -- reading -----------------------------------------------------------------------------------------

    def shelf(self, table: str) -> Shelf:
        return self._shelves[table]

    def row(self, table: str, id: str) -> Row | None:
        """The living row of this id."""
        return self._shelves[table].row(id)

    def get(self, table: str, id: str) -> Row:
        """The living row of this id; KeyError when there is none."""
        row = self.row(table, id)
        if row is None:
            raise KeyError(f"{table} {id}")
        return row

    def catch_up(self) -> None:
        """Let happen by itself what was to happen until now; whoever looks calls this first."""
        self.agenda.catch_up(self)

    def columns_of(self, table: Table) -> dict[str, Column]:
        """The columns that can be used: those that were made and, where that is demanded, published."""
        if not self.unpublished:
            return table.columns
        return {name: one for name, one in table.columns.items() if (table.name, name) not in self.unpublished}

    def snapshot(self, *tables: str) -> dict[str, dict[str, dict[str, Value]]]:
        """Every filled value of every living row, without versions and dates of change: what end states compare by."""
        return {
            name: {
                row.id: {column: value for column, value in row.values.items() if value is not None}
                for row in self._shelves[name].rows()
            }
            for name in (tables or self.tables)
        }

    # -- writing -----------------------------------------------------------------------------------------

    def add(
        self,
        table: str,
        values: Mapping[str, Value],
        *,
        id: str | None = None,
        by: str = SOMEBODY,
        created_at: int | None = None,
        modified_at: int | None = None,
    ) -> Row:
        """Put a row into the environment; state and owner are filled in where they are not given."""
        row_id = str(UUID(id)) if id else self._new_id(table)
        if self.row(table, row_id) is not None:
            raise ValueError(f"{table} {row_id} is there already")
        now = self.clock.now()
        filled = states.born(self.tables[table], values)
        if "ownerid" in self.tables[table].columns:
            filled.setdefault("ownerid", Ref("systemuser", by))
        filled = _derived(self.tables[table], filled, filled)
        created = now if created_at is None else created_at
        modified = max(created, now) if modified_at is None else modified_at
        row = Row(row_id, self._next_version(), created, modified, by, by, filled)
        self._keep(table, row, None)
        auditing.record(self, "create", table, row, filled, by)
        return row

    def write(
        self,
        table: str,
        id: str,
        changes: Mapping[str, Value],
        *,
        by: str = SOMEBODY,
        at: int | None = None,
        through: str | None = None,
    ) -> Row:
        """Change columns of a living row; its version always moves. `through`: who impersonates `by`. KeyError when
        there is none."""
        before = self.get(table, id)
        after = {**before.values, **changes}
        changes = _derived(self.tables[table], changes, after)
        now = self.clock.now() if at is None else at
        told = _acting(self.tables[table], before, through)
        row = before.changed({**changes, **told}, version=self._next_version(), at=now, by=by)
        self._keep(table, row, frozenset(changes))
        auditing.record(self, "update", table, row, changes, by, before, through)
        return row

    def touch(self, table: str, id: str, *, by: str = SOMEBODY) -> Row:
        """Move version and date of a row, as a change in columns that nobody selects does."""
        row = self.get(table, id).changed({}, version=self._next_version(), at=self.clock.now(), by=by)
        self._keep(table, row, frozenset({"description"}))
        return row

    def delete(self, table: str, id: str, *, by: str = SOMEBODY) -> Row:
        """Delete a living row for good, and whatever pointed at it lets go; KeyError when there is none."""
        row = self.get(table, id)
        before = self._shelves[table].drop(id, self._next_version())
        if self._journal is not None:
            self._journal.append((table, id, before))
        auditing.record(self, "delete", table, row, {}, by, row)
        if table in pointing.POINTED_AT:
            pointing.let_go(self, Ref(table, id), by)
        return row

    def restore(self, table: str, row: Row, *, by: str = SOMEBODY) -> Row:
        """A deleted row comes back under its id."""
        back = replace(row, version=self._next_version(), modified_at=self.clock.now(), modified_by=by)
        self._keep(table, back, None)
        return back

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """What is written within is taken back where an exception ends it."""
        outer, self._journal = self._journal, []
        writes = self.writes.copy()
        try:
            yield
        except BaseException:
            self.writes = writes
            for table, id, before in reversed(self._journal):
                self._shelves[table].put_back(id, before)
            raise
        finally:
            done, self._journal = self._journal, outer
            if outer is not None:
                outer.extend(done)

    def _keep(self, table: str, row: Row, columns: frozenset[str] | None) -> None:
        before = self._shelves[table].keep(row, columns)
        if self._journal is not None:
            self._journal.append((table, row.id, before))

    def _new_id(self, table: str) -> str:
        """An id that nobody has had: without order, and the same whenever the same is done."""
        return str(uuid5(NAMESPACE_OID, f"{table} {self.version}"))

    def _next_version(self) -> int:
        self.version += 1
        return self.version


def _acting(table: Table, before: Row, through: str | None) -> dict[str, Value]:
    """Which program wrote last in the name of a user, where any did, now or the time before."""
    name = "modifiedonbehalfby"
    if name not in table.columns or (through is None and before.values.get(name) is None):
        return {}
    return {name: Ref("systemuser", through) if through else None}


def _derived(table: Table, changes: Mapping[str, Value], after: Mapping[str, Value]) -> dict[str, Value]:
    """The changes with what follows from them: full names, money in the organisation's currency."""
    made = dict(changes)
    if table.name in ("contact", "lead") and {"firstname", "lastname"} & set(changes):
        made["fullname"] = " ".join(str(part) for name in ("firstname", "lastname") if (part := after.get(name)))
    if table.name == "opportunity" and isinstance(customer := changes.get("customerid"), Ref):
        made["contactid"] = customer if customer.table == "contact" else None
        made["accountid"] = customer if customer.table == "account" else None
    for name, value in changes.items():
        if f"{name}_base" in table.columns:
            made[f"{name}_base"] = value
            made.setdefault(
                "transactioncurrencyid", after.get("transactioncurrencyid") or Ref("transactioncurrency", CURRENCY)
            )
    return made
