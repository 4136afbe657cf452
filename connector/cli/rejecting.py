"""The verb rejects: what was set aside, what its code means, what to do, and to try it again. No call is made."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.cli import show
from connector.cli.app import CONFIG, ConfigOption, ConnectionOption, OutputOption, rejected
from connector.cli.opening import ledger_alone, now
from connector.cli.working import alone
from connector.codes import CODES, fix_of, meaning_of
from connector.errors import UsageError

if TYPE_CHECKING:
    from connector.ledger.rejects import Reject

CodeOption = Annotated[str | None, typer.Option("--code", help="Only those with this code.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="How many of each code to show one by one.")]
IdsArgument = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Record ids.", show_default=False)]


@rejected.callback()
def rejects(
    context: typer.Context,
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    code: CodeOption = None,
    limit: LimitOption = 10,
) -> None:
    """Records set aside until they change, with the reason."""
    if context.invoked_subcommand is None:
        _list(config, connection, output, code, limit)


@rejected.command("list")
def rejects_list(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    code: CodeOption = None,
    limit: LimitOption = 10,
) -> None:
    """All of them, by code, with what each code means and what to do."""
    _list(config, connection, output, code, limit)


def _list(config: Any, connection: str | None, output: str, code: str | None, limit: int) -> None:
    _refuse_unknown(code)
    with ledger_alone(config, connection) as (ledger, _):
        found = ledger.rejects.every(code)
    if output == "json":
        show.json({"rejects": [_as_json(one) for one in found], "codes": _codes(found)})
    elif not found:
        show.say("Nothing is set aside.", "✓")
    else:
        _tell(found, limit)


@rejected.command("show")
def rejects_show(
    id: Annotated[str, typer.Argument(help="The CRM's record id.")],
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
) -> None:
    """One record: what was refused, since when, and when it is tried again."""
    with ledger_alone(config, connection) as (ledger, _):
        found = [one for one in ledger.rejects.every() if one.id == id]
    if not found:
        raise UsageError(f"Record {id} is not set aside. See: connector rejects")
    if output == "json":
        show.json({"rejects": [_as_json(one) for one in found], "codes": _codes(found)})
        return
    for one in found:
        show.out.print(f"[bold]{one.kind} {one.id}[/]: {one.code}")
        rows = [
            ("what it means", meaning_of(one.code)),
            ("what to do", fix_of(one.code)),
            ("the CRM's word" if not one.unreadable else "what was found", one.message),
            ("refused", ", ".join(one.names) or "the record as a whole"),
            ("so", _so(one)),
            ("tried", f"{_times(one.attempts)}, first {_at(one.first_at)}, last {_at(one.at)} (run {one.run})"),
            ("again", f"when something about it changes, else {_at(one.next_at)}"),
        ]
        show.table(("", ""), rows)


@rejected.command("retry")
def rejects_retry(
    ids: IdsArgument = None,
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    code: CodeOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> None:
    """Let the next run try them again: these ids, those of a code, or all."""
    _refuse_unknown(code)
    if not ids and code is None and not everything:
        raise UsageError("Say which to try again: record ids, --code CODE, or --all. See: connector rejects")
    with ledger_alone(config, connection) as (ledger, _), alone(ledger, now()), ledger.transaction():
        found = [one for one in ledger.rejects.every(code) if not ids or one.id in ids]
        missing = [id for id in ids or () if id not in {one.id for one in found}]
        if missing:
            raise UsageError(f"Not set aside: {', '.join(missing)}. See: connector rejects")
        for kind, those in groupby(sorted(found, key=lambda one: one.kind), key=lambda one: one.kind):
            ledger.rejects.try_again(kind, [one.id for one in those], now())
    if output == "json":
        show.json({"retried": [{"kind": one.kind, "id": one.id, "code": one.code} for one in found]})
    elif not found:
        show.say("Nothing is set aside.", "✓")
    else:
        noun = "record is" if len(found) == 1 else "records are"
        show.say(f"{len(found):,} {noun} tried again in the next run.", "✓")


def _refuse_unknown(code: str | None) -> None:
    if code is not None and code not in CODES:
        raise UsageError(f"There is no code {code}; docs/errors.md lists them, connector rejects those at hand.")


# -- telling --------------------------------------------------------------------------------------------------------


def _tell(found: Sequence[Reject], limit: int) -> None:
    """By code, the most frequent first: how many, what it means, what to do, and the newest one by one."""
    for name, those in _by_code(found):
        show.title(f"{name}: {len(those):,} record{'s' if len(those) != 1 else ''}")
        show.say(meaning_of(name), indent=2)
        show.say(fix_of(name), "→", indent=2)
        columns = ("record", "refused", "tried", "since", "again at the latest", "reason")
        show.table(columns, [_row(one) for one in those[:limit]])
        if len(those) > limit:
            show.say(f"… {len(those) - limit:,} more; all of them: connector rejects --code {name} --output json")
    show.out.print()
    show.say("Each is tried again as soon as its record, the mapping or the account changes; at once: rejects retry")


def _row(one: Reject) -> tuple[object, ...]:
    return (
        f"{one.kind} {one.id}",
        ", ".join(one.names) or "all",
        _times(one.attempts),
        one.first_at,
        one.next_at,
        one.message,
    )


def _by_code(found: Sequence[Reject]) -> list[tuple[str, list[Reject]]]:
    groups: dict[str, list[Reject]] = {}
    for one in found:
        groups.setdefault(one.code, []).append(one)
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def _codes(found: Sequence[Reject]) -> list[dict[str, object]]:
    return [
        {"code": name, "records": len(those), "meaning": meaning_of(name), "fix": fix_of(name)}
        for name, those in _by_code(found)
    ]


def _as_json(one: Reject) -> dict[str, object]:
    return {
        "kind": one.kind,
        "id": one.id,
        "code": one.code,
        "message": one.message,
        "properties": list(one.names),
        "whole": one.whole,
        "attempts": one.attempts,
        "run": one.run,
        "first_at": one.first_at,
        "at": one.at,
        "next_at": one.next_at,
    }


def _so(one: Reject) -> str:
    if one.unreadable:
        return "nothing is decided on it until it can be read"
    if one.kind == "contact" and not one.whole:
        return "everything else is written without it"
    return "nothing of the decision counts as done: stage, status and task stay as they were"


def _times(attempts: int) -> str:
    return "once" if attempts == 1 else f"{attempts:,} times"


def _at(at: Any) -> str:
    return "unknown" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
