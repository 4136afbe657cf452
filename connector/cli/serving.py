"""The verb that stays: daemon. It wires each connection of the configuration to its schedule."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connector.cli.app import CONFIG, ConfigOption, app
from connector.cli.budgeting import foretell
from connector.cli.opening import Chosen, choose, ledger_of
from connector.cli.sessions import session_for
from connector.errors import ConfigError, Problem, UsageError
from connector.log import configure, get_logger

if TYPE_CHECKING:
    from connector.daemon import Served


@app.command()
def daemon(
    context: typer.Context,
    config: ConfigOption = CONFIG,
    grace: Annotated[
        str, typer.Option(help="How long a stop waits for the batch under way, such as 60s or 2m.")
    ] = "60s",
) -> int:
    """Serve every connection on its schedule, until somebody says stop.

    SIGTERM ends it after the batch under way, SIGHUP reloads configuration and agreements.
    """
    patience = _grace(grace)
    _log_runs(context)
    from connector.daemon import Daemon, serve  # noqa: PLC0415 - --help does without

    late = serve(Daemon(partial(served_by, config)), patience)
    if not late:
        return 0
    get_logger(__name__).error(
        "stopped in the middle of a run; the next one goes on from its last commit",
        connections=", ".join(late),
        grace=grace,
    )
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)  # the interpreter would wait for the very threads that did not end


def served_by(config_path: Path) -> Mapping[str, Served]:
    """Every connection of a configuration, checked as far as files go. Raises ConfigError with all that is wrong."""
    from connector.config import load_config  # noqa: PLC0415 - --help does without

    problems: dict[Problem, None] = {}
    found: dict[str, Chosen] = {}
    for name in load_config(config_path, os.environ).connections:
        try:
            found[name] = choose(config_path, name)
        except ConfigError as error:
            problems |= dict.fromkeys(error.problems)  # connections that share an agreement share its problems
    if problems:
        raise ConfigError(tuple(problems))
    return {name: _served(chosen) for name, chosen in found.items()}


def _served(chosen: Chosen) -> Served:
    from connector.daemon import Schedule, Served  # noqa: PLC0415 - --help does without
    from connector.daemon.schedule import usual_jitter  # noqa: PLC0415 - the same

    connection = chosen.connection
    jitter = usual_jitter(connection.every) if connection.jitter is None else connection.jitter
    schedule = Schedule(connection.every, connection.cron, chosen.agreement.zone, jitter)
    before = partial(foretell, connection=connection, aloud=False)
    return Served(schedule, partial(session_for, chosen), partial(ledger_of, chosen), before)


def _grace(text: str) -> timedelta:
    from connector.config.values import BadValueError, duration  # noqa: PLC0415 - --help does without

    try:
        return duration(text)
    except BadValueError as wrong:
        raise UsageError(f"--grace {text} {wrong.what} {wrong.fix}") from None


def _log_runs(context: typer.Context) -> None:
    """Nobody watches a daemon but through its log: unless told otherwise, it says what its runs did."""
    above = context.parent
    source = above.get_parameter_source("log_level") if above is not None else None
    if above is not None and source is not None and source.name == "DEFAULT":
        configure(above.params["log_format"], "info")
