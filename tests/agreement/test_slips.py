"""What the pen does: each slip is told at its line in plain words, all of them in one go, and nothing beside them."""

from __future__ import annotations

import re

import pytest

from connector.agreement.syntax import understand

from .conftest import Folder

#: A text, the line that is wrong, what must be said of it, and what of the file is still understood.
SLIPS: list[tuple[str, int, str, dict[str, object]]] = [
    ("a = \u201cx\u201d\nb = 1", 1, "curly quote", {"b": 1}),
    ("a = \u2018x\u2019\nb = 1", 1, "curly quote", {"b": 1}),
    ("a = \u201ex\u201d\nb = 1", 1, "curly quote", {"b": 1}),
    ('a = ["x", \u201cy\u201d]\nb = 1', 1, "curly quote", {"b": 1}),
    ("a = 1,5\nb = 1", 1, "0.5, not 0,5", {"b": 1}),
    ("a = { points = 1,5 }\nb = 1", 1, "0.5, not 0,5", {"b": 1}),
    ("b = 1\na = { points = 5\nc = 2", 2, "a brace is missing", {"b": 1, "c": 2}),
    ("a = { points = 5 }}\nb = 1", 1, "brace } too many", {"b": 1}),
    ("a = {\n points = 5,\n why = 'x'\n}\nb = 1", 1, "A rule stands on one line", {"b": 1}),
    ('a = ["x", "y"\nb = 1', 1, "a bracket is missing", {"b": 1}),
    ('a = ["x",\n"y",\nb = 1', 1, "a bracket is missing", {"b": 1}),
    ('a = ["x"]]\nb = 1', 1, "bracket ] too many", {"b": 1}),
    ("[stages.mql\nb = 1\n[c]\nd = 1", 1, "a bracket is missing", {"c": {"d": 1}}),
    ('a = "x, b = 1\nc = 2', 1, "a quote is missing", {"c": 2}),
    ('a = x"\nc = 2', 1, "a quote is missing", {"c": 2}),
    ('b = 1\na = """x\nc = 1\n[d]\ne = 1', 2, 'End it with """', {"b": 1, "d": {"e": 1}}),
    ("a = 1\nb = 2\na = 3", 3, 'the name "a" is there twice, first on line 1', {"a": 1, "b": 2}),
    ("[x]\na = 1\n[x]\nb = 2", 3, 'the table "x" is there twice, first on line 1', {"x": {"a": 1}}),
    ("a = { b = 1, b = 2 }\nc = 1", 1, '"b" is there twice on this line', {"c": 1}),
    ("a = { b = 1 }\na.c = 2", 2, "which line 1 has said already", {"a": {"b": 1}}),
    ("a = { b = 1 }\n[a.c]\nd = 2", 2, "which line 1 has said already", {"a": {"b": 1}}),
    ("a = { b = 1 c = 2 }\nd = 1", 1, "a comma is missing", {"d": 1}),
    ("a = { b = 1, }\nd = 1", 1, "a comma before the closing brace", {"d": 1}),
    ("a = [1,, 2]\nd = 1", 1, "two commas in a row", {"d": 1}),
    ("a: 5\nd = 1", 1, "Write an equals sign", {"d": 1}),
    ("case study = 5\nd = 1", 1, "A name is one word", {"d": 1}),
    ("a =\nd = 1", 1, "nothing after the equals sign", {"d": 1}),
    ("a = yes\nd = 1", 1, "Write true or false, in small letters", {"d": 1}),
    ("a = True\nd = 1", 1, "Write true or false, in small letters", {"d": 1}),
    ("a = Pricing page\nd = 1", 1, 'Text needs straight quotes: "Pricing page"', {"d": 1}),
    ("a = { why = job seekers, points = 5 }\nd = 1", 1, 'straight quotes: "job seekers"', {"d": 1}),
    ("a = 1.000.000\nd = 1", 1, "10_000_000", {"d": 1}),
    ("a = 10 000\nd = 1", 1, "10_000_000", {"d": 1}),
    ("a = 50%\nd = 1", 1, "0.5 for 50 %", {"d": 1}),
    ("a = 31.12.2026\nd = 1", 1, "year first: 2026-03-31", {"d": 1}),
    ("a = 12/31/2026\nd = 1", 1, "year first: 2026-03-31", {"d": 1}),
    ("a = 2026-02-30\nd = 1", 1, "no such day", {"d": 1}),
    ("a = 09:00\nd = 1", 1, 'stands in quotes: "09:00"', {"d": 1}),
    ("a = 007\nd = 1", 1, "does not begin with 0", {"d": 1}),
    ('a = "C:\\windows\\list"\nd = 1', 1, "a backslash", {"d": 1}),
    ("just words\nd = 1", 1, "says nothing that can be read", {"d": 1}),
    ("<<<<<<< HEAD\nd = 1", 1, "marks of a merge", {"d": 1}),
    ("a = 1\n=======\nd = 1", 2, "remove the three lines", {"a": 1, "d": 1}),
    ("a = 1\n>>>>>>> other\nd = 1", 2, "marks of a merge", {"a": 1, "d": 1}),
    ("= 5\nd = 1", 1, "the name on this line cannot be read", {"d": 1}),
]


@pytest.mark.parametrize(("text", "line", "says", "left"), SLIPS)
def test_a_slip_is_told_at_its_line_and_the_rest_is_read(
    text: str, line: int, says: str, left: dict[str, object]
) -> None:
    """One slip, one complaint in words of the file and not of its parser; everything else is understood."""
    read = understand(text)

    (slip,) = read.slips
    assert slip.line == line
    assert says in f"{slip.what} {slip.fix}"
    assert not re.search(r"TOML|statement|mutate|namespace|inline|parse|key/value", f"{slip.what} {slip.fix}")
    assert read.table == left


def test_many_slips_are_told_in_one_go() -> None:
    """Every slip of the table above in one file, in the order of its lines."""
    chosen = [slip for slip in SLIPS if "\n[" not in slip[0] and '"""' not in slip[0]]
    text = "".join(f"[t{number}]\n{slip[0]}\n" for number, slip in enumerate(chosen[:24]))
    read = understand(text)

    assert [slip.line for slip in read.slips] == sorted(slip.line for slip in read.slips)
    assert len(read.slips) == 24
    assert {f"t{number}" for number in range(24)} <= read.table.keys()


def test_slips_mistakes_of_shape_and_of_meaning_in_every_file_are_told_in_one_go(folder: Folder) -> None:
    """Eighteen mistakes in twelve files: as many complaints, each with file and line, and none that only follows."""
    changes = {
        "scoring.toml": [
            ("pricing_page = { points = 15", "pricing_page = { points = 1,5"),
            ("case_study = { points = 6", 'case_study = { points = "6"'),
            ('is = "daily_user"', 'is = "dayly_user"'),
        ],
        "lifecycle.toml": [
            ('reason = "competitor"', "reason = \u201ccompetitor\u201d"),
            ('deal = "open"', 'deal = "opened"'),
            ("engagement_below = 25", "engagement_below = 45"),
        ],
        "agreement.toml": [
            ('time_zone = "UTC"', 'time_zone = "Moon/Crater"'),
            ("review_by = 2026", "review_by = 2025"),
        ],
        "signals.toml": [('clicks = ["email_click"]', 'clicks = ["email_clik"]')],
        "icp.toml": [("between = [50, 5000]", "between = [5000, 50]")],
        "personas.toml": [('evidence = "Half', "evidnce = 'x'\nevidence = \"Half")],
        "attempts.toml": [('kind = "call", direction = "inbound"', 'kind = "fax", direction = "inbound"')],
        "write_back.toml": [("grade = {", "grad = {")],
        "texts.en.toml": [("{persona}", "{personna}")],
        "hubspot.toml": [('lost = "closedlost"', 'lost = "closedwon"'), ("[deal.fields]", "[deal.fields")],
        "lists/employees.txt": [("ourcompany.example\n", "@ourcompany.example\n")],
    }
    for file, rows in changes.items():
        for old, new in rows:
            folder.change(file, old, new)
    (folder.path / "persona.toml").write_text("", encoding="utf-8")
    problems = folder.problems()

    for file in (*changes, "persona.toml"):
        assert any(each.startswith(f"mappings/{file}") for each in problems), (file, problems)
    for says in (
        "comma in a number", "should be a number, not text", "dayly_user", "curly quote", 'mean "open"', "to and fro",
        "Moon/Crater", "not later than effective_from", "email_clik", "the smaller first", "evidnce", '"call"',
        '"grad"', "personna", "already the deal stage won", "a bracket is missing", "matches nobody", '"personas.toml"',
    ):  # fmt: skip
        assert sum(says in each for each in problems) == 1, (says, problems)
    assert len(problems) == 18, problems
