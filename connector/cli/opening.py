"""
Wiring: from a configuration file to a session that can run. Nothing else in the program puts rooms together.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from connector.cli.adapters import open_crm
from connector.cli.scoping import nobody_in, reading_also, scope_in_account, scope_in_files
from connector.crms import CRMS
from connector.errors import ConfigError, Denied, Problem, Throttled, Transient, UsageError
from connector.model import ALWAYS

if TYPE_CHECKING:
    from connector.agreement import Agreement
    from connector.check import Findings
    from connector.config import Config, Connection
    from connector.crm import CRM, Description
    from connector.ledger import Ledger
    from connector.scope import Scope

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
def opened(chosen: Chosen, *, needs: Collection[str] | None = None) -> Iterator[Opened]:
    """Open the CRM and compare it with the agreement; problems are told by whoever asked. `needs` are the parts of the
    account that must be seen (None: all of them). Raises Denied with every scope that is missing for them."""
    from connector.check import check_account  # noqa: PLC0415 - --help does without

    crm = open_crm(chosen.connection, chosen.config.state_url)
    try:
        account = _described_by(crm, chosen)
        _refuse_shut(account, needs)
        _same_account(chosen.connection, account)
        writes = chosen.connection.mode != "observe" and chosen.connection.go_live is not None
        yield Opened(chosen, crm, account, check_account(chosen.agreement, account, writes=writes))
    finally:
        crm.close()


def _described_by(crm: CRM, chosen: Chosen) -> Description:
    """The first calls: what goes wrong here is more often a setting than the world, so the setting is named. Too many
    calls are no setting's fault."""
    connection = chosen.connection
    try:
        return crm.describe(kinds_of(chosen.agreement))
    except Denied as error:
        name = CRMS[connection.crm].settings.get(error.code)
        if name is None:
            raise
        raise Denied(f"{_setting(connection, name)}: {error}", code=error.code) from error
    except Throttled:
        raise
    except Transient as error:
        product = CRMS[connection.crm]
        where = _setting(connection, product.settings.get(error.code, product.address))
        raise Transient(f"{where}: {error}", code=error.code) from error


def _refuse_shut(account: Description, needs: Collection[str] | None) -> None:
    shut = [why for part, why in account.shut.items() if needs is None or part in needs]
    if shut:
        raise Denied(" ".join(dict.fromkeys(shut)), code="scope")


def _setting(connection: Connection, name: str) -> str:
    """Where to look in the file; of a token the reference (env:NAME), which is all that stands there, also in place of
    an app's key that the file does without."""
    is_said = name != "token" and getattr(connection, name) is not None
    key, value = (name, getattr(connection, name)) if is_said else opened_by(connection)
    return f"connections.{connection.name}.{key} ({value})"


def opened_by(connection: Connection) -> tuple[str, str]:
    """The key of what opens the account, be it a token or an app, and what stands there."""
    said = ((key, _value(connection, key)) for key in CRMS[connection.crm].opened_by)
    return next((key, value) for key, value in said if value is not None)  # or the configuration would be refused


def _value(connection: Connection, key: str) -> str | None:
    """What stands under a key, which may lead into an inner table."""
    found: object = connection
    for name in key.split("."):
        found = getattr(found, name, None)
    return None if found is None else str(found)


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


def now() -> datetime:
    """The clock, read here and nowhere below."""
    return datetime.now(UTC)
