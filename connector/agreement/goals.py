"""
Goals per period: built from agreement.toml, what holds in a period, and what may not be changed while it runs.

A goal can be corrected in the middle of a period only by a line that says on which day, to how much and why. The
correction holds for the period its day lies in; the next period is measured by the goal itself again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from connector.agreement.metrics import known
from connector.agreement.periods import Period, period_of
from connector.agreement.reading import Reading
from connector.agreement.shapes.lifecycle import LifecycleShape
from connector.agreement.shapes.paper import AgreementShape, GoalShape
from connector.agreement.source import Source
from connector.agreement.terms import Correction, Goal, Stage
from connector.errors import Problem

#: The field that says where a person came from, which a goal of one source is counted by.
SOURCE = "source_first"

SIDES = ("marketing", "sales")


def build_goals(shape: AgreementShape, source: Source, lifecycle: LifecycleShape, reading: Reading) -> tuple[Goal, ...]:
    """The goals, checked: a known metric, a side, a lead type that exists, a source that can be told."""
    used = [Stage(name, stage.label or name, stage.owner) for name, stage in lifecycle.stages.items() if stage.used]
    metrics = known(used)
    for name, row in shape.goals.items():
        path = ("goals", name)
        promised = [one.name for one in metrics.values() if one.promised]
        if reading.known(source, (*path, "metric"), "metric", row.metric, promised):
            _check_number(name, row, metrics[row.metric].unit == "share", source, reading)
        if row.owner:
            reading.known(source, (*path, "owner"), "side", row.owner, SIDES)
        if row.lead_type is not None:
            reading.known(source, (*path, "lead_type"), "lead type", row.lead_type, lifecycle.lead_types)
        if row.source is not None:
            reading.use(source, (*path, "source"), SOURCE)
        _check_corrections(name, row, source, reading)
    return tuple(
        Goal(
            name,
            row.metric,
            row.period,
            row.at_least,
            row.owner,
            row.lead_type,
            row.source,
            tuple(sorted((Correction(one.on, one.at_least, one.why) for one in row.corrections), key=_day)),
        )
        for name, row in shape.goals.items()
    )


def _check_number(name: str, row: GoalShape, is_share: bool, source: Source, reading: Reading) -> None:
    if is_share and row.at_least > 1:
        what = f"{row.metric} is a share, and {row.at_least:g} is more than everybody."
        reading.complain(source, ("goals", name, "at_least"), what, "Write 0.6 for 60 %.")


def _check_corrections(name: str, row: GoalShape, source: Source, reading: Reading) -> None:
    days = [one.on for one in row.corrections]
    for number, day in enumerate(days):
        if day in days[:number]:
            what = f"corrects the goal twice on {day:%Y-%m-%d}."
            reading.complain(source, ("goals", name, "corrections"), what, "Keep one line for each day.")


def _day(one: Correction) -> date:
    return one.on


# -- what holds ---------------------------------------------------------------------------------------------------


def correction_in(goal: Goal, period: Period) -> Correction | None:
    """The last correction within a period."""
    return next((one for one in reversed(goal.corrections) if period.begins <= one.on < period.ends), None)


def held(goal: Goal, period: Period) -> float:
    """How much the goal asks for in a period: its own number, or what it was corrected to."""
    correction = correction_in(goal, period)
    return goal.at_least if correction is None else correction.at_least


# -- what may change while a period runs ------------------------------------------------------------------------------


def goal_changes_without_correction(
    signed: Iterable[Goal], now: Iterable[Goal], today: date, fiscal_year_starts: int = 1
) -> list[Problem]:
    """What is wrong with how goals differ from the last signed ones: a promise of a running period that was changed,
    or dropped, without a correction line. New goals are free; so is a change that begins with the next period, once
    a correction keeps the old number until then."""
    present = {goal.name: goal for goal in now}
    problems: list[Problem] = []
    for before in signed:
        period = period_of(today, before.period, fiscal_year_starts)
        told = _changed(before, present.get(before.name), period)
        if told:
            line = f'corrections = [{{ on = {today:%Y-%m-%d}, at_least = {{number}}, why = "..." }}]'
            fix = f"The {before.period} {period.label} runs until {_last(period)}. "
            fix += (
                "Keep its metric, period, lead type and source, and promise the other thing under another name."
                if told.startswith("counts")
                else f"Add {line.replace('{number}', _wanted(before, present.get(before.name)))} to the goal."
            )
            problems.append(Problem(f"agreement.toml, goals.{before.name}", told, fix))
    return problems


def _changed(before: Goal, after: Goal | None, period: Period) -> str:
    promised = held(before, period)
    if after is None:
        return f"the goal of {promised:g} was signed and is gone." if promised else ""
    if _counts(after) != _counts(before):
        return "counts something else than what was signed."
    holds, line = held(after, period), correction_in(after, period)
    if holds == promised or (line is not None and line.at_least == holds and line not in before.corrections):
        return ""
    return f"asks for {holds:g} where {promised:g} was signed, and no correction says why."


def _counts(goal: Goal) -> tuple[str, str, str | None, str | None]:
    return goal.metric, goal.period, goal.lead_type, goal.source


def _wanted(before: Goal, after: Goal | None) -> str:
    return "0" if after is None else f"{after.at_least:g}"


def _last(period: Period) -> str:
    return f"{date.fromordinal(period.ends.toordinal() - 1):%Y-%m-%d}"
