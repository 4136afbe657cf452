"""
Where others and the connector do not agree: values left alone, values written back, and the same person in two CRMs.

Nothing is merged across CRMs: two accounts that know the same e-mail address (compared by its digest, never shown) are
set side by side, and where their stages differ somebody may want to know.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.fields.places import place_of
from connector.ledger.conflicts import Pair, TakenBack
from connector.ledger.holds import Hold, Reversal
from connector.ledger.writers import writer
from connector.model import CONFLICT
from connector.report.observed import cause_label
from connector.report.sheet import Cell, Part, Setting, Sheet, count, sheet
from connector.wording import counted

#: People whose stages differ that are listed one by one.
MOST = 100

_NONE = "no stage"

_MOVERS = {"person": "a person", "import": "an import", "crm": "the CRM"}


@dataclass(frozen=True, slots=True)
class Found:
    """What the ledger knows of conflicts."""

    holds: Sequence[Hold]
    reversals: Sequence[Reversal]
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
        parts=[
            _holds([one for one in found.holds if one.code != CONFLICT]),
            _quarrels(found),
            _wars(found.taken_back),
            _parity(found.pairs),
            _differing(found.pairs),
            _one_by_one(setting, found.pairs),
        ],
        unknown=_unknown(found),
    )


def _holds(holds: Sequence[Hold]) -> Part:
    by_property: dict[str, list[Hold]] = {}
    for one in holds:
        by_property.setdefault(place_of(one.property).property, []).append(one)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            name,
            count(f"holds.{name}", dict.fromkeys(one.person_id for one in those)),
            f"{min(one.since for one in those):%Y-%m-%d}",
            _until([one.until for one in those]),
        )
        for name, those in sorted(by_property.items(), key=lambda item: (-len(item[1]), item[0]))
    )
    says = "Somebody set another value; it is left alone until the hold is over. One by one: connector holds list"
    return Part("holds", "Values of others left alone", ("property", "people", "oldest since", "until"), rows, says)


def _until(ends: Sequence[datetime | None]) -> str:
    known = [one for one in ends if one is not None]
    last = f"{max(known):%Y-%m-%d}" if known else ""
    return "for good" if not known else last if len(known) == len(ends) else f"{last}, some for good"


def _quarrels(found: Found) -> Part:
    """Every writer that sets our values back, the one that quarrels over most people first."""
    frozen = {(one.person_id, one.property) for one in found.holds if one.code == CONFLICT}
    writers: dict[tuple[str, str], list[Reversal]] = {}
    for one in found.reversals:
        writers.setdefault((place_of(one.property).property, writer(one.by, one.source, _name(found, one))), []).append(
            one
        )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            name,
            who,
            count(f"set_back.{name}.{number}", dict.fromkeys(one.person_id for one in those)),
            sum(one.times for one in those),
            count(f"given_up.{name}.{number}", dict.fromkeys(id for one in those for id in _given_up(one, frozen))),
            f"{max(one.last_at for one in those if one.last_at):%Y-%m-%d}" if any(o.last_at for o in those) else "",
        )
        for number, ((name, who), those) in enumerate(
            sorted(writers.items(), key=lambda item: (-len(item[1]), item[0])), start=1
        )
    )
    says = (
        "Another system set our value back. After the second time nothing more is written into that property of that"
        " person. Once it is settled there: connector holds release --all --property PROPERTY"
    )
    columns = ("property", "set back by", "people", "times", "left as it is", "last")
    return Part("set_back", "Our values set back by other systems", columns, rows, says)


def _given_up(one: Reversal, frozen: Container[tuple[str, str]]) -> Sequence[str]:
    return (one.person_id,) if (one.person_id, one.property) in frozen else ()


def _name(found: Found, one: Reversal) -> str:
    """What a writer is called may have been learned with a later hold."""
    named = (each.name for each in found.holds if each.property == one.property and each.source == one.source)
    return one.name or next(filter(None, named), "")


def _wars(taken: Sequence[TakenBack]) -> Part:
    by_property: dict[str, list[TakenBack]] = {}
    for one in taken:
        by_property.setdefault(one.property, []).append(one)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            name,
            count(f"written_back.{name}", dict.fromkeys(one.person_id for one in those)),  # two leads, one person
            sum(one.times for one in those),
            f"{max(one.last_at for one in those):%Y-%m-%d}",
        )
        for name, those in sorted(by_property.items(), key=lambda item: (-len(item[1]), item[0]))
    )
    says = "Between two of our writes somebody set another value, and we set ours again: once, then it is left alone."
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
            groups.setdefault((one.other, one.here.stage or _NONE, one.there.stage or _NONE), []).append(one)
    rows: list[tuple[Cell, ...]] = []
    for (other, here, there), those in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        key = f"differs.{other}.{here}.{there}".replace(" ", "_")
        others = ", ".join(one.other_id for one in those[:5]) + (" …" if len(those) > 5 else "")
        rows.append((here, f"{there} in {other}", count(key, (one.person_id for one in those)), others))
    return Part("differing", "Where the accounts differ", ("here", "there", "people", "ids there"), tuple(rows))


def _one_by_one(setting: Setting, pairs: Sequence[Pair]) -> Part:
    """Person by person, whoever was moved last first: so many as somebody can go through in one sitting."""
    differing = sorted((one for one in pairs if not one.same), key=_latest)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            one.person_id,
            one.here.stage or _NONE,
            f"{one.there.stage or _NONE} in {one.other}",
            one.other_id,
            f"{one.since:%Y-%m-%d %H:%M}" if one.since else "since before we looked",
            _last_mover(setting, one),
        )
        for one in differing[:MOST]
    )
    left = len(differing) - len(rows)
    more = f" {left:,} more are in the numbers above." if left else ""
    says = f"Times are UTC. A value that is copied across is left alone on the side that it is copied to.{more}"
    columns = ("contact", "here", "there", "contact there", "since", "moved last")
    return Part("differing_people", "Whom the accounts have in different stages", columns, rows, says)


def _latest(one: Pair) -> tuple[float, str, str]:
    return (-one.since.timestamp() if one.since else 0.0, one.person_id, one.other_id)


def _last_mover(setting: Setting, one: Pair) -> str:
    """In which account, and by whom or by what."""
    if one.moved_here is None:
        return ""
    where, last = (setting.connection, one.here) if one.moved_here else (one.other, one.there)
    return f"{where}: {_MOVERS.get(last.cause) or cause_label(last.cause, setting.agreement)}"


def _headlines(found: Found) -> Iterable[str]:
    if found.holds:
        yield f"{counted(len(found.holds), 'value of others is', 'values of others are')} left alone."
    given_up = sum(one.code == CONFLICT for one in found.holds)
    if given_up:
        yield f"{given_up:,} of them because another system set ours back twice."
    differing = sum(not one.same for one in found.pairs)
    if differing:
        yield f"{counted(differing, 'person stands', 'people stand')} in another stage in another account."
    if not (found.holds or found.taken_back or differing):
        yield "Nobody contradicts the connector."


def _unknown(found: Found) -> Iterable[str]:
    if found.connections < 2:
        yield "whether another CRM knows the same people: this state holds one connection only"
