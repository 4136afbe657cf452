"""The written promise of sales: attempts, cadence, SLA and calendars, with a message for each way to write it wrong."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from connector.agreement.fingerprint import of_definitions
from connector.agreement.terms import Cadence, Sla

from .conftest import Folder

SLA = "standard = { first_attempt_within_hours = 8"
LEAD = "lead_to_touch_within_hours = 72"
WRONG_NUMBER = 'warns = "bad_contact_data"'
JAKARTA = """
[calendars.jakarta]
time_zone = "Asia/Jakarta"
opens = "08:00"
holidays = "ID"
teams = ["Sales Jakarta"]

[sla]"""

#: file, text, its replacement, where the complaint must point, parts of what it must say
WRONG = [
    (
        "agreement.toml",
        SLA,
        "standard = { first_attempt_within_hour = 8",
        "sla.standard",
        ['"first_attempt_within_hours"'],
    ),
    (
        "agreement.toml",
        SLA,
        "standard = { first_attempt_within_hours = 0",
        "first_attempt_within_hours",
        ["should be more than 0"],
    ),
    (
        "agreement.toml",
        LEAD,
        "lead_to_touch_within_hours = -1",
        "lead_to_touch_within_hours",
        ["should be more than 0"],
    ),
    ("agreement.toml", LEAD, 'lead_to_touch_within_hours = "2 days"', "lead_to_touch_within_hours", ["number"]),
    ("agreement.toml", LEAD, f'{LEAD}, lead_to_touch_counts = "hours"', "lead_to_touch_counts", ['"all_hours" or']),
    ("agreement.toml", LEAD, 'lead_to_touch_counts = "all_hours"', "lead_to_touch_counts", ["not promised", "Add"]),
    (
        "agreement.toml",
        LEAD,
        "lead_to_touch_within_hours = 9",
        "lead_to_touch_within_hours",
        ["shorter than the 12 hours", "more hours"],
    ),
    (
        "agreement.toml",
        LEAD,
        f"{LEAD}, conversation_within_hours = 0",
        "conversation_within_hours",
        ["should be more than 0"],
    ),
    ("agreement.toml", LEAD, f"{LEAD}, answer_within_hours = true", "answer_within_hours", ["number"]),
    (
        "agreement.toml",
        "owner_within_hours = 4",
        "owner_within_hours = 0",
        "owner_within_hours",
        ["should be more than 0"],
    ),
    (
        "agreement.toml",
        LEAD,
        f"{LEAD}, conversation_in_hours = 8",
        "sla.standard",
        ["conversation_in_hours", '"conversation_within_hours"'],
    ),
    ("agreement.toml", LEAD, f'{LEAD}, calendar = "jakarta"', "sla.standard.calendar", ['unknown calendar "jakarta"']),
    (
        "agreement.toml",
        "\n[sla]",
        JAKARTA.replace("Asia/Jakarta", "Asia/Jakata"),
        "calendars.jakarta.time_zone",
        ['"Asia/Jakata"', '"Asia/Jakarta"'],
    ),
    (
        "agreement.toml",
        "\n[sla]",
        JAKARTA.replace('"ID"', '"XX"'),
        "calendars.jakarta.holidays",
        ['"XX"', "two capital letters"],
    ),
    ("agreement.toml", "\n[sla]", JAKARTA.replace("08:00", "8"), "calendars.jakarta.opens", ["time of day"]),
    (
        "agreement.toml",
        "\n[sla]",
        JAKARTA.replace("08:00", "18:00"),
        "calendars.jakarta.closes",
        ["not later than opens"],
    ),
    ("agreement.toml", "\n[sla]", JAKARTA.replace("opens", "open"), "calendars.jakarta", ['"opens"']),
    (
        "agreement.toml",
        "\n[sla]",
        JAKARTA.replace("[sla]", '[calendars.bandung]\nteams = ["Sales Jakarta"]\n[sla]'),
        "calendars.bandung.teams",
        ['already keeps the calendar "jakarta"'],
    ),
    ("attempts.toml", 'by = "anyone"', 'by = "teem"', "by", ['"team"']),
    ("attempts.toml", '= "first_step"', '= "first"', "sequence_started_by_hand", ['"first_step", "all_steps"']),
    (
        "attempts.toml",
        "sequence_started_by_hand",
        "sequences_started_by_hand",
        "sequences_started_by_hand",
        ['"sequence_started_by_hand"'],
    ),
    ("attempts.toml", "once = true", 'once = "yes"', "counts.wrong_number.once", ["true or false"]),
    ("attempts.toml", WRONG_NUMBER, 'channel = ""', "counts.wrong_number.channel", ["must not be empty"]),
    ("attempts.toml", WRONG_NUMBER, 'warn = "bad_contact_data"', "counts.wrong_number", ["warn", '"warns"']),
    (
        "attempts.toml",
        'talked = { kind = "call",',
        'talked = { kind = "call", once = true,',
        "connects.talked.once",
        ["belongs to an attempt", "[counts]"],
    ),
    (
        "attempts.toml",
        "channels_at_least = 2",
        "channels_at_least = 4",
        "cadence.channels_at_least",
        ["3 channels: email, meeting, phone"],
    ),
    ("attempts.toml", "channels_at_least = 2", "channel_at_least = 2", "cadence", ['"channels_at_least"']),
    (
        "attempts.toml",
        "# each_channel_at_least = { phone = 3, email = 2 }",
        "each_channel_at_least = { phon = 3 }",
        "cadence.each_channel_at_least",
        ['unknown channel "phon"', '"phone"'],
    ),
    (
        "attempts.toml",
        "# each_channel_at_least = { phone = 3, email = 2 }",
        "each_channel_at_least = { phone = 0 }",
        "each_channel_at_least",
        ["should be 1 or more"],
    ),
    ("attempts.toml", "within_days = 14 ", "within_days = 3 ", "cadence.within_days", ["4 days do not fit into 3"]),
    (
        "attempts.toml",
        "distinct_days_at_least = 4",
        "distinct_days_at_least = 0",
        "cadence.distinct_days_at_least",
        ["should be 1 or more"],
    ),
    (
        "attempts.toml",
        "attempts_at_least = 6\ndistinct_days_at_least = 4\nchannels_at_least = 2\n",
        "",
        "cadence",
        ["does not say what has to be done", "attempts_at_least"],
    ),
    ("attempts.toml", "# whole_cadence = true", 'whole_cadence = "yes"', "whole_cadence", ["true or false"]),
    (
        "attempts.toml",
        '"no_answer", "busy"]',
        '"no_anser", "busy"]',
        "counts.outbound_call.outcome_any_of",
        ['unknown call outcome "no_anser"', '"no_answer"'],
    ),
    (
        "attempts.toml",
        '"bounced", "failed"',
        '"bounce", "failed"',
        "counts.personal_email.unless_outcome_any_of",
        ['"bounced"'],
    ),
    (
        "attempts.toml",
        '["completed"] }',
        '["complete"] }',
        "connects.met.outcome_any_of",
        ['unknown meeting outcome "complete"', '"completed"'],
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "where", "says"), WRONG)
def test_a_wrong_promise_is_told_with_file_line_and_key(
    folder: Folder, file: str, old: str, new: str, where: str, says: list[str]
) -> None:
    """One change makes one file wrong; a complaint points at it and says what to do."""
    folder.change(file, old, new)
    problems = folder.problems()

    fitting = [each for each in problems if where in each.split(": ")[0] and all(part in each for part in says)]
    assert fitting, problems
    assert fitting[0].startswith(f"mappings/{file}:")


def test_a_whole_cadence_that_is_not_agreed_is_told(folder: Folder) -> None:
    """Exhausted only after the whole sequence, and there is none."""
    text = (folder.path / "attempts.toml").read_text(encoding="utf-8")
    start, end = text.index("[cadence]"), text.index("[exhausted_after]")
    (folder.path / "attempts.toml").write_text(text[:start] + text[end:], encoding="utf-8")
    folder.change("attempts.toml", "# whole_cadence = true", "whole_cadence = true")
    (problem,) = folder.problems()

    assert "exhausted_after.whole_cadence: asks for a whole cadence, and none is agreed. Add [cadence]" in problem


def test_a_promise_is_read_as_it_is_written(folder: Folder) -> None:
    """Every key of the SLA, a calendar with its zone and teams, a cadence with channels."""
    promise = (
        f'{LEAD}, lead_to_touch_counts = "business_hours", conversation_within_hours = 40, answer_within_hours = 56'
    )
    folder.change("agreement.toml", LEAD, f'{promise}, calendar = "jakarta"')
    folder.change("agreement.toml", "\n[sla]", JAKARTA)
    folder.change("attempts.toml", "# each_channel_at_least", "each_channel_at_least")
    folder.change("attempts.toml", "# whole_cadence", "whole_cadence")
    folder.change("attempts.toml", 'by = "anyone"', 'by = "team"')
    agreement = folder.load()
    jakarta = agreement.calendars["jakarta"]

    assert agreement.slas["standard"] == Sla("standard", 8, 72, "business_hours", 4, 40, 56, "jakarta")
    assert (jakarta.zone, jakarta.teams, jakarta.country) == (ZoneInfo("Asia/Jakarta"), ("Sales Jakarta",), "ID")
    assert agreement.attempts.cadence == Cadence(6, 4, 2, {"phone": 3, "email": 2}, 14)
    assert (agreement.attempts.by, agreement.attempts.exhausted_by_whole_cadence) == ("team", True)


def test_what_is_promised_is_part_of_what_is_signed(folder: Folder) -> None:
    """Every new promise changes the fingerprint of the definitions."""
    before = folder.load()
    other = [
        replace(before, slas={**before.slas, "standard": replace(before.slas["standard"], answer_within_hours=9)}),
        replace(before, attempts=replace(before.attempts, sequences="none")),
        replace(before, attempts=replace(before.attempts, cadence=None)),
        replace(before, calendars={"here": before.calendar}),
    ]

    assert of_definitions(before) == before.fingerprint
    assert len({before.fingerprint, *map(of_definitions, other)}) == 1 + len(other)


def test_a_channel_of_its_own_counts_for_the_cadence(folder: Folder) -> None:
    """A task that stands for a message elsewhere is a fourth channel."""
    folder.change("attempts.toml", "[connects]", 'message = { kind = "task", channel = "social" }\n\n[connects]')
    folder.change("attempts.toml", "channels_at_least = 2", "channels_at_least = 4")

    assert [touch.channel for touch in folder.load().attempts.counts][-1] == "social"
