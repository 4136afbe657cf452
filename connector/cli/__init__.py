"""
The command line: the verbs, and the one place where errors become words and exit codes.

    __init__.py    main: runs a verb, turns what it raises into a message and a code
    app.py         the options every verb shares
    opening.py     wiring: configuration -> session
    running.py     plan, apply, sync, backfill
    account.py     check, discover, setup
    looking.py     status, runs, explain, rejects, holds
    starting.py    init, schema, demo, sandbox
    show.py        how results look on a terminal, and as JSON
"""

from __future__ import annotations

import sys

from connector.errors import ConfigError, ConnectorError, UsageError


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; returns the exit code of DESIGN section 7. Results on stdout, everything else on stderr."""
    # Imported here so that `connector --help` fails politely even where an installation is incomplete.
    import click  # noqa: PLC0415
    import typer  # noqa: PLC0415

    from connector.cli.app import app  # noqa: PLC0415

    command = typer.main.get_command(app)
    try:
        result = command.main(args=arguments, prog_name="connector", standalone_mode=False)
    except click.exceptions.Abort:
        _say("Stopped; nothing more is written.")
        return 1
    except click.UsageError as error:
        _say(f"{error.format_message()} See: connector --help")
        return UsageError.exit_code
    except ConnectorError as error:
        _tell(error)
        return error.exit_code
    except KeyboardInterrupt:
        _say("Stopped. What was committed stays, the next run goes on.")
        return 130
    return result if isinstance(result, int) else 0


def _tell(error: ConnectorError) -> None:
    if isinstance(error, ConfigError):
        for problem in error.problems:
            _say(f"✗ {problem.where}: {problem.what} {problem.fix}".rstrip())
        count = len(error.problems)
        _say(f"{count} problem{'s' if count != 1 else ''}; nothing was written.")
    else:
        _say(f"✗ {error}")


def _say(text: str) -> None:
    from connector.log import redact_text  # noqa: PLC0415 - only when something went wrong

    print(redact_text(text), file=sys.stderr)  # noqa: T201 - this is where the program speaks
