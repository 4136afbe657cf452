"""What sales promises: connect attempts, follow-up times, the calendar; and the goals of both sides."""

from __future__ import annotations

from collections.abc import Iterator

from connector.agreement.sentences.words import Sentence, Words, both, capital, either, fields, quoted, with_article
from connector.agreement.terms import Agreement, Attempts, Cadence, Calendar, Goal, Sla, Touch
from connector.agreement.words import label_of
from connector.wording import counted, number

BASICS = "Basics"
ATTEMPTS = "Connect attempts"
SLA = "Follow-up times"
GOALS = "Goals"

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_APPLY = {
    "new_facts": "A changed rule moves a person at their next new fact; nobody loses a stage by the change alone.",
    "everyone": "A changed rule moves everybody it applies to at once, up and down.",
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
        yield from (Sentence(f"sla.{sla.name}{key}", SLA, f"{text}.") for key, text in _clocks(sla))
    yield from _calendar("calendar", "", agreement.calendar)
    for name, calendar in agreement.calendars.items():
        yield from _calendar(f"calendars.{name}", f"In the calendar {label_of(name)}: ", calendar)
    for goal in agreement.paper.goals:
        yield Sentence(f"goals.{goal.name}", GOALS, f"{_goal(goal, words)}.")


def _goal(goal: Goal, words: Words) -> str:
    """What is promised, of whom, and how it was corrected."""
    whose = f"{capital(goal.owner)} promises" if goal.owner else "Promised are"
    lead_type = [f"of the lead type {words.value('lead_type', goal.lead_type)}"] if goal.lead_type else []
    source = [f"from the source {quoted(goal.source)}"] if goal.source else []
    of = " ".join(
        [
            f"{words.promise(goal.metric, goal.at_least)} a {goal.period}{words.share_of(goal.metric)}",
            *lead_type,
            *source,
        ]
    )
    corrected = [
        f"since {one.on:%Y-%m-%d} {words.promise(goal.metric, one.at_least)} in that {goal.period}"
        for one in goal.corrections
    ]
    return f"{whose} {of}" + (f", corrected: {both(corrected)}" if corrected else "")


def _attempts(attempts: Attempts) -> Iterator[Sentence]:
    for touch in attempts.counts:
        yield Sentence(f"counts.{touch.name}", ATTEMPTS, f"{_touch(touch)} counts as a connect attempt{_as(touch)}.")
    for touch in attempts.connects:
        yield Sentence(f"connects.{touch.name}", ATTEMPTS, f"{_touch(touch)} counts as a contact{_as(touch)}.")
    gap = counted(attempts.gap_minutes, "minute")
    yield Sentence("gap_minutes", ATTEMPTS, f"Attempts less than {gap} apart are one.")
    yield Sentence("by", ATTEMPTS, f"An attempt may be made by {_BY[attempts.by]}.")
    text = f"Of a sequence that somebody started by hand {_STEPS[attempts.sequences]}."
    yield Sentence("sequence_started_by_hand", ATTEMPTS, text)
    if attempts.cadence:
        yield Sentence("cadence", ATTEMPTS, f"A person is fully worked with {_cadence(attempts.cadence)}.")
    yield Sentence("exhausted_after", ATTEMPTS, f"{_exhausted(attempts)}.")


_BY = {
    "anyone": "anyone in sales",
    "owner": "only the owner of the person",
    "team": "only the owner of the person or somebody of a team of theirs",
}
_STEPS = {
    "first_step": "the first step counts, its later automatic steps do not",
    "all_steps": "every step counts",
    "none": "no step counts",
}


def _as(touch: Touch) -> str:
    said = f" by {label_of(touch.channel)}" if touch.channel else ""
    said += ", once in a hand-off at most" if touch.once else ""
    return f"{said}, and warns {quoted(label_of(touch.warns))}" if touch.warns else said


def _cadence(full: Cadence) -> str:
    said = f"at least {counted(full.attempts_at_least, 'attempt')}, on at least"
    said += (
        f" {counted(full.distinct_days_at_least, 'day')}, over at least {counted(full.channels_at_least, 'channel')}"
    )
    if full.each_channel_at_least:
        each = both(f"{number(least)} by {label_of(channel)}" for channel, least in full.each_channel_at_least.items())
        said += f", at least {each}"
    return said if full.within_days is None else f"{said}, within {counted(full.within_days, 'day')} of having an owner"


def _exhausted(attempts: Attempts) -> str:
    days = counted(attempts.exhausted_days, "day")
    whole = ", and not before the person is fully worked" if attempts.exhausted_by_whole_cadence else ""
    if attempts.exhausted_attempts is None:
        ends = f", not even after {days}" if attempts.exhausted_days else ""
        return f"However often it was tried, it is never enough{ends}{whole}"
    tried = counted(attempts.exhausted_attempts, "attempt")
    return f"It has been tried enough after {tried} without a contact, not before {days} after the hand-off{whole}"


def _clocks(sla: Sla) -> Iterator[tuple[str, str]]:
    """Each promise of a class of follow-up, with the key that it has there."""
    of, hours = f"{capital(label_of(sla.name))} follow-up", "business hour"
    within = f" in the hours of the calendar {label_of(sla.calendar)}" if sla.calendar else ""
    first = counted(sla.first_attempt_within_hours, hours)
    yield "", f"{of}: the first attempt comes within {first} of having an owner{within}"
    if sla.owner_within_hours is not None:
        owner = counted(sla.owner_within_hours, hours)
        yield ".owner_within_hours", f"{of}: somebody owns the person within {owner} of the hand-off"
    if sla.answer_within_hours is not None:
        answer = counted(sla.answer_within_hours, hours)
        yield ".answer_within_hours", f"{of}: sales says what became of the person within {answer} of having an owner"
    if sla.conversation_within_hours is not None:
        contact = counted(sla.conversation_within_hours, hours)
        yield ".conversation_within_hours", f"{of}: a contact comes within {contact} of the first attempt"
    if sla.lead_to_touch_within_hours is not None:
        hour = "hour of the clock" if sla.lead_counts == "all_hours" else hours
        wait = counted(sla.lead_to_touch_within_hours, hour, f"{hour.replace('hour', 'hours', 1)}")
        yield ".lead_to_touch_within_hours", f"{of}: from the signal on the person waits {wait} at most"


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


def _calendar(path: str, of: str, calendar: Calendar) -> Iterator[Sentence]:
    days = both(_DAYS[day % 7] for day in calendar.days)
    hours = f"{calendar.opens:%H:%M} to {calendar.closes:%H:%M}"
    zone = f" in the time zone {calendar.zone.key}" if calendar.zone else ""
    whose = f", for the owners of {either(map(quoted, calendar.teams))}" if calendar.teams else ""
    yield Sentence(path, SLA, f"{of}{'b' if of else 'B'}usiness hours are {days}, {hours}{zone}{whose}.")
    nobody = f"{of}{'n' if of else 'N'}obody works on"
    if calendar.country or calendar.subdivision:
        where = "-".join(filter(None, (calendar.country, calendar.subdivision)))
        yield Sentence(f"{path}.holidays", SLA, f"{nobody} the public holidays of {where}.")
    if calendar.days_off:
        off = both(day.isoformat() for day in sorted(calendar.days_off))
        yield Sentence(f"{path}.days_off", SLA, f"{nobody} {off}.")
