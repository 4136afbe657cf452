"""Every rule of an agreement is one plain English sentence; no rule changes and leaves all sentences as they were."""

from __future__ import annotations

import types
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import date, time, timedelta
from itertools import pairwise
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import pytest

from connector.agreement import Agreement, load_agreement
from connector.agreement.fingerprint import of_definitions, of_wiring
from connector.agreement.sentences import read_back
from connector.agreement.terms import Condition, Rule

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


def test_every_named_term_has_a_sentence_of_its_own(shipped: Agreement) -> None:
    """A stage, rule, status, goal ... that is in the agreement is in the text, under its own name."""
    names = Counter(_names(shipped))
    last = Counter(each.path.rsplit(".", 1)[-1] for each in read_back(shipped) if not each.path.startswith("hubspot."))
    wrong = {name: (wanted, last[name]) for name, wanted in names.items() if last[name] < wanted}

    assert wrong == {}, f"(terms so named, sentences so named): {wrong}; say them in connector/agreement/sentences/"


def test_no_term_can_change_without_a_sentence_that_changes(shipped: Agreement) -> None:
    """Whatever changes a fingerprint changes a sentence, so that nobody signs what they could not read.

    Every field of every term is changed in turn, also those that somebody added after this test was written.
    """
    rich = _with_all_terms(shipped)
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


def _with_all_terms(agreement: Agreement) -> Agreement:
    """The agreement with one of every kind of term that it could have and has not, so that their fields are changed,
    too; without the entries of its lists, which are many."""
    exclusions = tuple(
        replace(each, condition=replace(each.condition, entries=frozenset())) for each in agreement.exclusions
    )
    shorter: Agreement = replace(agreement, exclusions=exclusions)
    full: Agreement = _filled(shorter, Agreement, set(_set(shorter)))
    return full


def _set(value: Any) -> Iterator[tuple[type, str]]:
    """The fields that hold something other than None in some term."""
    if is_dataclass(value):
        for each in fields(value):
            inside = getattr(value, each.name)
            if inside is not None:
                yield type(value), each.name
            yield from _set(inside)
    elif isinstance(value, (tuple, Mapping)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _set(each)


def _filled(value: Any, hint: Any, done: set[tuple[type, str]]) -> Any:
    """The value with a made term where there is none: in empty tuples and mappings, and once where None stands."""
    if is_dataclass(value) and not isinstance(value, type):
        hints, inside = _hints(type(value)), {}
        for each in fields(value):
            if type(value) is Agreement and each.name in UNSIGNED:
                continue
            term, key = _term(hints[each.name]), (type(value), each.name)
            now = getattr(value, each.name)
            if now is None and term and key not in done:
                done.add(key)
                now = _made(term)
            inside[each.name] = _filled(now, hints[each.name], done)
        return replace(value, **inside)
    if isinstance(value, tuple):
        inner = (get_args(hint) or (str,))[0]
        return tuple(_filled(each, inner, done) for each in value or filter(None, [_made(_term(inner))]))
    if isinstance(value, Mapping):
        inner = (get_args(hint) or (str, str))[1]
        made = _made(_term(inner))
        return {key: _filled(each, inner, done) for key, each in (value or ({"made": made} if made else {})).items()}
    return value


def _term(hint: Any) -> type | None:
    """The kind of term a hint speaks of, looked through None."""
    return next((part for part in _parts(hint) if is_dataclass(part)), None)


def _made(term: type | None) -> Any:
    """A term with what must be said of it and nothing else."""
    if term is None:
        return None
    hints = _hints(term)
    needed = [each for each in fields(term) if each.default is MISSING and each.default_factory is MISSING]
    return term(**{each.name: _least(hints[each.name], f"{term.__name__} {each.name}".lower()) for each in needed})


def _least(hint: Any, text: str) -> Any:
    """The plainest value of a kind."""
    part = _parts(hint)[0]
    if get_origin(part) is Literal:
        return get_args(part)[0]
    plain = {str: text, int: 2, float: 2.0, bool: False, date: date(2026, 5, 1)}
    if part in plain:
        return plain[part]
    return _made(part) if is_dataclass(part) else get_origin(part)() if get_origin(part) in (tuple, frozenset) else {}


def _hints(term: type) -> dict[str, Any]:
    return get_type_hints(term, localns={"Texts": object} if term is not Agreement else None)


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
        hints = _hints(type(value))
        for each in fields(value):
            if (type(value), each.name) in REPEATS or (type(value) is Agreement and each.name in UNSIGNED):
                continue
            place = f"{type(value).__name__}.{each.name}"
            for inner, changed in _changes(getattr(value, each.name), hints[each.name], place):
                yield inner, replace(value, **{each.name: changed})
    elif isinstance(value, tuple):
        yield from _changes_of_tuple(value, get_args(hint) or (str, ...), where)
    elif isinstance(value, Mapping):
        yield from _changes_of_mapping(value, (get_args(hint) or (str, str))[1], where)
    else:
        yield from ((where, new) for new in _other(value, hint))


def _changes_of_tuple(value: tuple[Any, ...], hints: tuple[Any, ...], where: str) -> Iterator[tuple[str, Any]]:
    if ... in hints:
        yield from ((f"{where}, one fewer", value[:-1]) for _ in value[:1])
        yield from ((f"{where}, in another order", value[::-1]) for _ in value[1:2])
        yield from ((f"{where}, one more", (*value, new)) for new in _new(hints[0], len(value)))
        hints = hints[:1] * len(value)
    for position, each in enumerate(value):
        for inner, changed in _changes(each, hints[position], where):
            yield inner, (*value[:position], changed, *value[position + 1 :])


def _changes_of_mapping(value: Mapping[Any, Any], hint: Any, where: str) -> Iterator[tuple[str, Any]]:
    if all(isinstance(key, str) for key in value):
        yield from ((f"{where}, one more", {**value, "another": new}) for new in _new(hint, len(value)))
    for key, each in value.items():
        yield f"{where}, without {key}", {name: one for name, one in value.items() if name != key}
        for inner, changed in _changes(each, hint, where):
            yield inner, {**value, key: changed}


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
    """A value of a plain kind; whole new terms are there already, put in by `_with_all_terms`."""
    plain = {str: "another", int: number + 3, float: number + 3.5, bool: True, ZoneInfo: ZoneInfo("Europe/Warsaw")}
    for part in _parts(hint):
        if part in plain:
            yield plain[part]
        elif get_origin(part) is tuple:
            yield tuple(new for inner in get_args(part) for new in _new(inner, number))


def _parts(hint: Any) -> tuple[Any, ...]:
    union = get_origin(hint) in (Union, types.UnionType)
    return tuple(inner for part in get_args(hint) for inner in _parts(part)) if union else (hint,)
