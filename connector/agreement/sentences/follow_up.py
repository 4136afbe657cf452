"""What sales promises: connect attempts, follow-up times, the calendar; and the goals of both sides."""

from __future__ import annotations

from collections.abc import Iterator

from connector.agreement.sentences.words import (
    Sentence,
    Words,
    both,
    capital,
    counted,
    either,
    fields,
    number,
    with_article,
)
from connector.agreement.terms import Agreement, Attempts, Calendar, Touch
from connector.agreement.words import label_of

BASICS = "Basics"
ATTEMPTS = "Connect attempts"
SLA = "Follow-up times"
GOALS = "Goals"

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_APPLY = {
    "new_facts": "A changed rule moves a person at their next new fact.",
    "everyone": "A changed rule moves everybody it applies to at once.",
}


def basics(agreement: Agreement) -> Iterator[Sentence]:
    """What holds for all the rest."""
    zone = agreement.zone.key
    yield Sentence("time_zone", BASICS, f"Days, deadlines and periods are counted in the time zone {zone}.")
    yield Sentence("apply_to", BASICS, _APPLY[agreement.apply_to])


def sentences(agreement: Agreement, words: Words) -> Iterator[Sentence]:
    """Attempts, clocks, calendar and goals."""
    yield from _attempts(agreement.attempts)
    for sla in agreement.slas.values():
        hours = counted(sla.first_attempt_within_hours, "business hour")
        text = f"{capital(label_of(sla.name))} follow-up: the first attempt comes within {hours} of having an owner."
        yield Sentence(f"sla.{sla.name}", SLA, text)
    yield from _calendar(agreement.calendar)
    for goal in agreement.paper.goals:
        whose = f"{capital(goal.owner)} promises" if goal.owner else "Promised are"
        text = f"{whose} at least {number(goal.at_least)} {words.metric(goal.metric)} a {goal.period}."
        yield Sentence(f"goals.{goal.name}", GOALS, text)


def _attempts(attempts: Attempts) -> Iterator[Sentence]:
    for touch in attempts.counts:
        yield Sentence(f"counts.{touch.name}", ATTEMPTS, f"{_touch(touch)} counts as a connect attempt.")
    for touch in attempts.connects:
        yield Sentence(f"connects.{touch.name}", ATTEMPTS, f"{_touch(touch)} counts as a contact.")
    gap = counted(attempts.gap_minutes, "minute")
    yield Sentence("gap_minutes", ATTEMPTS, f"Attempts less than {gap} apart are one.")
    who = "only the owner of the person" if attempts.by == "owner" else "anyone in sales"
    yield Sentence("by", ATTEMPTS, f"An attempt may be made by {who}.")
    days = counted(attempts.exhausted_days, "day")
    if attempts.exhausted_attempts is None:
        ends = f", not even after {days}" if attempts.exhausted_days else ""
        yield Sentence("exhausted_after", ATTEMPTS, f"However often it was tried, it is never enough{ends}.")
    else:
        tried = counted(attempts.exhausted_attempts, "attempt")
        text = f"It has been tried enough after {tried} without a contact, and not before {days} after the hand-off."
        yield Sentence("exhausted_after", ATTEMPTS, text)


def _touch(touch: Touch) -> str:
    said = capital(with_article(" ".join(filter(None, (touch.direction, touch.kind)))))
    said += " by a person or a machine" if touch.automation else " by a person"
    if touch.outcomes:
        said += f" with the outcome {either(fields(touch.outcomes))}"
    if touch.seconds_at_least:
        said += f" of at least {counted(touch.seconds_at_least, 'second')}"
    if touch.unless:
        said += f", unless the outcome is {either(fields(touch.unless))},"
    return said


def _calendar(calendar: Calendar) -> Iterator[Sentence]:
    days = both(_DAYS[day % 7] for day in calendar.days)
    hours = f"{calendar.opens:%H:%M} to {calendar.closes:%H:%M}"
    yield Sentence("calendar.days", SLA, f"Business hours are {days}, {hours}.")
    if calendar.country or calendar.subdivision:
        where = "-".join(filter(None, (calendar.country, calendar.subdivision)))
        yield Sentence("calendar.holidays", SLA, f"Nobody works on the public holidays of {where}.")
    if calendar.days_off:
        off = both(day.isoformat() for day in sorted(calendar.days_off))
        yield Sentence("calendar.days_off", SLA, f"Nobody works on {off}.")
