"""
Sessions that can run: a connection with its doors open, its state, and the mapping compiled against the account; or,
for verbs that make no call, what the last run met of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connector.cli.opening import UNKNOWN, Chosen, Opened, chosen_of, ledger_of, now, opened
from connector.cli.scoping import scope_in_account, scope_in_ledger
from connector.cli.settling import office_at, office_of, offline_settings, settings_of
from connector.cli.sparing import keep_little
from connector.cli.working import at_work, free_from_the_dead
from connector.errors import ConfigError, Denied, UsageError

if TYPE_CHECKING:
    from connector.agreement import Agreement
    from connector.config import Connection
    from connector.crm import Description
    from connector.decide import Office
    from connector.fields import FieldMap
    from connector.ledger import Ledger
    from connector.sync import Session, Settings, Signatures

Progress = Callable[[str, int, int | None], None]


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

    keep_little()
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
            neighbours=_neighbours(chosen, ledger),
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
    from connector.sync import Session  # noqa: PLC0415 - --help does without

    described = ledger.runs.connection().described
    if described is None:
        raise UsageError(
            f"Nothing has been read for connection {chosen.connection.name} yet. Start with: connector plan"
        )
    return Session(
        crm=MemoryCRM(now),
        ledger=ledger,
        agreement=chosen.agreement,
        fields=_offline_fields(chosen.agreement, described),
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
        neighbours=_neighbours(chosen, ledger),
    )


def _offline_fields(agreement: Agreement, described: Mapping[str, Any]) -> FieldMap:
    """The mapping compiled against what the last run met of the account."""
    from connector.fields import FieldMap  # noqa: PLC0415 - --help does without

    states = {(pipeline, stage): state for pipeline, stage, state in described["deal_states"]}
    zone = zone_of(described.get("zone", ""), agreement)
    return FieldMap(
        agreement.wiring,
        agreement.fields_used,
        states,
        described["date_only"],
        zone,
        described.get("date_only_of_leads", ()),
    )


def _neighbours(chosen: Chosen, ledger: Ledger) -> Callable[[], Mapping[str, FieldMap]]:
    """The mappings of the other connections of this state that have been read, loaded when somebody asks, and once."""

    @cache
    def found() -> Mapping[str, FieldMap]:
        others = [one for one in chosen.config.connections.values() if one.name != chosen.connection.name]
        return {one.name: fields for one in others if (fields := _neighbour(chosen, one, ledger)) is not None}

    return found


def _neighbour(chosen: Chosen, other: Connection, ledger: Ledger) -> FieldMap | None:
    """None of one that no run has met yet, or whose files cannot be read now: that stops its own runs, not ours."""
    from connector.ledger import Ledger  # noqa: PLC0415 - --help does without
    from connector.log import get_logger  # noqa: PLC0415 - the same

    described = Ledger(ledger.database, other.name).runs.connection().described
    if described is None:
        return None
    try:
        return _offline_fields(chosen_of(chosen.config, other).agreement, described)
    except ConfigError as error:
        told = "the mapping of another connection cannot be read"
        get_logger("connector.cli").warning(told, connection=other.name, problems=len(error.problems))
        return None


def _described(account: Description, settings: Settings, office: Office) -> dict[str, object]:
    return {
        "account": account.account,
        "day": account.day,
        "deal_states": [[one.pipeline, one.id, one.state] for one in account.deal_stages],
        "date_only": date_only_of(account),
        "date_only_of_leads": date_only_of(account, "lead"),
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
        date_only_of(account, "lead"),
    )


def zone_of(name: str, agreement: Agreement) -> ZoneInfo:
    """The account's calendar; the agreement's where the account tells none that we know."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return agreement.zone


def date_only_of(account: Description, kind: str = "contact") -> list[str]:
    """The properties of a kind that hold a day, not an instant."""
    return [name for name, one in account.properties.get(kind, {}).items() if one.type == "date"]
