"""What a connection's file says in the terms of the loop: settings, owners by id, the office of the task text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from connector.errors import ConfigError, Problem

if TYPE_CHECKING:
    from connector.config import Connection
    from connector.crm import Description
    from connector.decide import Office
    from connector.sync import Settings


def settings_of(connection: Connection, zone: ZoneInfo, account: Description) -> Settings:
    """What the loop obeys, from what the file says."""
    from connector.quiet import Quiet  # noqa: PLC0415 - --help does without

    wanted = connection.tasks.never_to
    return replace(
        offline_settings(connection),
        no_owner=_queue(connection, account),
        never_to=frozenset(_resolved(connection, account, "never_to", wanted).values()),
        quiet=Quiet(connection.quiet, connection.freezes, zone),
        stages_go_back=account.stages_go_back,
    )


def office_of(connection: Connection, account: Description) -> Office:
    """What the task text needs to know of the account. Raises ConfigError for an owner nobody knows."""
    named = connection.tasks.time_zones
    ids = _resolved(connection, account, "time_zones", tuple(named))
    zones = {ids[name]: zone for name, zone in named.items()}
    # Whose task goes to the queue reads it on the queue's clock: people without an owner ("") and those who take none.
    queue = zones.get(_queue(connection, account) or "")
    for owner in ("", *_resolved(connection, account, "never_to", connection.tasks.never_to).values()):
        zones.pop(owner, None)
        if queue is not None:
            zones[owner] = queue
    return office_at(account.contact_page, zones, {owner.id: owner.teams for owner in account.owners})


def office_at(contact_page: str, zones: Mapping[str, str], teams: Mapping[str, Iterable[str]]) -> Office:
    from connector.decide import Office  # noqa: PLC0415 - --help does without

    return Office(
        contact_page,
        {owner: ZoneInfo(zone) for owner, zone in zones.items()},
        {owner: frozenset(names) for owner, names in teams.items() if names},
    )


def _resolved(connection: Connection, account: Description, setting: str, names: tuple[str, ...]) -> dict[str, str]:
    """The owners a setting of the tasks names, with their ids. Raises ConfigError for those nobody knows."""
    from connector.check import find_owner  # noqa: PLC0415 - --help does without

    found = {name: find_owner(name, account.owners) for name in names}
    if problems := owner_problems(connection, account, setting):
        raise ConfigError(problems)
    return {name: owner.id for name, owner in found.items() if owner is not None}


def owner_problems(connection: Connection, account: Description, setting: str) -> list[Problem]:
    """What is wrong with the owners that tasks.never_to or tasks.time_zones names. A guess is told by id, since names
    and addresses have no place in a message (G14)."""
    from connector.check import find_owner, nearest_owner  # noqa: PLC0415 - --help does without

    problems = []
    for name in getattr(connection.tasks, setting):
        if find_owner(name, account.owners) is None:
            near = nearest_owner(name, account.owners)
            guess = f"Did you mean owner {near.id}? " if near else ""
            problems.append(
                Problem(
                    f"connections.{connection.name}.tasks.{setting}",
                    f"{name} is no active owner of account {account.account}.",
                    f"{guess}Give an owner's id, e-mail address or name; see: connector discover",
                )
            )
    return problems


def offline_settings(connection: Connection) -> Settings:
    from connector.plan import Limits, TaskBudget  # noqa: PLC0415 - --help does without
    from connector.sync import Settings  # noqa: PLC0415 - --help does without

    guard, tasks = connection.guard, connection.tasks
    return Settings(
        mode=connection.mode,
        go_live=connection.go_live,
        hold=connection.hold,
        limits=Limits(
            guard.changes_per_run, guard.changes_per_day, guard.max_share, max_score_writes=guard.max_score_writes
        ),
        tasks=TaskBudget(tasks.per_owner_per_day, tasks.per_day),
        only_signals_newer_than=timedelta(days=tasks.only_signals_newer_than_days)
        if tasks.only_signals_newer_than_days
        else None,
        max_age=connection.read.max_age,
        reconcile=connection.read.reconcile,
        associations=connection.read.associations,
        archived=connection.read.archived,
    )


def _queue(connection: Connection, account: Description) -> str | None:
    from connector.check import find_owner  # noqa: PLC0415 - --help does without

    if problem := queue_problem(connection, account):
        raise ConfigError([problem])
    owner = find_owner(connection.tasks.no_owner or "", account.owners)
    return owner.id if owner else None


def queue_problem(connection: Connection, account: Description) -> Problem | None:
    """What is wrong with the owner who gets the tasks of people without one."""
    from connector.check import find_owner  # noqa: PLC0415 - --help does without

    wanted = connection.tasks.no_owner
    if wanted is None or find_owner(wanted, account.owners):
        return None
    return Problem(
        f"connections.{connection.name}.tasks.no_owner",
        f"{wanted} is no active owner of account {account.account}.",
        "Give an owner's id, e-mail address or name; see: connector discover",
    )
