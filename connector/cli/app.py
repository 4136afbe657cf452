"""The typer app and the options that verbs share."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from connector.errors import UsageError
from connector.log import configure

app = typer.Typer(
    name="connector",
    help="Makes HubSpot or Dynamics 365 follow what marketing and sales agreed.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Output = Literal["text", "json"]

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="CONNECTOR_CONFIG", help="The configuration file.", show_default=True)
]
ConnectionOption = Annotated[
    str | None, typer.Option("--connection", help="Which connection; needed where the file has several.")
]
OutputOption = Annotated[Output, typer.Option("--output", help="Text for people, or one JSON object.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", help="Decide as of this instant (2026-03-31T12:00:00Z); default: now.")
]

CONFIG = Path("config.toml")


@app.callback()
def start(
    log_level: Annotated[
        str, typer.Option("--log-level", envvar="CONNECTOR_LOG_LEVEL", help="debug, info, warning or error.")
    ] = "warning",
    log_format: Annotated[
        Literal["text", "json"], typer.Option("--log-format", envvar="CONNECTOR_LOG_FORMAT", help="For the logs.")
    ] = "text",
) -> None:
    """Marketing and sales agree in files; the connector makes the CRM follow."""
    if log_level not in ("debug", "info", "warning", "error"):
        raise UsageError(f"--log-level {log_level} is unknown; use debug, info, warning or error.")
    configure(log_format, log_level)


def instant(text: str | None, option: str) -> datetime | None:
    """An instant given on the command line; without a zone it is UTC. Raises UsageError."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text} is no instant; write for example 2026-03-31T12:00:00Z.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# The verbs register themselves on `app`.
from connector.cli import account, looking, running, starting  # noqa: E402, F401
