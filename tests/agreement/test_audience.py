"""Journey, nurture tracks, buying group and questions: as shipped, and every way to write them wrong."""

from __future__ import annotations

import pytest

from .conftest import Folder

#: file, text, its replacement, where the complaint must point, parts of what it must say
WRONG = [
    ("signals.toml", 'rule = "highest"', 'rule = "hihgest"', "journey.rule", ['"highest" or "latest"']),
    ("signals.toml", "within_days = 90", "within_days = 0", "journey.within_days", ["should be 1 or more"]),
    ("signals.toml", "signals_at_least = 2", "signals_at_most = 2", "signals_at_most", ['"signals_at_least"']),
    (
        "signals.toml",
        'positive = false, why = "job seekers"',
        'positive = false, not_scored_assets = "own_mail_links"',
        "signals.careers_page.not_scored_assets",
        ["own_mail_links.txt does not exist"],
    ),
    ("scoring.toml", "# freeze_in = [", 'freeze_in = ["custommer"]  # [', "freeze_in", ["unknown stage", '"customer"']),
    ("lifecycle.toml", 'otherwise = "general"', 'otherwise = "genral"', "nurture.otherwise", ['"general"']),
    (
        "lifecycle.toml",
        'wait_days = 180, nurture_track = "competitor"',
        'wait_days = 180, nurture_track = "competitors"',
        "lost_reasons.competitor_chosen",
        ['unknown nurture track "competitors"', '"competitor"'],
    ),
    (
        "lifecycle.toml",
        'reason_required = "ask", nurture_track = "not_now"',
        'reason_required = "ask", nurture_track = "notnow"',
        "statuses.bad_timing",
        ['unknown nurture track "notnow"', '"not_now"'],
    ),
    ("lifecycle.toml", 'nurture = "pause" ', 'nurture = "paused" ', "stages.mql.nurture", ['"continue" or "pause"']),
    (
        "lifecycle.toml",
        'nurture = "pause" ',
        'nurture_track = "nobody" ',
        "stages.mql",
        ['unknown nurture track "nobody"'],
    ),
    (
        "lifecycle.toml",
        'opted_out = { field = "email_opt_out"',
        'opted_out = { field = "email_optout"',
        "nurture.stops_when.opted_out",
        ['unknown field "email_optout"', '"email_opt_out"'],
    ),
    (
        "lifecycle.toml",
        '{ signal = "unsubscribe" }',
        '{ signal = "unsubscribed" }',
        "nurture.stops_when.unsubscribed",
        ['unknown signal "unsubscribed"', '"unsubscribe"'],
    ),
    ("personas.toml", '"business_case"', '"busines_case"', "personas.economic_buyer", ['"business_case"']),
    (
        "personas.toml",
        'roles = ["economic buyer", "user"]',
        'roles = ["economic buyer", "user", "technical evaluator"]',
        "buying_group.roles",
        ['nobody could ever be the "technical evaluator"', "said_as"],
    ),
    (
        "personas.toml",
        'user = ["END_USER"]',
        'users = ["END_USER"]',
        "buying_group.said_as.users",
        ['unknown role of the buying group "users"', '"user"'],
    ),
    (
        "lifecycle.toml",
        "# by_persona = { economic_buyer",
        "by_persona = { economic_byuer",
        "ask_next.by_persona.economic_byuer",
        ["unknown persona", '"economic_buyer"'],
    ),
    (
        "lifecycle.toml",
        '# by_persona = { economic_buyer = ["revenue"] }',
        'by_persona = { economic_buyer = ["turnover"] }',
        "ask_next.by_persona.economic_buyer",
        ['unknown field "turnover"'],
    ),
    (
        "lifecycle.toml",
        "# by_lead_type = { existing_customer",
        "by_lead_type = { old_customer",
        "ask_next.by_lead_type.old_customer",
        ["unknown lead type"],
    ),
    (
        "lifecycle.toml",
        '# expires = { job_title = { after_days = 365, confirmed_on = "job_title_confirmed_on" } }',
        'expires = { job_title = { after_days = 365, confirmed_on = "country" } }',
        "ask_next.expires.job_title",
        ["country, which is no date"],
    ),
    (
        "lifecycle.toml",
        '# expires = { job_title = { after_days = 365, confirmed_on = "job_title_confirmed_on" } }',
        'expires = { job_title = { after_days = 365, confirmed_on = "job_title_confirmed_on" } }',
        "ask_next.expires.job_title",
        ['unknown field "job_title_confirmed_on"'],
    ),
]


@pytest.mark.parametrize(
    ("file", "old", "new", "where", "said"), WRONG, ids=[f"{row[0]}: {row[2][:40]}" for row in WRONG]
)
def test_what_is_written_wrong_is_told(
    folder: Folder, file: str, old: str, new: str, where: str, said: list[str]
) -> None:
    """File, line and key, what is wrong, and what to do."""
    folder.change(file, old, new)
    problems = folder.problems()
    about = [one for one in problems if where in one]

    assert about, problems
    assert f"{file}:" in about[0]
    for part in said:
        assert part in about[0]


def test_a_track_without_a_table_of_tracks_is_told(folder: Folder) -> None:
    """A name that the marketing tool would never see."""
    text = (folder.path / "lifecycle.toml").read_text(encoding="utf-8")
    start, end = text.index("[nurture.tracks]"), text.index("[nurture.stops_when]")
    folder.change("lifecycle.toml", text[start:end], "")

    assert any("under [nurture.tracks]" in problem for problem in folder.problems())


def test_the_shipped_properties_hold_what_the_agreement_knows(folder: Folder) -> None:
    """A form or a workflow branches on choices, not on text."""
    own = {one.property: one for one in folder.load().wiring.own}
    choices = {name: [value for value, _ in own[name].options] for name in own}

    assert choices["cx_journey_stage"] == ["awareness", "consideration", "decision"]
    assert choices["cx_nurture_track"] == ["general", "business_case", "hands_on", "not_now", "competitor"]
    assert "missing_information" in choices["cx_not_mql_reason"]
    assert {"company_size", "email"} <= set(choices["cx_ask_next"])
    assert own["cx_buying_group_missing"].type == "string"


def test_more_questions_are_two_lines_away(folder: Folder) -> None:
    """The second and third question, as commented in the shipped files."""
    for number in (2, 3):
        folder.change("hubspot.toml", f"# ask_next_{number} = ", f"ask_next_{number} = ")
        folder.change("write_back.toml", f"# ask_next_{number} = ", f"ask_next_{number} = ")
    agreement = folder.load()
    own = {one.property: one for one in agreement.wiring.own}

    assert own["cx_ask_next_3"].options == own["cx_ask_next"].options
    assert not agreement.write_back.rules["ask_next_2"].alone


def test_an_answer_that_expires_needs_only_its_date(folder: Folder) -> None:
    """As commented: a date property of the account's own says when somebody last confirmed it."""
    folder.change("lifecycle.toml", "# expires = {", "expires = {")
    date = 'job_title_confirmed_on = { property = "title_confirmed", type = "datetime" }'
    folder.change("hubspot.toml", 'phone = "phone"', f'phone = "phone"\n{date}')
    agreement = folder.load()

    assert agreement.audience.questions.expires[0].after_days == 365
    assert "job_title_confirmed_on" in agreement.fields_used["contact"]


def test_declined_questions_are_read_where_they_are_mapped(folder: Folder) -> None:
    """People's own field: never an output, and asked for."""
    folder.change("hubspot.toml", "# declined_questions = ", "declined_questions = ")

    assert "declined_questions" in folder.load().fields_used["contact"]


def test_assets_stand_on_the_line_or_in_a_list(folder: Folder) -> None:
    """The same pages, written either way, are the same agreement."""
    line = 'positive = false, why = "job seekers"'
    folder.change("signals.toml", line, f'{line}, not_scored_assets = ["https://Northmill.example/careers/"]')
    on_the_line = folder.load()
    folder.change("signals.toml", '["https://Northmill.example/careers/"]', '"own_mail_links"')
    folder.add("lists/own_mail_links.txt", "northmill.example/careers  # the newsletter's button\n")
    in_a_list = folder.load()

    assert on_the_line.signals["careers_page"].not_scored == {"northmill.example/careers"}
    assert in_a_list.fingerprint == on_the_line.fingerprint


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("signals.toml", "within_days = 90", "within_days = 60"),
        ("lifecycle.toml", 'otherwise = "general"', 'otherwise = "hands_on"'),
        ("personas.toml", 'user = ["END_USER"]', 'user = ["END_USER", "CHAMPION"]'),
        ("lifecycle.toml", "# by_persona", "by_persona"),
        ("scoring.toml", "# freeze_in", "freeze_in"),
    ],
)
def test_what_is_said_to_people_is_part_of_what_was_signed(folder: Folder, file: str, old: str, new: str) -> None:
    """Another rule is another agreement."""
    before = folder.load().fingerprint
    folder.change(file, old, new)

    assert folder.load().fingerprint != before
