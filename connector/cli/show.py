"""
How results look: tables and sentences on a terminal, plain lines elsewhere, one JSON object for programs.

Results go to stdout, progress to stderr. Names and addresses are never shown; the record id finds the person.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from connector.errors import Problem, UsageError
from connector.ledger.work import PlannedChange
from connector.sync import Report

#: How many people of a plan are shown one by one.
SHOWN = 20

#: Seconds between two progress lines where there is no terminal.
EVERY = 5.0

out = Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def json(value: Mapping[str, Any]) -> None:
    """One object on stdout."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str) + b"\n")
    sys.stdout.flush()


@contextmanager
def progress() -> Iterator[Callable[[str, int, int | None], None]]:
    """Tell how far long work has come: a bar with rate and time left on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _plain_lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _bars(bar)


def _bars(bar: Progress) -> Callable[[str, int, int | None], None]:
    tasks: dict[str, Any] = {}
    started: dict[str, float] = {}

    def tell(phase: str, done: int, total: int | None) -> None:
        if phase not in tasks:
            tasks[phase] = bar.add_task(phase, total=total, rate="")
            started[phase] = time.monotonic()
        took = time.monotonic() - started[phase]
        rate = f"{done / took:,.0f}/s" if took > 0.5 else ""
        bar.update(tasks[phase], completed=done, total=total, rate=rate)

    return tell


def _plain_lines() -> Callable[[str, int, int | None], None]:
    last: dict[str, float] = {}
    started: dict[str, float] = {}

    def tell(phase: str, done: int, total: int | None) -> None:
        at = time.monotonic()
        started.setdefault(phase, at)
        if at - last.setdefault(phase, at) < EVERY:
            return
        last[phase] = at
        rate = done / max(at - started[phase], 0.001)
        left = f", {(total - done) / max(rate, 0.001):.0f} s left" if total else ""
        of = f" of {total:,}" if total else ""
        print(f"{phase}: {done:,}{of}, {rate:,.0f} a second{left}", file=sys.stderr)  # noqa: T201 - progress

    return tell


# -- runs -----------------------------------------------------------------------------------------------------------

_MARKS = {"done": "[green]✓[/]", "partial": "[yellow]●[/]", "refused": "[red]✗[/]", "deferred": "[yellow]…[/]"}

_ENDINGS = {
    "done": "done",
    "partial": "done, with something left to look at",
    "refused": "refused by the guard: nothing was written",
    "deferred": "deferred: the quota's share is spent",
    "failed": "failed",
}


def report(one: Report) -> None:
    """A run in a few lines: what was looked at, what became of it, what it cost."""
    counts = one.counts
    mark = _MARKS.get(one.status, "[red]✗[/]")
    out.print(
        f"{mark} run {one.run} of {one.connection}, mode {one.mode}: {_ENDINGS[one.status]} ({one.seconds:.1f} s)"
    )
    names = ("written", "unchanged", "held", "parked", "rejected", "gone", "unknown")
    parts = [f"{counts[name]:,} {name}" for name in names if counts[name] or name in ("written", "unchanged")]
    if one.mode == "observe":
        parts.insert(0, f"{counts['changed']:,} would change")
    out.print(f"  {counts['looked_at']:,} people looked at: {', '.join(parts)}")
    if counts["adopted"]:
        out.print(f"  {counts['adopted']:,} adopted as they stand")
    out.print(f"  {one.tasks_created:,} tasks created; {_calls(one)}")
    if one.complete_until is not None:
        out.print(f"  complete up to {one.complete_until:%Y-%m-%d %H:%M:%S} UTC")
    for parked in one.parked:
        out.print(f"  [yellow]parked[/] {parked['people']} people: {parked['why']}")
    if one.parked:
        out.print(f"  look: connector plan; release: connector apply --run {one.run} --yes")
    warnings(one.warnings)
    if one.message:
        out.print(f"  {one.message}")


def _calls(one: Report) -> str:
    total = sum(one.calls.values())
    kinds = ", ".join(f"{name} {number:,}" for name, number in sorted(one.calls.items()))
    again = f", {one.retries} repeated" if one.retries else ""
    return f"{total:,} calls ({kinds}){again}" if total else "no calls"


def warnings(texts: Sequence[str]) -> None:
    """What a human should know, not stop for."""
    for text in texts:
        out.print(f"  [yellow]note[/] {text}")


def plan(one: Report, changes: Sequence[PlannedChange]) -> None:
    """What would change, cause by cause, then the first people field by field."""
    if not changes:
        out.print(f"Nothing to write: {one.counts['looked_at']:,} people looked at, all as agreed.")
    else:
        out.print(f"{len(changes):,} of {one.counts['looked_at']:,} people looked at would change:")
        _by_cause(changes)
        first = sorted(changes, key=lambda one: (not one.counted, -one.urgency, one.person_id))[:SHOWN]
        for change in first:
            _person(change)
        if len(changes) > len(first):
            out.print(f"... and {len(changes) - len(first):,} more; --output json shows all.")
    for parked in one.parked:
        out.print(f"[yellow]would be parked[/] {parked['people']} people: {parked['why']}")
    if one.blank_for_a_moment:
        out.print(f"{one.blank_for_a_moment} people will have no stage for a moment (cleared, then set).")
    warnings(one.warnings)


def _by_cause(changes: Sequence[PlannedChange]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("because of", "people", "stage or status", "tasks"):
        table.add_column(name, justify="left" if name == "because of" else "right")
    people = Counter(one.cause for one in changes)
    for cause, number in people.most_common():
        mine = [one for one in changes if one.cause == cause]
        tasks = sum(len(one.body["tasks"]) for one in mine)
        table.add_row(cause, f"{number:,}", f"{sum(one.counted for one in mine):,}", f"{tasks:,}")
    out.print(table)


def _person(change: PlannedChange) -> None:
    body = change.body
    out.print(f"\n[bold]contact {change.person_id}[/]  {body['reason']}")
    for _field, name, before, after in body["sets"]:
        out.print(f"  {name}: {shown(before)} → {shown(after)}")
    for task in body["tasks"]:
        owner = body["owner_id"] or "nobody"
        out.print(f"  + task for owner {owner}, due {task['due_at']}")


def shown(value: str) -> str:
    """A value short enough for a line."""
    short = value if len(value) <= 60 else value[:57] + "..."
    return short or "(blank)"


# -- asking ------------------------------------------------------------------------------------------------------------


def ask(question: str, *, yes: bool) -> None:
    """Ask on a terminal; elsewhere only --yes is an answer. Raises UsageError, or Abort for a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody is here to answer: run it again with --yes.")
    if not typer.confirm(question, err=True):
        raise typer.Abort


# -- problems ---------------------------------------------------------------------------------------------------------


def problems(found: Sequence[Problem], mark: str) -> None:
    """One line each: where, what, what to do."""
    for one in found:
        out.print(f"{mark} {one.where}: {one.what} {one.fix}".rstrip(), markup=mark.startswith("["))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A plain table, as wide as the terminal allows."""
    shown = Table(box=None, pad_edge=False)
    for name in columns:
        shown.add_column(name, overflow="fold")
    for row in rows:
        shown.add_row(*(_cell(cell) for cell in row))
    out.print(shown)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
