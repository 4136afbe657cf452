"""How far long work has come: a bar with rate and time left on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

#: Seconds between two progress lines where there is no terminal; work that takes less says nothing.
EVERY = 5.0

#: Seconds of one phase after which it is worth a call to know how much there is.
PATIENCE = 1.0

Tell = Callable[[str, int, int | None], None]

#: How many there are of a phase, asked once where whoever tells does not know: without a total there is no time left.
Count = Callable[[str], int | None]

#: The bars on the terminal now.
_SHOWN: list[Progress] = []

_NAMES = {
    "contact": "reading people",
    "company": "reading companies",
    "deal": "reading deals",
    "call": "reading calls",
    "email": "reading e-mails",
    "meeting": "reading meetings",
    "task": "reading tasks",
    "lead": "reading leads",
    "looked at": "deciding",
    "written": "writing",
    "reported": "counting",
    "histories": "reading histories",
}


@contextmanager
def progress(count: Count) -> Iterator[Tell]:
    """Tell how far work has come while the block lasts: called with phase, done, and total where it is known."""
    if not sys.stderr.isatty():
        yield plain_lines(_asked_once(count), time.monotonic)
        return
    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:>9}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        _SHOWN.append(bar)
        try:
            yield _bars(bar, _asked_once(count))
        finally:
            _SHOWN.remove(bar)


@contextmanager
def out_of_the_way() -> Iterator[None]:
    """No bar moves for as long as the block lasts: somebody reads, and is asked."""
    shown = tuple(_SHOWN)
    for one in shown:
        one.stop()
    try:
        yield
    finally:
        for one in shown:
            one.start()


def _asked_once(count: Count) -> Count:
    known: dict[str, int | None] = {}

    def total(phase: str) -> int | None:
        if phase not in known:
            known[phase] = count(phase)
        return known[phase]

    return total


@dataclass(frozen=True, slots=True)
class _Begun:
    """When a phase was first told of, and how far it was then: what an earlier life did is not the pace of this one."""

    at: float
    done: int

    def rate(self, done: int, at: float) -> float:
        """Records a second since then."""
        return max(0, done - self.done) / max(at - self.at, 0.001)


def _bars(bar: Progress, count: Count) -> Tell:
    tasks: dict[str, Any] = {}
    begun: dict[str, _Begun] = {}

    def tell(phase: str, done: int, total: int | None) -> None:
        at = time.monotonic()
        if phase not in tasks:
            tasks[phase] = bar.add_task(_NAMES.get(phase, phase), total=None, completed=done, rate="")
            begun[phase] = _Begun(at, done)
        took = at - begun[phase].at
        rate = f"{begun[phase].rate(done, at):,.0f}/s" if took > 0.5 else ""
        known = total or (count(phase) if took > PATIENCE else None)
        bar.update(tasks[phase], completed=done, total=known, rate=rate)

    return tell


def plain_lines(count: Count, clock: Callable[[], float]) -> Tell:
    """A line per phase every few seconds of `clock`, on stderr."""
    last: dict[str, float] = {}
    begun: dict[str, _Begun] = {}

    def tell(phase: str, done: int, total: int | None) -> None:
        at = clock()
        begun.setdefault(phase, _Begun(at, done))
        if at - last.setdefault(phase, at) < EVERY:
            return
        last[phase] = at
        line = _line(_NAMES.get(phase, phase), done, total or count(phase), begun[phase].rate(done, at))
        print(line, file=sys.stderr)  # noqa: T201 - progress

    return tell


def _line(name: str, done: int, total: int | None, rate: float) -> str:
    of = f" of {total:,}" if total else ""
    left = f", {_time((total - done) / rate)} left" if total and total > done and rate else ""
    return f"{name}: {done:,}{of}, {rate:,.0f} a second{left}"


def _time(seconds: float) -> str:
    """As somebody would say it who plans the day by it."""
    if seconds < 100:
        return f"{seconds:,.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"
