"""
Short names for Dataverse's ids: the worlds of these tests call people "1" and "2", whatever CRM they live in.

An id is a name and nothing else, to the connector as well; here each has its number at its end. Everything else passes
as it is: columns, values and calls are Dataverse's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connector.crm import KINDS, Batch, FoundTask, Outcome, Page, PropertyVersion, Task, Update
from connector.crm.dynamics import Dynamics
from connector.model import Link, Record
from connector.sandbox.dataverse.known import owner_id

OWNER = "ownerid"

_NUMBERED = re.compile(r"(?:0000000\d|7e57ab1e)-0000-4000-8000-(\d{12})")


def long(kind: str, id: str) -> str:
    """The id of the record that is called so; one that has no number is an id already."""
    return f"{KINDS.index(kind):08x}-0000-4000-8000-{int(id):012}" if id.isdecimal() else id


def short(id: str) -> str:
    """What the record of this id is called; an id without a number is its own name."""
    numbered = _NUMBERED.fullmatch(id)
    return str(int(numbered[1])) if numbered else id


def user(id: str) -> str:
    """The id of the user who is called so."""
    return owner_id(id) if id.isdecimal() else id


class ShortNames:
    """The adapter as it is, with short names in place of ids."""

    def __init__(self, crm: Dynamics) -> None:
        self.crm = crm

    def __getattr__(self, name: str) -> Any:
        return getattr(self.crm, name)

    calls = property(lambda self: self.crm.calls, lambda self, calls: setattr(self.crm, "calls", calls))
    priority = property(lambda self: self.crm.priority, lambda self, given: setattr(self.crm, "priority", given))
    before_call = property(lambda self: self.crm.before_call, lambda self, ask: setattr(self.crm, "before_call", ask))

    # -- reading ---------------------------------------------------------------------------------------------------

    def scan(self, kind: str, properties: Sequence[str], **where: Any) -> Iterator[Page]:
        """See CRM."""
        for page in self.crm.scan(kind, properties, **where):
            yield replace(page, records=tuple(map(_called, page.records)))

    def changes(self, kind: str, cursor: str, now: datetime) -> Iterator[Batch]:
        """See CRM."""
        for batch in self.crm.changes(kind, cursor, now):
            yield replace(batch, ids=tuple(map(short, batch.ids)), gone=tuple(map(short, batch.gone)))

    def read(self, kind: str, ids: Sequence[str], properties: Sequence[str]) -> Iterator[Record]:
        """See CRM."""
        return map(_called, self.crm.read(kind, _long(kind, ids), properties))

    def links(self, kind: str, ids: Sequence[str], to: str) -> Mapping[str, tuple[Link, ...]]:
        """See CRM."""
        found = self.crm.links(kind, _long(kind, ids), to)
        return {
            short(id): tuple(sorted((replace(one, to_id=short(one.to_id)) for one in those), key=lambda one: one.to_id))
            for id, those in found.items()
        }

    def history(
        self, kind: str, ids: Sequence[str], properties: Sequence[str]
    ) -> Mapping[str, Mapping[str, tuple[PropertyVersion, ...]]]:
        """See CRM."""
        found = self.crm.history(kind, _long(kind, ids), properties)
        return {
            short(id): {name: tuple(_version(name, one) for one in those) for name, those in of.items()}
            for id, of in found.items()
        }

    # -- writing ---------------------------------------------------------------------------------------------------

    def write(self, kind: str, updates: Sequence[Update]) -> list[Outcome]:
        """See CRM."""
        sent = [Update(long(kind, one.id), _owned(one.properties, user)) for one in updates]
        return [
            replace(one, id=short(one.id), properties=_owned(one.properties, short))
            for one in self.crm.write(kind, sent)
        ]

    def find_tasks(self, contact_ids: Sequence[str]) -> list[FoundTask]:
        """See CRM."""
        found = self.crm.find_tasks(_long("contact", contact_ids))
        return [replace(one, contact_id=short(one.contact_id)) for one in found]

    def tasks_marked(self, markers: Mapping[str, datetime]) -> Mapping[str, str]:
        """See CRM."""
        return self.crm.tasks_marked(markers)

    def create_tasks(self, tasks: Sequence[Task], about_to_send: Callable[[int], None]) -> list[Outcome]:
        """See CRM."""
        sent = [
            replace(one, contact_id=long("contact", one.contact_id), owner_id=one.owner_id and user(one.owner_id))
            for one in tasks
        ]
        return self.crm.create_tasks(sent, about_to_send)


def _long(kind: str, ids: Iterable[str]) -> list[str]:
    return [long(kind, id) for id in ids]


def _called(record: Record) -> Record:
    return replace(
        record,
        id=short(record.id),
        merged_ids=tuple(map(short, record.merged_ids)),
        properties=_owned(record.properties, short),
    )


def _owned(properties: Mapping[str, Any], called: Callable[[str], str]) -> dict[str, Any]:
    """The owner is an id, too."""
    return {name: called(value) if name == OWNER and value else value for name, value in properties.items()}


def _version(name: str, version: PropertyVersion) -> PropertyVersion:
    return replace(version, value=short(version.value)) if name == OWNER and version.value else version
