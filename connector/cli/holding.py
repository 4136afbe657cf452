"""The verb holds: values somebody else set, left alone until their time. It reads and writes the ledger only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.cli import show
from connector.cli.app import CONFIG, ConfigOption, ConnectionOption, OutputOption, holdings
from connector.cli.opening import ledger_alone, now
from connector.cli.working import alone
from connector.errors import UsageError

if TYPE_CHECKING:
    from connector.ledger.holds import Hold

PersonOption = Annotated[str | None, typer.Option("--person", help="Only those on this record id.")]
PropertyOption = Annotated[str | None, typer.Option("--property", help="Only those on this property.")]
ValuesOption = Annotated[bool, typer.Option("--show-values", help="Show the values, too: theirs and ours.")]


@holdings.callback(invoke_without_command=True)
def holds(
    context: typer.Context,
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
) -> None:
    """Values somebody else set, left alone until their time."""
    if context.invoked_subcommand is None:
        _list(config, connection, output)


@holdings.command("list")
def list_holds(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    person: PersonOption = None,
    property: PropertyOption = None,
    show_values: ValuesOption = False,
) -> None:
    """What is held, who set it, and what happens at the end."""
    _list(config, connection, output, person, property, values=show_values)


def _list(
    config: ConfigOption,
    connection: str | None,
    output: str,
    person: str | None = None,
    property: str | None = None,
    *,
    values: bool = False,
) -> None:
    with ledger_alone(config, connection) as (ledger, _):
        found = ledger.holds.every(person, property)
    if output == "json":
        show.json({"holds": [as_json(one, values=values) for one in found]})
    elif not found:
        show.say("Nothing is held.", "✓")
    else:
        columns = ("contact", "property", "since", "set by", "until", "then", *(("theirs", "ours") if values else ()))
        show.table(columns, [_row(one, values=values) for one in found])


@holdings.command("release")
def release(
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="The CRM's record id of a contact.")] = None,
    name: Annotated[
        str | None, typer.Argument(metavar="[PROPERTY]", help="One property; all of them if left out.")
    ] = None,
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    everybody: Annotated[bool, typer.Option("--all", help="Of everybody; with --property.")] = False,
    property: PropertyOption = None,
) -> None:
    """Let go: the next run writes what was agreed."""
    if everybody == (id is not None) or (everybody and property is None) or (name and property and name != property):
        raise UsageError(
            "Say whose: connector holds release ID [PROPERTY], or connector holds release --all --property PROPERTY."
        )
    wanted = property or name
    with ledger_alone(config, connection) as (ledger, _), alone(ledger, now()):
        found = ledger.holds.every(id, wanted)
        if not found and not (id is not None and ledger.undone.of([id])):
            whose = f"Contact {id} has" if id is not None else "Nobody has"
            raise UsageError(f"{whose} {wanted or 'nothing'} on hold. See: connector holds list")
        with ledger.transaction():
            for whose, names in (_by_person(found) or {id or "": []}).items():
                ledger.let_go(whose, names)
    if output == "json":
        show.json({"released": [{"id": one.person_id, "property": one.property} for one in found]})
        return
    show.say(f"{_whose(found)}; the next run writes what was agreed.", "✓")


def _by_person(found: Sequence[Hold]) -> dict[str, list[str]]:
    people: dict[str, list[str]] = {}
    for one in found:
        people.setdefault(one.person_id, []).append(one.property)
    return people


def _whose(found: Sequence[Hold]) -> str:
    people = {one.person_id for one in found}
    if len(people) > 1:
        return f"{len(people):,} people: let go of {found[0].property}"
    return f"Contact {found[0].person_id}: let go of {', '.join(one.property for one in found)}"


def _row(one: Hold, *, values: bool) -> tuple[object, ...]:
    known = (one.person_id, one.property, one.since, who(one), one.until or "released", then(one))
    return (*known, show.shown(one.live), show.shown(one.ours)) if values else known


def who(one: Hold) -> str:
    """Who set the value, without a name of a person."""
    from connector.ledger.handoffs import UNDONE  # noqa: PLC0415 - --help does without
    from connector.ledger.writers import writer  # noqa: PLC0415 - the same

    if one.code == UNDONE:
        return "connector revert"
    return writer(one.by, one.source, one.name)


def then(one: Hold) -> str:
    """What happens at the end of a hold."""
    from connector.ledger.handoffs import UNDONE  # noqa: PLC0415 - --help does without
    from connector.model import CONFLICT  # noqa: PLC0415 - the same

    if one.code == UNDONE:
        return "stays until something new is known or the agreement changes: a run was undone"
    if one.code == CONFLICT:
        return "nothing is written until it is released: ours was set back twice"
    return "stays as it is until then" if one.until is None else "the agreement's value is written again"


def told(one: Hold) -> str:
    """A hold in one sentence."""
    when = f" on {one.set_at:%Y-%m-%d %H:%M} UTC" if one.set_at else ""
    end = f"on {one.until:%Y-%m-%d %H:%M} UTC {then(one)}" if one.until else then(one)
    return f"{one.property}: set by {who(one)}{when}; {end}"


def as_json(one: Hold, *, values: bool = False) -> dict[str, Any]:
    """A hold for programs."""
    plain = {
        "id": one.person_id,
        "property": one.property,
        "kind": one.code,
        "since": one.since,
        "until": one.until,
        "then": then(one),
        "by": one.by,
        "set_by": who(one),
        "set_at": one.set_at,
    }
    return {**plain, "theirs": one.live, "ours": one.ours} if values else plain
