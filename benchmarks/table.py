"""The figures beside what DESIGN section 10 asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Results = Mapping[str, Mapping[str, Any]]

#: People that CPU figures are given for, whatever number was measured.
PER = 100_000


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; without a target it is a yardstick."""

    label: str
    value: float
    unit: str
    target: float | None = None
    goal: float | None = None
    note: str = ""
    more_is_better: bool = False

    @property
    def verdict(self) -> str:
        """How the figure stands to what was asked."""
        if self.target is None or self.goal is None:
            return ""
        sign = -1 if self.more_is_better else 1
        value, goal, target = sign * self.value, sign * self.goal, sign * self.target
        return "goal" if value <= goal else "target" if value <= target else "missed"


def rows(results: Results) -> list[Row]:
    """The table, from what the measures found."""
    return [
        *_quota(results),
        *_loop(results),
        *_memory(results),
        *_incremental(results),
        *_core(results),
        *_start(results),
    ]


def _loop(results: Results) -> list[Row]:
    def row(label: str, name: str, target: float | None = None, goal: float | None = None) -> Row:
        one = results[name]
        scale = PER / one["people"]
        note = f"wall {one['wall'] * scale:.1f} s; {one['people']:,} people measured"
        return Row(label, one["cpu"] * scale, "s CPU", target, goal, note)

    plain = results["plain"]["cpu"] / results["plain"]["people"]
    ratios = " ".join(
        f"{name} x{results[name]['cpu'] / results[name]['people'] / plain:.1f}" for name in ("first_fill", "unchanged")
    )
    return [
        row("yardstick: requests + orjson, 25 properties, read only", "plain"),
        row("yardstick: hubspot-api-client with models, read only", "models"),
        row("first fill of the ledger: read, decide, diff, remember", "first_fill", 18, 12),
        row("known people read, decided, diffed, nothing to write", "unchanged", 10, 6),
        row("people written", "writing", 4, 2),
        Row(
            "against the plain loop of this run",
            results["unchanged"]["cpu"] / results["unchanged"]["people"] / plain,
            "times",
            note=ratios,
        ),
    ]


def _quota(results: Results) -> list[Row]:
    """How busy a backfill keeps the quota, and whether the sandbox could have taken more."""
    if "quota" not in results:
        return []
    one, plain = results["quota"], results["plain"]
    ceiling = plain["people"] / 100 / plain["wall"]
    found = [
        Row(
            f"share of the quota used by a backfill, {name}",
            100 * one[name]["share"],
            "%",
            95,
            98,
            f"{one[name]['seconds']:.0f} s of it; the sandbox alone answers {ceiling:.0f} pages a second",
            more_is_better=True,
        )
        for name in ("reading", "writing")
    ]
    return [*found, Row("calls refused for the quota (429)", one["throttled"], "calls", 0, 0)]


def _memory(results: Results) -> list[Row]:
    def peak(name: str) -> float:
        return float(results[name]["memory"]) / 1e6

    names = ("first_fill", "writing", "unchanged")
    found = [Row(f"peak memory: {name.replace('_', ' ')}", peak(name), "MB", 300, 120) for name in names]
    growth = max(peak(name) / peak(f"small_{name}") for name in names)
    small = results["small_first_fill"]["people"]
    note = f"the largest of the three; {small:,} people against {results['first_fill']['people']:,}"
    return [*found, Row("peak memory beside that of a small account", growth, "times", 1.2, 1.0, note)]


def _incremental(results: Results) -> list[Row]:
    one = results["incremental"]
    search = {name: count for name, count in one["calls"].items() if count}
    told = ", ".join(f"{count} {name}" for name, count in sorted(search.items()))
    rescore = results["rescore"]
    minutes = rescore["cpu"] / rescore["people"] * 1_000_000 / 60
    return [
        Row("incremental run, nothing changed", one["cpu"], "s CPU", 1, 1, f"after start-up; wall {one['wall']:.1f} s"),
        Row("  its calls per object type", sum(search.values()) / one["kinds"], "calls", 4, 1, told),
        Row(
            "re-score of 1,000,000 people from the ledger", minutes, "min CPU", 5, 2, f"{rescore['people']:,} measured"
        ),
    ]


def _core(results: Results) -> list[Row]:
    one = results["deciding"]
    note = f"shipped agreement, 10 signals, {one['people']:,} people"
    return [
        Row("scoring", one["scoring"] * 1e6, "us", 20, 12, note),
        Row("whole decision", one["decision"] * 1e6, "us", 60, 30, note),
    ]


def _start(results: Results) -> list[Row]:
    one = results["starting"]
    return [
        Row("start-up to the first request", one["first_request"], "s CPU", 1, 0.5),
        Row("connector --help", one["help"], "s CPU", 0.5, 0.5),
        Row("connector status", one["status"], "s CPU", 0.5, 0.5),
    ]


def missed(found: list[Row], say: Callable[[str], None]) -> int:
    """How a measure ends: with 1 where a figure misses its target, which is said; a missed goal alone is fine."""
    for row in (several := [row for row in found if row.verdict == "missed"]):
        say(f"missed: {row.label.strip()}, {row.value:,.2f} {row.unit} where {row.target:g} is asked for")
    return int(bool(several))


def show(found: list[Row], say: Callable[[str], None]) -> None:
    """The table as plain text."""
    say(f"{'measure':<58} {'figure':>9} {'unit':<8} {'target':>7} {'goal':>6}  verdict  note")
    for row in found:
        target = "" if row.target is None else f"{row.target:g}"
        goal = "" if row.goal is None else f"{row.goal:g}"
        figure = f"{row.value:,.2f}" if row.value < 100 else f"{row.value:,.0f}"
        say(f"{row.label:<58} {figure:>9} {row.unit:<8} {target:>7} {goal:>6}  {row.verdict:<7}  {row.note}".rstrip())
