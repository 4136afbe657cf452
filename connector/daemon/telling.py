"""What the log and the notice are told of runs, and of what went wrong: nothing that names a person."""

from __future__ import annotations

from connector.errors import ConfigError, ConnectorError
from connector.log import get_logger, redact_text, unforeseen
from connector.sync import Report

log = get_logger("connector.daemon.ticking")


def log_run(report: Report, *, due_only: bool) -> None:
    """One line a run: numbers only."""
    counts = {name: number for name, number in report.counts.items() if number or name in ("looked_at", "written")}
    say = log.warning if report.status == "refused" else log.info
    say(
        "run finished",
        run=report.run,
        status=report.status,
        due_only=due_only,
        seconds=round(report.seconds, 1),
        tasks=report.tasks_created,
        **counts,
        **({"reason": report.message} if report.message else {}),
    )


def told(event: str, error: Exception) -> tuple[str, ...]:
    """Log what went wrong; returns the same for the notice."""
    problems = complaints(error)
    for problem in problems:
        log.error(event, problem=problem)
    if not isinstance(error, ConnectorError):
        log.debug("unforeseen error", exc_info=error)
    return problems


def complaints(error: Exception) -> tuple[str, ...]:
    """What is wrong, one sentence each, fit for everybody's eyes."""
    if isinstance(error, ConfigError):
        return tuple(redact_text(str(problem)) for problem in error.problems)
    if isinstance(error, ConnectorError):
        return (redact_text(str(error)),)
    return (f"this should not happen: {unforeseen(error)}",)
