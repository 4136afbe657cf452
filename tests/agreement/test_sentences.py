"""Every rule of an agreement is one plain English sentence; no rule changes and leaves all sentences as they were."""

from __future__ import annotations

import types
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date, time, timedelta
from itertools import pairwise
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import pytest

from connector.agreement import Agreement, load_agreement
from connector.agreement.fingerprint import of_definitions, of_wiring
from connector.agreement.sentences import read_back
from connector.agreement.terms import Backward, Condition, LeadType, Rule

from .conftest import SHIPPED, Folder

#: What cannot be changed alone: a rule's id ends its path, and entries are what a list holds (a test of their own).
REPEATS = {(Rule, "id"), (Condition, "entries")}

#: Parts that nobody signs.
UNSIGNED = {"texts", "fields_used", "fingerprint"}


@pytest.fixture(scope="module")
def shipped() -> Agreement:
    """The shipped agreement, which the tests only read."""
    return load_agreement(SHIPPED)


def test_a_rule_reads_as_one_sentence(shipped: Agreement) -> None:
    """The lines that both sides read aloud before they sign."""
    said = {each.path: each.text for each in read_back(shipped)}

    assert said["engagement.high_intent.pricing_page"] == (
        "Pricing page: +15 points each, once a day, the newest 3 at most, halving every 30 days."
    )
    assert said["stages.mql.enter_when"] == (
        'Somebody becomes MQL when fit is at least 50, engagement is at least 40 and the minimum information "mql"'
        " is known."
    )
    assert said["stages.mql.leave_when"] == (
        "MQL goes to Nurture when engagement falls below 25 and nobody in sales is at work."
    )
    assert said["fast_track.demo"] == (
        "A demo request of the last 30 days leads straight to SAL when email is known, with the follow-up time of fast."
    )
    assert said["exclusions.outside_icp"].startswith(
        'Nobody whose industry contains "gambling" or "tobacco" enters MQL or a later stage, not even by a fast track;'
    )
    assert said["sla.standard"] == (
        "Standard follow-up: the first attempt comes within 8 business hours of having an owner."
    )


def test_no_two_sentences_have_one_path(shipped: Agreement) -> None:
    """A path is the key by which two versions are compared."""
    paths = Counter(each.path for each in read_back(shipped))

    assert [path for path, times in paths.items() if times > 1] == []


def test_every_sentence_is_one_sentence_of_a_chapter(shipped: Agreement) -> None:
    """Chapters come once, each in one piece; a sentence is a line that ends with a full stop."""
    said = read_back(shipped)
    chapters = [each.chapter for each in said]

    assert len(dict.fromkeys(chapters)) == 1 + sum(a != b for a, b in pairwise(chapters))
    assert [each for each in said if "\n" in each.text or not each.text.endswith((".", '."'))] == []


def test_every_named_term_has_exactly_one_sentence_of_its_own(shipped: Agreement) -> None:
    """A stage, rule, status, goal ... that is in the agreement is in the text, once, under its own name."""
    names = Counter(_names(shipped))
    last = Counter(each.path.rsplit(".", 1)[-1] for each in read_back(shipped) if not each.path.startswith("hubspot."))
    wrong = {name: (wanted, last[name]) for name, wanted in names.items() if last[name] != wanted}

    assert wrong == {}, f"(terms so named, sentences so named): {wrong}; say them in connector/agreement/sentences/"


def test_no_term_can_change_without_a_sentence_that_changes(shipped: Agreement) -> None:
    """Whatever changes a fingerprint changes a sentence, so that nobody signs what they could not read.

    Every field of every term is changed in turn, also those that somebody added after this test was written.
    """
    rich = _with_rare_terms(shipped)
    before, unsaid = read_back(rich), set()
    for where, changed in _changes(rich, Agreement, ""):
        if read_back(changed) == before and not _means_the_same(rich, changed):
            unsaid.add(where)

    assert unsaid == set(), (
        "These can be changed and no sentence of read_back tells of it. Say them in connector/agreement/sentences/"
        f" (or leave them out of the fingerprint, if no decision depends on them): {sorted(unsaid)}"
    )


def test_a_list_with_other_entries_reads_differently(folder: Folder) -> None:
    """Short lists are named, long ones have a checksum: a swapped entry never goes unseen."""
    before = {each.path: each.text for each in read_back(folder.load())}
    (folder.path / "lists/competitors.txt").write_text("otherrival.example\n", encoding="utf-8")
    mailboxes = folder.path / "lists/private_mailboxes.txt"
    mailboxes.write_text(mailboxes.read_text(encoding="utf-8") + "one.more.example\n", encoding="utf-8")
    after = {each.path: each.text for each in read_back(folder.load())}

    assert {path for path in before if before[path] != after[path]} == {
        "exclusions.private_mailbox",
        "exclusions.competitor",
    }
    assert "otherrival.example" in after["exclusions.competitor"]


# -- the machinery: names and changes, worked out from the types, so that new terms are met by themselves ----------


def _with_rare_terms(agreement: Agreement) -> Agreement:
    """The agreement with terms of which the shipped one has none, so that their fields are changed, too; without the
    entries of its lists, which are many."""
    touch = replace(agreement.attempts.counts[0], name="rare", unless=("busy",), seconds_at_least=2.0)
    proof = replace(agreement.evidence[0], name="rare")
    stage = next(each for each in agreement.stages if each.leave)
    lead_type = LeadType("rare", "Rare", when=Condition("city", "is", ("Oslo",)), stages=(stage,))
    return replace(
        agreement,
        lead_types=(*agreement.lead_types, lead_type),
        wiring=replace(agreement.wiring, lead_types={"renewals": "existing_customer"}),
        backwards=(*agreement.backwards, Backward("rare", ("mql",), "nurture")),
        attempts=replace(agreement.attempts, counts=(*agreement.attempts.counts, touch)),
        evidence=(*agreement.evidence, proof),
        exclusions=tuple(
            replace(each, condition=replace(each.condition, entries=frozenset())) for each in agreement.exclusions
        ),
    )


def _means_the_same(one: Agreement, other: Agreement) -> bool:
    definitions = of_definitions(one) == of_definitions(other)
    return definitions and of_wiring(one.wiring, one.write_back) == of_wiring(other.wiring, other.write_back)


def _names(value: Any, *, top: bool = True) -> Iterator[str]:
    """The names of all terms: their `name`, a scoring rule's own key, the key of an entry that has no name."""
    if not is_dataclass(value):
        return
    for each in fields(value):
        inside = getattr(value, each.name)
        if each.name in ("wiring", *UNSIGNED) and top:
            continue
        if isinstance(inside, Mapping) and top and not all(map(is_dataclass, inside.values())):
            yield from inside
        for one in (
            inside.values() if isinstance(inside, Mapping) else inside if isinstance(inside, tuple) else [inside]
        ):
            if is_dataclass(one):
                yield from filter(None, [_name(one)])
                yield from _names(one, top=False)


def _name(term: Any) -> str | None:
    said = getattr(term, "name", None) or getattr(term, "path", None) or getattr(term, "field", None)
    named = not type(term).__name__.startswith(("Condition", "FieldSpec"))
    return str(said).rsplit(".", 1)[-1] if said and named else None


def _changes(value: Any, hint: Any, where: str) -> Iterator[tuple[str, Any]]:
    """The value with one thing in it changed, each way in turn, and where that was."""
    if is_dataclass(value) and not isinstance(value, type):
        hints = get_type_hints(type(value), localns={"Texts": object} if type(value) is not Agreement else None)
        for each in fields(value):
            if (type(value), each.name) in REPEATS or (type(value) is Agreement and each.name in UNSIGNED):
                continue
            place = f"{type(value).__name__}.{each.name}"
            for inner, changed in _changes(getattr(value, each.name), hints[each.name], place):
                yield inner, replace(value, **{each.name: changed})
    elif isinstance(value, tuple):
        inside = get_args(hint) or (str, ...)
        if ... in inside:
            yield from ((f"{where}, one fewer", value[:-1]) for _ in value[:1])
            yield from ((f"{where}, in another order", value[::-1]) for _ in value[1:2])
            yield from ((f"{where}, one more", (*value, new)) for new in _new(inside[0], len(value)))
            inside = inside[:1] * len(value)
        for position, each in enumerate(value):
            for inner, changed in _changes(each, inside[position], where):
                yield inner, (*value[:position], changed, *value[position + 1 :])
    elif isinstance(value, Mapping):
        inner_hint = (get_args(hint) or (str, str))[1]
        for key, each in value.items():
            yield f"{where}, without {key}", {name: one for name, one in value.items() if name != key}
            for inner, changed in _changes(each, inner_hint, where):
                yield inner, {**value, key: changed}
    else:
        yield from ((where, new) for new in _other(value, hint))


def _other(value: Any, hint: Any) -> Iterator[Any]:
    """Other values of a plain kind."""
    options = [one for part in _parts(hint) if get_origin(part) is Literal for one in get_args(part)]
    if options:
        yield from (one for one in options if one != value)
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield value + 1
    elif isinstance(value, str):
        yield f"{value} other"
    elif isinstance(value, frozenset):
        yield value | {date(2026, 12, 31) if "date" in str(hint) else "added.example"}
    elif isinstance(value, ZoneInfo):
        yield ZoneInfo("Europe/Warsaw")
    elif isinstance(value, time):
        yield value.replace(minute=45)
    elif isinstance(value, date):
        yield value + timedelta(days=1)
    if value is None:
        yield from (new for part in _parts(hint) if part is not types.NoneType for new in _new(part, 1))
    elif types.NoneType in _parts(hint):
        yield None


def _new(hint: Any, number: int) -> Iterator[Any]:
    """A value of a plain kind; a whole new term is made by hand in `_with_rare_terms`."""
    plain = {str: "another", int: number + 3, float: number + 3.5, bool: True}
    for part in _parts(hint):
        if part in plain:
            yield plain[part]
        elif get_origin(part) is tuple:
            yield tuple(new for inner in get_args(part) for new in _new(inner, number))


def _parts(hint: Any) -> tuple[Any, ...]:
    union = get_origin(hint) in (Union, types.UnionType)
    return tuple(inner for part in get_args(hint) for inner in _parts(part)) if union else (hint,)
