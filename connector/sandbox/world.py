"""
One HubSpot account in memory: its records, links, lists, forms, owners, workflows and clock. Knows no HTTP.

Tests build small worlds with `add` and `associate`; a big one is told by a `Population`, of which only what was
written is kept. Every change goes through here, whoever makes it, so history and modified dates cannot be forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from connector.sandbox import fates, manners, stock, workflows
from connector.sandbox.addresses import Addresses
from connector.sandbox.agenda import Agenda
from connector.sandbox.audience import Audience, Submission
from connector.sandbox.clock import Clock, iso, to_ms
from connector.sandbox.links import Links
from connector.sandbox.poison import Poison
from connector.sandbox.population import Nobody, Population
from connector.sandbox.records import IMPORTED, Row, Source, Until, Version, Written, person
from connector.sandbox.schema import CREATED, KINDS, MODIFIED, Definition, Owner, Pipeline
from connector.sandbox.store import Store
from connector.sandbox.switches import Switches
from connector.sandbox.workflows import Workflow

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
        self.store = Store(self.population)
        self._addresses = Addresses(self.store)
        self.clock = clock or Clock()
        self.switches = switches or Switches()
        self.account = account or Account()
        self.definitions = stock.definitions()
        self.deleted: dict[tuple[str, str], Definition] = {}  # definitions that were deleted, by kind and name
        self.groups: dict[str, dict[str, dict[str, object]]] = {}  # property groups made by API, by kind
        self.pipelines: list[Pipeline] = [stock.SALES_PIPELINE]
        self.owners = list(stock.OWNERS if owners is None else owners)
        self.links = Links(self.population)
        self.audience = Audience(self.population)
        self.workflows: list[Workflow] = []
        self.agenda = Agenda()  # what is going to happen by itself
        self.poisons: dict[tuple[str, str], Poison] = {}  # records that refuse to be written
        self.passed: Counter[str] = Counter()  # rows and results that went by, for those that get lost
        self.latest_search: tuple[Any, ...] = ()  # what the next page of it is cut from
        self.enrollments: Counter[str] = Counter()  # how often each workflow ran, by its id
        self.writes = 0  # records written by API calls
        self._forwarded: dict[tuple[str, str], str] = {}  # merged-away id -> survivor

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
        now = self.stamp()
        created = to_ms(created_at) if created_at else now
        modified = to_ms(modified_at) if modified_at else max(created, now)
        record_id = id or self.store.new_id(kind)
        if self.row(kind, record_id) is not None:
            raise ValueError(f"{kind} {record_id} is there already")
        base = {name: value for name, value in properties.items() if value != ""}
        self.store.keep(kind, Row(record_id, created, modified, base=base, source=source))
        self._addresses.remember(kind, record_id, base)
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
        at: int | None = None,
    ) -> Row:
        """
        Set properties ("" clears) of a living record, with history; the modified date always moves.

        Workflows follow, except those of `enrolled`, whose doing this write is. `at` is when it happened, where that
        is not now.
        """
        row = self.store.own(kind, id)
        current = self.values(kind, row)
        now = self.stamp(at)
        changed = {
            name: value
            for name, value in ((n, manners.appended(current.get(n), v)) for n, v in properties.items())
            if value != (current.get(name) or "")
        }
        if "lifecyclestage" in changed:
            changed |= manners.stage_dates(self, kind, current, changed["lifecyclestage"], now)
        row.wrote(Written(now, source, changed))
        self._addresses.remember(kind, id, changed)
        if kind == "deals" and "dealstage" in changed and self.switches.deal_moves_stage:
            manners.deal_moves_stage(self, id)
        if kind == "contacts":
            workflows.enroll(self, id, changed, source, enrolled, at=at)
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

    def touch(self, kind: str, *ids: str, changes: Mapping[str, str] | None = None) -> int:
        """Move the modified date of records at one instant without visible changes, as hidden properties and logged
        activities do, or with the same `changes`, as a bulk edit does; gives the instant. Nothing else follows."""
        written = Written(self.stamp(), Source("INTERNAL_PROCESSING"), changes or {})
        for id in ids:
            self.store.own(kind, id).wrote(written)
        return written.at

    def archive(self, kind: str, id: str) -> None:
        """Into the recycling bin; archiving twice is harmless."""
        fates.archive(self, kind, id)

    def merge(self, kind: str, survivor: str, loser: str, *, new_id: bool | None = None) -> Row:
        """Two records become one: the survivor, or a third of a `new_id` (None: as switched)."""
        third = self.switches.merge_makes_new_id if new_id is None else new_id
        return fates.merge(self, kind, survivor, loser, new_id=third)

    def forward(self, kind: str, ids: Sequence[str], to: str) -> None:
        """From now on these ids are merged-away ones of another."""
        self._forwarded |= {(kind, id): to for id in ids}

    def stamp(self, at: int | None = None) -> int:
        """The instant that a modification carries: as coarse as switched."""
        now = self.clock.now() if at is None else at
        return now - now % self.switches.time_grain_ms

    def catch_up(self) -> None:
        """Let happen by itself what was to happen until now; whoever looks at the account calls this first."""
        self.agenda.catch_up(self)

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
        return self.store.row(kind, id)

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
        return row.values(self.store.born(kind, row), until)

    def view(
        self, kind: str, names: Sequence[str], until: Until | None = None
    ) -> Callable[[Row], dict[str, str | None]]:
        """A function that shows just these properties of a row, told and computed ones included."""
        computed = [(name, manners.COMPUTED[kind][name]) for name in names if name in manners.COMPUTED[kind]]

        def show(row: Row) -> dict[str, str | None]:
            at = until(row) if until else None
            values = self.values(kind, row, at)
            values["hs_object_id"] = row.id
            values[CREATED[kind]] = iso(row.created_at)
            values["hs_lastmodifieddate"] = values[MODIFIED[kind]] = iso(row.modified_at(at))
            told = {name: compute(self, row, values) for name, compute in computed}
            return {name: values.get(name) for name in names} | told

        return show

    def history(self, kind: str, row: Row, name: str) -> list[Version]:
        """Who set a property to what, newest first."""
        versions = [Version(w.changes[name], w.at, w.source) for w in row.log if name in w.changes]
        return [*reversed(versions), *self.store.born_versions(kind, row, name)]

    def rows(self, kind: str, *, from_id: int = 0, archived: bool = False) -> Iterator[Row]:
        """Records in order of id, from an id on, living or archived."""
        for id in self.store.ids(kind, from_id):
            row = self.row(kind, str(id))
            if row is not None and self._lists_as(kind, row) == ("archived" if archived else "living"):
                yield row

    def page(self, kind: str, from_id: int, limit: int, *, archived: bool) -> tuple[list[Row], str | None]:
        """Up to `limit` records from an id on, and the id of the next record where there is one."""
        rows = list(islice(self.rows(kind, from_id=from_id, archived=archived), limit + 1))
        return rows[:limit], rows[limit].id if len(rows) > limit else None

    def count(self, kind: str) -> int:
        """How many records live."""
        return self.store.count(kind)

    def written_rows(self, kind: str) -> dict[str, Row]:
        """The records that are not as the population would tell them."""
        return self.store.written(kind)

    def contact_of(self, email: str) -> str | None:
        """The id of the living contact with this e-mail address."""
        found = self._addresses.find(email)
        row = self.living("contacts", found) if found else None
        holds = row is not None and self.values("contacts", row).get("email", "").lower() == email.lower()
        return found if holds else None

    def column(self, kind: str, name: str) -> list[str | None]:
        """One property of every generated record as it was born, by number: what makes searching fast."""
        if name in manners.COMPUTED[kind]:
            show = self.view(kind, [name])
            generated = (self.row(kind, self.population.id_of(kind, n)) for n in range(self.population.count(kind)))
            return [show(row)[name] for row in generated if row]
        return self.store.column(kind, name)

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

    def _lists_as(self, kind: str, row: Row) -> str:
        if row.archived_at is None:
            return "living"
        return "merged" if (kind, row.id) in self._forwarded else "archived"
