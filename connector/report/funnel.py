"""
The funnel in three views: entries in each period, cohorts followed for so many days, and where everybody stands.

Period rates are never set against each other, since the people are not the same; conversion is a matter of cohorts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from connector.agreement import Agreement
from connector.agreement.periods import Period
from connector.agreement.terms import Stage
from connector.ledger.history import Standing
from connector.report.entries import Entry, Log, Visit, steps
from connector.report.numbers import MOST_IDS, Named
from connector.report.promises import span_of
from connector.report.reckoning import Span, quantile
from connector.report.scorecard import friction, versions
from connector.report.sheet import Cell, Figure, Part, Setting, Sheet, count, share_of, sheet


def funnel(
    setting: Setting, log: Log, standings: Iterable[Standing], found: Sequence[Period], within: int = 90
) -> Sheet:
    """The funnel over some periods that follow each other."""
    agreement = setting.agreement
    whole = Span(found[0].starts_at(agreement.zone), found[-1].ends_at(agreement.zone))
    types = sorted({one.lead_type for one in log.entries if whole.has(one.at)})
    labels = {one.name: one.label for one in agreement.lead_types}
    entries = [_entries(log, agreement, whole, None, "")] + [
        _entries(log, agreement, whole, one, f": {labels.get(one, one)}") for one in types if len(types) > 1
    ]
    parts = [
        _by_period(log, agreement, found),
        *entries,
        _conversion(setting, log, found, timedelta(days=within)),
        _time_in_stage(log, agreement, whole),
        friction(log, whole),
        _snapshot(agreement, standings),
    ]
    label = found[0].label if len(found) == 1 else f"{found[0].label} to {found[-1].label}"
    return sheet(
        setting,
        "funnel",
        "Funnel",
        label + ("" if setting.as_of >= whole.ends else f", so far (until {setting.today:%Y-%m-%d})"),
        headlines=_headlines(log, agreement, whole),
        parts=parts,
        unknown=_unknown(setting, log, whole),
    )


def _stages(agreement: Agreement) -> list[Stage]:
    return [stage for stage in agreement.stages if stage.used]


def _by_period(log: Log, agreement: Agreement, found: Sequence[Period]) -> Part:
    rows: list[tuple[Cell, ...]] = []
    spans = [(one.label, span_of(one, agreement)) for one in found]
    for stage in _stages(agreement):
        figures = [_count(f"entries.{stage.name}.{label}", _into(log, stage, span)) for label, span in spans]
        rows.append((stage.label, *figures))
    says = "Everybody who entered, passed on a jump included. The people of one period are not those of the next."
    return Part("periods", "Entries by period", ("stage", *(one.label for one in found)), tuple(rows), says)


def _entries(log: Log, agreement: Agreement, span: Span, lead_type: str | None, of: str) -> Part:
    rows = []
    for stage in _stages(agreement):
        key = f"funnel.{f'{lead_type}.' if lead_type else ''}{stage.name}"
        those = [one for one in _into(log, stage, span) if lead_type in (None, one.lead_type)]
        rows.append(
            (
                stage.label,
                _count(key, those),
                _count(f"{key}.new", [one for one in those if not one.again]),
                _count(f"{key}.again", [one for one in those if one.again]),
                _count(f"{key}.passed", [one for one in those if one.passed]),
                _count(f"{key}.workload", [one for one in those if not one.passed]),
                _count(f"{key}.by_hand", [one for one in those if one.by_hand]),
            )
        )
    columns = ("stage", "entries", "new", "re-entered", "only passed", "for workload", "by people or CRM")
    says = (
        "Only passed: stamped on a jump; counted for the funnel, left out for workload. Adopted people enter nothing."
    )
    return Part(f"entries{of}", f"Entries{of or ' in all'}", columns, tuple(rows), says)


def _into(log: Log, stage: Stage, span: Span) -> list[Entry]:
    return [one for one in log.entries if one.stage == stage.name and span.has(one.at)]


def _conversion(setting: Setting, log: Log, found: Sequence[Period], within: timedelta) -> Part:
    rows: list[tuple[Cell, ...]] = []
    for before, after in steps(setting.agreement.stages):
        for period in found:
            cohort = _into(log, before, span_of(period, setting.agreement))
            if cohort:
                rows.append(_cohort(before, after, period, cohort, log, within, setting))
    columns = ("from", "to", "entered in", "cohort", "got there", "rate", "median days", "")
    says = (
        f"Of those who entered in a period, how many got at least to the next stage within {within.days} days."
        " Maturing: not everybody has had that long, so the rate can only rise."
    )
    return Part("conversion", f"Conversion within {within.days} days", columns, tuple(rows), says)


def _cohort(
    before: Stage,
    after: Stage,
    period: Period,
    cohort: Sequence[Entry],
    log: Log,
    within: timedelta,
    setting: Setting,
) -> tuple[Cell, ...]:
    key = f"conversion.{before.name}.{after.name}.{period.label}"
    reached = {id(one): log.reached(one, after.name, within) for one in cohort}
    there = [one for one in cohort if reached[id(one)] is not None]
    days = [(at - one.at).total_seconds() / 86400 for one in there if (at := reached[id(one)])]
    young = any(reached[id(one)] is None and one.at + within > setting.as_of for one in cohort)
    return (
        before.label,
        after.label,
        period.label,
        _count(f"{key}.cohort", cohort),
        _count(f"{key}.reached", there),
        share_of(f"{key}.rate", (one.person_id for one in there), len(cohort)),
        Figure(f"{key}.days", quantile(days, 0.5), unit="days"),
        "maturing" if young else "",
    )


def _time_in_stage(log: Log, agreement: Agreement, span: Span) -> Part:
    rows = []
    for stage in _stages(agreement):
        those = [one for one in log.visits if one.stage == stage.name and span.has(one.left_at)]
        if those:
            rows.append((stage.label, _visits(f"visits.{stage.name}", those), *_days(stage.name, those)))
    says = (
        "Completed only: visits that ended in this time. Who is still there is left out, so it leans to the short side."
    )
    return Part("time_in_stage", "Time in stage", ("stage", "completed visits", "median", "p90"), tuple(rows), says)


def _days(stage: str, those: Sequence[Visit]) -> tuple[Figure, Figure]:
    days = [one.days for one in those]
    return (
        Figure(f"time_in_stage.{stage}.median", quantile(days, 0.5), unit="days"),
        Figure(f"time_in_stage.{stage}.p90", quantile(days, 0.9), unit="days"),
    )


def _snapshot(agreement: Agreement, standings: Iterable[Standing]) -> Part:
    there: dict[str, list[Standing]] = {}
    for one in standings:
        there.setdefault(one.stage or "", []).append(one)
    order = [(stage.name, stage.label) for stage in agreement.stages]
    order += [(name, name or "no stage") for name in sorted(there) if name not in dict(order)]
    rows = tuple(
        (
            label,
            count(f"standing.{name}", (one.person_id for one in there[name])),
            count(f"standing.{name}.adopted", (one.person_id for one in there[name] if one.adopted)),
        )
        for name, label in order
        if name in there
    )
    says = "Now, as the connector confirmed it. Adopted: taken as they stood, and moved by nothing since."
    return Part("standing", "Where everybody stands", ("stage", "tracks", "of them adopted"), rows, says)


def _headlines(log: Log, agreement: Agreement, span: Span) -> Iterable[str]:
    for stage in _stages(agreement):
        those = _into(log, stage, span)
        if those and (stage.hands_over or (stage.enter and stage.enter.deal == "won")):
            again = sum(one.again for one in those)
            yield f"{len(those):,} entered {stage.label}{f', {again:,} of them again' if again else ''}."


def _unknown(setting: Setting, log: Log, span: Span) -> Iterable[str]:
    if not log.entries:
        yield "no move is on record yet; they are logged from the first run on that is not only observing"
    yield from versions(setting, log, span)


def _count(key: str, those: Sequence[Entry]) -> Figure:
    return count(key, (one.person_id for one in those))


def _visits(key: str, those: Sequence[Visit]) -> Figure:
    ids = tuple(one.person_id for one in those)
    return Figure(key, len(ids), Named(len(ids), ids[:MOST_IDS]))
