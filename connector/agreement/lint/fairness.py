"""Criteria that treat people by what they are born as: gender, age, origin, faith, and what stands in for them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connector.agreement.lint.finding import Finding
from connector.agreement.lint.silence import all_conditions
from connector.agreement.places import Places
from connector.agreement.sentences.words import both, quoted
from connector.agreement.terms import Agreement, Condition
from connector.agreement.words import fold, label_of

#: Parts of names that speak of a person's nature, in our fields and in their properties.
_WITHIN = (
    "gender", "birth", "marital", "familystatus", "salutation", "religio", "ethnic", "nationalit", "citizenship",
    "pregnan", "disabilit", "sexual", "maternity", "orientation",
)  # fmt: skip

#: Whole words in names that do.
_WORDS = {"sex", "age", "ages", "dob", "race", "faith", "church", "honorific", "spouse", "children"}

#: An age of one of these is nobody's own.
_NOT_OF_PEOPLE = {"company", "account", "domain", "deal", "lead", "record", "contract", "days"}

#: Words in a title or a greeting that give a gender away.
_FORMS = {
    "mr",
    "mrs",
    "ms",
    "miss",
    "herr",
    "frau",
    "pan",
    "pani",
    "bapak",
    "ibu",
    "madame",
    "monsieur",
    "senor",
    "senora",
}

_NAMES = ("first_name", "last_name")
_LOOKS_INSIDE = ("is", "is_any_of", "contains_any_of", "in_list")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def findings(agreement: Agreement, places: Places) -> Iterator[Finding]:
    """Every rule that asks for something of that kind."""
    properties = {field: spec.property for specs in agreement.wiring.fields.values() for field, spec in specs.items()}
    for path, condition in all_conditions(agreement):
        yield from _condition(path, condition, properties.get(condition.field, ""), places)
    for name, needs in agreement.minimum_information.items():
        for field in dict.fromkeys(each for need in needs for each in need):
            if said := _nature(field, properties.get(field, "")):
                where = places.of(f"minimum_information.{name}")
                yield Finding("warning", where, f"asks people for {said} before they get further.", _FIX)


_FIX = "Ask for what they do at work: role, seniority, company. This may be unlawful where people live."


def _condition(path: str, condition: Condition, property_: str, places: Places) -> Iterator[Finding]:
    said = _nature(condition.field, property_)
    if said:
        yield Finding("warning", places.of(path), f"treats people by {said}.", _FIX)
    elif condition.field in _NAMES and condition.operator in _LOOKS_INSIDE:
        what = f"treats people by their {label_of(condition.field)}, which stands in for gender and origin."
        yield Finding("warning", places.of(path), what, _FIX)
    else:
        forms = [str(value) for value in condition.values if fold(str(value)) in _FORMS]
        if forms and condition.operator != "in_list":
            what = f"{both(map(quoted, forms))} in the {label_of(condition.field)} gives the gender away."
            yield Finding("warning", places.of(path), what, _FIX)


def _nature(field: str, property_: str) -> str:
    """What a field says of a person's nature, by our name of it or by the CRM's; empty where it says nothing."""
    for name in (field, property_):
        words = set(fold(_CAMEL.sub(" ", name).replace("_", " ")).split())
        joined = "".join(words)
        if any(part in fold(name).replace(" ", "") or part in joined for part in _WITHIN):
            return _called(field, property_)
        if words & _WORDS and not words & _NOT_OF_PEOPLE:
            return _called(field, property_)
    return ""


def _called(field: str, property_: str) -> str:
    return label_of(field) if not property_ or property_ == field else f"{label_of(field)} ({property_})"
