"""The typer app, the options that verbs share, and the list of verbs in the order in which one meets them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from connector import __version__
from connector.crms import labels
from connector.errors import UsageError
from connector.log import configure

#: The verbs as `connector --help` lists them.
CHAPTERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("To begin with", ("demo", "init", "check", "discover", "setup")),
    ("The work", ("plan", "apply", "sync", "backfill", "revert", "daemon", "pause", "resume")),
    ("To look", ("report", "status", "runs", "explain", "rejects", "holds")),
    ("To try and to edit", ("agreement", "sandbox", "schema")),
    ("Privacy", ("forget",)),
)


class Listed(TyperGroup):
    """A verb with verbs below it, each told in a whole sentence; the base would cut long ones."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write what each does, in the order of `commands`."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, _sentence(one)) for name, one in self.commands.items()], col_max=13)


class Verbs(TyperGroup):
    """The list of verbs, in chapters and with whole sentences."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the chapters; the base would sort nothing and cut long sentences."""
        told = {name for _, names in CHAPTERS for name in names}
        rest = tuple(name for name in self.commands if name not in told)
        for title, names in (*CHAPTERS, *((("More", rest),) if rest else ())):
            with formatter.section(title):
                formatter.write_dl([(f"{name:<9}", _sentence(self.commands[name])) for name in names], col_max=13)


def _sentence(command: Any) -> str:
    return str(command.help or "").strip().split("\n", 1)[0]


PURPOSE = f"Makes {labels()} follow what marketing and sales agreed."

app = typer.Typer(
    name="connector",
    cls=Verbs,
    help=PURPOSE,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

#: The verb agreement, whose sub-verbs register themselves on it.
agreements = typer.Typer(cls=Listed, help="The agreement as a living document.", no_args_is_help=True)
app.add_typer(agreements, name="agreement")

#: The verb rejects, which lists them by itself.
rejected = typer.Typer(
    cls=Listed,
    help="Records set aside until they change, with the reason.",
    invoke_without_command=True,
)
app.add_typer(rejected, name="rejects")

#: The verb holds, which lists them when nothing else is asked.
holdings = typer.Typer(cls=Listed, help="Values somebody else set, left alone until their time.")
app.add_typer(holdings, name="holds")

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


def _version(wanted: bool) -> None:
    if wanted:
        print(f"connector {__version__}")  # noqa: T201 - an answer, before any verb
        raise typer.Exit


@app.callback(help=PURPOSE)
def start(
    log_level: Annotated[
        str, typer.Option("--log-level", envvar="CONNECTOR_LOG_LEVEL", help="debug, info, warning or error.")
    ] = "warning",
    log_format: Annotated[
        Literal["text", "json"], typer.Option("--log-format", envvar="CONNECTOR_LOG_FORMAT", help="For the logs.")
    ] = "text",
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What holds for every verb: how its logs look."""
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
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


# The verbs register themselves on `app`.
from connector.cli import (  # noqa: E402
    account,  # noqa: F401 - registers its verbs
    agreeing,  # noqa: F401 - registers its verbs
    differing,  # noqa: F401 - registers its verbs
    explaining,  # noqa: F401 - registers its verbs
    forgetting,  # noqa: F401 - registers its verbs
    holding,  # noqa: F401 - registers its verbs
    linting,  # noqa: F401 - registers its verbs
    looking,  # noqa: F401 - registers its verbs
    pausing,  # noqa: F401 - registers its verbs
    properties,  # noqa: F401 - registers its verbs
    rejecting,  # noqa: F401 - registers its verbs
    rendering,  # noqa: F401 - registers its verbs
    reporting,  # noqa: F401 - registers its verbs
    reverting,  # noqa: F401 - registers its verbs
    running,  # noqa: F401 - registers its verbs
    serving,  # noqa: F401 - registers its verbs
    sheets,  # noqa: F401 - registers its verbs
    signing,  # noqa: F401 - registers its verbs
    spreadsheet,  # noqa: F401 - registers its verbs
    starting,  # noqa: F401 - registers its verbs
)
