"""
Dynamics 365 as a CRM of the protocol: settings in, the rooms of this package behind each method.
"""

from __future__ import annotations

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
from connector.crm.dynamics import (
    automating,
    changing,
    counting,
    creating,
    describing,
    history,
    linking,
    reading,
    tasking,
    writing,
)
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.opening import Reading, Writing, api_of
from connector.crm.dynamics.transport import VERSION
from connector.crm.pacing import Budget
from connector.crm.priorities import Priority
from connector.crm.wire import Token
from connector.errors import NotFound
from connector.model import Link, Occurrence, Record


class Dynamics:
    """One Dataverse environment, opened by a token, by an app's (see opening.app_token), or by whoever returns the
    token of the moment.

    `desk` paces the calls; adapters that share a user should share it. Without one this adapter has a desk of its own,
    by `clock` and `sleep`, which are otherwise the desk's.
    """

    def __init__(
        self,
        token: str | Callable[[], str] | Token,
        environment_url: str,
        *,
        api_version: str = VERSION,
        read: Reading | None = None,
        write: Writing | None = None,
        budget: Budget | None = None,
        daily_quota: int | None = None,
        timeout: float = 120.0,
        proxy: str | None = None,
        attempts: int = 6,
        desk: Desk | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        sizes = read or Reading()
        api = api_of(
            token,
            environment_url,
            api_version=api_version,
            read=sizes,
            budget=budget,
            daily_quota=daily_quota,
            timeout=timeout,
            proxy=proxy,
            attempts=attempts,
            desk=desk,
            clock=clock,
            sleep=sleep,
        )
        self._env, self._root = Environment.opened(api, sizes, write), environment_url
        self._maker = creating.Maker(self._env)

    # -- the run's own settings ---------------------------------------------------------------------------

    @property
    def priority(self) -> Priority | None:
        """Whose calls go first; see CRM."""
        return self._env.api.allowance.priority

    @priority.setter
    def priority(self, priority: Priority | None) -> None:
        self._env.api.allowance.priority = priority

    @property
    def calls(self) -> Calls:
        """The tally so far."""
        return self._env.api.calls

    @calls.setter
    def calls(self, calls: Calls) -> None:
        """Start a new tally, for a new run on the same connection."""
        self._env.api.tally.calls = calls

    @property
    def before_call(self) -> Callable[[], None]:
        """Who is asked before a request goes out."""
        return self._env.api.before_call

    @before_call.setter
    def before_call(self, ask: Callable[[], None]) -> None:
        """Ask somebody else from now on."""
        self._env.api.before_call = ask

    def clock_ahead(self, now: datetime) -> timedelta:
        """See CRM."""
        return self._env.api.their_clock.ahead(now)

    def waits_for(self) -> str:
        """See CRM."""
        return self._env.api.waits_for()

    def close(self) -> None:
        """See CRM."""
        self._env.api.close()

    # -- reading ------------------------------------------------------------------------------------------

    def count(self, kind: str, property: str | None = None, value: str | None = None) -> int | None:
        """See CRM. Dataverse counts up to 5,000: from there on None by value, and of all of a kind about how many."""
        return counting.count(self._env, kind, property, value)

    def oldest(self, kind: str) -> datetime | None:
        """See CRM."""
        return counting.oldest(self._env, kind)

    def scan(
        self,
        kind: str,
        properties: Sequence[str],
        *,
        after: str | None = None,
        archived: bool = False,
        alone: bool = False,
    ) -> Iterator[Page]:
        """See CRM. The tables of a kind at once. Archived are the deactivated; what is deleted is gone for good."""
        return reading.scan(self._env, kind, properties, after=after, archived=archived, alone=alone)

    def begin(self, kind: str, now: datetime) -> str:
        """See CRM. A scan that comes to a cursor of its own puts that in its place."""
        return changing.begin(self._env, kind, now)

    def changes(self, kind: str, cursor: str, now: datetime) -> Iterator[Batch]:
        """See CRM. Where changes are tracked, deletions show here, too."""
        return changing.changes(self._env, kind, cursor, now)

    def read(self, kind: str, ids: Sequence[str], properties: Sequence[str]) -> Iterator[Record]:
        """See CRM. What a lead became part of answers for it: its contact, or the one it was merged into."""
        return reading.read(self._env, kind, ids, properties)

    def links(self, kind: str, ids: Sequence[str], to: str) -> Mapping[str, tuple[Link, ...]]:
        """See CRM."""
        return linking.links(self._env, kind, ids, to)

    def occurrences(
        self, source: str, cursor: str | None, now: datetime
    ) -> Iterator[tuple[tuple[Occurrence, ...], str | None]]:
        """See CRM. Dynamics has neither lists nor forms that say when somebody came."""
        raise NotFound(f"Dynamics does not tell when somebody came to {source}.", code="not_found")

    # -- writing ------------------------------------------------------------------------------------------

    def write(self, kind: str, updates: Sequence[Update]) -> list[Outcome]:
        """See CRM. Only rows that are still as this adapter read them; all others are told as moved."""
        return writing.write(self._env, kind, updates)

    def history(
        self, kind: str, ids: Sequence[str], properties: Sequence[str]
    ) -> Mapping[str, Mapping[str, tuple[PropertyVersion, ...]]]:
        """See CRM. Where nothing is audited, only of who wrote last."""
        return history.history(self._env, kind, ids, properties)

    def find_tasks(self, contact_ids: Sequence[str]) -> list[FoundTask]:
        """See CRM."""
        return tasking.find_tasks(self._env, contact_ids)

    def tasks_marked(self, markers: Mapping[str, datetime]) -> Mapping[str, str]:
        """See CRM. By the ids that follow from the markers, so at once and for certain."""
        return tasking.tasks_marked(self._env, markers)

    def create_tasks(self, tasks: Sequence[Task], about_to_send: Callable[[int], None]) -> list[Outcome]:
        """See CRM. Here a task that may be there already is made once more without harm."""
        return tasking.create_tasks(self._env, tasks, about_to_send)

    # -- the account --------------------------------------------------------------------------------------

    def describe(self, kinds: Sequence[str]) -> Description:
        """See CRM. What the application user lacks is told as findings; of a kind that is several tables, its columns
        are those of all of them."""
        return describing.describe(self._env, kinds, self._root)

    def automations(self, properties: Mapping[str, Sequence[str]]) -> list[Automation]:
        """See CRM. Workflows, business rules and cloud flows that set them, and plug-ins that run when they change."""
        return automating.automations(self._env, properties)

    def create_property(self, kind: str, definition: PropertyDefinition, group: str) -> None:
        """See CRM. The group is a solution, by its unique name."""
        self._maker.create(kind, definition, group)

    def add_options(self, kind: str, name: str, options: Mapping[str, str]) -> None:
        """See CRM."""
        self._maker.add_options(kind, name, options)

    def publish(self) -> None:
        """See CRM."""
        self._maker.publish()
