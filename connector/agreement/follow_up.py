"""From attempts.toml and the calendar and SLA of agreement.toml to terms: what sales promises, and when it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import holidays

from connector.agreement.complaints import did_you_mean
from connector.agreement.reading import Reading
from connector.agreement.shapes.lifecycle import AttemptsShape, CadenceShape, TouchShape
from connector.agreement.shapes.paper import AgreementShape, CalendarShape, SlaShape
from connector.agreement.source import Source
from connector.agreement.terms import Attempts, Cadence, Calendar, Sla, Touch
from connector.agreement.wiring import Wiring

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

#: What a kind of activity is a channel of, where the line does not say.
_CHANNELS = {"call": "phone", "email": "email", "meeting": "meeting", "task": "task"}


def find_zone(name: str, path: Sequence[str | int], source: Source, reading: Reading) -> ZoneInfo | None:
    """A time zone by its name; None, after a complaint, for one that does not exist."""
    if name in _zones():
        return ZoneInfo(name)
    reading.complain(source, path, f'there is no time zone "{name}".', did_you_mean(name, _zones()))
    return None


@cache
def _zones() -> frozenset[str]:
    """Every zone of this machine; looking them all up costs more than reading the files of an agreement."""
    return frozenset(available_timezones())


# -- calendars ---------------------------------------------------------------------------------------------------


def build_calendar(shape: CalendarShape, path: tuple[str, ...], source: Source, reading: Reading) -> Calendar:
    """Business hours, with the country whose public holidays are kept ("PL", or "DE-BY" for a part of it)."""
    opens, closes = time.fromisoformat(shape.opens), time.fromisoformat(shape.closes)
    if opens >= closes:
        reading.complain(source, (*path, "closes"), "is not later than opens.", "Say when work ends.")
    if not shape.days:
        reading.complain(source, (*path, "days"), "is empty, so nothing would ever be due.", "Name a day.")
    country, _, part = (shape.holidays or "").partition("-")
    _check_country(country, part, (*path, "holidays"), source, reading)
    days = tuple(sorted({_DAYS.index(day) for day in shape.days}))
    return Calendar(days, opens, closes, country or None, part or None, frozenset(shape.days_off))


def build_calendars(shape: AgreementShape, source: Source, reading: Reading) -> dict[str, Calendar]:
    """Other business hours by name. Whose team has two of them would have none: that is said."""
    found: dict[str, Calendar] = {}
    kept_by: dict[str, str] = {}
    for name, row in shape.calendars.items():
        path = ("calendars", name)
        plain = build_calendar(row, path, source, reading)
        zone = find_zone(row.time_zone, (*path, "time_zone"), source, reading) if row.time_zone else None
        for team in row.teams:
            if team in kept_by:
                what = f'the team "{team}" already keeps the calendar "{kept_by[team]}".'
                reading.complain(source, (*path, "teams"), what, "Name each team once.")
            kept_by.setdefault(team, name)
        found[name] = replace(plain, zone=zone, teams=tuple(row.teams))
    return found


def _check_country(country: str, part: str, path: tuple[str, ...], source: Source, reading: Reading) -> None:
    known = holidays.list_supported_countries()
    if country and country not in known:
        fix = f"{did_you_mean(country, known)} Countries are two capital letters, such as PL."
        reading.complain(source, path, f'no holidays are known for "{country}".', fix)
    elif part and part not in known[country]:
        what = f'no holidays are known for the part "{part}" of {country}.'
        reading.complain(source, path, what, did_you_mean(part, known[country]))


# -- the SLA -------------------------------------------------------------------------------------------------------


def build_slas(shape: AgreementShape, source: Source, reading: Reading) -> dict[str, Sla]:
    """Follow-up classes by name."""
    for name, row in shape.sla.items():
        _check_sla(("sla", name), row, shape, source, reading)
    return {
        name: Sla(
            name,
            row.first_attempt_within_hours,
            row.lead_to_touch_within_hours,
            row.lead_to_touch_counts or "all_hours",
            row.owner_within_hours,
            row.conversation_within_hours,
            row.answer_within_hours,
            row.calendar,
        )
        for name, row in shape.sla.items()
    }


def _check_sla(path: tuple[str, ...], row: SlaShape, shape: AgreementShape, source: Source, reading: Reading) -> None:
    if row.calendar is not None:
        reading.known(source, (*path, "calendar"), "calendar", row.calendar, shape.calendars)
    lead = row.lead_to_touch_within_hours
    if lead is None and row.lead_to_touch_counts is not None:
        what = "says how hours count that are not promised."
        reading.complain(source, (*path, "lead_to_touch_counts"), what, "Add lead_to_touch_within_hours, or remove it.")
    promised = row.first_attempt_within_hours + (row.owner_within_hours or 0.0)
    if lead is not None and lead < promised:
        what = f"is shorter than the {promised:g} hours that finding an owner and the first attempt may take."
        fix = "Whoever keeps the one promise would break the other: give more hours, or promise sales' share sooner."
        reading.complain(source, (*path, "lead_to_touch_within_hours"), what, fix)


# -- connect attempts ------------------------------------------------------------------------------------------------


def build_attempts(shape: AttemptsShape, source: Source, reading: Reading) -> Attempts:
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
    for name, row in connects.items():
        for key in ("once", "warns", "channel", "automation"):
            if key in row.model_fields_set:
                what = f"{key} belongs to an attempt; this is a contact."
                reading.complain(source, ("connects", name, key), what, "Move it to a line under [counts].")
    touches = _touches(counts)
    tried = shape.exhausted_after
    if tried and tried.whole_cadence and shape.cadence is None:
        what = "asks for a whole cadence, and none is agreed."
        reading.complain(source, ("exhausted_after", "whole_cadence"), what, "Add [cadence], or remove it.")
    return Attempts(
        touches,
        _touches(connects),
        shape.gap_minutes,
        shape.by,
        tried.attempts if tried else None,
        tried.days if tried else 0,
        bool(tried and tried.whole_cadence),
        _cadence(shape.cadence, touches, source, reading) if shape.cadence else None,
        shape.sequence_started_by_hand,
    )


def check_touches(shape: AttemptsShape, source: Source, wiring: Wiring, reading: Reading) -> None:
    """What the CRM's file does not tell of an activity would never be seen."""
    for table, rows in (("counts", shape.counts), ("connects", shape.connects)):
        for name, row in rows.items():
            _check_touch((table, name), row, wiring, source, reading)


def _check_touch(path: tuple[str, ...], row: TouchShape, wiring: Wiring, source: Source, reading: Reading) -> None:
    fields = wiring.fields.get(row.kind, {})
    known = _outcomes(row.kind, wiring)
    for key in ("outcome_any_of", "unless_outcome_any_of"):
        for outcome in getattr(row, key) if known else ():
            reading.known(source, (*path, key), f"{row.kind} outcome", outcome, known)
    if both := set(row.outcome_any_of) & set(row.unless_outcome_any_of):
        what = f'"{min(both)}" stands in outcome_any_of and in unless_outcome_any_of.'
        reading.complain(source, path, what, "Remove it from one of them.")
    if row.direction and "direction" not in fields:
        what = f"asks for a direction, and nothing says which way the {row.kind} goes."
        reading.complain(source, path, what, f"Remove it, or map direction in [{row.kind}.fields].")
    if row.seconds_at_least and "duration_ms" not in fields:
        what = f"asks for seconds, and nothing says how long the {row.kind} lasted."
        reading.complain(source, path, what, f"Remove it, or map duration_ms in [{row.kind}.fields].")


def _outcomes(kind: str, wiring: Wiring) -> set[str]:
    """The outcomes that the CRM's file names, those that it never tells included; none where it names no value."""
    spec = wiring.fields.get(kind, {}).get("outcome")
    return {*spec.values, *spec.untold} if spec is not None and spec.values else set()


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
            row.channel or _CHANNELS[row.kind],
            row.once,
            row.warns,
        )
        for name, row in rows.items()
    )


def _cadence(row: CadenceShape, counts: Sequence[Touch], source: Source, reading: Reading) -> Cadence:
    """The agreed sequence, which must be one that somebody can go through."""
    channels = sorted({touch.channel for touch in counts})
    if not row.model_fields_set - {"within_days"}:
        fix = "Say attempts_at_least, distinct_days_at_least, channels_at_least or each_channel_at_least."
        reading.complain(source, ("cadence",), "does not say what has to be done.", fix)
    if row.channels_at_least > len(channels):
        what = f"attempts have {len(channels)} channels: {', '.join(channels)}."
        reading.complain(source, ("cadence", "channels_at_least"), what, "Ask for no more, or let more count.")
    for name in row.each_channel_at_least:
        reading.known(source, ("cadence", "each_channel_at_least", name), "channel", name, channels)
    if row.within_days is not None and row.within_days < row.distinct_days_at_least:
        what = f"{row.distinct_days_at_least} days do not fit into {row.within_days}."
        reading.complain(source, ("cadence", "within_days"), what, "Give more days, or ask for fewer.")
    return Cadence(
        row.attempts_at_least,
        row.distinct_days_at_least,
        row.channels_at_least,
        row.each_channel_at_least,
        row.within_days,
    )
