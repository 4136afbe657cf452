"""From agreement.toml, attempts.toml and texts.<language>.toml to terms."""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import time
from zoneinfo import ZoneInfo, available_timezones

import holidays

from connector.agreement.complaints import did_you_mean
from connector.agreement.reading import Reading
from connector.agreement.shapes.lifecycle import AttemptsShape, TouchShape
from connector.agreement.shapes.paper import AgreementShape, CalendarShape, TextsShape
from connector.agreement.source import Source
from connector.agreement.terms import Attempts, Calendar, Goal, Paper, Sla, Touch

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

#: The texts of a hand-off task where texts.<language>.toml leaves them out.
TEXTS = {
    "task_subject": "{stage}: {name}",
    "task_body": (
        "{name}, {title} at {company}\n{why}\nAsk next: {ask_next}\nDue: {due}\n"
        "Accept: set the lead status to what you did. Return: set the lead status and say why."
    ),
    "task_nothing_to_ask": "nothing is missing",
    "task_no_name": "a contact without a name",
}
PLACES = (
    "ask_next",
    "company",
    "due",
    "engagement",
    "fit",
    "grade",
    "name",
    "persona",
    "reasons",
    "say",
    "stage",
    "title",
    "why",
)


def build_zone(shape: AgreementShape, source: Source, reading: Reading) -> ZoneInfo:
    """The business time zone; UTC stands in for one that does not exist, after a complaint."""
    if shape.time_zone in available_timezones():
        return ZoneInfo(shape.time_zone)
    what = f'there is no time zone "{shape.time_zone}".'
    reading.complain(source, ("time_zone",), what, did_you_mean(shape.time_zone, available_timezones()))
    return ZoneInfo("UTC")


def build_calendar(shape: CalendarShape, source: Source, reading: Reading) -> Calendar:
    """Business hours, with the country whose public holidays are kept ("PL", or "DE-BY" for a part of it)."""
    opens, closes = time.fromisoformat(shape.opens), time.fromisoformat(shape.closes)
    if opens >= closes:
        reading.complain(source, ("calendar", "closes"), "is not later than opens.", "Say when work ends.")
    if not shape.days:
        reading.complain(source, ("calendar", "days"), "is empty, so nothing would ever be due.", "Name a day.")
    country, _, part = (shape.holidays or "").partition("-")
    _check_country(country, part, source, reading)
    days = tuple(sorted({_DAYS.index(day) for day in shape.days}))
    return Calendar(days, opens, closes, country or None, part or None, frozenset(shape.days_off))


def _check_country(country: str, part: str, source: Source, reading: Reading) -> None:
    known = holidays.list_supported_countries()
    if country and country not in known:
        fix = f"{did_you_mean(country, known)} Countries are two capital letters, such as PL."
        reading.complain(source, ("calendar", "holidays"), f'no holidays are known for "{country}".', fix)
    elif part and part not in known[country]:
        what = f'no holidays are known for the part "{part}" of {country}.'
        reading.complain(source, ("calendar", "holidays"), what, did_you_mean(part, known[country]))


def build_slas(shape: AgreementShape) -> dict[str, Sla]:
    """Follow-up classes by name."""
    return {name: Sla(name, row.first_attempt_within_hours) for name, row in shape.sla.items()}


def build_paper(shape: AgreementShape, source: Source, reading: Reading) -> Paper:
    """What people read and sign."""
    if shape.effective_from and shape.review_by and shape.review_by <= shape.effective_from:
        reading.complain(source, ("review_by",), "is not later than effective_from.", "Say when to look at it again.")
    goals = tuple(Goal(name, row.metric, row.period, row.at_least, row.owner) for name, row in shape.goals.items())
    approvals = {
        side: {"name": row.name, "on": row.on.isoformat() if row.on else ""} for side, row in shape.approvals.items()
    }
    return Paper(
        shape.summary, shape.effective_from, shape.review_by, shape.fiscal_year_starts, approvals, shape.glossary, goals
    )


def build_attempts(shape: AttemptsShape) -> Attempts:
    """What counts as an attempt and as a contact; without a file, outbound calls and e-mails and any answer."""
    counts = shape.counts or {
        "outbound_call": TouchShape(kind="call", direction="outbound"),
        "own_email": TouchShape(kind="email", direction="outbound"),
    }
    connects = shape.connects or {
        "talked": TouchShape(kind="call", outcome_any_of=["connected"]),
        "called_in": TouchShape(kind="call", direction="inbound"),
        "replied": TouchShape(kind="email", direction="inbound"),
        "met": TouchShape(kind="meeting", outcome_any_of=["completed"]),
    }
    tried = shape.exhausted_after
    return Attempts(
        _touches(counts),
        _touches(connects),
        shape.gap_minutes,
        shape.by,
        tried.attempts if tried else None,
        tried.days if tried else 0,
    )


def _touches(rows: Mapping[str, TouchShape]) -> tuple[Touch, ...]:
    return tuple(
        Touch(
            name,
            row.kind,
            row.direction,
            tuple(row.outcome_any_of),
            row.seconds_at_least,
            row.automation,
            tuple(row.unless_outcome_any_of),
        )
        for name, row in rows.items()
    )


def build_texts(shape: TextsShape, source: Source, reading: Reading) -> dict[str, str]:
    """The texts of the language, each with nothing but known places to fill in."""
    texts = dict(TEXTS)
    for key, text in shape.model_dump(exclude_none=True).items():
        try:
            places = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
        except ValueError:
            reading.complain(
                source, (key,), "has a brace that is not closed.", "Write {name}, or {{ for a plain brace."
            )
            continue
        for place in places:
            reading.known(source, (key,), "place", place, PLACES)
        texts[key] = text
    return texts
