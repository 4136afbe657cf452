"""
A million people, once, in HubSpot and in Dynamics: `make bench-full`. What only shows at that size: memory, figures per
person that stay, and that of a million who are as they should be nobody is written.

Everybody is read and decided by a backfill that only observes (`--measure observing`, half an hour for each CRM); and
read, decided and written by one that writes, then read and decided once more (`--measure writing`, more than an hour).
What was measured is kept in the folder, and the next call goes on with the rest. The first fill goes on inside itself,
as any backfill does; writing begins anew, because the sandbox keeps in memory what was written to it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import table
from account import CRM, SWITCHES, account
from run import machine, measured, say

PEOPLE, FEW = 1_000_000, 10_000

#: What is measured in one life of the sandbox.
TOGETHER = {"observing": ("first_fill",), "writing": ("writing", "unchanged")}

PATIENCE = 4 * 3600


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is not measured yet, and print the table; 1 where a target was missed."""
    options = _parser().parse_args(arguments)
    options.crm = options.crm or [*SWITCHES]
    options.measure = options.measure or [*TOGETHER]
    options.folder.mkdir(parents=True, exist_ok=True)
    found: list[table.Row] = []
    measures: dict[str, Any] = {}
    for crm in options.crm:
        few, many = (_results(_place(options.folder, crm, one), crm, one, options) for one in (FEW, options.people))
        found += _rows(crm, few, many, options)
        measures[crm] = {FEW: few, options.people: many}
    table.show(found, say)
    kept = {"taken_at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), "measures": measures}
    whole = orjson.dumps(kept, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    (options.folder / "bench-full.json").write_bytes(whole)
    say(f"\nkept in {options.folder}; remove it to measure anew")
    return table.missed(found, say)


def _place(folder: Path, crm: str, people: int) -> Path:
    """Where this account's state and figures are."""
    place = folder / (f"{people}" if crm == "hubspot" else f"{crm}-{people}")
    place.mkdir(exist_ok=True)
    (place / CRM).write_text(crm, encoding="utf-8")
    return place


def _results(folder: Path, crm: str, people: int, options: argparse.Namespace) -> dict[str, Any]:
    path = folder / "results.json"
    results: dict[str, Any] = orjson.loads(path.read_bytes()) if path.exists() else {}
    for measure in options.measure:
        names = TOGETHER[measure]
        if set(names) <= set(results):
            continue
        if measure == "writing":
            _forget(folder, "live")
        with account(people, options.seed, crm=crm) as url:
            measured("set_up", folder, url, people)
            results |= {name: measured(name, folder, url, people, PATIENCE) for name in names}
        path.write_bytes(orjson.dumps(results))
    return results


def _forget(folder: Path, mode: str) -> None:
    """A ledger that speaks of an account which is gone."""
    for path in folder.glob(f"{mode}.db*"):
        path.unlink()


def _rows(crm: str, few: dict[str, Any], many: dict[str, Any], options: argparse.Namespace) -> Sequence[table.Row]:
    """Memory beside its targets, and CPU per 100,000 people beside that of the small account."""
    found = []
    for name in (name for measure in options.measure for name in TOGETHER[measure]):
        label, memory = f"{crm}, {name.replace('_', ' ')}", many[name]["memory"] / 1e6
        found.append(table.Row(f"peak memory: {label}", memory, "MB", 300, 120, f"{options.people:,} people"))
        growth = many[name]["memory"] / few[name]["memory"]
        found.append(table.Row("  beside that of 10,000 people", growth, "times", 1.2, 1.0))
        small, large = (one[name]["cpu"] / one[name]["people"] * table.PER for one in (few, many))
        found.append(table.Row("  CPU per 100,000 people", large, "s CPU", note=f"{small:.1f} s with 10,000 people"))
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("make bench-full", description="What a million people cost.")
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--crm", action="append", choices=[*SWITCHES], help="one alone; by default both")
    parser.add_argument("--measure", action="append", choices=[*TOGETHER], help="one alone; by default both")
    parser.add_argument("--seed", type=int, default=7, help="of the invented people")
    parser.add_argument("--folder", type=Path, default=Path("build/bench-full"), help="where to keep state and figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
