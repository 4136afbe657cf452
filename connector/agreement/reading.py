"""
One reading of an agreement's folder: the problems found so far and what the files may refer to.

Building goes on after a problem, so that all of them are told at once; what could not be built is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from connector.agreement.complaints import did_you_mean
from connector.agreement.lists import list_entries, list_names
from connector.agreement.shapes.base import ConditionShape, Plain
from connector.agreement.source import Source, shown
from connector.agreement.terms import Condition, Operator
from connector.agreement.vocabulary import DERIVED, PERSON
from connector.agreement.wiring import FieldType
from connector.agreement.words import fold
from connector.errors import Problem

_OPERATORS: tuple[Operator, ...] = get_args(Operator)
_FITTING: dict[str, tuple[FieldType, ...]] = {
    "contains_any_of": ("text", "list"),
    "at_least": ("number",),
    "at_most": ("number",),
    "between": ("number",),
    "in_list": ("text", "list"),
}


@dataclass(slots=True)
class Reading:
    """What is known while the terms are built: where we are, what exists, what is wrong."""

    folder: Path
    problems: list[Problem] = field(default_factory=list)
    types: dict[str, FieldType] = field(default_factory=lambda: dict(PERSON))
    mapped: set[str] = field(default_factory=set)  # person fields that the CRM's file maps
    crm_file: str = ""
    used: dict[str, str] = field(default_factory=dict)  # person field -> where it was first used
    left_out: set[str] = field(default_factory=set)  # names of parts too misshapen to be built
    lists: dict[str, frozenset[str]] = field(default_factory=dict)

    def known(self, source: Source, path: Sequence[str | int], what: str, name: str, names: Iterable[str]) -> bool:
        """Whether a name exists among `names`; complains where it does not."""
        names = list(names)
        if name in names:
            return True
        self.problems.append(source.problem(path, f'unknown {what} "{name}".', did_you_mean(name, names)))
        return False

    def complain(self, source: Source, path: Sequence[str | int], what: str, fix: str = "") -> None:
        """Note what is wrong and go on."""
        self.problems.append(source.problem(path, what, fix))

    def use(self, source: Source, path: Sequence[str | int], name: str) -> bool:
        """Note that a rule needs a person's field; complains when nobody knows it."""
        if not self.known(source, path, "field", name, [*self.types, *DERIVED]):
            return False
        for needed in DERIVED.get(name, (name,)):
            self.used.setdefault(needed, source.where(path))
        return True

    def condition(
        self, source: Source, path: Sequence[str | int], shape: ConditionShape, field_name: str | None = None
    ) -> Condition | None:
        """The question a line asks, checked: one known field, one operator that fits its type."""
        name = shape.field or field_name
        if name is None:
            self.complain(source, path, "names no field.", 'Add field = "...".')
            return None
        if not self.use(source, path, name):
            return None
        said = _operators(shape)
        if len(said) != 1:
            what = "has no operator." if not said else f"has several operators: {', '.join(said)}."
            self.complain(source, path, what, f"Give one of: {', '.join(_OPERATORS)}.")
            return None
        operator, value = said[0], _value(shape, said[0])
        if not self._fits(source, path, name, operator, value):
            return None
        if shape.unless_any_of is not None and not self._unless_fits(source, path, operator, shape):
            return None
        entries = self.list_entries(source, path, str(value[0])) if operator == "in_list" else frozenset()
        return Condition(name, operator, value, tuple(map(fold, shape.unless_any_of or ())), entries)

    def _unless_fits(
        self, source: Source, path: Sequence[str | int], operator: Operator, shape: ConditionShape
    ) -> bool:
        """Whether the exceptions of a line can do anything, and do not take everything."""
        unless = {fold(each) for each in shape.unless_any_of or ()}
        if operator != "contains_any_of":
            self.complain(source, path, "unless_any_of goes only with contains_any_of.", "Remove it.")
        elif "" in unless:
            self.complain(source, path, "unless_any_of holds a text without a letter or digit.", "Remove it.")
        elif both := [each for each in shape.contains_any_of or () if fold(each) in unless]:
            what = f'"{both[0]}" stands in contains_any_of and in unless_any_of, so it never holds.'
            self.complain(source, path, what, "Remove it from one of them.")
        else:
            return True
        return False

    def _fits(
        self, source: Source, path: Sequence[str | int], name: str, operator: Operator, value: tuple[Plain, ...]
    ) -> bool:
        """Whether the operator and its values suit the field's type."""
        kind = self.types.get(name, "text")
        if kind not in _FITTING.get(operator, (kind,)):
            what = f"{operator} does not work on {name}, which is {kind}."
            self.complain(source, path, what, _operator_for(kind))
            return False
        if operator in ("is", "is_any_of") and kind == "datetime":
            self.complain(source, path, f"{operator} does not work on {name}, which is a date.", _operator_for(kind))
            return False
        if operator in ("is", "is_any_of") and not all(_suits(kind, each) for each in value):
            self.complain(source, path, f"{name} is {kind}, and this compares it with something else.", _write(kind))
            return False
        if operator == "between" and (len(value) != 2 or not value[0] <= value[1]):  # type: ignore[operator]  # numbers
            self.complain(source, path, "between needs two numbers, the smaller first.", "Write between = [200, 1000].")
            return False
        if operator in ("is_any_of", "contains_any_of") and not value:
            self.complain(source, path, f"{operator} is empty, so it never holds.", "Add a value or remove the line.")
            return False
        if operator == "contains_any_of" and not all(fold(str(each)) for each in value):
            self.complain(source, path, "contains_any_of holds a text without a letter or digit.", "Remove it.")
            return False
        return True

    def list_entries(self, source: Source, path: Sequence[str | int], name: str) -> frozenset[str]:
        """The lines of lists/NAME.txt, with the library's entries for a list that we ship by name."""
        if name not in self.lists:
            self.lists[name] = self._read_list(source, path, name)
        return self.lists[name]

    def _read_list(self, source: Source, path: Sequence[str | int], name: str) -> frozenset[str]:
        """What a list holds; complains of the list where it stands, and of a name that no list has where it is used."""
        place = f"{shown(self.folder)}/lists/{name}.txt"
        known = len(self.problems)
        entries = list_entries(self.folder, name, place, self.problems)
        if entries is None and len(self.problems) == known:
            what = f"the list file {place} does not exist."
            self.complain(source, path, what, did_you_mean(name, list_names(self.folder)))
        return entries or frozenset()


def _operators(shape: ConditionShape) -> list[Operator]:
    return [each for each in _OPERATORS if getattr(shape, "is_" if each == "is" else each) is not None]


def _value(shape: ConditionShape, operator: Operator) -> tuple[Plain, ...]:
    value = getattr(shape, "is_" if operator == "is" else operator)
    return tuple(value) if isinstance(value, list) else (value,)


def _suits(kind: FieldType, value: Plain) -> bool:
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "bool":
        return isinstance(value, bool)
    return isinstance(value, str)


def _operator_for(kind: FieldType) -> str:
    if kind == "number":
        return "Use at_least, at_most, between, is or is_any_of."
    if kind == "text":
        return "Use is, is_any_of, contains_any_of or in_list, or declare the property's type as number."
    if kind == "bool":
        return "Use is, is_known or is_unknown."
    return "Use is_known or is_unknown."


def _write(kind: FieldType) -> str:
    return {"number": "Write a number without quotes.", "bool": "Write true or false."}.get(
        kind, "Write text in quotes."
    )
