"""
A CRM in a dict: the reference implementation of the protocol, for the laws and for reading.

It is deliberately unpleasant where real ones are: its clock is coarse (whole seconds), its pages are as small as
asked, and its lifecycle stage only moves forward unless it is cleared first. Where it is told to, it takes a write only
of a record that is still as it was read. What it promises is what tests/crm/contract.py asks of every adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from connector.crm import (
    Automation,
    Batch,
    Calls,
    DealStage,
    Description,
    FoundTask,
    Outcome,
    Owner,
    Page,
    PropertyDefinition,
    PropertyVersion,
    Task,
    Update,
    unasked,
)
from connector.crm.priorities import Priority
from connector.errors import NotFound
from connector.model import Link, Occurrence, Record

#: What history says of writes that came in by the protocol.
OURS = "integration 1"


@dataclass(slots=True)
class _Stored:
    properties: dict[str, str]
    created_at: datetime
    changed_at: datetime
    archived: bool = False
    merged_ids: tuple[str, ...] = ()
    closed: bool = False
    version: int = 0
    history: dict[str, list[PropertyVersion]] = field(default_factory=dict)


class MemoryCRM:
    """Records by kind and id. `edit`, `add`, `link`, `merge`, `archive` are what people and automation do to it."""

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        page: int = 100,
        account: str = "memory",
        forward_only: Mapping[str, Sequence[str]] | None = None,
        allowed: Mapping[str, frozenset[str]] | None = None,
        versioned: bool = False,
    ) -> None:
        self._now = now
        self._page = page
        self._account = account
        self._forward_only = dict(forward_only or {})
        self.allowed = dict(allowed or {})  # property -> the only values it takes
        self.versioned = versioned  # who writes must have read the record as it is
        self._read_as: dict[tuple[str, str], int] = {}
        self._records: dict[str, dict[str, _Stored]] = {}
        self._links: dict[tuple[str, str, str], dict[str, tuple[str, ...]]] = {}
        self._occurrences: dict[str, list[Occurrence]] = {}
        self._definitions: dict[str, dict[str, PropertyDefinition]] = {}
        self.deal_stages: tuple[DealStage, ...] = ()
        self.owners: tuple[Owner, ...] = ()
        self.workflows: tuple[Automation, ...] = ()
        self.empty_sources: frozenset[str] = frozenset()  # lists and forms that exist and have seen nobody yet
        self.calls = Calls()
        self.priority: Priority | None = None
        self.before_call: Callable[[], None] = unasked
        self.writes = 0

    # -- what others do to it ----------------------------------------------------------------------------------

    def add(self, kind: str, id: str, properties: Mapping[str, str], *, created_at: datetime | None = None) -> None:
        """A record appears."""
        at = self._coarse()
        kept = {name: value for name, value in properties.items() if value != ""}
        self._records.setdefault(kind, {})[id] = _Stored(kept, created_at or at, at)

    def edit(self, kind: str, id: str, properties: Mapping[str, str], *, by: str = "person", source: str = "") -> None:
        """Somebody else sets properties; the stage may go anywhere, as in the CRM's own pages."""
        stored = self._records[kind][id]
        for name, value in properties.items():
            self._set(stored, name, value, by, source or by)

    def link(self, kind: str, id: str, to: str, to_id: str, *labels: str) -> None:
        """Two records are associated, seen from both."""
        self._links.setdefault((kind, id, to), {})[to_id] = labels
        self._links.setdefault((to, to_id, kind), {})[id] = labels

    def unlink(self, kind: str, id: str, to: str, to_id: str) -> None:
        """An association ends."""
        self._links[kind, id, to].pop(to_id)
        self._links[to, to_id, kind].pop(id)

    def archive(self, kind: str, id: str) -> None:
        """A record goes to the bin."""
        self._records[kind][id].archived = True

    def restore(self, kind: str, id: str) -> None:
        """A record is taken out of the bin again, which does not touch it."""
        self._records[kind][id].archived = False

    def close_record(self, kind: str, id: str, properties: Mapping[str, str] | None = None) -> None:
        """A person sets these properties and closes a record, which then takes no writes by the protocol."""
        self.edit(kind, id, properties or {})
        stored = self._records[kind][id]
        stored.closed, stored.changed_at, stored.version = True, self._coarse(), stored.version + 1

    def reopen(self, kind: str, id: str) -> None:
        """A closed record takes writes again."""
        stored = self._records[kind][id]
        stored.closed, stored.changed_at, stored.version = False, self._coarse(), stored.version + 1

    def become_lead_of(self, contact: str, id: str) -> None:
        """A person who was only a lead gets a contact: their record goes on as a lead of that."""
        stored, before = self._records["contact"][contact], self._records["contact"].pop(id)
        self._records.setdefault("lead", {})[id] = replace(
            before, changed_at=self._coarse(), version=before.version + 1
        )
        stored.merged_ids = (*stored.merged_ids, *before.merged_ids, id)
        stored.changed_at, stored.version = self._coarse(), stored.version + 1
        self._move_links("contact", id, contact)
        self.link("contact", contact, "lead", id)

    def merge(self, kind: str, survivor: str, loser: str, *, into: str | None = None) -> None:
        """The loser vanishes, its links go over, the survivor lists it. `into`: both vanish, and a record of a new id
        holds what the survivor held."""
        losers = (loser,) if into is None else (survivor, loser)
        if into is not None:
            kept = self._records[kind][survivor]
            self._records[kind][into] = _Stored(dict(kept.properties), self._coarse(), self._coarse())
            survivor = into
        stored = self._records[kind][survivor]
        for id in losers:
            gone = self._records[kind].pop(id)
            stored.merged_ids = (*stored.merged_ids, *gone.merged_ids, id)
            stored.properties = {**gone.properties, **stored.properties}
            self._move_links(kind, id, survivor)
        stored.changed_at = self._coarse()
        stored.version += 1

    def _move_links(self, kind: str, id: str, survivor: str) -> None:
        for (of, mine, to), partners in list(self._links.items()):
            if (of, mine) == (kind, id):
                for to_id, labels in partners.items():
                    self.link(kind, survivor, to, to_id, *labels)
                    self._links[to, to_id, kind].pop(id, None)
                del self._links[of, mine, to]

    def happen(self, occurrence: Occurrence) -> None:
        """A dated fact on a list or form."""
        self._occurrences.setdefault(occurrence.source, []).append(occurrence)

    def properties(self, kind: str, id: str) -> dict[str, str]:
        """What a record holds now."""
        return dict(self._records[kind][id].properties)

    def state(self) -> dict[str, dict[str, dict[str, str]]]:
        """Everything people would see, for comparing worlds; record ids of tasks are not part of it."""
        seen = {
            kind: {id: dict(stored.properties) for id, stored in records.items()}
            for kind, records in self._records.items()
            if kind != "task"
        }
        tasks = sorted(self.tasks(), key=lambda task: (task.contact_id, task.body))
        seen["task"] = {
            f"{number}": {"contact": task.contact_id, "body": task.body} for number, task in enumerate(tasks)
        }
        return seen

    def tasks(self) -> list[FoundTask]:
        """Every task there is."""
        return self.find_tasks(list(self._records.get("contact", {})))

    # -- the protocol --------------------------------------------------------------------------------------------

    def describe(self, kinds: Sequence[str]) -> Description:
        """The account as the sum of what it holds and was told to define."""
        self._called("describe")
        properties = {kind: self._known(kind) for kind in kinds}
        return Description(self._account, "UTC", properties, self.deal_stages, self.owners)

    def count(self, kind: str, property: str | None = None, value: str | None = None) -> int | None:
        """By looking at each."""
        records = [one for one in self._records.get(kind, {}).values() if not one.archived]
        return sum(property is None or one.properties.get(property) == value for one in records)

    def oldest(self, kind: str) -> datetime | None:
        """By looking at each."""
        return min((one.created_at for one in self._records.get(kind, {}).values() if not one.archived), default=None)

    def automations(self, properties: Mapping[str, Sequence[str]]) -> list[Automation]:
        """Those it was told of."""
        return [one for one in self.workflows if one.property in properties.get(one.kind, ())]

    def scan(
        self,
        kind: str,
        properties: Sequence[str],
        *,
        after: str | None = None,
        archived: bool = False,
        alone: bool = False,
    ) -> Iterator[Page]:
        """By id, `page` at a time."""
        del alone
        ids = sorted(id for id, one in self._records.get(kind, {}).items() if one.archived == archived)
        ids = [id for id in ids if after is None or id > after]
        for start in range(0, max(len(ids), 1), self._page):
            self._called("list")
            part = ids[start : start + self._page]
            mark = part[-1] if start + self._page < len(ids) else None
            yield Page(tuple(self._record(kind, id, properties) for id in part), mark, None)

    def begin(self, kind: str, now: datetime) -> str:
        """The present instant."""
        del kind
        return now.isoformat()

    def changes(self, kind: str, cursor: str, now: datetime) -> Iterator[Batch]:
        """Everything changed at or after the cursor: two records may share an instant, so it is inclusive."""
        since = datetime.fromisoformat(cursor).replace(microsecond=0)
        found = sorted(
            id for id, one in self._records.get(kind, {}).items() if one.changed_at >= since and not one.archived
        )
        gone = tuple(id for id, one in self._records.get(kind, {}).items() if one.archived)
        for start in range(0, len(found), self._page):
            self._called("search")
            yield Batch(tuple(found[start : start + self._page]), (), None)
        self._called("search")
        yield Batch((), gone, now.isoformat(), now)

    def read(self, kind: str, ids: Sequence[str], properties: Sequence[str]) -> Iterator[Record]:
        """The living among these."""
        if ids:
            self._called("batch_read")
        records = self._records.get(kind, {})
        for id in dict.fromkeys(ids):
            if id in records and not records[id].archived:
                yield self._record(kind, id, properties)

    def links(self, kind: str, ids: Sequence[str], to: str) -> Mapping[str, tuple[Link, ...]]:
        """Associations with living records."""
        self._called("associations")
        there = self._records.get(to, {})
        return {
            id: tuple(
                Link(to_id, labels)
                for to_id, labels in sorted(self._links.get((kind, id, to), {}).items())
                if to_id in there and not there[to_id].archived
            )
            for id in ids
        }

    def occurrences(
        self, source: str, cursor: str | None, now: datetime
    ) -> Iterator[tuple[tuple[Occurrence, ...], str | None]]:
        """In the order in which they happened to be told."""
        del now
        self._called("occurrences")
        if source not in self._occurrences and source not in self.empty_sources:
            raise NotFound(f"There is no {source}.")
        told, first = self._occurrences.get(source, []), int(cursor or 0)
        for start in range(first, max(len(told), first + 1), self._page):
            part = tuple(told[start : start + self._page])
            yield part, str(start + len(part))

    def write(self, kind: str, updates: Sequence[Update]) -> list[Outcome]:
        """Set properties; a backward stage is accepted and ignored."""
        if len({update.id for update in updates}) < len(updates):
            raise ValueError("an id stands twice in one write")
        if updates:
            self._called("write")
        return [self._write(kind, self._records.get(kind, {}).get(update.id), update) for update in updates]

    def _write(self, kind: str, stored: _Stored | None, update: Update) -> Outcome:
        if stored is None or stored.archived:
            return Outcome(update.id, "gone", code="gone")
        if self.versioned and self._read_as.get((kind, update.id)) != stored.version:
            return Outcome(update.id, "moved", code="moved_meanwhile")
        if stored.closed:
            return Outcome(update.id, "rejected", code="record_closed", message="the record is closed")
        refused = tuple(
            name
            for name, value in update.properties.items()
            if value and value not in self.allowed.get(name, frozenset((value,)))
        )
        if refused:
            said = f"{', '.join(refused)} does not take this value"
            return Outcome(update.id, "rejected", {}, "value_not_allowed", said, refused)
        self.writes += 1
        for name, value in update.properties.items():
            if self._may_set(stored, name, value):
                self._set(stored, name, value, "integration", OURS)
        self._read_as[kind, update.id] = stored.version
        return Outcome(update.id, "written", {name: stored.properties.get(name) for name in update.properties})

    def history(
        self, kind: str, ids: Sequence[str], properties: Sequence[str]
    ) -> Mapping[str, Mapping[str, tuple[PropertyVersion, ...]]]:
        """Who set what, newest first."""
        self._called("history")
        records = self._records.get(kind, {})
        return {
            id: {name: tuple(reversed(records[id].history.get(name, []))) for name in properties}
            for id in ids
            if id in records
        }

    def find_tasks(self, contact_ids: Sequence[str]) -> list[FoundTask]:
        """The tasks hanging on these contacts."""
        self._called("associations")
        return [
            FoundTask(task_id, id, self._records["task"][task_id].properties["body"])
            for id in contact_ids
            for task_id in sorted(self._links.get(("contact", id, "task"), {}))
        ]

    def create_tasks(self, tasks: Sequence[Task], about_to_send: Callable[[int], None]) -> list[Outcome]:
        """Each task becomes a record with a fresh number."""
        outcomes = []
        for index, task in enumerate(tasks):
            about_to_send(index)
            outcomes.append(self._create_task(task))
        return outcomes

    def _create_task(self, task: Task) -> Outcome:
        self._called("create_task")
        self.writes += 1
        id = str(len(self._records.get("task", {})) + 1)
        self.add("task", id, {"subject": task.subject, "body": task.body, "owner": task.owner_id or ""})
        self.link("contact", task.contact_id, "task", id)
        return Outcome(id, "written")

    def create_property(self, kind: str, definition: PropertyDefinition, group: str) -> None:
        """Known from now on."""
        del group
        self._called("create_property")
        self._definitions.setdefault(kind, {}).setdefault(definition.name, definition)

    def add_options(self, kind: str, name: str, options: Mapping[str, str]) -> None:
        """After those that are there."""
        self._called("create_property")
        known = self._definitions[kind][name]
        self._definitions[kind][name] = replace(known, options={**options, **known.options})

    def publish(self) -> None:
        """See CRM: what was created is there at once."""

    def clock_ahead(self, now: datetime) -> timedelta:
        """There is one clock only."""
        del now
        return timedelta(0)

    def waits_for(self) -> str:
        """Never for anything."""
        return ""

    def close(self) -> None:
        """Nothing to release."""

    def _known(self, kind: str) -> dict[str, PropertyDefinition]:
        """What was defined, and as plain text whatever else is filled."""
        names = sorted({name for one in self._records.get(kind, {}).values() for name in one.properties})
        plain = {name: PropertyDefinition(name, "string", name) for name in names}
        return {**plain, **self._definitions.get(kind, {})}

    # -- inside ----------------------------------------------------------------------------------------------------

    def _record(self, kind: str, id: str, properties: Sequence[str]) -> Record:
        stored = self._records[kind][id]
        self._read_as[kind, id] = stored.version
        values = {name: stored.properties.get(name) for name in properties}
        further = tuple(filter(None, stored.properties.get("other_emails", "").split(";"))) if kind == "contact" else ()
        return Record(
            kind,
            id,
            values,
            stored.created_at,
            stored.changed_at,
            stored.archived,
            stored.merged_ids,
            further,
            stored.closed,
        )

    def _may_set(self, stored: _Stored, name: str, value: str) -> bool:
        order = self._forward_only.get(name)
        current = stored.properties.get(name, "")
        if not order or not value or not current or value not in order or current not in order:
            return True
        return order.index(value) >= order.index(current)

    def _set(self, stored: _Stored, name: str, value: str, by: str, source: str) -> None:
        stored.changed_at = self._coarse()
        stored.version += 1
        version = PropertyVersion(value, self._now(), by, source)
        stored.history.setdefault(name, []).append(version)
        if value == "":
            stored.properties.pop(name, None)
        else:
            stored.properties[name] = value

    def _called(self, endpoint: str) -> None:
        self.before_call()
        self.calls.by_class[endpoint] = self.calls.by_class.get(endpoint, 0) + 1

    def _coarse(self) -> datetime:
        return self._now().astimezone(UTC).replace(microsecond=0)
