"""The shipped agreement loads, does what its examples say, and has one fingerprint however it is saved."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from connector.agreement import json_schemas, load_agreement
from connector.agreement.examples import load_examples, run_examples
from connector.agreement.locating import locate
from connector.decide import Decider
from connector.decide.conditions import domain_names
from connector.errors import ConfigError
from connector.model import ALWAYS, Person

from .conftest import SHIPPED, Folder


def test_every_example_comes_out_as_both_teams_agreed() -> None:
    """examples.toml is the agreement's own test."""
    verdicts = run_examples(load_examples(SHIPPED), Decider(load_agreement(SHIPPED)))

    assert len(verdicts) >= 7
    assert {verdict.name: verdict.differences for verdict in verdicts if verdict.differences} == {}


def test_an_example_that_comes_out_differently_says_how(folder: Folder) -> None:
    """A changed rule shows in the words of the example."""
    folder.change("scoring.toml", "pricing_page = { points = 15", "pricing_page = { points = 1")
    verdicts = run_examples(load_examples(folder.path), Decider(folder.load()))
    anna = next(verdict for verdict in verdicts if verdict.name == "anna")

    assert "stage should be mql and is lead" in anna.differences


def test_an_example_with_a_mistake_is_told(folder: Folder) -> None:
    """Unknown outcomes are refused like any other key."""
    folder.add("examples.toml", '\n[x]\nas_of = 2026-03-31T12:00:00Z\nexpect = { stge = "mql" }\n')

    with pytest.raises(ConfigError, match='unknown key "stge"'):
        load_examples(folder.path)


@pytest.mark.parametrize("file", ["scoring.toml", "lifecycle.toml", "hubspot.toml", "agreement.toml"])
def test_case_65_comments_and_line_endings_change_no_fingerprint(folder: Folder, file: str) -> None:
    """BOM, CRLF and comments are not meaning."""
    before = folder.load()
    text = "# a remark\n" + (folder.path / file).read_text(encoding="utf-8")
    (folder.path / file).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    after = folder.load()

    assert (before.fingerprint, before.wiring.fingerprint) == (after.fingerprint, after.wiring.fingerprint)


def test_the_order_of_rules_changes_no_fingerprint(folder: Folder) -> None:
    """Rules of a group are a set."""
    before = folder.load().fingerprint
    line = 'case_study = { points = 6, once_per = "day", times_at_most = 4 }\n'
    folder.change("scoring.toml", line, "")
    folder.change("scoring.toml", "email_click = {", line + "email_click = {")

    assert folder.load().fingerprint == before


def test_a_new_date_or_signature_changes_no_fingerprint(folder: Folder) -> None:
    """Signing does not change what is signed."""
    before = folder.load().fingerprint
    folder.change("agreement.toml", 'sales = { name = "" }', 'sales = { name = "S. Ales", on = 2026-01-02 }')
    folder.change("agreement.toml", "review_by = 2026-12-31", "review_by = 2027-12-31")

    assert folder.load().fingerprint == before


def test_points_change_the_definitions_and_nothing_else(folder: Folder) -> None:
    """One changed number is another agreement, and the same wiring."""
    before = folder.load()
    folder.change("scoring.toml", "pricing_page = { points = 15", "pricing_page = { points = 16")
    after = folder.load()

    assert (before.fingerprint == after.fingerprint, before.wiring.fingerprint == after.wiring.fingerprint) == (
        False,
        True,
    )


def test_a_property_changes_the_wiring_and_nothing_else(folder: Folder) -> None:
    """Who signs the wiring is the administrator."""
    before = folder.load()
    folder.change("hubspot.toml", 'job_title = "jobtitle"', 'job_title = "job_title_custom"')
    after = folder.load()

    assert (before.fingerprint == after.fingerprint, before.wiring.fingerprint == after.wiring.fingerprint) == (
        True,
        False,
    )


def test_a_changed_list_file_is_another_agreement(folder: Folder) -> None:
    """Who is a competitor is part of what was signed."""
    before = folder.load().fingerprint
    folder.add("lists/competitors.txt", "otherrival.example\n")

    assert folder.load().fingerprint != before


def test_only_mapped_fields_that_something_needs_are_asked_for(folder: Folder) -> None:
    """A property that no rule, output or task uses is never requested."""
    folder.change(
        "hubspot.toml", 'country = "country"\ncompany_name', 'country = "country"\ncity = "city"\ncompany_name'
    )
    used = folder.load().fields_used

    assert "city" not in used["contact"]
    assert {"email", "job_title", "stage", "cycle"} <= set(used["contact"])
    assert set(used["company"]) == {"company_name", "industry", "company_size", "revenue", "country"}


def test_own_properties_follow_from_the_prefix(folder: Folder) -> None:
    """Every mapped property with our prefix is ours to create, with the options the agreement knows."""
    own = {each.property: each for each in folder.load().wiring.own}

    assert own["cx_fit_score"].type == "number"
    assert ("nurture", "Nurture") in own["cx_stage"].options
    assert "jobtitle" not in own


def test_a_field_of_our_own_is_declared_with_its_type(folder: Folder) -> None:
    """A column nobody knows becomes a rule without a change in Python."""
    folder.change(
        "hubspot.toml",
        'phone = "phone"',
        'phone = "phone"\ntotal_visits = { property = "total_visits", type = "number" }',
    )
    folder.add("scoring.toml", '\n[engagement.web]\nvisits = { field = "total_visits", at_least = 5, points = 12 }\n')
    agreement = folder.load()
    visitor = Person("1", {"total_visits": 7.0}, "lead")
    decision = Decider(agreement).decide(visitor, (), as_of=agreement_instant(), run=1, go_live=ALWAYS)

    assert "total_visits" in agreement.fields_used["contact"]
    assert [line.points for line in decision.score.lines if line.rule == "engagement.web.visits"] == [12]


def agreement_instant() -> datetime:
    """Any instant will do."""
    return load_examples(SHIPPED)[0].as_of


def test_the_smallest_agreement_is_five_files(tmp_path: Path) -> None:
    """Nothing else is needed, and nothing is hard-wired to the shipped one."""
    files = {
        "agreement.toml": 'version = "0"\ntime_zone = "UTC"\n',
        "scoring.toml": '[fit.any]\nknown = { field = "email", is_known = true, points = 60 }\n',
        "lifecycle.toml": "[stages.prospect]\n[stages.hot]\nenter_when = { fit_at_least = 50 }\n"
        "notify = 'sales_task'\n",
        "write_back.toml": "[fields]\nfit_score = {}\n",
        "hubspot.toml": '[contact.fields]\nemail = "email"\nfit_score = "cx_fit"\n',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    decider = Decider(load_agreement(tmp_path))
    who = Person("1", {"email": "a@b.example"}, "prospect")
    decision = decider.decide(who, (), as_of=agreement_instant(), run=1, go_live=ALWAYS)

    assert (decision.tracks[0].stage, len(decision.tasks)) == ("hot", 1)


def test_every_file_has_a_schema_for_editors() -> None:
    """`connector schema` has something to print for each file, and it names our keys."""
    schemas = json_schemas()

    assert {"agreement", "scoring", "lifecycle", "hubspot", "write_back", "personas"} <= schemas.keys()
    assert "group_total_at_most" in str(schemas["scoring"])


def test_the_locator_knows_tables_dotted_keys_and_long_values() -> None:
    """Where a key stands, whatever stands around it."""
    text = '[a]\nb = [\n  "x = 1",\n]\n"c d".e = """\nf = 2\n"""\n[a."g h"]\ni = { j = 1, k = 2 }\n'

    assert locate(text) == {
        ("a",): 1, ("a", "b"): 2, ("a", "c d", "e"): 5, ("a", "g h"): 8, ("a", "g h", "i"): 9,
        ("a", "g h", "i", "j"): 9, ("a", "g h", "i", "k"): 9,
    }  # fmt: skip


def test_a_domain_is_split_by_the_public_suffix_list() -> None:
    """No network, and an ending nobody listed is one label."""
    assert domain_names("mail.hotmail.co.uk") == ("hotmail.co.uk", "hotmail")
    assert domain_names("hotmail.com.evil.example") == ("evil.example", "evil")
