"""Questions about fields: what every rule that asks for something is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Operator = Literal[
    "is", "is_any_of", "contains_any_of", "at_least", "at_most", "between", "is_known", "is_unknown", "in_list"
]
Plain = str | float | bool


@dataclass(frozen=True, slots=True)
class Condition:
    """One question about one field. A field that is unknown answers neither yes nor no, except to is_unknown."""

    field: str
    operator: Operator
    values: tuple[Plain, ...] = ()
    unless: tuple[str, ...] = ()
    entries: frozenset[str] = frozenset()  # what `in_list` resolved to, folded
