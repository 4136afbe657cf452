"""Follow-up: for every class and owner what was met, missed, or cannot be told; how long people and owners waited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connector.ledger.handoffs import HandOff
from connector.report.promises import Books
from connector.report.reckoning import STATES, Reckoning, Span, own_time, quantiles, routing, speed, to_decide
from connector.report.scorecard import afterwards, versions
from connector.report.sheet import Cell, Figure, Part, Sheet, count, sheet

_TITLES = {"no_owner": "no owner", "not_measurable": "not measurable"}


def sla(books: Books, span: Span, when: str) -> Sheet:
    """The follow-up that was due in a span."""
    reckoning = books.reckon(span)
    slas = sorted({one.sla_class or "" for one in reckoning.due})
    parts = [
        _states("classes", "By class", [(name, _of_class(reckoning, name)) for name in slas], reckoning),
        _states("owners", "By class and owner", _by_owner(reckoning), reckoning),
        _times(reckoning),
        _attempts(reckoning.ended),
        _rest(reckoning),
        afterwards(books, span),
    ]
    return sheet(
        books.setting,
        "sla",
        "Follow-up of hand-offs",
        when,
        headlines=_headlines(reckoning),
        parts=parts,
        unknown=_unknown(books, span, reckoning),
    )


def _of_class(reckoning: Reckoning, name: str) -> list[HandOff]:
    return [one for one in reckoning.due if one.sla_class == name]


def _by_owner(reckoning: Reckoning) -> list[tuple[str, list[HandOff]]]:
    groups: dict[tuple[str, str], list[HandOff]] = {}
    for one in reckoning.due:
        groups.setdefault((one.sla_class or "", one.owner_id or "none"), []).append(one)
    return [(f"{name}, owner {owner}", those) for (name, owner), those in sorted(groups.items())]


def _states(name: str, title: str, groups: Sequence[tuple[str, list[HandOff]]], reckoning: Reckoning) -> Part:
    columns = ("class", *(_TITLES.get(state, state) for state in STATES), "in time")
    says = "By the day on which the first attempt was due. In time: met of met and late; the others are left out."
    return Part(name, title, columns, tuple(_row(name, label, those, reckoning) for label, those in groups), says)


def _row(name: str, label: str, those: Sequence[HandOff], reckoning: Reckoning) -> tuple[Cell, ...]:
    key = f"{name}.{label.replace(', owner ', '.')}"
    found = {state: [one for one in those if reckoning.state(one) == state] for state in STATES}
    figures = [count(f"{key}.{state}", (one.person_id for one in found[state])) for state in STATES]
    met, late = len(found["met"]), len(found["late"])
    rate = Figure(f"{key}.in_time", met / (met + late) if met + late else None, figures[0].people, "share", met + late)
    return label, *figures, rate


def _times(reckoning: Reckoning) -> Part:
    told = (
        ("speed to lead", "speed_to_lead", speed, "from the signal to the first attempt: what the person waits"),
        ("SLA time", "sla_time", own_time, "from having an owner to the first attempt: what the owner takes"),
        ("without owner", "routing", routing, "from the hand-off to having an owner: what routing takes"),
        ("time to accept", "time_to_accept", to_decide, "from the hand-off to the yes of sales"),
    )
    rows = tuple(
        (label, *quantiles(key, reckoning.begun, of), says)
        for label, key, of, says in told
        if any(of(one) is not None for one in reckoning.begun)
    )
    return Part("times", "How long it took", ("", "median", "p90", "counts"), rows, "Of the hand-offs of the period.")


def _attempts(ended: Sequence[HandOff]) -> Part:
    tried = [one for one in ended if one.outcome == "exhausted"]
    numbers = sorted({one.attempts for one in tried})
    rows = tuple(
        (f"{number} attempts", count(f"exhausted.{number}", (one.person_id for one in tried if one.attempts == number)))
        for number in numbers
    )
    return Part("exhausted", "Attempts before it was given up", ("", "people"), rows)


def _rest(reckoning: Reckoning) -> Part:
    without = [one for one in reckoning.turned_down() if not one.rejection]
    rows: tuple[tuple[Cell, ...], ...] = (
        ("connect rate", reckoning.figure("connect_rate"), "hand-offs with a contact, of those with an attempt"),
        ("never worked", reckoning.figure("never_worked"), "ended without one attempt, contact or answer"),
        (
            "with a reason",
            count("with_reason", (one.person_id for one in reckoning.with_reason())),
            "returned or rejected",
        ),
        ("without a reason", count("without_reason", (one.person_id for one in without)), "returned or rejected"),
    )
    return Part("rest", "What became of them", ("", "", "counts"), rows if reckoning.begun or reckoning.ended else ())


def _headlines(reckoning: Reckoning) -> Iterable[str]:
    met, late = len(reckoning.of("met")), len(reckoning.of("late"))
    if met + late:
        yield f"{met:,} of {met + late:,} first attempts were in time."
    if nobody := len(reckoning.of("no_owner")):
        yield f"{nobody:,} hand-offs have no owner: no owner's clock runs for them, and nobody calls."
    if never := len(reckoning.never_worked()):
        yield f"{never:,} hand-offs ended and never worked."


def _unknown(books: Books, span: Span, reckoning: Reckoning) -> Iterable[str]:
    if not books.now:
        yield "no hand-off is on record; they are logged from the first live run of this version on"
    owners = sorted({one.owner_id or "" for one in reckoning.of("not_measurable")})
    if owners:
        yield f"owners who logged no activity in this time are not measurable, and not late: {', '.join(owners)}"
    yield from versions(books.setting, books.log, span)
