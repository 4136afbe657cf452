"""
How results look: tables and sentences on a terminal, plain lines elsewhere, one JSON object for programs.

Results go to stdout, questions and progress to stderr. Names and addresses are never shown; the record id finds the
person. Texts from outside are printed as they are: only our own words carry colours.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
import typer
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connector.codes import meaning_of
from connector.errors import Problem, UsageError
from connector.wording import counted, people

if TYPE_CHECKING:
    from connector.sync import Report

out = Console(highlight=False, emoji=False, soft_wrap=True)


def json(value: Mapping[str, Any]) -> None:
    """One object on stdout."""
    sys.stdout.flush()
    sys.stdout.buffer.write(_dumped(value, orjson.OPT_INDENT_2) + b"\n")
    sys.stdout.flush()


def json_with(value: Mapping[str, Any], name: str, items: Iterable[Mapping[str, Any]]) -> None:
    """One object on stdout with a list in it that is too long to be held: each of its items is written as it comes."""
    sys.stdout.flush()
    for part in object_with(value, name, "[]", (_dumped(one) for one in items)):
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.write(b"\n")
    sys.stdout.flush()


def object_with(value: Mapping[str, Any], name: str, brackets: str, items: Iterable[bytes]) -> Iterator[bytes]:
    """The parts of a JSON object whose last value is a list or an object of `items`, one on a line."""
    opening, closing = brackets.encode()[:1], brackets.encode()[1:]
    yield _dumped(value, orjson.OPT_INDENT_2)[: -len(b"\n}")] + b',\n  "' + name.encode() + b'": ' + opening
    between = b"\n    "
    for one in items:
        yield between + one
        between = b",\n    "
    yield b"\n  " + closing + b"\n}"


def _dumped(value: object, option: int = 0) -> bytes:
    return orjson.dumps(value, option=option | orjson.OPT_UTC_Z, default=str)


def raw(content: bytes) -> None:
    """What a program reads, as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.flush()


def say(text: str, mark: str = "", *, indent: int = 0) -> None:
    """A sentence, folded under its own beginning on a terminal and left in one piece elsewhere."""
    start = " " * indent + (f"{mark} " if mark else "")
    shown_mark = _MARKS.get(mark, escape(mark))
    lead = " " * indent + (f"{shown_mark} " if mark else "")
    if not out.is_terminal:
        out.print(lead + escape(text))
        return
    below = " " * cell_len(start)
    lines = textwrap.wrap(text, max(40, out.width - len(below)), break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines or [""]):
        out.print((below if number else lead) + escape(line))


def title(text: str) -> None:
    """A heading with a blank line above it."""
    out.print(f"\n[bold]{escape(text)}[/]")


def heading(text: str) -> None:
    """A heading over a whole part."""
    out.print()
    out.rule(f"[bold]{escape(text)}[/]", align="left", characters="─")


_MARKS = {
    "✓": "[green]✓[/]",
    "✗": "[red]✗[/]",
    "●": "[yellow]●[/]",
    "…": "[yellow]…[/]",
    "note": "[yellow]note[/]",
    "parked": "[yellow]parked[/]",
    "held": "[yellow]held[/]",
}

# -- runs -----------------------------------------------------------------------------------------------------------

_ENDINGS = {
    "done": ("✓", "done"),
    "partial": ("●", "done, with something left to look at"),
    "refused": ("✗", "refused by the guard: nothing was written"),
    "deferred": ("…", "deferred: our share of the quota is spent, the next run goes on"),
    "failed": ("✗", "failed"),
}


def report(one: Report) -> None:
    """A run in a few lines: what was looked at, what became of it, what it cost."""
    mark, ending = _ENDINGS.get(one.status, ("✗", one.status))
    say(f"run {one.run} of {one.connection}, mode {one.mode}: {ending} ({one.seconds:.1f} s)", mark)
    say(_people(one), indent=2)
    if one.counts["adopted"]:
        say(f"{one.counts['adopted']:,} of them adopted as they stand", indent=2)
    say(f"{one.tasks_created:,} task{'s' if one.tasks_created != 1 else ''} created; {_calls(one)}", indent=2)
    if one.complete_until is not None:
        say(str(one.completeness["completeness"]), indent=2)
    parked(one)
    set_aside(one)
    for each in one.unseen:
        say(each, "✗", indent=2)
    for text in one.conflicts:
        say(text, "●", indent=2)
    if one.accepted_unchanged:
        values = counted(one.accepted_unchanged, "value was", "values were")
        say(f"{values} accepted by the CRM and not taken", indent=2)
    notes(one.warnings)
    if one.message:
        say(one.message, indent=2)


#: What a count is called where its name alone would frighten: they are of the next run.
_CALLED = {"unknown": "not known yet"}


def _people(one: Report) -> str:
    counts = one.counts
    if not counts["looked_at"]:
        return "nobody to look at: nothing changed since the last run, nothing was written"
    names = ("written", "unchanged", "held", "parked", "rejected", "gone", "unknown")
    shown = (name for name in names if counts[name] or name in ("written", "unchanged"))
    parts = [f"{counts[name]:,} {_CALLED.get(name, name)}" for name in shown]
    if one.mode == "observe":
        parts[0] = f"{counts['changed']:,} would change, nothing was written"
    noun = "person" if counts["looked_at"] == 1 else "people"
    return f"{counts['looked_at']:,} {noun} looked at: {', '.join(parts)}"


def _calls(one: Report) -> str:
    total = sum(one.calls.values())
    if not total:
        return "no calls"
    again = f", {one.retries} repeated" if one.retries else ""
    writing = sum(number for name, number in one.calls.items() if name in ("write", "tasks"))
    return f"{total:,} call{'s' if total != 1 else ''}, {writing:,} of them to write{again}"


def set_aside(one: Report) -> None:
    """What is under `connector rejects`, whichever run put it there."""
    for code, number in one.set_aside.items():
        noun = "record is" if number == 1 else "records are"
        say(f"{number:,} {noun} set aside, {code}: {meaning_of(code)} See: connector rejects", "●", indent=2)


def parked(one: Report) -> None:
    """What the guard set aside, and how to go on."""
    waiting(one.parked)


def waiting(found: Sequence[Mapping[str, str]]) -> None:
    """Who waits for what and since when; what goes on by itself, and what somebody must release."""
    from connector.sync.guarding import BY_ITSELF, CLEAN_UP_WAIT  # noqa: PLC0415 - --help does without

    for each in found:
        since = f" (since {each['since'][:16].replace('T', ' ')} UTC)" if "since" in each else ""
        say(f"{people(int(each['people']))}: {each['why']}{since}", "parked", indent=2)
        if each["cause"] in BY_ITSELF:
            say("they go on by themselves in the next runs", indent=4)
        elif each["cause"] != CLEAN_UP_WAIT:
            say(f"look: connector plan; release: connector apply --run {each.get('run', 'N')} --yes", indent=4)


def notes(texts: Sequence[str]) -> None:
    """What a human should know, not stop for; what is said of several people is said once."""
    people: dict[str, list[str]] = {}
    for text in texts:
        who, separator, what = text.partition(": ")
        about = who.startswith("contact ") and bool(separator)
        people.setdefault(what if about else text, []).extend([who] if about else [])
    for what, named in people.items():
        several = f"{len(named)} people, for example {named[0]}" if len(named) > 1 else "".join(named)
        say(f"{several}: {what}" if several else what, "note", indent=2)


# -- tables ---------------------------------------------------------------------------------------------------------


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table as wide as the terminal; elsewhere aligned lines that no fold breaks. Numbers stand to the right."""
    cells = [[_cell(cell) for cell in row] for row in rows]
    right = [bool(rows) and all(isinstance(row[at], int | float | None) for row in rows) for at in range(len(columns))]
    if out.is_terminal and _too_narrow(columns):
        _stacked(columns, cells)
        return
    if out.is_terminal:
        shown_table = Table(box=None, pad_edge=False, show_header=any(columns))
        for name, to_the_right in zip(columns, right, strict=True):
            shown_table.add_column(escape(name), overflow="fold", justify="right" if to_the_right else "left")
        for row in cells:
            shown_table.add_row(*(escape(cell) for cell in row))
        out.print(shown_table, soft_wrap=False)
        return
    widths = [max(cell_len(row[at]) for row in [list(columns), *cells]) for at in range(len(columns))]
    for row in [list(columns), *cells] if any(columns) else cells:
        out.print(escape("  ".join(_padded(*one) for one in zip(row, widths, right, strict=True)).rstrip()))


def _too_narrow(columns: Sequence[str]) -> bool:
    """Whether even the words of the columns would break in their middle."""
    longest = [max((cell_len(word) for word in name.split()), default=0) for name in columns]
    return sum(longest) + 2 * (len(longest) - 1) > out.width


def _stacked(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Every row as a few lines: what it is called, then each number with its column."""
    for row in cells:
        say(row[0])
        for name, cell in zip(columns[1:], row[1:], strict=True):
            if cell:
                say(f"{name}: {cell}" if name else cell, indent=2)


def _padded(cell: str, width: int, to_the_right: bool) -> str:
    gap = " " * (width - cell_len(cell))
    return gap + cell if to_the_right else cell + gap


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "" if value is None else f"{value:,}" if isinstance(value, int | float) else str(value)


def shown(value: str, width: int = 60) -> str:
    """A value short enough for a line."""
    short = value if len(value) <= width else value[: width - 3] + "..."
    return short or "(blank)"


# -- problems and questions -------------------------------------------------------------------------------------------


def problems(found: Sequence[Problem], mark: str) -> None:
    """One paragraph each: where, what, what to do."""
    for one in found:
        say(str(one), mark)


def ask(question: str, *, yes: bool) -> None:
    """Ask on a terminal; elsewhere only --yes is an answer. Raises UsageError, or Abort for a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody is here to answer: run it again with --yes.")
    if not typer.confirm(question, err=True):
        raise typer.Abort
