"""
One HubSpot account in memory: its records, links, lists, forms, owners, workflows and clock. Knows no HTTP.

Tests build small worlds with `add` and `associate`; a big one is told by a `Population`, of which only what was
written is kept. Every change goes through here, whoever makes it, so history and modified dates cannot be forgotten.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from connector.sandbox import manners, stock, workflows
from connector.sandbox.audience import Audience, Submission
from connector.sandbox.clock import Clock, iso, to_ms
from connector.sandbox.links import Links
from connector.sandbox.population import Nobody, Population
from connector.sandbox.records import IMPORTED, Row, Source, Version, Written, person
from connector.sandbox.schema import CREATED, KINDS, MODIFIED, Owner, Pipeline
from connector.sandbox.switches import Switches
from connector.sandbox.workflows import Workflow

#: Ids of records created while the sandbox runs; far above the generated ones.
FIRST_NEW_ID = 5_000_000_001

Values = dict[str, str]


class Account(NamedTuple):
    """Who the account is, as account-info tells it."""

    portal_id: int = 4242
    time_zone: str = "Europe/Warsaw"
    currency: str = "EUR"
    account_type: str = "DEVELOPER_TEST"


class World:
    """An account that can be read, written, edited by people and looked at by tests."""

    def __init__(
        self,
        population: Population | None = None,
        *,
        clock: Clock | None = None,
        switches: Switches | None = None,
        account: Account | None = None,
        owners: Sequence[Owner] | None = None,
    ) -> None:
        self.population: Population = population or Nobody()
        self.clock = clock or Clock()
        self.switches = switches or Switches()
        self.account = account or Account()
        self.definitions = stock.definitions()
        self.groups: dict[str, dict[str, dict[str, object]]] = {}  # property groups made by API, by kind
        self.pipelines: list[Pipeline] = [stock.SALES_PIPELINE]
        self.owners = list(stock.OWNERS if owners is None else owners)
        self.links = Links(self.population)
        self.audience = Audience(self.population)
        self.workflows: list[Workflow] = []
        self.enrollments: Counter[str] = Counter()  # how often each workflow ran, by its id
        self.writes = 0  # records written by API calls
        self._rows: dict[str, dict[str, Row]] = {kind: {} for kind in KINDS}
        self._extra_ids: dict[str, list[int]] = {kind: [] for kind in KINDS}
        self._forwarded: dict[tuple[str, str], str] = {}  # merged-away id -> survivor
        self._columns: dict[tuple[str, str], list[str | None]] = {}
        self._by_email: dict[str, str] | None = None
        self._new_ids = Counter(dict.fromkeys(KINDS, FIRST_NEW_ID))

    # -- building and editing ----------------------------------------------------------------------------

    def add(
        self,
        kind: str,
        properties: Mapping[str, str],
        *,
        id: str | None = None,
        created_at: datetime | None = None,
        modified_at: datetime | None = None,
        source: Source = IMPORTED,
    ) -> str:
        """Put a record into the account as it would stand there already; gives its id."""
        now = self.clock.now()
        created = to_ms(created_at) if created_at else now
        modified = to_ms(modified_at) if modified_at else max(created, now)
        record_id = id or self._new_id(kind)
        if self.row(kind, record_id) is not None:
            raise ValueError(f"{kind} {record_id} is there already")
        base = {name: value for name, value in properties.items() if value != ""}
        self._keep(kind, Row(record_id, created, modified, base=base, source=source))
        self._remember_email(kind, record_id, base)
        return record_id

    def associate(self, kind: str, id: str, to: str, to_id: str, *, primary: bool | None = None) -> None:
        """Link two records; a contact's or deal's first company becomes its primary one, as in HubSpot."""
        if primary is None:
            wants = to == "companies" and kind in ("contacts", "deals")
            primary = wants and self.links.primary(kind, id, to) is None
        self.links.add(kind, id, to, to_id, primary=primary)
        if self.switches.deal_moves_stage and {kind, to} == {"deals", "contacts"}:
            manners.deal_moves_stage(self, id if kind == "deals" else to_id)

    def edit(self, kind: str, id: str, properties: Mapping[str, str], *, user_id: int = 7001) -> None:
        """A person edits a record in HubSpot's own pages; neither validation nor forward-only hold them."""
        self.write(kind, id, properties, person(user_id))

    def write(
        self,
        kind: str,
        id: str,
        properties: Mapping[str, str],
        source: Source,
        *,
        enrolled: frozenset[str] = frozenset(),
    ) -> Row:
        """
        Set properties ("" clears) of a living record, with history; the modified date always moves.

        Workflows follow, except those of `enrolled`, whose doing this write is.
        """
        row = self._own(kind, id)
        current = self.values(kind, row)
        now = self.clock.now()
        changed = {
            name: value
            for name, value in ((n, manners.appended(current.get(n), v)) for n, v in properties.items())
            if value != (current.get(name) or "")
        }
        if "lifecyclestage" in changed:
            changed |= manners.stage_dates(self, kind, current, changed["lifecyclestage"], now)
        row.wrote(Written(now, source, changed))
        self._remember_email(kind, id, changed)
        if kind == "deals" and "dealstage" in changed and self.switches.deal_moves_stage:
            manners.deal_moves_stage(self, id)
        if kind == "contacts":
            workflows.enroll(self, id, changed, enrolled)
        return row

    def workflow(self, id: str) -> Workflow:
        """The workflow of this id; KeyError when there is none."""
        for one in self.workflows:
            if one.id == id:
                return one
        raise KeyError(f"workflow {id}")

    def add_workflow(self, workflow: Workflow) -> Workflow:
        """Put up a workflow over contacts; ValueError for an id that is taken and properties that do not exist."""
        if not workflow.id.isdigit() or any(one.id == workflow.id for one in self.workflows):
            raise ValueError(f"a workflow needs digits of its own as id, not {workflow.id!r}")
        for name in (workflow.property, workflow.sets):
            if name not in self.definitions["contacts"]:
                raise ValueError(f"contacts have no property {name!r}")
        self.workflows.append(workflow)
        return workflow

    def touch(self, kind: str, id: str) -> None:
        """Move the modified date without a visible change, as hidden properties and logged activities do."""
        self._own(kind, id).wrote(Written(self.clock.now(), Source("INTERNAL_PROCESSING"), {}))

    def archive(self, kind: str, id: str) -> None:
        """Into the recycling bin; archiving twice is harmless."""
        row = self._own(kind, id)
        if row.archived_at is None:
            row.archived_at = self.clock.now()

    def merge(self, kind: str, survivor: str, loser: str) -> Row:
        """The survivor takes over what it lacks, links, memberships and ids; the loser is gone."""
        kept, gone = self._own(kind, survivor), self._own(kind, loser)
        mine, theirs = self.values(kind, kept), self.values(kind, gone)
        taken = {name: value for name, value in theirs.items() if value and not mine.get(name)}
        gone.archived_at = self.clock.now()
        kept.merged = (*kept.merged, loser, *gone.merged)
        for id in (loser, *gone.merged):
            self._forwarded[kind, id] = survivor
        self.links.move(kind, loser, survivor)
        if kind == "contacts":
            self.audience.move(loser, survivor)
        return self.write(kind, survivor, taken, Source("MERGE_OBJECTS"))

    # -- lists and forms ---------------------------------------------------------------------------------

    def join_list(self, name: str, contact_id: str, *, at: datetime | None = None) -> None:
        """Add a contact to a list, creating the list where it is missing."""
        self.audience.add_list(name).join(contact_id, to_ms(at) if at else self.clock.now())

    def leave_list(self, name: str, contact_id: str) -> None:
        self.audience.add_list(name).leave(contact_id, self.clock.now())

    def submit_form(self, form: str, values: Mapping[str, str], *, at: datetime | None = None) -> Submission:
        """Somebody fills in a form, creating the form where it is missing."""
        return self.audience.submit(form, values, to_ms(at) if at else self.clock.now())

    # -- reading -----------------------------------------------------------------------------------------

    def row(self, kind: str, id: str) -> Row | None:
        """The record of this id, archived ones too, merged-away ones not forwarded."""
        return self._rows[kind].get(id) or self._generated(kind, id)

    def living(self, kind: str, id: str) -> Row | None:
        """The record of this id if it is not archived."""
        row = self.row(kind, id)
        return row if row is not None and row.archived_at is None else None

    def survivor(self, kind: str, id: str) -> str:
        """The id that answers for this one after merges, chains included."""
        while (kind, id) in self._forwarded:
            id = self._forwarded[kind, id]
        return id

    def is_merged_away(self, kind: str, id: str) -> bool:
        return (kind, id) in self._forwarded

    def get(self, kind: str, id: str) -> Values:
        """What a record holds now, for tests; KeyError when there is none."""
        row = self.row(kind, id)
        if row is None:
            raise KeyError(f"{kind} {id}")
        return self.values(kind, row)

    def values(self, kind: str, row: Row, until: int | None = None) -> Values:
        """The stored properties of a record, now or as they were at `until`."""
        values = self._born(kind, row)
        for written in row.log:
            if until is None or written.at <= until:
                values.update(written.changes)
        return values

    def view(self, kind: str, names: Sequence[str], until: int | None = None) -> Callable[[Row], dict[str, str | None]]:
        """A function that shows just these properties of a row, told and computed ones included."""
        computed = [(name, manners.COMPUTED[kind][name]) for name in names if name in manners.COMPUTED[kind]]

        def show(row: Row) -> dict[str, str | None]:
            values = self.values(kind, row, until)
            values["hs_object_id"] = row.id
            values[CREATED[kind]] = iso(row.created_at)
            values["hs_lastmodifieddate"] = values[MODIFIED[kind]] = iso(row.modified_at(until))
            told = {name: compute(self, row, values) for name, compute in computed}
            return {name: values.get(name) for name in names} | told

        return show

    def history(self, kind: str, row: Row, name: str) -> list[Version]:
        """Who set a property to what, newest first."""
        versions = [Version(w.changes[name], w.at, w.source) for w in row.log if name in w.changes]
        return [*reversed(versions), *self._born_versions(kind, row, name)]

    def rows(self, kind: str, *, from_id: int = 0, archived: bool = False) -> Iterator[Row]:
        """Records in order of id, from an id on, living or archived."""
        for id in self._ids(kind, from_id):
            row = self.row(kind, str(id))
            if row is not None and self._lists_as(kind, row) == ("archived" if archived else "living"):
                yield row

    def page(self, kind: str, from_id: int, limit: int, *, archived: bool) -> tuple[list[Row], str | None]:
        """Up to `limit` records from an id on, and the id of the next record where there is one."""
        rows = list(islice(self.rows(kind, from_id=from_id, archived=archived), limit + 1))
        return rows[:limit], rows[limit].id if len(rows) > limit else None

    def count(self, kind: str) -> int:
        """How many records live."""
        gone = sum(row.archived_at is not None for row in self._rows[kind].values())
        return self.population.count(kind) + len(self._extra_ids[kind]) - gone

    def written_rows(self, kind: str) -> dict[str, Row]:
        """The records that are not as the population would tell them."""
        return self._rows[kind]

    def contact_of(self, email: str) -> str | None:
        """The id of the living contact with this e-mail address."""
        if self._by_email is None:
            emails = self.column("contacts", "email")
            self._by_email = {
                email.lower(): self.population.id_of("contacts", number) for number, email in enumerate(emails) if email
            }
            for id, written in self._rows["contacts"].items():
                self._remember_email("contacts", id, self.values("contacts", written))
        found = self._by_email.get(email.lower(), "")
        row = self.living("contacts", found) if found else None
        holds = row is not None and self.values("contacts", row).get("email", "").lower() == email.lower()
        return found if holds else None

    def column(self, kind: str, name: str) -> list[str | None]:
        """One property of every generated record as it was born, by number: what makes searching fast."""
        if name in manners.COMPUTED[kind]:
            show = self.view(kind, [name])
            generated = (self.row(kind, self.population.id_of(kind, n)) for n in range(self.population.count(kind)))
            return [show(row)[name] for row in generated if row]
        key = (kind, name)
        if key not in self._columns:
            same: dict[str | None, str | None] = {}
            self._columns[key] = [
                same.setdefault(value, value)
                for value in (self._born_value(kind, n, name) for n in range(self.population.count(kind)))
            ]
        return self._columns[key]

    def pipeline_stage(self, pipeline: str, stage: str) -> tuple[bool, bool, str] | None:
        """Whether a deal stage is closed, is won, and its probability."""
        for one in self.pipelines:
            for known in one.stages:
                if known.id == stage and one.id == (pipeline or one.id):
                    return known.is_closed, known.is_won, known.probability
        return None

    def snapshot(self, kinds: Sequence[str] = KINDS) -> dict[str, dict[str, Values]]:
        """Every living record's filled properties, without dates of change: what two end states compare by."""
        return {
            kind: {row.id: {n: v for n, v in self.values(kind, row).items() if v != ""} for row in self.rows(kind)}
            for kind in kinds
        }

    def set_owner_archived(self, owner_id: str) -> None:
        """Somebody leaves the company; KeyError when nobody of that id was there."""
        if all(one.id != owner_id for one in self.owners):
            raise KeyError(f"owner {owner_id}")
        self.owners = [replace(one, archived=one.archived or one.id == owner_id) for one in self.owners]

    # -- within ------------------------------------------------------------------------------------------

    def _ids(self, kind: str, from_id: int) -> Iterator[int]:
        extra = self._extra_ids[kind]
        first = self.population.first_from(kind, from_id)
        born = (int(self.population.id_of(kind, n)) for n in range(first, self.population.count(kind)))
        return heapq.merge(born, islice(extra, bisect_left(extra, from_id), None))

    def _lists_as(self, kind: str, row: Row) -> str:
        if row.archived_at is None:
            return "living"
        return "merged" if (kind, row.id) in self._forwarded else "archived"

    def _generated(self, kind: str, id: str) -> Row | None:
        number = self.population.number_of(kind, id)
        if number is None:
            return None
        created = self.population.created_at(kind, number)
        return Row(id, created, self.population.modified_at(kind, number), number=number)

    def _own(self, kind: str, id: str) -> Row:
        row = self._rows[kind].get(id)
        if row is None:
            row = self._generated(kind, id)
            if row is None:
                raise KeyError(f"{kind} {id}")
            self._rows[kind][id] = row
        return row

    def _keep(self, kind: str, row: Row) -> None:
        if not row.id.isdigit():
            raise ValueError(f"record ids are digits, not {row.id!r}")
        self._rows[kind][row.id] = row
        insort(self._extra_ids[kind], int(row.id))

    def _new_id(self, kind: str) -> str:
        id = self._new_ids[kind]
        self._new_ids[kind] += 1
        return str(id)

    def _born(self, kind: str, row: Row) -> Values:
        return self.population.properties(kind, row.number) if row.base is None else dict(row.base)

    def _born_versions(self, kind: str, row: Row, name: str) -> Sequence[Version]:
        """A property's history before anybody wrote: what the population tells, else one entry at birth."""
        if row.base is None and (told := self.population.history(kind, row.number, name)):
            return told
        born = self._born(kind, row).get(name)
        return () if born is None else (Version(born, row.created_at, row.source),)

    def _born_value(self, kind: str, number: int, name: str) -> str | None:
        if name == MODIFIED[kind] or name == "hs_lastmodifieddate":
            return iso(self.population.modified_at(kind, number))
        if name == CREATED[kind]:
            return iso(self.population.created_at(kind, number))
        if name == "hs_object_id":
            return self.population.id_of(kind, number)
        return self.population.properties(kind, number).get(name)

    def _remember_email(self, kind: str, id: str, values: Mapping[str, str]) -> None:
        if kind == "contacts" and self._by_email is not None and values.get("email"):
            self._by_email[values["email"].lower()] = id
