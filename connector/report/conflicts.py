"""
Where others and the connector do not agree: values left alone, values written back, and the same person in two CRMs.

Nothing is merged across CRMs: two accounts that know the same e-mail address (compared by its digest, never shown) are
set side by side, and where their stages differ somebody may want to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.ledger.conflicts import Pair, TakenBack
from connector.ledger.holds import Hold
from connector.report.sheet import Cell, Part, Setting, Sheet, count, sheet


@dataclass(frozen=True, slots=True)
class Found:
    """What the ledger knows of conflicts."""

    holds: Sequence[Hold]
    taken_back: Sequence[TakenBack]
    pairs: Sequence[Pair]
    connections: int  # in this state, the reported one among them


def conflicts(setting: Setting, found: Found) -> Sheet:
    """The sheet of it."""
    return sheet(
        setting,
        "conflicts",
        "Conflicts with others",
        f"{setting.today:%Y-%m-%d}",
        headlines=_headlines(found),
        parts=[_holds(found.holds), _wars(found.taken_back), _parity(found.pairs), _differing(found.pairs)],
        unknown=_unknown(found),
    )


def _holds(holds: Sequence[Hold]) -> Part:
    by_property: dict[str, list[Hold]] = {}
    for one in holds:
        by_property.setdefault(one.property, []).append(one)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            name,
            count(f"holds.{name}", (one.person_id for one in those)),
            f"{min(one.since for one in those):%Y-%m-%d}",
            _until([one.until for one in those]),
        )
        for name, those in sorted(by_property.items(), key=lambda item: (-len(item[1]), item[0]))
    )
    says = "Somebody set another value than ours; it is left alone until the hold is over. One by one: connector holds"
    return Part("holds", "Values of others left alone", ("property", "people", "oldest since", "until"), rows, says)


def _until(ends: Sequence[datetime | None]) -> str:
    known = [one for one in ends if one is not None]
    last = f"{max(known):%Y-%m-%d}" if known else ""
    return "for good" if not known else last if len(known) == len(ends) else f"{last}, some for good"


def _wars(taken: Sequence[TakenBack]) -> Part:
    by_property: dict[str, list[TakenBack]] = {}
    for one in taken:
        by_property.setdefault(one.property, []).append(one)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            name,
            count(f"written_back.{name}", (one.person_id for one in those)),
            sum(one.times for one in those),
            f"{max(one.last_at for one in those):%Y-%m-%d}",
        )
        for name, those in sorted(by_property.items(), key=lambda item: (-len(item[1]), item[0]))
    )
    says = (
        "Between two of our writes somebody set another value, and we set ours again: once, then it is left alone. Who"
        " it was: connector report baseline names the other writers."
    )
    return Part("written_back", "Values written back", ("property", "people", "times", "last"), rows, says)


def _parity(pairs: Sequence[Pair]) -> Part:
    others = sorted({one.other for one in pairs})
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            other,
            count(f"parity.{other}", (one.person_id for one in pairs if one.other == other)),
            count(f"parity.{other}.same", (one.person_id for one in pairs if one.other == other and one.same)),
            count(f"parity.{other}.differs", (one.person_id for one in pairs if one.other == other and not one.same)),
        )
        for other in others
    )
    says = "People whose e-mail address both accounts know. Nobody is merged: each account follows its own facts."
    return Part(
        "parity", "The same people in another account", ("connection", "people", "same stage", "differs"), rows, says
    )


def _differing(pairs: Sequence[Pair]) -> Part:
    groups: dict[tuple[str, str, str], list[Pair]] = {}
    for one in pairs:
        if not one.same:
            groups.setdefault((one.other, one.stage or "no stage", one.other_stage or "no stage"), []).append(one)
    rows: list[tuple[Cell, ...]] = []
    for (other, here, there), those in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        key = f"differs.{other}.{here}.{there}".replace(" ", "_")
        others = ", ".join(one.other_id for one in those[:5]) + (" …" if len(those) > 5 else "")
        rows.append((here, f"{there} in {other}", count(key, (one.person_id for one in those)), others))
    return Part("differing", "Where the accounts differ", ("here", "there", "people", "ids there"), tuple(rows))


def _headlines(found: Found) -> Iterable[str]:
    if found.holds:
        yield f"{len(found.holds):,} values of others are left alone."
    differing = sum(not one.same for one in found.pairs)
    if differing:
        yield f"{differing:,} people stand in another stage in another account."
    if not (found.holds or found.taken_back or differing):
        yield "Nobody contradicts the connector."


def _unknown(found: Found) -> Iterable[str]:
    if found.connections < 2:
        yield "whether another CRM knows the same people: this state holds one connection only"
