"""
HubSpot as a CRM of the protocol: settings in, the rooms of this package behind each method.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from connector.crm import (
    Automation,
    Batch,
    Calls,
    Description,
    FoundTask,
    Outcome,
    Page,
    PropertyDefinition,
    PropertyVersion,
    Task,
    Update,
)
from connector.crm.desk import Desk
from connector.crm.hubspot import automating, changing, dating, describing, linking, reading, tasking, writing
from connector.crm.hubspot.api import Api
from connector.crm.hubspot.history import history
from connector.crm.hubspot.names import VERSIONS, Reading
from connector.crm.hubspot.transport import Wire
from connector.crm.pacing import Budget
from connector.crm.priorities import Priority
from connector.crm.resting import Rest
from connector.crm.retry import Policy
from connector.crm.wire import Token, token_from
from connector.model import Link, Occurrence, Record


class HubSpot:
    """One HubSpot account, opened by a token (or by whatever returns the token of the moment).

    `desk` paces the calls; adapters that share a token or an account should share it. Without one this adapter has a
    desk of its own, by `clock`, `sleep` and `wall` (the time of day; by default the clock's, where one is given); the
    first two are otherwise the desk's.
    """

    def __init__(
        self,
        token: str | Callable[[], str] | Token,
        *,
        base_url: str = "https://api.hubapi.com",
        api_version: str = "2026-03",
        read: Reading | None = None,
        budget: Budget | None = None,
        timeout: float = 60.0,
        proxy: str | None = None,
        attempts: int = 6,
        desk: Desk | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] | None = None,
        wall: Callable[[], float] | None = None,
    ) -> None:
        if api_version not in VERSIONS:
            raise ValueError(f"api_version is {api_version!r}; it must be one of {', '.join(VERSIONS)}")
        desk = desk or Desk(clock=clock or time.monotonic, sleep=sleep or time.sleep, wall=wall or clock or time.time)
        sizes, self._rest = read or Reading(), Rest(sleep or desk.sleep)
        self._known_groups = set[tuple[str, str]]()
        wire = Wire(
            token_from(token),
            base_url,
            connections=2 * sizes.threads + 2,
            timeout=timeout,
            clock=clock or desk.clock,
            proxy=proxy,
        )
        self._api = Api(
            wire,
            version=api_version,
            reading=sizes,
            budget=budget or Budget(),
            policy=Policy(self._rest.before_another_try, attempts=attempts),
            clock=clock or desk.clock,
            rest=self._rest,
            desk=desk,
        )

    @property
    def priority(self) -> Priority | None:
        """Whose calls go first; see CRM."""
        return self._api.allowance.priority

    @priority.setter
    def priority(self, priority: Priority | None) -> None:
        self._api.allowance.priority = priority

    @property
    def calls(self) -> Calls:
        """The tally so far."""
        return self._api.calls

    @calls.setter
    def calls(self, calls: Calls) -> None:
        """Start a new tally, for a new run on the same connection."""
        self._api.tally.calls = calls

    @property
    def before_call(self) -> Callable[[], None]:
        """Who is asked before a request goes out."""
        return self._api.before_call

    @before_call.setter
    def before_call(self, ask: Callable[[], None]) -> None:
        """Ask somebody else from now on."""
        self._api.before_call = ask

    def describe(self, kinds: Sequence[str]) -> Description:
        """See CRM. The account is "unknown" where the token may not ask for it."""
        return describing.describe(self._api, kinds)

    def count(self, kind: str, property: str | None = None, value: str | None = None) -> int | None:
        """See CRM. By search, so the last moments may be missing."""
        return describing.count(self._api, kind, property, value)

    def oldest(self, kind: str) -> datetime | None:
        """See CRM. By search, oldest first."""
        return describing.oldest(self._api, kind)

    def automations(self, properties: Mapping[str, Sequence[str]]) -> list[Automation]:
        """See CRM. Workflows, which only the scope `automation` shows."""
        return automating.automations(self._api, properties)

    def scan(
        self,
        kind: str,
        properties: Sequence[str],
        *,
        after: str | None = None,
        archived: bool = False,
        alone: bool = False,
    ) -> Iterator[Page]:
        """See CRM. Several cursors at once, each in the order of record ids; any id serves as `after`, too."""
        return reading.scan(self._api, kind, properties, after=after, archived=archived, alone=alone)

    def begin(self, kind: str, now: datetime) -> str:
        """See CRM. Every kind begins alike."""
        return changing.begin(self._api, now)

    def changes(self, kind: str, cursor: str, now: datetime) -> Iterator[Batch]:
        """See CRM. Deletions and merges do not show here; scans and reads by id tell them."""
        return changing.changes(self._api, kind, cursor, now)

    def read(self, kind: str, ids: Sequence[str], properties: Sequence[str]) -> Iterator[Record]:
        """See CRM."""
        return reading.read(self._api, kind, ids, properties)

    def links(self, kind: str, ids: Sequence[str], to: str) -> Mapping[str, tuple[Link, ...]]:
        """See CRM."""
        return linking.links(self._api, kind, ids, to)

    def occurrences(
        self,
        source: str,
        cursor: str | None,
        now: datetime,
    ) -> Iterator[tuple[tuple[Occurrence, ...], str | None]]:
        """See CRM. HubSpot's own times decide what is new, not `now`."""
        return dating.occurrences(self._api, source, cursor)

    def write(self, kind: str, updates: Sequence[Update]) -> list[Outcome]:
        """See CRM. A lost answer has been looked up already: `unknown` means that even that did not help."""
        return writing.write(self._api, kind, updates)

    def history(
        self, kind: str, ids: Sequence[str], properties: Sequence[str]
    ) -> Mapping[str, Mapping[str, tuple[PropertyVersion, ...]]]:
        """See CRM."""
        return history(self._api, kind, ids, properties)

    def find_tasks(self, contact_ids: Sequence[str]) -> list[FoundTask]:
        """See CRM."""
        return tasking.find_tasks(self._api, contact_ids)

    def tasks_marked(self, markers: Mapping[str, datetime]) -> Mapping[str, str]:
        """See CRM. By search, which learns of a task within the settle time."""
        return tasking.tasks_marked(self._api, markers)

    def create_tasks(self, tasks: Sequence[Task], about_to_send: Callable[[int], None]) -> list[Outcome]:
        """See CRM. Where no task was created for certain, the outcome's id is empty."""
        return tasking.create_tasks(self._api, tasks, about_to_send)

    def create_property(self, kind: str, definition: PropertyDefinition, group: str) -> None:
        """See CRM."""
        describing.create_property(self._api, kind, definition, group, known_groups=self._known_groups)

    def add_options(self, kind: str, name: str, options: Mapping[str, str]) -> None:
        """See CRM."""
        describing.add_options(self._api, kind, name, options)

    def publish(self) -> None:
        """See CRM: what was created is there at once."""

    def clock_ahead(self, now: datetime) -> timedelta:
        """See CRM."""
        return self._api.their_clock.ahead(now)

    def waits_for(self) -> str:
        """See CRM."""
        return self._rest.told()

    def close(self) -> None:
        """See CRM."""
        self._rest.end()
        self._api.close()
