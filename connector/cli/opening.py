"""
Wiring: from a configuration file to a session that can run. Nothing else in the program puts rooms together.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from connector.cli.adapters import ADAPTERS, open_crm
from connector.cli.scoping import nobody_in, reading_also, scope_in_account, scope_in_files, scope_in_ledger
from connector.cli.settling import office_at, office_of, offline_settings, settings_of
from connector.cli.working import at_work, free_from_the_dead
from connector.errors import ConfigError, Denied, Problem, Transient, UsageError
from connector.model import ALWAYS

if TYPE_CHECKING:
    from connector.agreement import Agreement
    from connector.check import Findings
    from connector.config import Config, Connection
    from connector.crm import CRM, Description
    from connector.decide import Office
    from connector.fields import FieldMap
    from connector.ledger import Ledger
    from connector.scope import Scope
    from connector.sync import Session, Settings, Signatures

Progress = Callable[[str, int, int | None], None]

#: How an account is called whose id the token may not ask for.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Chosen:
    """One connection of a configuration, with its agreement loaded."""

    config: Config
    connection: Connection
    agreement: Agreement
    scope: Scope

    def with_agreement(self, agreement: Agreement) -> Chosen:
        """The same connection under another version of its agreement."""
        return replace(self, agreement=reading_also(agreement, self.scope.fields))


def choose(config_path: Path, name: str | None) -> Chosen:
    """Load configuration and agreement. Raises ConfigError with everything wrong, UsageError for an unknown name."""
    from connector.config import load_config  # noqa: PLC0415 - --help does without

    config = load_config(config_path, os.environ)
    return chosen_of(config, _pick(config, name))


def chosen_of(config: Config, connection: Connection) -> Chosen:
    """One connection with its agreement and scope, proved as far as files can prove it. Raises ConfigError."""
    from connector.agreement import load_agreement  # noqa: PLC0415 - --help does without

    agreement = load_agreement(connection.mapping, connection.crm, connection.language)
    scope = scope_in_files(connection, agreement)
    return Chosen(config, connection, reading_also(agreement, scope.fields), scope)


def _pick(config: Config, name: str | None) -> Connection:
    names = ", ".join(config.connections)
    if name is None:
        if len(config.connections) == 1:
            return next(iter(config.connections.values()))
        raise UsageError(f"{config.path.name} has several connections; say which with --connection: {names}.")
    if name not in config.connections:
        raise UsageError(f"{config.path.name} has no connection {name}; it has: {names}.")
    return config.connections[name]


def ledger_of(chosen: Chosen) -> AbstractContextManager[Ledger]:
    """The ledger of a connection, closed in the end."""
    return _ledger(chosen.config, chosen.connection)


@contextmanager
def ledger_alone(config_path: Path, name: str | None) -> Iterator[tuple[Ledger, Connection]]:
    """The ledger of a connection for verbs that ask nothing of the agreement, which is therefore not loaded. Raises
    like `choose`."""
    from connector.config import load_config  # noqa: PLC0415 - --help does without

    config = load_config(config_path, os.environ)
    connection = _pick(config, name)
    with _ledger(config, connection) as ledger:
        yield ledger, connection


@contextmanager
def _ledger(config: Config, connection: Connection) -> Iterator[Ledger]:
    from connector.ledger import open_ledger  # noqa: PLC0415 - --help does without

    ledger = open_ledger(config.state_url, connection.name)
    try:
        yield ledger
    finally:
        ledger.database.close()


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection with its doors open: the account is described and proved to be the one that was named."""

    chosen: Chosen
    crm: CRM
    account: Description
    findings: Findings

    @property
    def writes(self) -> bool:
        """Whether this connection may write at all."""
        return self.chosen.connection.mode != "observe" and self.chosen.connection.go_live is not None

    def scope_problems(self) -> list[Problem]:
        """What is wrong with the teams, lists and values that decide whom this connection speaks about."""
        mine, agreement = self.chosen.connection, self.chosen.agreement
        try:
            scope_in_account(mine, agreement, self.crm, self.account.owners, now())
        except ConfigError as error:
            return list(error.problems)
        return nobody_in(mine, agreement, self.crm)

    def go_live_problems(self, *, ask: bool = True) -> list[Problem]:
        """What is wrong with the go-live instant; `ask`: also against the account's oldest contact."""
        from connector.check import go_live_problems  # noqa: PLC0415 - --help does without

        mine = self.chosen.connection
        oldest = self.crm.oldest("contact") if ask and mine.go_live not in (None, ALWAYS) else None
        return go_live_problems(f"connections.{mine.name}.go_live", mine.mode, mine.go_live, now=now(), oldest=oldest)


@contextmanager
def opened(chosen: Chosen) -> Iterator[Opened]:
    """Open the CRM and compare it with the agreement; problems are told by whoever asked."""
    from connector.check import check_account  # noqa: PLC0415 - --help does without

    crm = open_crm(chosen.connection, chosen.config.state_url)
    try:
        account = _described_by(crm, chosen)
        _same_account(chosen.connection, account)
        writes = chosen.connection.mode != "observe" and chosen.connection.go_live is not None
        yield Opened(chosen, crm, account, check_account(chosen.agreement, account, writes=writes))
    finally:
        crm.close()


def _described_by(crm: CRM, chosen: Chosen) -> Description:
    """The first calls: what goes wrong here is more often a setting than the world, so the setting is named."""
    connection = chosen.connection
    try:
        return crm.describe(kinds_of(chosen.agreement))
    except Denied as error:
        name = ADAPTERS[connection.crm].settings.get(error.code)
        if name is None:
            raise
        raise Denied(f"{_setting(connection, name)}: {error}", code=error.code) from error
    except Transient as error:
        where = _setting(connection, ADAPTERS[connection.crm].address)
        raise Transient(f"{where}: {error}", code=error.code) from error


def _setting(connection: Connection, name: str) -> str:
    """Where to look in the file; of a token the reference (env:NAME), which is all that stands there. Who has an app in
    place of a token is told what opens the account by it."""
    if name == "token" and connection.oauth is not None:
        return f"connections.{connection.name}.oauth.refresh_token ({connection.oauth.refresh_token})"
    if name == "token" and connection.token is None:
        name = "client_id"
    return f"connections.{connection.name}.{name} ({getattr(connection, name)})"


def kinds_of(agreement: Agreement) -> tuple[str, ...]:
    """The kinds of record that the agreement uses something of."""
    from connector.crm import KINDS  # noqa: PLC0415 - --help does without

    return tuple(kind for kind in KINDS if kind == "contact" or agreement.fields_used.get(kind))


def _same_account(connection: Connection, account: Description) -> None:
    if connection.account and account.account not in (connection.account, UNKNOWN):
        raise Denied(
            f"connections.{connection.name}.account is {connection.account}, and the token opens account"
            f" {account.account}. Nothing was read or written. Use the token of the right account, or correct account.",
            code="wrong_account",
        )


def _silent(_phase: str, _done: int, _total: int | None) -> None:
    """Nobody watches."""


@contextmanager
def session_for(chosen: Chosen, progress: Progress = _silent) -> Iterator[Session]:
    """A session ready to run. Raises ConfigError when the account does not fit the agreement."""
    with session_and_account(chosen, progress) as (session, _):
        yield session


@contextmanager
def session_and_account(chosen: Chosen, progress: Progress = _silent) -> Iterator[tuple[Session, Description]]:
    """A session ready to run, and the account as it described itself. Raises like `session_for`."""
    from connector.check import definitions  # noqa: PLC0415 - --help does without
    from connector.sync import Session  # noqa: PLC0415 - the same

    with ledger_of(chosen) as ledger, opened(chosen) as door, at_work() as worker:
        _same_state(ledger, door.account)
        free_from_the_dead(ledger)
        if door.findings.problems:
            raise ConfigError(door.findings.problems)
        proved = _prove_go_live(door, ledger)
        settings = settings_of(chosen.connection, chosen.agreement.zone, door.account)
        office = office_of(chosen.connection, door.account)
        ledger.runs.note_described({**_described(door.account, settings, office), "go_live": proved})
        session = Session(
            crm=door.crm,
            ledger=ledger,
            agreement=chosen.agreement,
            fields=field_map(chosen.agreement, door.account),
            settings=settings,
            account=door.account.account,
            owners=frozenset(owner.id for owner in door.account.owners if owner.active),
            now=now,
            scope=scope_in_account(chosen.connection, chosen.agreement, door.crm, door.account.owners, now()),
            office=office,
            signatures=signatures_of(chosen),
            definitions=definitions(chosen.agreement, door.account),
            worker=worker,
            progress=progress,
        )
        yield session, door.account


def _same_state(ledger: Ledger, account: Description) -> None:
    """What we remember of one account must never be measured against another."""
    known = ledger.runs.connection()
    before = known.account or (known.described or {}).get("account")
    if before not in (None, UNKNOWN, account.account) and account.account != UNKNOWN:
        raise Denied(
            f"This state belongs to account {before}, and the token opens account {account.account}."
            " Nothing was read or written. Correct the token, or point [state] url at another database.",
            code="wrong_account",
        )


def _prove_go_live(door: Opened, ledger: Ledger) -> str | None:
    """The go-live instant, once it is certain that it parts the account's past from its future; asked of the CRM when
    it is another one than last time. Raises ConfigError."""
    go_live = door.chosen.connection.go_live
    said = None if go_live is None else go_live.isoformat()
    known = (ledger.runs.connection().described or {}).get("go_live")
    if problems := door.go_live_problems(ask=said != known):
        raise ConfigError(problems)
    return said


def signatures_of(chosen: Chosen) -> Signatures:
    """Who has signed the agreement of a connection, as its approvals.toml says now. Raises ConfigError."""
    from connector.agreement.carrying import approvals_of  # noqa: PLC0415 - --help does without
    from connector.cli.versions import since_signed  # noqa: PLC0415 - the same
    from connector.config import shipped_mappings  # noqa: PLC0415 - the same
    from connector.sync import Signatures  # noqa: PLC0415 - the same

    mine, agreement = chosen.connection, chosen.agreement
    approvals = approvals_of(mine.mapping, agreement, mine.crm, mine.language)
    return Signatures(
        version=agreement.version,
        definitions=agreement.fingerprint,
        wiring=agreement.wiring.fingerprint,
        approvals=approvals,
        required=mine.mode == "live" and mine.go_live is not None and mine.require_approval,
        connection=mine.name if len(chosen.config.connections) > 1 else "",
        shipped=mine.mapping == shipped_mappings(),
        changes=lambda: since_signed(mine, agreement, approvals),
    )


def offline_session(chosen: Chosen, ledger: Ledger) -> Session:
    """A session that only looks at what the ledger holds: for `explain` and the reports, which make no call.

    Raises UsageError before the first run, when nothing has been read yet.
    """
    from connector.crm.memory import MemoryCRM  # noqa: PLC0415 - --help does without
    from connector.fields import FieldMap  # noqa: PLC0415 - --help does without
    from connector.sync import Session  # noqa: PLC0415 - --help does without

    described = ledger.runs.connection().described
    if described is None:
        raise UsageError(
            f"Nothing has been read for connection {chosen.connection.name} yet. Start with: connector plan"
        )
    states = {(pipeline, stage): state for pipeline, stage, state in described["deal_states"]}
    zone = zone_of(described.get("zone", ""), chosen.agreement)
    fields = FieldMap(chosen.agreement.wiring, chosen.agreement.fields_used, states, described["date_only"], zone)
    return Session(
        crm=MemoryCRM(now),
        ledger=ledger,
        agreement=chosen.agreement,
        fields=fields,
        settings=replace(
            offline_settings(chosen.connection),
            no_owner=described["no_owner"],
            never_to=frozenset(described.get("never_to", ())),
        ),
        account=described["account"],
        owners=frozenset(described["owners"]),
        now=now,
        scope=scope_in_ledger(chosen.connection, chosen.agreement, ledger),
        office=office_at(described.get("contact_page", ""), described.get("zones", {}), described.get("teams", {})),
        signatures=signatures_of(chosen),
    )


def _described(account: Description, settings: Settings, office: Office) -> dict[str, object]:
    return {
        "account": account.account,
        "deal_states": [[one.pipeline, one.id, one.state] for one in account.deal_stages],
        "date_only": date_only_of(account),
        "zone": account.zone,
        "owners": [owner.id for owner in account.owners if owner.active],
        "no_owner": settings.no_owner,
        "never_to": sorted(settings.never_to),
        "contact_page": office.contact_page,
        "zones": {owner: zone.key for owner, zone in office.zones.items()},
        "teams": {owner: sorted(teams) for owner, teams in office.teams.items()},
    }


def field_map(agreement: Agreement, account: Description) -> FieldMap:
    """The mapping compiled against what the account calls things."""
    from connector.fields import FieldMap  # noqa: PLC0415 - --help does without

    return FieldMap(
        agreement.wiring,
        agreement.fields_used,
        {(stage.pipeline, stage.id): stage.state for stage in account.deal_stages},
        date_only_of(account),
        zone_of(account.zone, agreement),
    )


def zone_of(name: str, agreement: Agreement) -> ZoneInfo:
    """The account's calendar; the agreement's where the account tells none that we know."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return agreement.zone


def date_only_of(account: Description) -> list[str]:
    """The contact properties that hold a day, not an instant."""
    contact: Mapping[str, object] = account.properties.get("contact", {})
    return [name for name in contact if account.properties["contact"][name].type == "date"]


def now() -> datetime:
    """The clock, read here and nowhere below."""
    return datetime.now(UTC)
