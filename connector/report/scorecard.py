"""
Both promises on one page: what marketing promised beside what sales promised, in the same period.

A closed period is told as it was known when its books closed; what was learned later stands in lines of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from connector.agreement.metrics import HAND_OFFS
from connector.agreement.periods import Period
from connector.agreement.terms import Agreement
from connector.ledger.handoffs import HandOff
from connector.report.bands import by_grade
from connector.report.entries import Entry, Log
from connector.report.numbers import share
from connector.report.observed import cause_label
from connector.report.promises import AtWork, Books, Promise, promises, span_of
from connector.report.reckoning import CLOSES_AFTER, Reckoning, Span, closing, quantiles, to_decide
from connector.report.sheet import Figure, Part, Setting, Sheet, count, sheet

_MARKETING = ("hand_offs", "acceptance_rate", "completeness", "returned", "rejected")
_SALES = ("first_attempt_in_time", "answer_in_time", "decided_rate", "reason_given", "connect_rate", "never_worked")


@dataclass(frozen=True, slots=True)
class Beside:
    """What a scorecard shows besides the two logs: what the newest look at people says."""

    near: Mapping[str, float] = field(default_factory=dict)  # person -> points short of the first stage by score
    outside: frozenset[str] = frozenset()  # people whose company is in no band of the ideal customer
    held: tuple[str, ...] = ()  # people of whom somebody's value is left alone, once for each
    active: AtWork | None = None
    unsigned: tuple[str, ...] = ()  # what the agreement lacks in signatures and reviews


def scorecard(books: Books, period: Period, beside: Beside | None = None) -> Sheet:
    """The scorecard of one period."""
    told = beside or Beside()
    agreement, as_of = books.setting.agreement, books.setting.as_of
    span = span_of(period, agreement)
    today = books.setting.today
    day = min(today, period.begins if as_of < span.begins else date.fromordinal(period.ends.toordinal() - 1))
    asked = promises(books, day)
    reckoning = books.reckon(span)
    parts = [
        _goals("marketing_goals", "What marketing promised", [one for one in asked if one.goal.owner == "marketing"]),
        _measures("marketing", "What marketing handed over", _MARKETING, reckoning),
        _goals("sales_goals", "What sales promised", [one for one in asked if one.goal.owner != "marketing"]),
        _measures("sales", "What sales made of it", _SALES, reckoning),
        _waits(reckoning),
        friction(books.log, span),
        _reasons(reckoning, agreement),
        _by("by_rule", "By the rule that handed over", reckoning, lambda one: cause_label(one.rule, agreement)),
        by_grade(reckoning.begun),
        _by("by_source", "By source", reckoning, lambda one: one.source or "unknown"),
        _for_the_meeting(books.log, span, reckoning, told, agreement),
        afterwards(books, span),
    ]
    return sheet(
        books.setting,
        "scorecard",
        "Both promises",
        f"{period.label}{'' if as_of >= span.ends else f', so far (until {today:%Y-%m-%d})'}",
        headlines=[*_headlines(asked, reckoning), *told.unsigned],
        parts=parts,
        unknown=_unknown(books, span, reckoning),
    )


# -- the promises ----------------------------------------------------------------------------------------------------


def _goals(name: str, title: str, asked: Sequence[Promise]) -> Part:
    columns = ("goal", "period", "promised", "reached", "attained", "pace", "heading for", "correction")
    says = "Reached against promised. Pace sets it against the share of business days that is over."
    return Part(name, title, columns, tuple(_goal(one) for one in asked), says)


def _goal(one: Promise) -> tuple[Figure | str | None, ...]:
    key = f"goals.{one.goal.name}"
    is_share = one.reached.unit == "share"
    of = " ".join(filter(None, (one.goal.lead_type, one.goal.source)))
    return (
        f"{one.label}{f' ({of})' if of else ''}",
        one.period.label,
        f"{one.asked:.0%}" if is_share else f"{one.asked:,.0f}",
        one.reached,
        Figure(f"{key}.attained", one.attained, one.reached.people, "share") if one.attained is not None else "–",  # noqa: RUF001
        "" if one.pace is None else f"{one.pace:.0%}",
        "" if one.projected is None else f"{one.projected:,.0f}",
        _corrected(one),
    )


def _corrected(one: Promise) -> str:
    said = []
    if one.correction is not None:
        said.append(f"{one.goal.at_least:g} until {one.correction.on:%Y-%m-%d}: {one.correction.why}")
    if one.later is not None:
        later = f"{one.later:.0%}" if one.reached.unit == "share" else f"{one.later:g}"
        said.append(f"with what was learned since closing: {later}")
    return "; ".join(said)


def _measures(name: str, title: str, metrics: Sequence[str], reckoning: Reckoning) -> Part:
    rows = tuple((HAND_OFFS[each].label, reckoning.figure(each), HAND_OFFS[each].means) for each in metrics)
    return Part(
        name, title, ("", "value", "counts"), rows if reckoning.begun or reckoning.due or reckoning.ended else ()
    )


def _waits(reckoning: Reckoning) -> Part:
    rows = []
    accepted = [one for one in reckoning.begun if one.accepted_at]
    if accepted:
        rows.append(("from hand-off to accepted", *quantiles("time_to_accept", accepted, to_decide)))
    return Part("time_to_accept", "Time to accept", ("", "median", "p90"), tuple(rows))


def friction(log: Log, span: Span) -> Part:
    """The flywheel: days between stages, by whose stage they were spent in."""
    sides: dict[str, list[tuple[str, float]]] = {}
    for visit in log.visits:
        if visit.onward and span.has(visit.left_at):
            sides.setdefault(log.side_of(visit.stage) or "nobody", []).append((visit.person_id, visit.days))
    rows = []
    for side in sorted(sides):
        days = sorted(each for _, each in sides[side])
        total = sum(days)
        rows.append(
            (
                side,
                count(f"friction.{side}", (id for id, _ in sides[side])),
                Figure(f"friction.{side}.days", total, unit="days"),
                Figure(f"friction.{side}.median", days[(len(days) - 1) // 2], unit="days"),
            )
        )
    says = "Days people spent in a stage before they moved on to a further one, by the side that owns the stage."
    return Part("friction", "Days lost between stages", ("side", "steps", "days", "median"), tuple(rows), says)


def _reasons(reckoning: Reckoning, agreement: Agreement) -> Part:
    labels = {one.name: (one.label, one.fixed_by) for one in agreement.rejection_reasons}
    whole = len(reckoning.turned_down())
    rows = tuple(
        (
            labels.get(reason, (reason or "no reason given", ""))[0],
            figure,
            share(figure.value or 0, whole),
            labels.get(reason, ("", ""))[1] or ("" if reason else "sales"),
        )
        for reason, figure in reckoning.by_reason("reasons")
    )
    return Part("reasons", "Returned or rejected, by reason", ("reason", "people", "share", "to be fixed by"), rows)


def _by(name: str, title: str, reckoning: Reckoning, what: Callable[[HandOff], str]) -> Part:
    rows = tuple(
        (label, made, yes, no, share(yes.value or 0, (yes.value or 0) + (no.value or 0)), open_)
        for label, made, yes, no, open_ in reckoning.by(what, name)
    )
    columns = ("", "hand-offs", "accepted", "turned down", "accepted of decided", "undecided")
    return Part(name, title, columns, rows if len(rows) > 1 or name == "by_rule" else ())


# -- for the meeting -------------------------------------------------------------------------------------------------


def _for_the_meeting(log: Log, span: Span, reckoning: Reckoning, told: Beside, agreement: Agreement) -> Part:
    won = won_in(log, span, agreement)
    before = {one.person_id: one.at for one in reversed(log.entries) if one.stage in handed_stages(agreement)}
    strangers = [one.person_id for one in won if before.get(one.person_id, one.at) >= one.at]
    outside = [one.person_id for one in won if one.person_id in told.outside]
    near = sorted(told.near, key=lambda id: (told.near[id], id))
    wrong = [one.person_id for one in reckoning.turned_down() if one.outcome == "rejected"]
    rows = (
        ("near misses", count("near_misses", near), "fewer than 5 points short of being handed over, today"),
        ("false positives", count("false_positives", wrong), "handed over, and rejected for cause"),
        ("false negatives", count("false_negatives", strangers), "won in the period, and never handed over before"),
        (
            "won outside the ICP",
            count("non_icp_wins", outside),
            "won in the period, outside the bands of the ideal customer",
        ),
        ("attempts on the excluded", reckoning.figure("wasted_attempts"), "on people who were excluded"),
        ("holds", count("holds", told.held), "values of others left alone, now"),
    )
    return Part("meeting", "For the joint meeting", ("", "", "counts"), rows)


def won_in(log: Log, span: Span, agreement: Agreement) -> list[Entry]:
    """Who became a customer in a span, whoever wrote it down."""
    stages = {stage.name for stage in agreement.stages if stage.enter and stage.enter.deal == "won"}
    return [one for one in log.entries if one.stage in stages and span.has(one.at) and not one.passed]


def handed_stages(agreement: Agreement) -> set[str]:
    """The stages whose entry is a hand-off."""
    return {stage.name for stage in agreement.stages if stage.hands_over and stage.used}


# -- what came later -------------------------------------------------------------------------------------------------


def afterwards(books: Books, span: Span) -> Part:
    """What was learned of a closed period after its books closed: no number above says it."""
    as_of = books.setting.as_of
    if as_of <= span.ends + CLOSES_AFTER:
        return Part("after_closing", "", ("",), ())
    before, now = books.reckon(span), books.reckon(span, late=True)
    rows: list[tuple[Figure | str | None, ...]] = []
    for metric in (*_MARKETING, *_SALES):
        one, other = before.figure(metric), now.figure(metric, f"after_closing.{metric}")
        if one.value != other.value:
            rows.append((HAND_OFFS[metric].label, one.text, other))
    late = [one for one in books.now if span.has(one.triggered_at) and one.handed_over_at > closing(span, as_of)]
    if late:
        said = "signals of this period that were heard of later; their hand-offs count in theirs"
        rows.append((said, "", count("after_closing.late_signals", (one.person_id for one in late))))
    title = "Learned after the period was closed"
    return Part(
        "after_closing", title, ("", "as closed", "known now"), tuple(rows), "The numbers above stay as closed."
    )


def _headlines(asked: Iterable[Promise], reckoning: Reckoning) -> Iterable[str]:
    for one in asked:
        if one.reached.value is None:
            continue
        is_share = one.reached.unit == "share"
        promised = f"{one.asked:.0%}" if is_share else f"{one.asked:,.0f}"
        got = f"{one.reached.value:.0%}" if is_share else f"{one.reached.value:,.0f}"
        whose = f"{one.goal.owner} promised" if one.goal.owner else "promised were"
        pace = f", {one.pace:.0%} of the pace" if one.pace is not None else ""
        verdict = "kept" if (one.attained or 0) >= 1 else "open" if one.open else "missed"
        yield f"{one.label}, {one.period.label}: {whose} {promised}, reached {got}{pace} ({verdict})."
    never = reckoning.figure("never_worked").value
    if never:
        yield f"{never:,.0f} hand-off{'s' if never != 1 else ''} ended and never worked: nobody made one attempt."


def _unknown(books: Books, span: Span, reckoning: Reckoning) -> Iterable[str]:
    if not books.now:
        yield "no hand-off is on record; they are logged from the first live run of this version on"
    if count_ := len(reckoning.of("not_measurable")):
        yield f"{count_} follow-ups of owners who logged nothing in the period are not measurable, and not late"
    yield from versions(books.setting, books.log, span)


def versions(setting: Setting, log: Log, span: Span) -> Iterable[str]:
    """Since when which definitions moved people, where they changed within a span."""
    for at, fingerprint in log.versions[1:]:
        if span.has(at):
            day = f"{setting.day(at):%Y-%m-%d}"
            yield f"the definitions changed on {day} (to {fingerprint[:12]}): numbers before and after differ"
