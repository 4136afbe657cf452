"""
Every key of every file, found by walking the shapes, against every kind of value that does not fit it.

A key that is added is tested from then on; the last test says which key still lacks a mistake of meaning.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connector.agreement.complaints import parse
from connector.agreement.examples import ExamplesShape
from connector.agreement.load import shapes_of
from connector.agreement.shapes.base import ConditionShape
from connector.agreement.source import read_source
from connector.errors import Problem

from .example_mistakes import IN_EXAMPLES
from .mistakes import WRONG
from .more_mistakes import MORE
from .test_audience import WRONG as OF_THE_AUDIENCE
from .walking import Place, Walked, keys, places

KEYS = keys()
CONDITION = {field.alias or name for name, field in ConditionShape.model_fields.items()}

#: Values of every kind, as they stand in a file.
SAMPLES = {
    "text": ['"nonsense"'],
    "true or false": ["false"],
    "whole number": ["5"],
    "number": ["1.5"],
    "list": ['["a", "b"]', "[[5]]"],
    "table": ["{ a = { b = 1 } }"],
    "date": ["2026-03-31"],
    "instant": ["2026-03-31T12:00:00Z"],
    "time of day": ["09:00:00"],
    "no number": ["nan", "inf", "-inf"],
}

#: Keys that take any number at all: they are compared with whatever a CRM holds.
ANY_NUMBER = {"is", "is_any_of", "at_least", "at_most", "between", "fields"}

#: Words of the validator that nobody should have to read.
JARGON = re.compile(r"input|valid|instance|literal|union|pydantic|required|dict|str\b|int\b|float|none", re.IGNORECASE)


def complaints(place: Place, line: str, tmp_path: Path) -> list[Problem]:
    """What is said of a file that holds this one line in this one table."""
    folder = tmp_path / "mappings"
    folder.mkdir(exist_ok=True)
    (folder / place.file).write_text(f"{place.text}\n{line}\n", encoding="utf-8")
    problems: list[Problem] = []
    shape = {**shapes_of("hubspot", "en"), "examples.toml": ExamplesShape}[place.file]
    parse(shape, read_source(folder, place.file, problems), problems)
    return problems


def about(problems: list[Problem], place: Place, key: str) -> list[str]:
    """The complaints that point at the key, in the line in which it stands."""
    where = f"mappings/{place.file}:{place.line}, {place.path(key)}"
    return [str(each) for each in problems if each.where == where or each.where.startswith(f"{where}.")]


@pytest.mark.parametrize("walked", KEYS, ids=lambda walked: walked.name)
def test_a_value_of_another_kind_is_told_with_file_line_and_key(walked: Walked, tmp_path: Path) -> None:
    """Text for a number, a list for text, a date for a list: refused where it stands, in plain words."""
    refused = 0
    for kind, values in SAMPLES.items():
        if kind in walked.kinds:
            continue
        for value in values:
            said = about(complaints(walked.place, f"{walked.key} = {value}", tmp_path), walked.place, walked.key)
            if walked.kinds & {"choice", "table"} and not said and kind == "text" and not walked.is_leaf:
                continue  # short for a table: job_title = "jobtitle"
            assert said, (walked.name, value)
            assert not JARGON.search(re.sub(r'"[^"]*"', "", said[0].split(": ", 1)[1])), said[0]
            assert said[0].endswith((".", "?", "= ...")), said[0]
            refused += 1
    assert refused


@pytest.mark.parametrize(
    "walked",
    [each for each in KEYS if each.kinds & {"whole number", "number"} and each.key not in ANY_NUMBER],
    ids=lambda walked: walked.name,
)
def test_no_number_is_without_bounds(walked: Walked, tmp_path: Path) -> None:
    """A typing error of ten digits is refused, and told what would be possible."""
    for value in ("99999999999999", "-99999999999999"):
        said = about(complaints(walked.place, f"{walked.key} = {value}", tmp_path), walked.place, walked.key)
        assert said, (walked.name, value)
        assert re.search(r"should be .*(more|less)", said[0])


@pytest.mark.parametrize("walked", KEYS, ids=lambda walked: walked.name)
def test_a_misspelt_key_is_told_with_the_one_that_was_meant(walked: Walked, tmp_path: Path) -> None:
    """Another letter at the end: unknown, and did you mean."""
    wrong = f"{walked.key}x"
    said = about(complaints(walked.place, f"{wrong} = 5", tmp_path), walked.place, wrong)

    assert len(said) == 1, said
    assert f'unknown key "{wrong}"' in said[0]
    assert f'Did you mean "{walked.key}"?' in said[0]


@pytest.mark.parametrize("walked", [each for each in KEYS if each.field.is_required()], ids=lambda walked: walked.name)
def test_a_key_that_must_be_there_is_told(walked: Walked, tmp_path: Path) -> None:
    """An empty table lacks it."""
    problems = [str(each) for each in complaints(walked.place, "", tmp_path)]

    assert any(
        f", {walked.place.path(walked.key)}: is missing. Add it: {walked.key} = ..." in each for each in problems
    )


@pytest.mark.parametrize("place", places(), ids=lambda place: f"{place.file} {'.'.join(place.header)}")
def test_a_pattern_is_refused_wherever_it_stands(place: Place, tmp_path: Path) -> None:
    """There is no language of patterns anywhere, so none can hang."""
    said = about(complaints(place, 'matches = "(a+)+$"', tmp_path), place, "matches")

    assert any("unknown key" in each or "should be" in each or "braces" in each for each in said), said


@pytest.mark.parametrize("key", ["matches", "regex", "pattern", "regexp", "match"])
def test_whoever_writes_a_pattern_is_told_which_operators_there_are(key: str, tmp_path: Path) -> None:
    """And that whole words are found by themselves."""
    place = next(each for each in places() if each.header == ("exclusions", "walked"))
    said = about(complaints(place, f'{key} = "(a+)+$"', tmp_path), place, key)

    assert "There are no patterns" in said[0]
    assert "contains_any_of" in said[0]


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("equals", "is"),
        ("in", "is_any_of"),
        ("contains", "contains_any_of"),
        ("min", "at_least"),
        ("not", "unless_any_of"),
    ],
)
def test_operators_of_other_tools_are_understood_in_the_complaint(key: str, meant: str, tmp_path: Path) -> None:
    """Whoever comes from a CRM or a spreadsheet is told our word for it."""
    place = next(each for each in places() if each.header == ("fit", "walked", "walked"))
    said = about(complaints(place, f"{key} = 5", tmp_path), place, key)

    assert f'Did you mean "{meant}"?' in said[0]


#: Keys that hold whatever people want to say: there is nothing they could contradict. All other kinds of mistakes
#: (another type, nothing in it, something invisible) are tested above and in test_manners.py.
SAYS_ANYTHING = {
    "label", "why", "means", "owner", "summary", "glossary", "fixed_by", "flag", "reason", "says",
    "name", "bio", "demographics", "behaviour", "interests", "needs", "pains", "say", "role", "evidence",
    "nurture_track", "on", "task_no_name",
}  # fmt: skip


#: Kinds of values whose every mistake is tested above: of another kind, out of bounds, none of the choices.
TESTED_ABOVE = {"true or false", "true", "choice", "whole number", "number", "instant"}


def test_every_key_has_a_mistake_of_meaning() -> None:
    """Each key that names something, or holds a list or a table, has a mistake with its message in mistakes.py or
    more_mistakes.py; the operators of conditions have theirs wherever they are made, since one place checks them."""
    made: dict[str, set[str]] = {}
    for file, _, new, where, says in [*WRONG, *MORE, *IN_EXAMPLES, *OF_THE_AUDIENCE]:
        made.setdefault(file, set()).update(re.findall(r"[A-Za-z_]+", f"{new} {where} {' '.join(says)}"))
    anywhere = set().union(*made.values())
    lacking = {
        f"{each.place.file}: {each.place.path(each.key)}"
        for each in KEYS
        if each.is_leaf
        and not each.kinds <= TESTED_ABOVE
        and each.key not in SAYS_ANYTHING
        and each.place.header[-1:] != ("expect",)  # whatever a decision may say
        and each.key not in (anywhere if each.key in CONDITION else made.get(each.place.file, ()))
    }

    assert not lacking, "give these keys a mistake in more_mistakes.py: " + ", ".join(sorted(lacking))
