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
from connector.agreement.terms import Attempts, Calendar, Goal, Paper, Sla, Texts, Touch
from connector.agreement.vocabulary import ANSWERS, DERIVED, HOLDS, OUTPUTS
from connector.agreement.wiring import Wiring

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

#: What a line of the task may fill in; a line with a place that is empty for a person is left out.
PLACES = (
    "who",
    "name",
    "title",
    "company",
    "stage",
    "lead_type",
    "persona",
    "grade",
    "fit",
    "engagement",
    "why",
    "reasons",
    "say",
    "ask_next",
    "due",
    "record",
    *ANSWERS,
    "accepted",
    "returned_not_ready",
    "rejected",
)

#: Which reasons have words of their own, and what these may fill in.
WHY = {
    "score": ("fit", "engagement", "stage"),
    "fast_track": ("signal", "stage"),
    "call_back": ("day", "stage"),
}


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


def check_touches(attempts: Attempts, wiring: Wiring, source: Source, reading: Reading) -> None:
    """What an attempt or a contact is recognised by is something this CRM's file delivers."""
    for part, touches in (("counts", attempts.counts), ("connects", attempts.connects)):
        for touch in touches:
            path, fields = (part, touch.name), wiring.fields.get(touch.kind, {})
            outcome = fields.get("outcome")
            for each in (*touch.outcomes, *touch.unless):
                if outcome is None or outcome.values:
                    reading.known(source, path, f"outcome of a {touch.kind}", each, outcome.values if outcome else ())
            if both := set(touch.outcomes) & set(touch.unless):
                what = f'"{min(both)}" stands in outcome_any_of and in unless_outcome_any_of.'
                reading.complain(source, path, what, "Remove it from one of them.")
            if touch.direction and "direction" not in fields:
                what = f"asks for a direction, and nothing says which way a {touch.kind} goes."
                reading.complain(source, path, what, f"Remove it, or map direction in [{touch.kind}.fields].")
            if touch.seconds_at_least and "duration_ms" not in fields:
                what = f"asks for seconds, and nothing says how long a {touch.kind} lasted."
                reading.complain(source, path, what, f"Remove it, or map duration_ms in [{touch.kind}.fields].")


def build_texts(shape: TextsShape, source: Source, reading: Reading) -> Texts:
    """The texts of the language, each with nothing but known places to fill in."""
    for key, text in (("task_subject", shape.task_subject), ("task_body", shape.task_body)):
        _check_places((key,), text, PLACES, source, reading)
    for name, text in shape.why.items():
        if reading.known(source, ("why", name), "kind of reason", name, WHY):
            _check_places(("why", name), text, WHY[name], source, reading)
    for name in shape.questions:
        reading.known(source, ("questions", name), "field", name, [*reading.types, *DERIVED])
    for name in shape.labels:
        reading.known(source, ("labels", name), "property of ours", name, [*OUTPUTS, *HOLDS])
    return Texts(
        shape.task_subject,
        shape.task_body,
        shape.task_no_name,
        tuple(shape.weekdays),
        shape.why,
        shape.questions,
        shape.labels,
    )


def _check_places(path: tuple[str, ...], text: str, known: tuple[str, ...], source: Source, reading: Reading) -> None:
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        reading.complain(source, path, "has a brace that is not closed.", "Write {name}, or {{ for a plain brace.")
        return
    for _, place, form, conversion in parts:
        if place is None:
            continue
        if reading.known(source, path, "place", place, known) and (form or conversion):
            reading.complain(source, path, f"asks for a form of {place}.", f"Write only {{{place}}}.")
