"""
`$filter`, as much of it as a connector may need; whatever is not understood is refused, never ignored.

Texts compare without regard to case, as the database behind Dataverse does; `ne` finds what is unset, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connector.sandbox.clock import iso_date, to_ms
from connector.sandbox.dataverse.errors import malformed, refused
from connector.sandbox.dataverse.rows import Value
from connector.sandbox.dataverse.schema import DATES, LOOKUPS, Column, Ref

Test = Callable[[Any], bool]
#: How a filter finds a column: its shape and a function that reads it; Refusal for a name there is none of.
Find = Callable[[str], tuple[Column, Callable[[Any], Value]]]

_TOKENS = re.compile(
    r"""\s*(?:
        (?P<enum>Microsoft\.Dynamics\.CRM\.\w+'[^']*')
      | (?P<text>'(?:[^']|'')*')
      | (?P<guid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})
      | (?P<instant>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))
      | (?P<date>\d{4}-\d\d-\d\d)
      | (?P<number>-?\d+(?:\.\d+)?)
      | (?P<word>[A-Za-z_][\w./]*)
      | (?P<mark>[(),\[\]=])
    )""",
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a is not None and a > b,
    "ge": lambda a, b: a is not None and a >= b,
    "lt": lambda a, b: a is not None and a < b,
    "le": lambda a, b: a is not None and a <= b,
}
_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
}
_CRM = "Microsoft.Dynamics.CRM."
#: Query functions with whether they want the values to be there.
_MEMBER_TESTS = {
    f"{_CRM}In": True,
    f"{_CRM}NotIn": False,
    f"{_CRM}ContainValues": True,
    f"{_CRM}DoesNotContainValues": False,
}


def parsed(text: str, find: Find, most: int) -> Test:
    """The test that a filter means; Refusal 400 for one that is not understood, or has more than `most` conditions."""
    return _Filter(text, find, most).whole()


def pointed_at(text: str) -> list[tuple[str, str]] | None:
    """The columns and ids of a filter that asks for nothing but `_lookup_value eq id or rowid eq id or ...`."""
    found = [_BY_ID.fullmatch(term) for term in text.split(" or ")]
    pairs = [(one[1] or one[2], one[3].lower()) for one in found if one]
    return pairs if len(pairs) == len(found) else None


_BY_ID = re.compile(r"\s*\(?\s*(?:_(\w+)_value|(\w+)) eq ([0-9a-fA-F-]{36})\s*\)?\s*")


class _Filter:
    """One filter being read, from left to right."""

    def __init__(self, text: str, find: Find, most: int) -> None:
        self._find = find
        self._left, self._values_left = most, 4 * most
        self._tokens = _tokens(text)
        self._place = 0

    def whole(self) -> Test:
        test = self._either()
        if self._place < len(self._tokens):
            raise malformed(f"Syntax error in $filter at {self._tokens[self._place][1]!r}.")
        return test

    def _either(self) -> Test:
        tests = [self._both()]
        while self._took("or"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._took("and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._took("not"):
            test = self._one()
            return lambda row: not test(row)
        if self._took("("):
            test = self._either()
            self._must(")")
            return test
        word = self._next("word")
        self._left -= 1
        if self._left < 0:
            raise refused("TooManyConditions", "Number of conditions in query exceeded maximum limit.")
        if word in _TEXT_TESTS:
            return self._text_test(word)
        if word in _MEMBER_TESTS:
            return self._member_test(word)
        if self._peek() == "(":
            raise malformed(f"The query function {word} is not supported in $filter.")
        return self._comparison(word)

    def _comparison(self, name: str) -> Test:
        column, read = self._find(name)
        operator = self._next("word")
        if operator not in _COMPARE:
            raise malformed(f"{operator!r} is no operator of $filter.")
        value = _comparable(column, self._literal(column))
        if value is None and operator not in ("eq", "ne"):
            raise malformed(f"null cannot be compared by {operator}.")
        compare = _COMPARE[operator]
        try:
            compare(value, value)
        except TypeError:
            raise malformed(f"A column of the type of {name} cannot be compared by {operator}.") from None
        return lambda row: compare(_comparable(column, read(row)), value)

    def _text_test(self, function: str) -> Test:
        self._must("(")
        column, read = self._find(self._next("word"))
        self._must(",")
        part = str(self._literal(column)).lower()
        self._must(")")
        test = _TEXT_TESTS[function]
        return lambda row: (value := read(row)) is not None and test(str(value).lower(), part)

    def _member_test(self, function: str) -> Test:
        """`Microsoft.Dynamics.CRM.In(PropertyName='x',PropertyValues=['1','2'])`."""
        self._must("(")
        self._must("PropertyName")
        self._must("=")
        column, read = self._find(self._next("text")[1:-1])
        self._must(",")
        self._must("PropertyValues")
        self._must("=")
        self._must("[")
        values = [_from_text(column, self._next("text")[1:-1])]
        while self._took(","):
            values.append(_from_text(column, self._next("text")[1:-1]))
        self._must("]")
        self._must(")")
        self._values_left -= len(values)
        if self._values_left < 0:
            raise refused("TooManyValues", "Number of parameters in a condition exceeded maximum limit.")
        wanted = {_comparable(column, value) for value in values}
        is_in = _MEMBER_TESTS[function]
        return lambda row: any(one in wanted for one in _parts(column, read(row))) == is_in

    def _literal(self, column: Column) -> Value:
        kind, text = self._tokens[self._place] if self._place < len(self._tokens) else ("end", "the end")
        self._place += 1
        if kind == "word":
            if text not in ("null", "true", "false"):
                raise malformed(f"Could not find a value at {text!r} in $filter.")
            return None if text == "null" else text == "true"
        read = _LITERALS.get(kind)
        if read is None:
            raise malformed(f"Could not find a value at {text!r} in $filter.")
        value = read(text)
        _must_suit(column, kind, text)
        return value

    def _peek(self) -> str:
        return self._tokens[self._place][1] if self._place < len(self._tokens) else ""

    def _took(self, text: str) -> bool:
        if self._peek() != text:
            return False
        self._place += 1
        return True

    def _must(self, text: str) -> None:
        if not self._took(text):
            raise malformed(f"{text!r} expected in $filter, not {self._peek() or 'the end'!r}.")

    def _next(self, kind: str) -> str:
        if self._place >= len(self._tokens) or self._tokens[self._place][0] != kind:
            raise malformed(f"A {kind} expected in $filter, not {self._peek() or 'the end'!r}.")
        self._place += 1
        return self._tokens[self._place - 1][1]


_LITERALS: dict[str, Callable[[str], Value]] = {
    "text": lambda text: text[1:-1].replace("''", "'"),
    "enum": lambda text: text.partition("'")[2][:-1],
    "guid": str.lower,
    "number": lambda text: Decimal(text) if "." in text else int(text),
    "instant": lambda text: to_ms(datetime.fromisoformat(text)),
    "date": lambda text: text,
}
#: Which literals go with which columns; a mismatch is refused, as it is by the real service.
_NUMBERS = ("integer", "bigint", "decimal", "double", "money", "base", "choice", "state", "status")


def _must_suit(column: Column, kind: str, text: str) -> None:
    wanted = {"guid": "guid"} if column.kind in (*LOOKUPS, "id", "guid") else {}
    if column.kind in _NUMBERS:
        wanted = {"number": "number"}
    elif column.kind in DATES:
        wanted = {"instant": "instant", "date": "date"}
    elif column.kind == "dateonly":
        wanted = {"date": "date"}
    elif column.kind in ("string", "memo", "choices"):
        wanted = {"text": "text", "enum": "enum"}
    if kind not in wanted:
        raise malformed(f"A binary operator with incompatible types was detected: {column.told_as} and {text}.")


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKENS.match(text, place)
        if match is None or match.lastgroup is None:
            raise malformed(f"Syntax error at position {place} in $filter.")
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


def _comparable(column: Column, value: Value) -> Any:
    """A value as it compares: ids as texts, texts without case, dates of instants as instants."""
    if value is None:
        return None
    if isinstance(value, Ref):
        return value.id
    if isinstance(value, str):
        if column.kind in DATES:
            return to_ms(datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC))
        return value.lower()
    if column.kind == "dateonly" and isinstance(value, int):
        return iso_date(value)
    return value


def _parts(column: Column, value: Value) -> list[Any]:
    return list(value) if isinstance(value, tuple) and not isinstance(value, Ref) else [_comparable(column, value)]


def _from_text(column: Column, text: str) -> Value:
    """A value of a list, where all of them stand in quotes."""
    if column.kind in (*_NUMBERS, "choices"):
        try:
            return int(text)
        except ValueError:
            raise malformed(f"{text!r} is no number, as {column.name} holds.") from None
    return text.lower()
