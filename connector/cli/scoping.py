"""
Whom a connection speaks about, by what can be asked for it: the files alone, the open account, or the ledger.

Teams and segments are the account's. Who makes no call takes them as the last run met them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from connector.errors import ConfigError, NotFound, Problem

if TYPE_CHECKING:
    from datetime import datetime

    from connector.agreement import Agreement
    from connector.config import Connection
    from connector.crm import CRM, Owner
    from connector.ledger import Ledger
    from connector.scope import Scope

#: The ids behind a name.
Ids = Callable[[str], frozenset[str]]


def _unknown(_name: str) -> frozenset[str]:
    return frozenset()


def scope_in_files(connection: Connection, agreement: Agreement) -> Scope:
    """As far as files can prove it. Raises ConfigError for a list or a field that nobody knows."""
    return _scope(connection, agreement, _unknown, _unknown, [])


def scope_in_account(
    connection: Connection, agreement: Agreement, crm: CRM, owners: Sequence[Owner], at: datetime
) -> Scope:
    """With the account open, at this instant. Raises ConfigError for a team or a segment that nobody knows, too."""
    from connector.check import did_you_mean  # noqa: PLC0415 - --help does without

    problems: list[Problem] = []

    def team(name: str) -> frozenset[str]:
        found = frozenset(owner.id for owner in owners if name in owner.teams)
        if not found:
            fix = did_you_mean(name, {word for owner in owners for word in owner.teams})
            where = f"connections.{connection.name}"
            problems.append(Problem(where, f"no owner is in a team {name}.", f"{fix}See: connector discover"))
        return found

    def members(name: str) -> frozenset[str]:
        try:
            parts = crm.occurrences(f"list:{name}", None, at)
            return frozenset(one.person_id for found, _ in parts for one in found if one.person_id)
        except NotFound as error:
            problems.append(Problem(f"connections.{connection.name}", f"the list {name} is not there: {error}"))
            return frozenset()

    return _scope(connection, agreement, team, members, problems)


def scope_in_ledger(connection: Connection, agreement: Agreement, ledger: Ledger) -> Scope:
    """Teams and segments as the last run met them. Raises ConfigError like `scope_in_files`."""
    from connector.sync.circumstances import known_members  # noqa: PLC0415 - --help does without

    teams = (ledger.runs.connection().described or {}).get("teams", {})
    known = known_members(ledger)

    def team(name: str) -> frozenset[str]:
        return frozenset(owner for owner, names in teams.items() if name in names)

    def members(name: str) -> frozenset[str]:
        return frozenset(id for listed, id in known if listed == name)

    return _scope(connection, agreement, team, members, [])


def _scope(connection: Connection, agreement: Agreement, team: Ids, members: Ids, problems: list[Problem]) -> Scope:
    """The two questions, compiled; `problems` are those of teams and segments, in the order in which they are met."""
    from connector.agreement.lists import list_entries, list_names  # noqa: PLC0415 - --help does without
    from connector.check import did_you_mean  # noqa: PLC0415 - --help does without
    from connector.scope import compile_scope  # noqa: PLC0415 - --help does without

    where = f"connections.{connection.name}"

    def entries(name: str) -> frozenset[str]:
        known = len(problems)
        found = list_entries(connection.mapping, name, f"{connection.mapping.name}/lists/{name}.txt", problems)
        if found is None and len(problems) == known:
            fix = did_you_mean(name, list_names(connection.mapping))
            problems.append(Problem(where, f"there is no list {name} in {connection.mapping.name}/lists.", fix))
        return found or frozenset()

    scope = compile_scope(connection.scope, connection.never_touch, entries, of_team=team, of_list=members)
    mapped = {*agreement.wiring.fields.get("contact", ()), *agreement.wiring.fields.get("company", ())}
    for name in sorted(scope.fields - mapped):
        fix = f"{did_you_mean(name, mapped)}Map it in {agreement.wiring.crm}.toml."
        problems.append(Problem(where, f"scope or never_touch asks for {name}, which is no mapped field.", fix))
    if problems:
        raise ConfigError(problems)
    return scope


def nobody_in(connection: Connection, agreement: Agreement, crm: CRM) -> list[Problem]:
    """A value of the scope that nobody in the account has, as far as the CRM counts that without reading everybody."""
    problems = []
    contact = agreement.wiring.fields.get("contact", {})
    company = agreement.wiring.fields.get("company", {})
    for name, values in connection.scope.items():
        spec = contact.get({"owner": "owner_id"}.get(name, name))
        if spec is None or spec.field in company or spec.values:
            continue
        counts = [crm.count("contact", spec.property, value) for value in values]
        if None not in counts and not sum(filter(None, counts)):
            what = f"scope asks for {name} {', '.join(values)}, and nobody has that in {spec.property}."
            problems.append(Problem(f"connections.{connection.name}.scope", what, "See: connector discover"))
    return problems


def reading_also(agreement: Agreement, names: frozenset[str]) -> Agreement:
    """The agreement with further fields to read: those that the scope asks about."""
    if not names:
        return agreement
    used = dict(agreement.fields_used)
    for kind in ("contact", "company"):
        specs = agreement.wiring.fields.get(kind, {})
        used[kind] = tuple(sorted({*used.get(kind, ()), *(names & set(specs))}))
    return replace(agreement, fields_used=used)
