"""
Conditions as closures: compiled once per agreement, asked once per person.

A condition answers True, False, or None where the field is unknown. A list of domains is matched by registrable
domain ("hotmail.co.uk") or by family ("hotmail"), never by how a text ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from connector.agreement.terms import Condition, Plain
from connector.agreement.words import fold
from connector.model import Value

Values = Mapping[str, Value]
Test = Callable[[Values], bool | None]

_DOMAIN_FIELDS = ("email_domain", "company_domain")
_REMEMBERED = 16_384


@cache
def _split() -> Any:
    import tldextract  # noqa: PLC0415 - an HTTP library comes along, which who decides on nobody need not load

    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)  # the bundled list: no network, no cache file


@lru_cache(maxsize=16384)
def folded(text: str) -> str:
    """`fold`, remembered: titles and countries repeat."""
    return fold(text)


@lru_cache(maxsize=16384)
def domain_names(host: str) -> tuple[str, str]:
    """The registrable domain of a host and its family: ("hotmail.co.uk", "hotmail")."""
    parts = _split()(host.strip().rstrip("."))
    if parts.suffix:
        return f"{parts.domain}.{parts.suffix}".lower(), parts.domain.lower()
    labels = host.lower().strip(".").split(".")  # an ending nobody has listed is taken as one label
    return ".".join(labels[-2:]), labels[-2] if len(labels) > 1 else labels[-1]


def email_domain(email: object) -> str | None:
    """What stands behind the last @ of an address, in lower case."""
    if not isinstance(email, str):
        return None
    _, at, domain = email.rpartition("@")
    return domain.strip().lower() if at and domain.strip() else None


def compile_condition(condition: Condition) -> Test:
    """The condition as a function of a person's fields."""
    name = condition.field
    if condition.operator == "is_known":
        return lambda values: values.get(name) is not None
    if condition.operator == "is_unknown":
        return lambda values: values.get(name) is None
    holds = _holds(condition)

    def test(values: Values) -> bool | None:
        value = values.get(name)
        return None if value is None else holds(value)

    return test


class Questions:
    """Conditions that are asked together: a value that was met before is not judged again.

    What is kept are verdicts, one number per field and one tuple per person: people of whom everything asked is
    equally true have the same tuple, so that whatever follows from it has to be worked out once.
    """

    def __init__(self, conditions: Sequence[Condition]) -> None:
        by_field: dict[str, list[Condition]] = {}
        for each in conditions:
            by_field.setdefault(each.field, []).append(each)
        judged = {name: asked for name, asked in by_field.items() if any(map(_looks_at_value, asked))}
        self._judged = [(name, _Verdicts(name, list(map(compile_condition, asked)))) for name, asked in judged.items()]
        # Names and telephone numbers are nearly everybody's own: of them there is nothing to remember.
        self._only_known = [name for name in by_field if name not in judged]

    def verdicts(self, values: Values) -> tuple[int, ...]:
        """The answers to all questions, as something to look up by."""
        get = values.get
        found = [verdicts[get(name)] for name, verdicts in self._judged]
        if self._only_known:
            found += [get(name) is None for name in self._only_known]
        return tuple(found)


def _looks_at_value(condition: Condition) -> bool:
    return condition.operator not in ("is_known", "is_unknown")


class _Verdicts(dict[Value, int]):
    """Per value of one field the answers of its tests, as the digits of a number: no, yes, unknown."""

    def __init__(self, name: str, tests: Sequence[Test]) -> None:
        super().__init__()
        self._name, self._tests = name, tests

    def __missing__(self, value: Value) -> int:
        if len(self) >= _REMEMBERED:
            self.clear()
        verdict = 0
        for test in self._tests:
            answer = test({self._name: value})
            verdict = verdict * 3 + (2 if answer is None else int(answer))
        self[value] = verdict
        return verdict


def _holds(condition: Condition) -> Callable[[Value], bool]:
    values = condition.values
    if condition.operator == "at_least":
        return _number_test(float(values[0]), float("inf"))
    if condition.operator == "at_most":
        return _number_test(float("-inf"), float(values[0]))
    if condition.operator == "between":
        return _number_test(float(values[0]), float(values[1]))
    if condition.operator == "contains_any_of":
        return _phrase_test([str(value) for value in values], condition.unless)
    if condition.operator == "in_list":
        return _domain_test(condition.entries) if condition.field in _DOMAIN_FIELDS else _member_test(condition.entries)
    return _equal_test(values)


def _number_test(low: float, high: float) -> Callable[[Value], bool]:
    def holds(value: Value) -> bool:
        return isinstance(value, (int, float)) and low <= value <= high

    return holds


def _phrase_test(wanted: list[str], unless: tuple[str, ...]) -> Callable[[Value], bool]:
    holds_wanted, holds_unless = _finder(wanted), _finder(unless)

    @lru_cache(maxsize=16384)
    def says(value: str) -> bool:
        words = folded(value).split()
        return holds_wanted(words) and not holds_unless(words)

    return lambda value: says(" ".join(value) if isinstance(value, tuple) else _text(value))


def _text(value: Value) -> str:
    """A value as text; equal numbers read alike."""
    return f"{value:.15g}" if isinstance(value, (int, float)) else str(value)


def _finder(texts: Iterable[str]) -> Callable[[list[str]], bool]:
    """Whether some words in a row are one of the phrases; thousands of phrases cost no more than ten."""
    phrases = frozenset(phrase for each in texts if (phrase := fold(each)))
    lengths = sorted({len(phrase.split()) for phrase in phrases})

    def finds(words: list[str]) -> bool:
        return any(
            " ".join(words[first : first + length]) in phrases
            for length in lengths
            for first in range(len(words) - length + 1)
        )

    return finds


def _equal_test(values: tuple[Plain, ...]) -> Callable[[Value], bool]:
    texts = frozenset(fold(each) for each in values if isinstance(each, str))
    others = frozenset(each for each in values if not isinstance(each, str))

    def holds(value: Value) -> bool:
        if isinstance(value, str):
            return folded(value) in texts
        if isinstance(value, tuple):
            return any(folded(each) in texts for each in value)
        return value in others

    return holds


@lru_cache(maxsize=32)  # as below
def _member_test(entries: frozenset[str]) -> Callable[[Value], bool]:
    return _equal_test(tuple(entries))


@lru_cache(maxsize=32)  # thousands of entries, and every lead type asks for the same
def _domain_test(entries: frozenset[str]) -> Callable[[Value], bool]:
    domains = frozenset(each for each in entries if "." in each)
    families = frozenset(each for each in entries if "." not in each)

    def holds(value: Value) -> bool:
        registrable, family = domain_names(str(value))
        return registrable in domains or family in families or str(value) in domains

    return holds
