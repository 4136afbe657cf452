"""The verbs that stop a connection's writes, and let them go on: pause, resume. They wait for no run, make no call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.cli import show
from connector.cli.app import CONFIG, ConfigOption, OutputOption, app, instant
from connector.cli.opening import ledger_alone, now
from connector.errors import UsageError

if TYPE_CHECKING:
    from connector.ledger.runs import ConnectionRow, Pause

NameArgument = Annotated[str, typer.Argument(metavar="CONNECTION", help="Which connection, as the file names it.")]


@app.command()
def pause(
    connection: NameArgument,
    config: ConfigOption = CONFIG,
    output: OutputOption = "text",
    until: Annotated[
        str | None, typer.Option(help="When writing goes on by itself: 2h, 3d, or 2026-03-31T12:00:00Z.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for whoever meets the pause.")] = "",
) -> None:
    """Stop a connection's writes, now; reading goes on."""
    begins = now()
    ends = _end(until, begins)
    with ledger_alone(config, connection) as (ledger, _):
        ledger.runs.pause(begins, ends, reason)
        known = ledger.runs.connection()
    if output == "json":
        show.json({"connection": connection, "paused": as_json(known.pause)})
        return
    show.say(f"{connection}: {known.pause}", "✓")
    if _at_work(known, begins):
        show.say("the run under way ends with the batch that it is writing", indent=2)
    show.say(f"to go on{' earlier' if ends else ''}: connector resume {connection}", indent=2)


@app.command()
def resume(connection: NameArgument, config: ConfigOption = CONFIG, output: OutputOption = "text") -> None:
    """Let a paused connection write again."""
    with ledger_alone(config, connection) as (ledger, _):
        before = ledger.runs.paused(now())
        ledger.runs.resume()
    if output == "json":
        show.json({"connection": connection, "paused": None, "was": as_json(before)})
    elif before is None:
        show.say(f"{connection} is not paused; nothing had to change.", "✓")
    else:
        show.say(f"{connection} writes again, from its next run on.", "✓")


def as_json(pause: Pause | None) -> dict[str, Any] | None:
    """A pause for programs."""
    if pause is None:
        return None
    return {"since": pause.since, "until": pause.until, "reason": pause.reason}


def told(pause: Mapping[str, Any]) -> str:
    """The same in words."""
    from connector.ledger.runs import Pause  # noqa: PLC0415 - --help does without

    return str(Pause(**pause))


def _end(text: str | None, begins: datetime) -> datetime | None:
    """An instant, or a duration from now on. Raises UsageError for neither, and for one that is over."""
    if text is None:
        return None
    from connector.config.values import BadValueError, duration  # noqa: PLC0415 - --help does without

    try:
        ends = begins + duration(text)
    except OverflowError:
        raise UsageError(f"--until {text} is too far away; leave --until out to pause for good.") from None
    except BadValueError:
        try:
            ends = instant(text, "--until") or begins
        except UsageError:
            raise UsageError(
                f"--until {text} is neither an instant nor a duration; write for example 2026-03-31T12:00:00Z, or 2h."
            ) from None
    if ends <= begins:
        raise UsageError(
            f"--until {text} is no time to come: it is {begins:%Y-%m-%d %H:%M} UTC now. Nothing was changed."
        )
    return ends


def _at_work(known: ConnectionRow, at: datetime) -> bool:
    return known.lease_until is not None and known.lease_until > at
