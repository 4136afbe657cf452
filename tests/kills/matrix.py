"""
`python -m tests.kills.matrix`: at least two hundred real kills, and the table of what became of them.

A connector process is killed by SIGKILL, by the sandbox before or after a call has its effect, or by a timer at a
random moment; the next run follows, then one that must write nothing. The table goes to docs/crash-matrix.md.
"""

from __future__ import annotations

import platform
import random
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import Any

from connector import __version__
from tests.kills.house import KILLED, Ended, House, house
from tests.kills.places import HUBSPOT, PLACES, Place

TABLE = Path(__file__).parents[2] / "docs" / "crash-matrix.md"

#: A kill may cost a run's constant part once more, and of the work itself so much.
MOST_REPEATED = 0.05

#: From so many people on; below, what may have been read and not committed is a larger part of the little there is.
LARGE = 1000

#: Calls of what had been read and not committed: the ten pages (at most) being stored, and the twenty pages behind them
#: whose links are read ahead, each a list call and what its people are linked to.
GROUP = 3 * (10 + 20)


@dataclass(frozen=True)
class Kind:
    """What is being done when the process dies."""

    name: str
    words: tuple[str, ...]
    first: bool = False  # on an account nobody has read yet

    def prepare(self, house: House, people: int) -> None:
        """Live until the moment before, and save that."""
        if not self.first:
            assert house.run("sync", "--yes").code == 0
            house.later()
            house.place.happens(house, [str(id) for id in range(10, people, max(1, people // 24))])
        house.save()


KINDS = (
    Kind("first run", ("sync", "--yes"), first=True),
    Kind("incremental run", ("sync", "--yes")),
    Kind("backfill", ("backfill", "--yes", "--tasks")),
)


@dataclass(frozen=True)
class Undisturbed:
    """A run nobody kills: its calls, the work of a run that finds nothing to do, and the end."""

    calls: int
    nothing: int
    seconds: float
    state: Mapping[str, Any]
    batches: int = 0  # those of the calls that were a batch of several, where the CRM has such
    afresh: int = 0  # those of the calls that read people right before they were written

    @property
    def work(self) -> int:
        """The calls that a longer run would not make anyway."""
        return self.calls - self.afresh


@dataclass(frozen=True)
class Death:
    """One kill and what came after it."""

    where: str
    died: bool
    wrong: tuple[str, ...]  # which laws did not hold
    extra: int  # calls beyond the undisturbed ones
    repeated: float  # of those, beyond a run's constant part, as a share of the undisturbed ones


@dataclass
class Row:
    """A line of the table."""

    kind: str
    people: int
    by: str
    calm: Undisturbed
    deaths: list[Death] = field(default_factory=list)


def undisturbed(house: House, kind: Kind) -> Undisturbed:
    """Live through it once without a kill."""
    began, before = monotonic(), house.batches()
    first = house.run(*kind.words)
    seconds, batches = monotonic() - began, house.batches() - before
    assert first.code == 0, first.said
    state = house.state()
    house.later()
    nothing = house.run("sync", "--yes")
    assert house.state() == state
    return Undisturbed(first.calls, nothing.work, seconds, state, batches, first.afresh)


def die(
    house: House,
    kind: Kind,
    calm: Undisturbed,
    *,
    fault: Mapping[str, Any] | None = None,
    after_s: float | None = None,
    silence: bool = True,
) -> Death:
    """Kill once, heal once, and look at the laws; `silence`: also that the run after that writes nothing."""
    house.again()
    killed = house.run(*kind.words, fault=fault, kill_after_s=after_s)
    house.later()
    healed = house.run("sync", "--yes")
    wrong = (*_broken(house, calm, killed, healed), *(_noise(house) if silence else ()))
    extra = killed.work + healed.work - calm.work
    repeated = max(0, extra - calm.nothing) / calm.work
    where = f"{fault['action']} {fault.get('path', '')} {fault['nth']}" if fault else f"after {after_s:.3f} s"
    return Death(where, killed.code == KILLED, wrong, extra, repeated)


def _broken(house: House, calm: Undisturbed, killed: Ended, healed: Ended) -> Iterator[str]:
    if killed.code not in (KILLED, 0):
        yield f"it ended by itself with {killed.code}: {killed.said}"
    if healed.code != 0:
        yield f"healing ended with {healed.code}: {healed.said}"
    if house.state() != calm.state:
        yield f"another end: {_differing(house.state(), calm.state)}"
    if doubles := house.double_tasks():
        yield f"double tasks: {doubles}"
    if blank := house.blank():
        yield f"blank stages: {blank}"
    if left := house.left_open():
        yield f"left open: {left}"
    extra = killed.work + healed.work - calm.work - calm.nothing
    if extra > GROUP + MOST_REPEATED * calm.work:
        yield f"{extra} calls repeated"


def _noise(house: House) -> Iterator[str]:
    writes = house.writes()
    house.later()
    quiet = house.run("sync", "--yes")
    if quiet.code or house.writes() != writes:
        yield f"the run after it wrote: {quiet.said}"


def _differing(now: Mapping[str, Any], calm: Mapping[str, Any]) -> str:
    people = {id for id in {*now["contacts"], *calm["contacts"]} if now["contacts"].get(id) != calm["contacts"].get(id)}
    told = [
        f"{id}: {sorted(set(now['contacts'].get(id, {}).items()) ^ set(calm['contacts'].get(id, {}).items()))}"
        for id in sorted(people)[:3]
    ]
    return f"{told}; {len(now['tasks'])} tasks instead of {len(calm['tasks'])}"


def around(calls: int, every: int = 1) -> Iterator[dict[str, Any]]:
    """Faults that kill before and after each call, or each so manieth."""
    for number in range(1, calls + 1, every):
        for action in ("kill_before", "kill_after"):
            yield {"action": action, "nth": number}


# -- the whole matrix ------------------------------------------------------------------------------------------------


def boundaries(folder: Path, place: Place, people: int = 40, page: int = 20) -> Iterator[Row]:
    """Every call of every kind of run, before and after it."""
    for kind in KINDS:
        with _ready(folder, place, kind, people, page) as (built, calm):
            row = Row(f"{kind.name}, {place.crm}", people, "the sandbox, before and after each call", calm)
            row.deaths += [_told(die(built, kind, calm, fault=fault)) for fault in around(calm.calls)]
            yield row


def by_chance(
    folder: Path, kills: int, people: int, page: int = 10, seed: int = 7, kinds: Sequence[Kind] = KINDS
) -> Iterator[Row]:
    """A larger account, and a timer that strikes at moments nobody chose. Lists and batches are small, so that there
    are many calls; a search is not, for nobody may search more than five times a second."""
    dice = random.Random(seed)
    place = replace(HUBSPOT, read=lambda page: f'settle = "0s", page = {page}, batch = {page}')
    for kind in kinds:
        with _ready(folder, place, kind, people, page) as (built, calm):
            row = Row(f"{kind.name}, {HUBSPOT.crm}", people, f"a timer, seed {seed}", calm)
            for _ in range(kills):
                row.deaths.append(_told(die(built, kind, calm, after_s=dice.uniform(0.05, calm.seconds))))
            yield row


class _ready:  # noqa: N801 - a context manager is a verb here
    def __init__(self, folder: Path, place: Place, kind: Kind, people: int, page: int) -> None:
        self._kind, self._people = kind, people
        own = folder / f"{place.crm} {kind.name} {people}".replace(" ", "-")
        own.mkdir()
        self._house = house(own, people, page, place)

    def __enter__(self) -> tuple[House, Undisturbed]:
        built = self._house.__enter__()
        self._kind.prepare(built, self._people)
        calm = undisturbed(built, self._kind)
        return built, calm

    def __exit__(self, *error: Any) -> None:
        self._house.__exit__(*error)


def _told(death: Death) -> Death:
    sys.stderr.write("." if not death.wrong else f"\n{death.where}: {'; '.join(death.wrong)}\n")
    sys.stderr.flush()
    return death


HEAD = """\
# The crash matrix

Made by `make crash`; not edited by hand. A real `connector` process works against a sandbox process and is killed by
SIGKILL: by the sandbox right before or right after a call has its effect, or by a timer at a random moment. The next
run heals, and the run after that must write nothing. Looked at afterwards: the account equals the one of an undisturbed
life, no task marker stands twice, no lifecycle stage is blank, nothing is left open in the ledger.

Extra calls are those of the killed and the healing run together, beyond the undisturbed one. Each run has a constant
part (describing the account, one look at what changed of each kind, at each list and form), which a second run pays
again; *repeated* is what remains after that, as a share of the undisturbed calls. It is bounded by what may have been
read and not committed, thirty pages with their links, whatever the size of the account: at most 5 % from 600 pages on
(60,000 people at 100 a page), and in smaller accounts those thirty pages. Reads right before a write are left out of
both: whoever was read more than a minute before is read once more, whether anything died or not, so that every run of
more than a minute makes them for everybody.

In one process, without sockets, `tests/sync/test_crash_matrix.py` heals every state that a run may leave behind, for
first, incremental and backfill runs, stages that go back, tasks, reviewed plans and releases; it is part of
`make check`, as is a sample of the kills below.
"""


def table(rows: Sequence[Row]) -> str:
    """The page, as Markdown."""
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, connector {__version__}"
    lines = [
        "| run | people | killed by | kills | healed | double tasks | blank stages | calls undisturbed | constant |"
        " extra calls, at most | repeated, at most |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        killed = [one for one in row.deaths if one.died]
        healed = sum(not one.wrong for one in killed)
        counts = [sum(any(said.startswith(law) for said in one.wrong) for one in killed) for law in ("double", "blank")]
        extra, repeated = max(one.extra for one in killed), max(one.repeated for one in killed)
        lines.append(
            f"| {row.kind} | {row.people:,} | {row.by} | {len(killed)} | {healed} | {counts[0]} | {counts[1]} |"
            f" {row.calm.work} | {row.calm.nothing} | {extra} | {repeated:.1%} |"
        )
    died = sum(one.died for row in rows for one in row.deaths)
    told = f"{datetime.now(UTC):%Y-%m-%d}, {versions}: **{died} kills**."
    return f"{HEAD}\n{told}\n\n" + "\n".join(lines) + "\n"


def broken(row: Row) -> Iterator[str]:
    """What did not hold of a line: a law, or the share of the work that a kill may cost where that says something."""
    for death in row.deaths:
        if death.wrong:
            yield f"{row.kind}, {row.people:,} people, {death.where}: {'; '.join(death.wrong)}"
        if row.people >= LARGE and death.repeated > MOST_REPEATED:
            yield f"{row.kind}, {row.people:,} people, {death.where}: {death.repeated:.1%} of the work repeated"


def main(chance: int = 5, people: int = 6000) -> int:
    """All of it; 1 when a law did not hold, or too much was repeated. The table is written after every line of it."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for row in chain(*(boundaries(Path(folder), one) for one in PLACES), by_chance(Path(folder), chance, people)):
            rows.append(row)
            TABLE.write_text(table(rows), encoding="utf-8")
    failed = [told for row in rows for told in broken(row)]
    sys.stderr.write("".join(f"\n{told}" for told in failed))
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
