"""
The command line: the verbs, and the one place where errors become words and exit codes.

    __init__.py      main: runs a verb, turns what it raises into a message and a code
    app.py           the typer app, the options every verb shares, the list of verbs
    opening.py       from a configuration to a connection: its agreement, its state, its account
    adapters/        how each CRM is opened
    sessions.py      from there to a session that can run
    scoping.py       whom a connection speaks about
    sparing.py       what memory is kept
    working.py       who is at work: leases, and processes that are no more
    settling.py      what the file says, in the terms of the loop
    desks.py         what the connections of this process share: their quotas and tokens
    keeping_tokens.py  where OAuth tokens are kept
    budgeting.py     how the account's day and a backfill's end are told
    running.py       plan, apply, sync, backfill
    reverting.py     revert
    serving.py       daemon
    pausing.py       pause, resume
    plan_file.py     a plan on disk, between `plan -o` and `apply`
    keeping.py       files for their owner only
    account.py       check
    properties.py    discover, setup
    looking.py       status, runs
    several.py       what `check` and `status` tell of several connections
    rejecting.py     rejects
    holding.py       holds
    forgetting.py    forget
    explaining.py    explain
    following.py     how `explain` tells the clocks of a hand-off
    leads.py         how `explain` tells of somebody's leads
    reporting.py     report baseline, report observed
    sheets.py        report scorecard, sla, funnel, blocked, conflicts
    spreading.py     their forms: tables, JSON, CSV, pages, lists of ids
    telling.py       how reports look on a terminal
    agreeing.py      agreement test
    linting.py       agreement lint
    rendering.py     agreement render
    subject.py       which agreement a verb is about: a folder, or that of a connection
    signing.py       agreement approve
    signatures.py    how verbs tell where the signatures stand
    differing.py     agreement diff
    versions.py      the version that was signed last, and what changed since
    spreadsheet.py   agreement export, agreement import
    starting.py      init, schema, demo, sandbox
    demonstration.py what the demo shows
    show.py          how results look on a terminal, elsewhere, and as JSON
    planned.py       how a plan looks
    planning.py      how `status` tells the daemon's schedule
    bar.py           how far long work has come
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from connector.errors import ConfigError, ConnectorError, Deferred, GuardRefused, UsageError

#: What a shell reports for a program that Ctrl-C ended.
INTERRUPTED = 130


def main() -> None:
    """Run the command line and leave with its exit code."""
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # `connector plan | head`: whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code of DESIGN section 7. Results on stdout, everything else on stderr."""
    import typer  # noqa: PLC0415 - so that an incomplete installation fails inside main, not at import

    # Newer versions of typer bring a click of their own along, older ones import it: the base says which.
    usage: type[Exception] = typer.BadParameter.__bases__[0]
    try:
        result = _command().main(args=list(arguments), prog_name="connector", standalone_mode=False)
    except typer.Abort:
        _say("Stopped; nothing was written.")
        _answer(arguments, error="Abort", code="stopped", message="Stopped; nothing was written.")
        return 1
    except ConnectorError as error:
        return _told(error, arguments)
    except KeyboardInterrupt:
        result = INTERRUPTED
    except usage as error:
        return _misused(error, arguments)
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: nobody should meet a traceback
        return _unforeseen(error, arguments)
    if result == INTERRUPTED:
        said = "Stopped. What was committed stays; the next run goes on from there."
        _say(said)
        _answer(arguments, error="KeyboardInterrupt", code="stopped", message=said)
    return result if isinstance(result, int) else 0


@cache
def _command() -> Any:
    """Every verb with its options, put together once."""
    import typer  # noqa: PLC0415 - as above

    from connector.cli.app import app  # noqa: PLC0415 - the same

    return typer.main.get_command(app)


def _misused(error: Exception, arguments: Sequence[str]) -> int:
    """An option or verb that is not there; `connector` alone is a question for the list of verbs."""
    said = getattr(error, "format_message", lambda: str(error))().replace(": Value error, ", ": ")
    if type(error).__name__ == "NoArgsIsHelpError":
        _say(said)
        return UsageError.exit_code
    context = getattr(error, "ctx", None)
    verb = "connector" if context is None else context.command_path
    return _told(UsageError(f"{said.rstrip('.')}. See: {verb} --help"), arguments)


def _told(error: ConnectorError, arguments: Sequence[str]) -> int:
    """Say what is wrong; programs that asked for JSON get it as their one object."""
    if isinstance(error, ConfigError):
        for problem in error.problems:
            _say(f"✗ {problem}")
        count = len(error.problems)
        _say(f"{count} problem{'s' if count != 1 else ''}; nothing was written.")
    else:
        _say(f"✗ {error}")
    _answer_with(error, arguments)
    return error.exit_code


#: Verbs whose one object is the report of a run, however it ended; each with what it adds to the report.
_RUNS: Mapping[str, Mapping[str, object]] = {
    "plan": {"calls_to_write": 0, "changes": [], "file": None},
    "apply": {},
    "sync": {},
    "backfill": {},
    "revert": {"undo": None},
}


def _wants_json(arguments: Sequence[str]) -> bool:
    return "--output=json" in arguments or ("--output", "json") in pairwise(arguments)


def _answer_with(error: ConnectorError, arguments: Sequence[str]) -> None:
    from connector.codes import of  # noqa: PLC0415 - only when something went wrong

    status = "refused" if isinstance(error, GuardRefused) else "deferred" if isinstance(error, Deferred) else "failed"
    problems = [str(one) for one in error.problems] if isinstance(error, ConfigError) else ()
    _answer(
        arguments,
        status=status,
        error=type(error).__name__,
        code=of(error),
        message=str(error),
        problems=problems,
        report=error.report,
    )


def _answer(
    arguments: Sequence[str],
    *,
    error: str,
    code: str,
    message: str,
    status: str = "failed",
    problems: Sequence[str] = (),
    report: Mapping[str, Any] | None = None,
) -> None:
    """Programs that asked for JSON get their one object; of a verb that runs, with all the keys that a run's has."""
    if not _wants_json(arguments):
        return
    from connector.cli import show  # noqa: PLC0415 - only when something went wrong
    from connector.log import redact_text  # noqa: PLC0415 - the same

    told = {
        "status": status,
        "error": error,
        "code": code,
        "message": redact_text(message),
        "problems": [redact_text(one) for one in problems],
    }
    show.json({**_report_of(arguments, report), **told})


def _report_of(arguments: Sequence[str], report: Mapping[str, Any] | None) -> Mapping[str, Any]:
    verb = next((one for one in arguments if one in _RUNS), None)
    if verb is None:
        return report or {}
    from connector.sync.session import no_report  # noqa: PLC0415 - only when something went wrong

    return {**no_report(), **(report or {}), **_RUNS[verb]}


def _unforeseen(error: Exception, arguments: Sequence[str]) -> int:
    """A mistake of ours: its kind and place only. `debug` shows the whole."""
    from connector.log import get_logger, unforeseen  # noqa: PLC0415 - the rare case

    get_logger().debug("unforeseen error", exc_info=error)
    said = f"This should not happen: {unforeseen(error)}. What was committed stays."
    _say(f"✗ {said} Please report it with the output of: connector --log-level debug ...")
    _answer(arguments, error=type(error).__name__, code="error", message=said)
    return 1


def _say(text: str) -> None:
    from connector.log import redact_text  # noqa: PLC0415 - only when there is something to say

    print(redact_text(text), file=sys.stderr)  # noqa: T201 - this is where the program speaks
